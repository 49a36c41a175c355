"""Networks on a cluster: what is fused, what lives in L3, how flows differ; microcontroller stacks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.report import Report

GAP8 = hwsim.load_chip("gap8")
DORY = {"flow": "dory"}


def run(name: str, chip: Any = GAP8, **mapping: Any) -> Report:
    return hwsim.simulate(hwsim.load_graph(name, dtype="int8"), chip, mapping, interval=False)


def l3_of(report: Report) -> dict[int, float]:
    """Bytes that each layer moves between L3 and L2."""
    program = report.cost.program
    return {op.layer or 0: float(program.rows["l3_bytes"][row]) for op, row in zip(program.graph.ops, program.row_of, strict=True) if row >= 0}


def test_maps_of_the_early_layers_live_in_l3_and_weights_stream() -> None:
    moved = l3_of(run("mobilenet-v1-1.0-224", flow="autotiler-2019", l1_bytes=50000, l2_bytes=350000))
    assert moved[3] - 64 * 9 == 112 * 112 * 64 + 56 * 56 * 64  # the published 1.0035 MB
    assert moved[7] - 128 * 9 == 56 * 56 * 128 + 28 * 28 * 128  # 0.5018 MB
    assert moved[26] == 1024 * 1024  # both maps fit


def test_a_network_that_fits_l2_reads_nothing_from_l3_under_the_autotiler() -> None:
    assert run("dory-residual-1").cost.bytes_by_level()["l3"] == 0
    assert run("dory-residual-1", **DORY).cost.bytes_by_level()["l3"] > 30000  # DORY loads weights layer by layer


def test_l3_bound_layers_take_the_time_of_the_transfer() -> None:
    report = run("mobilenet-v1-1.0-224", flow="autotiler-2019", l1_bytes=50000, l2_bytes=350000)
    assert report.part("cycles", layer=28) == pytest.approx(1024 * 1001 / 0.22, rel=0.05)


def test_a_network_larger_than_its_memories_is_refused() -> None:
    with pytest.raises(Infeasible, match="bytes of L3"):
        run("vgg16")
    with pytest.raises(Infeasible, match="bytes of L2"):
        run("mobilenet-v1-1.0-128", GAP8.replace(l3_bytes=0.0))
    with pytest.raises(Infeasible, match="a tile of a"):
        run("dory-penguinet", l1_bytes=800)
    with pytest.raises(Infeasible, match="smaller l1_bytes"):
        run("dory-penguinet", l2_bytes=1000)
    with pytest.raises(Infeasible, match="flash"):
        run("mobilenet-v1-1.0-224", hwsim.load_chip("cortex-m4"))


def test_activations_are_part_of_the_layer_before() -> None:
    report = run("dory-penguinet", **DORY)
    program = report.cost.program
    kinds = {op.kind for op, row in zip(program.graph.ops, program.row_of, strict=True) if row >= 0}
    assert kinds == {"conv2d", "pool", "matmul"}
    assert not program.warnings


@pytest.mark.parametrize("name", ["dory-penguinet", "dory-dronet", "dory-tcn-t", "mobilenet-v1-0.25-128"])
def test_wide_normalisation_constants_cost_time(name: str) -> None:
    assert run(name, flow="dory", bn_bits=64).cycles > run(name, flow="dory", bn_bits=32).cycles


@pytest.mark.parametrize("flow", ["dory", "autotiler-nntool", "autotiler-2019"])
def test_more_cores_never_slow_a_network_down(flow: str) -> None:
    times = [run("mobilenet-v1-0.25-128", flow=flow, cores=n, l1_bytes=38000).cycles for n in (1, 2, 4, 8)]
    assert times == sorted(times, reverse=True)
    assert 3 < times[0] / times[-1] < 8


def test_images_of_a_batch_run_one_after_another() -> None:
    one, four = (hwsim.simulate(hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8", batch=n), GAP8, DORY, interval=False) for n in (1, 4))
    assert four.cycles == pytest.approx(4 * one.cycles, rel=0.05)  # first and last tiles are exposed once
    assert four.cost.bytes_by_level()["l3"] == 4 * one.cost.bytes_by_level()["l3"]


def test_dory_runs_at_the_clock_of_its_description_unless_told() -> None:
    assert run("dory-penguinet", **DORY).cost.program.clock_hz == 100e6
    assert run("dory-penguinet", flow="dory", frequency_hz=50e6).cost.program.clock_hz == 50e6
    assert run("dory-penguinet").cost.program.clock_hz == 175e6


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["l3_bytes_per_cycle", "l3_later_bytes_per_cycle", "dma_in_bytes_per_cycle"]), st.floats(1.1, 4.0))
def test_a_faster_memory_never_slows_a_network(name: str, factor: float) -> None:
    faster = GAP8.replace(**{name: GAP8.number(name) * factor})
    for flow in ("dory", "autotiler-2019"):
        assert run("mobilenet-v1-0.5-128", faster, flow=flow).cycles <= run("mobilenet-v1-0.5-128", flow=flow).cycles


def test_transfers_hide_behind_the_arithmetic_but_for_blocking_ones() -> None:
    hidden, blocking = (run("mobilenet-v1-1.0-128", flow=f).cost.by_component("cycles")["l3"] for f in ("autotiler-nntool", "autotiler-2019"))
    assert hidden < 0.4 * blocking * 0.22 / 0.75 * 2


def test_microcontroller_stacks_rank_as_their_kernels_do() -> None:
    m4 = hwsim.load_chip("cortex-m4")
    rates = {f: run("mlperf-tiny-ic", m4, flow=f).metrics()["macs_per_cycle"] for f in ("plumerai", "x-cube-ai", "microtvm-native")}
    assert rates["plumerai"] > rates["x-cube-ai"] > rates["microtvm-native"] > 0.15
    dense = run("mlperf-tiny-ic", m4).metrics()["macs_per_cycle"]
    assert run("mlperf-tiny-kws", m4).metrics()["macs_per_cycle"] < dense  # depthwise layers cost more
    assert run("mlperf-tiny-ad", m4).metrics()["macs_per_cycle"] < dense  # weights are read once each


def test_a_part_sets_clock_and_energy() -> None:
    m4 = hwsim.load_chip("cortex-m4")
    slow = run("mlperf-tiny-ad", m4, part="stm32l476")
    assert slow.cost.program.clock_hz == 80e6
    assert slow.cycles == run("mlperf-tiny-ad", m4).cycles


def test_a_gating_mode_means_nothing_to_a_network() -> None:
    with pytest.raises(InvalidMapping, match="gating"):
        run("dory-penguinet", mode="mixed")
