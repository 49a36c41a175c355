"""Rates of a generation as the published tables define them: tokens over decode time alone, tokens per joule at the board's mean power."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.cost import operator_cycles, weighted
from hwsim.core.program import Program


def rates(program: Program, values: NDArray[np.float64]) -> Mapping[str, float]:
    """``tokens_per_s`` = generated tokens / seconds of the decode steps; ``tokens_per_j`` = that over the mean power of the whole run.

    `values` are slot values (rows, slots). Empty for other phases, whose rates follow from the whole run.
    """
    meta = program.graph.meta
    if program.graph.phase != "generate":
        return {}
    cycles = operator_cycles(values, program.stages)
    rows = zip(program.graph.ops, program.row_of, strict=True)
    decode = sum(float(cycles[row]) * op.repeat for op, row in rows if row >= 0 and op.phase == "decode")
    seconds = float(weighted(program.counts, cycles)) / program.clock_hz
    joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules"]
    power = float(weighted(program.counts, values[:, joules]).sum()) / seconds + sum(program.static_power_w.values())
    tokens = float(meta.get("batch", 1)) * float(meta["generate"]) / (decode / program.clock_hz)
    return {"tokens_per_s": tokens, "tokens_per_j": tokens / power}
