"""The library type: surfaces, arrays for compiled loops, shapes, characterised cells as text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidChip, InvalidTrace
from hwsim.readers.cell_csv import read_cells
from hwsim.readers.cell_csv_write import write_cells
from hwsim.targets.stdcell.cells import load_library, usable_cells
from hwsim.targets.stdcell.lookup import surface_value
from hwsim.tech.cell_library import NO_TABLE, Arc, Cell, Library, Pin, Surface
from hwsim.tech.fan_out import fo4_load_f, fo4_slew_s, mean_delay_s
from hwsim.tech.shapes import Shapes, drive_ohm, library_shapes

OPEN = ("gt2n", "asap7", "nangate45", "sky130hd", "probe3-5t")
PS, FF = 1e-12, 1e-15


def affine(t0: float, per_slew: float, per_load: float) -> Surface:
    """t = t0 + a s + b C, which bilinear interpolation and extrapolation reproduce everywhere."""
    x, y = np.array([1.0, 4.0, 20.0]) * PS, np.array([1.0, 5.0, 30.0]) * FF
    return Surface(x, y, t0 + per_slew * x[:, None] + per_load * y[None, :])


def toy(drive: float = 1.0) -> Cell:
    delay, slew = affine(2 * PS, 0.2, 3e3 / drive), affine(1 * PS, 0.1, 4e3 / drive)
    arc = Arc("A", "Y", "combinational", "negative_unate", delay, delay, slew, slew)
    pins = (Pin("A", "input", 0.5 * FF * drive), Pin("Y", "output", 0.0, 50 * FF, function="!A"))
    return Cell(f"inv_x{drive:g}", "comb", 0.01 * drive, 2 * drive, 1, 1e-9, pins, (arc,))


TOY = Library("toy", (toy(), toy(2)), 0.05, 0.1, 0.7, "inv_x1")


@given(st.floats(-50, 200), st.floats(0, 300))
def test_an_affine_surface_is_exact_inside_and_outside(slew: float, load: float) -> None:
    surface = affine(2 * PS, 0.2, 3e3)
    assert surface.at(slew * PS, load * FF) == pytest.approx(2 * PS + 0.2 * slew * PS + 3e3 * load * FF, abs=1e-20)


def test_bilinear_in_the_middle_of_a_cell_is_the_mean_of_its_corners() -> None:
    surface = Surface(np.array([0.0, 1.0]), np.array([0.0, 2.0]), np.array([[0.0, 2.0], [4.0, 10.0]]))
    assert surface.at(0.5, 1.0) == 4.0
    assert Surface(np.zeros(1), np.array([0.0, 2.0]), np.array([[1.0, 3.0]])).at(7.0, 1.0) == 2.0


@pytest.mark.parametrize("x, y, values", [([0, 1], [0, 1], [[1.0, 2.0]]), ([1, 0], [0, 1], np.ones((2, 2))), ([0, 1], [0, 1], [[1, np.nan], [1, 1]])])
def test_impossible_surfaces_are_refused(x: list[float], y: list[float], values: object) -> None:
    with pytest.raises(InvalidChip):
        Surface(np.array(x, dtype=float), np.array(y, dtype=float), np.array(values, dtype=float))


def test_compiled_loops_read_the_same_surfaces() -> None:
    library = load_library(hwsim.load_chip("gt2n"))
    arrays, random, compared = library.arrays, np.random.default_rng(0), 0
    for at, cell in enumerate(library.cells):
        for row, arc in zip(range(arrays.arc_start[at], arrays.arc_start[at + 1]), cell.arcs, strict=True):
            for table, surface in zip(arrays.arc_tables[row], arc.surfaces, strict=True):
                assert (surface is None) == (table == NO_TABLE)
                if surface is not None:
                    slew, load = random.uniform(-1e-11, 2e-10), random.uniform(0, 1e-13)
                    found = surface_value(arrays.tables, arrays.numbers, table, slew, load)
                    assert found == pytest.approx(surface.at(slew, load), rel=1e-9, abs=1e-18)
                    compared += 1
    assert compared == len(arrays.tables) - 2 * len(arrays.check_pin)


def test_arrays_name_pins_over_the_library() -> None:
    arrays = TOY.arrays
    assert arrays.pin_start.tolist() == [0, 2, 4] and arrays.arc_from.tolist() == [0, 2] and arrays.arc_to.tolist() == [1, 3]
    assert TOY.pin_index[1]["Y"] == 3 and TOY.pin_roles["inv_x1"] == {"A": "input", "Y": "output"}
    assert arrays.pin_capacitance_f.tolist() == [0.5 * FF, 0.0, 1.0 * FF, 0.0]


def test_fan_out_of_four_by_its_closed_form() -> None:
    load = 2 * FF
    slew = (1 * PS + 4e3 * load) / (1 - 0.1)  # s = s0 + a s + b C
    assert fo4_load_f(TOY) == load and fo4_slew_s(TOY) == pytest.approx(slew)
    assert mean_delay_s(TOY.cells[0], slew, load) == pytest.approx(2 * PS + 0.2 * slew + 3e3 * load)


def test_drive_resistance_is_the_slope_over_load() -> None:
    assert drive_ohm(affine(2 * PS, 0.2, 3e3), 1 * PS) == pytest.approx(3e3)
    with pytest.raises(InvalidChip, match="does not grow"):
        drive_ohm(affine(2 * PS, 0.2, 0.0), 1 * PS)


def test_shapes_reproduce_a_library_of_one_shape_and_pass_through_the_point() -> None:
    slew, load = fo4_slew_s(TOY), fo4_load_f(TOY)
    delays, _ = library_shapes(TOY, slew, (3, 3))
    for cell in TOY.cells:
        surface = cell.arcs[0].delay_fall
        assert surface is not None
        resistance = drive_ohm(surface, slew)
        made = delays.surface(resistance, delays.fit(surface, resistance, slew, load))
        assert made.at(slew, load) == pytest.approx(surface.at(slew, load), rel=1e-9)
        assert made.at(3 * slew, 2 * load) == pytest.approx(surface.at(3 * slew, 2 * load), rel=1e-6)


@given(st.floats(0.1, 10))
def test_a_gate_of_another_drive_is_the_same_shape_on_another_load(drive: float) -> None:
    shape = Shapes(1 * PS, np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 4.0]), np.array([[[1.0, 2, 5], [2, 3, 6], [3, 4, 7]]]))
    weak, strong = shape.surface(1e3, np.ones(1)), shape.surface(1e3 / drive, np.ones(1))
    assert strong.at(2 * PS, drive * FF) == pytest.approx(weak.at(2 * PS, FF))


def test_characterised_cells_survive_writing_and_reading(tmp_path: Path) -> None:
    library = load_library(hwsim.load_chip("probe3-5t"))
    write_cells(library, tmp_path / "cells.csv")
    again = read_cells(tmp_path / "cells.csv")
    assert [c.name for c in again.cells] == [c.name for c in library.cells] and again.attribution == library.attribution
    assert again.thresholds == library.thresholds and again.energies_j == pytest.approx(library.energies_j)
    slew, load = fo4_slew_s(library), fo4_load_f(library)
    for before, after in zip(library.cells, again.cells, strict=True):
        assert [replace(p, capacitance_f=0, max_capacitance_f=0) for p in after.pins] == [
            replace(p, capacitance_f=0, max_capacitance_f=0) for p in before.pins
        ]
        assert after.state == before.state and after.area_um2 == pytest.approx(before.area_um2)
        assert mean_delay_s(after, slew, load) == pytest.approx(mean_delay_s(before, slew, load), rel=1e-4)
        assert mean_delay_s(after, 2 * slew, 3 * load) == pytest.approx(mean_delay_s(before, 2 * slew, 3 * load), rel=2e-2)


@pytest.mark.parametrize(
    "line, problem",
    [
        ("nonsense,1", "unknown record 'nonsense'"),
        ("cell,x,comb,1", "'cell' with 4 fields"),
        ("pin,A,input,1,0,0,,", "'pin' before the first cell"),
        ("cell,x,rom,1,1,1,1,0,0,0", "'rom' is none of comb, ff, latch"),
        ("library,l,a,1,1,inv,0.3,0.7,0.5", "could not convert"),
    ],
)
def test_malformed_cells_say_where(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(f"# note\n{line}\n")
    with pytest.raises(InvalidChip, match=problem) as refused:
        read_cells(path)
    assert refused.value.location is not None and refused.value.location.line == 2


def test_missing_files_and_headers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidChip, match="no such file"):
        read_cells(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("# only a note\n")
    with pytest.raises(InvalidChip, match="needs a 'library' record"):
        read_cells(tmp_path / "empty.csv")


@pytest.mark.parametrize("chip", OPEN)
def test_open_libraries_are_whole(chip: str) -> None:
    library = load_library(hwsim.load_chip(chip))
    assert "BSD-3-Clause" in library.attribution or "Apache" in library.attribution
    for cell in library.cells:
        assert cell.area_um2 == pytest.approx(cell.width_cpp * library.cpp_um * cell.rows * library.row_um, rel=2e-3), cell.name
        assert (cell.state is None) == (cell.kind == "comb")
        for arc in cell.arcs:
            for surface in (arc.delay_rise, arc.delay_fall):
                if surface is not None:
                    assert np.diff(surface.values, axis=1).min() >= 0, f"{cell.name}: a larger load must not be faster"
    assert library.is_sequential.any() and (library.leakage_w >= 0).all() and (library.area_um2 > 0).all()


def test_unknown_cells_and_pins_name_the_nearest() -> None:
    with pytest.raises(InvalidTrace, match="did you mean inv_x2, inv_x1"):
        TOY.cell("inv_x")
    with pytest.raises(InvalidTrace, match="has no pin 'Z'"):
        TOY.cells[0].pin("Z")
    with pytest.raises(InvalidChip, match="names a cell twice"):
        Library("twice", (toy(), toy()), 0.05, 0.1, 0.7, "inv_x1")
    with pytest.raises(InvalidChip, match="no cell 'inv_x9'"):
        Library("none", (toy(),), 0.05, 0.1, 0.7, "inv_x9")


def test_cells_that_synthesis_may_not_use() -> None:
    chip = hwsim.load_chip("asap7")
    names = usable_cells(chip, load_library(chip))
    assert "NAND2x1" in names and "DFFHQNx1" in names
    assert not {"NAND2xp5", "NAND2x1p5", "TIEHIx1", "DFFHQx4"} & {*names}


def test_cells_are_of_one_supply() -> None:
    with pytest.raises(InvalidChip, match=r"characterised at 0\.7 V only"):
        load_library(hwsim.load_chip("asap7", vdd_v=0.8))
