"""Running cases: from what a case states to the figure that the models give, each simulation done once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import CostError, HwsimError, InvalidCase, InvalidMapping, nearest
from hwsim.core.graph import Graph
from hwsim.core.report import Report
from hwsim.readers.load import graph_of_workload
from hwsim.readers.suite import SUITES, aggregated, is_suite, members
from hwsim.validate.cases import Case

T = TypeVar("T")
PARTS = ("component", "layer")
STEP = "decode_step"  # component of a serving case: one step of the running batch
ALIASES = {"proj": "o", "ffn1": "up", "ffn2": "down"}  # components of a plain decoder layer, as published tables name them
ONE_OF = ("norm", "allreduce")  # components that a layer holds twice; a table gives one of them
WHOLE = ("stdcell", "wafer_mesh")  # targets whose cases state the mapping of `relative_to` in full; elsewhere its keys replace single ones
REQUEST_SETS = {"chat": "chat_prompt_tokens"}  # sets of requests, and the chip's constant for their mean prompt length


@dataclass(frozen=True)
class Configuration:
    """What runs, on what: a workload (one of the three forms), a chip's name and mapping options."""

    chip: str
    workload: Mapping[str, Any]
    mapping: Mapping[str, Any]

    @property
    def key(self) -> object:
        """Hashable identity."""
        return frozen((self.chip, self.workload, self.mapping))


def frozen(value: Any) -> Any:
    """Return plain data as something hashable; equal data give equal results, whatever the order of keys."""
    if isinstance(value, Mapping):
        return ("{}", *sorted((str(k), frozen(v)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return tuple(frozen(v) for v in value)
    return (type(value).__name__, repr(value))


def as_tuples(value: Any) -> Any:
    """Turn the lists of a file into tuples, as Python callers write mapping options."""
    return tuple(as_tuples(v) for v in value) if isinstance(value, list) else value


def located(workload: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the workload with the files that it names found beside the case file, or in ``../data`` beside it; other values stay."""
    found = dict(workload)
    for key, value in workload.items():
        if isinstance(value, str) and Path(value).suffix:
            places = (folder / value, folder.parent / "data" / value)
            found[key] = next((str(p) for p in places if p.is_file()), value)
    return found


def part(report: Report, metric: str, component: str, layer: int | str | None) -> float:
    """Return one metric of a component or a layer, by the names that published tables use. Raises `HwsimError`.

    `decode_step` is one step of a generation's running batch: all decode work over the number of steps. A layer's norms and all-reduces are
    published one at a time.
    """
    ops = report.cost.program.graph.ops
    if component == STEP and metric in ("latency_s", "cycles"):
        rows = zip(ops, report.cost.program.row_of, strict=True)
        cycles = sum(float(report.cost.cycles_by_row[row]) * op.repeat for op, row in rows if op.phase == "decode" and row >= 0)
        step = cycles / int(report.meta.get("generate", 1))
        return step if metric == "cycles" else step / report.cost.program.clock_hz
    labels = {op.label for op in ops}
    name = component if component in labels else ALIASES.get(component, component)
    if name in ONE_OF and layer is None and report.meta.get("model", {}).get("layers") == 1:
        alike = sum(op.repeat for op in ops if op.label == name and op.layer == 0)
        return report.part(metric, component=name, layer=0) / max(1, alike)
    return report.part(metric, component=name, layer=layer)


def _accepted(what: Configuration, droppable: Sequence[str], figure: Callable[[Configuration], float]) -> float:
    """Return the figure of a configuration with as few as possible of the `droppable` mapping options left out: those that its chip refuses."""
    try:
        return figure(what)
    except InvalidMapping:
        for left_out in (c for n in range(1, len(droppable) + 1) for c in combinations(droppable, n)):
            try:
                return figure(replace(what, mapping={k: v for k, v in what.mapping.items() if k not in left_out}))
            except InvalidMapping:
                continue
        raise


class Runner:
    """Measures configurations; chips, graphs and reports are kept, so that equal ones are computed once.

    `chips` stand in for the shipped ones of the same name (a fit tries other constants).
    """

    def __init__(self, chips: Iterable[Chip] = ()) -> None:
        self._kept: dict[object, Any] = {("chip", chip.name): chip for chip in chips}

    def got(self, case: Case, folder: Path) -> float:
        """Return the figure that the models give for `case`. Raises `HwsimError` for a case that cannot run."""
        figure = self._figure(case, folder)
        if not math.isfinite(figure):
            raise CostError(f"the models give {figure} for {case.metric}")
        return figure

    def _figure(self, case: Case, folder: Path) -> float:
        if "aggregate" in case.workload:
            return self._over_suite(case, folder)
        own = Configuration(case.chip, located(case.workload, folder), {k: as_tuples(v) for k, v in case.mapping.items()})
        if case.relative_to is None:
            return self.measure(own, case.metric)
        speedup = case.metric == "speedup"

        def figure(what: Configuration) -> float:
            return self.duration(what) if speedup else self.measure(what, case.metric)

        peer, inherited = self._peer(own, case, folder)
        ours, theirs = figure(own), _accepted(peer, inherited, figure)
        upper, lower = (theirs, ours) if speedup else (ours, theirs)
        if lower == 0:
            raise InvalidCase(f"no ratio: {'latency' if speedup else case.metric} is zero in the denominator")
        return upper / lower

    def _over_suite(self, case: Case, folder: Path) -> float:
        """Form a case's figure (a ratio as well) for each operator of the suite that its trace names, and aggregate over them."""
        rest = {k: v for k, v in case.workload.items() if k not in ("trace", "aggregate")}
        name = str(case.workload.get("trace", ""))
        if not is_suite(name):
            raise InvalidCase(f"aggregate is for suites ({', '.join(SUITES)}), not for '{name}'")
        if unknown := [k for k in rest if k != "dtype"]:
            raise InvalidCase(f"suite '{name}' has no option '{unknown[0]}'{nearest(unknown[0], ['dtype'])}")
        figures = [self._figure(case.model_copy(update={"workload": member}), folder) for member in members(name, **rest)]
        return aggregated(case.workload["aggregate"], figures)

    def _peer(self, own: Configuration, case: Case, folder: Path) -> tuple[Configuration, tuple[str, ...]]:
        """Return the configuration of `relative_to`, and the mapping options that another chip of the same kind may lack.

        A workload is replaced as a whole, a mapping key by key (as a whole for the targets in `WHOLE`, and by an empty one). Mapping options never
        cross to another kind of silicon.
        """
        wanted = case.relative_to
        if wanted is None:
            return own, ()
        chip = wanted.chip or own.chip
        target = self.chip(own.chip).target
        stated = {k: as_tuples(v) for k, v in (wanted.mapping or {}).items()}
        replaced = wanted.mapping is not None and (target in WHOLE or not stated)
        kept = {} if replaced or self.chip(chip).target != target else {k: v for k, v in own.mapping.items() if k not in stated}
        workload = own.workload if wanted.workload is None else located(wanted.workload, folder)
        return Configuration(chip, workload, {**kept, **stated}), tuple(kept) if chip != own.chip else ()

    def measure(self, what: Configuration, metric: str) -> float:
        """Return one metric of a configuration; with the option ``length_pairs`` its geometric mean over [prompt, generate]. Raises `HwsimError`."""
        if "length_pairs" in what.mapping:
            return self._over_pairs(what, metric)
        if "primitive" in what.workload:
            figures = self.primitive(what)
            if metric not in figures:
                known = ", ".join(figures)
                raise InvalidCase(f"primitive '{what.workload['primitive']}' gives no metric '{metric}'{nearest(metric, figures)}; it gives {known}")
            return float(figures[metric])
        if metric == "max_tokens" and what.workload.get("phase") == "decode":
            what = replace(what, workload={"context": 1, **what.workload})  # capacity does not depend on the context
        report = self.report(what)
        component, layer = what.workload.get("component", ""), what.workload.get("layer")
        if component or layer is not None:
            return part(report, metric, component, layer)
        return report.metric(metric)

    def _over_pairs(self, what: Configuration, metric: str) -> float:
        """Geometric mean of a metric over the requests of ``length_pairs``, which stand in for the workload's prompt and generate."""
        pairs = what.mapping["length_pairs"]
        if not pairs or any(not isinstance(pair, tuple) or len(pair) != 2 for pair in pairs):
            raise InvalidCase(f"length_pairs is a list of [prompt, generate], got {pairs!r}")
        rest = {k: v for k, v in what.mapping.items() if k != "length_pairs"}
        runs = [replace(what, workload={**what.workload, "prompt": prompt, "generate": generate}, mapping=rest) for prompt, generate in pairs]
        return math.prod(self.measure(run, metric) for run in runs) ** (1 / len(runs))

    def duration(self, what: Configuration) -> float:
        """Return the seconds of a configuration (the cycles of a primitive that gives no seconds). Raises `HwsimError`."""
        seconds = "primitive" not in what.workload or "latency_s" in self.primitive(what)
        return self.measure(what, "latency_s" if seconds else "cycles")

    def chip(self, name: str) -> Chip:
        """Return a checked chip. Raises `HwsimError`."""
        return self._once(("chip", name), lambda: api.load_chip(name))

    def graph(self, workload: Mapping[str, Any]) -> Graph:
        """Return the graph of an operator or trace workload. Raises `HwsimError`."""
        stated = {k: v for k, v in workload.items() if k not in PARTS}
        return self._once(("graph", frozen(stated)), lambda: graph_of_workload(stated))

    def requested(self, what: Configuration) -> Mapping[str, Any]:
        """Return the workload with its `request_set` turned into the mean prompt length that the chip's file assumes. Raises `HwsimError`."""
        workload = dict(what.workload)
        name = workload.pop("request_set", None)
        if name is None:
            return workload
        if name not in REQUEST_SETS:
            raise InvalidCase(f"unknown request_set '{name}'{nearest(str(name), REQUEST_SETS)}; known: {', '.join(REQUEST_SETS)}")
        workload.setdefault("prompt", round(self.chip(what.chip).number(REQUEST_SETS[name])))
        return workload

    def report(self, what: Configuration) -> Report:
        """Return the report of an operator or trace on a chip. Raises `HwsimError`."""
        stated = replace(what, workload={k: v for k, v in self.requested(what).items() if k not in PARTS})
        return self._once(
            ("report", stated.key), lambda: api.simulate(self.graph(stated.workload), self.chip(what.chip), stated.mapping, interval=False)
        )

    def primitive(self, what: Configuration) -> dict[str, float]:
        """Return the metrics of a primitive. Raises `HwsimError`."""
        arguments = {k: as_tuples(v) for k, v in what.workload.items() if k != "primitive"}
        return self._once(("primitive", what.key), lambda: api.primitive(what.workload["primitive"], self.chip(what.chip), arguments, what.mapping))

    def _once(self, key: object, make: Callable[[], T]) -> T:
        """Return what was made for `key`, or make it; a refusal is kept too."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except HwsimError as refusal:
                self._kept[key] = refusal
        found = self._kept[key]
        if isinstance(found, HwsimError):
            raise found
        made: T = found
        return made
