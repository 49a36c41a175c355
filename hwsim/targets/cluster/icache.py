"""Instruction-cache stalls of a loop: a private level per core with LRU replacement, a shared level, and L2 behind it.

A loop that fits the private level costs nothing after its first pass. In a larger one, every set with more lines than ways misses on all of them
(cyclic use under LRU): with E lines too many of a cache of W ways, E (W + 1) lines miss, until all do. A miss costs the shared level's stall, which
grows with the body; lines that miss in the shared level too, by the same law, come from L2. Sources: hier-icache@7243834; stalls measured with GVSoC.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part


@part
def miss_share(code_bytes: float, size_bytes: float, ways: float, line_bytes: float) -> float:
    """Share of the lines of a loop of `code_bytes` that miss in every pass."""
    lines = math.ceil(code_bytes / line_bytes)
    excess = lines - size_bytes / line_bytes
    if excess <= 0:
        return 0.0
    return float(min(1.0, excess * (ways + 1.0) / lines))


@part
def shared_stall_cycles(code_bytes: float, p: Any) -> float:
    """Stall of a private miss that hits the shared level: straight lines between the measured bodies, constant beyond them."""
    at, stall = p.icache_shared_stall_bytes, p.icache_shared_stall_cycles
    if code_bytes <= at[0]:
        return float(stall[0])
    for i in range(1, len(at)):
        if code_bytes <= at[i]:
            return float(stall[i - 1] + (stall[i] - stall[i - 1]) * (code_bytes - at[i - 1]) / (at[i] - at[i - 1]))
    return float(stall[len(at) - 1])


@part
def line_stall_cycles(code_bytes: float, p: Any) -> float:
    """Mean stall of a line of a warm loop of `code_bytes`."""
    beyond = miss_share(code_bytes, p.icache_shared_bytes, p.icache_ways, p.icache_line_bytes)
    stall = beyond * p.icache_miss_cycles
    if p.icache_private_bytes > 0:
        share = miss_share(code_bytes, p.icache_private_bytes, p.icache_ways, p.icache_line_bytes)
        if share > beyond:
            stall += (share - beyond) * shared_stall_cycles(code_bytes, p)
    return float(stall)


@part
def icache_stall_cycles(fetched_bytes: float, code_bytes: float, cold: float, p: Any) -> float:
    """Stalls of a loop that fetches `fetched_bytes` over all its passes from a body of `code_bytes`; a cold one fetches the body from L2 first."""
    stalls = fetched_bytes / p.icache_line_bytes * line_stall_cycles(code_bytes, p)
    if cold > 0:
        first = math.ceil(code_bytes / p.icache_line_bytes)
        stalls += first * max(0.0, p.icache_miss_cycles - line_stall_cycles(code_bytes, p))
    return float(stalls)


@jit
def icache_stalls(fetched_bytes: float, code_bytes: float, cold: float, p: Any) -> float:
    """`icache_stall_cycles` as a function of its own."""
    return float(icache_stall_cycles(fetched_bytes, code_bytes, cold, p))
