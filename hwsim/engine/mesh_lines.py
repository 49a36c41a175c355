"""Lines of cores of the wavelet mesh: one description of a line's routes and programs, laid on every row or every column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.engine.mesh import MeshProgram, RouteTable
from hwsim.engine.mesh_isa import E_BIT, N_BIT, RAMP_BIT, S_BIT, W_BIT, Instr, Program, recv, recv_add, recv_add_send, send


def colour_intervals(messages: Sequence[tuple[int, int]]) -> list[int]:
    """A colour for every message (source, destination) of a line so that no router sees one colour twice.

    Messages are intervals of routers; first fit in the order of the lower ends is optimal: as many colours as messages
    pass the busiest router (3 for the two-hop interleave and for a ring with neighbour hops and a wrap).
    """
    colours = [0] * len(messages)
    busy_to: list[int] = []  # per colour: the last router it occupies
    for index in sorted(range(len(messages)), key=lambda i: min(messages[i])):
        low, high = min(messages[index]), max(messages[index])
        colour = next((c for c, last in enumerate(busy_to) if last < low), len(busy_to))
        if colour == len(busy_to):
            busy_to.append(-1)
        busy_to[colour] = high
        colours[index] = colour
    return colours


class Lines:
    """All rows (``axis`` "x") or all columns ("y") of a route table, as lines of ``length`` cores with one body each.

    Position 0 is the west or north end; *forward* is east or south. ``bodies[i]`` collects the instructions of position i.
    """

    def __init__(self, routes: RouteTable, axis: str = "x") -> None:
        if axis not in ("x", "y"):
            raise InvalidMapping(f"mesh: axis '{axis}' is neither 'x' nor 'y'")
        self.routes, self.axis = routes, axis
        self.length = routes.width if axis == "x" else routes.height
        self.forward, self.backward = (E_BIT, W_BIT) if axis == "x" else (S_BIT, N_BIT)
        self.bodies: list[list[Instr]] = [[] for _ in range(self.length)]

    def add(self, colour: int, position: object, rx: int, tx: int) -> None:
        """Add directions to the route of ``colour`` at a position of every line."""
        if self.axis == "x":
            self.routes.add(colour, slice(None), position, rx, tx)
        else:
            self.routes.add(colour, position, slice(None), rx, tx)

    def message(self, colour: int, source: int, destination: int) -> None:
        """Route ``colour`` from the core at ``source`` to the core at ``destination`` through the routers between."""
        ahead, behind = (self.forward, self.backward) if destination > source else (self.backward, self.forward)
        low, high = min(source, destination), max(source, destination)
        self.add(colour, source, RAMP_BIT, ahead)
        self.add(colour, slice(low + 1, high), behind, ahead)
        self.add(colour, destination, behind, RAMP_BIT)

    def chain(self, positions: Sequence[int], colours: tuple[int, int], addr: int, wavelets: int) -> None:
        """Add up along ``positions`` into the last one: send, receive-add-send ..., receive-add; routers between only pass."""
        for j, (here, there) in enumerate(pairwise(positions)):
            out = colours[j % 2]
            self.message(out, here, there)
            into = colours[(j - 1) % 2]
            self.bodies[here].append(recv_add_send(into, out, addr, wavelets) if j else send(out, addr, wavelets))
        if len(positions) > 1:
            self.bodies[positions[-1]].append(recv_add(colours[len(positions) % 2], addr, wavelets))

    def flood(self, root: int, colour: int, addr: int, wavelets: int) -> None:
        """Multicast from ``root`` to every core of the line, both ways at once."""
        last = self.length - 1
        ways = (self.forward if root < last else 0) | (self.backward if root > 0 else 0)
        if ways:
            self.add(colour, root, RAMP_BIT, ways)
        self.add(colour, slice(root + 1, last), self.backward, self.forward | RAMP_BIT)
        self.add(colour, slice(1, root), self.forward, self.backward | RAMP_BIT)
        if root < last:
            self.add(colour, last, self.backward, RAMP_BIT)
        if root > 0:
            self.add(colour, 0, self.forward, RAMP_BIT)
        for position, body in enumerate(self.bodies):
            if position != root:
                body.append(recv(colour, addr, wavelets))
            elif ways:
                body.append(send(colour, addr, wavelets))

    def program(self, memory: NDArray[np.float64] | None, *, prefix: Program = (), threads: int = 0) -> MeshProgram:
        """The mesh program: every core runs ``prefix``, then the body of its position; equal bodies are stored once."""
        shape = (self.routes.height, self.routes.width)
        programs, index = distinct(self.bodies)
        which = np.broadcast_to(index[None, :] if self.axis == "x" else index[:, None], shape)
        bodies = tuple([*prefix, *body] for body in programs)
        return MeshProgram(self.routes, bodies, np.ascontiguousarray(which), np.zeros((*shape, 1), dtype=np.int32), memory, threads)


def distinct(bodies: Iterable[Sequence[Instr]]) -> tuple[list[tuple[Instr, ...]], NDArray[np.int32]]:
    """The different bodies, and for each given body the index of its equal."""
    seen: dict[tuple[Instr, ...], int] = {}
    index = [seen.setdefault(tuple(body), len(seen)) for body in bodies]
    return list(seen), np.array(index, dtype=np.int32)
