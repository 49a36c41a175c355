"""Rates of several threads: all cores busy, the processor's work beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import operator_cycles, weighted
from hwsim.core.program import Program, Table
from hwsim.core.target import load_target
from hwsim.engine.analytic import price_rows
from hwsim.engine.road import price_points

Floats = NDArray[np.float64]
SYNC = "sync"


def _totals(program: Program, params: Table) -> tuple[Floats, Floats]:
    """(cycles, cycles of the processor) of one pass, for n records."""
    target = load_target("fpga")
    sync = next(i for i, slot in enumerate(program.slots) if slot.name == SYNC)
    if len(params) > 1:
        priced = price_points(target, program, params.copy())
        return priced.cycles, priced.sums[:, sync]
    values = price_rows(target.price, program, params)
    return np.array([weighted(program.counts, operator_cycles(values, program.stages))]), np.array([weighted(program.counts, values)[sync]])


def rates(program: Program, params: Table) -> Mapping[str, Floats]:
    """`inferences_per_s` with threads multi: ``frames x min(cores / DPU time, processors / processor time)``.

    With a trace of contexts `latency_per_frame_s`, the mean over its frames; else none. Arrays of shape (n,).
    """
    frames = program.mapping.get("frames")
    if isinstance(frames, int):
        cycles, _ = _totals(program, params)
        return {"latency_per_frame_s": cycles / params["clock_hz"] / frames}
    if program.mapping.get("threads") != "multi":
        return {}
    cycles, host = _totals(program, params)
    batch = float(program.graph.meta.get("batch", 1))
    clock = params["clock_hz"]
    cores = params["cores"] * clock / (cycles - host)
    processors = np.divide(params["host_processors"] * clock, host, out=np.full(len(params), np.inf), where=host > 0)
    return {"inferences_per_s": batch * np.minimum(cores, processors)}
