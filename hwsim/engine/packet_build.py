"""Builds the arrays of the packet mesh's cycle loop from its size, its routers and what its sources send."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.packet_config import NODE_LINK_CYCLES, RouterConfig
from hwsim.engine.packet_state import G_LAST, G_UNTIL, GLOBALS, NEVER, PORTS, Par, State

Longs = NDArray[np.int64]


def _none() -> Longs:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Traffic:
    """Random packets of every node: packets per node and cycle, their length, (n,) fixed destinations or none for uniform, seed."""

    packets: float
    flits: int
    pattern: Longs
    seed: int


@dataclass(frozen=True)
class Messages:
    """A list of messages: (m,) sources, destinations, flits and cycles from which each may be sent."""

    sources: Longs = field(default_factory=_none)
    destinations: Longs = field(default_factory=_none)
    flits: Longs = field(default_factory=_none)
    ready: Longs = field(default_factory=_none)


def links(width: int, height: int) -> NDArray[np.int32]:
    """(n * 5,) the port at the other end of each port's link, as node * 5 + port; -1 at the edge and for the node's own port."""
    node = np.arange(width * height)
    x, y = node % width, node // width
    there = np.full((width * height, PORTS), -1, dtype=np.int32)
    for port, (dx, dy) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
        inside = (x + dx >= 0) & (x + dx < width) & (y + dy >= 0) & (y + dy < height)
        there[inside, port] = (node + dx + dy * width)[inside] * PORTS + (port ^ 1)
    return there.reshape(-1)


def scalars(width: int, height: int, router: RouterConfig, order: str, traffic: Traffic | None) -> Par:
    """The loop's scalars; a channel of c cycles delivers c + 1 cycles after the cycle in which it was written."""
    crossed = router.traversal_cycles + 1
    delays = {
        "flit_delay": crossed + router.link_cycles,
        "eject_delay": crossed + NODE_LINK_CYCLES,
        "credit_delay": router.link_cycles + 1 + router.credit_cycles,
        "eject_credit_delay": crossed + 2 * NODE_LINK_CYCLES + 1 + router.credit_cycles,
        "head_wait": router.head_wait,
        "switch_wait": router.switch_cycles - 1,
        "active_wait": 1 if router.speculative else router.switch_cycles,
    }
    idle = 0.0 if traffic is None or traffic.packets == 0 else -math.inf if traffic.packets >= 1 else math.log1p(-traffic.packets)
    return Par(
        vcs=router.virtual_channels,
        depth=1 << (router.buffer_flits - 1).bit_length(),
        ring=1 << (max(delays.values()) + 2).bit_length(),
        nodes=width * height,
        **delays,
        speculative=router.speculative,
        y_first=order == "yx",
        traffic=traffic is not None,
        packet_flits=0 if traffic is None else traffic.flits,
        log_idle=idle,
    )


def streams(seed: int, nodes: int) -> NDArray[np.uint64]:
    """(n,) starting points of the nodes' random streams."""
    return np.random.SeedSequence(seed).generate_state(nodes, dtype=np.uint64)


def state(width: int, height: int, router: RouterConfig, par: Par, sends: Traffic | Messages) -> State:
    """An empty mesh at cycle 0. Memory: 8 bytes per flit of buffer and about 60 per VC."""
    n, vcs = width * height, par.vcs
    ports, total, ring = n * PORTS, n * PORTS * vcs, par.ring
    node = np.arange(n, dtype=np.int32)
    messages = sends if isinstance(sends, Messages) else Messages()
    order = np.argsort(messages.sources, kind="stable").astype(np.int64)
    first = np.searchsorted(messages.sources[order], np.arange(n + 1)).astype(np.int64)
    glob = np.zeros(GLOBALS, dtype=np.int64)
    glob[G_UNTIL], glob[G_LAST] = NEVER, -1
    i8, i32, i64 = np.int8, np.int32, np.int64
    return State(
        glob, node % width, node // width, links(width, height),
        np.zeros(total, i8), np.zeros(total, i32), np.zeros(total, i32), np.zeros(total, i8), np.zeros(total, i32), np.zeros(total, i32),
        np.repeat(node, PORTS * vcs), np.zeros(total * par.depth, i64),
        np.full(total + n * vcs, router.buffer_flits, i32), np.full(total, -1, i32), np.zeros(total, i32),
        np.zeros(ports, i64), np.zeros(ports, i64), np.full(ports, (1 << vcs) - 1, i64),
        np.zeros(ports, i32), np.zeros(ports, i32), np.zeros(ports, i32),
        np.zeros(n, i32), np.zeros(n, i8), np.zeros(PORTS * vcs, i64), np.zeros(PORTS * vcs, i32), np.zeros(PORTS * vcs, i32),
        np.zeros(ring * ports, i32), np.zeros(ring * ports, i64), np.zeros(ring, i32),
        np.zeros(ring * (ports + n), i32), np.zeros(ring, i32), np.zeros(ring * total, i32), np.zeros(ring, i32),
        np.zeros(n, i8), np.zeros(n, i32), np.zeros(n, i64), np.zeros(n, i64), np.zeros(n, i64), np.full(n, vcs - 1, i32), np.zeros(n, i64),
        np.full(n, NEVER, i64), np.zeros(n, i32),
        streams(sends.seed if isinstance(sends, Traffic) else 0, n), sends.pattern if isinstance(sends, Traffic) else _none(),
        first[:-1].copy(), first[1:].copy(), order, messages.destinations, messages.flits, messages.ready,
        np.full(len(order), -1, i64), np.full(len(order), -1, i64),
    )  # fmt: skip


