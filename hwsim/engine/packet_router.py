"""One cycle of one virtual-channel router: VC allocation, switch allocation, and what follows from the grants.

Both allocators are separable and round-robin, one iteration of iSLIP (McKeown 1999; Dally & Towles 2004, chapter 19): every output
grants the first request from its pointer on, every input accepts the first grant from its pointer on, and pointers move past accepted
pairs only. The VC allocator matches input VCs to free output VCs; the switch allocator matches input ports to output ports, and the VC
that stands for a pair of ports is the first from the input port's pointer on. Speculative requests (of heads that have no output VC yet)
compete as equals for the ports but yield to others of the same pair; a grant to a head that gets no output VC is lost.
"""

from __future__ import annotations

from hwsim.engine.mesh_jit import inlined
from hwsim.engine.packet_bits import after, first_from, lowest
from hwsim.engine.packet_state import (
    DEST_SHIFT,
    G_ACCEPTED,
    G_ALL_ARRIVED,
    G_ALL_LATENCY,
    G_ARRIVED,
    G_FLYING,
    G_FLYING_BORN,
    G_HOPS,
    G_LAST,
    G_LATENCY,
    G_OPEN,
    MEASURED,
    NODE,
    PORTS,
    TAG_MASK,
    TAG_SHIFT,
    TAIL,
    VC_ACTIVE,
    VC_IDLE,
    VC_ROUTE,
    Par,
    State,
    send_credit,
    send_flit,
    wake,
    wake_at,
)


@inlined
def output_port(s: State, p: Par, router: int, dest: int) -> int:
    """Dimension-ordered route: the port towards ``dest``."""
    dx, dy = s.nodes[dest].x - s.nodes[router].x, s.nodes[dest].y - s.nodes[router].y
    if dx != 0 and (dy == 0 or not p.y_first):
        return 0 if dx > 0 else 1
    if dy != 0:
        return 2 if dy > 0 else 3
    return NODE


@inlined
def begin_packet(s: State, p: Par, vc: int, start: int, now: int) -> None:
    """A head is at the front of its FIFO from cycle ``start`` on; ``now``: the next allocation is that of this cycle."""
    dest = s.flits[vc * p.depth + s.vcs[vc].head] >> DEST_SHIFT
    s.vcs[vc].route = output_port(s, p, s.vcs[vc].router, dest)
    s.vcs[vc].state = VC_ROUTE
    if start + p.head_wait <= now:
        wake(s, p, vc)
    else:
        wake_at(s, p, vc, start + p.head_wait)


@inlined
def begin_flit(s: State, p: Par, vc: int, start: int, now: int) -> None:
    """A flit of a packet that holds an output VC may ask for the switch from cycle ``start`` on."""
    if start <= now:
        wake(s, p, vc)
    else:
        wake_at(s, p, vc, start)


@inlined
def allocate_vcs(s: State, p: Par, router: int) -> int:
    """Match heads to free output VCs; the pairs, in scratch, become true after the switch allocation. Number of pairs."""
    base, pairs = router * PORTS * p.vcs, 0
    for o in range(PORTS):
        asking, free = s.ports[router * PORTS + o].ask_vc, s.ports[router * PORTS + o].free
        if asking == 0 or free == 0:
            continue
        winners = 0
        if asking & (asking - 1) == 0:  # one head: every free VC grants to it
            winners = asking
            s.scratch[lowest(asking)].won = free
        else:
            while free != 0:
                v = lowest(free)
                free &= free - 1
                i = first_from(asking, s.outs[base + o * p.vcs + v].grant)
                s.scratch[i].won |= 1 << v
                winners |= 1 << i
        while winners != 0:
            i = lowest(winners)
            winners &= winners - 1
            offset = s.vcs[base + i].accept - o * p.vcs
            choice = o * p.vcs + first_from(s.scratch[i].won, offset if 0 <= offset < p.vcs else 0)
            s.scratch[i].won = 0
            s.outs[base + choice].grant = after(i, PORTS * p.vcs)
            s.vcs[base + i].accept = after(choice, PORTS * p.vcs)
            s.scratch[pairs].pair, s.scratch[pairs].pair_out = i, choice
            pairs += 1
    return pairs


@inlined
def speculative_requests(s: State, p: Par, router: int, o: int) -> int:
    """Heads that ask for output ``o`` without an output VC: all, if one is free and has room."""
    asking, free = s.ports[router * PORTS + o].ask_vc, s.ports[router * PORTS + o].free
    if asking == 0:
        return 0
    while free != 0:
        if s.outs[(router * PORTS + o) * p.vcs + lowest(free)].credit > 0:
            return int(asking)
        free &= free - 1
    return 0


@inlined
def allocate_switch(s: State, p: Par, router: int) -> int:
    """Match input ports to output ports: 6 bits per input port, 1 + the output port. Pointers move."""
    granted, ports = 0, router * PORTS
    for o in range(PORTS):
        asking = s.ports[ports + o].ask_switch
        if p.speculative:
            asking |= speculative_requests(s, p, router, o)
        if asking != 0:
            i = s.scratch[first_from(asking, s.ports[ports + o].switch_grant * p.vcs)].port
            granted |= 1 << (i * PORTS + o)
    matched = 0
    while granted != 0:
        i = lowest(granted) // PORTS
        mine = (granted >> (i * PORTS)) & 31
        granted &= -1 << ((i + 1) * PORTS)
        o = first_from(mine, s.ports[ports + i].switch_accept)
        s.ports[ports + o].switch_grant = after(i, PORTS)
        s.ports[ports + i].switch_accept = after(o, PORTS)
        matched |= (o + 1) << (6 * i)
    return matched


@inlined
def pick_vc(s: State, p: Par, router: int, i: int, o: int) -> int:
    """The VC of input port ``i`` that uses its grant of output ``o``, within the router; the port's pointer moves past it."""
    port, low = router * PORTS + i, (1 << p.vcs) - 1
    asking = (s.ports[router * PORTS + o].ask_switch >> (i * p.vcs)) & low
    if p.speculative and asking == 0:
        asking = (s.ports[router * PORTS + o].ask_vc >> (i * p.vcs)) & low
    v = first_from(asking, s.ports[port].switch_vc)
    s.ports[port].switch_vc = after(v, p.vcs)
    return i * p.vcs + v


@inlined
def take_vcs(s: State, p: Par, router: int, pairs: int, t: int) -> None:
    """Heads take the output VCs they were matched to, and ask for the switch when its stage is over."""
    base = router * PORTS * p.vcs
    for k in range(pairs):
        i, choice = s.scratch[k].pair, s.scratch[k].pair_out
        vc, port = base + i, router * PORTS + s.vcs[base + i].route
        s.ports[port].ask_vc &= ~(1 << i)
        s.ports[port].free &= ~(1 << (choice - s.vcs[vc].route * p.vcs))
        s.outs[base + choice].holder = vc
        s.vcs[vc].out = choice
        s.vcs[vc].state = VC_ACTIVE
        begin_flit(s, p, vc, t + p.active_wait, t + 1)


@inlined
def arrive(s: State, p: Par, word: int, t: int) -> None:
    """A flit reaches its node."""
    tag = (word >> TAG_SHIFT) & TAG_MASK
    s.glob[G_ACCEPTED] += 1
    s.glob[G_FLYING] -= 1
    if p.traffic:
        s.glob[G_FLYING_BORN] -= tag
    if word & TAIL:
        s.glob[G_LAST] = max(s.glob[G_LAST], t)
        if not p.traffic:
            s.messages[tag].arrived = t
            return
        s.glob[G_ALL_LATENCY] += t - tag
        s.glob[G_ALL_ARRIVED] += 1
        if word & MEASURED:
            s.glob[G_LATENCY] += t - tag
            s.glob[G_ARRIVED] += 1
            s.glob[G_OPEN] -= 1


@inlined
def traverse(s: State, p: Par, router: int, vc: int, t: int) -> None:
    """The front flit of an input VC crosses the switch: flit onwards, credit back, and the VC's next flit comes to the front."""
    base = router * PORTS * p.vcs
    o, out, i = s.vcs[vc].route, base + s.vcs[vc].out, vc - base
    word = s.flits[vc * p.depth + s.vcs[vc].head]
    s.vcs[vc].head = (s.vcs[vc].head + 1) & (p.depth - 1)
    s.vcs[vc].filled -= 1
    s.ports[router * PORTS + o].ask_switch &= ~(1 << i)
    s.outs[out].credit -= 1
    s.glob[G_HOPS] += 1
    if o == NODE:
        send_flit(s, p, PORTS * p.nodes * p.vcs, word, t + p.eject_delay)
        send_credit(s, p, out, t + p.eject_credit_delay)
    else:
        send_flit(s, p, s.ports[router * PORTS + o].link * p.vcs + s.vcs[vc].out - o * p.vcs, word, t + p.flit_delay)
    port = s.scratch[i].port
    if port == NODE:
        send_credit(s, p, p.nodes * PORTS * p.vcs + router * p.vcs + i - NODE * p.vcs, t + 2)
    else:
        send_credit(s, p, s.ports[router * PORTS + port].link * p.vcs + i - port * p.vcs, t + p.credit_delay)
    if word & TAIL:
        s.ports[router * PORTS + o].free |= 1 << (s.vcs[vc].out - o * p.vcs)
        s.outs[out].holder = -1
        s.vcs[vc].state = VC_IDLE
        if s.vcs[vc].filled > 0:
            begin_packet(s, p, vc, t + 1, t + 1)
    else:
        s.vcs[vc].state = VC_ACTIVE
        if s.vcs[vc].filled > 0:
            begin_flit(s, p, vc, t + 1 + p.switch_wait, t + 1)


@inlined
def router_cycle(s: State, p: Par, router: int, t: int) -> bool:
    """Run one cycle of a router; whether any request remains."""
    base = router * PORTS * p.vcs
    pairs = allocate_vcs(s, p, router)
    matched = allocate_switch(s, p, router)
    senders, i = 0, 0
    while matched != 0:  # which VCs, before anything changes
        if matched & 7:
            senders |= 1 << pick_vc(s, p, router, i, (matched & 7) - 1)
        matched >>= 6
        i += 1
    take_vcs(s, p, router, pairs, t)
    while senders != 0:
        vc = base + lowest(senders)
        senders &= senders - 1
        if s.vcs[vc].state >= VC_ACTIVE and s.outs[base + s.vcs[vc].out].credit > 0:
            traverse(s, p, router, vc, t)
    any_left = 0
    for o in range(PORTS):
        any_left |= s.ports[router * PORTS + o].ask_vc | s.ports[router * PORTS + o].ask_switch
    return any_left != 0
