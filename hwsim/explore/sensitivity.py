"""What should I change first: a one-at-a-time tornado and Sobol's variance shares of one metric over the ranges of the parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError
from hwsim.explore.around import surroundings
from hwsim.explore.column import written as in_table
from hwsim.explore.lever import Lever, Probe, around, figures, write_figure, written
from hwsim.explore.pareto import LARGER_IS_BETTER
from hwsim.explore.space import Space, load_space
from hwsim.explore.store import MANIFEST, StoreError, locked, read_manifest, write_whole

__all__ = ["Sensitivity", "save", "sensitivity"]

SCHEMA, FILE = "hwsim.sensitivity/1", "sensitivity.json"
METHODS = ("tornado", "sobol", "both")
LOST_SHARE = 0.2


class TooFewSamples(HwsimError):
    """Too many samples hold points that are not feasible for variance shares to mean something."""


@dataclass(frozen=True)
class Bar:
    """One parameter of a tornado: the metric `at_low` and `at_high`, with all else at the base point.

    For choices without an order, low and high are the choices with the least and the greatest figure.
    """

    parameter: str
    low: Any
    high: Any
    at_low: float
    at_high: float
    unit: str = ""

    def swing(self, base: float) -> float:
        """The widest difference among both ends and the base."""
        return max(self.at_low, self.at_high, base) - min(self.at_low, self.at_high, base)

    def best(self, metric: str, base: float) -> tuple[Any, float] | None:
        """The end that is better than the base, with its figure; None when neither is."""
        sign = -1.0 if metric in LARGER_IS_BETTER else 1.0
        value, figure = min(((self.low, self.at_low), (self.high, self.at_high)), key=lambda end: sign * end[1])
        return (value, figure) if sign * figure < sign * base else None


@dataclass(frozen=True)
class Share:
    """Sobol's indices of one parameter: the share of the metric's variance that it makes alone (`first`) and with all its interactions (`total`).

    `first_conf` and `total_conf` are half widths of 95 % confidence intervals.
    """

    parameter: str
    first: float
    first_conf: float
    total: float
    total_conf: float


@dataclass(frozen=True)
class Sensitivity:
    """Which parameters move `metric` from its figure at the `base` point; `tornado` and `sobol` are ranked, the strongest first.

    `point` is the base point, `notes` say what could not be priced.
    """

    metric: str
    base: float
    point: Mapping[str, Any]
    tornado: tuple[Bar, ...] = ()
    sobol: tuple[Share, ...] = ()
    notes: tuple[str, ...] = ()
    samples: int = 0
    seed: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """What to change first, in words."""
        said = []
        if bars := [b for b in self.tornado if b.swing(self.base) > 0]:
            top = bars[0]
            ends = f"{written(top.low, top.unit)} to {written(top.high, top.unit)}"
            said.append(
                f"{top.parameter} matters most: over {ends}, all else as at the base point, {self.metric} goes from "
                f"{write_figure(self.metric, top.at_low)} to {write_figure(self.metric, top.at_high)}."
            )
            said.append(self._advice(bars))
        elif self.tornado:
            said.append(f"No parameter moves {self.metric} from {write_figure(self.metric, self.base)}.")
        if self.sobol and self.sobol[0].total > 0:
            top_share = self.sobol[0]
            said.append(f"Over all ranges at once, {top_share.parameter} makes {top_share.total * 100:.0f} % of its variance, interactions included.")
        return " ".join(s for s in said if s)

    def _advice(self, bars: Sequence[Bar]) -> str:
        gains = [(abs(found[1] - self.base), bar, found) for bar in bars if (found := bar.best(self.metric, self.base))]
        if not gains:
            return f"No single change within these ranges betters the base point's {write_figure(self.metric, self.base)}."
        _, bar, (value, figure) = max(gains, key=lambda g: g[0])
        change = f" ({(figure / self.base - 1) * 100:+.1f} %)" if self.base else ""
        return f"Change {bar.parameter} first: {written(value, bar.unit)} gives {write_figure(self.metric, figure)}{change}."

    def to_dict(self) -> dict[str, Any]:
        """Return the result in the form ``hwsim.sensitivity/1``."""
        bars = [
            {"parameter": b.parameter, "low": _shown(b.low), "high": _shown(b.high), "at_low": b.at_low, "at_high": b.at_high, "unit": b.unit}
            for b in self.tornado
        ]
        shares = [{n: getattr(s, n) for n in ("parameter", "first", "first_conf", "total", "total_conf")} for s in self.sobol]
        point = {name: _shown(value) for name, value in self.point.items()}
        head = {"schema": SCHEMA, "metric": self.metric, "base": self.base, "point": point, "sentence": self.sentence}
        return {**head, "tornado": bars, "sobol": shares, "notes": list(self.notes), "samples": self.samples, "seed": self.seed, **self.meta}


def _shown(value: Any) -> Any:
    """A value of a parameter as results hold it: a grid as ``420x420``."""
    return in_table(tuple(value) if isinstance(value, list) else value)


def tornado(levers: Sequence[Lever], probe: Probe, metric: str) -> tuple[float, tuple[Bar, ...], tuple[str, ...]]:
    """Return (the metric at the base point, ranked bars, notes), from one call of `probe` on the base point and the ends of every range.

    An end that is not feasible is replaced by the base value, and noted. O(parameters + choices) points. Raises `HwsimError` for an unknown metric
    and a base point that is not feasible.
    """
    changes: list[dict[str, Any]] = [{}]
    for lever in levers:
        changes += [{lever.name: v} for v in (lever.ends if lever.ordered else lever.values)]
    values, reasons = figures(probe(around(levers, changes)), metric)
    base = float(values[0])
    if math.isnan(base):
        raise HwsimError(f"the base point is not feasible: {reasons[0] or f'it has no {metric}'}")
    bars, notes, at = [], [], 1
    for lever in levers:
        tried = lever.ends if lever.ordered else lever.values
        found, why = values[at : at + len(tried)], reasons[at : at + len(tried)]
        at += len(tried)
        pairs = [(lever.base, base) if math.isnan(f) else (v, float(f)) for v, f in zip(tried, found, strict=True)]
        notes += [f"{lever.name} = {lever.text(v)} is not feasible: {w}" for v, f, w in zip(tried, found, why, strict=True) if math.isnan(f)]
        low, high = (pairs[0], pairs[1]) if lever.ordered else (min(pairs, key=lambda p: p[1]), max(pairs, key=lambda p: p[1]))
        bars.append(Bar(lever.name, low[0], high[0], low[1], high[1], lever.unit))
    bars.sort(key=lambda b: -b.swing(base))
    return base, tuple(bars), tuple(notes)


def sobol(levers: Sequence[Lever], probe: Probe, metric: str, samples: int = 256, seed: int = 0) -> tuple[tuple[Share, ...], tuple[str, ...]]:
    """Return (ranked shares, notes): Sobol's first-order and total indices by Saltelli's sampling, the ranges filled evenly.

    `samples` (a power of two) x (parameters + 2) points go to `probe` in one call. Samples with points that are not feasible are left out, and noted;
    when they are more than a fifth, the answer would mean little and `TooFewSamples` is raised. Needs the extra ``search`` (SALib).
    Reference: Saltelli et al., Computer Physics Communications 181 (2010).
    """
    if samples < 2 or samples & (samples - 1):
        raise HwsimError(f"Sobol samples are a power of two, got {samples}")
    sampler, analyzer = _salib()
    names = [lever.name for lever in levers]
    problem = {"num_vars": len(levers), "names": names, "bounds": [[0.0, 1.0]] * len(levers)}
    drawn: NDArray[np.float64] = sampler.sample(problem, samples, calc_second_order=False, seed=seed)
    values, reasons = figures(probe({lever.name: lever.at(drawn[:, i]) for i, lever in enumerate(levers)}), metric)
    runs = values.reshape(samples, len(levers) + 2)
    whole = ~np.isnan(runs).any(axis=1)
    lost = samples - int(whole.sum())
    notes = []
    if lost:
        reason = next(r for r in reasons if r) if any(reasons) else f"no {metric}"
        if lost > LOST_SHARE * samples:
            raise TooFewSamples(f"{lost} of {samples} samples for Sobol's indices hold points that are not feasible ({reason}): narrow the ranges")
        notes.append(f"Sobol indices leave out {lost} of {samples} samples, with points that are not feasible: {reason}")
    kept = runs[whole].ravel()
    if np.ptp(kept) <= 1e-12 * float(np.abs(kept).max()):
        return tuple(Share(n, 0.0, 0.0, 0.0, 0.0) for n in names), (*notes, f"{metric} is the same everywhere in these ranges")
    found = analyzer.analyze(problem, kept, calc_second_order=False, print_to_console=False, seed=seed)
    shares = [Share(n, *(float(found[k][i]) for k in ("S1", "S1_conf", "ST", "ST_conf"))) for i, n in enumerate(names)]
    return tuple(sorted(shares, key=lambda s: -s.total)), tuple(notes)


def _salib() -> tuple[Any, Any]:
    try:
        from SALib.analyze import sobol as analyzer  # noqa: PLC0415  (an extra)
        from SALib.sample import sobol as sampler  # noqa: PLC0415
    except ImportError:
        raise HwsimError("Sobol indices need SALib: pip install 'hwsim[search]' (the tornado does without)") from None
    return sampler, analyzer


def analyse(levers: Sequence[Lever], probe: Probe, metric: str, method: str = "both", samples: int = 256, seed: int = 0) -> Sensitivity:
    """Return the sensitivity of `metric` to the levers by one method or both. Raises `HwsimError` as `tornado` and `sobol` do."""
    if method not in METHODS:
        raise HwsimError(f"method is one of {', '.join(METHODS)}, got '{method}'")
    if not levers:
        raise HwsimError("no parameter has a range to vary")
    base, bars, notes = tornado(levers, probe, metric) if method != "sobol" else _base(levers, probe, metric)
    shares, more = _shares(levers, probe, metric, method, samples, seed)
    point = {lever.name: lever.base for lever in levers}
    return Sensitivity(metric, base, point, bars, shares, (*notes, *more), samples if shares else 0, seed)


def _shares(levers: Sequence[Lever], probe: Probe, metric: str, method: str, samples: int, seed: int) -> tuple[tuple[Share, ...], tuple[str, ...]]:
    """Sobol's indices where they are asked for; beside a tornado, a note where too few samples are feasible."""
    if method == "tornado":
        return (), ()
    try:
        return sobol(levers, probe, metric, samples, seed)
    except TooFewSamples as bad:
        if method == "sobol":
            raise
        return (), (str(bad),)


def _base(levers: Sequence[Lever], probe: Probe, metric: str) -> tuple[float, tuple[Bar, ...], tuple[str, ...]]:
    values, reasons = figures(probe(around(levers, [{}])), metric)
    if math.isnan(values[0]):
        raise HwsimError(f"the base point is not feasible: {reasons[0] or f'it has no {metric}'}")
    return float(values[0]), (), ()


def sensitivity(
    space: str | Path | Mapping[str, Any] | Space,
    metric: str,
    out: str | Path | None = None,
    *,
    method: str = "both",
    over: str | None = None,
    base: Mapping[str, Any] | None = None,
    samples: int = 256,
    seed: int = 0,
) -> Sensitivity:
    """Return which parameters move `metric` around a base point, and write ``sensitivity.json`` into the folder `out` when one is given.

    `method` is tornado, sobol or both. `over` says whose ranges: the ``space``'s parameters (the default when it has any), the ranged constants of
    its ``chip``, or ``all``. `base` sets parameters and constants of the base point (internal units); others are as the chip states them, or else in
    the middle of their values. Constants that do not move the metric one at a time are left out, and noted.

    Raises `HwsimError` for a space of several traces or chips, an unknown metric, a base point that is not feasible, and for Sobol indices without
    SALib; `StoreError` for a folder that cannot be written or holds another space's results; and what `load_space` raises.

    >>> space = {"trace": {"op": "matmul", "m": 1, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"], "metrics": ["latency_s"],
    ...          "parameters": {"dram_bytes_per_s": {"linspace": ["1 TB/s", "3 TB/s", 5]}, "sm_count": {"list": [100, 108]}}}
    >>> found = sensitivity(space, "latency_s", method="tornado")
    >>> [bar.parameter for bar in found.tornado][0]
    'dram_bytes_per_s'
    """
    made = load_space(space)
    chosen = over or ("space" if any(len(axis) > 1 for axis in made.axes) else "chip")
    around_base = surroundings(made, base, chosen)
    probe, levers = around_base.probe(metric), around_base.levers
    idle: tuple[str, ...] = ()
    if chosen != "space":
        own = {axis.name for axis in made.axes}
        at_base, bars, _ = tornado(levers, probe, metric)
        idle = tuple(b.parameter for b in bars if not b.swing(at_base) and b.parameter not in own)
        levers = tuple(lever for lever in levers if lever.name not in idle)
        if not levers:
            raise HwsimError(f"none of the {len(idle)} ranged constants of chip '{made.chips[0].name}' moves {metric} one at a time")
    found = analyse(levers, probe, metric, method, samples, seed)
    notes = (*found.notes, *([f"{len(idle)} constants do not move {metric}: {', '.join(idle)}"] if idle else []))
    meta = {"trace": made.trace_names[0], "chip": made.chips[0].name, "space": made.key, "over": chosen}
    found = replace(found, point=around_base.base, notes=notes, meta=meta)
    if out is not None:
        save(found, out)
    return found


def save(found: Sensitivity, folder: str | Path) -> Path:
    """Write ``sensitivity.json``, whole or not at all; returns its path. Raises `StoreError` when the folder holds another space's results.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save(Sensitivity("latency_s", 1e-3, {"sm_count": 108.0}), folder).name
    'sensitivity.json'
    """
    where = Path(folder)
    with locked(where):
        if (where / MANIFEST).exists():
            stated = read_manifest(where)
            keys = (stated.get("key"), stated.get("search", {}).get("space"))
            if found.meta.get("space") not in keys:
                raise StoreError(f"{where} holds the results of another space: choose another folder")
        write_whole(where / FILE, (json.dumps(found.to_dict(), indent=2) + "\n").encode())
    return where / FILE
