"""Programs as flat arrays: per instruction its queue, what its time comes from, the amount, and the masks of queues that it waits for and
releases.

Programs are generated per layer (task): every layer starts with a LD that waits for SYS and ends with a SYS that releases LD, so that layers
follow each other and one layer's program is the same wherever it stands. Generators run twice: once to count (empty arrays), once to write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.decode_program import attention_mv, linear_mv
from hwsim.targets.fpga.flightllm.emit import emit
from hwsim.targets.fpga.flightllm.prefill_program import attention_mm, linear_mm
from hwsim.targets.fpga.flightllm.timing import load_across, load_all, load_one, misc_cycles

Ints = NDArray[np.int8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Instructions:
    """One layer's program of one core."""

    queue: Ints
    rate: Ints
    amount: Floats
    wait: Ints
    release: Ints

    def __len__(self) -> int:
        return len(self.queue)

    def counts(self) -> NDArray[np.int64]:
        """Instructions per queue."""
        return np.bincount(self.queue, minlength=6)

    def cycles(self, p: Any) -> Floats:
        """Cycles of every instruction with the parameter record `p`."""
        return np.asarray(durations(self.queue, self.rate, self.amount, p))


@jit
def durations(queue: Any, rate: Any, amount: Any, p: Any) -> Any:
    """Cycles of each instruction; an empty transfer takes none."""
    found = np.zeros(len(queue))
    for i in range(len(queue)):
        if rate[i] == T.CYCLES:
            found[i] = amount[i] * p.fl_scale
        elif amount[i] > 0:
            if rate[i] == T.ALL_CHANNELS:
                found[i] = load_all(amount[i], p)
            elif rate[i] == T.ONE_CHANNEL:
                found[i] = load_one(amount[i], p)
            elif rate[i] == T.ACROSS:
                found[i] = load_across(amount[i], p)
            else:
                found[i] = amount[i] * p.fl_zero
    return found


@jit
def rows_program(program: Any, op: Any, p: Any) -> int:
    """Norm or softmax, row by row: LD, MISC, ST."""
    i, rows = 0, int(op.fl_vectors)
    for r in range(rows):
        i = emit(program, i, T.LD, T.ONE_CHANNEL, op.cols, 1 << T.SYS if r == 0 else 0, 1 << T.MISC)
        i = emit(program, i, T.MISC, T.CYCLES, misc_cycles(op.cols, p.sfu_row_passes, p), 1 << T.LD, 1 << T.ST)
        i = emit(program, i, T.ST, T.ONE_CHANNEL, op.cols, 1 << T.MISC, 1 << T.SYS if r == rows - 1 else 0)
    return emit(program, i, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@jit
def elementwise_program(program: Any, op: Any, p: Any) -> int:
    """An operation that is not fused: all operands in, one MISC per pass, the result out."""
    i, size = 0, op.rows * op.cols
    for operand in range(int(op.fl_operands)):
        last = operand == int(op.fl_operands) - 1
        i = emit(program, i, T.LD, T.ONE_CHANNEL, size, 1 << T.SYS if operand == 0 else 0, 1 << T.MISC if last else 0)
    i = emit(program, i, T.MISC, T.CYCLES, misc_cycles(size, op.fl_passes, p), 1 << T.LD, 1 << T.ST)
    i = emit(program, i, T.ST, T.ONE_CHANNEL, size, 1 << T.MISC, 1 << T.SYS)
    return emit(program, i, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


_WRITERS: dict[int, Callable[..., int]] = {
    T.MV_LINEAR: linear_mv, T.MM_LINEAR: linear_mm, T.ROWS: rows_program, T.ELEMENTWISE: elementwise_program,
}  # fmt: skip


def write(program: Any, op: Any, p: Any, context: float, heads: Floats) -> int:
    """Write the program of one execution of an operator and return its length; with empty arrays only count.

    `context` (a multiple of the bucket) is the length of a decode pass; `heads` the kept mask blocks per row of each head of a prefill.
    """
    task = op["fl_task"]
    if task == T.MV_ATTENTION:
        return int(attention_mv(program, op, p, context))
    if task == T.MM_ATTENTION:
        return int(attention_mm(program, op, p, heads))
    return int(_WRITERS[int(task)](program, op, p))


def _arrays(count: int) -> tuple[Ints, Ints, Floats, Ints, Ints]:
    small = [np.zeros(count, np.int8) for _ in range(4)]
    return small[0], small[1], np.zeros(count), small[2], small[3]


def generate(op: Any, p: Any, context: float = 0.0, heads: Floats | None = None) -> Instructions:
    """Return the program of one execution of the operator record `op` with the parameter record `p`. O(instructions)."""
    kept = np.zeros(0) if heads is None else heads
    made = _arrays(write(_arrays(0), op, p, float(context), kept))
    write(made, op, p, float(context), kept)
    return Instructions(*made)
