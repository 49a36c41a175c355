"""Declared constants: one declaration per constant gives the chip check, the column of the parameter table, and the list of sources.

>>> table = ParameterTable((Constant("clock_hz"), Constant("hop_cycles", zero=True), Constant("idle_w", priced=False)), numbers=("devices",))
>>> table.dtype.names
('clock_hz', 'hop_cycles', 'devices')
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, MissingParameter, nearest
from hwsim.core.program import Table


@dataclass(frozen=True)
class Constant:
    """A constant that a target reads from a chip file.

    It must lie in `least`..`most` and be more than 0, unless `zero` lets it be 0. `size` is the length of a vector (1: a single number; 0: a vector
    of any length, which has no column). `priced` constants are columns of the parameter table, so that a sweep may vary them; the others are
    read when mapping and by primitives. An `optional` one may be missing: its column is NaN then. `text` constants are words, of `words` if given.
    A `whole` one counts something.
    """

    name: str
    zero: bool = False
    least: float = 0.0
    most: float = math.inf
    size: int = 1
    priced: bool = True
    optional: bool = False
    text: bool = False
    words: tuple[str, ...] = ()
    whole: bool = False

    @property
    def column(self) -> bool:
        """True when the parameter table has a column for it."""
        return self.priced and self.size > 0 and not self.text

    def complaint(self, chip: Chip) -> str | None:
        """What is wrong with the value that `chip` states; None when it is sound."""
        if self.text:
            word = chip.text(self.name)
            return f"is one of {', '.join(self.words)}, got '{word}'{nearest(word, self.words)}" if self.words and word not in self.words else None
        values = (chip.number(self.name),) if self.size == 1 else chip.vector(self.name)
        if self.size > 1 and len(values) != self.size:
            return f"needs {self.size} figures, got {len(values)}"
        for value in values:
            if not self.least <= value <= self.most or (value == 0 and not self.zero) or not math.isfinite(value):
                return f"must be {self._wanted()}, got {value:g}"
            if self.whole and value != int(value):
                return f"must be a whole number, got {value:g}"
        return None

    def _wanted(self) -> str:
        low = f"at least {self.least:g}" if self.least else "positive" if not self.zero else "not negative"
        return low if math.isinf(self.most) else f"{low} and at most {self.most:g}"


def constants(names: str, **bounds: Any) -> tuple[Constant, ...]:
    """Constants of the same bounds, their names in one text.

    >>> [c.name for c in constants("hop_cycles ramp_cycles", zero=True)]
    ['hop_cycles', 'ramp_cycles']
    """
    return tuple(Constant(name, **bounds) for name in names.split())


@dataclass(frozen=True)
class ParameterTable:
    """All constants of a target, and the names of the `numbers` that mapping adds to its records."""

    constants: tuple[Constant, ...]
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [c.name for c in self.constants] + list(self.numbers)
        if twice := {n for n in names if names.count(n) > 1}:
            raise InvalidChip(f"declared twice: {', '.join(sorted(twice))}")

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """The record type of the parameter table: one float64 field (or vector) per priced constant and mapping number."""
        columns: list[tuple[str, type] | tuple[str, type, tuple[int, ...]]] = []
        for c in self.constants:
            if c.column:
                columns.append((c.name, np.float64) if c.size == 1 else (c.name, np.float64, (c.size,)))
        return np.dtype([*columns, *((n, np.float64) for n in self.numbers)])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all constants."""
        return tuple(c.name for c in self.constants)

    @cached_property
    def priced(self) -> tuple[str, ...]:
        """Names of the constants that have a column: those that a price reads and that a sweep may vary."""
        return tuple(c.name for c in self.constants if c.column)

    def check(self, chip: Chip, together: Callable[[Chip], Iterable[str]] | None = None) -> None:
        """Refuse a chip that lacks a constant, states impossible ones, or states some that nobody reads (all of these are named at once).

        `together` yields what is wrong with several constants taken together; it is asked once each of them is sound.
        Raises `MissingParameter`, `InvalidChip`.
        """
        problems = []
        for constant in self.constants:
            if constant.name not in chip.params:
                if constant.optional:
                    continue
                raise MissingParameter(constant.name, chip.name, chip.params)
            if problem := constant.complaint(chip):
                problems.append(f"{constant.name} {problem}")
        known = set(self.names)
        problems += [f"target '{chip.target}' has no constant '{name}'{nearest(name, known)}" for name in chip.params if name not in known]
        if not problems and together is not None:
            problems = [*together(chip)]
        if problems:
            raise InvalidChip(f"chip '{chip.name}'{f' ({chip.origin})' if chip.origin else ''}: {'; '.join(problems)}")

    def record(self, chip: Chip, numbers: Mapping[str, float] | None = None) -> Table:
        """Return the constants of `chip` and the mapping `numbers` (0 where left out) as a table of one record. Raises `InvalidChip`."""
        given, stated = numbers or {}, chip.params
        if unknown := sorted(given.keys() - {*self.numbers}):
            raise InvalidChip(f"no mapping number '{unknown[0]}' is declared{nearest(unknown[0], self.numbers)}")
        values: list[float | tuple[float, ...]] = []
        for c in self.constants:
            if c.column:
                known = c.name in stated
                values.append((chip.number(c.name) if c.size == 1 else chip.vector(c.name)) if known else math.nan)
        values += [float(given.get(name, 0.0)) for name in self.numbers]
        return np.array([tuple(values)], dtype=self.dtype)
