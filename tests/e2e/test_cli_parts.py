"""The parts of the command line: texts to values, tables, JSON files that are whole or absent."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hwsim.cli.options import assignments, parse_value, split_by_chip
from hwsim.cli.output import metric, plain_value, share, table, write_json
from hwsim.cli.report_view import bounds_text, constant_text, error_text
from hwsim.core.errors import HwsimError, InvalidMapping, UnsupportedOp


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("420x420", (420, 420)), ("2x3x4", (2, 3, 4)), ("7", 7), ("-7", -7), ("0.5", 0.5), ("1e9", 1e9), ("true", True), ("False", False),
        ("meshgemv", "meshgemv"), ("[420, 420]", (420, 420)), ("[[1, 2], [3, 4]]", ((1, 2), (3, 4))), ('["a"]', ("a",)), ("850 MHz", 8.5e8),
        ("0x10", (0, 10)), ("x", "x"),
    ],
)  # fmt: skip
def test_values(text: str, value: Any) -> None:
    found = parse_value(text, InvalidMapping)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize("text", ["[1", "nan", "inf", "-inf", "3 parsecs"])
def test_values_that_are_none(text: str) -> None:
    with pytest.raises(InvalidMapping):
        parse_value(text, InvalidMapping)


def test_assignments() -> None:
    assert assignments(["a-b=c=d", " e = 1 "], "--map", InvalidMapping) == {"a_b": "c=d", "e": "1"}
    for bad in ("a", "=1", "a="):
        with pytest.raises(InvalidMapping, match="name=value"):
            assignments([bad], "--map", InvalidMapping)
    with pytest.raises(InvalidMapping, match="twice"):
        assignments(["a=1", "a=2"], "--map", InvalidMapping)


def test_mappings_of_one_chip() -> None:
    found = split_by_chip(["grid=4x4", "b:grid_b=2", "dir/chip.yaml:system=x:y"], ["a", "b", "dir/chip.yaml"])
    assert found == {"a": {"grid": (4, 4)}, "b": {"grid": (4, 4), "grid_b": 2}, "dir/chip.yaml": {"grid": (4, 4), "system": "x:y"}}
    with pytest.raises(InvalidMapping, match="none of the chips"):
        split_by_chip(["c:grid=1"], ["a", "b"])
    with pytest.raises(InvalidMapping, match="twice"):
        split_by_chip(["grid=1", "a:grid=2"], ["a", "b"])


def test_json_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_json({"a": 1}, str(path))
    before = path.read_text()
    assert json.loads(before) == {"a": 1}
    for bad in ({"a": math.nan}, {"a": object()}):
        with pytest.raises((ValueError, TypeError)):
            write_json(bad, str(path))
    with pytest.raises(HwsimError, match="--json"):
        write_json({}, str(tmp_path / "none" / "r.json"))
    assert path.read_text() == before and [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_figures() -> None:
    assert (share(0.0312), share(None), share(-0.5), share(123.4)) == ("3.1 %", "-", "-50.0 %", "12,340 %")
    assert (metric("latency_s", 3.7e-4), metric("cycles", 1234567.8), metric("tops", 0.05), metric("area_mm2", 46225.0)) == (
        "370 us", "1,234,568", "0.05 TOPS", "46,225 mm2",
    )  # fmt: skip
    assert (plain_value((4, 4)), plain_value((0.5, 1.0)), plain_value(True), plain_value("a")) == ("4x4", "[0.5, 1]", "true", "a")
    assert bounds_text({"m": 1, "k": 8, "batch": 1, "bias": 0, "kv": 4}) == "m1 k8 kv=4"
    assert (constant_text(1.1e9, "Hz"), constant_text((750.0, 994.0), "PE"), constant_text("ring", "text"), constant_text(850000.0, "PE")) == (
        "1.1 GHz", "750 x 994 PE", "ring", "850,000 PE",
    )  # fmt: skip
    assert error_text({"n": 1, "mape": 0.5, "worst": 0.5}) == "50.0 %, worst 50.0 % (n 1)" and error_text(None) == ""


def test_tables_without_rows() -> None:
    from rich.console import Console

    screen = Console(width=80)
    with screen.capture() as caught:
        screen.print(table("nothing", ("a", "b"), []))
    assert "nothing" in caught.get()


def test_unsupported_operators_are_written_once() -> None:
    error = UnsupportedOp("t", [*(f"layers.{i}.norm" for i in range(3)), "head"])
    assert "4 operator(s): layers.*.norm (3), head;" in str(error) and len(error.ops) == 4
