"""How sure the outcome of serving is: the ranges of the chips' constants, carried through to times and joules.

The interval of a step (central 90 %, `hwsim.engine.interval`) is taken once for decode, at the widest batch and half its context, and once for
prefill, at the mean prompt. The stream is served twice more, with all steps at the low and at the high end. Dynamic joules move by the ratio of a
step's: what its interval of energy leaves beside static power over its interval of time. Static and idle joules are those of the two runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hwsim.core.report import Report
from hwsim.serve.outcome import Serving
from hwsim.serve.pricing import Machine
from hwsim.serve.requests import Requests
from hwsim.serve.step_cost import PrefillCosts, StepCosts

if TYPE_CHECKING:
    from hwsim.serve.simulation import Split

Pair = tuple[float, float]
FIGURES = ("duration_s", "requests_per_s", "tokens_per_s", "energy_j", "energy_per_token_j", "energy_per_request_j", "power_w", "mean_in_system")


@dataclass(frozen=True)
class Ranges:
    """Low and high of the seconds and dynamic joules of prefill and decode steps, over their own figure."""

    prefill_s: Pair
    decode_s: Pair
    prefill_j: Pair
    decode_j: Pair

    def costs(self, costs: StepCosts, end: int) -> StepCosts:
        """The tables with all steps at the low (0) or high (1) end."""
        return replace(costs, decode_s=costs.decode_s * self.decode_s[end], prefills=self.prefills(costs.prefills, end))

    def prefills(self, prefills: PrefillCosts, end: int) -> PrefillCosts:
        """The same of the tables of prompts."""
        share = self.prefill_s[end]
        return replace(prefills, seconds=prefills.seconds * share, attention_s=prefills.attention_s * share)

    def split(self, split: Split | None, end: int) -> Split | None:
        """The same of prefill machines of their own."""
        return split if split is None or split.costs is None else replace(split, costs=self.prefills(split.costs, end))


def ranges_of(prefills: Machine, decodes: Machine, costs: StepCosts, requests: Requests) -> Ranges:
    """Take the intervals of a prefill on one machine and of a decode step on the other (or the same). Raises what a simulation raises."""
    batch, row = int(costs.batches[-1]), costs.contexts[-1]
    context = max(1, int(row[-1]) // 2)
    prompt = max(1, round(float(requests.prompt_tokens.mean())))
    first, step = _ratios(lambda **m: prefills.prefill(prompt, **m)), _ratios(lambda **m: decodes.decode(batch, context, **m))
    return Ranges(first[0], step[0], first[1], step[1])


def _ratios(simulate: Callable[..., Report]) -> tuple[Pair, Pair]:
    """Of seconds and of dynamic joules."""
    report = simulate(interval=True)
    static, own = sum(report.cost.program.static_power_w.values()), report.cost.dynamic_j
    seconds, joules = report.interval["latency_s"], report.interval["energy_j"]
    dynamic = [max(0.0, j - static * s) / own if own else 1.0 for s, j in zip(seconds, joules, strict=True)]
    return (seconds[0] / report.latency_s, seconds[1] / report.latency_s), (min(dynamic), max(dynamic))


def interval(ranges: Ranges, own: Serving, ends: tuple[Serving, Serving]) -> dict[str, Any]:
    """Low and high of figures and of the statistics of each time, of the runs at both ends (their own figure included, as it lies between)."""
    joules = [sum(_joules(ranges, m, i) for m in end.machines) for i, end in enumerate(ends)]
    found: dict[str, Any] = {}
    for name in FIGURES:
        per = own.figures[name] / own.figures["energy_j"] if name.startswith("energy") else 0.0
        values = [per * j for j in joules] if per else [e.figures[name] for e in ends]
        if name == "power_w":
            values = [j / e.figures["duration_s"] for j, e in zip(joules, ends, strict=True)]
        found[name] = _around([*values, own.figures[name]])
    times, low, high = own.percentiles(), *(e.percentiles() for e in ends)
    found["times"] = {n: {k: _around([low[n][k], high[n][k], v]) for k, v in t.items()} for n, t in times.items()}
    if own.limits.stated:
        found["limits"] = {k: _around([v, *(e.goodput()[k] for e in ends)]) for k, v in own.goodput().items()}
    return found


def _joules(ranges: Ranges, machine: Any, end: int) -> float:
    """Joules of a machine in the run at one end; dynamic ones are shared out to the phases by time."""
    first, busy = machine["prefill_s"] + machine["mixed_s"], machine["prefill_s"] + machine["mixed_s"] + machine["decode_s"]
    share = first / busy if busy else 0.0
    dynamic = machine["dynamic_j"] * (share * ranges.prefill_j[end] + (1 - share) * ranges.decode_j[end])
    return float(dynamic + machine["static_j"] + machine["idle_j"])


def _around(values: list[float]) -> Pair:
    return min(values), max(values)
