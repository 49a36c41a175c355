"""One workload on every chip: what each that can run it takes, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, UnsupportedOp
from hwsim.core.graph import Graph
from hwsim.core.recurrent import stepwise
from hwsim.core.report import Report
from hwsim.core.target import DesignedTarget, load_target
from hwsim.readers.chip_file import chip_names
from hwsim.readers.load import graph_of_workload

METRICS = ("latency_s", "energy_j", "power_w", "area_mm2")
FORMATS: tuple[Mapping[str, str], ...] = (
    {}, {"dtype": "int8"}, {"dtype": "int8", "weight_dtype": "int4"}, {"dtype": "fx32", "weight_dtype": "int16"},
)  # fmt: skip  (what designs compute in, tried in this order)
STEPWISE = "LSTM step by step"


@dataclass(frozen=True)
class Place:
    """One chip in the landscape: its report, or the reason why it has none. `note`: what was chosen for it (design, steps, formats)."""

    chip: str
    target: str
    report: Report | None
    reason: str = ""
    note: str = ""

    def metric(self, name: str) -> float | None:
        """A metric, or None where the chip refuses or does not model it (no energy, no area)."""
        if self.report is None:
            return None
        return self.report.metrics().get(name) or None


class Workload:
    """A workload as graphs, one per number format; built once."""

    def __init__(self, stated: Mapping[str, Any]) -> None:
        """Raises `InvalidTrace` for a workload that cannot be read."""
        self.stated = stated
        self.plain = graph_of_workload(stated)
        self._made: dict[tuple[tuple[str, str], ...], Graph] = {(): self.plain}
        self.unsupported: dict[tuple[str, int], UnsupportedOp] = {}  # by design and place in `FORMATS`: a design lacks a unit on every device

    @property
    def free(self) -> bool:
        """Whether the number formats are open."""
        return not {"dtype", "weight_dtype"} & set(self.stated)

    def graph(self, formats: Mapping[str, str]) -> Graph:
        """The graph in `formats`, or as it is where the workload states one or its trace has fixed ones."""
        key = () if "dtype" in self.stated else tuple(sorted(formats.items()))
        if key not in self._made:
            try:
                self._made[key] = graph_of_workload({**self.stated, **formats})
            except HwsimError:  # a trace of fixed formats
                self._made[key] = self.plain
        return self._made[key]


def landscape(
    workload: Mapping[str, Any], chips: Iterable[str] | None = None, mappings: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Place, ...]:
    """Run a workload (``{"trace": NAME, ...}`` or ``{"op": KIND, ...}``) on `chips` (default: every shipped one).

    A workload that states no ``dtype`` takes each target's own where that has one. Where an LSTM or GRU has no kernel it runs `stepwise`. A device
    that refuses with its own design, or has none, takes the fastest of the shipped designs that fit and run it, each in its own formats. `Place.note`
    says which. `mappings` gives mapping options by chip name; with a ``design`` among them no other is tried. The result is in the order of latency,
    then those without one, then the refused by target. Raises `InvalidTrace` for a workload that no chip could read.

    >>> places = landscape({"op": "matmul", "m": 64, "k": 64, "n": 64, "dtype": "int8"}, ["zcu102", "a100"])
    >>> [p.chip for p in places if p.report]
    ['a100', 'zcu102']
    """
    asked = Workload(workload)
    places = [_place(name, asked, dict((mappings or {}).get(name, {}))) for name in (chip_names() if chips is None else chips)]
    return tuple(sorted(places, key=_order))


def _order(place: Place) -> tuple[int, float, str, str]:
    latency = place.metric("latency_s")
    return (2 if place.report is None else 0 if latency else 1, latency or 0.0, place.target, place.chip)


def _place(name: str, asked: Workload, mapping: Mapping[str, Any]) -> Place:
    """The chip's own way first, then an LSTM step by step, then other designs."""
    chip = api.load_chip(name)
    own = load_target(chip.target).default_dtype(chip, str(asked.stated.get("op", "")))
    graph = asked.graph({"dtype": own} if own else {})
    first: HwsimError | None = None
    for form, written in _forms(graph):
        try:
            return _ran(name, chip, api.simulate(form, chip, mapping, interval=False), written)
        except HwsimError as refused:
            first = first or refused
    return _designed(name, chip, asked, mapping, first)


def _forms(graph: Graph) -> Iterator[tuple[Graph, tuple[str, ...]]]:
    yield graph, ()
    if (steps := stepwise(graph)) is not graph:
        yield steps, (STEPWISE,)


def _designed(name: str, chip: Chip, asked: Workload, mapping: Mapping[str, Any], first: HwsimError | None) -> Place:
    """The fastest of the shipped designs that fit and run the workload, each in those of `FORMATS` that it computes in."""
    target = load_target(chip.target)
    designs = target.designs(chip) if isinstance(target, DesignedTarget) and "design" not in mapping else ()
    found: list[Place] = []
    nearest: tuple[int, str] | None = None
    for at, formats in enumerate(FORMATS if asked.free else FORMATS[:1]):
        for design in designs:
            try:
                if (design, at) in asked.unsupported:
                    raise asked.unsupported[design, at]
                report = api.simulate(asked.graph(formats), chip, {**mapping, "design": design}, interval=False)
                found.append(_ran(name, chip, report, (design,)))
            except UnsupportedOp as refused:
                asked.unsupported[design, at] = refused
                if nearest is None or len(refused.ops) < nearest[0]:
                    nearest = (len(refused.ops), f"{design}: {refused.problem}")
            except HwsimError:  # it does not fit: the reason told is that of one which does
                continue
    if found:
        return min(found, key=_order)
    reason = first.problem if first else ""
    if designs:
        reason = f"none of the {len(designs)} shipped designs fits and runs it; " + (f"nearest {nearest[1]}" if nearest else reason)
    return Place(name, chip.target, None, reason)


def _ran(name: str, chip: Chip, report: Report, chosen: tuple[str, ...]) -> Place:
    formats = dict.fromkeys(
        op.dtype if op.weight_dtype == op.dtype else f"{op.dtype}, weights {op.weight_dtype}" for op in report.cost.program.graph.ops if op.macs
    )
    return Place(name, chip.target, report, note="; ".join((*chosen, *list(formats)[:1])))


def records(places: Iterable[Place]) -> list[dict[str, Any]]:
    """Plain data: chip, target, what was chosen for it, the four metrics (None where not modelled), the reason of a refusal."""
    return [{"chip": p.chip, "target": p.target, "note": p.note, **{m: p.metric(m) for m in METRICS}, "refused": p.reason} for p in places]


def refusals(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Chips by the reason for which they refuse; reasons that differ only in the chip's name stand together."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if row["refused"]:
            reason = row["refused"].replace(f"chip '{row['chip']}'", "the chip").replace(f"'{row['chip']}'", "it").replace(row["chip"], "it")
            found.setdefault(reason, []).append(row["chip"])
    return found
