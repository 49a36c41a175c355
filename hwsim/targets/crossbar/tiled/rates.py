"""Layers at work at once, each on its own arrays and on another input: how often an input comes out, and what one costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Program, Table
from hwsim.engine.jit import jit
from hwsim.targets.crossbar.layout import MATRIX, SLOTS
from hwsim.targets.crossbar.tiled.components import static_w
from hwsim.targets.crossbar.tiled.price import price_tiled

Floats = NDArray[np.float64]
RECORD = np.dtype([(slot.name, np.float64) for slot in SLOTS])
_CYCLES = np.array([slot.quantity == "cycles" for slot in SLOTS])
_JOULES = np.array([slot.quantity == "joules" for slot in SLOTS])


@jit
def _stages(rows: Any, row_of: Any, repeats: Any, params: Any, out: Any, figures: Any, kinds: Any, slowest: Any, joules: Any) -> None:
    """For each parameter record: cycles of the slowest matrix with the digital work that follows it, and joules of one pass.

    `out` is one record of slots and `figures` the same memory as numbers; `kinds[0]`, `kinds[1]` tell cycles and joules among them.
    """
    cycles_of, joules_of = np.zeros(len(rows)), np.zeros(len(rows))
    for n in range(len(params)):
        for i in range(len(rows)):
            figures[:] = 0.0
            price_tiled(rows[i], params[n], out[0])
            cycles_of[i] = (figures * kinds[0]).sum()
            joules_of[i] = (figures * kinds[1]).sum()
        stage = 0.0
        for at in range(len(row_of)):
            if row_of[at] >= 0:
                row = row_of[at]
                if rows[row].kind == MATRIX:
                    stage = 0.0
                stage += cycles_of[row] * repeats[at]
                joules[n] += joules_of[row] * repeats[at]
                slowest[n] = max(slowest[n], stage)


def rates(program: Program, params: Table) -> Mapping[str, Floats]:
    """`pipelined_inferences_per_s`, and `pipelined_inference_j` with the leakage meanwhile; none where weights are written at each use."""
    if program.rows["write_cells"].any():
        return {}
    out = np.zeros(1, dtype=RECORD)
    slowest, joules = np.zeros(len(params)), np.zeros(len(params))
    kinds = np.array([_CYCLES, _JOULES], dtype=np.float64)
    repeats = np.array([op.repeat for op in program.graph.ops], dtype=np.float64)
    _stages(program.rows, np.array(program.row_of), repeats, params, out, out.view(np.float64), kinds, slowest, joules)
    if not slowest.all():
        return {}
    batch = float(program.graph.meta.get("batch", 1))
    seconds = slowest / params["clock_hz"]
    watts = np.sum(list(static_w(params).values()), axis=0)
    return {"pipelined_inferences_per_s": batch / seconds, "pipelined_inference_j": (joules + watts * seconds) / batch}
