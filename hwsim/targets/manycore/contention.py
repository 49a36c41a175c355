"""Readers of other shires' scratchpads on the packet mesh: who reads whom, and what each draws when all do.

As in `refine`: a mesh of several layers, each as wide as a line, takes the lines of a layer by address, and one layer is run. Every shire asks for
its lines at the rate that it would draw alone; where flows share links, lines arrive later than they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.packet_mesh import PacketMesh
from hwsim.targets.manycore.refine import ROUTER

WINDOWS = 8  # windows of lines in flight that are run; the second half of them is the steady state
MOST_READERS = 2  # of one target, where all read at an exact distance


def targets_at(hops: float, shires: int, at: Sequence[tuple[float, float]]) -> list[int]:
    """A target `hops` away for each of `shires` of the shires at positions `at`, at most two readers each; -1 for those that do not read.

    A matching by augmenting paths, one reader a target where that is possible. O(shires^3).
    """
    near = [[t for t, b in enumerate(at) if t != s and abs(a[0] - b[0]) + abs(a[1] - b[1]) == hops] for s, a in enumerate(at)]
    target = [-1] * len(at)
    readers: list[list[int]] = [[] for _ in at]

    def assign(shire: int, most: int, seen: set[int]) -> bool:
        for t in near[shire]:
            if t in seen:
                continue
            seen.add(t)
            if len(readers[t]) < most:
                readers[t].append(shire)
                target[shire] = t
                return True
            for other in list(readers[t]):
                if assign(other, most, seen):
                    readers[t].remove(other)
                    readers[t].append(shire)
                    target[shire] = t
                    return True
        return False

    for most in range(1, MOST_READERS + 1):
        for shire in range(len(at)):
            if target[shire] < 0 and sum(t >= 0 for t in target) < shires:
                assign(shire, most, set())
    return target


def shares(targets: Sequence[int], cycles: Sequence[float], lines: int, at: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """What each shire draws over what it would draw alone, (shires,), 0 to 1: `lines` lines of a layer asked for every `cycles[s]` NoC cycles.

    `targets[s]`: the shire that s reads from, -1 for none.
    """
    width, height = (int(max(place[i] for place in at)) + 1 for i in (0, 1))
    stops = np.array([int(y) * width + int(x) for x, y in at])
    reading = np.array([s for s, t in enumerate(targets) if t >= 0])
    line, reader = (found.ravel() for found in np.meshgrid(np.arange(WINDOWS * lines), reading, indexing="ij"))
    ready = np.floor(line * np.asarray(cycles)[reader] / lines).astype(np.int64)
    order = np.argsort(ready, kind="stable")
    line, reader, ready = line[order], reader[order], ready[order]
    arrived = PacketMesh(width, height, ROUTER).deliver(stops[np.asarray(targets)[reader]], stops[reader], 1, ready).arrival_cycles
    found = np.zeros(len(targets))
    steady = WINDOWS // 2 * lines
    for shire in reading:
        mine = np.sort(arrived[reader == shire])
        found[shire] = min(1.0, cycles[shire] * (WINDOWS - WINDOWS // 2) / max(1, mine[-1] - mine[steady - 1]))
    return found


def layers_of(link_bytes_per_noc_cycle: float, line_bytes: float) -> int:
    """Layers of the mesh, each as wide as a line."""
    return max(1, math.floor(link_bytes_per_noc_cycle / line_bytes))
