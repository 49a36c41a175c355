"""The six in-order queues with counted tokens: an instruction starts when its queue is free and a token of every queue it waits for has arrived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import CostError
from hwsim.engine.jit import jit
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.instructions import Instructions

QUEUES = 6
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """What the queues did: the cycle at which the last instruction ended, and busy cycles per queue."""

    cycles: float
    busy: Floats


@jit
def run_queues(queue: Any, wait: Any, release: Any, cycles: Any, product_latency: float, special_latency: float, busy: Any) -> float:
    """Return the makespan, or -1 - n when n instructions can never start. O(instructions).

    Tokens of one pair of queues are taken in the order of their release. Results of products and special functions reach MISC and ST
    a latency after their instruction ends; buffers (tokens to LD) are free at its end. The first LD's wait for SYS is met at once.
    """
    total = len(queue)
    order, first = np.zeros(total, np.int64), np.zeros(QUEUES + 1, np.int64)
    for i in range(total):
        first[queue[i] + 1] += 1
    for q in range(QUEUES):
        first[q + 1] += first[q]
    at = first[:QUEUES].copy()
    for i in range(total):
        order[at[queue[i]]] = i
        at[queue[i]] += 1
    next_of = first[:QUEUES].copy()
    arrivals = np.zeros((QUEUES, QUEUES, total + 1))
    made, taken = np.zeros((QUEUES, QUEUES), np.int64), np.zeros((QUEUES, QUEUES), np.int64)
    made[T.SYS, T.LD] = 1  # the layer before has ended
    free, end, moved, done = np.zeros(QUEUES), 0.0, True, 0
    while moved:
        moved = False
        for q in range(QUEUES):
            while next_of[q] < first[q + 1]:
                i = order[next_of[q]]
                start, ready = free[q], True
                for source in range(QUEUES):
                    if wait[i] >> source & 1:
                        if taken[source, q] < made[source, q]:
                            start = max(start, arrivals[source, q, taken[source, q]])
                        else:
                            ready = False
                if not ready:
                    break
                free[q] = start + cycles[i]
                busy[q] += cycles[i]
                end = max(end, free[q])
                latency = product_latency if q in (T.MM, T.MV) else special_latency if q == T.MISC else 0.0
                for other in range(QUEUES):
                    if wait[i] >> other & 1:
                        taken[other, q] += 1
                    if release[i] >> other & 1:
                        arrivals[q, other, made[q, other]] = free[q] + (latency if other in (T.MISC, T.ST) else 0.0)
                        made[q, other] += 1
                next_of[q] += 1
                done += 1
                moved = True
    return end if done == total else -1.0 - (total - done)


def run(program: Instructions, p: Any) -> Run:
    """Run a program on the queues. Raises `CostError` when its tokens deadlock."""
    busy = np.zeros(QUEUES)
    cycles = run_queues(program.queue, program.wait, program.release, program.cycles(p), float(p["fl_fill"]), float(p["fl_sfu"]), busy)
    if cycles < 0:
        raise CostError(f"{int(-cycles - 1)} of {len(program)} instructions wait for tokens that never come")
    return Run(float(cycles), busy)
