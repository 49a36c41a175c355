"""A relay: every shire reads a slab, adds to each element, and writes it where the next stage reads; a chip barrier ends each stage.

Per line a minion waits for its load (two L1 miss handlers overlap) or its store, whichever is longer, then computes. Through L3 the stores have to be
flushed and are not hidden; beyond L3 the stage moves each line three times over the DRAM channels: read, fetched before the write, written back.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.manycore.dram import dram_sustained_bytes_per_s
from hwsim.targets.manycore.issue import instruction_cycles, loop_instruction_cycles
from hwsim.targets.manycore.memory import l3_latency, remote_latency, resident_share

OWN_SCRATCHPAD, REMOTE_SCRATCHPAD, DRAM = 0, 1, 2
DRAM_PASSES = 3.0  # read, fetched before the write, written back
BUFFERS = 2.0  # one is read while the other is written


@part
def line_work_cycles(adds: float, p: Any) -> float:
    """Minion-cycles of one line's instructions: per vector a load, a store, an address step, and `adds` additions."""
    vectors = p.line_bytes / p.register_bytes
    frame = 2.0 * instruction_cycles(p.issue_load, 2.0, p) + instruction_cycles(p.issue_alu, 2.0, p)
    return float(vectors * (frame + adds * loop_instruction_cycles(p.issue_vector, p)))


@part
def store_line_cycles(p: Any) -> float:
    """Minion-cycles per stored line when all minions of a shire store."""
    return float(p.line_bytes * p.minions_per_shire / p.scp_store_bytes_per_cycle)


@part
def scratchpad_line_cycles(latency_cycles: float, adds: float, p: Any) -> float:
    """Minion-cycles per line read from a scratchpad and stored to one."""
    return float(max(latency_cycles / p.l1_miss_handlers, store_line_cycles(p)) + line_work_cycles(adds, p))


@part
def relay_stage_cycles(medium: int, longest_hops: float, home_hops: float, bytes_per_shire: float, shires: float, adds: float, p: Any) -> float:
    """Cycles of one stage, its chip barrier included; scratchpads wait for the longest hand-off."""
    lines = bytes_per_shire / p.line_bytes / p.minions_per_shire
    if medium == OWN_SCRATCHPAD:
        return float(lines * scratchpad_line_cycles(p.l2_latency_cycles, adds, p) + p.barrier_chip_cycles)
    if medium == REMOTE_SCRATCHPAD:
        return float(lines * scratchpad_line_cycles(remote_latency(longest_hops, p), adds, p) + p.barrier_chip_cycles)
    chip_bytes = bytes_per_shire * shires
    cached = resident_share(BUFFERS * chip_bytes, p.l3_bytes * p.shires, p.cache_ways)
    through_l3 = lines * (l3_latency(home_hops, p) / p.l1_miss_handlers + store_line_cycles(p) + line_work_cycles(adds, p))
    streamed = DRAM_PASSES * chip_bytes / dram_sustained_bytes_per_s(p) * p.clock_hz
    return float(cached * through_l3 + (1.0 - cached) * max(streamed, lines * line_work_cycles(adds, p)) + p.barrier_chip_cycles)
