"""Message lists of common exchanges on a mesh, for :meth:`hwsim.engine.packet_mesh.PacketMesh.deliver`.

All messages are ready at cycle 0; per source they are in the order in which it sends them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, nearest

Longs = NDArray[np.int64]
Pairs = Iterator[tuple[int, int]]


def _corner_to_corner(width: int, height: int) -> Pairs:
    yield 0, width * height - 1


def _one_hop(width: int, height: int) -> Pairs:
    yield 0, 1


def _shift_x1(width: int, height: int) -> Pairs:
    for node in range(width * height):
        if node % width < width - 1:
            yield node, node + 1


def _halo4(width: int, height: int) -> Pairs:
    for node in range(width * height):
        x, y = node % width, node // width
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if 0 <= x + dx < width and 0 <= y + dy < height:
                yield node, node + dx + dy * width


def _row_broadcast(width: int, height: int) -> Pairs:
    for y in range(height):
        for x in range(width - 1, 0, -1):
            yield y * width, y * width + x


def _row_reduce(width: int, height: int) -> Pairs:
    for node in range(width * height):
        if node % width:
            yield node, node - node % width


def _row_alltoall(width: int, height: int) -> Pairs:
    for node in range(width * height):
        for d in range(1, width):
            yield node, node - node % width + (node + d) % width


def _transpose(width: int, height: int) -> Pairs:
    if width != height:
        raise InvalidMapping(f"packet mesh: transpose needs a square mesh, not {width} x {height}")
    for node in range(width * height):
        x, y = node % width, node // width
        if x != y:
            yield node, x * width + y


def _gather(width: int, height: int) -> Pairs:
    for node in range(1, width * height):
        yield node, 0


def _mirror_x(width: int, height: int) -> Pairs:
    for node in range(width * height):
        x = node % width
        if width - 1 - x != x:
            yield node, node - x + width - 1 - x


EXCHANGES: dict[str, Callable[[int, int], Pairs]] = {
    "single_corner_to_corner": _corner_to_corner,
    "single_1hop": _one_hop,
    "shift_x1": _shift_x1,
    "halo4_interleaved": _halo4,
    "row_bcast_unicast_interleaved": _row_broadcast,
    "row_reduce_to_x0_unicast": _row_reduce,
    "row_alltoall": _row_alltoall,
    "transpose": _transpose,
    "gather_all_to_0": _gather,
    "bisection_mirror_x": _mirror_x,
}


def exchange(name: str, width: int, height: int, rounds: int = 1) -> tuple[Longs, Longs]:
    """(sources, destinations), each (n,), of a named exchange done ``rounds`` times over: a source repeats its messages in turn.

    ``single_corner_to_corner``: 0 to the last node. ``single_1hop``: 0 to 1. ``shift_x1``: every node to x + 1.
    ``halo4_interleaved``: every node to +x, -x, +y, -y. ``row_bcast_unicast_interleaved``: x = 0 of each row to the others,
    farthest first; ``row_reduce_to_x0_unicast``: the others to x = 0. ``row_alltoall``: every node to x + 1, x + 2, ... modulo width.
    ``transpose``: (x, y) to (y, x), not to itself. ``gather_all_to_0``: all others to node 0. ``bisection_mirror_x``: (x, y) to
    (width - 1 - x, y). Raises InvalidMapping for an unknown name, rounds below 1 or a mesh narrower than 2.
    """
    if name not in EXCHANGES:
        raise InvalidMapping(f"packet mesh: unknown exchange '{name}'{nearest(name, EXCHANGES)}; known: {', '.join(EXCHANGES)}")
    if rounds < 1 or width < 2 or height < 1:
        raise InvalidMapping(f"packet mesh: {rounds} rounds of {name} on {width} x {height} nodes")
    pairs = np.array(list(EXCHANGES[name](width, height)), dtype=np.int64).reshape(-1, 2)
    return np.tile(pairs[:, 0], rounds), np.tile(pairs[:, 1], rounds)
