"""Inverse questions: the smallest (or largest) value of a parameter for which a metric meets a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError
from hwsim.explore.around import with_lever
from hwsim.explore.lever import Floats, Lever, Probe, figures, write_figure
from hwsim.explore.space import Space, load_space

__all__ = ["Answer", "inverse"]

FIRST, FINE, ZOOM, LISTED = 65, 4097, 33, 4097
TOLERANCE = 1e-9
ENDS = ("smallest", "largest")


@dataclass(frozen=True)
class Goal:
    """A target for a metric: at most or at least a figure, by the smallest or largest value of a parameter."""

    metric: str
    at_most: float | None = None
    at_least: float | None = None
    find: str = "smallest"

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None):
            raise HwsimError("an inverse question has one target: either at_most or at_least")
        if not np.isfinite(self.figure):
            raise HwsimError(f"the target {self.figure} is no finite figure")
        if self.find not in ENDS:
            raise HwsimError(f"find is one of {', '.join(ENDS)}, got '{self.find}'")

    @property
    def figure(self) -> float:
        """The target."""
        return float(self.at_most if self.at_most is not None else self.at_least or 0.0)

    @property
    def text(self) -> str:
        """Such as ``latency_s <= 500 us``."""
        return f"{self.metric} {'<=' if self.at_most is not None else '>='} {write_figure(self.metric, self.figure)}"

    def met(self, values: Floats) -> NDArray[np.bool_]:
        """Return where figures meet the target; NaN never does."""
        return np.asarray(values <= self.figure if self.at_most is not None else values >= self.figure)

    def best(self, values: Floats) -> int | None:
        """Return the index of the figure nearest to the target on its side, None when there is none at all."""
        if np.isnan(values).all():
            return None
        return int(np.nanargmin(values) if self.at_most is not None else np.nanargmax(values))


@dataclass(frozen=True)
class Answer:
    """The answer to an inverse question.

    `value` of the parameter gives `got` of the metric; when the target is not `met` by any value, they are those of the best one (None when no
    value is feasible). `monotone`: the metric only rose or only fell over all points that were priced. `exact`: every value was priced.
    """

    parameter: str
    goal: Goal
    met: bool
    value: Any
    got: float | None
    monotone: bool
    exact: bool
    evaluations: int
    sentence: str
    base: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the answer in the form ``hwsim.inverse/1``."""
        goal = {"metric": self.goal.metric, "at_most": self.goal.at_most, "at_least": self.goal.at_least, "find": self.goal.find}
        mine = {n: getattr(self, n) for n in ("met", "value", "unit", "got", "monotone", "exact", "evaluations", "sentence")}
        return {"schema": "hwsim.inverse/1", "parameter": self.parameter, **goal, **mine, "base": dict(self.base)}


class _Line:
    """A lever as a line of positions, read from the end where the answer is looked for; remembers what was priced."""

    def __init__(self, lever: Lever, probe: Probe, goal: Goal) -> None:
        self.lever, self.probe, self.goal = lever, probe, goal
        self.last = len(lever.values) - 1 if lever.values else 1.0
        self.known: dict[float, float] = {}
        self.reasons: list[str] = []

    def grid(self, first: float, last: float, count: int) -> Floats:
        """Return up to `count` positions from `first` to `last`."""
        if not self.lever.values:
            return np.linspace(first, last, count)
        return np.unique(np.round(np.linspace(first, last, min(count, int(last - first) + 1))))

    def value(self, position: float) -> Any:
        """Return the parameter's value at a position."""
        backward = self.goal.find == "largest"
        at = self.last - position if backward else position
        return self.lever.values[round(at)] if self.lever.values else self.lever.at(np.array([at]))[0]

    def price(self, positions: Floats) -> Floats:
        """Return the metric at positions; each is priced once, all new ones in one call."""
        new = [p for p in positions.tolist() if p not in self.known]
        if new:
            found, reasons = figures(self.probe({self.lever.name: [self.value(p) for p in new]}), self.goal.metric)
            self.known.update(zip(new, found.tolist(), strict=True))
            self.reasons += [r for r in reasons if r]
        return np.array([self.known[p] for p in positions.tolist()])

    def all(self) -> tuple[Floats, Floats]:
        """Return every priced position, in order, and its metric."""
        order = sorted(self.known)
        return np.array(order), np.array([self.known[p] for p in order])


def solve(lever: Lever, probe: Probe, goal: Goal) -> Answer:
    """Answer one inverse question.

    Listed values (lists, integers, choices) are all priced, up to 4097 of them. Otherwise 65 values over the range are priced; where the metric only
    rises or only falls over them, the step to the target is closed in on by section (32 parts at a time, to 1e-9 of the value); else 4097 values
    over the range are priced first, and the first that meets the target is refined. Raises `HwsimError` for an unknown metric.
    """
    line = _Line(lever, probe, goal)
    exact = bool(lever.values) and len(lever.values) <= LISTED
    positions = line.grid(0.0, line.last, LISTED if exact else FIRST)
    values = line.price(positions)
    if not exact and not steady(values):
        positions = line.grid(0.0, line.last, FINE)
        values = line.price(positions)
    hits = np.flatnonzero(goal.met(values))
    if not hits.size:
        return _none(line, exact)
    first = int(hits[0])
    at = float(positions[first])
    if first and not exact:
        at = _close_in(line, float(positions[first - 1]), at)
    monotone = lever.ordered and steady(line.all()[1])
    value, got = line.value(at), line.known[at]
    return Answer(lever.name, goal, True, value, got, monotone, exact, len(line.known), _sentence(line, value, got, monotone, exact))


def steady(values: Floats) -> bool:
    """Return True when figures only rise or only fall (equal neighbours allowed) and what is missing lies at one end."""
    there = np.flatnonzero(~np.isnan(values))
    if not there.size:
        return True
    whole = there[-1] - there[0] + 1 == there.size and (there[0] == 0 or there[-1] == len(values) - 1)
    steps = np.diff(values[there])
    noise = 1e-12 * float(np.abs(values[there]).max())
    return bool(whole and ((steps >= -noise).all() or (steps <= noise).all()))


def _close_in(line: _Line, outside: float, inside: float) -> float:
    """Return the position of the first value that meets the target between one that does not and one that does."""
    while True:
        low, high = line.value(outside), line.value(inside)
        if line.lever.values:
            if inside - outside <= 1:
                return inside
        elif abs(high - low) <= TOLERANCE * max(abs(high), abs(low)):
            return inside
        positions = line.grid(outside, inside, ZOOM)
        first = int(np.flatnonzero(line.goal.met(line.price(positions)))[0])
        if positions[first - 1] == outside and positions[first] == inside:
            return inside
        outside, inside = float(positions[first - 1]), float(positions[first])


def _none(line: _Line, exact: bool) -> Answer:
    positions, values = line.all()
    lever, goal = line.lever, line.goal
    best = goal.best(values)
    among = f"none of its {len(lever.values)} values" if lever.values else f"no value from {lever.text(lever.low)} to {lever.text(lever.high)}"
    monotone = lever.ordered and steady(values)
    if best is None:
        why = f": {line.reasons[0]}" if line.reasons else ""
        return Answer(lever.name, goal, False, None, None, monotone, exact, len(line.known), f"{lever.name}: {among} is feasible{why}.")
    value, got = line.value(float(positions[best])), float(values[best])
    flat = not np.isnan(values).any() and np.ptp(values) <= 1e-12 * float(np.abs(values).max())
    if flat:
        said = f"{lever.name}: {among} gives {goal.text}; {goal.metric} does not depend on it, it is {write_figure(goal.metric, got)}."
        return Answer(lever.name, goal, False, value, got, monotone, exact, len(line.known), said)
    said = f"{lever.name}: {among} gives {goal.text}; the best is {lever.text(value)}, with {goal.metric} {write_figure(goal.metric, got)}."
    return Answer(lever.name, goal, False, value, got, monotone, exact, len(line.known), said)


def _sentence(line: _Line, value: Any, got: float, monotone: bool, exact: bool) -> str:
    lever, goal = line.lever, line.goal
    which = goal.find if lever.ordered else "first"
    said = f"The {which} {lever.name} with {goal.text} is {lever.text(value)} ({goal.metric} {write_figure(goal.metric, got)})"
    if exact:
        return f"{said}, of all {len(lever.values)} values."
    if monotone:
        return f"{said}; {goal.metric} only rises or only falls over the range."
    return f"{said}; {goal.metric} both rises and falls over the range, so this is the {which} among {len(line.known)} values priced."


def inverse(
    space: str | Path | Mapping[str, Any] | Space,
    parameter: str,
    metric: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    find: str = "smallest",
    base: Mapping[str, Any] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Answer:
    """Return the smallest (or ``find="largest"``) value of a parameter for which a metric is at most, or at least, a figure.

    `parameter` is one of the space's, or a constant of its chip: then from `low` to `high`, or over the range that the chip states. All else is as
    in the base point, which `base` sets in part (internal units); the rest is as the chip states it, or else in the middle of its values.
    The space's constraints hold. When no value does, the answer says so and has the best one. See `solve` for how it is found.

    Raises `HwsimError` for unknown names, a space of several traces or chips, no range, and not exactly one target; and what `load_space` raises.

    >>> space = {
    ...     "trace": {"name": "llama3-8b", "phase": "decode", "context": 2048}, "chips": ["a100"], "metrics": ["latency_s"],
    ...     "parameters": {"dram_bytes_per_s": {"linspace": ["0.5 TB/s", "4 TB/s", 8]}},
    ... }
    >>> answer = inverse(space, "dram_bytes_per_s", "latency_s", at_most=15e-3)
    >>> answer.met, 1e12 < answer.value < 2.04e12
    (True, True)
    """
    goal = Goal(metric, at_most, at_least, find)
    made = load_space(space)
    around_base = with_lever(made, parameter, base, low, high)
    lever = around_base.levers[0]
    answer = solve(lever, around_base.probe(metric), goal)
    return replace(answer, unit=lever.unit, base={k: v for k, v in around_base.base.items() if k != parameter})
