"""Chips out of cores and arrays: what runs, what is refused, and how figures follow the constants."""

from __future__ import annotations

from dataclasses import replace

import pytest

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping, MissingParameter, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.stdcell.core_spec import PROCESSOR

CHIPS = ("rv32-ffet", "rv32-cfet", "picorv32-asap7", "mac16-ffet", "mac16-cfet")
PRODUCT = {"m": 40, "k": 60, "n": 24, "dtype": "int8"}


def run(chip: str | Chip, kind: str = "matmul", mapping: dict[str, object] | None = None, **bounds: object) -> Report:
    made = hwsim.load_chip(chip) if isinstance(chip, str) else chip
    return hwsim.simulate(single_op(kind, **(bounds or PRODUCT)), made, mapping or {}, interval=False)


def without(chip: Chip, *names: str) -> Chip:
    return replace(chip, params={n: p for n, p in chip.params.items() if n not in names})


def bare_array() -> Chip:
    return without(hwsim.load_chip("mac16-ffet"), *(c.name for c in PROCESSOR), "memory_timing", "core_block")


@pytest.mark.parametrize("chip", CHIPS)
def test_a_network_runs_with_an_interval(chip: str) -> None:
    report = hwsim.simulate(hwsim.load_graph("mlperf-tiny-kws", dtype="int8"), hwsim.load_chip(chip), {})
    assert report.latency_s > 0 and report.area_mm2 > 0
    for name in ("latency_s", "energy_j"):
        low, high = report.interval[name]
        assert low < high


def test_the_clock_of_a_single_cycle_core_holds_both_memories() -> None:
    chip = hwsim.load_chip("rv32-ffet")
    period = 1 / chip.number("core_clock_hz") + chip.number("imem_access_s") + chip.number("dmem_access_s")
    assert run(chip).cost.program.clock_hz == pytest.approx(1 / period)
    assert run(chip).latency_s == pytest.approx(run(chip).cycles * period)


def test_memories_that_answer_a_cycle_later_slow_the_clock_only_when_they_are_slower() -> None:
    chip = hwsim.load_chip("picorv32-asap7")
    assert run(chip).cost.program.clock_hz == pytest.approx(chip.number("core_clock_hz"))
    assert run(chip.replace(dmem_access_s=5e-9)).cost.program.clock_hz == pytest.approx(2e8)


def test_instructions_of_several_cycles_take_them() -> None:
    chip = hwsim.load_chip("picorv32-asap7")
    single = run(chip.replace(cpi=(1.0,) * 8))
    assert single.cycles == run("rv32-ffet").cycles and 3 * single.cycles < run(chip).cycles < 6 * single.cycles


def test_the_array_has_the_clock_of_its_block_and_its_core_one_of_its_own() -> None:
    chip, alone = hwsim.load_chip("mac16-ffet"), hwsim.load_chip("rv32-ffet")
    assert run(chip).cost.program.clock_hz == pytest.approx(chip.number("array_clock_hz"))
    pool = {"n": 1, "c": 8, "h": 6, "w": 6, "r": 2, "s": 2, "stride": 2, "dtype": "int8", "function": "max"}
    assert run(chip, "pool", **pool).latency_s == pytest.approx(run(alone, "pool", **pool).latency_s)


@pytest.mark.parametrize("chip", CHIPS)
def test_energy_adds_up_and_follows_its_constants(chip: str) -> None:
    made = hwsim.load_chip(chip)
    report = run(made)
    assert sum(report.breakdown()["energy_j"].values()) == pytest.approx(report.energy_j)
    name, slot = ("core_cycle_j", "core_j") if "rv32" in chip else ("element_clock_j", "array_j")
    dearer = run(made.replace(**{name: 2 * made.number(name)}))
    assert dearer.cost.by_component("joules")[slot] > report.cost.by_component("joules")[slot] and dearer.cycles == report.cycles


@pytest.mark.parametrize(("chip", "name"), [
    ("rv32-ffet", "core_clock_hz"), ("mac16-ffet", "array_clock_hz"), ("rv32-ffet", "dram_bytes_per_s"), ("mac16-ffet", "dram_bytes_per_s"),
    ("mac16-ffet", "buffer_port_bytes"),
])  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_faster_part_never_slows_the_whole(chip: str, name: str, stream: bool) -> None:
    made = hwsim.load_chip(chip)
    slow, fast = (run(made.replace(**{name: f * made.number(name)}), mapping={"stream": stream}) for f in (0.05, 3.0))
    assert fast.latency_s <= slow.latency_s


def test_a_starved_array_waits_for_its_buffer_and_for_dram() -> None:
    chip = hwsim.load_chip("mac16-ffet")
    waits = run(chip.replace(buffer_port_bytes=1)).cost.by_component("cycles")
    assert waits["buffer_wait"] > 0
    waits = run(chip.replace(dram_bytes_per_s=1e7), mapping={"stream": True}).cost.by_component("cycles")
    assert waits["dram_wait"] > waits["array"]


def test_dearer_ways_to_multiply_take_longer() -> None:
    cycles = {m: run("rv32-ffet", mapping={"multiply": m}).cycles for m in ("shift_add", "libgcc")}
    assert cycles["libgcc"] > cycles["shift_add"] == run("rv32-ffet").cycles > run("rv32-ffet", mapping={"outputs_at_once": 4}).cycles


def test_streaming_moves_what_a_resident_network_does_not() -> None:
    graph = hwsim.load_graph("mlperf-tiny-kws", dtype="int8")
    chip = hwsim.load_chip("mac16-ffet")
    resident, streamed = (hwsim.simulate(graph, chip, {"stream": s}, interval=False) for s in (False, True))
    assert "dram" not in resident.cost.bytes_by_level() or not resident.cost.bytes_by_level()["dram"]
    assert streamed.cost.bytes_by_level()["dram"] >= graph.weight_bytes


def test_passes_behind_a_layer_are_part_of_it() -> None:
    report = hwsim.simulate(hwsim.load_graph("mobilenet-v1", dtype="int8"), hwsim.load_chip("rv32-ffet"), {}, interval=False)
    assert {op.kind for op in report.cost.program.representatives} == {"conv2d", "matmul", "pool"}


def test_operators_that_an_array_cannot_do_need_a_core() -> None:
    assert run(bare_array()).latency_s > 0
    with pytest.raises(UnsupportedOp, match="no core stands beside"):
        run(bare_array(), "softmax", rows=3, cols=8, dtype="int8")
    assert run("mac16-ffet", "softmax", rows=3, cols=8, dtype="int8").cost.by_component("cycles").get("array", 0.0) == 0.0


@pytest.mark.parametrize("chip", ["rv32-ffet", "mac16-ffet"])
def test_floating_point_is_refused(chip: str) -> None:
    with pytest.raises(UnsupportedOp, match="floating point"):
        run(chip, **{**PRODUCT, "dtype": "fp16"})


def test_wide_operands_run_on_the_core() -> None:
    assert "array" not in run("mac16-ffet", **{**PRODUCT, "dtype": "int16"}).cost.by_component("cycles")


def test_long_sums_are_warned_of() -> None:
    assert any("24 bits" in w for w in run("mac16-ffet", **{**PRODUCT, "k": 600}).cost.program.warnings)
    assert not run("mac16-ffet").cost.program.warnings


def test_what_does_not_fit_without_dram_is_refused() -> None:
    chip = without(hwsim.load_chip("rv32-ffet"), "dram_bytes_per_s", "dram_j_per_bit")
    with pytest.raises(Infeasible, match="dmem_bytes"):
        hwsim.simulate(hwsim.load_graph("mobilenet-v1", dtype="int8"), chip, {})
    assert run(chip).latency_s > 0


@pytest.mark.parametrize(("chip", "mapping", "why"), [
    ("rv32-ffet", {"multiply": "hardware"}, "no multiplier"), ("rv32-ffet", {"dataflow": "os"}, "no array"),
    ("rv32-ffet", {"front_metals": 4}, "block's layout"), ("rv32-ffet", {"multiply": "libgcc", "outputs_at_once": 2}, "libgcc"),
    ("ffet-3p5t", {}, "cell library"),
])  # fmt: skip
def test_options_that_a_chip_cannot_serve_are_refused(chip: str, mapping: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidMapping, match=why):
        run(chip, mapping=mapping)


def test_chips_that_lack_or_contradict_constants_are_refused() -> None:
    target, chip, grid = load_target("stdcell"), hwsim.load_chip("rv32-ffet"), hwsim.load_chip("mac16-ffet")
    with pytest.raises(MissingParameter, match="dmem_read_j"):
        target.check(without(chip, "dmem_read_j"))
    with pytest.raises(MissingParameter, match="element_mac_j"):
        target.check(without(grid, "element_mac_j"))
    with pytest.raises(InvalidChip, match="a DRAM states both"):
        target.check(without(chip, "dram_j_per_bit"))
    with pytest.raises(InvalidChip, match="a scalar core states no"):
        target.check(replace(chip, params={**chip.params, "rows": grid.params["rows"]}))
    with pytest.raises(InvalidChip, match="os, ws and is"):
        target.check(grid.replace(dataflows="os xs"))


def test_a_chip_in_flip_fet_cells_is_smaller_and_faster_than_in_cfet_cells() -> None:
    """An outcome of the blocks and bit cells, of one netlist and the same memories."""
    flip, c = run("rv32-ffet"), run("rv32-cfet")
    assert flip.cycles == c.cycles and flip.latency_s < c.latency_s and flip.area_mm2 < c.area_mm2 and flip.energy_j < c.energy_j
