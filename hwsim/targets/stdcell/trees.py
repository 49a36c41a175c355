"""Rectilinear Steiner trees of all nets on one side.

Pins join the tree in the order of their distance to it. A pin joins an edge at the nearest point of the box that the edge's ends span: some shortest
path between them passes there, so the edge may be bent through it at no cost. On random nets this lies a few per cent above the shortest tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.placement import Placement
from hwsim.targets.stdcell.sides import BOTH, Sides

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Trees:
    """The trees of one side. The vertices of net ``i`` are ``start[i]:start[i + 1]``: none, or the driver first and parents before their children.

    `x`, `y` [vertices] in um, `parent` [vertices] the vertex that feeds it (-1: driver), `pin` [vertices] the pin there (-1: a branching point).
    """

    start: Ints
    x: Floats
    y: Floats
    parent: Ints
    pin: Ints

    @cached_property
    def length_um(self) -> Floats:
        """Length of the edge that feeds each vertex [vertices]; 0 for drivers."""
        found: Floats = np.abs(self.x - self.x[self.parent]) + np.abs(self.y - self.y[self.parent])
        found[self.parent < 0] = 0.0
        return found

    @cached_property
    def net_length_um(self) -> Floats:
        """Length of each net's tree [nets]."""
        along = np.concatenate([[0.0], np.cumsum(self.length_um)])
        found: Floats = np.maximum(along[self.start[1:]] - along[self.start[:-1]], 0.0)
        return found

    @cached_property
    def reach_um(self) -> Floats:
        """Longest path from the driver to a sink of each net [nets]."""
        return _reach(self.start, self.parent, self.length_um)

    @cached_property
    def net_sinks(self) -> Ints:
        """Sinks of each net on this side [nets]."""
        held = np.concatenate([[0], np.cumsum((self.pin >= 0) & (self.parent >= 0))])
        found: Ints = (held[self.start[1:]] - held[self.start[:-1]]).astype(np.int32)
        return found


@jit
def _reach(start: Ints, parent: Ints, length: Floats) -> Floats:
    found, path = np.zeros(len(start) - 1), np.zeros(len(parent))
    for net in range(len(start) - 1):
        for v in range(start[net] + 1, start[net + 1]):
            path[v] = path[parent[v]] + length[v]
            found[net] = max(found[net], path[v])
    return found


def grow_trees(placement: Placement, side: Sides, which: int) -> Trees:
    """The trees of all nets with the sinks on side `which` (`FRONT` or `BACK`), clock nets left out. O(pins^2) per net."""
    n = placement.netlist
    chosen = (side == which) | (side == BOTH)
    chosen[np.isin(n.pin_net, n.clock_nets)] = False
    pins = np.flatnonzero(chosen).astype(np.int32)
    counts = np.bincount(n.pin_net[pins], minlength=n.nets)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    at = placement.node[pins]
    found = _grow(start, placement.x[at], placement.y[at])
    return Trees(found[0], found[1], found[2], found[3], np.where(found[4] >= 0, pins[found[4]], -1).astype(np.int32))


@jit
def _grow(start: Ints, x: Floats, y: Floats) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    """Trees over the terminals `start` (driver first): (start, x, y, parent, terminal) of their vertices."""
    nets = len(start) - 1
    room = max(1, 2 * len(x))
    new_start = np.zeros(nets + 1, np.int32)
    out_x, out_y, out_parent, out_pin = np.empty(room), np.empty(room), np.empty(room, np.int32), np.empty(room, np.int32)
    k = 0
    for net in range(nets):
        first, last = start[net], start[net + 1]
        if last - first >= 2:
            k += _tree(x[first:last], y[first:last], first, k, out_x, out_y, out_parent, out_pin)
        new_start[net + 1] = k
    return new_start, out_x[:k].copy(), out_y[:k].copy(), out_parent[:k].copy(), out_pin[:k].copy()


@jit
def _tree(x: Floats, y: Floats, first: int, base: int, out_x: Floats, out_y: Floats, out_parent: Ints, out_pin: Ints) -> int:
    """One tree, written from `base` on; returns its number of vertices."""
    p = len(x)
    vx, vy = np.empty(2 * p), np.empty(2 * p)
    parent, pin = np.full(2 * p, -1, np.int32), np.full(2 * p, -1, np.int32)
    vx[0], vy[0], pin[0] = x[0], y[0], 0
    count = 1
    near, edge = np.empty(p), np.zeros(p, np.int32)  # distance to the tree, and the vertex whose feeding edge (or itself, the driver) is nearest
    for i in range(1, p):
        near[i] = abs(x[i] - x[0]) + abs(y[i] - y[0])
    joined = np.zeros(p, np.bool_)
    for _ in range(p - 1):
        best = -1
        for i in range(1, p):
            if not joined[i] and (best < 0 or near[i] < near[best]):
                best = i
        joined[best] = True
        v = edge[best]
        old = count
        anchor = v
        if parent[v] >= 0:
            u = parent[v]
            sx = min(max(x[best], min(vx[u], vx[v])), max(vx[u], vx[v]))
            sy = min(max(y[best], min(vy[u], vy[v])), max(vy[u], vy[v]))
            if sx == vx[u] and sy == vy[u]:
                anchor = u
            elif sx != vx[v] or sy != vy[v]:
                vx[count], vy[count], parent[count] = sx, sy, u
                parent[v] = count
                anchor = count
                count += 1
        vx[count], vy[count], parent[count], pin[count] = x[best], y[best], anchor, best
        count += 1
        for i in range(1, p):
            if joined[i]:
                continue
            if edge[i] == v and parent[v] >= 0 and old != count:  # its edge may have been bent: measure it anew
                near[i] = np.inf
                _nearest(i, v, x, y, vx, vy, parent, near, edge)
            for w in range(old, count):
                _nearest(i, w, x, y, vx, vy, parent, near, edge)
    depth = np.zeros(count, np.int32)
    for v in range(count):
        u = v
        while parent[u] >= 0:
            depth[v] += 1
            u = parent[u]
    order = np.argsort(depth, kind="mergesort")
    place = np.empty(count, np.int32)
    for k in range(count):
        place[order[k]] = k
    for k in range(count):
        v = order[k]
        out_x[base + k], out_y[base + k] = vx[v], vy[v]
        out_parent[base + k] = base + place[parent[v]] if parent[v] >= 0 else -1
        out_pin[base + k] = first + pin[v] if pin[v] >= 0 else -1
    return count


@jit
def _nearest(i: int, v: int, x: Floats, y: Floats, vx: Floats, vy: Floats, parent: Ints, near: Floats, edge: Ints) -> None:
    """Let terminal `i` know of the edge that feeds vertex `v`."""
    u = parent[v]
    dx = max(min(vx[u], vx[v]) - x[i], x[i] - max(vx[u], vx[v]), 0.0)
    dy = max(min(vy[u], vy[v]) - y[i], y[i] - max(vy[u], vy[v]), 0.0)
    if dx + dy < near[i]:
        near[i], edge[i] = dx + dy, v


def steiner_length(x: Floats, y: Floats) -> float:
    """Length of the tree over points, um, the first being the driver."""
    start = np.array([0, len(x)], np.int32)
    _, tx, ty, parent, _ = _grow(start, np.ascontiguousarray(x), np.ascontiguousarray(y))
    return float((np.abs(tx - tx[parent]) + np.abs(ty - ty[parent]))[parent >= 0].sum())
