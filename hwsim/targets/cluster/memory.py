"""L2 from a core, the cluster's DMA, and L3 (HyperRAM) behind the micro-DMA."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part


@part
def l2_access_cycles(running: float, p: Any) -> float:
    """Cycles of one load or store to L2: the round trip, and the wait at the cluster's one port.

    The other N - 1 cores keep the port busy for rho = (N - 1) / round trip; a fixed service of one cycle waits rho / (2 (1 - rho)) (M/D/1).
    """
    busy = min(0.9, max(0.0, running - 1.0) / p.l2_access_cycles)
    return float(max(p.l2_access_cycles + busy / (2.0 * (1.0 - busy)), running))


@part
def dma_in_cycles(moved_bytes: float, p: Any) -> float:
    """Cycles of the bus for bytes from L2 to L1."""
    return float(moved_bytes / p.dma_in_bytes_per_cycle)


@part
def dma_out_cycles(moved_bytes: float, p: Any) -> float:
    """Cycles of the bus for bytes from L1 to L2."""
    return float(moved_bytes / p.dma_out_bytes_per_cycle)


@part
def polled_cycles(moved_bytes: float, outwards: bool, p: Any) -> float:
    """One linear transfer, programmed and polled by a core: T = program + latency + B / rate, seen by a polling loop, never below the least."""
    rate = p.dma_out_bytes_per_cycle if outwards else p.dma_in_bytes_per_cycle
    cycles = p.dma_program_cycles + p.dma_latency_cycles + moved_bytes / rate
    if p.dma_poll_cycles <= 0:
        return float(max(cycles, p.dma_minimum_cycles))
    return float(p.dma_minimum_cycles + math.ceil(max(0.0, cycles - p.dma_minimum_cycles) / p.dma_poll_cycles) * p.dma_poll_cycles)


@jit
def transfer_cycles(moved_bytes: float, outwards: bool, p: Any) -> float:
    """`polled_cycles` as a function of its own."""
    return float(polled_cycles(moved_bytes, outwards, p))


@jit
def l2_cycles(running: float, p: Any) -> float:
    """`l2_access_cycles` as a function of its own."""
    return float(l2_access_cycles(running, p))


@part
def dma_busy_cycles(op: Any, p: Any) -> float:
    """Cycles that the DMA is busy with an operator: programming, latency, bytes each way, and further lines of 2D transfers."""
    fixed = op.dma_transfers * (p.dma_program_cycles + p.dma_latency_cycles) + op.dma_lines * p.dma_line_cycles
    return float(fixed + dma_in_cycles(op.dma_in_bytes, p) + dma_out_cycles(op.dma_out_bytes, p))


@part
def dma_exposed_cycles(op: Any, cores_cycles: float, p: Any) -> float:
    """Cycles that the cores wait for the DMA: the first tile in, the last tile out, and what the rest takes beyond the cores' own cycles.

    T = T_in(first) + max(T_cores, T_rest) + T_out(last); blocking transfers add up instead.
    """
    busy = dma_busy_cycles(op, p)
    if op.dma_blocking > 0:
        return busy
    ends = dma_in_cycles(op.dma_first_bytes, p) + dma_out_cycles(op.dma_last_bytes, p)
    if op.dma_transfers > 0:
        ends += p.dma_program_cycles + p.dma_latency_cycles
    ends = min(ends, busy)
    return float(ends + max(0.0, busy - ends - cores_cycles))


@part
def l3_busy_cycles(op: Any, p: Any) -> float:
    """Cycles that L3 is busy with an operator, at the rate that its flow reaches."""
    rate = p.l3_later_bytes_per_cycle if p.l3_later > 0 else p.l3_bytes_per_cycle
    return float(op.l3_bytes / rate)
