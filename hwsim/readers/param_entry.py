"""One constant as a file states it, and its reading: chip files, design files and technology files share the form.

``clock_hz: {value: 1.1 GHz, low: 0.85 GHz, high: 1.1 GHz, status: published, source: "..."}``
"""

from __future__ import annotations

from pydantic import Field

from hwsim.core.errors import InvalidChip
from hwsim.core.param import Param, Value
from hwsim.readers.quantity import expression, quantity, split_quantity
from hwsim.readers.yaml_file import Document, FileModel, KeyPath

Figure = int | float | str


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


def read_param(document: Document, at: KeyPath, entry: ParamEntry) -> Param:
    """Return the constant of the entry at `at`, its figures in internal units. Raises `InvalidChip` with file, line and path."""
    key = "value"
    try:
        unit = _unit(entry)
        si = unit if unit in ("text", "flag") else expression(unit, InvalidChip).si
        value = read_value(entry.value, unit)
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


def read_value(stated: bool | Figure | list[Figure], unit: str) -> Value:
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
