"""One workload on every chip: what each that can run it takes, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim import api
from hwsim.core.errors import HwsimError
from hwsim.core.graph import Graph
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.readers.chip_file import chip_names
from hwsim.readers.load import graph_of_workload

METRICS = ("latency_s", "energy_j", "power_w", "area_mm2")


@dataclass(frozen=True)
class Place:
    """One chip in the landscape: its report, or the reason why it has none."""

    chip: str
    target: str
    report: Report | None
    reason: str = ""

    def metric(self, name: str) -> float | None:
        """A metric, or None where the chip refuses or does not model it (no energy, no area)."""
        if self.report is None:
            return None
        return self.report.metrics().get(name) or None


def landscape(
    workload: Mapping[str, Any], chips: Iterable[str] | None = None, mappings: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Place, ...]:
    """Run a workload (``{"trace": NAME, ...}`` or ``{"op": KIND, ...}``) on `chips` (default: every shipped one).

    A workload that states no ``dtype`` takes each target's own where that has one. `mappings` gives the mapping options by chip name. The result is
    in the order of latency, then those without one, then the refused by target. Raises `InvalidTrace` for a workload that no chip could read.

    >>> places = landscape({"op": "matmul", "m": 64, "k": 64, "n": 64, "dtype": "int8"}, ["zcu102", "a100"])
    >>> [p.chip for p in places if p.report]
    ['a100', 'zcu102']
    """
    graph_of_workload(workload)
    places = [_place(name, workload, dict((mappings or {}).get(name, {}))) for name in (chip_names() if chips is None else chips)]
    return tuple(sorted(places, key=_order))


def _order(place: Place) -> tuple[int, float, str, str]:
    latency = place.metric("latency_s")
    return (2 if place.report is None else 0 if latency else 1, latency or 0.0, place.target, place.chip)


def _place(name: str, workload: Mapping[str, Any], mapping: Mapping[str, Any]) -> Place:
    chip = api.load_chip(name)
    try:
        return Place(name, chip.target, api.simulate(_graph(workload, chip.target, name), chip, mapping, interval=False))
    except HwsimError as refused:
        return Place(name, chip.target, None, refused.problem)


def _graph(workload: Mapping[str, Any], target: str, chip: str) -> Graph:
    """The workload's graph in the target's own number format, where it states none."""
    if "dtype" in workload:
        return graph_of_workload(workload)
    own = load_target(target).default_dtype(api.load_chip(chip), str(workload.get("op", "")))
    if not own:
        return graph_of_workload(workload)
    try:
        return graph_of_workload({**workload, "dtype": own})
    except HwsimError:  # a trace of fixed formats
        return graph_of_workload(workload)


def records(places: Iterable[Place]) -> list[dict[str, Any]]:
    """Plain data: chip, target, the four metrics (None where not modelled), the reason of a refusal."""
    return [{"chip": p.chip, "target": p.target, **{m: p.metric(m) for m in METRICS}, "refused": p.reason} for p in places]
