"""Sources of the packet mesh: where packets come from, and how a node sends them into its router.

A source has an unbounded queue, sends one flit per cycle, and gives each packet the next of its router's VCs that has room, in turn.
Packets are made when the source comes to them: random traffic needs no memory for its queues. Nodes that wait for a packet of the
future are in a binary heap by the time of that packet.
"""

from __future__ import annotations

import math

from hwsim.engine.mesh_jit import inlined
from hwsim.engine.packet_bits import after
from hwsim.engine.packet_random import draw, draw_real, draw_whole
from hwsim.engine.packet_state import (
    DEST_SHIFT,
    G_FLYING,
    G_FLYING_BORN,
    G_FROM,
    G_HEAP,
    G_INJECTED,
    G_OPEN,
    G_UNTIL,
    MEASURED,
    NEVER,
    NODE,
    PORTS,
    SRC_BLOCKED,
    SRC_IDLE,
    TAG_SHIFT,
    TAIL,
    Par,
    State,
    list_source,
    send_flit,
)


@inlined
def gap(s: State, p: Par, node: int) -> int:
    """Cycles to the node's next packet, at least 1: one Bernoulli trial per cycle."""
    if p.log_idle == 0.0:
        return NEVER
    return 1 + int(math.log(1.0 - draw(s, node)) / p.log_idle)


@inlined
def push_heap(s: State, node: int) -> None:
    """Add a node that waits for its next packet."""
    at = s.glob[G_HEAP]
    s.glob[G_HEAP] += 1
    while at > 0:
        above = (at - 1) >> 1
        if s.nodes[s.heap[above]].due <= s.nodes[node].due:
            break
        s.heap[at] = s.heap[above]
        at = above
    s.heap[at] = node


@inlined
def pop_heap(s: State) -> int:
    """Remove and return the node whose next packet is the earliest."""
    top = s.heap[0]
    n = s.glob[G_HEAP] - 1
    s.glob[G_HEAP] = n
    node, at = s.heap[n], 0
    while 2 * at + 1 < n:
        below = 2 * at + 1
        if below + 1 < n and s.nodes[s.heap[below + 1]].due < s.nodes[s.heap[below]].due:
            below += 1
        if s.nodes[node].due <= s.nodes[s.heap[below]].due:
            break
        s.heap[at] = s.heap[below]
        at = below
    s.heap[at] = node
    return int(top)


@inlined
def any_node(s: State, p: Par, node: int) -> int:
    """A destination of uniform traffic."""
    if not p.shared:
        return int(draw(s, node) * p.nodes)
    dest = draw_whole(s) % p.nodes
    draw_whole(s)  # BookSim draws another for each packet: which of its networks, of one
    return dest


@inlined
def next_packet(s: State, p: Par, node: int, t: int) -> None:
    """Make the packet whose time has come the node's present one, and say when the next is due."""
    s.nodes[node].vc = -1 - s.nodes[node].vc  # not chosen yet; remembers the one before
    if p.traffic:
        born = s.nodes[node].due
        s.nodes[node].tag, s.nodes[node].left = born, p.packet_flits
        s.nodes[node].dest = any_node(s, p, node) if s.pattern.size == 0 else s.pattern[node]
        s.nodes[node].due = born + 1 if p.shared else min(NEVER, born + gap(s, p, node))
        s.glob[G_FLYING_BORN] += born * p.packet_flits
        s.nodes[node].mark = MEASURED if s.glob[G_FROM] <= t and born < s.glob[G_UNTIL] else 0
        s.glob[G_OPEN] += s.nodes[node].mark // MEASURED
    else:
        message = s.order[s.nodes[node].first]
        s.nodes[node].first += 1
        s.nodes[node].tag, s.nodes[node].left, s.nodes[node].dest = message, s.messages[message].flits, s.messages[message].dest
        after = s.nodes[node].first
        last = after >= s.nodes[node].last
        s.nodes[node].due = NEVER if last else s.messages[s.order[after]].ready
    s.glob[G_FLYING] += s.nodes[node].left


@inlined
def try_packets(s: State, p: Par, t: int) -> None:
    """Trials of all nodes in turn with shared random numbers: a node without a packet makes up for its cycles until it has one."""
    for node in range(p.nodes):
        while s.nodes[node].left == 0 and s.nodes[node].due <= t:
            if draw_real(s) < p.chance:
                next_packet(s, p, node, t)
                list_source(s, node)
            else:
                s.nodes[node].due += 1


@inlined
def choose_vc(s: State, p: Par, node: int) -> int:
    """The first VC with room after the one the node used last; -1 if none has."""
    base, last = (PORTS * p.nodes + node) * p.vcs, -1 - s.nodes[node].vc
    v = last
    for _ in range(p.vcs):
        v = after(v, p.vcs)
        if s.outs[base + v].credit > 0:
            return int(v)
    return -1


@inlined
def source_cycle(s: State, p: Par, node: int, t: int) -> bool:
    """Send a flit if there is room for it; whether the node has another for the next cycle."""
    if s.nodes[node].left == 0:
        next_packet(s, p, node, t)
    if s.nodes[node].vc < 0:
        v = choose_vc(s, p, node)
        if v >= 0:
            s.nodes[node].vc = v
            if not p.traffic:
                s.messages[s.nodes[node].tag].injected = t
    else:
        v = s.nodes[node].vc if s.outs[PORTS * p.nodes * p.vcs + node * p.vcs + s.nodes[node].vc].credit > 0 else -1
    if v < 0:
        s.nodes[node].source = SRC_BLOCKED
        return False
    s.nodes[node].left -= 1
    word = (s.nodes[node].dest << DEST_SHIFT) | (s.nodes[node].tag << TAG_SHIFT) | s.nodes[node].mark | (TAIL if s.nodes[node].left == 0 else 0)
    s.outs[PORTS * p.nodes * p.vcs + node * p.vcs + v].credit -= 1
    s.glob[G_INJECTED] += 1
    send_flit(s, p, (node * PORTS + NODE) * p.vcs + v, word, t + 2)
    if s.nodes[node].left == 0 and (p.shared or s.nodes[node].due > t + 1):
        s.nodes[node].source = SRC_IDLE
        if s.nodes[node].due < NEVER and not p.shared:
            push_heap(s, node)
        return False
    return True
