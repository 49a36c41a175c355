"""Design files, and a design put on a device."""

from __future__ import annotations

from pathlib import Path

import pytest

import hwsim
from hwsim.core.errors import InvalidChip
from hwsim.readers.chip_file import load_chip
from hwsim.readers.design_file import compose, design_names, design_path, read_design, stated_by_designs

DESIGN = """\
schema: hwsim.design/1
name: mine
engine: systolic
title: Mine
params:
  design_clock_hz: {value: 200 MHz, status: published, source: "a test"}
  array_rows: {value: 8, unit: "1", status: published, source: "a test"}
devices:
  u280:
    array_rows: {value: 16, unit: "1", status: published, source: "a test"}
"""


def written(folder: Path, text: str = DESIGN, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_design_on_a_device_has_the_constants_of_both() -> None:
    chip = load_chip("u280+systolic_array")
    assert (chip.name, chip.target, chip.text("design"), chip.text("engine")) == ("u280+systolic_array", "fpga", "systolic_array", "systolic")
    device, design = load_chip("u280"), read_design(design_path("systolic_array"))
    assert set(chip.params) == {*device.params, *design.params, "design", "engine"}
    assert chip.param("lut") == device.param("lut") and chip.param("array_rows") == design.params["array_rows"]


def test_constants_of_either_can_be_set() -> None:
    chip = hwsim.load_chip("u280+systolic_array", array_rows=4, dsp=100, design_clock_hz="0.2 GHz")
    assert (chip.number("array_rows"), chip.number("dsp"), chip.number("design_clock_hz")) == (4, 100, 0.2e9)


def test_a_constant_of_a_design_on_a_bare_device_is_refused_with_the_name_to_use() -> None:
    with pytest.raises(InvalidChip, match=r"array_rows.*u280\+systolic_array"):
        load_chip("u280", array_rows=4)
    assert "systolic_array" in stated_by_designs("array_rows") and not stated_by_designs("lut")


def test_a_design_may_differ_by_device(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert load_chip(f"u280+{path}").number("array_rows") == 16
    assert load_chip(f"zcu102+{path}").number("array_rows") == 8


def test_a_design_may_be_based_on_another(tmp_path: Path) -> None:
    written(tmp_path)
    text = "schema: hwsim.design/1\nname: larger\nbased_on: mine.yaml\nparams:\n  array_rows: {value: 32, unit: '1', status: published, source: t}\n"
    design = read_design(written(tmp_path, text, "larger.yaml"))
    assert (design.name, design.engine) == ("larger", "systolic")
    assert (design.params["array_rows"].value, design.params["design_clock_hz"].value) == (32, 200e6)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("hwsim.design/1", "hwsim.chip/1", "must be hwsim.design/1"),
        ("engine: systolic\n", "", "names its engine"),
        ("engine: systolic", "engin: systolic", "engin"),
        ("    array_rows: {value: 16", "    array_cols: {value: 16", "states no value for the others"),
        ("name: mine\n", "name: mine\nbased_on: mine.yaml\n", "circle"),
        ("status: published", "status: guessed", "guessed"),
    ],
)
def test_a_malformed_design_is_refused_with_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = written(tmp_path, DESIGN.replace(old, new))
    with pytest.raises(InvalidChip, match=complaint):
        read_design(path)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidChip, match="did you mean systolic_array"):
        load_chip("u280+systolic_aray")
    with pytest.raises(InvalidChip, match="did you mean u280"):
        load_chip("u281+systolic_array")
    with pytest.raises(InvalidChip, match="no such file"):
        load_chip("u280+./nowhere.yaml")
    assert "systolic_array" in design_names()


def test_two_designs_or_a_name_of_both_are_refused(tmp_path: Path) -> None:
    both = read_design(written(tmp_path, DESIGN.replace("  array_rows: {value: 8", "  lut: {value: 8").split("devices:")[0]))
    with pytest.raises(InvalidChip, match="both state lut"):
        compose(load_chip("u280"), both)
    with pytest.raises(InvalidChip, match="holds a design already"):
        compose(load_chip("u280+systolic_array"), read_design(design_path("systolic_array")))
