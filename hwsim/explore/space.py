"""SPACE.yaml -> `Space`: which traces, chips and parameters are explored, at which points, under which constraints, for which metrics.

```yaml
trace: {name: llama3-8b, phase: decode, context: 4096}     # or a list of them
chips: [wse2]
parameters:                       # a chip's constants by name, `mapping.OPTION`, or a trace's options as `trace.OPTION`
  clock_hz: {linspace: [0.7 GHz, 1.4 GHz, 1000]}            # also: list, logspace, integers [lo, hi, step], choices
  mapping.grid: {choices: [[420, 420], [540, 540]]}
derived: {sram_bytes_per_core: "48 KiB * 600 / mapping.grid[0]"}
constraints: ["area_mm2 < 46225", "energy_j < 1"]
sampling: grid                    # grid | random | latin_hypercube | sobol (with `points` and `seed`)
metrics: [latency_s, energy_j, area_mm2, tokens_per_s]
fidelity: analytic
```
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

from hwsim import __version__
from hwsim.api import load_chip
from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, InvalidMapping, nearest
from hwsim.core.target import load_target
from hwsim.explore.axis import Axis, Range, axis_of
from hwsim.explore.column import Codes, Column, written
from hwsim.explore.expression import Expression, parse_expression
from hwsim.explore.sampling import draw, grid_digits, qmc
from hwsim.readers.load import graph_of_workload, is_generated, trace_path
from hwsim.readers.yaml_file import Document, FileModel, Key, load_yaml, validate

__all__ = ["Space", "load_space"]

METRICS = ("latency_s", "energy_j", "area_mm2")
RESERVED = ("point", "trace", "chip", "status", "reason")


class InvalidSpace(HwsimError):
    """A space file is malformed, empty or contradictory, or names what is not there."""


class SpaceEntry(FileModel):
    """A whole space file."""

    trace: str | dict[str, Any] | list[str | dict[str, Any]]
    chips: str | list[str]
    parameters: dict[str, Range] = Field(default_factory=dict)
    derived: dict[str, str] = Field(default_factory=dict)
    constraints: list[str] = Field(default_factory=list)
    sampling: Literal["grid", "random", "latin_hypercube", "sobol"] = "grid"
    points: int | None = Field(default=None, gt=0)
    seed: int = Field(default=0, ge=0)
    metrics: list[str] = Field(default_factory=lambda: list(METRICS), min_length=1)
    fidelity: Literal["analytic", "event"] = "analytic"


@dataclass(frozen=True, eq=False)
class Batch:
    """n design points as columns: `trace` and `chip` (n,) index the space's, `columns` holds one column per axis."""

    trace: Codes
    chip: Codes
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.trace)


@dataclass(frozen=True, eq=False)
class Space:
    """What is explored. Points are numbered 0 .. `len(space)` - 1: traces, then chips, then the axes as declared, the last the fastest.

    `traces` are workloads (``{trace: NAME, options}`` or ``{op: KIND, bounds}``), `derived` expressions by parameter in an order that works.
    """

    traces: tuple[Mapping[str, Any], ...]
    chips: tuple[Chip, ...]
    axes: tuple[Axis, ...]
    derived: Mapping[str, Expression]
    constraints: tuple[Expression, ...]
    sampling: str
    samples: int
    seed: int
    metrics: tuple[str, ...]
    fidelity: str
    text: str = ""

    def __len__(self) -> int:
        each = math.prod(len(a) for a in self.axes) if self.sampling == "grid" else self.samples
        return len(self.traces) * len(self.chips) * each

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the axes and of the derived parameters."""
        return (*(a.name for a in self.axes), *self.derived)

    @property
    def trace_names(self) -> tuple[str, ...]:
        """What the traces are called in the results: by name, with their options where names are not enough."""
        names = [str(t.get("trace", t.get("op"))) for t in self.traces]
        options = [[f"{k}={written(v)}" for k, v in t.items() if k not in ("trace", "op")] for t in self.traces]
        full = [" ".join([n, *stated]) for n, stated in zip(names, options, strict=True)]
        return tuple(n if names.count(n) == 1 else f for n, f in zip(names, full, strict=True))

    def axis(self, name: str) -> Axis:
        """Return the axis of a parameter. Raises `InvalidSpace`, naming the nearest."""
        for found in self.axes:
            if found.name == name:
                return found
        raise InvalidSpace(f"the space has no parameter '{name}'{nearest(name, [a.name for a in self.axes])}")

    def batch(self, start: int, stop: int) -> Batch:
        """The points start .. stop - 1 of the grid or of the samples. O(points x axes); the same whatever range is asked for."""
        index = np.arange(start, min(stop, len(self)), dtype=np.int64)
        if self.sampling == "grid":
            digits = grid_digits(index, (len(self.traces), len(self.chips), *(len(a) for a in self.axes)))
            return Batch(digits[0], digits[1], {a.name: a.take(d) for a, d in zip(self.axes, digits[2:], strict=True)})
        trace, chip, sample = grid_digits(index, (len(self.traces), len(self.chips), self.samples))
        fractions = np.empty((len(index), len(self.axes)))
        for block in np.unique(trace * len(self.chips) + chip):
            here = trace * len(self.chips) + chip == block
            fractions[here] = draw(self.sampling, sample[here], self.samples, len(self.axes), self.seed)
        return Batch(trace, chip, {a.name: a.at(fractions[:, i]) for i, a in enumerate(self.axes)})

    def points(self, columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]], *, trace: int = 0, chip: int = 0) -> Batch:
        """Given values of every axis, (n,) each, in internal units, for one trace and chip. Raises `InvalidSpace` for missing or unknown names."""
        for name in columns:
            self.axis(name)
        if missing := [a.name for a in self.axes if a.name not in columns]:
            raise InvalidSpace(f"these points state no '{missing[0]}'")
        made = {a.name: a.column(columns[a.name]) for a in self.axes}
        sizes = {len(c) for c in made.values()} or {1}
        if len(sizes) > 1:
            raise InvalidSpace("the columns of points differ in length")
        n = sizes.pop()
        return Batch(np.full(n, trace, dtype=np.int64), np.full(n, chip, dtype=np.int64), made)

    @cached_property
    def key(self) -> str:
        """Content key: equal spaces over equal traces and chips, run by the same version of hwsim, have equal keys."""
        axes = [(a.name, a.form, repr(a.values)) for a in self.axes]
        text = json.dumps(
            [__version__, [_trace_key(t) for t in self.traces], [c.key for c in self.chips], axes, [(k, e.text) for k, e in self.derived.items()],
             [e.text for e in self.constraints], self.sampling, self.samples, self.seed, self.metrics, self.fidelity], sort_keys=True, default=repr,
        )  # fmt: skip
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_space(space: str | Path | Mapping[str, Any] | Space) -> Space:
    """Return the space of a file, or of plain data of the same form.

    Raises `InvalidSpace` (``file:line: path: problem``) for unknown keys and parameters (naming the nearest), values without their unit,
    bad expressions, empty and contradictory spaces; and what loading its chips and traces raises.

    >>> space = load_space({"trace": {"name": "llama3-8b", "phase": "decode", "context": 512}, "chips": ["wse2"],
    ...                     "parameters": {"clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 8]}, "hop_cycles": {"list": [1, 2]}}})
    >>> [axis.name for axis in space.axes], len(space.axes[0])
    (['clock_hz', 'hop_cycles'], 8)
    """
    if isinstance(space, Space):
        return space
    if isinstance(space, Mapping):
        document = Document("space", _plain(space), json.dumps(space, indent=2, default=repr), {})
    else:
        document = load_yaml(space, InvalidSpace)
    if not isinstance(document.data, dict):
        raise document.fail(InvalidSpace, (), "a space is a mapping with trace, chips and parameters")
    return _Reader(document, validate(SpaceEntry, document, InvalidSpace)).space()


def _plain(value: Any) -> Any:
    """Mappings and sequences as dicts and lists, as a file would give them."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


def _trace_key(workload: Mapping[str, Any]) -> Any:
    """What a workload states, and the content of its file."""
    stated = sorted((k, repr(v)) for k, v in workload.items())
    if "trace" not in workload or is_generated(str(workload["trace"])):
        return stated
    path, name = trace_path(workload["trace"])
    return [name, hashlib.sha256(path.read_bytes()).hexdigest(), [pair for pair in stated if pair[0] != "trace"]]


class _Reader:
    """Turns a checked entry into a space; every complaint gets file, line and path."""

    def __init__(self, document: Document, entry: SpaceEntry) -> None:
        self.document, self.entry = document, entry

    def fail(self, path: Sequence[Key], problem: str) -> HwsimError:
        return self.document.fail(InvalidSpace, path, problem)

    def space(self) -> Space:
        """The whole space."""
        entry = self.entry
        traces, chips = self.traces(), self.chips()
        axes = tuple(self.axis(name, stated, chips) for name, stated in entry.parameters.items())
        self.contradictions(axes, traces)
        for axis in axes:
            if axis.kind == "mapping":
                self.option_known(axis.name, chips, axis.values)
        derived = self.derived(chips)
        constraints = tuple(self.expression(text, ("constraints", i)) for i, text in enumerate(entry.constraints))
        for i, name in enumerate(entry.metrics):
            if name in entry.metrics[:i]:
                raise self.fail(("metrics", i), f"'{name}' is stated twice")
            if name in entry.parameters or name in entry.derived or name in RESERVED:
                raise self.fail(("metrics", i), f"'{name}' is a parameter of this space, or a column that every result has")
        if entry.sampling == "grid" and entry.points is not None:
            raise self.fail(("points",), "a grid has as many points as its parameters make; points goes with random, latin_hypercube and sobol")
        if entry.sampling != "grid" and entry.points is None:
            raise self.fail(("sampling",), f"{entry.sampling} needs points")
        if entry.sampling in ("latin_hypercube", "sobol"):
            qmc()
        return Space(traces, chips, axes, derived, constraints, entry.sampling, entry.points or 0, entry.seed, tuple(entry.metrics), entry.fidelity,
                     self.document.text)  # fmt: skip

    def traces(self) -> tuple[Mapping[str, Any], ...]:
        stated = self.entry.trace if isinstance(self.entry.trace, list) else [self.entry.trace]
        found: list[Mapping[str, Any]] = []
        varied = any(name.startswith("trace.") for name in (*self.entry.parameters, *self.entry.derived))
        for i, one in enumerate(stated):
            path: tuple[Key, ...] = ("trace", i) if isinstance(self.entry.trace, list) else ("trace",)
            whole = {"name": one} if isinstance(one, str) else dict(one)
            if ("name" in whole) == ("op" in whole):
                raise self.fail(path, "a trace states its name (or op: KIND for one operator), and its options")
            workload = {("trace" if k == "name" else k): tuple(v) if isinstance(v, list) else v for k, v in whole.items()}
            if workload in found:
                raise self.fail(path, "this trace is stated twice")
            try:
                if "trace" in workload and not is_generated(str(workload["trace"])):
                    trace_path(str(workload["trace"]))
                if not varied:
                    graph_of_workload(workload)
            except HwsimError as bad:
                raise self.fail(path, str(bad)) from None
            found.append(workload)
        if not found:
            raise self.fail(("trace",), "an empty space: no trace")
        return tuple(found)

    def chips(self) -> tuple[Chip, ...]:
        stated = [self.entry.chips] if isinstance(self.entry.chips, str) else self.entry.chips
        if not stated:
            raise self.fail(("chips",), "an empty space: no chip")
        found: list[Chip] = []
        for i, name in enumerate(stated):
            try:
                found.append(replace(load_chip(name), origin=""))  # results name no files of this machine
            except HwsimError as bad:
                raise self.fail(("chips", i), str(bad)) from None
            if found[-1].name in [c.name for c in found[:-1]]:
                raise self.fail(("chips", i), f"chip '{found[-1].name}' is stated twice")
        return tuple(found)

    def known(self, path: Sequence[Key], name: str, chips: Sequence[Chip]) -> None:
        """Refuse a name that is no chip constant, mapping option or trace option."""
        kind, dot, option = name.partition(".")
        if dot:
            if kind not in ("mapping", "trace") or not option or option in ("name", "op"):
                raise self.fail(path, f"a parameter is a constant of the chip, mapping.OPTION or trace.OPTION{nearest(kind, ('mapping', 'trace'))}")
            return
        for chip in chips:
            if name not in chip.params:
                raise self.fail(path, f"chip '{chip.name}' has no parameter '{name}'{nearest(name, chip.params)}")

    def axis(self, name: str, stated: Range, chips: Sequence[Chip]) -> Axis:
        path = ("parameters", name)
        self.known(path, name, chips)
        try:
            return axis_of(name, stated, chips)
        except HwsimError as bad:
            raise self.fail((*path, stated.form), bad.problem) from None

    def contradictions(self, axes: Sequence[Axis], traces: Sequence[Mapping[str, Any]]) -> None:
        """Refuse what is set twice: varied and derived, a constant and the mapping option that overrides it, a trace option stated and varied."""
        names = {*(a.name for a in axes), *self.entry.derived}
        for name in self.entry.derived:
            if name in self.entry.parameters:
                raise self.fail(("derived", name), "is also varied under parameters")
        for name in names:
            where = "parameters" if name in self.entry.parameters else "derived"
            kind, dot, option = name.partition(".")
            if dot and kind == "mapping" and option in names:
                raise self.fail((where, name), f"'{option}' is varied too, and they set the same figure")
            if dot and kind == "trace" and any(option in trace for trace in traces):
                raise self.fail((where, name), f"the trace states {option} too")

    def option_known(self, name: str, chips: Sequence[Chip], values: Sequence[Any]) -> None:
        """Refuse a mapping option that a chip's target does not have."""
        option = name.partition(".")[2]
        for chip in chips:
            try:
                load_target(chip.target).options({option: values[0]})
            except InvalidMapping as bad:
                if "no mapping option" in bad.problem:
                    raise self.fail(("parameters", name), bad.problem) from None
            except HwsimError:
                continue  # a bad value or combination is a row of the results

    def derived(self, chips: Sequence[Chip]) -> dict[str, Expression]:
        """The derived parameters, each after those that it reads."""
        left: dict[str, Expression] = {}
        for name, text in self.entry.derived.items():
            self.known(("derived", name), name, chips)
            left[name] = self.expression(text, ("derived", name), metrics=False)
        ordered: dict[str, Expression] = {}
        while left:
            ready = [name for name, e in left.items() if not any(read in left for read in e.names)]
            if not ready:
                raise self.fail(("derived", next(iter(left))), f"derived in a circle: {', '.join(left)}")
            for name in ready:
                ordered[name] = left.pop(name)
        return ordered

    def expression(self, text: str, path: Sequence[Key], metrics: bool = True) -> Expression:
        """Parse an expression; names of parameters and chip constants are checked here, metrics when the first point has been priced."""
        try:
            made = parse_expression(text)
        except HwsimError as bad:
            raise self.fail(path, bad.problem) from None
        known = {*self.entry.parameters, *self.entry.derived, *(n for c in [load_chip(c) for c in self._chip_names()] for n in c.params)}
        for name in made.names:
            if name not in known and (not metrics or "." in name):
                raise self.fail(path, f"unknown name '{name}'{nearest(name, known)}")
        return made

    def _chip_names(self) -> list[str]:
        return [self.entry.chips] if isinstance(self.entry.chips, str) else self.entry.chips
