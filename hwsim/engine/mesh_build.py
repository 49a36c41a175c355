"""From routes per router and colour to the lane records of the wavelet mesh (compiled: a wafer has millions of lanes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.engine.mesh_core import direction_of
from hwsim.engine.mesh_isa import EAST, F_IN, F_OUT, NORTH, OP_ROUTE, OP_STREAM, RAMP, RAMP_BIT, SOUTH, WEST, Program
from hwsim.engine.mesh_jit import inlined, loop
from hwsim.engine.mesh_state import (
    L_CAP,
    L_DIR,
    L_DST,
    L_OUT,
    L_PORT,
    L_READER,
    L_WAITER,
    LANE_WORDS,
)

FAULT_NONE, FAULT_EDGE, FAULT_UNHEARD = range(3)


class Grid(NamedTuple):
    """Width, height and number of colours of the mesh being built."""

    width: int
    height: int
    colours: int


class Caps(NamedTuple):
    """Capacity in wavelets of a queue fed by a link, by the RAMP out of a core, and of the queue into a core."""

    link: int
    ramp_out: int
    ramp_in: int


@loop
def count_lanes(rx: NDArray[np.uint8], tx: NDArray[np.uint8], base: NDArray[np.int32]) -> int:
    """Number of lanes; ``base[i]`` becomes the first lane of (router, colour) ``i``: one per input, one into the core."""
    n = 0
    for i in range(rx.size):
        base[i] = n
        bits = int(rx[i])
        while bits:
            n += bits & 1
            bits >>= 1
        if tx[i] & RAMP_BIT:
            n += 1
    return n


@inlined
def rank(bits: int, direction: int) -> int:
    """How many directions below ``direction`` are in the set."""
    bits &= (1 << direction) - 1
    n = 0
    while bits:
        n += bits & 1
        bits >>= 1
    return n


@inlined
def neighbour(grid: Grid, core: int, d: int) -> int:
    """The core one hop away, or -1 beyond the edge."""
    y, x = core // grid.width, core % grid.width
    if d == NORTH:
        return core - grid.width if y > 0 else -1
    if d == SOUTH:
        return core + grid.width if y < grid.height - 1 else -1
    if d == EAST:
        return core + 1 if x < grid.width - 1 else -1
    return core - 1 if x > 0 else -1


@inlined
def opposite(d: int) -> int:
    """The direction a wavelet sent towards ``d`` comes from at the neighbour."""
    return (SOUTH, NORTH, WEST, EAST)[d]


@loop
def fill_lanes(
    grid: Grid,
    caps: Caps,
    rx: NDArray[np.uint8],
    tx: NDArray[np.uint8],
    rx_now: NDArray[np.uint8],
    tx_now: NDArray[np.uint8],
    base: NDArray[np.int32],
    lane: NDArray[np.int32],
    fault: NDArray[np.int64],
) -> int:
    """Fill the lane records; ``rx``/``tx`` are all directions ever used, ``rx_now``/``tx_now`` the first route."""
    for core in range(grid.width * grid.height):
        for colour in range(grid.colours):
            i = core * grid.colours + colour
            if rx[i] == 0:
                continue
            into = base[i] + rank(rx[i], 5)
            if tx[i] & RAMP_BIT:
                q = into * LANE_WORDS
                lane[q + L_CAP] = caps.ramp_in
                lane[q + L_WAITER] = lane[q + L_READER] = -1
            for d in range(5):
                if not (rx[i] >> d) & 1:
                    continue
                q = (base[i] + rank(rx[i], d)) * LANE_WORDS
                lane[q + L_CAP] = caps.ramp_out if d == RAMP else caps.link
                lane[q + L_WAITER] = lane[q + L_READER] = -1
                lane[q + L_PORT] = core * 5
                out = int(tx_now[i]) if (rx_now[i] >> d) & 1 else 0
                lane[q + L_OUT] = out
                lane[q + L_DIR] = direction_of(out)
                if tx[i] & RAMP_BIT:
                    lane[q + L_DST + RAMP] = into
                for to in range(4):
                    if (tx[i] >> to) & 1:
                        there = neighbour(grid, core, to)
                        j = there * grid.colours + colour
                        if there < 0 or not (rx[j] >> opposite(to)) & 1:
                            fault[0], fault[1], fault[2] = core, colour, to
                            return FAULT_EDGE if there < 0 else FAULT_UNHEARD
                        lane[q + L_DST + to] = base[j] + rank(rx[j], opposite(to))
    return FAULT_NONE


@loop
def missing_ramp(sends: NDArray[np.uint8], hears: NDArray[np.uint8], rx: NDArray[np.uint8], tx: NDArray[np.uint8]) -> int:
    """The first (router, colour) whose core sends or receives without a route from or to its RAMP, or -1."""
    for i in range(rx.size):
        if (sends[i] and not rx[i] & RAMP_BIT) or (hears[i] and not tx[i] & RAMP_BIT):
            return i
    return -1


class Uses(NamedTuple):
    """Per (core, colour): whether the core sends and receives, and the directions its run-time routes add."""

    sends: NDArray[np.uint8]
    hears: NDArray[np.uint8]
    rx: NDArray[np.uint8]
    tx: NDArray[np.uint8]


def colour_uses(programs: Sequence[Program], which: NDArray[np.int32], regs: NDArray[np.int32], colours: int) -> Uses:
    """What the programs do with colours: ``which`` (cores,) numbers each core's program, ``regs`` (cores, n) its registers.

    Raises InvalidMapping for colours that do not exist.
    """
    uses = Uses(*(np.zeros((which.size, colours), dtype=np.uint8) for _ in range(4)))

    def mark(table: NDArray[np.uint8], cores: NDArray[np.intp], operand: int, bits: int) -> None:
        colour = np.full(cores.size, operand) if operand >= 0 else regs[cores, -1 - operand]
        if cores.size and not 0 <= int(colour.min()) <= int(colour.max()) < colours:
            raise InvalidMapping(f"mesh: a program uses a colour outside 0..{colours - 1}")
        more = np.full(cores.size, bits) if bits >= 0 else regs[cores, -1 - bits]
        table[cores, colour] |= more.astype(np.uint8)

    for index, body in enumerate(programs):
        cores = np.flatnonzero(which == index)
        for i in set(body):
            if i.op == OP_STREAM and i.length != 0:
                moving = cores if i.length > 0 else cores[regs[cores, -1 - i.length] > 0]
                if i.flags & F_IN:
                    mark(uses.hears, moving, i.colour_in, 1)
                if i.flags & F_OUT:
                    mark(uses.sends, moving, i.colour_out, 1)
            elif i.op == OP_ROUTE:
                mark(uses.rx, cores, i.colour_in, i.x1)
                mark(uses.tx, cores, i.colour_in, i.x2)
    return uses
