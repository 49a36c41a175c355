"""Characterised cells, `cells.csv`: a compact text form of a `Library`, read and written.

One record a line, its first field says what it is; pins, arcs and checks belong to the cell above them. Units: ps, fF, nW, fJ, um, um2.

```
# attribution, licence (comment lines at the top; they are kept)
library,NAME,cpp_um,row_um,vdd_v,unit_inverter,slew_low,slew_high,delay_threshold
axis,NAME,figures...                                            an axis that surfaces name, separated by spaces
cell,NAME,kind,area_um2,width_cpp,rows,leakage,energy of an output, an input, the clock pin per transition
state,variables,clock,data,clear,preset                         flip-flops and latches
pin,NAME,direction,capacitance,max_capacitance,is_clock,function,three_state
arc,FROM,TO,type,sense,axes,delay_rise,delay_fall,slew_rise,slew_fall     a surface: figures row by row; empty: no such edge
check,CLOCK,PIN,type,axes,rise,fall
```
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from hwsim.core.errors import HwsimError, InvalidChip, Location
from hwsim.readers.yaml_file import changed_at
from hwsim.tech import cell_library as tech
from hwsim.tech.cell_library import Arc, Cell, Check, Floats, Library, Pin, State, Surface, Thresholds

PS, FF, NW, FJ = 1e-12, 1e-15, 1e-9, 1e-15
FIELDS = {"library": 9, "axis": 3, "cell": 10, "state": 6, "pin": 8, "arc": 10, "check": 7}
DIGITS = 6


@dataclass
class _Reading:
    """What has been read so far."""

    header: list[str] | None = None
    axes: dict[str, Floats] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_cells(path: str | Path) -> Library:
    """Return the library of a cells.csv; unchanged files are read once. Raises `InvalidChip` with file and line."""
    where = Path(path)
    return _read(where, changed_at(where))


@lru_cache(maxsize=16)
def _read(path: Path, stamp: int) -> Library:
    found = _Reading()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise InvalidChip(f"no such file of characterised cells: {path}") from None
    for number, line in enumerate(lines, 1):
        if line.startswith("#"):
            found.notes.append(line.lstrip("# "))
        elif line.strip():
            try:
                _take(next(csv.reader([line])), found)
            except ValueError as bad:
                raise InvalidChip(f"not a record of characterised cells: {bad}", location=Location(str(path), number)) from None
            except HwsimError as bad:
                raise InvalidChip(bad.problem, location=Location(str(path), number)) from None
    if found.header is None:
        raise InvalidChip("a file of characterised cells needs a 'library' record", location=Location(str(path)))
    name, cpp, row, vdd, inverter, low, high, delay = found.header[1:]
    thresholds = Thresholds(float(low), float(high), float(delay))
    return Library(name, tuple(found.cells), float(cpp), float(row), float(vdd), inverter, thresholds, "\n".join(found.notes))


def _take(row: list[str], found: _Reading) -> None:
    kind = row[0]
    if len(row) != FIELDS.get(kind):
        raise ValueError(f"'{kind}' with {len(row)} fields" if kind in FIELDS else f"unknown record '{kind}'")
    if kind == "library":
        [float(v) for v in (*row[2:5], *row[6:])]
        found.header = row
    elif kind == "axis":
        found.axes[row[1]] = _figures(row[2])
    elif kind == "cell":
        area, width, rows, leakage, *energies = (float(v) for v in row[3:])
        found.cells.append(Cell(row[1], _word(row[2], tech.KINDS), area, width, rows, leakage * NW, (), (), (), None, *(e * FJ for e in energies)))
    elif not found.cells:
        raise ValueError(f"'{kind}' before the first cell")
    else:
        found.cells[-1] = _grown(found.cells[-1], row, found)


def _grown(cell: Cell, row: list[str], found: _Reading) -> Cell:
    """The cell with one more record."""
    if row[0] == "state":
        first, second = row[1].split()
        return replace(cell, state=State((first, second), *row[2:]))
    if row[0] == "pin":
        pin = Pin(row[1], _word(row[2], tech.DIRECTIONS), float(row[3]) * FF, float(row[4] or 0) * FF, row[5] == "1", row[6], row[7])
        return replace(cell, pins=(*cell.pins, pin))
    cell.pin(row[1]), cell.pin(row[2])
    if row[0] == "arc":
        surfaces = (_surface(row[5], text, found, FF) for text in row[6:])
        return replace(cell, arcs=(*cell.arcs, Arc(row[1], row[2], _word(row[3], tech.ARC_TYPES), _word(row[4], tech.SENSES), *surfaces)))
    check = Check(row[1], row[2], _word(row[3], tech.CHECK_TYPES), *(_surface(row[4], text, found, PS) for text in row[5:]))
    return replace(cell, checks=(*cell.checks, check))


def _word(given: str, known: Iterable[str]) -> str:
    words = list(known)
    if given not in words:
        raise ValueError(f"'{given}' is none of {', '.join(words)}")
    return given


def _figures(text: str) -> Floats:
    return np.array([float(v) for v in text.split()])


def _surface(axes: str, text: str, found: _Reading, unit: float) -> Surface | None:
    if not text:
        return None
    names = axes.split()
    if len(names) != 2 or any(n not in found.axes for n in names):
        raise ValueError(f"unknown axes '{axes}'")
    x, y = (found.axes[n] for n in names)
    values = _figures(text)
    if len(values) != len(x) * len(y):
        raise ValueError(f"a surface of {len(x)} x {len(y)} points has {len(values)} figures")
    return Surface(x * PS, y * unit, values.reshape(len(x), len(y)) * PS)


def write_cells(library: Library, path: str | Path) -> None:
    """Write `library` as a cells.csv. Figures keep six digits."""
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in library.attribution.splitlines())
        csv.writer(file, lineterminator="\n").writerows(_records(library))


def _records(library: Library) -> Iterator[Sequence[object]]:
    t = library.thresholds
    yield "library", library.name, _text(library.cpp_um), _text(library.row_um), _text(library.vdd_v), library.unit_inverter, *map(
        _text, (t.slew_low, t.slew_high, t.delay)
    )
    axes: dict[str, str] = {}
    for cell in library.cells:
        for arc in cell.arcs:
            yield from _axes(arc.surfaces, FF, axes)
        for check in cell.checks:
            yield from _axes((check.rise, check.fall), PS, axes)
    for cell in library.cells:
        energies = (cell.energy_output_j, cell.energy_input_j, cell.energy_clock_j)
        yield ("cell", cell.name, cell.kind, _text(cell.area_um2), _text(cell.width_cpp), _text(cell.rows), _text(cell.leakage_w / NW),
               *(_text(e / FJ) for e in energies))  # fmt: skip
        if cell.state is not None:
            state = cell.state
            yield "state", " ".join(state.variables), state.clock, state.data, state.clear, state.preset
        for pin in cell.pins:
            yield ("pin", pin.name, pin.direction, _text(pin.capacitance_f / FF), _text(pin.max_capacitance_f / FF), int(pin.is_clock),
                   pin.function, pin.three_state)  # fmt: skip
        for arc in cell.arcs:
            yield "arc", arc.related, arc.pin, arc.type, arc.sense, *_surfaces(arc.surfaces, FF, axes)
        for check in cell.checks:
            yield "check", check.related, check.pin, check.type, *_surfaces((check.rise, check.fall), PS, axes)


def _text(value: float) -> str:
    return f"{value:.{DIGITS}g}"


def _row(values: Floats, unit: float) -> str:
    return " ".join(_text(v / unit) for v in values.ravel())


def _axes(surfaces: Iterable[Surface | None], unit: float, known: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Records of the axes that are not known yet; `known` maps their text to their names."""
    for surface in surfaces:
        if surface is not None:
            for text in (_row(surface.x, PS), _row(surface.y, unit)):
                if text not in known:
                    known[text] = f"a{len(known)}"
                    yield "axis", known[text], text


def _surfaces(surfaces: Sequence[Surface | None], unit: float, axes: dict[str, str]) -> tuple[str, ...]:
    """The axes' names, and the figures of the surfaces of one arc or check, which share them."""
    names = {f"{axes[_row(s.x, PS)]} {axes[_row(s.y, unit)]}" for s in surfaces if s is not None}
    if len(names) > 1:
        raise InvalidChip("the surfaces of one arc must share their axes")
    return (names.pop() if names else "", *("" if s is None else _row(s.values, PS) for s in surfaces))
