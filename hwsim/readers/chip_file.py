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
from_tables:                # optional: constants of technology tables (`hwsim.readers.table_entry`)
  ddr_j_per_byte: {table: dram-system, constant: ddr4_3200_j_per_bit, unit: J/B}
```
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest
from hwsim.core.param import Param, Value
from hwsim.core.resources import shipped
from hwsim.readers.design_file import SEPARATOR, compose, design_path, read_design, stated_by_designs
from hwsim.readers.param_entry import ParamEntry, read_param, read_value
from hwsim.readers.quantity import parse_setting, quantity
from hwsim.readers.table_entry import TableEntry, from_table
from hwsim.readers.yaml_file import Document, FileModel, changed_at, load_schema, validate

__all__ = ["chip_names", "chip_path", "load_chip", "read_chip"]

SCHEMA = "hwsim.chip/1"
TECHNOLOGY = "tech"  # target of technology tables
_INHERITANCE_DEPTH = 8


class ChipEntry(FileModel):
    """A whole chip file."""

    schema_: str = Field(alias="schema")
    name: str
    target: str
    title: str = ""
    based_on: str | None = None
    note: str = ""
    params: dict[str, ParamEntry]
    from_tables: dict[str, TableEntry] = Field(default_factory=dict)


def load_chip(name_or_path: str | Path, /, **overrides: Any) -> Chip:
    """Return the chip called `name_or_path` (a folder of models/), or read from a path to a chip.yaml or to its folder.

    ``DEVICE+DESIGN`` (``u280+flightllm``, ``u280+./mine.yaml``) is a device with an accelerator design on it (`hwsim.readers.design_file`).
    `overrides` set constants to other values: SI numbers, flags, sequences of numbers, or text with a unit (``clock_hz="0.85 GHz"``; for a
    constant of unit text, the word itself). Raises `InvalidChip` for an unknown chip or constant (naming the nearest), or a malformed file.

    >>> load_chip("wse2", clock_hz="0.85 GHz").number("clock_hz")
    850000000.0
    """
    device, design = _parts(name_or_path)
    chip = read_chip(chip_path(device))
    if design:
        chip = compose(chip, read_design(design_path(design)))
    if not overrides:
        return chip
    unknown = [key for key in overrides if key not in chip.params]
    if unknown:
        near = nearest(unknown[0], chip.params)
        if not design and (owners := stated_by_designs(unknown[0])):
            near = f" (a constant of designs; name one of them too: {', '.join(chip.name + SEPARATOR + name for name in owners)})"
        raise InvalidChip(f"chip '{chip.name}' has no parameter '{unknown[0]}'{near}")
    settings = {key: _setting(key, value, chip.params[key]) for key, value in overrides.items()}
    return chip.replace(**settings)


def _parts(name_or_path: str | Path) -> tuple[str | Path, str]:
    """Split ``DEVICE+DESIGN``; a path that exists is one name, whatever it holds."""
    text = str(name_or_path)
    if SEPARATOR not in text or Path(text).exists():
        return name_or_path, ""
    device, _, design = text.partition(SEPARATOR)
    return device, design


def chip_names() -> list[str]:
    """Return the names of the shipped chips, sorted.

    >>> "wse2" in chip_names()
    True
    """
    return sorted(found.parent.name for found in shipped("models").glob("*/chip.yaml"))


def chip_path(name_or_path: str | Path) -> Path:
    """Return the chip file meant by a name or a path. Raises `InvalidChip` for an unknown name, naming the nearest ones.

    >>> chip_path("wse2").name, chip_path("my/folder").name
    ('chip.yaml', 'chip.yaml')
    """
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
    """Return the chip of a file; unchanged files are parsed once. Raises `InvalidChip` with ``file:line: path: problem``.

    >>> read_chip(chip_path("a100")).target
    'gpu'
    """
    where = Path(path)
    return _read(where, changed_at(where), 0)


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int, depth: int) -> Chip:
    document = load_schema(path, SCHEMA, "chip", InvalidChip)
    entry = validate(ChipEntry, document, InvalidChip)
    params: dict[str, Param] = {}
    if entry.based_on is not None:
        params = dict(_base(document, entry.based_on, path, depth).params)
    for name, stated_param in entry.params.items():
        params[name] = read_param(document, ("params", name), stated_param)
    if entry.target == TECHNOLOGY:
        params = {name: param if param.table else replace(param, table=entry.name) for name, param in params.items()}
    for name, wanted in entry.from_tables.items():
        at = ("from_tables", name)
        if name in entry.params:
            raise document.fail(InvalidChip, at, "is stated under params too")
        params[name] = from_table(document, at, wanted, _table(document, at, wanted.table))
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


def _table(document: Document, at: tuple[str, str], name: str) -> Chip:
    """The technology table called `name`. Raises `InvalidChip` with file, line and path for an unknown one."""
    folder = shipped("models") / "tech"
    found = folder / f"{name}.yaml"
    if not found.is_file():
        known = sorted(table.stem for table in folder.glob("*.yaml"))
        raise document.fail(InvalidChip, (*at, "table"), f"no technology table '{name}'{nearest(name, known)}; there are {', '.join(known)}")
    return read_chip(found)


def _setting(name: str, given: Any, param: Param) -> Value:
    """Return an override as a value of `param`'s kind: flag, text, number or vector of the same length."""
    if isinstance(given, str):
        value = parse_setting(name, given, param.unit, InvalidChip)
    elif isinstance(given, bool):
        value = given
    elif isinstance(given, list | tuple):
        value = tuple(quantity(item, param.unit, InvalidChip) for item in given)
    else:
        value = read_value(given, param.unit) if param.unit != "text" else given
    vector, switch = isinstance(param.value, tuple), isinstance(param.value, bool)
    if isinstance(value, tuple) != vector or isinstance(value, bool) != switch or isinstance(value, str) != isinstance(param.value, str):
        kind = "a vector" if vector else "true or false" if switch else "text" if isinstance(param.value, str) else "a number"
        raise InvalidChip(f"{name} is {kind}, got {given!r}")
    if isinstance(value, tuple) and isinstance(param.value, tuple) and len(value) != len(param.value):
        raise InvalidChip(f"{name} has {len(param.value)} figures, got {len(value)}")
    return value
