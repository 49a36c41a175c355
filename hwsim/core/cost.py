"""The cost tree: operator x component x quantity, checked when made; totals are sums, never stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import CostError
from hwsim.core.op import Op
from hwsim.core.program import Program

Floats = NDArray[np.float64]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Schedule:
    """When the work ran: `cycles` in all, busy server-cycles per resource, and, where an engine kept them, each task's start and end."""

    cycles: float
    busy: Mapping[str, float]
    start: Floats = field(default_factory=lambda: np.zeros(0))
    end: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class CostItem:
    """A leaf of the tree: one quantity of one component of one kind of operator, over all its executions."""

    op: Op
    component: str
    quantity: str
    where: str
    value: float


def operator_cycles(values: Floats, stages: tuple[tuple[int, ...], ...]) -> Floats:
    """Cycles of one execution per row: the sum over stages of the longest slot. `values` is (..., slots)."""
    total = np.zeros(values.shape[:-1])
    for stage in stages:
        total += values[..., list(stage)].max(axis=-1)
    return total


def weighted(counts: Floats, values: Floats) -> Floats:
    """Sum of `values` (rows, ...) times `counts` (rows,), added row by row as the sweep's loop does, so that the two agree to the last bit."""
    total = np.zeros(values.shape[1:])
    for count, row in zip(counts, values, strict=True):
        total = total + count * row
    return total


@dataclass(frozen=True)
class Cost:
    """A priced program: `values` (rows x slots) for one execution of each distinct operator, and the schedule.

    Raises `CostError` when a law is broken: values finite and not negative; no operator faster than its arithmetic roofline; at least the compulsory
    bytes moved; the parts of a serial program add up to the whole; no resource busy for longer than the whole; shares of rails add up to 1.
    """

    program: Program
    values: Floats
    schedule: Schedule

    def __post_init__(self) -> None:
        self._check_rows()
        whole = self.schedule.cycles
        parts = float(weighted(self.program.counts, self.cycles_by_row))
        if self.program.serial and abs(parts - whole) > TOLERANCE * max(whole, 1.0):
            raise CostError(f"the parts take {parts:,.6f} cycles, the whole {whole:,.6f}")
        for resource, busy in self.schedule.busy.items():
            if busy > whole * self.program.resources[resource] * (1 + TOLERANCE):
                raise CostError(f"resource '{resource}' is busy for {busy:,.1f} of {whole:,.1f} cycles")
        for name, shares in self.program.rails.items():
            if min(shares.values(), default=0.0) < 0 or abs(sum(shares.values()) - 1) > TOLERANCE:
                raise CostError(f"the rails' shares of '{name}' must add up to 1, got {dict(shares)}")

    def _check_rows(self) -> None:
        bad = ~np.isfinite(self.values) | (self.values < 0)
        if bad.any():
            row, slot = np.argwhere(bad)[0]
            name = self.program.representatives[row].name
            raise CostError(f"operator '{name}', slot '{self.program.slots[slot].name}': {self.values[row, slot]} is no cost")
        roofline = self._slots("roofline")
        moved = self._slots("bytes")
        for row, op in enumerate(self.program.representatives):
            if roofline and (bound := self.values[row, roofline].max()) > self.cycles_by_row[row] * (1 + TOLERANCE):
                raise CostError(f"operator '{op.name}' takes {self.cycles_by_row[row]:,.1f} cycles, its roofline {bound:,.1f}")
            if moved and (total := self.values[row, moved].sum()) < op.compulsory_bytes * (1 - TOLERANCE):
                raise CostError(f"operator '{op.name}' moves {total:,.0f} bytes, at least {op.compulsory_bytes:,.0f} are compulsory")

    def _slots(self, quantity: str) -> list[int]:
        return [i for i, s in enumerate(self.program.slots) if s.quantity == quantity]

    @cached_property
    def cycles_by_row(self) -> Floats:
        """Cycles of one execution of each distinct operator."""
        return operator_cycles(self.values, self.program.stages)

    @property
    def cycles(self) -> float:
        """Cycles of the whole program."""
        return self.schedule.cycles

    @property
    def latency_s(self) -> float:
        """Seconds of the whole program at the program's clock."""
        return self.cycles / self.program.clock_hz

    @property
    def dynamic_j(self) -> float:
        """Joules of switching: the sum of all joule slots."""
        return self.total("joules")

    @property
    def static_j(self) -> float:
        """Joules of static (or nameplate) power over the latency."""
        return sum(self.program.static_power_w.values()) * self.latency_s

    @property
    def energy_j(self) -> float:
        """Dynamic and static joules."""
        return self.dynamic_j + self.static_j

    def total(self, quantity: str) -> float:
        """Sum of one quantity over components and operators."""
        return float(weighted(self.program.counts, self.values[:, self._slots(quantity)]).sum())

    def items(self) -> Iterator[CostItem]:
        """The leaves that are not zero."""
        for row, op in enumerate(self.program.representatives):
            for i, slot in enumerate(self.program.slots):
                if slot.quantity != "note" and self.values[row, i]:
                    yield CostItem(op, slot.name, slot.quantity, slot.where, float(self.values[row, i] * self.program.counts[row]))

    def by_component(self, quantity: str) -> dict[str, float]:
        """Sum of one quantity per component (slot name) over all operators; zero components are left out."""
        sums = {self.program.slots[i].name: float(self.program.counts @ self.values[:, i]) for i in self._slots(quantity)}
        return {name: value for name, value in sums.items() if value}

    def joules_by_rail(self) -> dict[str, float]:
        """Dynamic and static joules per supply rail; empty where the target does not say how they divide."""
        parts = self.by_component("joules")
        for name, watts in self.program.static_power_w.items():
            parts[name] = parts.get(name, 0.0) + watts * self.latency_s
        rails: dict[str, float] = {}
        for name, joules in parts.items():
            for rail, share in self.program.rails.get(name, {}).items():
                rails[rail] = rails.get(rail, 0.0) + share * joules
        return rails

    def bytes_by_level(self) -> dict[str, float]:
        """Bytes moved per memory level."""
        levels: dict[str, float] = {}
        for i in self._slots("bytes"):
            where = self.program.slots[i].where
            levels[where] = levels.get(where, 0.0) + float(weighted(self.program.counts, self.values[:, i]))
        return levels

    def operators(self) -> Iterator[tuple[Op, float, float, float, dict[str, float]]]:
        """Per distinct operator: (representative, executions, cycles over all executions, dynamic joules, cycles by component)."""
        joules = self._slots("joules")
        for row, op in enumerate(self.program.representatives):
            times = float(self.program.counts[row])
            parts = {self.program.slots[i].name: float(self.values[row, i] * times) for i in self._slots("cycles") if self.values[row, i]}
            yield op, times, float(self.cycles_by_row[row] * times), float(self.values[row, joules].sum() * times), parts

    def utilisation(self) -> dict[str, float]:
        """Busy share per resource, and ``arithmetic``: the roofline's cycles over the real ones."""
        whole = self.cycles
        shares = {name: busy / (whole * self.program.resources[name]) if whole else 0.0 for name, busy in self.schedule.busy.items()}
        if roofline := self._slots("roofline"):
            shares["arithmetic"] = float(self.program.counts @ self.values[:, roofline].max(axis=1)) / whole if whole else 0.0
        return shares
