"""CARMA: branches of a sensor-fusion network switched by a trace of contexts, in closed form and on SimPy."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.core.graph import Graph
from hwsim.core.report import Report
from hwsim.targets.fpga.dpu.carma import Contexts, active_parts, parts_needed, read_contexts
from hwsim.targets.fpga.dpu.carma_run import Drive, Platform, drive, platform

GATED = {"policy": "context_gated", "clock_gating": True, "switch": "model_switch"}
ALL = {"policy": "all_branches", "clock_gating": False, "switch": "none"}


@cache
def network() -> Graph:
    return hwsim.load_graph("hydrafusion", dtype="int8", proposals=100)


@cache
def board(gating: bool) -> Platform:
    return platform(network(), hwsim.load_chip("zcu102"), clock_gating=gating)


def run(mapping: dict[str, Any]) -> Report:
    return hwsim.simulate(network(), hwsim.load_chip("zcu102"), mapping, interval=False)


def driven(policy: str, switch: str, cores: int, gating: bool = True) -> Drive:
    return drive(network(), board(gating), read_contexts(), policy, switch, cores)


def test_the_shipped_trace_names_branches_of_the_network() -> None:
    contexts = read_contexts()
    assert contexts.frames == 240 == len([*contexts.each()])
    for parts in active_parts(network(), contexts, "context_gated").values():
        assert any(p.startswith("stem") for p in parts) and any(p.startswith("branch") for p in parts)


def test_a_branch_needs_the_stems_of_its_sensors() -> None:
    assert parts_needed(network(), ("camera_lidar",)) == {"branch camera_lidar", "stem camera_left", "stem lidar"}
    with pytest.raises(InvalidTrace, match="radra"):
        parts_needed(network(), ("radra",))


@pytest.mark.parametrize("cores", [1, 3])
@pytest.mark.parametrize(("policy", "switch"), [("context_gated", "model_switch"), ("context_gated", "bitstream_reload"), ("all_branches", "none")])
def test_the_closed_form_is_what_simpy_runs(cores: int, policy: str, switch: str) -> None:
    report = run({"policy": policy, "switch": switch, "cores": cores, "clock_gating": True})
    assert report.metric("latency_per_frame_s") == pytest.approx(report.latency_s / 240)
    assert report.metric("latency_per_frame_s") == pytest.approx(driven(policy, switch, cores).latency_s, rel=0.01)


def test_on_one_core_they_agree_exactly() -> None:
    report = run({**GATED, "cores": 1})
    assert report.metric("latency_per_frame_s") == pytest.approx(driven("context_gated", "model_switch", 1).latency_s, rel=1e-9)


def test_gating_by_context_saves_time_and_energy() -> None:
    gated, every = run(GATED), run(ALL)
    assert gated.latency_s < every.latency_s and gated.energy_j < every.energy_j
    assert gated.energy_j / every.energy_j < gated.latency_s / every.latency_s, "gated clocks save power besides time"


def test_all_macs_of_the_frames_are_charged_once() -> None:
    graph = network()
    for cores in (1, 2, 3):
        assert run({**ALL, "cores": cores}).cost.program.graph.macs == 240 * graph.macs


def test_switching_costs_by_what_it_loads() -> None:
    none, model, bitstream = (driven("context_gated", switch, 1) for switch in ("none", "model_switch", "bitstream_reload"))
    assert none.switch_s == 0 < model.switch_s < bitstream.switch_s
    assert none.changes == model.changes == len(read_contexts().stretches) - 1
    assert model.latency_s == pytest.approx(none.latency_s + model.switch_s)
    report = run({**GATED, "switch": "bitstream_reload", "cores": 1})
    plain = run({**GATED, "switch": "none", "cores": 1})
    assert report.latency_s - plain.latency_s == pytest.approx(bitstream.changes * report.cost.program.chip.number("bitstream_load_s"))


def primitive(name: str, **arguments: Any) -> dict[str, float]:
    return hwsim.primitive(name, hwsim.load_chip("zcu102"), arguments, {"design": "dpuczdx8g"})


def test_switching_in_isolation() -> None:
    weights = 25_000_000
    model = primitive("configuration_switch", bytes=weights)["latency_s"]
    assert model == pytest.approx(weights / primitive("dpu_port")["bandwidth_bytes_per_s"])
    assert primitive("configuration_switch", kind="bitstream_reload")["latency_s"] > model
    assert primitive("dpu_port", ddr_load=0.5)["bandwidth_bytes_per_s"] == pytest.approx(primitive("dpu_port")["bandwidth_bytes_per_s"] / 2)
    with pytest.raises(InvalidMapping, match="no DPU"):
        hwsim.primitive("dpu_port", hwsim.load_chip("u280"), {}, {"design": "flightllm"})


def test_energy_is_power_of_the_states_over_their_time() -> None:
    found, place = driven("all_branches", "none", 1, gating=False), board(False)
    busy = found.latency_s - place.frame_s
    assert found.energy_j == pytest.approx(place.still_w * found.latency_s + place.core_w * busy)
    assert found.sensor_j == pytest.approx(sum(place.sensors_w.values()) * found.latency_s)


@settings(max_examples=20)
@given(cores=st.integers(1, 6), seconds=st.lists(st.floats(0.01, 1), min_size=3, max_size=3))
def test_more_cores_never_slow_a_drive(cores: int, seconds: list[float]) -> None:
    place = board(True)
    scaled = replace(place, seconds={part: place.seconds[part] * seconds[i % 3] for i, part in enumerate(sorted(place.seconds))})
    contexts = Contexts({"a": ("radar", "camera_both"), "b": ("lidar",)}, (("a", 2), ("b", 1), ("a", 1)))
    one, more = (drive(network(), scaled, contexts, "context_gated", "none", n) for n in (1, cores))
    assert more.latency_s <= one.latency_s * (1 + 1e-12)
    assert more.energy_j <= one.energy_j * (1 + 1e-12)


def test_a_context_that_stays_switches_nothing() -> None:
    contexts = Contexts({"a": ("radar",)}, (("a", 3), ("a", 2)))
    assert drive(network(), board(True), contexts, "context_gated", "bitstream_reload", 1).changes == 0


@pytest.mark.parametrize(("mapping", "problem"), [
    ({"switch": "model_switch"}, "state a policy"),
    ({"policy": "context_gated", "threads": "multi"}, "threads multi"),
])  # fmt: skip
def test_contradictory_options_are_refused(mapping: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidMapping, match=problem):
        run(mapping)


def test_a_network_without_branches_has_nothing_to_switch() -> None:
    with pytest.raises(InvalidMapping, match="no branches"):
        hwsim.simulate(hwsim.load_graph("resnet18", dtype="int8"), hwsim.load_chip("zcu102"), {"policy": "context_gated"}, interval=False)


HEAD = "schema: hwsim.contexts/1\ntitle: t\nsource: s\n"


@pytest.mark.parametrize(("text", "problem"), [
    (HEAD + "contexts: {day: [radar]}\nframes: [[nihgt, 2]]\n", "no context 'nihgt'"),
    (HEAD + "contexts: {day: [radar]}\nframes: [[day, 0]]\n", r"a stretch is \[context, frames\]"),
    (HEAD + "contexts: {day: [radar]}\nframes: [[day]]\n", "a stretch is"),
    (HEAD + "contexts: {day: []}\nframes: [[day, 1]]\n", "every context a branch"),
    (HEAD + "contexts: {day: [radar]}\nframes: []\n", "has frames"),
    (HEAD.replace("/1", "/2") + "contexts: {day: [radar]}\nframes: [[day, 1]]\n", "schema"),
])  # fmt: skip
def test_a_bad_trace_of_contexts_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "contexts.yaml"
    path.write_text(text)
    with pytest.raises(InvalidTrace, match=problem):
        read_contexts(path)
