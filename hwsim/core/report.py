"""The result of a simulation: totals, tables, intervals, assumptions, sources and a content key."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from hwsim.core.cost import Cost
from hwsim.core.errors import HwsimError, nearest
from hwsim.core.param import Param
from hwsim.core.parts import part_of
from hwsim.core.provenance import provenance
from hwsim.core.rates import rates, tokens_of

SCHEMA = "hwsim.report/1"
Interval = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Report:
    """What one simulation says. Metrics are properties in SI units (area in mm2); `metric(name)` reads any of them by name.

    `interval[metric]` is the central 90 % when the chip's ranged constants vary together (computed when first asked for);
    `accuracy[metric]` is the error that validation found for this target and metric, where known.
    `analog`: how far results are from digital ones (conditions, converters, layers, tasks), where it was asked for; else empty.
    """

    cost: Cost
    fidelity: str
    versions: Mapping[str, str]
    accuracy: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sample: Callable[[], Interval] | None = field(default=None, compare=False, repr=False)
    analog: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cycles(self) -> float:
        """Cycles of the whole program at its clock. Raises `HwsimError` where the program states none."""
        return self._stated("cycles", self.cost.cycles)

    @property
    def latency_s(self) -> float:
        """Seconds of the whole program. Raises `HwsimError` where the program states none."""
        return self._stated("latency_s", self.cost.latency_s)

    @property
    def energy_j(self) -> float:
        """Joules of the whole program, dynamic and static. Raises `HwsimError` where the program states none."""
        return self._stated("energy_j", self.cost.energy_j)

    @property
    def power_w(self) -> float:
        """Mean power: energy over latency. Raises `HwsimError` where the program states none."""
        return self._stated("power_w", self.cost.energy_j / self.cost.latency_s if self.cost.latency_s else 0.0)

    def _stated(self, name: str, value: float) -> float:
        if reason := self.cost.program.unstated.get(name):
            raise HwsimError(f"no {name}: {reason}")
        return value

    @property
    def area_mm2(self) -> float:
        """Silicon area that the program's chip occupies."""
        return sum(self.cost.program.area_mm2.values())

    @property
    def macs(self) -> float:
        """Multiply-accumulates of the graph that was asked for (no padding counted)."""
        return float(self.meta.get("requested_macs", self.cost.program.graph.macs))

    @property
    def meta(self) -> Mapping[str, Any]:
        """The graph's meta entries."""
        return self.cost.program.graph.meta

    @property
    def interval(self) -> Interval:
        """Low and high of each metric; empty when intervals were switched off."""
        return self._interval

    @cached_property
    def _interval(self) -> Interval:
        """The sampled ranges; one that ends at the figure itself holds it, whatever the order in which either was summed."""
        if self.sample is None:
            return {}
        own, found = self.metrics(), {}
        for name, ends in self.sample().items():
            low, high = (own[name] if name in own and math.isclose(end, own[name], rel_tol=1e-12) else end for end in ends)
            found[name] = (low, high)
        return found

    @property
    def tokens(self) -> float:
        """Tokens that the run yields: the prompt's in prefill, one a sequence in decode, the generated ones in generate; else 0."""
        return tokens_of(self.meta)

    def metrics(self) -> dict[str, float]:
        """All metrics by name."""
        cost, area, macs = self.cost, self.area_mm2, self.macs
        seconds, joules, unstated = cost.latency_s, cost.energy_j, cost.program.unstated
        found = {
            "cycles": cost.cycles, "latency_s": seconds, "energy_j": joules, "power_w": joules / seconds if seconds else 0.0, "area_mm2": area,
            "macs": macs,
            "frequency_hz": self.cost.program.clock_hz, "bytes": sum(self.cost.bytes_by_level().values()),
        }  # fmt: skip
        if seconds:
            found.update((k, v) for k, v in rates(self.meta, macs, cost.cycles, seconds, joules, area).items() if not math.isnan(v))
        return {name: value for name, value in {**found, **cost.program.figures}.items() if name not in unstated}

    def metric(self, name: str) -> float:
        """Return one metric or resource by name. Raises `HwsimError`, naming the nearest, for one that this report has not."""
        found = self.metrics()
        self._stated(name, 0.0)
        if name == "utilisation" and name not in found:
            return self.cost.utilisation().get("arithmetic", 0.0)
        if name not in found:
            raise HwsimError(f"this report has no metric '{name}'{nearest(name, found)}")
        return found[name]

    def part(self, metric: str, *, component: str = "", layer: int | str | None = None) -> float:
        """Return cycles, latency_s, energy_j, area_mm2 or a count of a component, label or layer (`hwsim.core.parts`). Raises `HwsimError`."""
        return part_of(self.cost, metric, component, layer)

    def breakdown(self) -> dict[str, dict[str, float]]:
        """Latency by operator label, energy by component with static power, area by component; energy by supply rail where the target states it."""
        clock = self.cost.program.clock_hz
        latency: dict[str, float] = {}
        for (label, row), times in self._executions().items():
            latency[label] = latency.get(label, 0.0) + times * float(self.cost.cycles_by_row[row]) / clock
        energy = self.cost.by_component("joules")
        for name, watts in self.cost.program.static_power_w.items():
            energy[name] = watts * self.cost.latency_s
        rails = self.cost.joules_by_rail()
        return {
            "latency_s": latency,
            "latency_by_mechanism_s": {k: v / clock for k, v in self.cost.by_component("cycles").items()},
            "energy_j": {} if "energy_j" in self.cost.program.unstated else energy,
            **({"energy_by_rail_j": rails} if rails else {}),
            "area_mm2": dict(self.cost.program.area_mm2),
        }

    def _executions(self) -> dict[tuple[str, int], float]:
        """Executions of each label and row: operators of unlike label may share a row."""
        found: dict[tuple[str, int], float] = {}
        for op, row in zip(self.cost.program.graph.ops, self.cost.program.row_of, strict=True):
            if row >= 0:
                found[op.label, row] = found.get((op.label, row), 0.0) + op.repeat
        return found

    def table(self) -> list[dict[str, Any]]:
        """One row per distinct operator, longest first: name, kind, bounds, executions, cycles, latency_s, energy_j, share, MACs, bytes and parts.

        Of a program without time, the dearest first, and shares of joules. `roofline_cycles` are the fewest that the arithmetic peak allows; all
        figures are over all executions.
        """
        whole, joules_of_all = self.cost.cycles, self.cost.dynamic_j

        def share(cycles: float, joules: float) -> float:
            part, all_ = (cycles, whole) if whole else (joules, joules_of_all)
            return part / all_ if all_ else 0.0

        rows = [
            {
                "name": op.name, "kind": op.kind, "label": op.label, "bounds": dict(op.bounds), "dtype": op.dtype, "executions": times,
                "cycles": cycles, "latency_s": cycles / self.cost.program.clock_hz, "energy_j": joules,
                "share": share(cycles, joules), "macs": op.macs * times, **self._demand(row, times), "parts": parts,
            }
            for row, (op, times, cycles, joules, parts) in enumerate(self.cost.operators())
        ]  # fmt: skip
        return sorted(rows, key=lambda r: (-r["cycles"], -r["energy_j"]))

    def _demand(self, row: int, times: float) -> dict[str, Any]:
        """Bytes by level and arithmetic roofline cycles of one row of the operator table."""
        moved: dict[str, float] = {}
        bound = 0.0
        for slot, value in zip(self.cost.program.slots, self.cost.values[row].tolist(), strict=True):
            if slot.quantity == "bytes" and value:
                moved[slot.where] = moved.get(slot.where, 0.0) + value * times
            elif slot.quantity == "roofline":
                bound = max(bound, value * times)
        return {"bytes": moved, "roofline_cycles": bound}

    def html(self, path: str | Path) -> Path:
        """Write the report as one self-contained HTML page; returns its path.

        Raises `HwsimError` when the extra ``html`` (plotly and jinja2) is not installed or the file cannot be written.
        """
        page = importlib.import_module("hwsim.plot.html")  # bound late: core knows no plots
        return cast(Path, page.write_report(self, path))

    def sources(self) -> list[dict[str, Any]]:
        """Every constant that the price reads: name, value, unit, status, range, source, and the technology table it is from, if any."""
        return [{"name": name, **param_record(param)} for name, param in self._used().items()]

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the result takes for granted: the program's own lines, and where its energies and areas come from (`provenance`)."""
        return (*self.cost.program.assumptions, *provenance(self._used().values()))

    def _used(self) -> dict[str, Param]:
        params = self.cost.program.chip.params
        return {name: params[name] for name in self.cost.program.used_params if name in params}

    @cached_property
    def key(self) -> str:
        """Content key of graph, chip, mapping, fidelity and versions."""
        program = self.cost.program
        text = json.dumps([program.graph.key, program.chip.key, _plain(program.mapping), self.fidelity, dict(self.versions)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the report in the form ``hwsim.report/1``."""
        program = self.cost.program
        metrics = self.metrics()
        wanted = ("cycles", "latency_s", "energy_j", "power_w", "area_mm2", "tokens_per_s", "inferences_per_s", "macs")
        return {
            "schema": SCHEMA, "key": self.key, "versions": dict(self.versions), "trace": program.graph.name, "chip": program.chip.name,
            "target": program.chip.target, "fidelity": self.fidelity,
            "options": {"mapping": _plain(program.mapping), "trace": {k: v for k, v in self.meta.items() if k not in ("model", "trace")}},
            **{k: metrics[k] for k in wanted if k in metrics},
            "lower_bound": program.lower_bound, "bytes": self.cost.bytes_by_level(), "utilisation": self.cost.utilisation(),
            "resources": dict(program.figures), "interval": {k: list(v) for k, v in self.interval.items()},
            "accuracy": {k: dict(v) for k, v in self.accuracy.items()}, "breakdown": self.breakdown(), "ops": self.table(),
            "assumptions": list(self.assumptions), "warnings": list(program.warnings), "sources": self.sources(),
            **({"analog": dict(self.analog)} if self.analog else {}),
        }  # fmt: skip


def param_record(param: Param) -> dict[str, Any]:
    """Return a constant as plain data."""
    value = list(param.value) if isinstance(param.value, tuple) else param.value
    record: dict[str, Any] = {"value": value, "unit": param.unit, "status": param.status, "source": param.source}
    if param.low is not None and param.high is not None:
        record.update(low=param.low, high=param.high)
    if param.fitted_on:
        record["fitted_on"] = list(param.fitted_on)
    if param.table:
        record["table"] = param.table
    return record


def _plain(mapping: Mapping[str, object]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in mapping.items()}
