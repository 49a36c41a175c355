"""What can be turned: one parameter with its range and its place in a base point, and how points around the base are priced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, nearest
from hwsim.core.units import METRIC_UNITS, engineering

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]
Probe = Callable[[Mapping[str, Sequence[Any]]], Columns]
PREFIXED = ("Hz", "s", "J", "W", "B", "bit", "F", "A", "V", "ohm", "m", "J/B", "J/bit", "B/s", "bit/s", "J/MAC", "W/mm2")


@dataclass(frozen=True)
class Lever:
    """One parameter: its `base` value, and either the `values` that it can take or a continuous range `low`..`high`.

    `ordered` is False for choices without an order; `log` makes equal steps of the range equal factors.
    """

    name: str
    base: Any
    low: float = 0.0
    high: float = 0.0
    values: tuple[Any, ...] = ()
    ordered: bool = True
    log: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.values and not self.low < self.high:
            raise HwsimError(f"parameter '{self.name}': the range {self.low:g}..{self.high:g} is empty")
        if self.log and not self.values and self.low <= 0:
            raise HwsimError(f"parameter '{self.name}': a logarithmic range starts above zero, got {self.low:g}")

    @property
    def continuous(self) -> bool:
        """True when any value between low and high can be taken."""
        return not self.values

    @property
    def ends(self) -> tuple[Any, Any]:
        """First and last value of the range."""
        return (self.values[0], self.values[-1]) if self.values else (self.low, self.high)

    def at(self, shares: Floats) -> list[Any]:
        """Return the values at `shares` of the range, 0 to 1: listed values have equal parts of it."""
        if self.values:
            index = np.clip((np.asarray(shares) * len(self.values)).astype(int), 0, len(self.values) - 1)
            return [self.values[i] for i in index]
        share = np.asarray(shares, dtype=np.float64)
        found = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        found = np.where(share <= 0, self.low, np.where(share >= 1, self.high, found))
        return [float(v) for v in found]

    def text(self, value: Any) -> str:
        """Write one of its values."""
        return written(value, self.unit)


def written(value: Any, unit: str = "") -> str:
    """Write a value for people: SI prefixes where the unit takes them.

    >>> written(1.1e9, "Hz"), written((420, 420)), written(3.0, "cycle")
    ('1.1 GHz', '420x420', '3 cycle')
    """
    if isinstance(value, tuple | list):
        return "x".join(written(v) for v in value)
    if isinstance(value, bool | str) or not isinstance(value, int | float | np.number):
        return str(value)
    plain = float(value)
    if unit in PREFIXED:
        return engineering(plain, unit)
    return f"{plain:,.6g} {'' if unit == '1' else unit}".strip() if abs(plain) < 1e6 or plain != int(plain) else f"{plain:,.0f} {unit}".strip()


def write_figure(metric: str, value: float) -> str:
    """Write the figure of a metric."""
    return written(value, METRIC_UNITS.get(metric, ""))


def around(levers: Sequence[Lever], changes: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the columns of points that are the base point but for each one's `changes`."""
    return {lever.name: [change.get(lever.name, lever.base) for change in changes] for lever in levers}


def figures(columns: Columns, metric: str) -> tuple[Floats, list[str]]:
    """Return the metric per point, NaN where the point is not feasible, and the reason per point (empty where it is).

    Raises `HwsimError` for an unknown metric, naming the nearest.
    """
    known = [n for n, v in columns.items() if np.asarray(v).dtype.kind in "fiu"]
    if metric not in known:
        raise HwsimError(f"there is no metric '{metric}'{nearest(metric, known)}; there are {', '.join(known)}")
    values = np.array(columns[metric], dtype=np.float64)
    if "status" not in columns:
        return values, [""] * len(values)
    bad = np.asarray(columns["status"]) != "ok"
    values[bad] = np.nan
    reasons = columns.get("reason", np.full(len(values), "", dtype=object))
    return values, [str(r) if b else "" for r, b in zip(reasons, bad, strict=True)]
