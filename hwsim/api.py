"""The Python face: load a graph, load a chip, simulate, compare, run a primitive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from hwsim import __version__
from hwsim.core.chip import Chip
from hwsim.core.cost import Cost
from hwsim.core.errors import InvalidMapping, InvalidTrace, UnsupportedOp, nearest
from hwsim.core.graph import Graph
from hwsim.core.program import Program
from hwsim.core.report import Interval, Report
from hwsim.core.resources import shipped
from hwsim.core.target import AnalogTarget, Target, check_timesteps, load_target
from hwsim.engine import analytic
from hwsim.engine.interval import intervals
from hwsim.readers.chip_file import load_chip as read_chip
from hwsim.readers.load import load_graph

__all__ = ["compare", "load_chip", "load_graph", "primitive", "simulate"]
FIDELITIES = ("analytic", "event")


def load_chip(name: str, **overrides: Any) -> Chip:
    """Return the chip called `name` (or read from a path), checked by its target, with some constants set to other values.

    ``DEVICE+DESIGN`` is a design on an FPGA device. `overrides` are SI figures, or texts with a unit. Raises `InvalidChip` (unknown chip, bad file,
    unknown constant) or `MissingParameter`.

    >>> load_chip("wse2").number("hop_cycles")
    1.0
    >>> load_chip("wse2", clock_hz="0.85 GHz").number("clock_hz")
    850000000.0
    >>> load_chip("wse-2")
    Traceback (most recent call last):
        ...
    hwsim.core.errors.InvalidChip: unknown chip 'wse-2' (did you mean wse2, wse3?)...
    """
    chip = read_chip(name, **overrides)
    load_target(chip.target).check(chip)
    return chip


def simulate(
    graph: Graph,
    chip: Chip,
    mapping: Mapping[str, Any] | None = None,
    *,
    fidelity: str = "analytic",
    interval: bool = True,
    allow_unmodelled: bool = False,
    accuracy: bool = False,
) -> Report:
    """Price `graph` on `chip` and return the report.

    `mapping` holds the target's options (``{"grid": (420, 420)}``). `fidelity` is ``analytic`` (closed forms) or ``event`` (SimPy and cycle loops).
    `accuracy` adds how far results are from digital ones (`Report.analog`), for targets that compute with analog cells; others refuse.
    Raises `InvalidMapping`, `UnsupportedOp`, `Infeasible`, `MissingParameter`.

    >>> report = simulate(load_graph("llama3-8b", phase="decode", context=4096), load_chip("wse2"), {"grid": (420, 420)})
    >>> report.latency_s < 1e-3
    True
    """
    if fidelity not in FIDELITIES:
        raise InvalidMapping(f"unknown fidelity '{fidelity}'{nearest(fidelity, FIDELITIES)}")
    target = load_target(chip.target)
    check_timesteps(target, graph)
    program = target.map(graph, chip, target.options(mapping or {}), allow_unmodelled=allow_unmodelled)
    values = analytic.price_rows(target.price, program)
    if fidelity == "event":
        from hwsim.engine import event  # noqa: PLC0415  (SimPy only when asked for)

        values = target.refine(program, values)
        schedule = event.run(program, values)
    else:
        schedule = analytic.run(program, values)
    cost = Cost(program, values, schedule)

    def sample() -> Interval:
        own = "tokens_per_s" in program.figures  # a target's own definition, not tokens over latency
        return with_rates(intervals(target, program), tokens=0.0 if own else report.tokens)

    report = Report(cost, fidelity, {"hwsim": __version__}, recorded_accuracy(chip.name.partition("+")[0]), sample if interval else None,
                    _analog(target, program) if accuracy else {})  # fmt: skip
    return report


def _analog(target: Target, program: Program) -> Mapping[str, Any]:
    """Accuracy of a program's results. Raises `UnsupportedOp` for a target that computes digitally."""
    if not isinstance(target, AnalogTarget):
        raise UnsupportedOp(target.name, ("accuracy of results: this target computes digitally, and its results are those of the number formats",))
    return target.analog(program)


def with_rates(found: Interval, tokens: float) -> Interval:
    """Add tokens_per_s to the intervals of a run that yields tokens."""
    if tokens and "latency_s" in found:
        low, high = found["latency_s"]
        found["tokens_per_s"] = (tokens / high, tokens / low)
    return found


@cache
def recorded_accuracy(chip: str) -> Mapping[str, Mapping[str, float]]:
    """Return the validation error per metric that was recorded for this chip (models/CHIP/accuracy.json), empty when there is none."""
    path = shipped("models") / chip / "accuracy.json"
    found: Mapping[str, Mapping[str, float]] = json.loads(path.read_text())["metrics"] if path.is_file() else {}
    return found


def compare(graph: Graph, chips: Iterable[Chip], mappings: Mapping[str, Mapping[str, Any]] | None = None, **options: Any) -> list[Report]:
    """Simulate one graph on several chips; one report each, in their order.

    `mappings` gives the mapping options by chip name, `options` are those of `simulate` for all. Raises as `simulate`.

    >>> graph = load_graph("mobilenet-v1-0.25-128", dtype="int8")
    >>> reports = compare(graph, [load_chip("a100"), load_chip("gap8")], {"gap8": {"cores": 8}}, interval=False)
    >>> [report.cost.program.chip.name for report in reports], reports[0].latency_s < reports[1].latency_s
    (['a100', 'gap8'], True)
    """
    return [simulate(graph, chip, (mappings or {}).get(chip.name), **options) for chip in chips]


def primitive(name: str, chip: Chip, arguments: Mapping[str, Any] | None = None, mapping: Mapping[str, Any] | None = None) -> dict[str, float]:
    """Run one mechanism of the chip's target in isolation; returns its metrics by name, SI units.

    `arguments` are the mechanism's own (`hwsim.core.target.Primitive.args`), `mapping` the target's options. Raises `InvalidTrace` for an unknown
    mechanism or argument, `InvalidMapping`, and what the mechanism raises.

    >>> primitive("multicast_arrival", load_chip("wse3"), {"hops": 15})["cycles"] > 15
    True
    >>> primitive("multicast", load_chip("wse3"))
    Traceback (most recent call last):
        ...
    hwsim.core.errors.InvalidTrace: target 'wafer_mesh' has no primitive 'multicast' (did you mean multicast_arrival...
    """
    target: Target = load_target(chip.target)
    if name not in target.primitives:
        known = ", ".join(target.primitives)
        raise InvalidTrace(f"target '{chip.target}' has no primitive '{name}'{nearest(name, target.primitives)}; it has {known}")
    return dict(target.primitives[name](chip, arguments or {}, target.options(mapping or {})))
