"""Design points -> metrics: points that share a mapping are grouped, each group is mapped once and priced by the fast road in one call.

A point's figures are those of `simulate` for the same chip constants, mapping and trace. They depend neither on the points beside it, nor on
how many workers there are. What cannot be priced is a row with its reason, never an exception: `status` is

- ``ok``;
- ``constraint``: a constraint is not met (the reason names it; metrics are there when pricing was needed to know);
- ``infeasible``: the hardware, the mapper or the trace refuses (the reason is the error's text);
- ``error``: an expression has no value here, or the price is no cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, InvalidChip, nearest
from hwsim.core.program import Program
from hwsim.core.rates import RATES, TOTALS
from hwsim.core.target import Target, check_timesteps, load_target
from hwsim.explore.column import Choice, Codes, Column, Floats, choice_of_numbers
from hwsim.explore.expression import Expression, Flags
from hwsim.explore.price import checked_chips, figures_of
from hwsim.explore.space import Batch, InvalidSpace, Space
from hwsim.readers.load import graph_of_workload

STATUSES = ("ok", "constraint", "infeasible", "error")
OK, CONSTRAINT, INFEASIBLE, ERROR = range(4)
PROGRAMS = 4096


@dataclass(eq=False)
class Results:
    """n evaluated points: `parameters` (axes and derived), `metrics` (NaN where there is none), `status` codes into `STATUSES`, `reason` codes into
    `reasons` (``reasons[0]`` is empty).
    """

    batch: Batch
    parameters: dict[str, Column]
    metrics: dict[str, Floats]
    status: Codes
    reason: Codes
    reasons: list[str] = field(default_factory=lambda: [""])

    def __len__(self) -> int:
        return len(self.status)

    @property
    def ok(self) -> Flags:
        """Where the point was priced and meets every constraint."""
        return np.asarray(self.status == OK)

    def reason_of(self, row: int) -> str:
        """Why row number `row` is not ``ok``; empty when it is."""
        return self.reasons[int(self.reason[row])]

    def refuse(self, rows: Codes, status: int, reason: str) -> None:
        """Give the points `rows` a status and a reason."""
        if reason not in self.reasons:
            self.reasons.append(reason)
        self.status[rows], self.reason[rows] = status, self.reasons.index(reason)


class Evaluator:
    """Evaluates batches of one space; keeps the programs that it has mapped, the last `PROGRAMS` of them.

    Not for several threads at once (the parallel loop below is not).
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        wanted = (*space.metrics, *(n for e in space.constraints for n in e.names if n not in space.parameters))
        self.wanted = tuple(dict.fromkeys(n for n in wanted if n in space.metrics or not any(n in c.params for c in space.chips)))
        self.programs: dict[Any, Program | HwsimError] = {}
        self.options: dict[Any, Mapping[str, Any] | HwsimError] = {}
        self.seen: set[str] = {*TOTALS, *RATES}
        self.priced: set[str] = set()

    def evaluate(self, batch: Batch) -> Results:
        """Evaluate a batch. O(points x distinct operators), plus one mapping for each group that has not been seen.

        Raises `InvalidSpace` for a metric that no report of this space has.
        """
        n = len(batch)
        metrics = {name: np.full(n, math.nan) for name in self.wanted}
        found = Results(batch, {}, metrics, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
        pieces: list[tuple[Codes, dict[str, Column]]] = []
        for trace, chip, rows in self._blocks(batch):
            columns = {name: column[rows] for name, column in batch.columns.items()}
            self._derive(found, columns, chip, rows)
            pieces.append((rows, columns))
            self._constrain(found, columns, chip, rows, self._early)
            todo = np.flatnonzero(found.status[rows] == OK)
            for group in self._groups(columns, chip, todo):
                self._group(found, columns, trace, chip, rows, group)
            self._constrain(found, columns, chip, rows, self._late)
        found.parameters = {**batch.columns, **_joined(n, pieces, self.space.derived)}
        self._check_metrics()
        return found

    def points_per_group(self) -> float:
        """How many points of the space share one mapping, on average: what their chunks are cut by."""
        keys = 1.0
        for axis in self.space.axes:
            plain = axis.kind == "chip" and axis.numeric and all(self._reads(chip, axis.name) is False for chip in self.space.chips)
            keys *= 1.0 if plain else math.inf if axis.continuous and self.space.sampling != "grid" else len(axis)
        if any("." in name or any(self._reads(c, name) for c in self.space.chips) for name in self.space.derived):
            keys = math.inf
        return max(1.0, len(self.space) / (keys * len(self.space.traces) * len(self.space.chips)))

    def _reads(self, chip: Chip, name: str) -> bool:
        """Whether mapping on a chip reads a constant, judged by the first mapping of the space."""
        target = load_target(chip.target)
        first = {a.option: a.values[0] for a in self.space.axes if a.kind == "mapping" and a.values[0] is not None}
        options = self._options(target, first)
        structural = target.structural(options) if not isinstance(options, HwsimError) else frozenset[str]()
        return structural is None or name in structural

    @property
    def _early(self) -> tuple[Expression, ...]:
        """Constraints over parameters and constants only: decided before anything is priced."""
        return tuple(e for e in self.space.constraints if not any(n in self.wanted for n in e.names))

    @property
    def _late(self) -> tuple[Expression, ...]:
        return tuple(e for e in self.space.constraints if any(n in self.wanted for n in e.names))

    def _blocks(self, batch: Batch) -> Iterable[tuple[Mapping[str, Any], Chip, Codes]]:
        chips = len(self.space.chips)
        code = batch.trace * chips + batch.chip
        if len(self.space.traces) * chips == 1:
            yield self.space.traces[0], self.space.chips[0], np.arange(len(batch))
            return
        for block in np.unique(code):
            yield self.space.traces[block // chips], self.space.chips[block % chips], np.flatnonzero(code == block)

    def _names(self, columns: Mapping[str, Column], chip: Chip, names: Sequence[str]) -> dict[str, Column]:
        """The columns of `names`: parameters, else constants of the chip."""
        found: dict[str, Column] = {}
        for name in names:
            if name in columns:
                found[name] = columns[name]
            elif name in chip.params:
                value = chip.params[name].value
                found[name] = Choice((value,), np.zeros(_length(columns), dtype=np.int64))
            else:
                raise InvalidSpace(f"chip '{chip.name}' has no parameter '{name}'{nearest(name, chip.params)}")
        return found

    def _derive(self, found: Results, columns: dict[str, Column], chip: Chip, rows: Codes) -> None:
        """Add the derived parameters to `columns`; where one has no value, the point is an error."""
        columns["point"] = rows.astype(np.float64)  # so that a space without axes still has a length
        for name, expression in self.space.derived.items():
            result = expression(self._names(columns, chip, expression.names), len(rows))
            for why, where in result.faults.items():
                at = np.flatnonzero(where & (found.status[rows] == OK))
                found.refuse(rows[at], ERROR, f"{name} = {expression.text}: {why}")
            numbers = np.where(np.isfinite(result.values), result.values, math.nan).astype(np.float64)
            bad = np.isnan(numbers)
            columns[name] = numbers if "." not in name else choice_of_numbers(np.where(bad, 0.0, numbers))
        del columns["point"]

    def _constrain(self, found: Results, columns: Mapping[str, Column], chip: Chip, rows: Codes, constraints: Sequence[Expression]) -> None:
        for expression in constraints:
            here = np.flatnonzero(found.status[rows] == OK)
            if not len(here):
                return
            known: dict[str, Column] = {**{k: v[rows] for k, v in found.metrics.items()}, "point": rows.astype(np.float64), **columns}
            result = expression({k: v[here] for k, v in self._names(known, chip, expression.names).items()}, len(here))
            bad = np.zeros(len(here), dtype=bool)
            for why, where in result.faults.items():
                found.refuse(rows[here[where]], ERROR, f"{expression.text}: {why}")
                bad |= where
            found.refuse(rows[here[~bad & (result.values == 0)]], CONSTRAINT, expression.text)

    def _groups(self, columns: Mapping[str, Column], chip: Chip, rows: Codes) -> Iterable[Codes]:
        """Points that one mapping serves: equal mapping and trace options, and equal constants wherever the mapper reads them."""
        target = load_target(chip.target)
        for outer in _split(rows, [c for n, c in columns.items() if "." in n]):
            options = self._options(target, _row(columns, outer[0], "mapping."))
            fields = self._fields(options, columns, chip)
            yield from _split(outer, [c for n, c in columns.items() if "." not in n and n not in fields])

    def _options(self, target: Target, mapping: Mapping[str, Any]) -> Mapping[str, Any] | HwsimError:
        key = (target.name, tuple(mapping.items()))
        if key not in self.options:
            try:
                self.options[key] = target.options(mapping)
            except HwsimError as bad:
                self.options[key] = bad
        return self.options[key]

    def _fields(self, options: Mapping[str, Any] | HwsimError, columns: Mapping[str, Column], chip: Chip) -> frozenset[str]:
        """Varied constants that the mapper does not read, so that they are columns of the parameter table."""
        if isinstance(options, HwsimError):
            return frozenset(columns)
        if self.space.fidelity == "event":
            return frozenset()
        structural = load_target(chip.target).structural(options)
        if structural is None:
            return frozenset()
        return frozenset(n for n, c in columns.items() if "." not in n and n not in structural and isinstance(c, np.ndarray))

    def _group(self, found: Results, columns: Mapping[str, Column], trace: Mapping[str, Any], chip: Chip, rows: Codes, group: Codes) -> None:
        """Map one group and price it."""
        target = load_target(chip.target)
        options = self._options(target, _row(columns, group[0], "mapping."))
        if isinstance(options, HwsimError):
            found.refuse(rows[group], INFEASIBLE, options.problem)
            return
        fields = self._fields(options, columns, chip)
        settings = {n: v for n, v in _row(columns, group[0], "").items() if n not in fields}
        workload = {**trace, **_row(columns, group[0], "trace.")}
        table = {name: column[group] for name, column in columns.items() if name in fields and isinstance(column, np.ndarray)}
        if self.space.fidelity == "event":
            self._event(found, workload, chip, settings, options, rows[group])
            return
        program = self._program(workload, chip, settings, options)
        if isinstance(program, HwsimError):
            found.refuse(rows[group], INFEASIBLE, program.problem)
            return
        table = {n: v for n, v in table.items() if not _constant(v, program, n)}
        good = np.ones(len(group), dtype=bool)
        for problem, where in checked_chips(target, program.chip, table):
            found.refuse(rows[group[where]], INFEASIBLE, problem)
            good &= ~where
        use = np.flatnonzero(good)
        priced = figures_of(target, program, {n: v[use] for n, v in table.items()}, len(use), self.wanted)
        self.seen |= {*program.figures}
        self.priced.add(chip.name)
        for name, values in priced.figures.items():
            found.metrics[name][rows[group[use]]] = values
        for problem, where in priced.faults:
            found.refuse(rows[group[use[where]]], ERROR, problem)

    def _program(self, workload: Mapping[str, Any], chip: Chip, settings: Mapping[str, Any], options: Mapping[str, Any]) -> Program | HwsimError:
        """The mapped program of a group, or why there is none."""
        key = (tuple(workload.items()), chip.name, tuple(settings.items()), tuple((k, repr(v)) for k, v in options.items()))
        if key not in self.programs:
            if len(self.programs) >= PROGRAMS:
                del self.programs[next(iter(self.programs))]
            try:
                target, silicon = load_target(chip.target), _set(chip, settings)
                graph = graph_of_workload(workload)
                check_timesteps(target, graph)
                self.programs[key] = target.map(graph, silicon, options)
            except HwsimError as bad:
                self.programs[key] = bad
        return self.programs[key]

    def _event(
        self, found: Results, workload: Mapping[str, Any], chip: Chip, settings: Mapping[str, Any], options: Mapping[str, Any], rows: Codes
    ) -> None:
        """Simulate one point at event fidelity; equal points are simulated once."""
        try:
            report = api.simulate(graph_of_workload(workload), _set(chip, settings), options, fidelity="event", interval=False)
        except HwsimError as bad:
            found.refuse(rows, INFEASIBLE, bad.problem)
            return
        figures = report.metrics()
        self.seen |= {*figures}
        self.priced.add(chip.name)
        for name in self.wanted:
            found.metrics[name][rows] = figures.get(name, math.nan)

    def _check_metrics(self) -> None:
        """Refuse a metric that no report has, once a point has been priced on every chip."""
        unknown = [n for n in self.wanted if n not in self.seen]
        if unknown and len(self.priced) == len(self.space.chips):
            raise InvalidSpace(f"no report of this space has a metric '{unknown[0]}'{nearest(unknown[0], {*self.seen, *self.space.parameters})}")


def evaluate(space: Space, batch: Batch) -> Results:
    """Evaluate points of a space: ``evaluate(space, space.batch(0, 1000))`` or ``evaluate(space, space.points({...}))``.

    An `Evaluator` kept for several batches maps every group only once. Raises as `Evaluator.evaluate`.
    """
    return Evaluator(space).evaluate(batch)


def _set(chip: Chip, settings: Mapping[str, Any]) -> Chip:
    """The chip with constants set, checked by its target."""
    if not settings:
        return chip
    made = chip.replace(**settings)
    load_target(chip.target).check(made)
    return made


def _constant(values: Floats, program: Program, name: str) -> bool:
    """True for a column that the program's table does not hold and that the mapper does not read: nothing depends on it."""
    if name in (program.params.dtype.names or ()):
        return False
    if name in program.used_params:
        raise InvalidChip(f"constant '{name}' is read, but is neither a column of the parameter table nor read by the mapper")
    return True


def _length(columns: Mapping[str, Column]) -> int:
    return next((len(c) for c in columns.values()), 0)


def _row(columns: Mapping[str, Column], row: Any, prefix: str) -> dict[str, Any]:
    """The values of one point: those of the columns named ``PREFIX...`` (no prefix: the chip's), without the prefix."""
    found: dict[str, Any] = {}
    for name, column in columns.items():
        if name.startswith(prefix) and ("." in name) == bool(prefix):
            value = column.values[int(column.codes[row])] if isinstance(column, Choice) else float(column[row])
            if value is not None:
                found[name.removeprefix(prefix)] = value
    return found


def _split(rows: Codes, columns: Sequence[Column]) -> Iterable[Codes]:
    """Split rows into runs of equal values in every column, in the order of the values. O(rows x columns)."""
    if not len(rows):
        return
    code = np.zeros(len(rows), dtype=np.int64)
    for column in columns:
        here = column.codes[rows] if isinstance(column, Choice) else np.unique(column[rows], return_inverse=True)[1].reshape(-1)
        code = _compact(code * (int(here.max()) + 1) + here)
    groups = int(code.max()) + 1
    if groups == 1:
        yield rows
        return
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=groups))
    for start, end in zip((0, *ends[:-1]), ends, strict=True):
        yield rows[order[start:end]]


def _compact(code: Codes) -> Codes:
    """Renumber codes 0, 1, 2 ... in their order."""
    span = int(code.max()) + 1
    if span > 4 * len(code) + 1024:
        return np.unique(code, return_inverse=True)[1].reshape(-1)
    present = np.zeros(span, dtype=np.int64)
    present[code] = 1
    return np.asarray((np.cumsum(present) - 1)[code])


def _joined(n: int, pieces: Sequence[tuple[Codes, Mapping[str, Column]]], names: Iterable[str]) -> dict[str, Column]:
    """Derived columns of all blocks, as numbers."""
    found: dict[str, Column] = {}
    for name in names:
        whole = np.full(n, math.nan)
        for rows, columns in pieces:
            column = columns[name]
            numbers = column.numbers() if isinstance(column, Choice) else column
            whole[rows] = numbers if numbers is not None else math.nan
        found[name] = whole
    return found
