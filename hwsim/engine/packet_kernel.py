"""The cycle loop of the packet mesh: events that are due, then sources, then the routers that have requests. All compiled.

Nothing a router or a source does in a cycle reaches another in the same cycle, so their order is free. When nothing is under way but
packets of the future, the clock jumps to the first of them.
"""

from __future__ import annotations

from hwsim.engine.mesh_jit import inlined, loop
from hwsim.engine.packet_router import arrive, begin_flit, begin_packet, router_cycle
from hwsim.engine.packet_source import gap, pop_heap, push_heap, source_cycle, try_packets
from hwsim.engine.packet_state import (
    G_EVENTS,
    G_HEAP,
    G_ROUTERS,
    G_SOURCES,
    G_TIME,
    NEVER,
    PORTS,
    SRC_BLOCKED,
    VC_ACTIVE,
    VC_IDLE,
    VC_READY,
    Par,
    State,
    list_router,
    list_source,
    wake,
)


@inlined
def take_flits(s: State, p: Par, t: int) -> None:
    """Flits that reach a router go into their FIFOs, those that reach a node are counted."""
    b = t & (p.ring - 1)
    at = b * (PORTS + 1) * p.nodes
    for k in range(at, at + s.fill[b].flits):
        vc = s.flit_ring[k].to
        if vc >= PORTS * p.nodes * p.vcs:
            arrive(s, p, s.flit_ring[k].word, t)
            continue
        waiting = s.vcs[vc].filled
        s.flits[vc * p.depth + ((s.vcs[vc].head + waiting) & (p.depth - 1))] = s.flit_ring[k].word
        s.vcs[vc].filled = waiting + 1
        if s.vcs[vc].state == VC_IDLE:
            begin_packet(s, p, vc, t, t)
        elif s.vcs[vc].state == VC_ACTIVE and waiting == 0:
            begin_flit(s, p, vc, t + p.switch_wait, t)
    s.glob[G_EVENTS] -= s.fill[b].flits
    s.fill[b].flits = 0


@inlined
def take_credits(s: State, p: Par, t: int) -> None:
    """Credits that count from now on: a flit or a source that had none may go on."""
    b = t & (p.ring - 1)
    sources = p.nodes * PORTS * p.vcs
    for k in range(b * (PORTS + 1) * p.nodes, b * (PORTS + 1) * p.nodes + s.fill[b].credits):
        out = s.credit_ring[k]
        s.outs[out].credit += 1
        if out >= sources:
            node = s.outs[out].holder
            if s.nodes[node].source == SRC_BLOCKED:
                list_source(s, node)
        elif s.outs[out].credit == 1 and s.outs[out].holder >= 0:
            vc = s.outs[out].holder
            if s.vcs[vc].state == VC_READY:
                router = s.vcs[vc].router
                s.ports[router * PORTS + s.vcs[vc].route].ask_switch |= 1 << (vc - router * PORTS * p.vcs)
                list_router(s, router)
    s.glob[G_EVENTS] -= s.fill[b].credits
    s.fill[b].credits = 0


@inlined
def take_wakes(s: State, p: Par, t: int) -> None:
    """VCs whose stage is over."""
    b = t & (p.ring - 1)
    at = b * PORTS * p.vcs * p.nodes
    for k in range(at, at + s.fill[b].wakes):
        wake(s, p, s.wake_ring[k])
    s.glob[G_EVENTS] -= s.fill[b].wakes
    s.fill[b].wakes = 0


@inlined
def run_sources(s: State, p: Par, t: int) -> None:
    """Sources with something to send try."""
    if p.shared:
        try_packets(s, p, t)
    while s.glob[G_HEAP] > 0 and s.nodes[s.heap[0]].due <= t:
        list_source(s, pop_heap(s))
    kept = 0
    for k in range(s.glob[G_SOURCES]):
        node = s.sources[k]
        if source_cycle(s, p, node, t):
            s.sources[kept] = node
            kept += 1
    s.glob[G_SOURCES] = kept


@inlined
def run_routers(s: State, p: Par, t: int) -> None:
    """Routers with requests allocate."""
    kept = 0
    for k in range(s.glob[G_ROUTERS]):
        router = s.routers[k]
        if router_cycle(s, p, router, t):
            s.routers[kept] = router
            kept += 1
        else:
            s.nodes[router].listed = 0
    s.glob[G_ROUTERS] = kept


@loop
def start_sources(s: State, p: Par) -> None:
    """Draw or read the creation time of every node's first packet."""
    for node in range(p.nodes):
        if p.shared:
            s.nodes[node].due = 0
        elif p.traffic:
            s.nodes[node].due = min(NEVER, gap(s, p, node) - 1)
        elif s.nodes[node].first < s.nodes[node].last:
            s.nodes[node].due = s.messages[s.order[s.nodes[node].first]].ready
        if s.nodes[node].due < NEVER and not p.shared:
            push_heap(s, node)


@loop
def run_cycles(s: State, p: Par, until: int) -> bool:
    """Run the cycles from the present one up to ``until`` (exclusive); False if everything ended before. O(events + requests)."""
    t = s.glob[G_TIME]
    while t < until:
        if not p.shared and s.glob[G_EVENTS] == 0 and s.glob[G_ROUTERS] == 0 and s.glob[G_SOURCES] == 0:
            if s.glob[G_HEAP] == 0:
                s.glob[G_TIME] = t
                return False
            t = max(t, s.nodes[s.heap[0]].due)
            if t >= until:
                break
        take_flits(s, p, t)
        take_credits(s, p, t)
        take_wakes(s, p, t)
        run_sources(s, p, t)
        run_routers(s, p, t)
        t += 1
    s.glob[G_TIME] = t if t < until else until
    return True
