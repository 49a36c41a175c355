"""The cycle loop of the wavelet mesh: routers move wavelets, cores run their programs, one cycle at a time.

Per cycle and directed link one wavelet, per RAMP one in and one out; several candidates for one port take turns. Everything
here is compiled; :mod:`hwsim.engine.mesh` builds the arrays and reads the results.
"""

from __future__ import annotations

from hwsim.engine.mesh_core import ERROR_READERS, advance
from hwsim.engine.mesh_isa import (
    F_ADD,
    F_IN,
    F_OUT,
    F_STORE,
    RAMP,
)
from hwsim.engine.mesh_jit import inlined, loop
from hwsim.engine.mesh_state import (
    C_ADONE,
    C_ASYNC,
    C_DUE,
    C_LINK,
    C_STATE,
    C_STOLEN,
    CORE_COMPUTE,
    CORE_RUN,
    CORE_WAIT,
    CORE_WORDS,
    DIR_NONE,
    G_DONE,
    G_ERROR,
    G_ERROR_CORE,
    G_EVENTS,
    G_MOVES,
    G_SLEEPERS,
    G_TIME,
    L_CAP,
    L_COUNT,
    L_DIR,
    L_DST,
    L_HEAD,
    L_OUT,
    L_PEND,
    L_PORT,
    L_READER,
    LANE_WORDS,
    PORT_WORDS,
    S_ADDR,
    S_BUSY,
    S_CORE,
    S_FLAGS,
    S_IN,
    S_OUT,
    S_REM,
    S_STEP,
    SLEEP_WHEEL,
    SLOT_NEXT,
    SLOT_WORDS,
    Par,
    State,
    claim,
    nat,
    nat64,
    pop,
    push,
    schedule,
    sleep_until,
    take,
    unclaim,
    wait_space,
)

STATUS_DONE, STATUS_DEADLOCK, STATUS_LIMIT, STATUS_ERROR = range(4)


@inlined
def lane_step(s: State, p: Par, lane: int, t: int) -> None:
    """One router queue tries to forward its head."""
    b = lane * LANE_WORDS
    d = s.lane[b + L_DIR]
    if d < 0:
        if d == DIR_NONE:
            s.waiting[lane] = 1  # until the core sets a route
        else:
            multicast_step(s, p, lane, t)
        return
    o = nat(s.lane[b + L_PORT] + d) * PORT_WORDS
    if not claim(s, o, lane, t):
        schedule(s, p, lane, t + 1)
        return
    dst = nat(s.lane[b + L_DST + d])
    q = dst * LANE_WORDS
    if s.lane[q + L_COUNT] >= s.lane[q + L_CAP]:
        unclaim(s, o, lane)
        if wait_space(s, p, lane, q, t):
            s.waiting[lane] = 1
        else:
            schedule(s, p, lane, t + 1)
        return
    take(s, o, t)
    at = nat64(lane * p.ring)
    value = s.val[nat64(at + s.lane[b + L_HEAD])] if p.values else 0.0
    push(s, p, dst, d == RAMP, value, t + (p.ramp_in if d == RAMP else p.hop))
    if pop(s, p, b, t) > 0:
        schedule(s, p, lane, max(t + 1, s.when[nat64(at + s.lane[b + L_HEAD])]))


@inlined
def multicast_step(s: State, p: Par, lane: int, t: int) -> None:
    """Forward the head to every output of its route that can take it; drop it when all have."""
    b = lane * LANE_WORDS
    at = nat64(lane * p.ring)
    pend = s.lane[b + L_PEND]
    if pend == 0:
        pend = s.lane[b + L_OUT]
    value = s.val[nat64(at + s.lane[b + L_HEAD])] if p.values else 0.0
    poll = False
    for d in range(5):
        if (pend >> d) & 1:
            o = nat(s.lane[b + L_PORT] + d) * PORT_WORDS
            dst = nat(s.lane[b + L_DST + d])
            q = dst * LANE_WORDS
            if not claim(s, o, lane, t):
                poll = True
            elif s.lane[q + L_COUNT] >= s.lane[q + L_CAP]:
                unclaim(s, o, lane)
                poll = not wait_space(s, p, lane, q, t) or poll
            else:
                take(s, o, t)
                push(s, p, dst, d == RAMP, value, t + (p.ramp_in if d == RAMP else p.hop))
                pend &= ~(1 << d)
    s.lane[b + L_PEND] = pend
    if pend == 0:
        if pop(s, p, b, t) > 0:
            schedule(s, p, lane, max(t + 1, s.when[nat64(at + s.lane[b + L_HEAD])]))
    elif poll:
        schedule(s, p, lane, t + 1)
    else:
        s.waiting[lane] = 1


@inlined
def end_stream(s: State, p: Par, event: int, core: int, k: int, t: int) -> None:
    """The last element of an instruction was issued in cycle ``t``: free the slot, and let the core go on."""
    s.slot[k + S_BUSY] = SLOT_NEXT
    main = p.n_lanes + core * p.slots
    after = t + p.op_cycles
    if event == main:
        schedule(s, p, main, after)
        return
    c = core * CORE_WORDS
    s.core[c + C_ASYNC] -= 1
    s.core[c + C_ADONE] = after
    if s.core[c + C_ASYNC] == 0 and s.core[c + C_STATE] == CORE_WAIT:
        s.core[c + C_STATE] = CORE_RUN
        schedule(s, p, main, after)


@inlined
def steal_cycle(s: State, core: int, t: int) -> None:
    """A move of this cycle takes it away from the computation that runs on the same core."""
    c = core * CORE_WORDS
    if s.core[c + C_STATE] == CORE_COMPUTE and s.core[c + C_STOLEN] != t:
        s.core[c + C_STOLEN] = t
        s.core[c + C_DUE] += 1


@inlined
def await_input(s: State, event: int, q: int) -> None:
    """Block a slot until a wavelet is pushed into its empty queue."""
    reader = s.lane[q + L_READER]
    if reader >= 0 and reader != event:
        s.glob[G_ERROR] = ERROR_READERS
        s.glob[G_ERROR_CORE] = s.slot[(event - s.waiting.size) * SLOT_WORDS + s.slot.size + S_CORE]
    s.lane[q + L_READER] = event
    s.waiting[event] = 1


@inlined
def slot_step(s: State, p: Par, event: int, t: int) -> None:
    """A core's instruction in progress tries to move one element; a free main slot takes the next instruction first."""
    k = nat(event - p.n_lanes) * SLOT_WORDS
    core = nat(s.slot[k + S_CORE])
    if s.slot[k + S_BUSY] == SLOT_NEXT and not advance(s, p, core, t):
        return
    flags = s.slot[k + S_FLAGS]
    o = (p.n_cores * 5 + core * 2) * PORT_WORDS
    lane_in = nat(s.slot[k + S_IN])
    q, q_out = lane_in * LANE_WORDS, s.slot[k + S_OUT] * LANE_WORDS
    at = lane_in * p.ring
    if flags & F_IN:
        if s.lane[q + L_COUNT] == 0:
            unclaim(s, o, event)
            await_input(s, event, q)
            return
        ready = s.when[at + s.lane[q + L_HEAD]]
        if ready > t:
            schedule(s, p, event, ready)
            return
    if flags & F_OUT and s.lane[q_out + L_COUNT] >= s.lane[q_out + L_CAP]:
        unclaim(s, o, event)
        unclaim(s, o + PORT_WORDS, event)
        if wait_space(s, p, event, q_out, t):
            s.waiting[event] = 1
        else:
            schedule(s, p, event, t + 1)
        return
    if (flags & F_IN and not claim(s, o, event, t)) or (flags & F_OUT and not claim(s, o + PORT_WORDS, event, t)):
        schedule(s, p, event, t + 1)
        return
    move_element(s, p, event, core, k, t)


@inlined
def move_element(s: State, p: Par, event: int, core: int, k: int, t: int) -> None:
    """Issue one element of a stream: take it, combine it, store it, send it; then arrange for the next one."""
    flags = s.slot[k + S_FLAGS]
    o = (p.n_cores * 5 + core * 2) * PORT_WORDS
    q = s.slot[k + S_IN] * LANE_WORDS
    at = s.slot[k + S_IN] * p.ring
    addr = s.slot[k + S_ADDR]
    value = 0.0
    if p.values:
        if flags & F_IN:
            value = s.val[at + s.lane[q + L_HEAD]]
            if flags & F_ADD:
                value += s.mem[addr]
        else:
            value = s.mem[addr]
        if flags & F_STORE:
            s.mem[addr] = value
    left = 1
    if flags & F_IN:
        take(s, o, t)
        left = pop(s, p, q, t)
        s.glob[G_MOVES] += 1
    if flags & F_OUT:
        take(s, o + PORT_WORDS, t)
        push(s, p, s.slot[k + S_OUT], False, value, t + p.op_cycles + p.ramp_out)
    if p.steal:
        steal_cycle(s, core, t)
    s.slot[k + S_ADDR] = addr + s.slot[k + S_STEP]
    remaining = s.slot[k + S_REM] - 1
    s.slot[k + S_REM] = remaining
    if remaining == 0:
        end_stream(s, p, event, core, k, t)
    elif left == 0:
        await_input(s, event, q)
    elif flags & F_IN:
        schedule(s, p, event, max(t + 1, s.when[at + s.lane[q + L_HEAD]]))
    else:
        schedule(s, p, event, t + 1)


@inlined
def wake_sleepers(s: State, p: Par, t: int) -> None:
    """Let the cores whose computation or delay ends in this cycle go on; put the others back."""
    b = t & (SLEEP_WHEEL - 1)
    core = s.sleep[b]
    s.sleep[b] = -1
    while core >= 0:
        following = s.core[core * CORE_WORDS + C_LINK]
        due = s.core[core * CORE_WORDS + C_DUE]
        if due > t:
            sleep_until(s, core, due)
        else:
            s.glob[G_SLEEPERS] -= 1
            schedule(s, p, p.n_lanes + core * p.slots, t)
        core = following


@loop
def run_cycles(s: State, p: Par, max_cycles: int) -> int:
    """Run until every program has ended; the status says whether that, a deadlock, the limit or an error ended it."""
    t = s.glob[G_TIME]
    idle = 0
    status = STATUS_DONE
    while s.glob[G_DONE] < p.n_cores:
        moves = s.glob[G_MOVES]
        if s.glob[G_SLEEPERS] > 0:
            wake_sleepers(s, p, t)
        b = nat(t & (p.wheel - 1))
        i = 0
        while i < s.fill[b]:
            event = nat(s.bucket[nat64(b * p.bucket_cap + i)])
            i += 1
            if event < p.n_lanes:
                lane_step(s, p, event, t)
            else:
                slot_step(s, p, event, t)
        s.fill[b] = 0
        s.glob[G_EVENTS] += i
        t += 1
        idle = idle + 1 if moves == s.glob[G_MOVES] and s.glob[G_SLEEPERS] == 0 else 0
        if s.glob[G_ERROR] != 0:
            status = STATUS_ERROR
            break
        if idle > p.wheel:
            status = STATUS_DEADLOCK
            break
        if t > max_cycles:
            status = STATUS_LIMIT
            break
    s.glob[G_TIME] = t
    return status
