"""Repeaters where they help timing most: van Ginneken's algorithm (ISCAS 1990) on the routing tree of a net.

From the leaves to the driver, each vertex keeps the choices (capacitance c, required time q) that no other choice beats in both. A wire of
resistance R and capacitance C turns (c, q) into ``(c + C, q - R (C / 2 + c))``; a repeater at its head into ``(C_in, q - t_own - R_b c)``;
branches add c and take the least q. At the driver of resistance R_d the choice of the largest ``q - R_d c`` wins. Sinks that are not critical end
up behind repeaters, critical ones near the driver.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.buffers import Repeater
from hwsim.targets.stdcell.parasitics import SideWires

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
KEEP = 16  # choices kept at a vertex
SINK, WIRE, REPEATER, BRANCH = range(4)


def repeat_for_timing(
    side: SideWires, nets: NDArray[np.int64], pin_f: Floats, need_s: Floats, drive_ohm: Floats, repeaters: Sequence[Repeater],
    found: tuple[Ints, Floats, Floats, Floats, Flags, Floats],
) -> None:  # fmt: skip
    """Repeat `nets` of one side anew, in place.

    `repeaters` are the kinds to choose from, `need_s` [pins] is each sink's required time after the driver's switching, `drive_ohm` [nets] the
    drivers' resistance. `found` holds, per net, repeaters of each kind [nets, kinds], load of the driver, wire and repeater capacitance; per pin,
    delay, whether a repeater comes before it, delay of the last wire stage.
    """
    t = side.trees
    input_f, ohm, own = (np.array([getattr(r, name) for r in repeaters]) for name in ("input_f", "drive_ohm", "delay_s"))
    _repeat(nets, t.start, t.parent, t.pin, side.edge_ohm, side.edge_f, pin_f, need_s, drive_ohm, input_f, ohm, own, *found)  # fmt: skip


@jit
def _repeat(
    nets: NDArray[np.int64], start: Ints, parent: Ints, pin: Ints, edge_ohm: Floats, edge_f: Floats, pin_f: Floats, need: Floats, drive_ohm: Floats,
    input_f: Floats, repeater_ohm: Floats, own_s: Floats, count: Ints, load: Floats, total: Floats, delay: Floats, repeated: Flags, stage: Floats,
) -> None:  # fmt: skip
    kinds = len(input_f)
    for net in nets:
        first, last = start[net], start[net + 1]
        m = last - first
        if m < 2:
            continue
        room = m * (4 * KEEP + 4 + kinds)
        kind, left, right, vertex = np.empty(room, np.int8), np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.int32)
        c, q = np.empty(room), np.empty(room)
        lists, length = np.empty((m, KEEP), np.int32), np.zeros(m, np.int32)
        edge = np.empty(2 * KEEP + 2 + kinds, np.int32)
        n = 0
        for v in range(last - 1, first, -1):
            at = v - first
            if pin[v] >= 0:
                kind[n], vertex[n], c[n], q[n] = SINK, v, pin_f[pin[v]], need[pin[v]]
                edge[0] = n
                n = _merge(lists, length, at, edge, 1, kind, left, right, c, q, n + 1)
            plain = length[at]
            first_wire = n
            for i in range(plain):
                k = lists[at, i]
                kind[n], left[n], vertex[n] = WIRE, k, v
                c[n], q[n] = c[k] + edge_f[v], q[k] - edge_ohm[v] * (0.5 * edge_f[v] + c[k])
                edge[i] = n
                n += 1
            size = plain
            for b in range(kinds if plain > 0 else 0):
                best = first_wire
                for k in range(first_wire, first_wire + plain):
                    if q[k] - repeater_ohm[b] * c[k] > q[best] - repeater_ohm[b] * c[best]:
                        best = k
                kind[n], left[n], right[n], vertex[n] = REPEATER, best, b, v
                c[n], q[n] = input_f[b], q[best] - own_s[b] - repeater_ohm[b] * c[best]
                place = size
                while place > 0 and c[edge[place - 1]] > c[n]:
                    edge[place] = edge[place - 1]
                    place -= 1
                edge[place] = n
                size += 1
                n += 1
            plain = _prune(edge, size, c, q)
            n = _merge(lists, length, parent[v] - first, edge, plain, kind, left, right, c, q, n)
        chosen = -1
        for i in range(length[0]):
            k = lists[0, i]
            if chosen < 0 or q[k] - drive_ohm[net] * c[k] > q[chosen] - drive_ohm[net] * c[chosen]:
                chosen = k
        load[net] = c[chosen]
        count[net, :] = 0
        total[net] = 0.0
        for v in range(first + 1, last):
            total[net] += edge_f[v]
        _walk(chosen, kind, left, right, vertex, c, edge_ohm, edge_f, pin, input_f, repeater_ohm, own_s, net, count, total, delay, repeated, stage)


@jit
def _prune(items: Ints, size: int, c: Floats, q: Floats) -> int:
    """Drop choices that another beats in both (items ascend in c); thin what is more than KEEP. Returns how many are left."""
    kept = 0
    for i in range(size):
        if kept == 0 or q[items[i]] > q[items[kept - 1]]:
            if kept > 0 and c[items[i]] == c[items[kept - 1]]:
                kept -= 1
            items[kept] = items[i]
            kept += 1
    if kept > KEEP:
        for i in range(KEEP):
            items[i] = items[(i * (kept - 1)) // (KEEP - 1)]
        kept = KEEP
    return kept


@jit
def _merge(
    lists: Ints, length: Ints, at: int, items: Ints, size: int, kind: NDArray[np.int8], left: Ints, right: Ints, c: Floats, q: Floats, n: int
) -> int:  # fmt: skip
    """Join the choices `items` of a branch with those of vertex `at`; returns the next free choice."""
    if length[at] == 0:
        for i in range(size):
            lists[at, i] = items[i]
        length[at] = size
        return n
    joined = np.empty(2 * KEEP + 2, np.int32)
    i = j = made = 0
    while i < length[at] and j < size:
        a, b = lists[at, i], items[j]
        kind[n], left[n], right[n] = BRANCH, a, b
        c[n], q[n] = c[a] + c[b], min(q[a], q[b])
        joined[made] = n
        made += 1
        n += 1
        if q[a] <= q[b]:
            i += 1
        else:
            j += 1
    made = _prune(joined, made, c, q)
    for k in range(made):
        lists[at, k] = joined[k]
    length[at] = made
    return n


@jit
def _walk(
    root: int, kind: NDArray[np.int8], left: Ints, right: Ints, vertex: Ints, c: Floats, edge_ohm: Floats, edge_f: Floats, pin: Ints, right_f: Floats,
    repeater_ohm: Floats, own_s: Floats, net: int, count: Ints, total: Floats, delay: Floats, repeated: Flags, stage: Floats,
) -> None:  # fmt: skip
    """Delays from the driver to the sinks of the chosen tree."""
    todo = [(root, 0.0, 0.0, False)]
    while len(todo) > 0:
        k, when, wire, behind = todo.pop()
        if kind[k] == SINK:
            p = pin[vertex[k]]
            delay[p], stage[p], repeated[p] = when, wire, behind
        elif kind[k] == WIRE:
            v = vertex[k]
            step = edge_ohm[v] * (0.5 * edge_f[v] + c[left[k]])
            todo.append((left[k], when + step, wire + step, behind))
        elif kind[k] == REPEATER:
            b = right[k]
            count[net, b] += 1
            total[net] += right_f[b]
            todo.append((left[k], when + own_s[b] + repeater_ohm[b] * c[left[k]], 0.0, True))
        else:
            todo.append((left[k], when, wire, behind))
            todo.append((right[k], when, wire, behind))
