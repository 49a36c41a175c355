"""Chip files: values in internal units, every complaint with file, line and path."""

import pytest

from hwsim.core.errors import InvalidChip
from hwsim.readers import chip_file
from hwsim.readers.chip_file import chip_names, load_chip, read_chip

TEXT = """schema: hwsim.chip/1
name: toy
target: wafer_mesh
title: A toy
params:
  clock_hz: {value: 1.1 GHz, low: 0.85 GHz, high: 1.1 GHz, status: published, source: "a table"}
  hop_cycles: {value: 1, unit: cycle, status: published, source: "a table"}
  grid_usable: {value: [750, 994], unit: PE, status: published, source: "a table"}
  stage_cycles: {value: 12, unit: cycle, low: 11.5, high: 12.3, status: fitted, fitted_on: [meshgemv], source: "a fit"}
  algorithm: {value: ring, unit: text, status: published, source: "a table"}
  has_router: {value: true, status: published, source: "a table"}
  link_j: {value: 0.1, unit: pJ/bit, status: published, source: "a table"}
  corners: {value: [0.7 V, 800 mV], status: published, source: "a table"}
"""


@pytest.fixture
def toy(tmp_path):
    file = tmp_path / "chip.yaml"
    file.write_text(TEXT)
    return file


def test_values_are_in_internal_units(toy):
    chip = read_chip(toy)
    assert (chip.name, chip.target, chip.title, chip.origin) == ("toy", "wafer_mesh", "A toy", str(toy))
    clock = chip.param("clock_hz")
    assert (clock.value, clock.unit, clock.low, clock.high) == (1.1e9, "Hz", 0.85e9, 1.1e9)
    assert chip.vector("grid_usable") == (750.0, 994.0)
    assert chip.vector("corners") == (0.7, 0.8)
    assert (chip.param("link_j").value, chip.param("link_j").unit) == (1e-13, "J/bit")
    assert chip.param("stage_cycles").fitted_on == ("meshgemv",)
    assert (chip.param("algorithm").value, chip.param("has_router").value, chip.param("has_router").unit) == ("ring", True, "flag")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 1.1 GHz", "vlaue: 1.1 GHz", ":6: params.clock_hz.vlaue: unknown key (did you mean value?)"),
        ("value: 1.1 GHz", "value: 1.1", ":6: params.clock_hz.value: a figure needs a unit"),
        ("low: 0.85 GHz", "low: 0.85", ":6: params.clock_hz.low: '0.85' needs a unit, such as 0.85 GHz"),
        ("high: 1.1 GHz", "high: 1.1 s", ":6: params.clock_hz.high: '1.1 s' is in s, but Hz is due"),
        ("high: 1.1 GHz", "high: 1 GHz", ":6: params.clock_hz: range 8.5e+08..1e+09 does not hold the value 1.1e+09"),
        (", fitted_on: [meshgemv]", "", ":9: params.stage_cycles: a fitted constant must name"),
        ("low: 11.5, ", "", ":9: params.stage_cycles: a constant of status 'fitted' needs a range"),
        ("status: published", "status: publishd", ":6: params.clock_hz: status 'publishd' is none of"),
        ("target", "tarket", ":3: tarket: unknown key (did you mean target?)"),
        ("unit: cycle", "unit: cycel", ":7: params.hop_cycles.value: unknown unit 'cycel' (did you mean cycle"),
        ("unit: cycle, ", "", ":7: params.hop_cycles.value: a figure needs a unit"),
        ("A toy", "5", ":4: title: should be a valid string, got 5"),
        ("chip/1", "chip/9", ":1: schema: must be hwsim.chip/1, got 'hwsim.chip/9'"),
        ("value: 1,", "value: {a: 1},", ":7: params.hop_cycles.value"),
        ("value: 1,", "value: .nan,", ":7: params.hop_cycles.value: nan is not a finite number"),
        ("value: true", "value: yes", ":11: params.has_router.value: 'yes' is no quantity (1.1 GHz); words need unit: text"),
        ("value: true", "value: true, unit: V", "true or false has the unit flag"),
        ("value: ring", "value: [ring]", ":10: params.algorithm.value: unit text takes one text"),
        ("value: ring", "value: ring, low: 1", ":10: params.algorithm.low: unit text takes no range"),
        ("[750, 994]", "[]", ":8: params.grid_usable.value: a list needs at least one figure"),
        ("  hop_cycles", "  clock_hz", ":7: params.clock_hz: key 'clock_hz' is stated twice (first on line 6)"),
        ('source: "a table"', 'source: ""', ":6: params.clock_hz: a constant needs a source"),
        ("title: A toy", "based_on: wse99", ":4: based_on: unknown chip 'wse99'"),
        ("title: A toy", "based_on: chip.yaml", ":4: based_on: chips are based on each other in a circle"),
        ("title: A toy", "based_on: gone.yaml", ":4: based_on: no such file"),
        (TEXT, "[1, 2]", ":1: a chip file is a mapping"),
        (TEXT, "", "a chip file is a mapping"),
    ],
)
def test_complaints_say_where(toy, old, new, message):
    assert old in TEXT
    toy.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(InvalidChip) as raised:
        read_chip(toy)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(toy))


def test_a_chip_based_on_another(toy, tmp_path):
    child = tmp_path / "child.yaml"
    child.write_text(
        "schema: hwsim.chip/1\nname: child\ntarget: wafer_mesh\nbased_on: chip.yaml\n"
        "params:\n  clock_hz: {value: 2 GHz, status: derived, source: twice}\n"
    )
    chip = read_chip(child)
    assert chip.number("clock_hz") == 2e9
    assert chip.param("hop_cycles") == read_chip(toy).param("hop_cycles")


def test_overrides(toy):
    chip = load_chip(toy, clock_hz="0.85GHz", has_router=False, algorithm="tree", grid_usable=(2, 3), hop_cycles="2")
    assert chip.number("clock_hz") == 0.85e9
    assert chip.vector("grid_usable") == (2.0, 3.0)
    assert (chip.param("has_router").value, chip.param("algorithm").value, chip.number("hop_cycles")) == (False, "tree", 2.0)
    assert not chip.param("clock_hz").has_range
    assert load_chip(toy, clock_hz=0.9e9).number("clock_hz") == 0.9e9
    assert load_chip(toy.parent, link_j="3 pJ/B").number("link_j") == 3.75e-13


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"clok_hz": 3}, "no parameter 'clok_hz' (did you mean clock_hz?)"),
        ({"clock_hz": "3"}, "clock_hz needs a unit, such as 3 GHz"),
        ({"clock_hz": True}, "clock_hz is a number"),
        ({"clock_hz": [3]}, "clock_hz is a number"),
        ({"has_router": 3}, "unit flag needs true or false"),
        ({"algorithm": 3}, "algorithm is text"),
        ({"grid_usable": "[3]"}, "grid_usable has 2 figures, got 1"),
        ({"grid_usable": 3}, "grid_usable is a vector"),
        ({"clock_hz": float("nan")}, "not a finite number"),
    ],
)
def test_bad_overrides(toy, setting, message):
    with pytest.raises(InvalidChip) as raised:
        load_chip(toy, **setting)
    assert message in str(raised.value)


def test_names(tmp_path, monkeypatch):
    for name in ("alpha", "beta"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chip.yaml").write_text(TEXT.replace("toy", name))
    monkeypatch.setattr(chip_file, "shipped", lambda folder: tmp_path)
    assert chip_names() == ["alpha", "beta"]
    assert load_chip("alpha").name == "alpha"
    with pytest.raises(InvalidChip, match=r"unknown chip 'alfa' \(did you mean alpha\?\); known: alpha, beta"):
        load_chip("alfa")
    with pytest.raises(InvalidChip, match="no such file"):
        load_chip("nowhere/else")


def test_a_changed_file_is_read_again(toy):
    import os

    assert read_chip(toy) is read_chip(toy)
    toy.write_text(TEXT.replace("1.1 GHz, low", "1.0 GHz, low"))
    os.utime(toy, ns=(1, 1))
    assert read_chip(toy).number("clock_hz") == 1e9


def test_every_shipped_chip_is_read():
    for name in chip_names():
        chip = load_chip(name)
        assert chip.name == name
        assert all(p.source for p in chip.params.values())


def from_tables(toy, line):
    toy.write_text(f"{TEXT}from_tables:\n  {line}\n")
    return read_chip(toy)


def test_a_constant_from_a_table_follows_the_table(toy, tmp_path, monkeypatch):
    chip = from_tables(toy, "ddr_j: {table: dram-system, constant: lpddr4_j_per_bit, unit: pJ/B}")
    param = chip.param("ddr_j")
    assert (param.number, param.low, param.high) == (pytest.approx(84e-12), pytest.approx(64e-12), pytest.approx(104e-12))  # 8 bits of 10.5, 8, 13
    assert (param.unit, param.status, param.table) == ("J/B", "assumed", "dram-system")
    assert param.source.startswith("technology table dram-system, lpddr4_j_per_bit: ")
    (tmp_path / "tech").mkdir()
    other = 'lpddr4_j_per_bit: {value: 2 pJ/bit, status: published, source: "a later table"}'
    (tmp_path / "tech" / "dram-system.yaml").write_text(f"schema: hwsim.chip/1\nname: dram-system\ntarget: tech\nparams:\n  {other}\n")
    monkeypatch.setattr(chip_file, "shipped", lambda folder: tmp_path)
    chip_file._read.cache_clear()
    changed = read_chip(toy).param("ddr_j")
    assert (changed.number, changed.low, changed.status) == (pytest.approx(16e-12), None, "derived")


def test_a_range_of_the_chip_replaces_that_of_the_table(toy):
    line = "link: {table: links, constant: nvlink_j_per_bit, unit: J/B, low: 5 pJ/B, high: 40 pJ/B, note: with switch}"
    param = from_tables(toy, line).param("link")
    assert (param.number, param.low, param.high) == (pytest.approx(10.4e-12), 5e-12, 40e-12)
    assert param.source.endswith("; with switch")


@pytest.mark.parametrize(("line", "problem"), [
    ("x: {table: dram-sistem, constant: lpddr4_j_per_bit}", "did you mean dram-system"),
    ("x: {table: dram-system, constant: lpddr9_j_per_bit}", "lpddr9_j_per_bit"),
    ("x: {table: dram-system, constant: lpddr4_j_per_bit, unit: J}", "is due"),
    ("x: {table: dram-system, constant: lpddr4_j_per_bit, low: 11 pJ/bit}", "does not hold the value"),
    ("x: {table: sram-process, constant: n90_local}", "not a single number"),
    ("hop_cycles: {table: dram-system, constant: lpddr4_j_per_bit}", "stated under params too"),
])  # fmt: skip
def test_what_a_table_cannot_give_is_refused_where_it_is_asked(toy, line, problem):
    with pytest.raises(InvalidChip, match=problem) as refusal:
        from_tables(toy, line)
    assert "chip.yaml:15: from_tables." in str(refusal.value)


def test_a_chip_based_on_a_table_says_which_constants_are_the_tables():
    chip = load_chip("event-core-45nm")
    tables = tuple(chip.param(name).table for name in ("add_fp32_j", "hop_j", "sram_mm2_per_byte"))
    assert tables == ("arithmetic-45nm", "", "sram-macros")
    assert load_chip("event-core-45nm", add_fp32_j="1 pJ").param("add_fp32_j").table == ""  # set by the user
