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
(G_EVENTS, G_FROM, G_UNTIL, G_LAST, G_ALL_LATENCY, G_ALL_ARRIVED, G_REAL, G_WHOLE) = range(12, 20)

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Records = NDArray[np.void]


def _record(**fields: str) -> np.dtype[np.void]:
    """A record's type; i1, i4, i8, u8 are signed and unsigned integers of so many bytes."""
    return np.dtype(list(fields.items()), align=True)


# input VC: its state, its FIFO, the output port and (within the router) the output VC of the packet at the front, the VC allocator's
# pointer over output VCs, its router
VC = _record(state="i4", head="i4", filled="i4", route="i4", out="i4", accept="i4", router="i4")
# output VC: flits the next FIFO has room for, the input VC that holds it (-1: free), the VC allocator's pointer over input VCs
OUT = _record(credit="i4", holder="i4", grant="i4")
# port. As an output: the router's input VCs that ask for an output VC and for the switch, its output VCs that are free, pointer over
# inputs. As an input: pointers over outputs and over its VCs. The port at the link's other end (node * 5 + port; -1: none)
PORT = _record(ask_vc="i8", ask_switch="i8", free="i8", switch_grant="i4", switch_accept="i4", switch_vc="i4", link="i4")
# node: place; whether its router is on the list; state of its source; VC in use (-1 - the one before while none is chosen); present packet;
# creation of the next; random stream; its stretch of ``order``
SOURCE = _record(
    x="i4", y="i4", listed="i4", source="i4", vc="i4", dest="i8", tag="i8", left="i8", mark="i8", due="i8", random="u8", first="i8", last="i8"
)
MESSAGE = _record(dest="i8", flits="i8", ready="i8", injected="i8", arrived="i8")
FLIT = _record(word="i8", to="i4")
FILL = _record(flits="i4", credits="i4", wakes="i4")
# by input VC of a router: its port; work space of the VC allocator: output VCs granted to it (0 between uses); pairs matched
SCRATCH = _record(won="i8", pair="i4", pair_out="i4", port="i4")


class State(NamedTuple):
    """Everything the cycle loop changes, and the tables it reads. n nodes, V VCs, R buckets of a ring."""

    glob: Longs  # (GLOBALS,)
    nodes: Records  # (n,) SOURCE
    ports: Records  # (5 n,) PORT
    vcs: Records  # (5 n V,) VC
    outs: Records  # (5 n V + n V,) OUT; at the end the nodes' views of their routers' input VCs, held by the node
    flits: Longs  # (5 n V, depth) FIFOs, flat
    routers: Ints  # (n,) list of routers with requests
    sources: Ints  # (n,) list of sources with a flit to send
    heap: Ints  # (n,) nodes by ``due``
    flit_ring: Records  # (R, 6 n) FLIT, flat
    credit_ring: Ints  # (R, 6 n) output VCs, flat
    wake_ring: Ints  # (R, 5 n V) input VCs, flat
    fill: Records  # (R,) FILL
    scratch: Records  # (5 V,) SCRATCH
    pattern: Longs  # (n,) fixed destinations of random traffic, or empty: uniform
    order: Longs  # (m,) messages by source
    messages: Records  # (m,) MESSAGE
    real: NDArray[np.float64]  # shared random numbers: state and batch, and the 100 in use; integers likewise
    real_now: NDArray[np.float64]
    whole: Longs
    whole_now: Longs


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
    shared: bool  # random numbers of one stream for all nodes
    packet_flits: int
    chance: float  # packets per node and cycle
    log_idle: float  # log(1 - chance)


@inlined
def list_router(s: State, router: int) -> None:
    """Put a router that has a request on the list of those at work."""
    if s.nodes[router].listed == 0:
        s.nodes[router].listed = 1
        s.routers[s.glob[G_ROUTERS]] = router
        s.glob[G_ROUTERS] += 1


@inlined
def list_source(s: State, node: int) -> None:
    """Put a source on the list of those that have a flit to send."""
    s.nodes[node].source = SRC_LISTED
    s.sources[s.glob[G_SOURCES]] = node
    s.glob[G_SOURCES] += 1


@inlined
def send_flit(s: State, p: Par, to: int, word: int, t: int) -> None:
    """Let a flit reach input VC ``to`` (beyond these: node) in cycle ``t``."""
    b = t & (p.ring - 1)
    at = b * (PORTS + 1) * p.nodes + s.fill[b].flits
    s.flit_ring[at].to = to
    s.flit_ring[at].word = word
    s.fill[b].flits += 1
    s.glob[G_EVENTS] += 1


@inlined
def send_credit(s: State, p: Par, to: int, t: int) -> None:
    """Let a credit count at output VC (or source VC) ``to`` in cycle ``t``."""
    b = t & (p.ring - 1)
    s.credit_ring[b * (PORTS + 1) * p.nodes + s.fill[b].credits] = to
    s.fill[b].credits += 1
    s.glob[G_EVENTS] += 1


@inlined
def wake_at(s: State, p: Par, vc: int, t: int) -> None:
    """Let an input VC take its next step in cycle ``t``."""
    b = t & (p.ring - 1)
    s.wake_ring[b * PORTS * p.vcs * p.nodes + s.fill[b].wakes] = vc
    s.fill[b].wakes += 1
    s.glob[G_EVENTS] += 1


@inlined
def wake(s: State, p: Par, vc: int) -> None:
    """An input VC's stage is over: its head asks for an output VC, or its front flit for the switch, from the next allocation on."""
    router = s.vcs[vc].router
    port = router * PORTS + s.vcs[vc].route
    bit = 1 << (vc - router * PORTS * p.vcs)
    if s.vcs[vc].state == VC_ROUTE:
        s.vcs[vc].state = VC_ALLOC
        s.ports[port].ask_vc |= bit
        list_router(s, router)
    else:
        s.vcs[vc].state = VC_READY
        if s.outs[router * PORTS * p.vcs + s.vcs[vc].out].credit > 0:
            s.ports[port].ask_switch |= bit
            list_router(s, router)
