"""Non-dominated points: which designs are such that nothing is better in every objective.

A point dominates another when it is no worse in any objective and better in at least one. Points that are equal in all objectives do not
dominate each other: all of them are on the front. A point with NaN in any objective is never on the front and dominates nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, nearest
from hwsim.engine.jit import jit
from hwsim.explore.store import load_results

__all__ = ["Front", "Objective", "front_of", "pareto"]

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
FEW = 10_000
LARGER_IS_BETTER = (
    "tokens_per_s", "inferences_per_s", "macs_per_cycle", "tops", "tops_per_w", "tops_per_mm2", "tokens_per_j", "utilisation", "speedup",
)  # fmt: skip


@dataclass(frozen=True)
class Objective:
    """A metric to make small, or large when `maximise`."""

    metric: str
    maximise: bool = False

    @property
    def direction(self) -> str:
        """``minimise`` or ``maximise``."""
        return "maximise" if self.maximise else "minimise"

    def signed(self, values: NDArray[Any]) -> Floats:
        """Return `values` such that smaller is better."""
        found = np.asarray(values, dtype=np.float64)
        return -found if self.maximise else found


def objectives_of(minimise: Sequence[str], maximise: Sequence[str] = ()) -> tuple[Objective, ...]:
    """Return the objectives, those to minimise first. Raises `HwsimError` when there are none, when one is named twice, and for a rate to minimise.

    >>> [o.direction for o in objectives_of(["latency_s"], ["tokens_per_s"])]
    ['minimise', 'maximise']
    """
    found = (*(Objective(m) for m in minimise), *(Objective(m, True) for m in maximise))
    if not found:
        raise HwsimError("name at least one objective, such as latency_s (to minimise) or tokens_per_s (to maximise)")
    names = [o.metric for o in found]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise HwsimError(f"the objective '{twice}' is named twice")
    if wrong := [o.metric for o in found if not o.maximise and o.metric in LARGER_IS_BETTER]:
        raise HwsimError(f"larger is better for {', '.join(wrong)}: maximise it (--maximise {wrong[0]})")
    return found


def front_mask(values: NDArray[Any], maximise: Sequence[bool] = ()) -> Mask:
    """Return which of n points are on the front, as a mask (n,).

    `values` is (n, d); every column is minimised unless `maximise` says otherwise. O(n log n) for one to three columns, by sorting and, for three,
    a prefix minimum over ranks (Kung, Luccio and Preparata, J. ACM 22(4), 1975); O(n x front) beyond. Raises `HwsimError` for another shape.

    >>> front_mask(np.array([[1.0, 4.0], [2.0, 2.0], [3.0, 3.0], [4.0, 1.0]])).tolist()
    [True, True, False, True]
    """
    table = np.array(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise HwsimError(f"a front needs an array of points x objectives, got shape {table.shape}")
    if maximise:
        if len(maximise) != table.shape[1]:
            raise HwsimError(f"{len(maximise)} directions for {table.shape[1]} objectives")
        table *= np.where(maximise, -1.0, 1.0)
    table += 0.0  # no negative zeros: they would sort apart from zero
    mask = np.zeros(len(table), dtype=bool)
    usable = np.flatnonzero(~np.isnan(table).any(axis=1))
    if usable.size:
        mask[usable] = _mask(table[usable])
    return mask


def _mask(table: Floats) -> Mask:
    """The front of points without NaN."""
    width = table.shape[1]
    if width == 1:
        return np.asarray(table[:, 0] == table[:, 0].min())
    order = np.lexsort(table.T[::-1])
    lined = table[order]
    if width == 2:
        kept = _staircase(lined)
    elif width == 3:
        levels, rank = np.unique(lined[:, 1], return_inverse=True)
        kept = _swept(lined, rank.astype(np.int64), len(levels))
    else:
        kept = _filtered(lined)
    mask = np.empty(len(table), dtype=bool)
    mask[order] = kept
    return mask


def _staircase(lined: Floats) -> Mask:
    """Front of (x, y) points in lexical order: the lowest y of its x, and lower than every y at a smaller x."""
    x, y = lined[:, 0], lined[:, 1]
    starts = np.flatnonzero(np.concatenate(([True], x[1:] != x[:-1])))
    group = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(x))))
    lowest = y[starts]
    before = np.concatenate(([np.inf], np.minimum.accumulate(lowest)[:-1]))
    better = (lowest < before) | (starts == 0)
    return np.asarray(better[group] & (y == lowest[group]))


@jit
def _swept(lined: Any, rank: Any, levels: int) -> Any:
    """Front of (x, y, z) points in lexical order; `rank` of y counts from 0. A Fenwick tree holds the smallest z up to each rank (NaN: none yet)."""
    lowest = np.full(levels + 1, np.nan)
    kept = np.zeros(len(lined), dtype=np.bool_)
    for i in range(len(lined)):
        if i and lined[i, 0] == lined[i - 1, 0] and lined[i, 1] == lined[i - 1, 1] and lined[i, 2] == lined[i - 1, 2]:
            kept[i] = kept[i - 1]
            continue
        z = lined[i, 2]
        dominated = False
        at = rank[i] + 1
        while at > 0:
            if lowest[at] <= z:
                dominated = True
                break
            at -= at & -at
        if dominated:
            continue
        kept[i] = True
        at = rank[i] + 1
        while at <= levels:
            if not lowest[at] <= z:
                lowest[at] = z
            at += at & -at
    return kept


@jit
def _filtered(lined: Any) -> Any:
    """Front of points in lexical order, of any width: each against the front so far."""
    n, width = lined.shape
    front = np.empty(n, dtype=np.int64)
    size = 0
    kept = np.zeros(n, dtype=np.bool_)
    for i in range(n):
        dominated = False
        for j in range(size):
            other = front[j]
            worse, same = False, True
            for k in range(width):
                if lined[other, k] > lined[i, k]:
                    worse = True
                    break
                if lined[other, k] < lined[i, k]:
                    same = False
            if not worse and not same:
                dominated = True
                break
        if not dominated:
            kept[i] = True
            front[size] = i
            size += 1
    return kept


def hypervolume(values: NDArray[Any], reference: Sequence[float], maximise: Sequence[bool] = ()) -> float:
    """Return the volume between the front of `values` (n, 2 or 3) and the point `reference`: larger is a better front.

    Points that are not better than the reference in every objective add nothing. O(n log n) in the plane, O(front^2 log front) in space.

    >>> hypervolume(np.array([[1.0, 2.0], [2.0, 1.0]]), (3.0, 3.0))
    3.0
    """
    table, corner = np.array(values, dtype=np.float64), np.array(reference, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] not in (2, 3) or corner.shape != (table.shape[1],):
        raise HwsimError(f"a hypervolume needs points x 2 or 3 objectives and a reference of as many, got {table.shape} and {corner.shape}")
    if maximise:
        sign = np.where(maximise, -1.0, 1.0)
        table, corner = table * sign, corner * sign
    table = table[(table < corner).all(axis=1)]
    if not len(table):
        return 0.0
    if table.shape[1] == 2:
        return _area(table, corner)
    table = table[front_mask(table)]
    table = table[np.argsort(table[:, 2], kind="stable")]
    tops = np.append(table[1:, 2], corner[2])
    return float(sum(_area(table[: i + 1, :2], corner[:2]) * (top - table[i, 2]) for i, top in enumerate(tops) if top > table[i, 2]))


def _area(table: Floats, corner: Floats) -> float:
    steps = np.unique(table[front_mask(table)], axis=0)
    widths = np.append(steps[1:, 0], corner[0]) - steps[:, 0]
    return float((widths * (corner[1] - steps[:, 1])).sum())


@dataclass(frozen=True)
class Front:
    """The non-dominated rows of a table: `rows` (indices into it), every column at those rows, and how many rows were `feasible` of `total`.

    Rows are in the order of the first objective, best first.
    """

    objectives: tuple[Objective, ...]
    rows: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    feasible: int
    total: int

    def __len__(self) -> int:
        return len(self.rows)

    def records(self) -> list[dict[str, Any]]:
        """Return one plain dictionary per point, best in the first objective first."""
        return [{name: _plain(values[i]) for name, values in self.columns.items()} for i in range(len(self.rows))]

    def to_dict(self) -> dict[str, Any]:
        """Return the front in the form ``hwsim.front/1``."""
        wanted = [{"metric": o.metric, "direction": o.direction} for o in self.objectives]
        return {"schema": "hwsim.front/1", "objectives": wanted, "total": self.total, "feasible": self.feasible, "points": self.records()}


def _plain(value: Any) -> Any:
    """A value of a column as JSON knows it; what is not finite is None."""
    found = value.item() if hasattr(value, "item") else value
    return None if isinstance(found, float) and not np.isfinite(found) else found


def front_of(columns: Mapping[str, NDArray[Any]], objectives: Sequence[Objective]) -> Front:
    """Return the front of a table of equally long columns; only rows whose ``status`` is ok (when there is such a column) take part.

    Raises `HwsimError` for a metric that is no column of figures, naming the nearest.

    >>> columns = {"latency_s": np.array([1.0, 2.0, 3.0]), "energy_j": np.array([2.0, 1.0, 2.0])}
    >>> front_of(columns, [Objective("latency_s"), Objective("energy_j")]).rows.tolist()
    [0, 1]
    """
    known = [n for n, v in columns.items() if np.asarray(v).dtype.kind in "fiu"]
    for objective in objectives:
        if objective.metric not in known:
            raise HwsimError(f"there is no metric '{objective.metric}'{nearest(objective.metric, known)}; there are {', '.join(known)}")
    table = np.column_stack([o.signed(columns[o.metric]) for o in objectives])
    if "status" in columns:
        table[np.asarray(columns["status"]) != "ok"] = np.nan
    rows = np.flatnonzero(front_mask(table))
    rows = rows[np.lexsort(table[rows].T[::-1])]
    feasible = int((~np.isnan(table).any(axis=1)).sum())
    return Front(tuple(objectives), rows, {n: np.asarray(v)[rows] for n, v in columns.items()}, feasible, len(table))


def pareto(source: str | Path | Mapping[str, NDArray[Any]], objectives: Sequence[str] = (), maximise: Sequence[str] = ()) -> Front:
    """Return the front of a sweep's or a search's folder, or of a table of columns.

    `objectives` are metrics to minimise, `maximise` those to maximise. Of a search, which may try a point twice, each point is shown once.
    Raises `HwsimError` for a folder without results and for unknown metrics.

    >>> front = pareto({"a": np.array([1.0, 2.0, 3.0]), "b": np.array([2.0, 1.0, 2.0])}, ["a", "b"])
    >>> front.rows.tolist()
    [0, 1]
    """
    wanted = objectives_of(objectives, maximise)
    if not isinstance(source, str | Path):
        return front_of(source, wanted)
    results = load_results(source)
    table = _fetched(results.relation.select(*dict.fromkeys(("point", "status", *(_checked(o.metric, results.relation) for o in wanted)))))
    front = front_of(table, wanted)
    points = table["point"][front.rows]
    rows = results.relation.filter(f"point IN ({', '.join(map(str, points))})") if len(points) < FEW else results.relation
    columns = _fetched(rows)
    place = {int(p): i for i, p in enumerate(columns["point"])}
    order = np.array([place[int(p)] for p in points], dtype=np.int64)
    if "search" in results.manifest:
        kept = _distinct({n: v[order] for n, v in columns.items() if n != "point"})
        order, front = order[kept], replace(front, rows=front.rows[kept])
    return replace(front, columns={n: v[order] for n, v in columns.items()})


def _checked(metric: str, relation: Any) -> str:
    """The name of a column, quoted for SQL."""
    if metric not in relation.columns:
        raise HwsimError(f"these results have no metric '{metric}'{nearest(metric, relation.columns)}; they have {', '.join(relation.columns)}")
    return '"' + metric.replace('"', '""') + '"'


def _fetched(relation: Any) -> dict[str, NDArray[Any]]:
    """The columns of a relation; figures that are missing are NaN."""
    found: dict[str, NDArray[Any]] = {}
    for name, values in relation.fetchnumpy().items():
        gaps = isinstance(values, np.ma.MaskedArray)
        found[name] = np.asarray(values.filled(np.nan if values.dtype.kind == "f" else None) if gaps and values.dtype.kind in "fO" else values)
    return found


def _distinct(columns: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Indices of the first of each set of equal rows."""
    rows = list(zip(*(v.tolist() for v in columns.values()), strict=True))
    first = {row: i for i, row in reversed(list(enumerate(rows)))}
    return np.array(sorted(first.values()), dtype=np.int64)
