"""Constants explained: patterns, chips that share them, and elasticities against closed forms of the toy machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

import hwsim
from hwsim.core.errors import InvalidChip
from hwsim.explore.explain import constant_names, everywhere, explain, matching, moves, stated_by
from hwsim.readers.load import graph_of_workload

WSE2 = "wse2"


def test_patterns_keep_the_order_of_the_file_and_name_the_nearest() -> None:
    chip = hwsim.load_chip(WSE2)
    assert matching(chip, ["hop_cycles", "clock*"]) == ["clock_hz", "hop_cycles"]
    assert matching(chip, ["*"]) == list(chip.params)
    with pytest.raises(InvalidChip, match=r"no constant 'hop_cycls' \(did you mean hop_cycles"):
        matching(chip, ["hop_cycls"])
    with pytest.raises(InvalidChip, match="hwsim show wse2 lists them"):
        matching(chip, ["zzzzzzzz"])


def test_sharing_chips_and_values_elsewhere_part_the_chips_that_state_it() -> None:
    (found,), report = explain(hwsim.load_chip(WSE2), ["hop_cycles"])
    assert report is None and found.moves is None
    assert found.elsewhere == {"wse3": 2.0} and found.shared == ()
    stated = stated_by("clock_hz", "gpu")
    (clock,), _ = explain(hwsim.load_chip("a100"), ["clock_hz"])
    assert {"a100", *clock.shared, *clock.elsewhere} == set(stated)
    assert all(stated[name].value == stated["a100"].value for name in clock.shared)


def test_one_constant_of_all_chips() -> None:
    found = everywhere("hop_cycles")
    assert set(found) == {("wafer_mesh", "hop_cycles"), ("spiking", "hop_cycles")}
    assert everywhere("no_such_constant") == {} and "hop_cycles" in constant_names()


def test_elasticity_of_time_and_of_the_power_that_is_charged() -> None:
    """Nameplate energy is power x latency: it moves with both, latency with the clock alone."""
    chip, graph = hwsim.load_chip(WSE2), graph_of_workload({"op": "matmul", "m": 1, "k": 4096, "n": 4096, "dtype": "fp16"})
    mapping = {"grid": (256, 256)}
    clock, power = (moves(graph, chip, name, mapping) for name in ("clock_hz", "chip_power_w"))
    assert clock.metric["latency_s"] == pytest.approx(-1, abs=1e-6) and clock.metric["energy_j"] == pytest.approx(-1, abs=1e-6)
    assert power.metric["latency_s"] == 0 and power.metric["energy_j"] == pytest.approx(1, abs=1e-6)
    assert power.mechanism == {}


def test_elasticities_of_all_cycles_add_up_to_one() -> None:
    """Latency is homogeneous in its cycle costs: by Euler's theorem their elasticities sum to 1 where none of them is a maximum's other side."""
    chip, graph = hwsim.load_chip(WSE2), graph_of_workload({"op": "matmul", "m": 1, "k": 4096, "n": 4096, "dtype": "fp16"})
    mapping, cycles = {"grid": (256, 256)}, [name for name, p in hwsim.load_chip(WSE2).params.items() if p.unit.startswith("cycle")]
    found, report = explain(chip, cycles, graph, mapping)
    whole = sum(c.moves.metric["latency_s"] for c in found if c.moves)
    assert report is not None and 0.5 < whole <= 1 + 1e-6  # wavelets and vector issue take cycles that no constant states


def test_parts_of_the_latency_add_up_to_its_elasticity_in_a_serial_program() -> None:
    chip, graph = hwsim.load_chip(WSE2), graph_of_workload({"op": "matmul", "m": 1, "k": 4096, "n": 4096, "dtype": "fp16"})
    found = moves(graph, chip, "hop_cycles", {"grid": (256, 256)})
    assert sum(found.mechanism.values()) == pytest.approx(found.metric["latency_s"], rel=1e-2)


def test_what_has_no_derivative_says_why() -> None:
    graph = graph_of_workload({"op": "matmul", "m": 64, "k": 64, "n": 64, "dtype": "int8"})
    chip = hwsim.load_chip("gap8")
    assert "word or a flag" in moves(graph, chip, "core_isa").refused
    assert "0 has no derivative" in moves(graph, chip, "fork_spmd_cycles").refused


def test_whole_numbers_move_to_the_next_ones() -> None:
    chip = hwsim.load_chip("gap8")
    graph = hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8")
    found = moves(graph, chip, "cores")  # 8 cores: 7 and 9, since 8.08 are refused
    assert not found.refused and -1.1 < found.metric["latency_s"] < -0.3


def test_unknown_names_are_refused() -> None:
    chip = hwsim.load_chip(WSE2)
    with pytest.raises(InvalidChip, match="did you mean clock_hz"):
        explain(replace(chip), ["clok_hz"])
