"""Event-driven cores: closed forms by hand, the event loop against them, capacity, properties."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip
from hwsim.core.graph import single_op
from hwsim.core.op import Op
from hwsim.core.report import Report
from hwsim.targets.spiking.events import stream
from hwsim.targets.spiking.fanout import fan_out, mesh_hops

CONV = {"n": 1, "c": 3, "h": 5, "w": 6, "k": 4, "r": 3, "s": 3, "pad": 1}


def core(**constants: Any) -> Chip:
    return hwsim.load_chip("event-core-45nm").replace(**constants)


def run(kind: str = "matmul", chip: Chip | None = None, fidelity: str = "analytic", density: float = 1.0, seed: int = 1, *, bounds: dict[str, int],
        **attrs: Any) -> Report:  # fmt: skip
    graph = single_op(kind, dtype="int8", weight_density=density, attrs=attrs, **bounds)
    return hwsim.simulate(graph, chip or core(), {"seed": seed}, interval=False, fidelity=fidelity)


def by_hand(per_step: list[int], service: float, router: float, event: float, fill: float) -> float:
    """Events one behind another through a tree and one core, and a token behind them."""
    now = 0.0
    for count in per_step:
        arrived, free = 0.0, 0.0
        for _ in range(count):
            arrived += router
            free = max(arrived, free) + service
        now += fill + max(arrived + router, free) + event
    return now


def test_a_layer_takes_its_events_times_the_words_of_their_fan_out() -> None:
    report = run(chip=core(cores=4), bounds={"m": 1, "k": 100, "n": 64}, timesteps=2, spike_rate=0.5)
    words = 64 / 4 / 8  # 16 outputs a core, 8 lanes
    token = mesh_hops(4) * 1 + 1 + 2
    assert report.cycles == 2 * token + 100 * (2 + words)


def test_a_slow_network_is_the_bound_when_fan_out_is_small() -> None:
    report = run(chip=core(router_cycles=5.0), bounds={"m": 1, "k": 100, "n": 8}, timesteps=1, spike_rate=0.5)
    assert report.cycles == mesh_hops(256) + 5 + 2 + 50 * 5


@given(st.lists(st.integers(0, 30), min_size=1, max_size=5), st.integers(1, 6), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_the_loop_of_one_core_is_a_queue_behind_a_tree(per_step: list[int], words: int, router: int) -> None:
    got = stream(np.array(per_step), 1, 1, float(words), 8.0, False, 8.0, float(router), 2.0, 7.0, 1000, 1)
    assert got == by_hand(per_step, 2.0 + words, router, 2.0, 7.0)
    assert got == pytest.approx(len(per_step) * (7 + router + 2) + sum(per_step) * max(router, 2 + words))  # the closed form


@pytest.mark.parametrize("bounds", [{"m": 1, "k": 300, "n": 64}, {"m": 7, "k": 20, "n": 1000}])
@pytest.mark.parametrize("seed", [1, 2])
def test_equal_cores_take_what_the_closed_form_says(bounds: dict[str, int], seed: int) -> None:
    attrs = {"timesteps": 3, "spike_rate": 0.2}
    assert run(fidelity="event", seed=seed, bounds=bounds, **attrs).cycles == pytest.approx(run(bounds=bounds, **attrs).cycles, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_pruned_weights_load_cores_unevenly(seed: int) -> None:
    bounds, attrs = {"m": 1, "k": 400, "n": 1024}, {"timesteps": 2, "spike_rate": 0.3}
    closed, loop, full = (run(density=d, fidelity=f, seed=seed, bounds=bounds, **attrs).cycles
                          for d, f in ((0.25, "analytic"), (0.25, "event"), (1.0, "analytic")))  # fmt: skip
    assert closed < loop <= full * 1.3 and closed < full


def test_groups_queue_where_they_meet() -> None:
    bounds, attrs = {**CONV, "c": 8, "k": 8, "groups": 8}, {"timesteps": 2, "spike_rate": 0.5}
    deep, shallow = (run("conv2d", core(queue_events=q), "event", bounds=bounds, **attrs).cycles for q in (64, 1))
    assert run("conv2d", bounds=bounds, **attrs).cycles < deep <= shallow


def test_recorded_spikes_take_their_own_timesteps(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("schema: hwsim.spikes/1\nsource: a test\nlayers:\n  fc0: {counts: [100, 0, 0, 0]}\n")
    graph = hwsim.load_graph("spiking-vgg9", timesteps=4, dtype="int8", spikes=str(path))
    op = next(o for o in graph.ops if o.name == "fc0")
    alone = single_op("matmul", dtype="int8", attrs=dict(op.attrs), **op.bounds)
    closed, loop = (hwsim.simulate(alone, core(), interval=False, fidelity=f) for f in ("analytic", "event"))
    assert loop.cycles == pytest.approx(closed.cycles) and closed.metric("ac_ops") == pytest.approx(100 * 1024)


def pairs(op: Op) -> int:
    """Pairs of an output position and a tap whose input position lies inside the map."""
    (h, w), (r, s), (stride, pad) = (op["h"], op["w"]), (op["r"], op["s"]), (op["stride"], op["pad"])
    rows = sum(0 <= y * stride + dy - pad < h for y in range(op.results[0][2]) for dy in range(r))
    columns = sum(0 <= x * stride + dx - pad < w for x in range(op.results[0][3]) for dx in range(s))
    return rows * columns


def test_padding_sends_no_events() -> None:
    padded = run("conv2d", bounds=CONV, timesteps=2, spike_rate=0.5)
    work = 2 * 45 * 4 * pairs(Op("c", "conv2d", CONV)) / 30
    assert padded.breakdown()["energy_j"]["accumulate"] == pytest.approx(work * 0.05e-12)
    assert work < padded.metric("ac_ops")


def test_fan_out_counts_the_windows_of_every_position() -> None:
    op = Op("c", "conv2d", CONV)
    found = fan_out(op, cores=2, lanes=1)
    assert found.targets * 3 * 5 * 6 == pytest.approx(3 * 4 * pairs(op))
    assert (found.used, found.reached) == (2, 2) and found.words == pytest.approx(2 * pairs(op) / (5 * 6))
    unpadded = Op("c", "conv2d", {**CONV, "pad": 0})
    assert fan_out(unpadded, cores=2, lanes=1).targets * 3 * 5 * 6 == pytest.approx(unpadded.macs)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_fan_out_agrees_with_the_macs(h: int, w: int, r: int, stride: int, pad: int, groups: int) -> None:
    if h + 2 * pad < r or w + 2 * pad < r:
        return
    op = Op("c", "conv2d", {"n": 1, "c": 2 * groups, "h": h, "w": w, "k": 3 * groups, "r": r, "s": r, "stride": stride, "pad": pad, "groups": groups})
    found = fan_out(op, cores=64, lanes=1)
    assert found.targets * h * w == pytest.approx(3 * pairs(op))
    assert found.reached <= found.used <= 64


@given(st.floats(0, 0.9), st.floats(0, 0.9), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_time_and_energy_rise_with_rate_and_timesteps(one: float, other: float, steps: int) -> None:
    low, high = sorted((one, other))
    bounds = {"m": 2, "k": 50, "n": 40}
    less, more = run(bounds=bounds, timesteps=steps, spike_rate=low), run(bounds=bounds, timesteps=steps, spike_rate=high)
    longer = run(bounds=bounds, timesteps=steps + 1, spike_rate=low)
    assert less.cycles <= more.cycles and less.energy_j <= more.energy_j
    assert less.cycles < longer.cycles and less.energy_j < longer.energy_j


@pytest.mark.parametrize(("name", "value"), [("lanes", 16), ("clock_hz", 4e8), ("event_cycles", 1.0), ("hop_cycles", 0.5), ("router_cycles", 0.5)])
def test_a_faster_part_never_slows_the_whole(name: str, value: float) -> None:
    graph = hwsim.load_graph("spiking-vgg9", rate=0.1, dtype="int8")
    slow, fast = (hwsim.simulate(graph, chip, interval=False) for chip in (core(), core(**{name: value})))
    assert fast.latency_s <= slow.latency_s and fast.energy_j <= slow.energy_j


def test_energy_adds_up_and_leakage_takes_its_time() -> None:
    report = hwsim.simulate(hwsim.load_graph("spiking-vgg9", rate=0.1, dtype="int8"), core(), interval=False)
    parts = report.breakdown()["energy_j"]
    assert sum(parts.values()) == pytest.approx(report.energy_j)
    assert parts["leakage"] == pytest.approx(256 * 1e-4 * report.latency_s)
    assert report.part("energy_j", component="memory") == pytest.approx(parts["weight_read"] + parts["membrane"] + parts["activation"])
    assert report.area_mm2 == pytest.approx(256 * (80 * 1024 * 3.691e-6 + 0.05))


def test_neurons_are_dealt_over_cores_and_lanes() -> None:
    report = run("lif", bounds={"neurons": 10_000}, timesteps=3)
    assert report.cycles == 3 * math.ceil(math.ceil(4 * 10_000 / 256) / 4) and report.cost.total("joules") > 0
    assert run("lif", core(update_lanes=8), bounds={"neurons": 10_000}, timesteps=3).cycles < report.cycles


def test_what_does_not_fit_is_refused_with_its_levers() -> None:
    with pytest.raises(Infeasible, match=r"weights on 256 cores.*more cores") as refused:
        hwsim.simulate(hwsim.load_graph("spikingformer-8-512", dtype="int8"), core())
    assert refused.value.demand > refused.value.bound == 256 * 65536
    with pytest.raises(Infeasible, match="membrane potentials"):
        hwsim.simulate(hwsim.load_graph("spikingformer-8-512", dtype="int8"), core(weight_memory_bytes=1 << 20))
    large = core(cores=4096)
    assert hwsim.simulate(hwsim.load_graph("spikingformer-8-512", dtype="int8"), large, interval=False).latency_s > 0


def test_chips_state_a_whole_machine_or_none() -> None:
    from hwsim.core.target import load_target

    target = load_target("spiking")
    chip = core()
    partial = Chip("half", "spiking", {k: v for k, v in chip.params.items() if k != "hop_j"})
    with pytest.raises(InvalidChip, match="states hop_j"):
        target.check(partial)
    with pytest.raises(InvalidChip, match="no machine, so it states no clock_hz"):
        target.check(Chip("both", "spiking", {**hwsim.load_chip("snn-45nm").params, "clock_hz": chip.params["clock_hz"]}))
