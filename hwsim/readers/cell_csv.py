"""Characterised cells, `cells.csv`: a compact text form of a library, read and written.

One record a line, its first field says what it is; states, pins, arcs and checks belong to the cell above them. Units: ps, fF, kohm, nW, fJ, um, um2.
Timing is kept as drive resistances and weights of shapes that all cells share (`hwsim.tech.shapes`).

```
# attribution, licence (comment lines at the top; they are kept)
library,NAME,cpp_um,row_um,vdd_v,unit_inverter,slew_low,slew_high,delay_threshold
nodes,time unit,x...,y...                          of the shapes; figures are separated by spaces
shape,delay,figures row by row                     likewise shape,slew
cell,NAME,kind,area_um2,width_cpp,rows,leakage,energy of an output, an input, the clock pin per transition
state,variables,clock,data,clear,preset            flip-flops and latches
pin,NAME,direction,capacitance,max_capacitance,is_clock,function,three_state
arc,FROM,TO,type,sense,rise,fall                   drive resistance, weights of the delay, weights of the slew; empty: no such edge
check,CLOCK,PIN,type,data slews,clock slews,rise,fall
```
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from hwsim.core.errors import HwsimError, InvalidChip, Location
from hwsim.readers.yaml_file import changed_at
from hwsim.tech import cell_library as tech
from hwsim.tech.cell_library import Arc, Cell, Check, Floats, Library, Pin, State, Surface, Thresholds
from hwsim.tech.shapes import Shapes

__all__ = ["read_cells"]

PS, FF, NW, FJ, KOHM = 1e-12, 1e-15, 1e-9, 1e-15, 1e3
FIELDS = {"library": 9, "nodes": 4, "shape": 3, "cell": 10, "state": 6, "pin": 8, "arc": 7, "check": 8}
SHAPE_KINDS = ("delay", "slew")


@dataclass
class _Reading:
    """What has been read so far."""

    header: list[str] | None = None
    unit_s: float = 0.0
    x: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))
    shapes: dict[str, list[Floats]] = field(default_factory=lambda: {kind: [] for kind in SHAPE_KINDS})
    basis: tuple[Shapes, ...] = ()
    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_cells(path: str | Path) -> Library:
    """Return the library of a cells.csv; unchanged files are read once. Raises `InvalidChip` with file and line.

    >>> from hwsim.core.resources import shipped
    >>> found = sorted((shipped("models")).rglob("cells.csv"))
    >>> len(read_cells(found[0]).cells) > 10
    True
    """
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
    elif kind == "nodes":
        found.unit_s, found.x, found.y = float(row[1]) * PS, _figures(row[2]), _figures(row[3])
    elif kind == "shape":
        found.shapes[_word(row[1], SHAPE_KINDS)].append(_figures(row[2]))
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
        direction = _word(row[2], tech.DIRECTIONS)
        pin = Pin(row[1], direction, float(row[3]) * FF, float(row[4] or 0) * FF, row[5] == "1", row[6], row[7])
        return replace(cell, pins=(*cell.pins, pin))
    cell.pin(row[1]), cell.pin(row[2])
    if row[0] == "arc":
        rise, fall = (_edge(text, found) for text in row[5:])
        arc = Arc(row[1], row[2], _word(row[3], tech.ARC_TYPES), _word(row[4], tech.SENSES), rise[0], fall[0], rise[1], fall[1])
        return replace(cell, arcs=(*cell.arcs, arc))
    x, y = _figures(row[4]) * PS, _figures(row[5]) * PS
    surfaces = (Surface(x, y, _table(_figures(text), (len(x), len(y))) * PS) if text else None for text in row[6:])
    return replace(cell, checks=(*cell.checks, Check(row[1], row[2], _word(row[3], tech.CHECK_TYPES), *surfaces)))


def _edge(text: str, found: _Reading) -> tuple[Surface | None, Surface | None]:
    """(delay, output slew) of one edge."""
    if not text:
        return None, None
    if not found.basis:
        size = (len(found.x), len(found.y))
        tables = (np.array([_table(f, size) for f in found.shapes[kind]]) for kind in SHAPE_KINDS)
        found.basis = tuple(Shapes(found.unit_s, found.x, found.y, table) for table in tables)
    delays, slews = found.basis
    figures = _figures(text)
    if len(figures) != 1 + len(delays.basis) + len(slews.basis):
        raise ValueError(f"an edge needs {1 + len(delays.basis) + len(slews.basis)} figures, got {len(figures)}")
    resistance, cut = figures[0] * KOHM, 1 + len(delays.basis)
    return delays.surface(resistance, figures[1:cut]), slews.surface(resistance, figures[cut:])


def _word(given: str, known: Iterable[str]) -> str:
    words = list(known)
    if given not in words:
        raise ValueError(f"'{given}' is none of {', '.join(words)}")
    return given


def _figures(text: str) -> Floats:
    return np.array([float(v) for v in text.split()])


def _table(figures: Floats, shape: tuple[int, ...]) -> Floats:
    if len(figures) != np.prod(shape):
        raise ValueError(f"a table of {' x '.join(map(str, shape))} points has {len(figures)} figures")
    return figures.reshape(shape)
