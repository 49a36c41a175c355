"""Mapped work: the operator table, the parameter record, and the slots that a target's price function fills.

A target prices every distinct operator of a lowered graph once. Its jitted ``price(op, p, out)`` reads one record of the operator table and one
of the parameter table and fills one record whose fields are the program's slots. `simulate` calls it for one parameter record, a sweep for
a million; the engines only ever see slots.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import CostError
from hwsim.core.graph import Graph
from hwsim.core.op import Op

Table = NDArray[np.void]
QUANTITIES = ("cycles", "joules", "bytes", "roofline", "note")


@dataclass(frozen=True)
class Slot:
    """One figure that pricing an operator yields.

    `quantity`: ``cycles`` occupy the resource `where`; ``joules`` are dynamic energy of the component `name`; ``bytes`` move at the memory level
    `where`; ``roofline`` is the fewest cycles that the arithmetic peak allows; a ``note`` is a choice that the price function made.
    Cycle slots of one `stage` run at once, on their own resources; stages of one operator follow each other.
    """

    name: str
    quantity: str
    where: str = ""
    stage: int = 0

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise CostError(f"slot '{self.name}': quantity '{self.quantity}' is none of {', '.join(QUANTITIES)}")


def slot_dtype(slots: tuple[Slot, ...]) -> np.dtype[np.void]:
    """The record type that a price function fills: one float64 field per slot."""
    return np.dtype([(s.name, np.float64) for s in slots])


def first(figures: Mapping[str, NDArray[np.float64]]) -> dict[str, float]:
    """The figures of the first record, zeros left out."""
    return {name: float(values[0]) for name, values in figures.items() if values[0]}


@dataclass(frozen=True)
class Task:
    """One stretch of work on one resource: slot `slot` of operator `op` (indices), `cycles` long, after the tasks `after` (indices)."""

    op: int
    slot: int
    resource: str
    cycles: float
    after: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """A lowered graph mapped onto a chip.

    `rows` is the operator table (one record per distinct operator), `row_of` gives each operator's row (-1: left out, and said so in `assumptions` or
    `warnings`), `counts` the executions per row, `params` one record of chip constants and mapping numbers.
    `resources` are servers by name with their number. `mapping` is printed back.
    `figures` are further results (colours, bytes per core, capacity); `used_params` name the constants that the price reads.
    `parts` names components by what published tables call them: the slots, static and area components that each consists of.
    `unstated` names metrics that this program cannot give, with the reason (a chip that states energies only has no latency); where `unstated_rows`
    names rows for a metric, only parts that hold one of them lack it.
    `rails` says how the joules of a slot, or the watts of a static component, divide over the supply rails (shares that add up to 1).
    """

    chip: Chip
    graph: Graph
    mapping: Mapping[str, object]
    rows: Table
    row_of: tuple[int, ...]
    counts: NDArray[np.float64]
    params: Table
    slots: tuple[Slot, ...]
    resources: Mapping[str, int]
    clock_hz: float
    static_power_w: Mapping[str, float]
    area_mm2: Mapping[str, float]
    figures: Mapping[str, float] = field(default_factory=dict)
    rails: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unstated: Mapping[str, str] = field(default_factory=dict)
    unstated_rows: Mapping[str, frozenset[int]] = field(default_factory=dict)
    used_params: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    serial: bool = True
    lower_bound: bool = False

    @cached_property
    def representatives(self) -> tuple[Op, ...]:
        """One operator per row of the table."""
        first: dict[int, Op] = {}
        for op, row in zip(self.graph.ops, self.row_of, strict=True):
            if row >= 0:
                first.setdefault(row, op)
        return tuple(first[i] for i in range(len(self.rows)))

    @cached_property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the cycle slots of each stage, in the order in which stages run."""
        order = sorted({s.stage for s in self.slots if s.quantity == "cycles"})
        return tuple(tuple(i for i, s in enumerate(self.slots) if s.quantity == "cycles" and s.stage == stage) for stage in order)

    def tasks(self, values: NDArray[np.float64]) -> Iterator[Task]:
        """Expand into tasks, in program order: slot cycles of `values` (rows x slots) times each operator's repeat; zero-length slots are left out.

        An operator's first stage waits for the last stage of the operators whose results it reads.
        """
        ends: list[tuple[int, ...]] = []
        made = 0
        for index, (op, row) in enumerate(zip(self.graph.ops, self.row_of, strict=True)):
            before: tuple[int, ...] = tuple(sorted({t for p in self._before(index) for t in ends[p]}))
            for stage in self.stages if row >= 0 else ():
                running = []
                for slot in stage:
                    if (cycles := float(values[row, slot])) > 0:
                        yield Task(index, slot, self.slots[slot].where, cycles * op.repeat, before)
                        running.append(made)
                        made += 1
                before = tuple(running) or before
            ends.append(before)

    def _before(self, index: int) -> tuple[int, ...]:
        """Operators that must end first: the producers, and on a serial machine the previous operator."""
        needed = self.graph.predecessors[index]
        return (*needed, index - 1) if self.serial and index else needed
