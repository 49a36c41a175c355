"""Bandwidth of reader and writer sets, bytes per minion cycle: the mechanisms of `memory` put together for whole shires and the chip."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.manycore.issue import instruction_cycles
from hwsim.targets.manycore.memory import dram_latency, flight_rate, l3_latency, own_load_rate, own_store_rate, remote_latency
from hwsim.targets.manycore.shire_map import offset_source, ring_link_flows, shire_hops


@jit
def l1_rate(harts: float, p: Any) -> float:
    """One minion's vector loads or stores that hit L1: one register per issued instruction, at most its port."""
    return float(min(p.register_bytes / instruction_cycles(p.issue_load, harts, p), p.l1_port_bytes_per_cycle))


@jit
def own_load(minions: float, lines: float, banks: float, p: Any) -> float:
    """One shire's tensor loads of `lines` lines from its own memory."""
    return own_load_rate(minions, lines, banks, p)


@jit
def own_vector(minions: float, p: Any) -> float:
    """One shire's vector loads that miss L1 and hit its own memory."""
    return float(min(flight_rate(minions, p.l1_miss_handlers, p.l2_latency_cycles, p), p.shire_bytes_per_cycle))


@jit
def own_store(minions: float, p: Any) -> float:
    """One shire's tensor stores to its own scratchpad."""
    return own_store_rate(minions, p)


@part
def far_rate(minions: float, lines: float, latency_cycles: float, most: float, p: Any) -> float:
    """Loads of `minions` from a level outside the shire, `lines` in flight each, at most `most` bytes per cycle and minion."""
    return float(min(flight_rate(minions, lines, latency_cycles, p), minions * most, p.shire_bytes_per_cycle))


@jit
def remote_load(minions: float, lines: float, most: float, hops: float, p: Any) -> float:
    """One shire's loads from another shire's scratchpad `hops` away; the target's banks give what they give their own shire."""
    return far_rate(minions, lines, remote_latency(hops, p), most, p)


@jit
def ring_load(offset: int, shires: int, minions: float, lines: float, most: float, link: float, p: Any) -> float:
    """All of `shires` shires reading shire s + offset; flows share `link` bytes per cycle of the busiest link of their routes."""
    flows = ring_link_flows(offset, shires, p)
    total = 0.0
    for shire in range(shires):
        hops = shire_hops(shire, offset_source(shire, offset, shires), p)
        total += min(remote_load(minions, lines, most, hops, p), link / max(1, flows[shire]))
    return total


@jit
def cached_load(shires: float, minions: float, lines: float, most: float, share: float, p: Any) -> float:
    """Loads of all readers from addresses homed everywhere, `share` of which hit L3: times add, ``1 / (share / L3 + (1 - share) / DRAM)``."""
    near = shires * far_rate(minions, lines, l3_latency(p.home_hops, p), most, p)
    flying = shires * far_rate(minions, lines, dram_latency(p.home_hops, p.memory_hops, p), most, p)
    far = min(flying, p.dram_bytes_per_cycle)
    return float(1.0 / (share / near + (1.0 - share) / far))


@jit
def dram_store(shires: float, minions: float, through_l1: bool, p: Any) -> float:
    """Stores of all writers to DRAM, at most what their own ports give."""
    ports = shires * own_store_rate(minions, p)
    return float(min(ports, p.dram_store_l1_bytes_per_s / p.clock_hz if through_l1 else p.dram_bytes_per_cycle))
