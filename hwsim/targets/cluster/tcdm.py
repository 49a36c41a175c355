"""Stalls of the banked, word-interleaved tightly coupled data memory, in closed form; `tcdm_loop` runs the same thing cycle by cycle.

N masters that issue an access with probability a in a cycle, B banks, one access a bank and cycle. Memoryless and uniform, an access waits
s = N a / (B (1 - (1 - a/B)^N)) - 1 cycles. Real loops lock into step: s times `tcdm_lock_in` where accesses are dense, falling to nothing where
they are sparse. Cores that walk in step over few banks are served one after another: N / banks - 1/a. Cores that
walk contiguous words of their own stagger in the first cycles and then run free. Fewer banks than masters bound both.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.cluster import layout as L

STREAMS = 2.0  # arrays that a core walks at once: it falls one cycle behind the core before it on each


@part
def random_stalls(masters: float, density: float, banks: float) -> float:
    """Stalls per access of memoryless masters on uniformly random banks."""
    return float(max(0.0, masters * density / (banks * (1.0 - (1.0 - density / banks) ** masters)) - 1.0))


@part
def banks_walked(stride_words: float, banks: float) -> float:
    """Number of banks that a walk with this stride touches: B / gcd(stride, B)."""
    return float(banks / math.gcd(int(stride_words), int(banks)))


@part
def lock_in(density: float, p: Any) -> float:
    """Share of the memoryless stalls that loops keep: 0 below `tcdm_quiet_density`, `tcdm_lock_in` from `tcdm_full_density` on."""
    return float(p.tcdm_lock_in * min(1.0, max(0.0, (density - p.tcdm_quiet_density) / (p.tcdm_full_density - p.tcdm_quiet_density))))


@part
def stalls_per_access(masters: float, density: float, pattern: float, stride_words: float, p: Any) -> float:
    """Cycles that an access waits; `density` is accesses per cycle of a core that never waits (at most 1)."""
    if masters <= 1 or density <= 0 or pattern == L.FREE:
        return 0.0
    if pattern == L.STRIDE:
        return float(max(0.0, masters / banks_walked(stride_words, p.tcdm_banks) - 1.0 / density))
    return float(max(lock_in(density, p) * random_stalls(masters, density, p.tcdm_banks), masters / p.tcdm_banks - 1.0 / density))


@part
def tcdm_stall_cycles(accesses: float, cycles: float, running: float, pattern: float, stride_words: float, p: Any) -> float:
    """Stall cycles of a core with `accesses` in a loop of `cycles`."""
    if accesses <= 0:
        return 0.0
    if pattern == L.WALK:
        crowded = accesses * max(0.0, running / p.tcdm_banks - cycles / accesses)
        return float(crowded + min(accesses, STREAMS) * (running - 1.0))
    return float(accesses * stalls_per_access(running, min(1.0, accesses / cycles), pattern, stride_words, p))


@part
def dma_conflicts(accesses: float, cycles: float, moved_bytes: float, p: Any) -> float:
    """Cycles that a core's accesses wait for the DMA: its ports are further masters, whose words arrive over the whole of the loops."""
    if accesses <= 0 or moved_bytes <= 0:
        return 0.0
    words_per_cycle = min(p.dma_ports, moved_bytes / p.tcdm_word_bytes / cycles)
    return float(accesses * words_per_cycle / p.tcdm_banks)


@jit
def stalls(masters: float, density: float, pattern: float, stride_words: float, p: Any) -> float:
    """`stalls_per_access` as a function of its own."""
    return float(stalls_per_access(masters, density, pattern, stride_words, p))


@jit
def bank_stalls(accesses: float, cycles: float, running: float, pattern: float, stride_words: float, p: Any) -> float:
    """`tcdm_stall_cycles` as a function of its own."""
    return float(tcdm_stall_cycles(accesses, cycles, running, pattern, stride_words, p))
