"""Rates of a generation as the published tables define them: tokens over decode time alone, tokens per joule at the board's mean power."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import operator_cycles, weighted
from hwsim.core.program import Program, Table
from hwsim.core.target import load_target
from hwsim.engine.analytic import price_rows
from hwsim.engine.road import Priced, price_points

Floats = NDArray[np.float64]


def _priced(program: Program, params: Table) -> Priced:
    """Slot sums (n, slots) and cycles (n,) of a program for n records; a single one needs no compiled loop."""
    target = load_target("fpga")
    if len(params) > 1:
        return price_points(target, program, params)
    values = price_rows(target.price, program, params)
    return Priced(weighted(program.counts, values)[None], np.array([weighted(program.counts, operator_cycles(values, program.stages))]))


def rates(program: Program, params: Table) -> Mapping[str, Floats]:
    """``tokens_per_s`` = generated tokens / seconds of the decode steps; ``tokens_per_j`` = that over the mean power of the whole run; shape (n,).

    Empty for other phases, whose rates follow from the whole run.
    """
    meta = program.graph.meta
    if program.graph.phase != "generate":
        return {}
    steps = np.zeros(len(program.rows))
    for op, row in zip(program.graph.ops, program.row_of, strict=True):
        if row >= 0 and op.phase == "decode":
            steps[row] += op.repeat
    whole, decode = _priced(program, params), _priced(replace(program, counts=steps), params)
    joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules"]
    still = sum(load_target("fpga").surroundings(program, params)[0].values())
    power = whole.sums[:, joules].sum(axis=1) / (whole.cycles / params["clock_hz"]) + still
    tokens = float(meta.get("batch", 1)) * float(meta["generate"]) / (decode.cycles / params["clock_hz"])
    return {"tokens_per_s": tokens, "tokens_per_j": tokens / power}
