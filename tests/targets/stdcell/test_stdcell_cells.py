"""Cells: areas by mechanism, generic names, family libraries, paths, gates to cells; the frame of the target."""

from __future__ import annotations

from typing import Any

import conformance
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace, MissingParameter
from hwsim.core.target import load_target
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.gate_count import GATES, smallest_flop
from hwsim.targets.stdcell.generic import candidates, find_cell
from hwsim.targets.stdcell.path import FALL, RISE, Stage, path_delay, setup_s
from hwsim.targets.stdcell.stage import stage_of
from hwsim.targets.stdcell.views import FAN_OUT, ring_stage_s, row_height_um, scale_of
from hwsim.tech.fan_out import fo4_load_f

FAMILY = ("ffet-3p5t", "ffet-2p5t", "cfet-4t", "cfet-cg", "cfet-sg", "finfet")
OPEN = ("gt2n", "asap7", "nangate45", "sky130hd", "probe3-5t")
FF = 1e-15


def area(chip: str, cell: str) -> float:
    return hwsim.primitive("cell_area", hwsim.load_chip(chip), {"cell": cell})["area_mm2"]


@pytest.mark.parametrize("chip", FAMILY)
def test_area_is_columns_times_rows(chip: str) -> None:
    loaded = hwsim.load_chip(chip)
    found = hwsim.primitive("cell_area", loaded, {"cell": "DFF"})
    assert found["rows"] == 2
    assert found["area_mm2"] == pytest.approx(found["width_cpp"] * 2 * loaded.number("cpp_m") * 1e3 * row_height_um(loaded) * 1e-3)


@pytest.mark.parametrize("cell", ["INVD1", "BUFD2", "AOI22D1", "NOR2D1", "XOR2D1"])
def test_cells_without_split_gates_differ_by_row_height_only(cell: str) -> None:
    assert area("cfet-cg", cell) / area("ffet-2p5t", cell) == pytest.approx(84 / 75)
    assert area("cfet-sg", cell) / area("ffet-2p5t", cell) == pytest.approx(105 / 75)


@pytest.mark.parametrize("cell, elements", [("DFF", 4), ("DFFRS", 4), ("MUX2D1", 2)])
def test_split_gates_cost_a_common_gate_library_columns(cell: str, elements: int) -> None:
    found = {chip: hwsim.primitive("cell_area", hwsim.load_chip(chip), {"cell": cell}) for chip in ("ffet-2p5t", "cfet-cg", "cfet-sg")}
    columns = {chip: f["width_cpp"] * f["rows"] for chip, f in found.items()}
    assert columns["cfet-cg"] - columns["ffet-2p5t"] == pytest.approx(1.5 * elements, abs=1) and columns["cfet-sg"] == columns["ffet-2p5t"]


@pytest.mark.parametrize("chip", OPEN)
@pytest.mark.parametrize("name, inputs", [("INVD1", 1), ("NAND2D1", 2), ("NOR2D1", 2), ("BUFD2", 1)])
def test_generic_names_find_cells_of_every_library(chip: str, name: str, inputs: int) -> None:
    cell = find_cell(load_library(hwsim.load_chip(chip)), name)
    assert len(cell.inputs) == inputs and cell.name.endswith(name[-1])


def test_generic_names() -> None:
    assert "a22oi_1" in candidates("AOI22D1") and "dff_x2" in candidates("DFFD2") and "dffasync_x1" in candidates("DFFRS")
    with pytest.raises(InvalidTrace, match="did you mean"):
        find_cell(load_library(hwsim.load_chip("gt2n")), "NAND2D99")


@pytest.mark.parametrize("chip", FAMILY)
def test_a_family_librarys_inverter_is_its_stage(chip: str) -> None:
    loaded = hwsim.load_chip(chip)
    library, stage, vdd = load_library(loaded), stage_of(loaded), loaded.number("vdd_v")
    load = FAN_OUT * library.unit_capacitance_f
    assert ring_stage_s(library, load) == pytest.approx(stage.delay_s(vdd, FAN_OUT), rel=1e-6)
    slope = (ring_stage_s(library, 1.05 * load) - ring_stage_s(library, 0.95 * load)) / (0.1 * load)
    assert slope == pytest.approx(stage.resistance_ohm(vdd), rel=1e-6)
    inverter = library.cell(library.unit_inverter)
    assert 2 * inverter.energy_output_j + load * vdd**2 == pytest.approx(stage.cycle_j(vdd, FAN_OUT), rel=0.05)


def test_family_libraries_follow_their_supply() -> None:
    slow, fast = (load_library(hwsim.load_chip("ffet-3p5t", vdd_v=v)) for v in (0.6, 0.8))
    load = fo4_load_f(fast)
    assert ring_stage_s(slow, load) > ring_stage_s(fast, load) and slow.energies_j.sum() < fast.energies_j.sum()


def test_plain_flip_flops_have_no_controls() -> None:
    library = load_library(hwsim.load_chip("ffet-3p5t"))
    cell = library.cell("dff_x1")
    assert cell.state is not None and not cell.state.clear and not cell.state.preset
    assert {p.name for p in cell.inputs} == {"CLK", "D"} and {a.related for a in cell.arcs} == {"CLK"}
    assert cell.area_um2 < library.cell("dffasync_x1").area_um2
    assert not [c for c in load_library(hwsim.load_chip("asap7")).cells if c.name.startswith("dff_")]


def test_the_stage_must_fit_the_base_library() -> None:
    chip = hwsim.load_chip("ffet-3p5t", delay_share=3.0, drain_f_per_fin=1e-18, gate_f_per_fin=1e-18, input_c_mol_f=1e-18, miller_inputs=0.0)
    base = load_library(hwsim.load_chip("gt2n"))
    with pytest.raises(InvalidChip, match="do not fit"):
        scale_of(stage_of(chip), 0.7, base)


def chain(count: int, load: float = 2.0) -> list[list[Any]]:
    edges = ["rise", "fall"]
    return [["dffasync_x1", "CLK", "Q", "rise", load]] + [["inv_x1", "A", "Y", edges[(i + 1) % 2], load] for i in range(count)]


@given(st.integers(1, 6), st.floats(0.5, 8))
def test_longer_paths_and_larger_loads_are_slower(count: int, load: float) -> None:
    chip = hwsim.load_chip("gt2n")

    def arrival(stages: list[list[Any]]) -> float:
        return hwsim.primitive("path_delay", chip, {"stages": stages, "report": "data_arrival"})["latency_s"]

    assert arrival(chain(count + 1, load)) > arrival(chain(count, load))
    assert arrival(chain(count, load + 0.5)) > arrival(chain(count, load))


def test_a_path_adds_its_stages_and_the_setup_time() -> None:
    chip = hwsim.load_chip("gt2n")
    library = load_library(chip)
    first = path_delay(library, [Stage("dffasync_x1", "CLK", "Q", RISE, 2 * FF)])
    arc = next(a for a in library.cell("inv_x1").arcs)
    assert arc.delay_fall is not None
    whole = path_delay(library, [Stage("dffasync_x1", "CLK", "Q", RISE, 2 * FF), Stage("inv_x1", "A", "Y", FALL, 1 * FF)])
    assert whole.arrival_s == pytest.approx(first.arrival_s + arc.delay_fall.at(first.slew_s, 1 * FF))
    stages = [["dffasync_x1", "CLK", "Q", "rise", 2.0], ["inv_x1", "A", "Y", "fall", 1.0]]
    period = hwsim.primitive("path_delay", chip, {"stages": stages, "end": ["dffasync_x1", "D"]})["latency_s"]
    assert period == pytest.approx(whole.arrival_s + setup_s(library, "dffasync_x1", "D", FALL, whole.slew_s))


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ({"stages": []}, "stages is a list"),
        ({"stages": [["inv_x1", "A", "Y", "rise"]]}, "stage 0 is"),
        ({"stages": [["inv_x1", "A", "Y", "up", 1.0]]}, "edge is one of rise, fall"),
        ({"stages": [["inv_x1", "A", "Q", "rise", 1.0]]}, "has no pin 'Q'"),
        ({"stages": [["inv_x1", "A", "Y", "rise", 1.0], ["inv_x1", "A", "Y", "rise", 1.0]]}, "has no arc from A to Y for this edge"),
        ({"stages": [["inv_x1", "A", "Y", "rise", 1.0]], "end": "dffasync_x1"}, "end is"),
        ({"stages": [["inv_x1", "A", "Y", "rise", 1.0]], "end": ["inv_x1", "A"]}, "has no setup time"),
    ],
)
def test_impossible_paths_are_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidTrace, match=problem):
        hwsim.primitive("path_delay", hwsim.load_chip("gt2n"), arguments)


def test_delay_grows_with_slew_and_load() -> None:
    chip = hwsim.load_chip("asap7")
    found = [hwsim.primitive("cell_delay", chip, {"cell": "NAND2x1", "slew": s, "load": c})["latency_s"] for s, c in ((20, 2), (20, 4), (60, 4))]
    assert found == sorted(found) and found[0] < found[2]
    with pytest.raises(InvalidTrace, match="no timing arcs"):
        hwsim.primitive("cell_delay", chip, {"cell": "TIEHIx1"})


@given(st.fixed_dictionaries({name: st.integers(0, 5000) for name in GATES}), st.sampled_from(["and", "xor", "mux", "dff"]))
def test_more_gates_take_more_cells_and_area(gates: dict[str, int], more: str) -> None:
    chip = hwsim.load_chip("nangate45")
    few, many = (hwsim.primitive("map_gates", chip, {"gates": g}) for g in (gates, {**gates, more: gates[more] + 10}))
    assert many["count"] > few["count"] and many["area_mm2"] > few["area_mm2"]
    assert few["sequential_area_mm2"] <= few["area_mm2"] * (1 + 1e-12)


def test_flip_flops_of_a_mapping() -> None:
    for chip, plain, clear in (("nangate45", "DFF_X1", "DFFR_X1"), ("gt2n", "dffasync_x1", "dffasync_x1"), ("ffet-3p5t", "dff_x1", "dffasync_x1")):
        library = load_library(hwsim.load_chip(chip))
        usable = [c.name for c in library.cells]
        assert smallest_flop(library, usable, False).name == plain and smallest_flop(library, usable, True).name == clear
    library = load_library(hwsim.load_chip("gt2n"))
    with pytest.raises(InvalidTrace, match="no flip-flop"):
        smallest_flop(library, ["inv_x1"], False)


@pytest.mark.parametrize("gates, problem", [({"nand": 3}, "no generic gate 'nand'"), ({"and": 1.5}, "whole number"), (7, "counts by name")])
def test_impossible_gates_are_refused(gates: Any, problem: str) -> None:
    with pytest.raises(InvalidTrace, match=problem):
        hwsim.primitive("map_gates", hwsim.load_chip("gt2n"), {"gates": gates})


def test_sky130_keeps_enables_inside_its_flip_flops() -> None:
    with pytest.raises(MissingParameter, match="mapped_cells_per_xor"):
        hwsim.primitive("map_gates", hwsim.load_chip("sky130hd"), {"gates": {"and": 10}})


def test_bit_cells() -> None:
    assert hwsim.primitive("sram_bitcell", hwsim.load_chip("ffet-2p5t"))["area_mm2"] == pytest.approx(1.35e-8)
    with pytest.raises(MissingParameter, match="sram_bitcell_bipolar_mm2"):
        hwsim.primitive("sram_bitcell", hwsim.load_chip("finfet"))
    with pytest.raises(InvalidTrace, match="polarity is one of"):
        hwsim.primitive("sram_bitcell", hwsim.load_chip("ffet-2p5t"), {"polarity": "tripolar"})


def test_a_library_runs_no_operator_graph() -> None:
    with pytest.raises(InvalidMapping, match="hwsim block"):
        hwsim.simulate(hwsim.load_graph("resnet18"), hwsim.load_chip("gt2n"))


@pytest.mark.parametrize("chip", [*FAMILY, *OPEN])
def test_chips_keep_the_contract(chip: str) -> None:
    conformance.check_primitives(hwsim.load_chip(chip))
    conformance.check_options(load_target("stdcell"), {"beol_case": "III", "front_metals": 5})
