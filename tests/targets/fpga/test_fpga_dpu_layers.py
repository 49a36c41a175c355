"""DPU layers: cycles of every engine, folding, maps on chip, traffic, the share of DDR, against closed formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import UnsupportedOp
from hwsim.core.graph import Graph, GraphBuilder, single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.engine.analytic import price_rows
from hwsim.targets.fpga.dpu.contention import ddr_load
from hwsim.targets.fpga.dpu.layers import Buffers, Lowered, quantised

PP, ICP, OCP = 8, 16, 16
MISC = 4  # rows of the miscellaneous engine
CONV: dict[str, Any] = {"n": 1, "c": 64, "h": 56, "w": 56, "k": 64, "r": 3, "s": 3, "stride": 1, "pad": 1}


def composed(**values: Any) -> Chip:
    return hwsim.load_chip("zcu102+dpuczdx8g", **values)


def run(kind: str, chip: Chip | None = None, mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return hwsim.simulate(single_op(kind, dtype="int8", **bounds), chip or composed(), mapping or {}, interval=False)


def slot(report: Report, name: str) -> float:
    index = next(i for i, s in enumerate(report.cost.program.slots) if s.name == name)
    return float(report.cost.program.counts @ report.cost.values[:, index])


@pytest.mark.parametrize(("c", "k", "h", "w", "r"), [(64, 64, 56, 56, 3), (65, 64, 56, 56, 1), (64, 17, 7, 7, 3), (256, 512, 14, 20, 1)])
def test_a_convolution_fills_rows_and_channels(c: int, k: int, h: int, w: int, r: int) -> None:
    report = run("conv2d", **{**CONV, "c": c, "k": k, "h": h, "w": w, "r": r, "s": r, "pad": r // 2})
    assert slot(report, "compute") == math.ceil(h / PP) * w * math.ceil(c / ICP) * math.ceil(k / OCP) * r * r


def test_map_of_whole_words_runs_at_the_peak() -> None:
    report = run("conv2d", **CONV)
    assert slot(report, "compute") == slot(report, "roofline") == report.macs / (PP * ICP * OCP)


@pytest.mark.parametrize(("taps", "augmented"), [(7, 7 * 2), (3, 3 * 1), (5, 5 * 1)])
def test_the_first_layer_folds_columns_into_free_lanes(taps: int, augmented: int) -> None:
    bounds = {**CONV, "c": 3, "r": taps, "s": taps, "pad": taps // 2}
    steps = 7 * 56 * 4
    assert slot(run("conv2d", **bounds), "compute") == steps * augmented
    assert slot(run("conv2d", composed(dpu_channel_augmentation=False), **bounds), "compute") == steps * taps * taps


def test_depthwise_convolutions_use_the_miscellaneous_lanes() -> None:
    bounds = {**CONV, "groups": 64}
    report = run("conv2d", **bounds)
    assert slot(report, "compute") == 0
    assert slot(report, "special") == 56 / MISC * 56 * 4 * 9
    doubled = run("conv2d", **{**bounds, "k": 128})
    assert slot(doubled, "special") == 2 * slot(report, "special"), "a multiplier of 2 takes two passes"


@pytest.mark.parametrize("side", [7, 19, 35, 150])
def test_depthwise_rows_come_in_groups_of_their_own(side: int) -> None:
    bounds = {**CONV, "h": side, "w": side, "groups": 64}
    assert slot(run("conv2d", **bounds), "special") == math.ceil(side / MISC) * side * 4 * 9
    assert slot(run("conv2d", composed(dpu_misc_pp=PP), **bounds), "special") == math.ceil(side / PP) * side * 4 * 9


def test_small_overlays_have_small_miscellaneous_engines() -> None:
    for name, rows in (("dpu_b512", 2), ("dpu_b800", 2), ("dpu_b1024", 4), ("dpu_b1152", 2), ("dpu_b4096", 4)):
        chip = hwsim.load_chip(f"zcu102+{name}")
        assert chip.number("dpu_misc_pp") == rows == chip.number("dpu_pp") / 2


def test_grouped_convolutions_pay_for_each_group() -> None:
    assert slot(run("conv2d", **{**CONV, "groups": 4}), "compute") == 4 * 7 * 56 * 1 * 1 * 9


def test_a_fully_connected_layer_waits_for_its_weights() -> None:
    report = run("matmul", m=1, k=25088, n=4096)
    assert slot(report, "compute") == math.ceil(25088 / ICP) * math.ceil(4096 / OCP)
    width = 2 * 16 * report.cost.program.chip.number("dpu_port_efficiency")
    assert slot(report, "load") == pytest.approx((25088 * 4096 + 25088 + 4096) / width)
    assert report.cycles == pytest.approx(slot(report, "load") + report.cost.program.chip.number("dpu_layer_cycles"))


def test_ports_options_and_efficiency_set_the_rate() -> None:
    one, two = (run("matmul", mapping={"axi_ports": n}, m=1, k=4096, n=4096) for n in (1, 2))
    wide = run("matmul", mapping={"port_bits": 256}, m=1, k=4096, n=4096)
    assert slot(one, "load") == 2 * slot(two, "load")
    assert slot(wide, "load") == pytest.approx(slot(two, "load") / 2)


def test_ports_never_draw_more_than_ddr_gives() -> None:
    chip = composed()
    report = run("matmul", mapping={"axi_ports": 64}, m=1, k=4096, n=4096)
    seconds = slot(report, "load") / report.cost.program.clock_hz
    assert (4096 * 4096 + 8192) / seconds == pytest.approx(chip.number("ddr_efficiency") * chip.number("ddr_channel_bytes_per_s"))


def test_a_pool_over_the_whole_map_sums_it_once() -> None:
    report = run("pool", n=1, c=512, h=7, w=7, r=7, s=7, stride=7)
    assert slot(report, "special") == math.ceil(7 / MISC) * 7 * math.ceil(512 / ICP)


def chain(side: int, channels: int) -> Graph:
    b = GraphBuilder("int8")
    x = b.tensor("image", (1, channels, side, side), role="input")
    sizes: dict[str, Any] = {"n": 1, "c": channels, "h": side, "w": side, "k": channels, "r": 1, "s": 1, "stride": 1, "pad": 0}
    for i in range(3):
        x = b.op("conv2d", f"conv{i}", [x], **sizes)
        x = b.op("elementwise", f"norm{i}", [x], function="batch_norm", rows=side * side, cols=channels, operands=1)
        x = b.op("elementwise", f"act{i}", [x], function="relu", rows=side * side, cols=channels, operands=1)
    return b.graph(trace="chain")


def test_activations_and_normalisation_fold_into_convolutions() -> None:
    lowered = Lowered(chain(14, 64), Buffers.of(composed()))
    assert len(lowered.layers) == 3 and len(lowered.folded) == 6 and not lowered.refused


def test_small_maps_stay_on_chip_and_large_ones_do_not() -> None:
    small, large = (Lowered(chain(side, 64), Buffers.of(composed())) for side in (14, 112))
    assert small.kept == {"conv0.out", "conv1.out"}
    assert not large.kept
    first, second, third = sorted(small.layers)
    pixels = 14 * 14 * 64
    assert small.traffic(first) == (64 * 64 + pixels, 0)
    assert small.traffic(second) == (64 * 64, 0)
    assert small.traffic(third) == (64 * 64, pixels)
    assert large.traffic(sorted(large.layers)[1]) == (64 * 64 + 112 * 112 * 64, 112 * 112 * 64)


def residual(side: int, channels: int) -> Graph:
    b = GraphBuilder("int8")
    x = b.tensor("image", (1, channels, side, side), role="input")
    sizes: dict[str, Any] = {"n": 1, "c": channels, "h": side, "w": side, "k": channels, "r": 1, "s": 1, "stride": 1, "pad": 0}
    first = b.op("conv2d", "first", [x], **sizes)
    second = b.op("conv2d", "second", [first], **sizes)
    b.op("elementwise", "sum", [second, first], function="add", rows=side * side, cols=channels, operands=2)
    return b.graph()


def test_a_sum_takes_the_convolution_in_front_of_it_strip_by_strip() -> None:
    large = residual(112, 64)
    lowered = Lowered(large, Buffers.of(composed()))
    assert lowered.kept == {"second.out"}, "whatever its size; the shortcut goes through memory"
    pixels = 112 * 112 * 64
    assert lowered.traffic(len(large.ops) - 1) == (pixels, pixels)


@pytest.mark.parametrize(("kind", "kept"), [("depthwise", True), ("dense", False)])
def test_the_miscellaneous_engine_writes_over_what_it_has_read(kind: str, kept: bool) -> None:
    b = GraphBuilder("int8")
    sizes: dict[str, Any] = {"n": 1, "c": 32, "h": 112, "w": 112, "k": 32, "r": 3, "s": 3, "stride": 1, "pad": 1}
    x = b.op("conv2d", "first", [b.tensor("image", (1, 3, 112, 112), role="input")], **{**sizes, "c": 3})
    x = b.op("conv2d", "second", [x], **{**sizes, "groups": 32 if kind == "depthwise" else 1})
    b.op("conv2d", "third", [x], **sizes)
    buffers = Buffers.of(composed())
    assert 112 * 112 * 32 < buffers.image_bytes < 2 * 112 * 112 * 32
    assert ("second.out" in Lowered(b.graph(), buffers).kept) == kept


def test_a_map_with_two_readers_goes_through_memory() -> None:
    b = GraphBuilder("int8")
    sizes: dict[str, Any] = {"n": 1, "c": 16, "h": 8, "w": 8, "k": 16, "r": 1, "s": 1, "stride": 1, "pad": 0}
    x = b.op("conv2d", "first", [b.tensor("image", (1, 16, 8, 8), role="input")], **sizes)
    y = b.op("conv2d", "second", [x], **sizes)
    b.op("elementwise", "sum", [x, y], function="add", rows=64, cols=16, operands=2)
    assert Lowered(b.graph(), Buffers.of(composed())).kept == {"second.out"}


def test_weights_and_maps_beyond_their_banks_are_read_again() -> None:
    buffers = Buffers.of(composed())
    big = single_op("conv2d", dtype="int8", **{**CONV, "c": 512, "k": 512, "h": 56, "w": 56})
    read, written = Lowered(big, buffers).traffic(0)
    maps, weights = 512 * 56 * 56, 512 * 512 * 9
    assert read == min(weights * math.ceil(maps / buffers.image_bytes) + maps, weights + maps * math.ceil(weights / buffers.weight_bytes))
    assert written == maps


def test_a_swish_takes_two_passes_and_is_not_folded() -> None:
    report = run("elementwise", rows=3136, cols=64, function="silu")
    assert slot(report, "special") == 56 / MISC * 56 * 4 * 2
    assert slot(report, "exposed") == 2 * report.cost.program.chip.number("dpu_layer_cycles")


def test_a_network_in_another_format_is_quantised() -> None:
    graph = hwsim.load_graph("resnet18")
    assert quantised(graph).weight_bytes == graph.weight_bytes / 2
    report = hwsim.simulate(graph, composed(), {}, interval=False)
    assert report.cycles == hwsim.simulate(hwsim.load_graph("resnet18", dtype="int8"), composed(), {}, interval=False).cycles
    assert any("quantised" in line for line in report.cost.program.assumptions)


@pytest.mark.parametrize("kind", ["lstm", "norm", "attention"])
def test_what_a_dpu_lacks_is_refused(kind: str) -> None:
    bounds: dict[str, dict[str, Any]] = {
        "lstm": {"input_size": 16, "hidden_size": 8}, "norm": {"rows": 4, "cols": 64},
        "attention": {"batch": 1, "heads": 4, "q": 16, "kv": 16, "head_dim": 32},
    }  # fmt: skip
    with pytest.raises(UnsupportedOp, match=kind):
        run(kind, **bounds[kind])


def test_softmax_runs_on_the_processor_or_on_its_core() -> None:
    chip = composed()
    on_processor = run("softmax", rows=100, cols=1000)
    assert on_processor.latency_s == pytest.approx(100_000 * chip.number("host_score_s"))
    on_core = run("softmax", mapping={"softmax_cores": 1}, rows=100, cols=1000)
    assert on_core.cycles == 100_000 / chip.number("softmax_scores_per_cycle")


def share(cores: float, **values: Any) -> float:
    target = load_target("fpga")
    program = target.map(hwsim.load_graph("resnet18", dtype="int8"), composed(**values), {"threads": "single"})
    return float(ddr_load(program.rows, program.counts, program.params[0], cores))


def test_the_share_of_ddr_solves_its_equation() -> None:
    program = load_target("fpga").map(hwsim.load_graph("resnet50", dtype="int8"), composed(), {"threads": "multi"})
    params = program.params
    values = price_rows(load_target("fpga").price, program)
    exposed = next(i for i, s in enumerate(program.slots) if s.name == "exposed")
    first = [i for i, s in enumerate(program.slots) if s.quantity == "cycles" and s.stage == 0]
    cycles = float(program.counts @ (values[:, first].max(axis=1) + values[:, exposed]))
    own = program.rows["beside"] == 0
    moved = float((program.counts * own) @ (program.rows["ddr_read"] + program.rows["ddr_write"]))
    chip = program.chip
    supply = chip.number("ddr_efficiency") * chip.number("ddr_channel_bytes_per_s") / program.clock_hz
    assert params["dpu_ddr_load"][0] == pytest.approx(2 * moved / (cycles * supply), rel=1e-9)


def test_one_core_has_ddr_to_itself() -> None:
    assert share(1) == pytest.approx(0, abs=1e-15)
    assert 0 < share(2) < share(3) < share(4) < 1


@settings(max_examples=40, deadline=None)
@given(
    c=st.integers(1, 300), k=st.integers(1, 300), side=st.integers(3, 60), r=st.sampled_from([1, 3]),
    more=st.sampled_from(["c", "k", "h", "w"]), by=st.integers(1, 40),
)  # fmt: skip
def test_more_work_never_takes_less_time(c: int, k: int, side: int, r: int, more: str, by: int) -> None:
    bounds = {**CONV, "c": c, "k": k, "h": side, "w": side, "r": r, "s": r, "pad": r // 2}
    if r == 3 and more == "c" and c < ICP:  # free lanes taken by channels are lanes that columns lose
        bounds["r"] = bounds["s"] = 1
        bounds["pad"] = 0
    assert run("conv2d", **{**bounds, more: bounds[more] + by}).cycles >= run("conv2d", **bounds).cycles


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(["dpu_port_efficiency", "dpu_layer_cycles", "ddr_efficiency", "host_pixel_s", "dpu_ports"]), factor=st.floats(0.5, 0.99),
    threads=st.sampled_from(["single", "multi"]),
)  # fmt: skip
def test_a_faster_part_never_slows_the_whole(name: str, factor: float, threads: str) -> None:
    graph, chip = hwsim.load_graph("resnet18", dtype="int8"), composed()
    value = max(1, round(chip.number(name) * factor)) if name == "dpu_ports" else chip.number(name) * factor
    changed, own = (hwsim.simulate(graph, made, {"threads": threads}, interval=False).latency_s for made in (composed(**{name: value}), chip))
    costs = name in ("dpu_layer_cycles", "host_pixel_s")
    assert (changed <= own * (1 + 1e-12)) if costs else (changed >= own * (1 - 1e-12))


def test_energy_adds_up_over_layers() -> None:
    report = hwsim.simulate(hwsim.load_graph("resnet18", dtype="int8"), composed(), {}, interval=False)
    assert sum(report.breakdown()["energy_j"].values()) == pytest.approx(report.energy_j)
    assert np.isfinite(report.cost.values).all()
