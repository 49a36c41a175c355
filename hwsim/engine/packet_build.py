"""Builds the arrays of the packet mesh's cycle loop from its size, its routers and what its sources send."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.packet_config import NODE_LINK_CYCLES, RouterConfig
from hwsim.engine.packet_random import LONG, shared_streams
from hwsim.engine.packet_state import (
    FILL,
    FLIT,
    G_LAST,
    G_REAL,
    G_UNTIL,
    G_WHOLE,
    GLOBALS,
    MESSAGE,
    NEVER,
    OUT,
    PORT,
    PORTS,
    SCRATCH,
    SOURCE,
    VC,
    Par,
    Records,
    State,
)

Longs = NDArray[np.int64]


def _none() -> Longs:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Traffic:
    """Random packets of every node: packets per node and cycle, their length, (n,) fixed destinations or none for uniform, seed, and
    whether all nodes draw from one stream as in BookSim 2."""

    packets: float
    flits: int
    pattern: Longs
    seed: int
    shared: bool = False


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
    chance = 0.0 if traffic is None else traffic.packets
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
        shared=traffic is not None and traffic.shared,
        chance=chance,
        log_idle=math.log1p(-chance) if chance < 1 else -math.inf,
    )


def _nodes(width: int, height: int, vcs: int, sends: Traffic | Messages, order: Longs) -> Records:
    """(n,) records of the nodes, nothing to send yet."""
    n = width * height
    nodes = np.zeros(n, dtype=SOURCE)
    nodes["x"], nodes["y"] = np.arange(n) % width, np.arange(n) // width
    nodes["vc"], nodes["due"] = vcs - 1, NEVER
    if isinstance(sends, Traffic):
        nodes["random"] = np.random.SeedSequence(sends.seed).generate_state(n, dtype=np.uint64)
    else:
        bounds = np.searchsorted(sends.sources[order], np.arange(n + 1))
        nodes["first"], nodes["last"] = bounds[:-1], bounds[1:]
    return nodes


def _messages(messages: Messages) -> Records:
    records = np.zeros(len(messages.sources), dtype=MESSAGE)
    records["dest"], records["flits"], records["ready"] = messages.destinations, messages.flits, messages.ready
    records["injected"] = records["arrived"] = -1
    return records


def state(width: int, height: int, router: RouterConfig, par: Par, sends: Traffic | Messages) -> State:
    """An empty mesh at cycle 0. Memory: 8 bytes per flit of buffer and some 60 per VC, times 5 n."""
    n, vcs = width * height, par.vcs
    total = n * PORTS * vcs
    glob = np.zeros(GLOBALS, dtype=np.int64)
    glob[G_UNTIL], glob[G_LAST] = NEVER, -1
    glob[[G_REAL, G_WHOLE]] = LONG
    shared = shared_streams(sends.seed) if isinstance(sends, Traffic) and sends.shared else (np.zeros(0), _none())
    ports, inputs, outs = np.zeros(n * PORTS, dtype=PORT), np.zeros(total, dtype=VC), np.zeros(total + n * vcs, dtype=OUT)
    ports["free"], ports["link"] = (1 << vcs) - 1, links(width, height)
    inputs["router"] = np.repeat(np.arange(n), PORTS * vcs)
    outs["credit"], outs["holder"] = router.buffer_flits, -1
    outs["holder"][total:] = np.repeat(np.arange(n), vcs)
    scratch = np.zeros(PORTS * vcs, dtype=SCRATCH)
    scratch["port"] = np.repeat(np.arange(PORTS), vcs)
    messages = sends if isinstance(sends, Messages) else Messages()
    order = np.argsort(messages.sources, kind="stable").astype(np.int64)
    return State(
        glob=glob,
        nodes=_nodes(width, height, vcs, sends, order),
        ports=ports,
        vcs=inputs,
        outs=outs,
        flits=np.zeros(total * par.depth, dtype=np.int64),
        routers=np.zeros(n, dtype=np.int32),
        sources=np.zeros(n, dtype=np.int32),
        heap=np.zeros(n, dtype=np.int32),
        flit_ring=np.zeros(par.ring * n * (PORTS + 1), dtype=FLIT),
        credit_ring=np.zeros(par.ring * n * (PORTS + 1), dtype=np.int32),
        wake_ring=np.zeros(par.ring * total, dtype=np.int32),
        fill=np.zeros(par.ring, dtype=FILL),
        scratch=scratch,
        pattern=sends.pattern if isinstance(sends, Traffic) else _none(),
        order=order,
        messages=_messages(messages),
        real=shared[0],
        real_now=np.zeros(LONG),
        whole=shared[1],
        whole_now=np.zeros(LONG, dtype=np.int64),
    )
