"""A standard-cell library: geometry, pins, logic functions, timing surfaces and energies of its cells, whatever file they came from.

All figures are SI (seconds, farads, watts, joules) except areas (um2) and widths (contacted poly pitches, CPP). Timing follows the nonlinear delay
model: a surface over input slew and output load per arc and output edge; constraints are surfaces over data slew and clock slew. Slews are measured
between `Thresholds.slew_low` and `slew_high`, so slews of different libraries do not compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidTrace, nearest

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

COMBINATIONAL, FLIP_FLOP, LATCH = "comb", "ff", "latch"
KINDS = (COMBINATIONAL, FLIP_FLOP, LATCH)
DIRECTIONS = ("input", "output", "inout", "internal")
# what an arc does, by Liberty's timing_type; arcs of other types (tri-state control) are not timed
ARC_TYPES = ("combinational", "rising_edge", "falling_edge", "preset", "clear")
THROUGH, RISING_EDGE, FALLING_EDGE, PRESET, CLEAR = range(5)
CHECK_TYPES = ("setup_rising", "setup_falling", "hold_rising", "hold_falling")
SETUP_RISING, SETUP_FALLING, HOLD_RISING, HOLD_FALLING = range(4)
SENSES = {"positive_unate": 1, "negative_unate": -1, "non_unate": 0}
DELAY_RISE, DELAY_FALL, SLEW_RISE, SLEW_FALL = range(4)  # columns of `Arrays.arc_tables`; edges are those of the output
NO_TABLE = -1


@dataclass(frozen=True, eq=False)
class Surface:
    """A table over two axes, both strictly rising: rows `x` (input or data slew, s), columns `y` (load, F, or clock slew, s); values in s.

    Bilinear inside, extrapolated with the slope of the edge outside, as timing analysers do. An axis of one point means no dependence on it.
    Raises `InvalidChip` for axes that do not rise or values of another shape.
    """

    x: Floats
    y: Floats
    values: Floats

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.x), len(self.y)) or not self.values.size:
            raise InvalidChip(f"a surface of {len(self.x)} x {len(self.y)} points has values of shape {self.values.shape}")
        if (np.diff(self.x) <= 0).any() or (np.diff(self.y) <= 0).any():
            raise InvalidChip("the axes of a surface must rise strictly")
        if not np.isfinite(self.values).all():
            raise InvalidChip("a surface needs finite values")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Surface) and all(np.array_equal(a, b) for a, b in zip(self._parts, other._parts, strict=True))

    @property
    def _parts(self) -> tuple[Floats, Floats, Floats]:
        return self.x, self.y, self.values

    def at(self, x: float, y: float) -> float:
        """The value at (x, y)."""
        return float(self.grid(np.array([x]), np.array([y]))[0, 0])

    def grid(self, x: Floats, y: Floats) -> Floats:
        """Values on the grid of `x` and `y`, shape (len(x), len(y))."""
        along: Floats = interpolation_weights(self.x, x) @ self.values @ interpolation_weights(self.y, y).T
        return along

    def scaled(self, value: float, x: float = 1.0, y: float = 1.0) -> Surface:
        """The surface with its values and axes multiplied: the same shape on another scale of time and load."""
        return Surface(self.x * x, self.y * y, self.values * value)


def interpolation_weights(axis: Floats, at: Floats) -> Floats:
    """Weights of the axis points for linear interpolation (and extrapolation) at `at`: shape (len(at), len(axis))."""
    found = np.zeros((len(at), len(axis)))
    if len(axis) == 1:
        found[:, 0] = 1.0
        return found
    low = np.clip(np.searchsorted(axis, at, side="right") - 1, 0, len(axis) - 2)
    share = (at - axis[low]) / (axis[low + 1] - axis[low])
    rows = np.arange(len(at))
    found[rows, low], found[rows, low + 1] = 1.0 - share, share
    return found


@dataclass(frozen=True)
class Pin:
    """A pin: its load on the net (inputs), the largest load that it may drive (outputs; 0: not stated), its logic function in Liberty notation."""

    name: str
    direction: str
    capacitance_f: float = 0.0
    max_capacitance_f: float = 0.0
    is_clock: bool = False
    function: str = ""
    three_state: str = ""


@dataclass(frozen=True)
class Arc:
    """Timing from the pin `related` to the output `pin`; an edge that the arc cannot cause has no surfaces. `type` is one of `ARC_TYPES`."""

    related: str
    pin: str
    type: str
    sense: str
    delay_rise: Surface | None = None
    delay_fall: Surface | None = None
    slew_rise: Surface | None = None
    slew_fall: Surface | None = None

    @property
    def surfaces(self) -> tuple[Surface | None, Surface | None, Surface | None, Surface | None]:
        """In the order of DELAY_RISE, DELAY_FALL, SLEW_RISE, SLEW_FALL."""
        return self.delay_rise, self.delay_fall, self.slew_rise, self.slew_fall


@dataclass(frozen=True)
class Check:
    """A constraint of the data `pin` against the clock pin `related`; `type` is one of `CHECK_TYPES`, `rise` and `fall` are edges of the data."""

    related: str
    pin: str
    type: str
    rise: Surface | None = None
    fall: Surface | None = None


@dataclass(frozen=True)
class State:
    """What a flip-flop or latch does, in Liberty's terms: `clock` is `clocked_on` or `enable`, `data` is `next_state` or `data_in`."""

    variables: tuple[str, str]
    clock: str
    data: str
    clear: str = ""
    preset: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell. Energies are internal energies per transition, in joules: of an output, of an input that switches none, of the clock pin."""

    name: str
    kind: str
    area_um2: float
    width_cpp: float
    rows: float
    leakage_w: float
    pins: tuple[Pin, ...]
    arcs: tuple[Arc, ...] = ()
    checks: tuple[Check, ...] = ()
    state: State | None = None
    energy_output_j: float = 0.0
    energy_input_j: float = 0.0
    energy_clock_j: float = 0.0

    @property
    def inputs(self) -> tuple[Pin, ...]:
        """Input pins, clocks included."""
        return tuple(p for p in self.pins if p.direction == "input")

    @property
    def outputs(self) -> tuple[Pin, ...]:
        """Output pins."""
        return tuple(p for p in self.pins if p.direction == "output")

    def pin(self, name: str) -> Pin:
        """The pin called `name`. Raises `InvalidTrace`, naming the nearest."""
        for pin in self.pins:
            if pin.name == name:
                return pin
        names = [p.name for p in self.pins]
        raise InvalidTrace(f"cell '{self.name}' has no pin '{name}'{nearest(name, names)}; it has {', '.join(names)}")


class Arrays(NamedTuple):
    """The library for compiled loops. Pins, arcs and checks of cell i are rows start[i] to start[i + 1]; pins are numbered over the library.

    `tables` (n, 5) int32: where the rows' axis starts in `numbers`, its length, where the columns' axis starts, its length, where the values start.
    """

    pin_start: Ints
    pin_capacitance_f: Floats
    arc_start: Ints
    arc_from: Ints  # pin over the library
    arc_to: Ints
    arc_sense: Ints  # 1, -1, 0 (both)
    arc_type: Ints
    arc_tables: Ints  # (n, 4): delay rise, delay fall, slew rise, slew fall; NO_TABLE where there is none
    check_start: Ints
    check_pin: Ints
    check_clock: Ints
    check_type: Ints
    check_tables: Ints  # (n, 2): data rise, data fall
    tables: Ints
    numbers: Floats


@dataclass(frozen=True)
class Thresholds:
    """Fractions of the supply between which slews and from which delays are measured."""

    slew_low: float = 0.3
    slew_high: float = 0.7
    delay: float = 0.5


@dataclass(frozen=True)
class Library:
    """A library: its cells, contacted poly pitch `cpp_um` (the site's width), row height, supply, where slews are measured, whose figures these are.

    `unit_inverter` is the cell that loads and fan-outs are counted in. Raises `InvalidChip` for cells that are named twice or an unknown inverter.
    """

    name: str
    cells: tuple[Cell, ...]
    cpp_um: float
    row_um: float
    vdd_v: float
    unit_inverter: str
    thresholds: Thresholds = Thresholds()
    attribution: str = ""
    index: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {cell.name: i for i, cell in enumerate(self.cells)}
        if len(index) != len(self.cells):
            raise InvalidChip(f"library '{self.name}' names a cell twice")
        if self.unit_inverter not in index:
            raise InvalidChip(f"library '{self.name}' has no cell '{self.unit_inverter}', its unit inverter{nearest(self.unit_inverter, index)}")
        object.__setattr__(self, "index", index)

    def cell(self, name: str) -> Cell:
        """The cell called `name`. Raises `InvalidTrace`, naming the nearest."""
        if name not in self.index:
            raise InvalidTrace(f"library '{self.name}' has no cell '{name}'{nearest(name, self.index)}")
        return self.cells[self.index[name]]

    def only(self, names: Iterable[str]) -> Library:
        """The library with the cells `names` only, in its own order."""
        kept = {*names}
        return replace(self, cells=tuple(c for c in self.cells if c.name in kept))

    @property
    def unit_capacitance_f(self) -> float:
        """Input capacitance of the unit inverter: the unit that fan-outs are counted in."""
        return self.cell(self.unit_inverter).inputs[0].capacitance_f

    @cached_property
    def area_um2(self) -> Floats:
        """Area per cell."""
        return np.array([c.area_um2 for c in self.cells])

    @cached_property
    def width_um(self) -> Floats:
        """Width per cell."""
        return np.array([c.width_cpp * self.cpp_um for c in self.cells])

    @cached_property
    def leakage_w(self) -> Floats:
        """Leakage per cell, mean over its states."""
        return np.array([c.leakage_w for c in self.cells])

    @cached_property
    def is_sequential(self) -> NDArray[np.bool_]:
        """True for flip-flops and latches."""
        return np.array([c.kind != COMBINATIONAL for c in self.cells])

    @cached_property
    def energies_j(self) -> Floats:
        """Internal energy per transition, shape (cells, 3): at the output, at an input, at the clock pin."""
        return np.array([(c.energy_output_j, c.energy_input_j, c.energy_clock_j) for c in self.cells])

    @cached_property
    def pin_roles(self) -> Mapping[str, Mapping[str, str]]:
        """Per cell name and pin name: ``input``, ``output`` or ``clock``, as readers of netlists take them."""
        return {c.name: {p.name: "clock" if p.is_clock else p.direction for p in c.pins} for c in self.cells}

    @cached_property
    def pin_index(self) -> tuple[Mapping[str, int], ...]:
        """Per cell: the number of each of its pins over the library (rows of `Arrays.pin_capacitance_f`)."""
        starts = self.arrays.pin_start
        return tuple({p.name: int(starts[i]) + k for k, p in enumerate(c.pins)} for i, c in enumerate(self.cells))

    @cached_property
    def arrays(self) -> Arrays:
        """The arrays that compiled loops take. O(size of all tables), once."""
        return _arrays(self.cells)


class _Pool:
    """Axes and values of surfaces in one run of numbers; equal axes are kept once."""

    def __init__(self) -> None:
        self.numbers: list[Floats] = []
        self.tables: list[tuple[int, int, int, int, int]] = []
        self.size = 0
        self.axes: dict[bytes, int] = {}

    def add(self, surface: Surface | None) -> int:
        """Keep a surface; returns its row in `tables`."""
        if surface is None:
            return NO_TABLE
        x, y = self._axis(surface.x), self._axis(surface.y)
        self.tables.append((x, len(surface.x), y, len(surface.y), self._put(surface.values.ravel())))
        return len(self.tables) - 1

    def _axis(self, axis: Floats) -> int:
        key = axis.tobytes()
        if key not in self.axes:
            self.axes[key] = self._put(axis)
        return self.axes[key]

    def _put(self, numbers: Floats) -> int:
        start, self.size = self.size, self.size + len(numbers)
        self.numbers.append(numbers)
        return start


def _arrays(cells: tuple[Cell, ...]) -> Arrays:
    pool = _Pool()
    pin_starts, arc_starts, check_starts = [0], [0], [0]
    capacitances: list[float] = []
    arcs: list[tuple[int, ...]] = []
    checks: list[tuple[int, ...]] = []
    for cell in cells:
        number = {p.name: len(capacitances) + k for k, p in enumerate(cell.pins)}
        capacitances += [p.capacitance_f for p in cell.pins]
        for arc in cell.arcs:
            tables = (pool.add(surface) for surface in arc.surfaces)
            arcs.append((number[arc.related], number[arc.pin], SENSES[arc.sense], ARC_TYPES.index(arc.type), *tables))
        for check in cell.checks:
            tables = (pool.add(surface) for surface in (check.rise, check.fall))
            checks.append((number[check.pin], number[check.related], CHECK_TYPES.index(check.type), *tables))
        pin_starts.append(len(capacitances))
        arc_starts.append(len(arcs))
        check_starts.append(len(checks))
    arc_rows = np.array(arcs, dtype=np.int32).reshape(-1, 8)
    check_rows = np.array(checks, dtype=np.int32).reshape(-1, 5)
    pin_start, arc_start, check_start = (np.array(start, dtype=np.int32) for start in (pin_starts, arc_starts, check_starts))
    arc_from, arc_to, arc_sense, arc_type = (np.ascontiguousarray(arc_rows[:, i]) for i in range(4))
    check_pin, check_clock, check_type = (np.ascontiguousarray(check_rows[:, i]) for i in range(3))
    return Arrays(
        pin_start, np.array(capacitances), arc_start, arc_from, arc_to, arc_sense, arc_type, np.ascontiguousarray(arc_rows[:, 4:]),
        check_start, check_pin, check_clock, check_type, np.ascontiguousarray(check_rows[:, 3:]),
        np.array(pool.tables, dtype=np.int32).reshape(-1, 5), np.concatenate([np.zeros(0), *pool.numbers]),
    )  # fmt: skip
