"""Chip files: ``models/<chip>/chip.yaml`` -> `Chip`, every constant in hwsim's internal units with its source.

```yaml
schema: hwsim.chip/1
name: wse2
target: wafer_mesh
title: Cerebras WSE-2 (CS-2)
based_on: wse3              # optional: start from the constants of another chip (a name, or a path beside this file)
params:
  clock_hz: {value: 1.1 GHz, low: 0.85 GHz, high: 1.1 GHz, status: published, source: "..."}
  grid_usable: {value: [750, 994], unit: PE, status: published, source: "..."}
  algorithm: {value: ring, unit: text, status: assumed, source: "..."}
  has_router: {value: true, unit: flag, status: published, source: "..."}
  stage_cycles: {value: 12, unit: cycle, low: 11.5, high: 12.3, status: fitted, fitted_on: [meshgemv], source: "..."}
```
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest
from hwsim.core.param import Param, Value
from hwsim.core.resources import shipped
from hwsim.readers.quantity import expression, parse_setting, quantity, split_quantity
from hwsim.readers.yaml_file import Document, FileModel, KeyPath, load_yaml, validate

SCHEMA = "hwsim.chip/1"
Figure = int | float | str
_INHERITANCE_DEPTH = 8


class ParamEntry(FileModel):
    """One constant as a file states it; low and high default to a known figure (no range)."""

    value: bool | int | float | str | list[Figure]
    unit: str | None = None
    low: Figure | None = None
    high: Figure | None = None
    status: str
    source: str
    fitted_on: list[str] = Field(default_factory=list)
    note: str = ""


class ChipEntry(FileModel):
    """A whole chip file."""

    schema_: str = Field(alias="schema")
    name: str
    target: str
    title: str = ""
    based_on: str | None = None
    note: str = ""
    params: dict[str, ParamEntry]


def load_chip(name_or_path: str | Path, /, **overrides: Any) -> Chip:
    """Return the chip called `name_or_path` (a folder of models/), or read from a path to a chip.yaml or to its folder.

    `overrides` set constants to other values: SI numbers, flags, sequences of numbers, or text with a unit (``clock_hz="0.85 GHz"``; for a
    constant of unit text, the word itself). Raises `InvalidChip` for an unknown chip or constant (naming the nearest), or a malformed file.

    >>> load_chip("wse2", clock_hz="0.85 GHz").number("clock_hz")
    850000000.0
    """
    chip = read_chip(chip_path(name_or_path))
    if not overrides:
        return chip
    unknown = [key for key in overrides if key not in chip.params]
    if unknown:
        raise InvalidChip(f"chip '{chip.name}' has no parameter '{unknown[0]}'{nearest(unknown[0], chip.params)}")
    settings = {key: _setting(key, value, chip.params[key]) for key, value in overrides.items()}
    return chip.replace(**settings)


def chip_names() -> list[str]:
    """Return the names of the shipped chips, sorted."""
    return sorted(found.parent.name for found in shipped("models").glob("*/chip.yaml"))


def chip_path(name_or_path: str | Path) -> Path:
    """Return the chip file meant by a name or a path. Raises `InvalidChip` for an unknown name, naming the nearest ones."""
    text, path = str(name_or_path), Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return path
    if "/" in text or text in (".", ".."):
        return path / "chip.yaml"
    known = chip_names()
    if text not in known:
        raise InvalidChip(f"unknown chip '{text}'{nearest(text, known)}; known: {', '.join(known) or 'none'} (or give a path to a chip.yaml)")
    return shipped("models") / text / "chip.yaml"


def read_chip(path: str | Path) -> Chip:
    """Return the chip of a file; unchanged files are parsed once. Raises `InvalidChip` with ``file:line: path: problem``."""
    where = Path(path)
    try:
        stamp = where.stat().st_mtime_ns
    except OSError:
        stamp = 0  # reading it reports what is wrong
    return _read(where, stamp, 0)


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int, depth: int) -> Chip:
    document = load_yaml(path, InvalidChip)
    if not isinstance(document.data, dict):
        raise document.fail(InvalidChip, (), f"a chip file is a mapping with schema: {SCHEMA}")
    if (stated := document.data.get("schema")) != SCHEMA:
        raise document.fail(InvalidChip, ("schema",), f"must be {SCHEMA}, got {stated!r}")
    entry = validate(ChipEntry, document, InvalidChip)
    params: dict[str, Param] = {}
    if entry.based_on is not None:
        params = dict(_base(document, entry.based_on, path, depth).params)
    for name, stated_param in entry.params.items():
        params[name] = _param(document, name, stated_param)
    return Chip(entry.name, entry.target, params, entry.title, str(path))


def _base(document: Document, name: str, path: Path, depth: int) -> Chip:
    if depth >= _INHERITANCE_DEPTH:
        raise document.fail(InvalidChip, ("based_on",), "chips are based on each other in a circle")
    beside = path.parent / name
    try:
        found = beside if beside.suffix in (".yaml", ".yml") else chip_path(name)
        return _read(found, found.stat().st_mtime_ns, depth + 1)
    except OSError:
        raise document.fail(InvalidChip, ("based_on",), f"no such file: {beside}") from None
    except InvalidChip as bad:
        if bad.location is None:
            raise document.fail(InvalidChip, ("based_on",), bad.problem) from None
        raise


def _param(document: Document, name: str, entry: ParamEntry) -> Param:
    """Return the constant of one entry, its figures in internal units; every complaint gets file, line and path."""
    at: KeyPath = ("params", name)
    key = "value"
    try:
        unit = _unit(entry)
        si = unit if unit in ("text", "flag") else expression(unit, InvalidChip).si
        value = _value(entry.value, unit)
        key = "low"
        low = None if entry.low is None else _figure(entry.low, unit, entry.unit)
        key = "high"
        high = None if entry.high is None else _figure(entry.high, unit, entry.unit)
        key = ""
        return Param(value, si, entry.source, entry.status, low, high, tuple(entry.fitted_on))
    except InvalidChip as bad:
        raise document.fail(InvalidChip, (*at, key) if key else at, bad.problem) from None


def _unit(entry: ParamEntry) -> str:
    """Return the unit of an entry: stated, or carried by the value's text."""
    if isinstance(entry.value, bool):
        if entry.unit not in (None, "flag"):
            raise InvalidChip(f"true or false has the unit flag, not '{entry.unit}'")
        return "flag"
    if entry.unit is not None:
        return entry.unit
    first = entry.value[0] if isinstance(entry.value, list) and entry.value else entry.value
    if not isinstance(first, str):
        raise InvalidChip("a figure needs a unit (1.1 GHz, or unit: cycle; unit: 1 for a plain number)")
    try:
        return split_quantity(first, InvalidChip)[1] or "1"
    except InvalidChip:
        raise InvalidChip(f"'{first}' is no quantity (1.1 GHz); words need unit: text") from None


def _value(stated: bool | Figure | list[Figure], unit: str) -> Value:
    if unit == "flag":
        if not isinstance(stated, bool):
            raise InvalidChip(f"unit flag needs true or false, got {stated!r}")
        return stated
    if unit == "text":
        if isinstance(stated, list):
            raise InvalidChip("unit text takes one text, not a list")
        return str(stated)
    if isinstance(stated, list):
        if not stated:
            raise InvalidChip("a list needs at least one figure")
        return tuple(quantity(item, unit, InvalidChip) for item in stated)
    return quantity(stated, unit, InvalidChip)


def _figure(stated: Figure, unit: str, stated_unit: str | None) -> float:
    """Return one end of a range; it is a bare number only where the entry states its unit apart, or where it counts."""
    if unit in ("text", "flag"):
        raise InvalidChip(f"unit {unit} takes no range")
    if stated_unit is None and not isinstance(stated, str):
        return quantity(repr(stated), unit, InvalidChip)
    return quantity(stated, unit, InvalidChip)


def _setting(name: str, given: Any, param: Param) -> Value:
    """Return an override as a value of `param`'s kind: flag, text, number or vector of the same length."""
    if isinstance(given, str):
        value = parse_setting(name, given, param.unit, InvalidChip)
    elif isinstance(given, bool):
        value = given
    elif isinstance(given, list | tuple):
        value = tuple(quantity(item, param.unit, InvalidChip) for item in given)
    else:
        value = _value(given, param.unit) if param.unit != "text" else given
    vector, switch = isinstance(param.value, tuple), isinstance(param.value, bool)
    if isinstance(value, tuple) != vector or isinstance(value, bool) != switch or isinstance(value, str) != isinstance(param.value, str):
        kind = "a vector" if vector else "true or false" if switch else "text" if isinstance(param.value, str) else "a number"
        raise InvalidChip(f"{name} is {kind}, got {given!r}")
    if isinstance(value, tuple) and isinstance(param.value, tuple) and len(value) != len(param.value):
        raise InvalidChip(f"{name} has {len(param.value)} figures, got {len(value)}")
    return value
