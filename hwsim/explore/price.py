"""One group of design points through the fast road: parameter records block by block, metrics as `Report` defines them, faults by point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import CostError, HwsimError
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table
from hwsim.core.rates import rates
from hwsim.core.target import Target
from hwsim.engine.road import Priced, metrics_of, price_points
from hwsim.explore.column import Floats

Flags = NDArray[np.bool_]
BLOCK = 8192  # records of about 500 bytes: 4 MB
CORNERS = 6
NO_COST = "the price is no cost (a figure is negative or not finite)"
TOO_FAST = "the price is no cost (faster than the arithmetic roofline)"
TOLERANCE = 1e-9


@dataclass(eq=False)
class Figures:
    """Metrics of n points by name, and (reason, where) of those whose price is no cost."""

    figures: dict[str, Floats]
    faults: list[tuple[str, Flags]] = field(default_factory=list)


def figures_of(target: Target, program: Program, columns: Mapping[str, Floats], points: int, wanted: Sequence[str]) -> Figures:
    """Price `points` records that differ from the program's in `columns`; returns those of the `wanted` metrics that the program has.

    O(points x distinct operators), in blocks of bounded memory.
    """
    found = Figures({})
    no_cost, too_fast = np.zeros(points, dtype=bool), np.zeros(points, dtype=bool)
    if not points:
        return found
    table = _scratch(program.params.dtype)[: min(points, BLOCK)]
    table.view(np.uint8).reshape(len(table), -1)[:] = program.params.view(np.uint8)
    for start in range(0, points, BLOCK):
        stop = min(start + BLOCK, points)
        params = table[: stop - start]  # what the last block left in the derived fields is filled anew
        for name, values in columns.items():
            params[name] = values[start:stop]
        good = _price(target, program, params, wanted, start, points, found.figures)
        no_cost[start:stop], too_fast[start:stop] = good
    found.faults = [(why, where) for why, where in ((NO_COST, no_cost), (TOO_FAST, too_fast)) if where.any()]
    for _, where in found.faults:
        for values in found.figures.values():
            values[where] = math.nan
    return found


@lru_cache(maxsize=4)
def _scratch(kind: np.dtype[np.void]) -> Table:
    """The records that blocks are written to, again and again: fresh memory for each would cost as much as the pricing."""
    return np.zeros(BLOCK, dtype=kind)


def _price(
    target: Target, program: Program, params: Table, wanted: Sequence[str], start: int, points: int, into: dict[str, Floats]
) -> tuple[Flags, Flags]:
    """Price one block and write its metrics; returns where a figure is no cost, and where the whole is faster than its roofline."""
    n = len(params)
    priced, bad = _priced(target, program, params)
    with np.errstate(all="ignore"):  # points that are no costs are marked, their figures dropped
        block = _metrics(target, program, params, priced, wanted)
    for name, values in block.items():
        into.setdefault(name, np.full(points, math.nan))[start : start + n] = values
    roofline = [i for i, s in enumerate(program.slots) if s.quantity == "roofline"]
    fast = priced.sums[:, roofline].max(axis=1) > priced.cycles * (1 + TOLERANCE) if roofline else np.zeros(n, dtype=bool)
    return bad, fast & ~bad


def _priced(target: Target, program: Program, params: Table) -> tuple[Priced, Flags]:
    """Price all records; those that are no costs are found by halving, and read zero."""
    try:
        return price_points(target, program, params), np.zeros(len(params), dtype=bool)
    except CostError:
        if len(params) == 1:
            return Priced(np.zeros((1, len(program.slots))), np.zeros(1)), np.ones(1, dtype=bool)
    middle = len(params) // 2
    (left, bad), (right, worse) = _priced(target, program, params[:middle]), _priced(target, program, params[middle:])
    return Priced(np.concatenate([left.sums, right.sums]), np.concatenate([left.cycles, right.cycles])), np.concatenate([bad, worse])


def _metrics(target: Target, program: Program, params: Table, priced: Priced, wanted: Sequence[str]) -> dict[str, Floats]:
    """The wanted metrics of one block, by the formulas of `Report.metrics`."""
    n, meta = len(params), program.graph.meta
    found: dict[str, Floats] = dict(metrics_of(target, program, params, priced))
    macs = _macs(program.graph)
    if not {*wanted} <= {*found}:
        found |= rates(meta, macs, found["cycles"], found["latency_s"], found["energy_j"], found["area_mm2"], wanted)
    names = params.dtype.names or ()
    single: dict[str, Any] = {"macs": macs, "frequency_hz": params["clock_hz"] if "clock_hz" in names else program.clock_hz, **program.figures}
    single |= target.figures(program, params)
    if "bytes" in wanted:
        single["bytes"] = _bytes(program, priced)
    for name, value in single.items():
        if name in wanted:
            found[name] = np.broadcast_to(np.asarray(value, dtype=np.float64), (n,))
    return {name: found[name] for name in wanted if name in found}


@lru_cache(maxsize=64)
def _macs(graph: Graph) -> float:
    """Multiply-accumulates that were asked for, as `Report.macs` counts them."""
    return float(graph.meta.get("requested_macs", graph.macs))


def _bytes(program: Program, priced: Priced) -> Floats:
    """Bytes moved, added up level by level as `Cost.bytes_by_level` does."""
    levels: dict[str, Floats] = {}
    for i, slot in enumerate(program.slots):
        if slot.quantity == "bytes":
            levels[slot.where] = levels.get(slot.where, np.zeros(len(priced.cycles))) + priced.sums[:, i]
    return np.asarray(sum(levels.values(), np.zeros(len(priced.cycles))))


def checked_chips(target: Target, chip: Chip, columns: Mapping[str, Floats]) -> Iterator[tuple[str, Flags]]:
    """Yield (problem, where) for points whose constants the target's own check refuses.

    A check bounds a constant or a product of some, so a box of constants whose corners pass holds no point that fails, and one whose corners all
    fail in one way holds none that passes; a box with corners of both kinds is halved. A point is thus judged alike whatever points are beside it.
    """
    found: dict[str, Flags] = {}
    points = len(next(iter(columns.values()))) if columns else 0
    boxes = [np.arange(points)] if points else []
    while boxes:
        rows = boxes.pop()
        box = {name: (float(values[rows].min()), float(values[rows].max())) for name, values in columns.items()}
        open_ = [name for name, (low, high) in box.items() if low < high]
        corners = [{n: ends[0] for n, ends in box.items()} | dict(zip(open_, at, strict=True)) for at in _corners([box[n] for n in open_])]
        problems = [_problem(target, chip, corner) for corner in corners]
        if len(set(problems)) > 1:
            name = max(open_, key=lambda n: _divides(n, box[n][0], corners, problems))
            distinct = np.unique(columns[name][rows])
            below = columns[name][rows] <= distinct[(len(distinct) - 1) // 2]
            boxes += [rows[below], rows[~below]]
        elif problems[0] is not None:
            found.setdefault(problems[0], np.zeros(points, dtype=bool))[rows] = True
    yield from found.items()


def _divides(name: str, low: float, corners: Sequence[Mapping[str, float]], problems: Sequence[str | None]) -> int:
    """How well a constant tells the corners that pass from those that fail."""
    passing = [corner[name] == low for corner, problem in zip(corners, problems, strict=True) if problem is None]
    return abs(2 * sum(passing) - len(passing))


def _corners(ends: Sequence[tuple[float, float]]) -> Iterator[tuple[float, ...]]:
    """The corners of a box; of one with many sides, each end of each side with the others low, and all high."""
    if len(ends) <= CORNERS:
        yield from itertools.product(*ends)
        return
    low = tuple(e[0] for e in ends)
    yield low
    yield tuple(e[1] for e in ends)
    for i, (_, high) in enumerate(ends):
        yield (*low[:i], high, *low[i + 1 :])


def _problem(target: Target, chip: Chip, values: Mapping[str, float]) -> str | None:
    """What the target says against the chip with these constants; None when nothing."""
    try:
        target.check(chip.replace(**values))
    except HwsimError as bad:
        return bad.problem
    return None
