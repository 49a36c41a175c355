"""A space seen from one base point: its parameters as levers, constants of its chip as further levers, and a probe that prices changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, nearest
from hwsim.explore.axis import Axis
from hwsim.explore.evaluate import STATUSES, Evaluator, Results
from hwsim.explore.lever import Lever
from hwsim.explore.space import Space

OVER = ("space", "chip", "all")


@dataclass(frozen=True)
class Surroundings:
    """`space` with its chip's constants added as axes where they are `levers` too; `base` holds a value for every axis."""

    space: Space
    base: Mapping[str, Any]
    levers: tuple[Lever, ...]

    def probe(self, metric: str) -> Probing:
        """Return what prices points for `metric`."""
        wanted = self.space.metrics if metric in self.space.metrics else (*self.space.metrics, metric)
        return Probing(replace(self.space, metrics=wanted), self.base)


class Probing:
    """Prices points that differ from a base point in some parameters; programs once mapped are kept."""

    def __init__(self, space: Space, base: Mapping[str, Any]) -> None:
        self.space, self.base = space, base
        self.evaluator = Evaluator(space)

    def __call__(self, points: Mapping[str, Sequence[Any]]) -> dict[str, NDArray[Any]]:
        """Return metrics, status and reason of n points given as columns; parameters that are not given are as in the base point."""
        n = len(next(iter(points.values()))) if points else 1
        columns = {axis.name: points.get(axis.name) or [self.base[axis.name]] * n for axis in self.space.axes}
        if not columns:
            return metric_columns(self.evaluator.evaluate(self.space.batch(0, 1)))
        return metric_columns(self.evaluator.evaluate(self.space.points(columns)))


def metric_columns(found: Results) -> dict[str, NDArray[Any]]:
    """Return metrics, status (words) and reason of evaluated points as plain columns."""
    status = np.array(STATUSES, dtype=object)[found.status]
    return {**found.metrics, "status": status, "reason": np.array(found.reasons, dtype=object)[found.reason]}


def surroundings(space: Space, base: Mapping[str, Any] | None = None, over: str = "space") -> Surroundings:
    """Return `space` around a base point, with levers over its own parameters, its chip's ranged constants, or ``all`` of both.

    `base` sets parameters and constants (internal units); others are as the chip states them, or else in the middle of their values (the first,
    for choices without an order). Raises `HwsimError` for a space of several traces or chips, and for unknown names.
    """
    if over not in OVER:
        raise HwsimError(f"over is one of {', '.join(OVER)}, got '{over}'")
    for what, number in (("trace", len(space.traces)), ("chip", len(space.chips))):
        if number > 1:
            raise HwsimError(f"this question is about one {what}, and the space has {number}: keep one")
    given, params = dict(base or {}), space.chips[0].params
    axes = {axis.name: axis for axis in space.axes}
    for name in given:
        if name not in axes:
            if name in space.derived or name not in params or not params[name].is_number:
                near = nearest(name, [*axes, *params])
                raise HwsimError(f"the base point cannot set '{name}': it is no parameter of the space or number of its chip{near}")
            axes[name] = Axis(name, "chip", "list", (given[name],), params[name].unit)
    levers = [lever_of(axis, given, space) for axis in space.axes if len(axis) > 1] if over != "chip" else []
    if over != "space":
        levers += [_constant(name, space, given) for name, param in params.items() if param.has_range and name not in given and _free(name, space)]
    made = {**axes, **{lever.name: _axis(lever) for lever in levers if lever.name not in axes}}
    point = {n: given.get(n, base_value(axis, space)) for n, axis in made.items()}
    return Surroundings(replace(space, axes=tuple(made.values())), point, tuple(levers))


def with_lever(space: Space, name: str, base: Mapping[str, Any] | None = None, low: float | None = None, high: float | None = None) -> Surroundings:
    """Return `space` around a base point, with one lever: the parameter `name`, or that constant of the chip from `low` to `high`.

    Without `low` and `high` a constant has the range that the chip states. Raises `HwsimError` as `surroundings`, and when there is no range.
    """
    found = surroundings(space, {k: v for k, v in (base or {}).items() if k != name})
    known = {axis.name: axis for axis in found.space.axes}
    if name in known and low is None and high is None:
        lever = lever_of(known[name], base or {}, space)
    else:
        params = space.chips[0].params
        if name not in params or not params[name].is_number or not _free(name, space, among_axes=name not in known):
            raise HwsimError(f"the space has no parameter '{name}'{nearest(name, [*known, *params])}, and no number of its chip is called so")
        param = params[name]
        ends = (param.low if low is None else low, param.high if high is None else high)
        if ends[0] is None or ends[1] is None:
            raise HwsimError(f"'{name}' has no range: state it under parameters of the space, or give its low and high end")
        lever = Lever(name, param.number, ends[0], ends[1], unit=param.unit)
    axes = tuple(a for a in found.space.axes if a.name != name)
    kept = known[name] if name in known and not lever.continuous else _axis(lever)
    return Surroundings(replace(found.space, axes=(*axes, kept)), {**found.base, name: lever.base}, (lever,))


def _free(name: str, space: Space, among_axes: bool = True) -> bool:
    """True for a constant that neither the space's parameters nor a mapping option of the same name sets."""
    names = {*(a.name for a in space.axes), *space.derived} if among_axes else {*space.derived}
    return name not in names and f"mapping.{name}" not in names


def _constant(name: str, space: Space, given: Mapping[str, Any]) -> Lever:
    param = space.chips[0].params[name]
    return Lever(name, given.get(name, param.number), float(param.low or 0.0), float(param.high or 0.0), unit=param.unit)


def _axis(lever: Lever) -> Axis:
    """The axis of a continuous lever on a constant of the chip."""
    return Axis(lever.name, "chip", "logspace" if lever.log else "linspace", (lever.low, lever.high), lever.unit)


def lever_of(axis: Axis, given: Mapping[str, Any], space: Space) -> Lever:
    """Return the lever of one axis: a range where it is continuous, else its values, in rising order where they have one."""
    base = given.get(axis.name, base_value(axis, space))
    if axis.continuous and axis.kind == "chip" and len(axis) > 1:
        return Lever(axis.name, base, axis.low, axis.high, log=axis.log, unit=axis.unit)
    values, ordered = in_order(axis.values)
    return Lever(axis.name, base, values=values, ordered=ordered, unit=axis.unit)


def in_order(values: Sequence[Any]) -> tuple[tuple[Any, ...], bool]:
    """Return values in rising order and True where they have one: numbers, or tuples of them that grow in no figure while falling in another.

    >>> in_order([(540, 540), (420, 420)]), in_order(["ring", "tree"]), in_order([(1, 4), (2, 2)])
    ((((420, 420), (540, 540)), True), (('ring', 'tree'), False), (((1, 4), (2, 2)), False))
    """
    tuples = [v if isinstance(v, tuple) else (v,) for v in values]
    plain = all(isinstance(n, int | float) and not isinstance(n, bool) for t in tuples for n in t)
    if not plain or len({len(t) for t in tuples}) > 1:
        return tuple(values), False
    order = sorted(range(len(values)), key=lambda i: tuples[i])
    rising = all(p <= q for i, j in pairwise(order) for p, q in zip(tuples[i], tuples[j], strict=True))
    return (tuple(values[i] for i in order), True) if rising else (tuple(values), False)


def base_value(axis: Axis, space: Space) -> Any:
    """Return the base value of an axis: what the chip states where that is among the values or in the range, else the middle one."""
    param = space.chips[0].params.get(axis.name) if axis.kind == "chip" else None
    if param is not None:
        inside = param.is_number and axis.numeric and axis.continuous and axis.low <= param.number <= axis.high
        if inside or param.value in axis.values:
            return param.value
    values, ordered = in_order(axis.values) if len(axis) < 100_000 else (axis.values, True)
    return values[len(values) // 2] if ordered else values[0]
