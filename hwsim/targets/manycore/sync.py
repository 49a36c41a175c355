"""Synchronisation and register messages between minions: barriers, credits, atomics, send and receive, rings and reduction trees (cycles)."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.manycore.memory import remote_latency
from hwsim.targets.manycore.shire_map import shire_hops

TREE_EDGE, IN_SHIRE, ACROSS_MESH = 0, 1, 2
PAIR, IN_SHIRE_RING, MESH_RING = 0, 1, 2


@part
def credit_mesh_cycles(hops: float, p: Any) -> float:
    """A credit to a shire `hops` away, polled there."""
    return float(p.credit_mesh_cycles + hops * p.credit_hop_s * p.clock_hz)


@part
def message_registers(message_bytes: float, p: Any) -> float:
    """Vector registers of a message."""
    return float(max(1.0, math.ceil(message_bytes / p.register_bytes)))


@part
def round_trip_cycles(where: int, hops: float, message_bytes: float, p: Any) -> float:
    """A message there and back between two minions: a base by distance class, plus each further register, plus the mesh.

    Messages of many registers take longer per hop beyond `send_far_hops`.
    """
    further = message_registers(message_bytes, p) - 1.0
    if where == TREE_EDGE:
        return float(p.send_tree_cycles + further * p.send_register_tree_cycles)
    if where == IN_SHIRE:
        return float(p.send_shire_cycles + further * p.send_register_cycles)
    far = max(0.0, hops - p.send_far_hops) * further * p.send_far_hop_s
    mesh_s = p.remote_latency_s + hops * p.hop_round_trip_s + far
    return float(p.send_mesh_cycles + further * p.send_register_cycles + mesh_s * p.clock_hz)


@part
def shire_ring_cycles(message_bytes: float, p: Any) -> float:
    """Every minion of a shire or neighbourhood sends to the next and receives from the one before, in turn: two one-way messages."""
    return float(p.send_shire_cycles + 2.0 * (message_registers(message_bytes, p) - 1.0) * p.send_register_ring_cycles)


@part
def mesh_ring_cycles(message_bytes: float, mean_hops: float, link_flows: float, minions_per_shire: float, p: Any) -> float:
    """Every minion sends to its like in another shire: one register in flight each, or the busiest link's turn.

    ``max(registers x mesh round trip, flows on the link x minions x bytes / link rate)``.
    """
    registers = message_registers(message_bytes, p)
    link = link_flows * minions_per_shire * registers * p.register_bytes / p.send_link_bytes_per_s * p.clock_hz
    return float(max(registers * remote_latency(mean_hops, p), link))


@jit
def level_hops(stride: int, shires: int, p: Any) -> float:
    """Longest pair of a tree level: shires s, multiples of 2 x stride, with s + stride."""
    longest = 0.0
    for shire in range(0, shires - stride, 2 * stride):
        longest = max(longest, shire_hops(shire, shire + stride, p))
    return longest


@part
def tree_cycles(minions: float, message_bytes: float, p: Any) -> float:
    """One way through the reduction tree: half the round trip of each level's distance class. `minions` is a power of two.

    Levels inside a neighbourhood are tree edges, then those inside the shire, then shires s and s + 2^h by ID.
    """
    cycles, reached = 0.0, 1.0
    neighbourhood = p.minions_per_shire / p.neighbourhoods_per_shire
    while reached < minions:
        if reached < neighbourhood:
            cycles += round_trip_cycles(TREE_EDGE, 0.0, message_bytes, p) / 2.0
        elif reached < p.minions_per_shire:
            cycles += round_trip_cycles(IN_SHIRE, 0.0, message_bytes, p) / 2.0
        else:
            stride = int(reached / p.minions_per_shire)
            hops = level_hops(stride, math.ceil(minions / p.minions_per_shire), p)
            cycles += round_trip_cycles(ACROSS_MESH, hops, message_bytes, p) / 2.0
        reached *= 2.0
    return cycles


@part
def allreduce_cycles(minions: float, message_bytes: float, p: Any) -> float:
    """TensorReduce up the tree and TensorBroadcast down; combining on receipt is free."""
    return 2.0 * tree_cycles(minions, message_bytes, p)
