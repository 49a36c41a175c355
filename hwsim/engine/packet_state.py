"""State of the packet mesh as flat arrays, and the queues of future events of its cycle loop.

Router ports: 0 to or from +x, 1 -x, 2 +y, 3 -y, 4 the node. An *input VC* and an *output VC* are both numbered
(router * 5 + port) * V + vc. A flit is one word: destination, tag (creation time, or number of the message), whether
it is measured, whether it is the packet's last.
Everything that happens later (a flit reaches a router, a credit counts, a VC may ask) has one of a few fixed delays and waits in a
ring of buckets, one per cycle; routers without a request and sources without a flit to send are on no list and cost nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.mesh_jit import inlined

PORTS = 5
NODE = 4
# state of an input VC: empty; head waits for its route or to ask; head asks for an output VC; holds one; holds one and its front flit asks
VC_IDLE, VC_ROUTE, VC_ALLOC, VC_ACTIVE, VC_READY = range(5)
# state of a source
SRC_IDLE, SRC_LISTED, SRC_BLOCKED = range(3)
TAIL, MEASURED, TAG_SHIFT, DEST_SHIFT = 1, 2, 2, 40
TAG_MASK = (1 << (DEST_SHIFT - TAG_SHIFT)) - 1
MAX_NODES = 1 << 22
NEVER = 1 << 62
# global counters
GLOBALS = 20
(G_TIME, G_HOPS, G_ACCEPTED, G_INJECTED, G_LATENCY, G_ARRIVED, G_FLYING, G_FLYING_BORN, G_OPEN, G_ROUTERS, G_SOURCES, G_HEAP) = range(12)
(G_EVENTS, G_FROM, G_UNTIL, G_LAST, G_ALL_LATENCY, G_ALL_ARRIVED) = range(12, 18)

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class State(NamedTuple):
    """Everything the cycle loop changes, and the tables it reads. n nodes, V VCs, R = ring length."""

    glob: Longs
    x: Ints  # (n,) column of a node
    y: Ints  # (n,) row of a node
    link: Ints  # (n * 5,) the port at the other end, as router * 5 + port; -1 at the edge
    # input VCs, (n * 5 * V,)
    state: NDArray[np.int8]
    head: Ints
    count: Ints
    route: NDArray[np.int8]  # output port of the packet at the front
    out: Ints  # output VC held, within the router
    accept: Ints  # VC allocator: round-robin pointer over output VCs
    router: Ints
    flits: Longs  # FIFOs, depth words each
    # output VCs, (n * 5 * V,); behind them the sources' views of their routers' VCs, (n * V,)
    credit: Ints
    holder: Ints  # input VC, -1 when free
    grant: Ints  # VC allocator: round-robin pointer over input VCs
    # ports, (n * 5,)
    ask_vc: Longs  # per output port: the router's input VCs that ask for an output VC
    ask_switch: Longs  # per output port: the router's input VCs that ask for the switch
    free: Longs  # per output port: output VCs that no packet holds
    switch_grant: Ints  # per output port
    switch_accept: Ints  # per input port
    switch_vc: Ints  # per input port: round-robin pointer over its VCs
    # lists
    routers: Ints
    listed: NDArray[np.int8]
    won: Longs  # (5 * V,) scratch of the VC allocator: output VCs granted to each input VC; 0 between uses
    pair: Ints  # (5 * V,) scratch: input VCs that got an output VC in this cycle
    pair_out: Ints
    # rings of future events
    flit_to: Ints
    flit_word: Longs
    flit_fill: Ints
    credit_to: Ints
    credit_fill: Ints
    wake_vc: Ints
    wake_fill: Ints
    # sources, (n,)
    source: NDArray[np.int8]
    sources: Ints
    dest: Longs
    tag: Longs
    left: Longs  # flits still to send of the present packet
    vc: Ints  # in use by the present packet; -1 - the one before if none is yet
    mark: Longs  # MEASURED or 0: of the present packet
    due: Longs  # creation of the next packet
    heap: Ints
    random: NDArray[np.uint64]
    pattern: Longs  # (n,) fixed destinations, or empty: uniform
    # message lists, by source
    first: Longs  # (n,) position in ``order`` of the next message
    first_end: Longs  # (n,)
    order: Longs  # message numbers by source
    message_dest: Longs
    message_flits: Longs
    message_ready: Longs
    injected: Longs
    arrived: Longs


class Par(NamedTuple):
    """Scalars of the cycle loop; delays in cycles from the cycle of a switch grant unless said otherwise."""

    vcs: int
    depth: int  # words of a FIFO, a power of two
    ring: int  # buckets, a power of two
    nodes: int
    flit_delay: int
    eject_delay: int
    credit_delay: int
    eject_credit_delay: int
    head_wait: int  # from the front of the FIFO to the request for an output VC
    switch_wait: int  # from the front of the FIFO to the request for the switch
    active_wait: int  # from the grant of an output VC to the request for the switch
    speculative: bool
    y_first: bool
    traffic: bool
    packet_flits: int
    log_idle: float  # log(1 - packets per node and cycle)


@inlined
def list_router(s: State, router: int) -> None:
    """Put a router that has a request on the list of those at work."""
    if s.listed[router] == 0:
        s.listed[router] = 1
        s.routers[s.glob[G_ROUTERS]] = router
        s.glob[G_ROUTERS] += 1


@inlined
def list_source(s: State, node: int) -> None:
    """Put a source on the list of those that have a flit to send."""
    s.source[node] = SRC_LISTED
    s.sources[s.glob[G_SOURCES]] = node
    s.glob[G_SOURCES] += 1


@inlined
def send_flit(s: State, p: Par, to: int, word: int, t: int) -> None:
    """Let a flit reach input VC ``to`` in cycle ``t``."""
    b = t & (p.ring - 1)
    at = b * PORTS * p.nodes + s.flit_fill[b]
    s.flit_to[at] = to
    s.flit_word[at] = word
    s.flit_fill[b] += 1
    s.glob[G_EVENTS] += 1


@inlined
def send_credit(s: State, p: Par, to: int, t: int) -> None:
    """Let a credit count at output VC (or source VC) ``to`` in cycle ``t``."""
    b = t & (p.ring - 1)
    s.credit_to[b * (PORTS + 1) * p.nodes + s.credit_fill[b]] = to
    s.credit_fill[b] += 1
    s.glob[G_EVENTS] += 1


@inlined
def wake_at(s: State, p: Par, vc: int, t: int) -> None:
    """Let an input VC take its next step in cycle ``t``."""
    b = t & (p.ring - 1)
    s.wake_vc[b * PORTS * p.vcs * p.nodes + s.wake_fill[b]] = vc
    s.wake_fill[b] += 1
    s.glob[G_EVENTS] += 1


@inlined
def wake(s: State, p: Par, vc: int) -> None:
    """An input VC's stage is over: its head asks for an output VC, or its front flit for the switch, from the next allocation on."""
    router = s.router[vc]
    port = router * PORTS + s.route[vc]
    bit = 1 << (vc - router * PORTS * p.vcs)
    if s.state[vc] == VC_ROUTE:
        s.state[vc] = VC_ALLOC
        s.ask_vc[port] |= bit
        list_router(s, router)
    else:
        s.state[vc] = VC_READY
        if s.credit[router * PORTS * p.vcs + s.out[vc]] > 0:
            s.ask_switch[port] |= bit
            list_router(s, router)
