"""State of the wavelet mesh as flat arrays, and the helpers of its cycle loop that schedule, push and pop.

A *lane* is one queue: (router, colour, input direction), or the input queue of a core for one colour. Its record is one cache
line of 32-bit words. A lane that holds wavelets is scheduled on a wheel of buckets, one per cycle; an empty or blocked lane
costs nothing until a push or a pop wakes it, so idle routers are free. Core instructions in progress (*slots*) are scheduled on
the same wheel: event ids below ``n_lanes`` are lanes, the others are slots.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.mesh_jit import inlined

# lane record
LANE_WORDS = 16
(L_HEAD, L_COUNT, L_DIR, L_OUT, L_PEND, L_WAITER, L_CAP, L_DST, L_PORT, L_READER) = (0, 1, 2, 3, 4, 5, 6, 7, 12, 13)
DIR_MANY, DIR_NONE = -1, -2  # L_DIR: several outputs; no route at present
# output port record (4 links, RAMP in; then per core: core in, core out)
PORT_WORDS = 4
P_TIME, P_CLAIM, P_COUNT = 0, 1, 2
# slot record: an instruction in progress; slot 0 of a core is its main thread
SLOT_WORDS = 16
S_BUSY, S_FLAGS, S_IN, S_OUT, S_ADDR, S_STEP, S_REM, S_CORE, S_CIN, S_COUT = range(10)
SLOT_NEXT, SLOT_STREAM = 0, 1  # S_BUSY: free (main: take the next instruction); streaming
# core record
CORE_WORDS = 8
C_PC, C_ASYNC, C_DUE, C_STATE, C_ADONE, C_STOLEN, C_FINISH, C_LINK = range(8)
CORE_RUN, CORE_WAIT, CORE_SLEEP, CORE_COMPUTE, CORE_END = range(5)
# global counters
GLOBALS = 8
G_DONE, G_MOVES, G_SLEEPERS, G_ERROR, G_ERROR_CORE, G_EVENTS, G_TIME = range(7)
SLEEP_WHEEL = 4096

IntArray = NDArray[np.int32]


class State(NamedTuple):
    """Everything the cycle loop changes (and the tables it reads), flat."""

    lane: IntArray
    when: IntArray  # ring of ready times, n_lanes x ring
    val: NDArray[np.float64]  # ring of values (1 element in skeleton mode)
    port: IntArray
    slot: IntArray
    core: IntArray
    loops: IntArray
    code: IntArray
    regs: IntArray
    mem: NDArray[np.float64]
    waiting: NDArray[np.uint8]  # per event id: blocked, to be woken
    bucket: IntArray
    fill: NDArray[np.int64]
    sleep: IntArray
    base: IntArray  # first lane of (router, colour)
    rx: NDArray[np.uint8]  # directions that have a lane, per (router, colour)
    glob: NDArray[np.int64]


class Par(NamedTuple):
    """Scalars of the cycle loop."""

    n_lanes: int
    n_cores: int
    hop: int
    ramp_out: int
    ramp_in: int
    op_cycles: int
    ring: int
    wheel: int
    bucket_cap: int
    slots: int
    words: int
    n_regs: int
    depth: int
    colours: int
    values: bool
    steal: bool


@inlined
def nat(value: int) -> int:
    """A number known not to be negative, as the compiler should know too: its indices then need no check for wrapping around."""
    return value & 0x7FFFFFFF


@inlined
def nat64(value: int) -> int:
    """As :func:`nat`, for indices beyond 32 bits."""
    return value & 0x7FFFFFFFFFFFFFFF


@inlined
def schedule(s: State, p: Par, event: int, t: int) -> None:
    """Put an event into the bucket of cycle ``t`` (less than ``wheel`` cycles ahead)."""
    b = nat(t & (p.wheel - 1))
    n = s.fill[b]
    s.bucket[nat64(b * p.bucket_cap + n)] = event
    s.fill[b] = n + 1


@inlined
def wake(s: State, p: Par, event: int, t: int) -> None:
    """Schedule a blocked event; nothing if it is not blocked."""
    if s.waiting[event]:
        s.waiting[event] = 0
        schedule(s, p, event, t)


@inlined
def wait_space(s: State, p: Par, event: int, q: int, t: int) -> bool:
    """Block ``event`` until the full lane with record ``q`` gives up a wavelet; False if it has to poll instead."""
    w = s.lane[q + L_WAITER]
    if w < 0 or w == event or s.waiting[w] == 0:
        s.lane[q + L_WAITER] = event
        return True
    return False


@inlined
def push(s: State, p: Par, dst: int, to_core: bool, value: float, ready: int) -> None:
    """Append a wavelet that may be used from cycle ``ready`` on, and schedule or wake who uses it."""
    q = dst * LANE_WORDS
    n = s.lane[q + L_COUNT]
    at = nat64(dst * p.ring + ((s.lane[q + L_HEAD] + n) & (p.ring - 1)))
    s.when[at] = ready
    if p.values:
        s.val[at] = value
    s.lane[q + L_COUNT] = n + 1
    s.glob[G_MOVES] += 1
    if to_core:
        reader = s.lane[q + L_READER]
        if reader >= 0:
            s.lane[q + L_READER] = -1
            s.waiting[reader] = 0
            schedule(s, p, reader, ready)
    elif n == 0:
        schedule(s, p, dst, ready)


@inlined
def pop(s: State, p: Par, q: int, t: int) -> int:
    """Drop the head of the lane with record ``q``, wake who waited for the space; wavelets left."""
    s.lane[q + L_HEAD] = (s.lane[q + L_HEAD] + 1) & (p.ring - 1)
    n = int(s.lane[q + L_COUNT]) - 1
    s.lane[q + L_COUNT] = n
    w = s.lane[q + L_WAITER]
    if w >= 0:
        s.lane[q + L_WAITER] = -1
        wake(s, p, w, t + 1)
    return n


@inlined
def claim(s: State, o: int, event: int, t: int) -> bool:
    """Whether ``event`` may use the port with record ``o`` in cycle ``t``; if not, the first loser goes first next time."""
    holder = s.port[o + P_CLAIM]
    if s.port[o + P_TIME] == t or (holder >= 0 and holder != event):
        if holder < 0:
            s.port[o + P_CLAIM] = event
        return False
    return True


@inlined
def take(s: State, o: int, t: int) -> None:
    """Use the port with record ``o`` in cycle ``t``."""
    s.port[o + P_TIME] = t
    s.port[o + P_CLAIM] = -1
    s.port[o + P_COUNT] += 1


@inlined
def unclaim(s: State, o: int, event: int) -> None:
    """A blocked event gives up its turn at the port."""
    if s.port[o + P_CLAIM] == event:
        s.port[o + P_CLAIM] = -1


@inlined
def sleep_until(s: State, core: int, due: int) -> None:
    """Link a core into the list of sleepers of cycle ``due`` modulo the sleep wheel."""
    b = due & (SLEEP_WHEEL - 1)
    s.core[core * CORE_WORDS + C_DUE] = due
    s.core[core * CORE_WORDS + C_LINK] = s.sleep[b]
    s.sleep[b] = core
