"""The concentrated mesh between tiles: how far a packet goes, how long it takes, what it costs.

Layers lie side by side on the mesh, so a result travels inside the square of routers of its own layer and the next: two random points of a square of
r routers are ``2/3 sqrt(r)`` hops apart, and one more router is passed than hops are taken. The time of a packet grows with the load of the channels,
which is injection times hops: the published latencies by injection (between them a straight line) hold for traffic over the whole mesh, so shorter
ways count for less. Beyond the last of them the mesh is full and takes no more.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part

POINTS = 5


@part
def routers_passed(tiles: float, p: Any) -> float:
    """Routers on the way of a result of a layer that `tiles` tiles hold: its own and as many of the next."""
    routers = 2.0 * tiles / p.tiles_per_router
    if routers <= 1.0:
        return 1.0
    return float(1.0 + 2.0 / 3.0 * math.sqrt(routers))


@part
def way_share(tiles: float, p: Any) -> float:
    """Hops of a result of such a layer over those of traffic between any two points of the mesh; at most 1."""
    everywhere = 2.0 / 3.0 * math.sqrt(p.chip_tiles / p.tiles_per_router)
    return float(min(1.0, max(1.0, routers_passed(tiles, p) - 1.0) / max(1.0, everywhere)))


@part
def packet_cycles(injection: float, p: Any) -> float:
    """Cycles of a packet when traffic over the whole mesh has `injection` packets per cycle and node."""
    if injection <= p.noc_injection[0]:
        return float(p.noc_cycles[0])
    for i in range(1, POINTS):
        if injection <= p.noc_injection[i]:
            share = (injection - p.noc_injection[i - 1]) / (p.noc_injection[i] - p.noc_injection[i - 1])
            return float(p.noc_cycles[i - 1] + share * (p.noc_cycles[i] - p.noc_cycles[i - 1]))
    return float(p.noc_cycles[POINTS - 1])


@part
def least_s(packets_per_node: float, hz: float, p: Any) -> float:
    """The shortest time in which a node injects so many packets to the whole mesh: at the highest injection that the mesh takes."""
    return float(packets_per_node / (p.noc_injection[POINTS - 1] * hz))


@part
def transfer_j(bits: float, routers: float, p: Any) -> float:
    """Joules of `bits` through `routers` routers each."""
    return float(bits * routers * p.router_j / p.router_action_bits)
