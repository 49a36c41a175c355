"""Liberty files: what is written is read back the same; units, axes, merged states, and complaints with their lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hwsim
from hwsim.core.errors import InvalidChip
from hwsim.readers.liberty import read_liberty
from hwsim.readers.liberty_text import parse_liberty
from hwsim.readers.liberty_write import write_liberty
from hwsim.targets.stdcell.cells import load_library
from hwsim.tech.cell_library import Arc, Surface

SMALL = """\
/* a small library */
library (small) {
  time_unit : "1ns";  // nanoseconds
  capacitive_load_unit (1, pf);
  leakage_power_unit : "1uW";
  voltage_unit : "1V";
  nom_voltage : 0.8;
  slew_lower_threshold_pct_rise : 10.0;
  slew_upper_threshold_pct_rise : 90.0;
  lu_table_template (swapped) {
    variable_1 : total_output_net_capacitance;
    variable_2 : input_net_transition;
    index_1 ("0.001, 0.002");
    index_2 ("0.01, 0.02, 0.04");
  }
  lu_table_template (load) { variable_1 : total_output_net_capacitance; index_1 ("0.001, 0.003"); }
  lu_table_template (setup) { variable_1 : constrained_pin_transition; variable_2 : related_pin_transition; }
  cell (INVA) {
    area : 2.0;
    leakage_power () { when : "A"; value : 3; }
    leakage_power () { when : "!A"; value : 5; }
    pin (A) { direction : input; capacitance : 0.001; }
    pin (Y) {
      direction : output; max_capacitance : 0.1; function : "(!A)";
      internal_power () { rise_power (scalar) { values ("0.004"); } fall_power (scalar) { values ("0.002"); } }
      timing () {
        related_pin : "A"; timing_sense : negative_unate;
        cell_rise (swapped) { values ("1, 2, 3", \\
                                      "4, 5, 6"); }
        cell_fall (load) { values ("1, 3") }
        rise_transition (scalar) { values ("0.02"); }
        fall_transition (load) { values ("0.01, 0.02"); }
      }
    }
  }
  cell (XORA) {
    area : 4.0;
    pin (A) { direction : input; capacitance : 0.001; }
    pin (B) { direction : input; rise_capacitance : 0.001; fall_capacitance : 0.003; }
    pin (Y) {
      direction : output; function : "A ^ B";
      timing () { related_pin : "A"; when : "B"; timing_sense : negative_unate;
        cell_rise (load) { values ("1, 5"); } rise_transition (load) { values ("1, 1"); } }
      timing () { related_pin : "A B"; when : "B & C"; timing_sense : negative_unate;
        cell_rise (load) { values ("2, 4"); } rise_transition (load) { values ("1, 1"); } }
    }
  }
  cell (FLOP) {
    area : 9.0; cell_leakage_power : 7;
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; clear : "!RN"; }
    pin (CK) { direction : input; clock : true; capacitance : 0.002;
      timing () { related_pin : "CK"; timing_type : min_pulse_width; rise_constraint (scalar) { values ("1"); } } }
    pin (D) { direction : input; capacitance : 0.001;
      timing () { related_pin : "CK"; timing_type : setup_rising;
        rise_constraint (setup) { index_1 ("0, 1"); index_2 ("0, 2"); values ("0.1, 0.2", "0.3, 0.4"); } } }
    pin (RN) { direction : input; capacitance : 0.001; }
    pin (Q) { direction : output; function : IQ;
      timing () { related_pin : "CK"; timing_type : rising_edge;
        cell_rise (load) { values ("1, 2"); } rise_transition (load) { values ("1, 2"); } } }
  }
  cell (RAM) { area : 100; bus (A) { direction : input; } pin (Q) { direction : output; } }
}
"""


def surface(arc: Arc, at: int) -> Surface:
    found = arc.surfaces[at]
    assert found is not None
    return found


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.lib"
    path.write_text(SMALL)
    return path


def test_units_axes_and_figures(small: Path) -> None:
    library = read_liberty(small, cpp_um=0.5, row_um=2.0)
    cell = library.cell("INVA")
    assert library.unit_inverter == "INVA" and library.vdd_v == 0.8
    assert (library.thresholds.slew_low, library.thresholds.slew_high) == (0.1, 0.9)
    assert cell.width_cpp == pytest.approx(2.0) and cell.leakage_w == pytest.approx(4e-6)
    assert cell.pin("A").capacitance_f == pytest.approx(1e-15) and cell.pin("Y").max_capacitance_f == pytest.approx(1e-13)
    rise, fall = surface(cell.arcs[0], 0), surface(cell.arcs[0], 1)
    assert rise.at(0.02e-9, 0.002e-12) == pytest.approx(5e-9)  # rows and columns exchanged
    assert fall.at(9e-9, 0.002e-12) == pytest.approx(2e-9)  # no slew axis
    assert surface(cell.arcs[0], 2).at(1.0, 1.0) == pytest.approx(0.02e-9)
    assert cell.energy_output_j == pytest.approx(0.003e-12)  # pF V^2


def test_states_of_other_inputs_are_merged_by_their_maximum(small: Path) -> None:
    arcs = {a.related: a for a in read_liberty(small, cpp_um=0.5, row_um=2.0).cell("XORA").arcs}
    assert surface(arcs["A"], 0).values.ravel() == pytest.approx([2e-9, 5e-9])
    assert surface(arcs["B"], 0).values.ravel() == pytest.approx([2e-9, 4e-9])
    assert arcs["A"].delay_fall is None


def test_flip_flops(small: Path) -> None:
    cell = read_liberty(small, cpp_um=0.5, row_um=2.0).cell("FLOP")
    assert cell.kind == "ff" and cell.state is not None
    assert (cell.state.clock, cell.state.data, cell.state.clear, cell.state.preset) == ("CK", "D", "!RN", "")
    assert [p.name for p in cell.pins if p.is_clock] == ["CK"] and cell.leakage_w == pytest.approx(7e-6)
    (check,) = cell.checks
    assert check.type == "setup_rising" and check.rise is not None and check.rise.at(0.5e-9, 1e-9) == pytest.approx(0.25e-9)


def test_cells_that_are_no_standard_cells_are_named(small: Path) -> None:
    library = read_liberty(small, cpp_um=0.5, row_um=2.0)
    assert "RAM" not in library.index and "left out (no timing as one standard cell): RAM" in library.attribution


def test_a_site_is_needed(small: Path) -> None:
    with pytest.raises(InvalidChip, match="width of a site"):
        read_liberty(small)


@pytest.mark.parametrize("chip", ["probe3-5t", "gt2n", "ffet-2p5t"])
def test_a_written_library_is_read_back(chip: str, tmp_path: Path) -> None:
    library = load_library(hwsim.load_chip(chip))
    write_liberty(library, tmp_path / "own.lib")
    again = read_liberty(tmp_path / "own.lib")
    assert (again.name, again.unit_inverter, again.vdd_v) == (library.name, library.unit_inverter, library.vdd_v)
    assert again.thresholds == library.thresholds and again.cpp_um == library.cpp_um and again.row_um == pytest.approx(library.row_um)
    assert again.energies_j == pytest.approx(library.energies_j) and again.leakage_w == pytest.approx(library.leakage_w)
    for before, after in zip(library.cells, again.cells, strict=True):
        assert (after.name, after.kind, after.state, after.rows) == (before.name, before.kind, before.state, before.rows)
        pins = [[(p.name, p.direction, p.function, p.is_clock) for p in cell.pins] for cell in (before, after)]
        assert pins[0] == pins[1]
        arcs = {(a.related, a.pin, a.type, a.sense): a for a in after.arcs}
        assert len(arcs) == len(before.arcs) and len(after.checks) == len(before.checks)
        for arc in before.arcs:
            for one, other in zip(arc.surfaces, arcs[arc.related, arc.pin, arc.type, arc.sense].surfaces, strict=True):
                assert (one is None) == (other is None)
                if one is not None and other is not None:
                    np.testing.assert_allclose(other.values, one.values, rtol=1e-7, atol=1e-18)
                    np.testing.assert_allclose(other.y, one.y, rtol=1e-7)


def test_only_chosen_cells_are_written(tmp_path: Path) -> None:
    library = load_library(hwsim.load_chip("probe3-5t"))
    write_liberty(library, tmp_path / "few.lib", cells=["INV_X1", "NAND2_X1"])
    assert [c.name for c in read_liberty(tmp_path / "few.lib").cells] == ["INV_X1", "NAND2_X1"]


@pytest.mark.parametrize(
    "old, new, line, problem",
    [
        ("area : 2.0;", "", 18, "states no area"),
        ("area : 2.0;", "area : big;", 18, "area is a figure, got 'big'"),
        ("direction : input; capacitance : 0.001; }\n    pin (Y)", "direction : inward; }\n    pin (Y)", 22, "direction is one of"),
        ("cell_fall (load)", "cell_fall (loads)", 30, "no template 'loads'"),
        ('cell_fall (load) { values ("1, 3") }', 'cell_fall (load) { values ("1, 3, 4") }', 30, "3 values for axes of 2 points"),
        ("negative_unate;\n        cell_rise (swapped)", "up;\n        cell_rise (swapped)", 26, "timing_sense is one of"),
        ("capacitive_load_unit (1, pf);", "capacitive_load_unit (1, lb);", 2, "'1lb' is no unit"),
        ("variable_1 : total_output_net_capacitance; index_1", "variable_1 : temperature; index_1", 30, "no model for a table over 'temperature'"),
    ],
)
def test_complaints_say_where(small: Path, old: str, new: str, line: int, problem: str) -> None:
    assert SMALL.count(old) >= 1
    small.write_text(SMALL.replace(old, new, 1))
    with pytest.raises(InvalidChip, match=problem) as refused:
        read_liberty(small, cpp_um=0.5, row_um=2.0)
    assert refused.value.location is not None and refused.value.location.line == line


@pytest.mark.parametrize(
    "text, problem",
    [
        ("cell (x) {}", "begins with a 'library' group"),
        ("library (l) {\n  cell (x) {", "the file ends here"),
        ("library (l) { } }", "more text after"),
        ('library (l) { a : "open', "not Liberty"),
    ],
)
def test_text_that_is_no_liberty(text: str, problem: str) -> None:
    with pytest.raises(InvalidChip, match=problem):
        parse_liberty(text, "x.lib")


def test_a_chip_takes_a_users_own_liberty(small: Path) -> None:
    (small.parent / "chip.yaml").write_text(
        "schema: hwsim.chip/1\nname: mine\ntarget: stdcell\nparams:\n"
        '  liberty: {value: small.lib, unit: text, status: assumed, source: "own"}\n'
        '  cpp_m: {value: 500 nm, status: published, source: "own"}\n  row_height_m: {value: 2 um, status: published, source: "own"}\n'
    )
    chip = hwsim.load_chip(str(small.parent / "chip.yaml"))
    assert hwsim.primitive("cell_area", chip, {"cell": "XORA"})["area_mm2"] == pytest.approx(4e-6)
    (small.parent / "small.lib").unlink()
    with pytest.raises(InvalidChip, match="no such Liberty file"):
        load_library(chip.replace(cpp_m=4e-7))
