"""Reduce, broadcast and allreduce on a line of the wavelet mesh (Luczynski et al., HPDC 2024), and the shift of a KV cache.

Every ``run_*`` builds routes and programs, simulates them cycle by cycle and returns a :class:`~hwsim.engine.mesh.MeshRun` whose
``result`` holds what the algorithm computed. ``data=None`` moves counts only (skeleton mode).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.engine.mesh import MeshProgram, MeshRun, MeshTiming, RouteTable, WaveletMesh
from hwsim.engine.mesh_gemv import KTREE_COLOURS, default_groups, ktree
from hwsim.engine.mesh_isa import (
    E_BIT,
    N_BIT,
    RAMP_BIT,
    S_BIT,
    W_BIT,
    copy,
    delay,
    recv,
    recv_add,
    recv_add_send,
    reg,
    repeat,
    send,
    set_route,
    swap,
    wait,
)
from hwsim.engine.mesh_lines import Lines, colour_intervals

Data = NDArray[np.float64] | None
REDUCES = ("reduce_star", "reduce_chain", "reduce_tree", "reduce_two_phase")


def _star(lines: Lines, addr: int, wavelets: int, colour: int) -> int:
    """Nearest core first: a router passes its own core's wavelets, then switches to those from farther out."""
    last = lines.length - 1
    for i in range(1, lines.length):
        lines.add(colour, i, RAMP_BIT, lines.backward)
        lines.bodies[i].append(send(colour, addr, wavelets))
        if i < last:
            lines.bodies[i].append(set_route(colour, lines.forward, lines.backward))
    lines.add(colour, 0, lines.forward, RAMP_BIT)
    lines.bodies[0].extend(repeat(last, [recv_add(colour, addr, wavelets)]))
    return colour + 1


def _chain(lines: Lines, addr: int, wavelets: int, colour: int) -> int:
    lines.chain(range(lines.length - 1, -1, -1), (colour, colour + 1), addr, wavelets)
    return colour + 2


def _tree(lines: Lines, addr: int, wavelets: int, colour: int) -> int:
    """Round j: position i, an odd multiple of 2^j, adds into i - 2^j; a core streams its last receive into its send."""
    for i in range(lines.length):
        rounds, stride = [], 1
        while (i == 0 or i % (2 * stride) == 0) and stride < lines.length:
            if i + stride < lines.length:
                rounds.append(colour + stride.bit_length() - 1)
            stride *= 2
        out = colour + stride.bit_length() - 1
        if i == 0:
            lines.bodies[i].extend(recv_add(c, addr, wavelets) for c in rounds)
            continue
        lines.message(out, i, i - stride)
        lines.bodies[i].extend(recv_add(c, addr, wavelets) for c in rounds[:-1])
        lines.bodies[i].append(recv_add_send(rounds[-1], out, addr, wavelets) if rounds else send(out, addr, wavelets))
    return colour + max(1, (lines.length - 1).bit_length())


def _two_phase(lines: Lines, addr: int, wavelets: int, colour: int, size: int | None = None) -> int:
    """Chains of about sqrt(P) cores into their heads, then one chain over the heads."""
    p = lines.length
    group = two_phase_size(p) if size is None else size
    for start in range(0, p, group):
        lines.chain(range(min(start + group, p) - 1, start - 1, -1), (colour, colour + 1), addr, wavelets)
    lines.chain(range((p - 1) // group * group, -1, -group), (colour + 2, colour + 3), addr, wavelets)
    return colour + 4


def two_phase_size(p: int) -> int:
    """Cores per chain of the first phase: the divisor of P nearest to its root."""
    return min((d for d in range(1, p + 1) if p % d == 0), key=lambda d: (abs(d - p / d), d))


_REDUCE = {"reduce_star": _star, "reduce_chain": _chain, "reduce_tree": _tree, "reduce_two_phase": _two_phase}


def _memory(p: int, wavelets: int, data: Data) -> NDArray[np.float64] | None:
    if p < 1 or wavelets < 1:
        raise InvalidMapping(f"mesh collective: {p} cores and {wavelets} wavelets; both have to be at least 1")
    if data is None:
        return None
    if data.shape != (p, wavelets):
        raise InvalidMapping(f"mesh collective: data of shape {data.shape} is not ({p}, {wavelets})")
    return np.array(data, dtype=np.float64).reshape(1, p, wavelets)


def _run_line(lines: Lines, memory: NDArray[np.float64] | None, timing: MeshTiming, threads: int = 0) -> MeshRun:
    used = int(np.flatnonzero(lines.routes.rx.any(axis=(1, 2)))[-1]) + 1 if lines.routes.rx.any() else 1
    lines.routes.rx, lines.routes.tx = lines.routes.rx[:used], lines.routes.tx[:used]
    return WaveletMesh(lines.program(memory, threads=threads), timing).run()


def run_reduce(kind: str, p: int, wavelets: int, timing: MeshTiming, *, data: Data = None) -> MeshRun:
    """Sum ``wavelets`` elements over a line of ``p`` cores into core 0; ``kind`` is one of :data:`REDUCES`.

    ``data``: (p, wavelets); ``result``: (wavelets,). Raises InvalidMapping for unknown kinds and sizes below one.
    """
    memory = _memory(p, wavelets, data)
    if kind not in _REDUCE:
        raise InvalidMapping(f"mesh: reduce '{kind}' is not one of {', '.join(REDUCES)}")
    lines = Lines(RouteTable(p, 1, 32))
    _REDUCE[kind](lines, 0, wavelets, 0)
    run = _run_line(lines, memory, timing)
    return run if run.memory is None else replace(run, result=run.memory[0, 0])


def run_broadcast(width: int, height: int, wavelets: int, timing: MeshTiming, *, data: Data = None) -> MeshRun:
    """Flood ``wavelets`` elements from the north-west corner over the grid: along row 0, down every column.

    ``data``: (wavelets,); ``result``: (height, width, wavelets).
    """
    if width < 1 or height < 1 or wavelets < 1:
        raise InvalidMapping(f"mesh broadcast: {width} x {height} cores, {wavelets} wavelets; all have to be at least 1")
    routes = RouteTable(width, height, 1)
    rows, columns = slice(1, height), slice(1, width)
    down = S_BIT if height > 1 else 0
    if width * height > 1:
        routes.add(0, 0, 0, RAMP_BIT, (E_BIT if width > 1 else 0) | down)
        routes.add(0, 0, columns, W_BIT, RAMP_BIT | down)
        routes.add(0, 0, slice(1, width - 1), 0, E_BIT)
        routes.add(0, rows, slice(None), N_BIT, RAMP_BIT)
        routes.add(0, slice(1, height - 1), slice(None), 0, S_BIT)
    which = np.ones((height, width), dtype=np.int32)
    which[0, 0] = 0
    memory = None
    if data is not None:
        if data.shape != (wavelets,):
            raise InvalidMapping(f"mesh broadcast: data of shape {data.shape} is not ({wavelets},)")
        memory = np.zeros((height, width, wavelets))
        memory[0, 0] = data
    source = [send(0, 0, wavelets)] if width * height > 1 else []
    programs = (source, [recv(0, 0, wavelets)])
    run = WaveletMesh(MeshProgram(routes, programs, which, np.zeros((height, width, 1), dtype=np.int32), memory), timing).run()
    return replace(run, result=run.memory)


def _ring(lines: Lines, wavelets: int) -> None:
    """Reduce-scatter, then allgather, of P chunks round a ring of neighbours and one wrap: store and forward."""
    p = lines.length
    chunk = wavelets // p
    messages = [(i, (i + 1) % p) for i in range(p)]
    colours = colour_intervals(messages)
    for (here, there), colour in zip(messages, colours, strict=True):
        lines.message(colour, here, there)
    for i, body in enumerate(lines.bodies):
        out, into = colours[i], colours[i - 1]
        for phase, take in enumerate((recv_add, recv)):
            for step in range(p - 1):
                first = (i + phase - step) % p
                body.append(send(out, first * chunk, chunk, asynchronous=True))
                body.append(take(into, (first - 1) % p * chunk, chunk))
                body.append(wait())


def run_allreduce(
    kind: str, p: int, wavelets: int, timing: MeshTiming, *, reduce: str = "reduce_chain", groups: int | None = None, data: Data = None
) -> MeshRun:
    """Sum over a line of ``p`` cores into all of them. ``kind``: allreduce_ring (P divides ``wavelets``), allreduce_ktree
    (``groups`` divides P), allreduce_reduce_broadcast (``reduce`` names the reduce).

    ``data``: (p, wavelets); ``result``: (p, wavelets), every row the sum.
    """
    memory = _memory(p, wavelets, data)
    lines = Lines(RouteTable(p, 1, 32))
    threads = 0
    if kind == "allreduce_ring":
        if wavelets % p:
            raise InvalidMapping(f"ring allreduce: {wavelets} wavelets are not a multiple of {p} cores")
        threads = 1
        if p > 1:
            _ring(lines, wavelets)
    elif kind == "allreduce_ktree":
        lines = Lines(RouteTable(p, 1, KTREE_COLOURS))
        ktree(lines, default_groups(p, timing) if groups is None else groups, 0, wavelets)
    elif kind == "allreduce_reduce_broadcast":
        if reduce not in _REDUCE:
            raise InvalidMapping(f"mesh: reduce '{reduce}' is not one of {', '.join(REDUCES)}")
        lines.flood(0, _REDUCE[reduce](lines, 0, wavelets, 0), 0, wavelets)
    else:
        raise InvalidMapping(f"mesh: allreduce '{kind}' is not allreduce_ring, allreduce_ktree or allreduce_reduce_broadcast")
    run = _run_line(lines, memory, timing, threads)
    return run if run.memory is None else replace(run, result=run.memory[0])


def run_kv_shift(
    width: int, height: int, rounds: int, wavelets: int, timing: MeshTiming, *, overhead: int = 0, copy_cycles: int = 0, data: Data = None
) -> MeshRun:
    """Shift the tiles of a ``width`` x ``height`` block right by ``rounds`` columns, on (width + rounds) x height cores.

    Store and forward, one column per round: even columns send, then receive, odd ones the reverse; then buffers are swapped, at
    ``overhead`` cycles a round. A copy of the tile (``copy_cycles``) precedes the rounds, another follows when their number is
    even; the last column then multicasts one wavelet back to the first. ``data``: (height, width, wavelets); ``result``: the
    block of the same shape as found ``rounds`` columns to the right.
    """
    if width < 1 or height < 1 or wavelets < 1 or rounds < 1:
        raise InvalidMapping(f"KV shift: {width} x {height} tiles of {wavelets} wavelets, {rounds} rounds; all have to be at least 1")
    columns = width + rounds
    lines = Lines(RouteTable(columns, height, 3))
    work, spare, tile = 0, wavelets, 2 * wavelets
    for x, body in enumerate(lines.bodies):
        out = [send(x % 2, reg(0), wavelets)] if x < columns - 1 else []
        into = [recv((x + 1) % 2, reg(1), wavelets)] if x > 0 else []
        body.append(copy(work, tile, wavelets, copy_cycles))
        body.extend(repeat(rounds, [*(out + into if x % 2 == 0 else into + out), delay(overhead), swap(0, 1)]))
        if rounds % 2 == 0:
            body.append(copy(tile, reg(0), wavelets, copy_cycles))
        if x < columns - 1:
            lines.message(x % 2, x, x + 1)
    lines.flood(columns - 1, 2, 3 * wavelets, 1)
    memory = None
    if data is not None:
        if data.shape != (height, width, wavelets):
            raise InvalidMapping(f"KV shift: data of shape {data.shape} is not ({height}, {width}, {wavelets})")
        memory = np.zeros((height, columns, 3 * wavelets + 1))
        memory[:, :width, 2 * wavelets : 3 * wavelets] = data
    registers = np.zeros((height, columns, 2), dtype=np.int32)
    registers[:, :, 1] = spare
    run = WaveletMesh(replace(lines.program(memory), registers=registers), timing).run()
    if run.memory is None:
        return run
    found = work if rounds % 2 == 0 else spare
    return replace(run, result=run.memory[:, rounds:, found : found + wavelets])


__all__ = ["REDUCES", "run_allreduce", "run_broadcast", "run_kv_shift", "run_reduce", "two_phase_size"]
