"""Search: the best designs of a space too large to sweep, by optuna's samplers over whole populations priced by the fast road.

Every trial is a point of the space's grid: what is searched are the indices of each parameter's values (and of the chip, when there are several).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, Location
from hwsim.explore.around import in_order
from hwsim.explore.column import Codes
from hwsim.explore.evaluate import CONSTRAINT, STATUSES, Evaluator, Results
from hwsim.explore.pareto import Front, Objective, objectives_of, pareto
from hwsim.explore.space import Batch, Space, load_space
from hwsim.explore.store import LOCK, MANIFEST, SHARDS, SPACE, Store, StoreError, locked, manifest, read_manifest, shard_bytes, write_whole
from hwsim.explore.study import POPULATIONS, Population, check_sampler, load_optuna, quiet

__all__ = ["Search", "search"]

SCHEMA = "hwsim.search/1"
CHIP, JOURNAL = "chip", "journal.log"
TRIALS = 960
BREACH, REFUSED = 1.0, 2.0  # how far a trial is from feasible: it could be priced but breaks a constraint; it could not be priced


@dataclass(frozen=True)
class Search:
    """A finished search: its `folder`, the `front` of all its trials, how many there are and how many of them are feasible.

    `resumed` counts the trials that an earlier run had left in the folder; `points` those of the whole space.
    """

    folder: Path
    front: Front
    trials: int
    feasible: int
    resumed: int
    points: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result in the form ``hwsim.front/1``, with the counts."""
        counts = {"trials": self.trials, "resumed": self.resumed, "space_points": self.points}
        return {**self.front.to_dict(), **counts, "folder": str(self.folder)}


class Dimensions:
    """A space as a sampler sees it: one index for every parameter with several values; rising where the values have an order."""

    def __init__(self, space: Space) -> None:
        if len(space.traces) > 1:
            raise HwsimError(f"a search is about one trace, and the space has {len(space.traces)}: keep one")
        self.space = space
        self.orders: dict[str, Codes] = {}
        self.distributions: dict[str, Any] = {}
        optuna = load_optuna()
        if len(space.chips) > 1:
            self.distributions[CHIP] = optuna.distributions.CategoricalDistribution(tuple(range(len(space.chips))))
        for axis in space.axes:
            order, ordered = _order(axis.values)
            self.orders[axis.name] = order
            if len(order) > 1:
                whole = optuna.distributions.IntDistribution(0, len(order) - 1)
                self.distributions[axis.name] = whole if ordered else optuna.distributions.CategoricalDistribution(tuple(range(len(order))))
        if not self.distributions:
            raise HwsimError("there is nothing to search: no parameter of the space has several values")

    @property
    def points(self) -> int:
        """Points of the whole grid."""
        return len(self.space.chips) * math.prod(len(order) for order in self.orders.values())

    def batch(self, trials: Sequence[Mapping[str, int]]) -> Batch:
        """Return the points of trials, each a dictionary of indices."""
        n = len(trials)
        columns = {}
        for axis in self.space.axes:
            index = np.array([t.get(axis.name, 0) for t in trials], dtype=np.int64)
            columns[axis.name] = axis.take(self.orders[axis.name][index])
        return Batch(np.zeros(n, dtype=np.int64), np.array([t.get(CHIP, 0) for t in trials], dtype=np.int64), columns)


def _order(values: Sequence[Any]) -> tuple[Codes, bool]:
    """Return the indices of values in rising order (as they stand, where they have none), and whether they have one."""
    if len(values) > 100_000:  # a long range: evenly spaced, one way or the other
        index = np.arange(len(values), dtype=np.int64)
        return (index if values[0] <= values[-1] else index[::-1].copy()), True
    rising, ordered = in_order(values)
    place = {repr(v): i for i, v in enumerate(values)}
    return np.array([place[repr(v)] for v in rising], dtype=np.int64), ordered


def search(
    space: str | Path | Mapping[str, Any] | Space,
    out: str | Path,
    objectives: Sequence[str] = (),
    maximise: Sequence[str] = (),
    *,
    sampler: str = "nsga2",
    trials: int = TRIALS,
    population: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Search:
    """Search a space for the front of several objectives; return it, and leave every trial in the folder `out`.

    `objectives` are metrics to minimise, `maximise` those to maximise. `sampler` is nsga2, nsga3, tpe or gp (which needs PyTorch). `trials` in all,
    asked in populations of `population` (48 for nsga2 and nsga3, 12 for tpe, 1 for gp), each priced in one call. A trial that is not feasible is
    told to the sampler as such and kept with its reason. Equal arguments give equal trials; a search that was killed, or is to
    have more trials, goes on when called again with the same folder.

    Raises `HwsimError` for a folder that holds another space's or another search's results, unknown samplers and metrics, a space of several
    traces, and when optuna is not installed; and what `load_space` raises.

    >>> from tempfile import TemporaryDirectory
    >>> space = {
    ...     "trace": {"op": "matmul", "m": 64, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"],
    ...     "parameters": {"sm_count": {"list": [54, 108]}, "dram_bytes_per_s": {"linspace": ["1 TB/s", "2 TB/s", 8]}},
    ...     "metrics": ["latency_s", "area_mm2"],
    ... }
    >>> with TemporaryDirectory() as folder:
    ...     found = search(space, folder, ["latency_s", "area_mm2"], trials=16, population=8)
    >>> found.trials, len(found.front.rows) >= 1
    (16, True)
    """
    wanted = objectives_of(objectives, maximise)
    check_sampler(sampler)
    size = population if population is not None else POPULATIONS[sampler]
    if trials < 1 or size < 1 or (sampler.startswith("nsga") and size < 2):
        raise HwsimError(f"a search has at least one trial, and populations of one or more (nsga: two); got {trials} and {size}")
    made = load_space(space)
    made = replace(made, metrics=tuple(dict.fromkeys((*made.metrics, *(o.metric for o in wanted)))))
    plan = {
        "schema": SCHEMA, "space": made.key, "objectives": [[o.metric, o.direction] for o in wanted], "sampler": sampler, "population": size,
        "seed": seed,
    }  # fmt: skip
    with quiet():
        return _run(made, Path(out), wanted, plan, trials, progress)


def _run(
    space: Space, folder: Path, wanted: Sequence[Objective], plan: Mapping[str, Any], trials: int, progress: Callable[[int, int], None] | None
) -> Search:
    """Ask, evaluate, write, tell, population by population."""
    dimensions, size = Dimensions(space), int(plan["population"])
    report = progress or (lambda done, total: None)
    with locked(folder):
        store = _open(folder, space, plan, trials)
        directions = ["maximize" if o.maximise else "minimize" for o in wanted]
        made = Population(folder / JOURNAL, directions, dimensions.distributions, plan["sampler"], size, int(plan["seed"]))
        evaluator, before = Evaluator(space), len(made.stored)
        report(min(before, trials), trials)
        while len(made.stored) < trials:
            asked = made.ask(min(size, trials - made.done * size))
            found = evaluator.evaluate(dimensions.batch([t.params for t in asked]))
            store.write(made.done, shard_bytes(space, found, made.done * size))
            made.tell(asked, *_verdicts(found, wanted, made.worst()))
            report(len(made.stored), trials)
    front = pareto(folder, *_named(wanted))
    return Search(folder, front, front.total, front.feasible, min(before, trials), dimensions.points)


def _named(wanted: Sequence[Objective]) -> tuple[list[str], list[str]]:
    return [o.metric for o in wanted if not o.maximise], [o.metric for o in wanted if o.maximise]


def _verdicts(found: Results, wanted: Sequence[Objective], worst: Sequence[float]) -> tuple[list[list[float]], list[float], list[dict[str, str]]]:
    """Return what the sampler is told of each point: values (the worst so far where there are none), violation, and status with reason."""
    table = np.column_stack([found.metrics[o.metric] for o in wanted])
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(table).all(axis=1))
    values = np.where(np.isfinite(table), table, np.array(worst))
    violations = np.where(found.ok & usable, 0.0, np.where((found.status == CONSTRAINT) & usable, BREACH, REFUSED))
    notes = []
    for row in range(len(found)):
        status = STATUSES[found.status[row]]
        why = found.reason_of(row) or ("" if usable[row] else "an objective has no value here")
        notes.append({"status": status, "reason": why} if why else {"status": status})
    return values.tolist(), violations.tolist(), notes


def _open(folder: Path, space: Space, plan: Mapping[str, Any], trials: int) -> Store:
    """Return the store of a search: a new one, or the one that is there. Raises `StoreError` when the folder holds anything else."""
    size = int(plan["population"])
    path = folder / MANIFEST
    if path.exists():
        _same(folder, read_manifest(folder), plan)
        trials = max(trials, int(read_manifest(folder)["points"]))
    elif foreign := sorted(p.name for p in folder.iterdir() if p.name not in (SPACE, SHARDS, LOCK)):
        raise StoreError(f"holds files that are no search's ({foreign[0]}): choose an empty folder", location=Location(str(folder)))
    key = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]
    stated = {**manifest(space, size), "key": key, "points": trials, "search": dict(plan)}
    (folder / SHARDS).mkdir(exist_ok=True)
    write_whole(folder / SPACE, space.text.encode())
    write_whole(path, (json.dumps(stated, indent=2) + "\n").encode())
    return Store(folder, trials, size)


def _same(folder: Path, found: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    """Refuse a folder that holds a sweep's results, or another search's."""
    there = found.get("search")
    where = Location(str(folder))
    if there is None:
        raise StoreError("holds the results of a sweep: choose another folder for the search", location=where)
    if there.get("space") != plan["space"]:
        raise StoreError("holds the search of another space (or of this one by another version of hwsim): choose another folder", location=where)
    if other := [k for k in plan if there.get(k) != plan[k]]:
        words = ", ".join(f"{k} {_said(there.get(k))} instead of {_said(plan[k])}" for k in other)
        raise StoreError(f"holds another search of this space ({words}): choose another folder", location=where)


def _said(value: Any) -> str:
    return "; ".join(f"{how} {metric}" for metric, how in value) if isinstance(value, list) else str(value)
