"""Shared floating-point units: core i issues to unit i mod units, one a cycle; one divide and square-root server for all.

Cycles per issue slot of a core are max(1, sum of the shares of issue slots that are FP over the cores of its unit); the divider is not pipelined, so
that the divides of all cores follow each other: max(S rho + 1 - rho, sum of S rho). Sources: calibration constants of gap_sdk@5132ebf0 (within 5 %),
GVSoC pulp-open.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.core import simple_float


@part
def fpu_stall_cycles(c: Any, cycles: float, running: float, balance: float, p: Any) -> float:
    """Cycles by which shared units lengthen a loop of `cycles` that `running` cores run at once; 0 in emulation and without a unit.

    `c` counts the busiest core; the cores of a unit have `balance` times as much on average, for whole units of work are dealt evenly to the units.
    """
    if p.emulated > 0 or p.fpu_units <= 0:
        return 0.0
    fullest = math.ceil(running / p.fpu_units)
    issues = simple_float(c) * p.fp_cycles + c[L.FMA] * p.fma_cycles
    divides = c[L.FDIV] * p.fdiv_cycles + c[L.FDIV_HALF] * p.fdiv_half_cycles
    return float(max(cycles, balance * fullest * issues, balance * math.ceil(running / p.dividers) * divides) - cycles)


@dataclass(frozen=True)
class Stream:
    """What one core issues: cycles of a divide or square root (0: an instruction of one issue), and its share of the issue slots."""

    divide_cycles: float
    share: float


def cycles_per_slot(streams: Sequence[Stream], units: int, dividers: int) -> float:
    """Cycles per issue slot of the slowest core; streams are those of core 0, 1, ... O(cores).

    Users of the divider are as slow as all its work in a slot; the others only share the issue of their unit.

    >>> cycles_per_slot([Stream(0.0, 1.0)] * 8, 4, 1), cycles_per_slot([Stream(14.0, 1.0)] * 4 + [Stream(10.0, 1.0)] * 4, 4, 1)
    (2.0, 96.0)
    """
    queued = [0.0] * dividers
    issued = [0.0] * units
    for core, stream in enumerate(streams):
        if stream.divide_cycles:
            queued[core % dividers] += stream.divide_cycles * stream.share
        else:
            issued[core % units] += stream.share
    slowest = 1.0
    for core, stream in enumerate(streams):
        own = stream.divide_cycles * stream.share + 1.0 - stream.share if stream.divide_cycles else 1.0
        slowest = max(slowest, own, queued[core % dividers] if stream.divide_cycles else issued[core % units])
    return slowest
