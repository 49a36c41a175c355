"""The event fidelity: every distinct layer program on the six queues."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.op import Op
from hwsim.core.program import Program
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.instructions import Instructions, generate
from hwsim.targets.fpga.flightllm.masks import heads_of
from hwsim.targets.fpga.flightllm.queues import QUEUES, Run, run
from hwsim.targets.fpga.layout import SLOTS

Floats = NDArray[np.float64]
AT = {slot.name: i for i, slot in enumerate(SLOTS)}
BUSY_SLOTS = ("load", "compute", "special", "store", "sync")


def programs(row: Any, op: Op, chip: Chip, mask: str, p: Any) -> Iterator[tuple[float, Instructions]]:
    """(executions, program) of one execution of an operator record: a decode attention has a program per bucket of contexts."""
    if row["fl_task"] == T.MV_ATTENTION:
        low, last, bucket = row["fl_first"], row["fl_last"], row["fl_bucket"]
        steps = last - low + 1
        while low <= last:
            length = math.ceil(low / bucket) * bucket
            yield (min(length, last) - low + 1) / steps, generate(row, p, length)
            low = length + 1
    elif row["fl_task"] == T.MM_ATTENTION:
        yield 1.0, generate(row, p, heads=np.array(heads_of(op, chip, mask)))
    elif row["fl_task"] not in (0, T.FUSED):
        yield 1.0, generate(row, p)


def all_programs(program: Program) -> Iterator[tuple[int, float, Instructions]]:
    """(row, executions per execution of the row, instructions) of every distinct program."""
    mask, p = str(program.mapping["attention_mask"]), program.params[0]
    for at, (row, op) in enumerate(zip(program.rows, program.representatives, strict=True)):
        for times, made in programs(row, op, program.chip, mask, p):
            yield at, times, made


def run_rows(program: Program) -> list[Run | None]:
    """What the queues do in one execution of every row; None for rows without a program."""
    found: list[Run | None] = [None] * len(program.rows)
    for at, times, made in all_programs(program):
        ran = run(made, program.params[0])
        before = found[at] or Run(0.0, np.zeros(QUEUES))
        found[at] = Run(before.cycles + times * ran.cycles, before.busy + times * ran.busy)
    return found


def refine(program: Program, values: Floats) -> Floats:
    """Return slot values whose exposed cycles come from the queues; without overlap there is nothing to run."""
    if program.params["fl_serial"][0] > 0:
        return values
    out = values.copy()
    for at, ran in enumerate(run_rows(program)):
        if ran is not None:
            longest = max(out[at, AT[name]] for name in BUSY_SLOTS[:4])
            out[at, AT["exposed"]] = max(0.0, ran.cycles - out[at, AT["sync"]] - longest)
    return out
