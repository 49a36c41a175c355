"""Latency of a load by the level that holds the line, and bandwidth of readers from lines in flight, ports and banks.

Latencies are load to use in minion cycles. The part inside shires scales with the minion clock; mesh and DRAM keep their seconds. Bandwidth of a
reader set is ``lines in flight x line bytes / latency``, capped by the ports that the readers share.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.manycore.dram import dram_store_through_l1_bytes_per_s, dram_sustained_bytes_per_s, mean_refresh_wait_s
from hwsim.targets.manycore.shire_map import mean_home_hops, mean_memory_hops


@part
def remote_latency(hops: float, p: Any) -> float:
    """Cycles of a load from another shire's scratchpad `hops` away: ``c + (t + hops x hop) f``."""
    return float(p.remote_latency_cycles + (p.remote_latency_s + hops * p.hop_round_trip_s) * p.clock_hz)


@part
def l3_latency(hops: float, p: Any) -> float:
    """Cycles of an L3 hit whose home is `hops` away."""
    return float(p.l3_latency_cycles + (p.l3_latency_s + hops * p.hop_round_trip_s) * p.clock_hz)


@part
def dram_latency(home_hops: float, memory_hops: float, p: Any) -> float:
    """Cycles of a load that misses L3: the L3 path, the way from the home to its memory shire, the device, and the mean wait for refreshes."""
    beyond = p.dram_latency_s + memory_hops * p.hop_round_trip_s + mean_refresh_wait_s(p)
    return float(l3_latency(home_hops, p) + p.dram_latency_cycles + beyond * p.clock_hz)


@part
def load_group_cycles(lines: float, p: Any) -> float:
    """Cycles from the issue of up to `outstanding_lines` lines, own shire, until all have come: the others follow the first in beats of the port."""
    return float(p.load_round_trip_cycles - (p.outstanding_lines - lines) * p.load_beat_cycles)


@part
def load_cycles(lines: float, further_cycles: float, p: Any) -> float:
    """Cycles of a tensor load of `lines` lines by a lone minion, groups of lines in flight one after another.

    `further_cycles`: latency of the level beyond that of the own shire. The end of a lone group is not hidden by a next one.
    """
    groups = math.floor(lines / p.outstanding_lines)
    rest = lines - groups * p.outstanding_lines
    cycles = groups * (load_group_cycles(p.outstanding_lines, p) + further_cycles)
    if rest > 0.0:
        cycles += load_group_cycles(rest, p) + further_cycles
    if lines <= p.outstanding_lines:
        cycles += p.load_extra_cycles
    return float(cycles)


@part
def own_load_rate(minions: float, lines_per_load: float, banks: float, p: Any) -> float:
    """Bytes per cycle that `minions` of one shire draw from its own memory, private data, loads of `lines_per_load` lines over `banks` banks.

    A bank gives a line every `bank_line_cycles`, the shire at most `shire_bytes_per_cycle`.
    """
    groups = math.floor(lines_per_load / p.outstanding_lines)
    rest = lines_per_load - groups * p.outstanding_lines
    cycles = groups * load_group_cycles(p.outstanding_lines, p) + (load_group_cycles(rest, p) if rest > 0.0 else 0.0)
    one = lines_per_load * p.line_bytes / cycles
    return float(min(minions * one, min(p.shire_bytes_per_cycle, banks * p.line_bytes / p.bank_line_cycles)))


@part
def shared_load_rate(minions: float, p: Any) -> float:
    """Bytes per cycle that `minions` of one shire draw when they read the same lines, served by the read buffer."""
    one = p.outstanding_lines * p.line_bytes / p.load_round_trip_cycles
    return float(min(minions * p.load_units * one, p.read_buffer_bytes_per_cycle * p.read_buffer_share))


@part
def flight_rate(minions: float, lines: float, latency_cycles: float, p: Any) -> float:
    """Bytes per cycle that `minions` draw with `lines` lines in flight each."""
    return float(minions * lines * p.line_bytes / latency_cycles)


@part
def own_store_rate(minions: float, p: Any) -> float:
    """Bytes per cycle of tensor stores to the own scratchpad; a lone minion is held by its 256-bit port."""
    return float(min(minions * p.l1_port_bytes_per_cycle, p.scp_store_bytes_per_cycle))


@part
def resident_share(working_set_bytes: float, capacity_bytes: float, ways: float) -> float:
    """Share of lines that hit when a set of `working_set_bytes` is walked again and again through a cache of `ways` ways, least recently used out.

    Sets that hold one line more than they have ways miss on all of them, so nothing hits beyond ``capacity (1 + 1 / ways)``.
    """
    if working_set_bytes <= capacity_bytes:
        return 1.0
    crowded = (working_set_bytes - capacity_bytes) / (capacity_bytes / ways)
    return max(0.0, 1.0 - crowded) * capacity_bytes / working_set_bytes


@part
def set_network(p: Any) -> None:
    """Fill the derived columns of a record: mean hops, and what `set_latencies` derives from them."""
    p.home_hops = mean_home_hops(p)
    p.memory_hops = mean_memory_hops(p)
    set_latencies(p)


@part
def set_latencies(p: Any) -> None:
    """Fill mean latencies, and what DRAM and L3 sustain, of a record whose mean hops are known.

    `dram_bytes_per_cycle` is of the chip, `l3_bytes_per_cycle` of one shire whose minions all read.
    """
    p.l3_cycles = l3_latency(p.home_hops, p)
    p.dram_cycles = dram_latency(p.home_hops, p.memory_hops, p)
    p.remote_cycles = remote_latency(p.home_hops, p)
    p.dram_bytes_per_s = dram_sustained_bytes_per_s(p)
    p.dram_store_l1_bytes_per_s = dram_store_through_l1_bytes_per_s(p)
    p.dram_bytes_per_cycle = p.dram_bytes_per_s / p.clock_hz
    p.l3_bytes_per_cycle = flight_rate(p.minions_per_shire, p.outstanding_lines, p.l3_cycles, p)
