"""Where shires and memory shires sit on the mesh, hops between them, and links that flows share.

The drawn map (columns shire_x, shire_y by shire ID) holds for its own number of shires; another number is laid out row by row on a near-square
grid with the memory shires spread along its north and south edges. Hops are Manhattan distances; routes go along x, then along y.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit, part
from hwsim.targets.manycore.spec import MAP_SIZE, MEMORY_SHIRES

EDGE = MEMORY_SHIRES // 2


@part
def grid_width(p: Any) -> int:
    """Columns of the grid that holds p.shires shires."""
    return math.ceil(math.sqrt(p.shires))


@part
def shire_column(shire: int, p: Any) -> int:
    """Column of a shire by its ID."""
    if p.shires == MAP_SIZE:
        return int(p.shire_x[shire])
    return shire % grid_width(p)


@part
def shire_row(shire: int, p: Any) -> int:
    """Row of a shire by its ID."""
    if p.shires == MAP_SIZE:
        return int(p.shire_y[shire])
    return shire // grid_width(p)


@part
def shire_hops(a: int, b: int, p: Any) -> float:
    """Hops between two shires."""
    return float(abs(shire_column(a, p) - shire_column(b, p)) + abs(shire_row(a, p) - shire_row(b, p)))


@jit
def longest_hops(p: Any) -> float:
    """Hops between the two shires that are farthest apart: the widest range of x + y, or of x - y."""
    least_sum, most_sum, least_difference, most_difference = 1e9, -1e9, 1e9, -1e9
    for shire in range(int(p.shires)):
        x, y = shire_column(shire, p), shire_row(shire, p)
        least_sum, most_sum = min(least_sum, x + y), max(most_sum, x + y)
        least_difference, most_difference = min(least_difference, x - y), max(most_difference, x - y)
    return float(max(most_sum - least_sum, most_difference - least_difference))


@part
def memory_hops_of(home: int, p: Any) -> float:
    """Hops from the shire that homes a line to the memory shire of that line (PA[8:6] of the home's PA[10:6])."""
    memory = home % MEMORY_SHIRES
    x, y = shire_column(home, p), shire_row(home, p)
    if p.shires == MAP_SIZE:
        return float(abs(x - p.memory_shire_x[memory]) + abs(y - p.memory_shire_y[memory]))
    width = grid_width(p)
    rows = math.ceil(p.shires / width)
    column = ((memory % EDGE) + 0.5) * width / EDGE - 0.5
    return abs(x - column) + (y + 1.0 if memory < EDGE else rows - y)


@part
def mean_home_hops_from(shire: int, p: Any) -> float:
    """Mean hops from `shire` to the homes of lines spread over all shires."""
    total = 0.0
    for home in range(int(p.shires)):
        total += shire_hops(shire, home, p)
    return float(total / p.shires)


@part
def mean_memory_hops(p: Any) -> float:
    """Mean hops from the homes to the memory shires of their lines."""
    total = 0.0
    for home in range(int(p.shires)):
        total += memory_hops_of(home, p)
    return float(total / p.shires)


@jit
def mean_home_hops(p: Any) -> float:
    """Mean hops over all pairs of requester and home, a shire with itself included: the mean over columns plus the mean over rows."""
    n = int(p.shires)
    columns, rows = np.zeros(n + 1), np.zeros(n + 1)
    for shire in range(n):
        columns[min(n, max(0, shire_column(shire, p)))] += 1.0
        rows[min(n, max(0, shire_row(shire, p)))] += 1.0
    total = 0.0
    for lines in (columns, rows):
        before = 0.0
        for line in range(n):  # pairs that straddle the boundary after this line
            before += lines[line]
            total += 2.0 * before * (n - before)
            if before == n:
                break
    return total / (n * n)


@part
def offset_source(shire: int, offset: int, shires: int) -> int:
    """The shire that `shire` reads from in a ring by ID."""
    return (shire + offset) % shires


@jit
def longest_offset_hops(offset: int, shires: int, p: Any) -> float:
    """Longest hand-off of a ring by ID offset over the first `shires` shires."""
    longest = 0.0
    for shire in range(shires):
        longest = max(longest, shire_hops(shire, offset_source(shire, offset, shires), p))
    return longest


@jit
def mean_offset_hops(offset: int, shires: int, p: Any) -> float:
    """Mean hand-off of a ring by ID offset over the first `shires` shires."""
    total = 0.0
    for shire in range(shires):
        total += shire_hops(shire, offset_source(shire, offset, shires), p)
    return total / shires


@jit
def pairs_at(hops: float, p: Any) -> int:
    """Number of shires that have another shire exactly `hops` away."""
    found = 0
    for shire in range(int(p.shires)):
        for other in range(int(p.shires)):
            if other != shire and shire_hops(shire, other, p) == hops:
                found += 1
                break
    return found


@jit
def _walk(source: int, sink: int, loads: NDArray[np.int64], add: int, p: Any) -> int:
    """Follow the route x first, then y; add `add` to each link's flows and return the most flows on one of its links."""
    x, y, most = shire_column(source, p), shire_row(source, p), 0
    end_x, end_y = shire_column(sink, p), shire_row(sink, p)
    while x != end_x or y != end_y:
        if x != end_x:
            way, dx, dy = (0, 1, 0) if end_x > x else (1, -1, 0)
        else:
            way, dx, dy = (2, 0, 1) if end_y > y else (3, 0, -1)
        loads[way, y, x] += add
        most = max(most, loads[way, y, x])
        x, y = x + dx, y + dy
    return most


@jit
def ring_link_flows(offset: int, shires: int, p: Any) -> NDArray[np.int64]:
    """Flows on the busiest link of each shire's route, every one of the first `shires` shires sending to the one `offset` further: (shires,)."""
    loads = np.zeros((4, int(p.shires) + 8, int(p.shires) + 8), dtype=np.int64)
    for shire in range(shires):
        _walk(shire, offset_source(shire, offset, shires), loads, 1, p)
    flows = np.zeros(shires, dtype=np.int64)
    for shire in range(shires):
        flows[shire] = _walk(shire, offset_source(shire, offset, shires), loads, 0, p)
    return flows
