"""The TCDM cycle by cycle: cores that run a loop of accesses and other instructions on banks that serve one access a cycle, first come, first served.

Every core repeats a body of slots. A slot takes one cycle; it may access an address that moves by a stride each pass (or stays). An access that finds
its bank taken waits until the bank is free; the core waits with it. Of requests of the same cycle the one whose turn it is goes first: priority
rotates by a core each cycle, as in a logarithmic interconnect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit

NO_ACCESS = -1


@dataclass(frozen=True)
class LoopRun:
    """Cycles that each core was busy, and cycles that it waited for banks."""

    busy: NDArray[np.int64]
    stalls: NDArray[np.int64]


@jit
def run_loop(bases: Any, strides: Any, extra: int, iterations: int, banks: int, busy: Any, stalls: Any) -> None:
    """Fill `busy` and `stalls` of every core. O(accesses x cores).

    `bases` (cores, slots): word that each slot accesses in the first pass, `NO_ACCESS` for an instruction without access; `strides` (slots,) words by
    which it moves each pass; `extra` cycles of loop control at the end of a pass.
    """
    cores, slots = bases.shape
    free = np.zeros(banks, np.int64)
    now = np.zeros(cores, np.int64)
    slot = np.zeros(cores, np.int64)
    turn = np.zeros(cores, np.int64)
    left = cores
    while left > 0:
        core = -1
        for i in range(cores):
            if turn[i] < iterations and (
                core < 0 or now[i] < now[core] or (now[i] == now[core] and (i - now[i]) % cores < (core - now[core]) % cores)
            ):
                core = i
        at = slot[core]
        if bases[core, at] != NO_ACCESS:
            bank = (bases[core, at] + strides[at] * turn[core]) % banks
            wait = max(0, free[bank] - now[core])
            stalls[core] += wait
            now[core] += wait
            free[bank] = now[core] + 1
        now[core] += 1
        slot[core] += 1
        if slot[core] == slots:
            slot[core] = 0
            turn[core] += 1
            now[core] += extra
            if turn[core] == iterations:
                busy[core] = now[core]
                left -= 1


def loop(bases: NDArray[np.int64], strides: NDArray[np.int64], extra: int, iterations: int, banks: int) -> LoopRun:
    """Run `iterations` passes of every core; see `run_loop`."""
    cores = len(bases)
    busy, stalls = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    run_loop(bases, strides, extra, iterations, banks, busy, stalls)
    return LoopRun(busy, stalls)
