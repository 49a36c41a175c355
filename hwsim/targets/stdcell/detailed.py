"""Detailed placement: cells move to free sites, or change places with cells of their size, where that shortens their nets.

A cell's best region is bounded by the medians of its nets' boxes without it (Goto, 1981); free sites and cells in a window about that region are
tried (Pan, Viswanathan, Chu, FastDP, ICCAD 2005), then neighbours in a row in every order of three.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.legalise import site_map

if TYPE_CHECKING:
    from hwsim.targets.stdcell.placement import Placement

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
LARGE = 48  # nets of more pins are not looked at: one cell hardly moves their box
REACH_ROWS, REACH_SITES = 2, 8


def improve(placement: Placement, passes: int) -> Placement:
    """The placement after `passes` over all cells; half-perimeter wire length never grows, except by that of nets of more than `LARGE` pins."""
    n, plan = placement.netlist, placement.plan
    g, cells = plan.geometry, n.cells
    if not cells or not passes:
        return placement
    site = np.rint(placement.x[:cells] / g.site_um - placement.width_sites / 2.0).astype(np.int32)
    row = np.rint(placement.y[:cells] / g.row_um - placement.rows / 2.0).astype(np.int32)
    taken = site_map(plan)
    fixed = np.zeros(cells, np.bool_)
    fixed[placement.overlapping] = True
    for i in np.flatnonzero(~fixed):
        taken[row[i] : row[i] + placement.rows[i], site[i] : site[i] + placement.width_sites[i]] = i
    x, y = placement.x.copy(), placement.y.copy()
    start, pins = n.cell_pins
    net = n.pin_net[pins].astype(np.int32)
    small = ~fixed[n.pin_cell[pins]] & (placement.weight[net] > 0) & (n.fanout[net] < LARGE) & (n.fanout[net] > 0)
    fine = np.concatenate([[0], np.cumsum(small)])[start].astype(np.int32)
    shared = (n.net_start, placement.node, fine, net[small], x, y, site, row, placement.width_sites, placement.rows, taken, g.site_um, g.row_um)
    for _ in range(passes):
        _swap(*shared)
        _reorder(*shared)
    return replace(placement, x=x, y=y)


@jit
def _length(i: int, j: int, net_start: Ints, node: Ints, cell_start: Ints, cell_net: Ints, x: Floats, y: Floats) -> float:
    """Half-perimeters of the nets of cells `i` and `j` (-1: none), each net once."""
    total = 0.0
    for turn in range(2):
        cell = i if turn == 0 else j
        if cell < 0:
            continue
        for k in range(cell_start[cell], cell_start[cell + 1]):
            net = cell_net[k]
            seen = False
            for e in range(cell_start[cell], k):
                seen = seen or cell_net[e] == net
            if turn == 1:
                for e in range(cell_start[i], cell_start[i + 1]):
                    seen = seen or cell_net[e] == net
            if seen:
                continue
            left, right, low, high = np.inf, -np.inf, np.inf, -np.inf
            for p in range(net_start[net], net_start[net + 1]):
                c = node[p]
                left, right, low, high = min(left, x[c]), max(right, x[c]), min(low, y[c]), max(high, y[c])
            total += right - left + high - low
    return total


@jit
def _goal(i: int, net_start: Ints, node: Ints, cell_start: Ints, cell_net: Ints, x: Floats, y: Floats) -> tuple[float, float, bool]:
    """The point of the cell's best region that is nearest to it, and whether the cell is outside of the region."""
    count = cell_start[i + 1] - cell_start[i]
    xs, ys = np.empty(2 * count), np.empty(2 * count)
    n = 0
    for k in range(cell_start[i], cell_start[i + 1]):
        left, right, low, high = np.inf, -np.inf, np.inf, -np.inf
        for p in range(net_start[cell_net[k]], net_start[cell_net[k] + 1]):
            c = node[p]
            if c != i:
                left, right, low, high = min(left, x[c]), max(right, x[c]), min(low, y[c]), max(high, y[c])
        if right >= left:
            xs[n], xs[n + 1], ys[n], ys[n + 1] = left, right, low, high
            n += 2
    if n == 0:
        return x[i], y[i], False
    xs, ys = np.sort(xs[:n]), np.sort(ys[:n])
    to_x = min(max(x[i], xs[n // 2 - 1]), xs[n // 2])
    to_y = min(max(y[i], ys[n // 2 - 1]), ys[n // 2])
    return to_x, to_y, to_x != x[i] or to_y != y[i]


@jit
def _put(i: int, s: int, r: int, x: Floats, y: Floats, site: Ints, row: Ints, width: Ints, rows: Ints, site_um: float, row_um: float) -> None:
    """Set the cell's site, row and centre."""
    site[i], row[i] = s, r
    x[i], y[i] = (s + 0.5 * width[i]) * site_um, (r + 0.5 * rows[i]) * row_um


@jit
def _swap(
    net_start: Ints, node: Ints, cell_start: Ints, cell_net: Ints, x: Floats, y: Floats,
    site: Ints, row: Ints, width: Ints, rows: Ints, taken: Ints, site_um: float, row_um: float,
) -> None:  # fmt: skip
    """Every cell once: the best exchange with a cell of its size, or move to free sites, near its best region."""
    height, sites = taken.shape
    for i in range(len(width)):
        to_x, to_y, outside = _goal(i, net_start, node, cell_start, cell_net, x, y)
        if not outside:
            continue
        w, h = width[i], rows[i]
        s0, r0 = int(to_x / site_um - 0.5 * w), int(to_y / row_um - 0.5 * h + 0.5)
        best, best_s, best_r, best_j = -1e-9, -1, -1, -1
        own_s, own_r = site[i], row[i]
        for r in range(max(0, r0 - REACH_ROWS), min(height - h, r0 + REACH_ROWS) + 1):
            last = -1
            for s in range(max(0, s0 - REACH_SITES), min(sites - w, s0 + REACH_SITES) + 1):
                j = taken[r, s]
                if j in (i, -2) or (j >= 0 and (j == last or width[j] != w or rows[j] != h)):
                    continue
                if j >= 0:
                    last = j
                    before = _length(i, j, net_start, node, cell_start, cell_net, x, y)
                    js, jr = site[j], row[j]
                    _put(i, js, jr, x, y, site, row, width, rows, site_um, row_um)
                    _put(j, own_s, own_r, x, y, site, row, width, rows, site_um, row_um)
                    gain = _length(i, j, net_start, node, cell_start, cell_net, x, y) - before
                    _put(j, js, jr, x, y, site, row, width, rows, site_um, row_um)
                else:
                    if not _open(taken, r, s, w, h, i):
                        continue
                    before = _length(i, -1, net_start, node, cell_start, cell_net, x, y)
                    _put(i, s, r, x, y, site, row, width, rows, site_um, row_um)
                    gain = _length(i, -1, net_start, node, cell_start, cell_net, x, y) - before
                _put(i, own_s, own_r, x, y, site, row, width, rows, site_um, row_um)
                if gain < best:
                    best, best_s, best_r, best_j = gain, s, r, j
        if best_s < 0:
            continue
        taken[own_r : own_r + h, own_s : own_s + w] = best_j
        if best_j >= 0:
            best_s, best_r = site[best_j], row[best_j]
            _put(best_j, own_s, own_r, x, y, site, row, width, rows, site_um, row_um)
        _put(i, best_s, best_r, x, y, site, row, width, rows, site_um, row_um)
        taken[best_r : best_r + h, best_s : best_s + w] = i


@jit
def _open(taken: Ints, r: int, s: int, w: int, h: int, i: int) -> bool:
    """True when the sites are free or the cell's own."""
    for b in range(r, r + h):
        for a in range(s, s + w):
            if taken[b, a] != -1 and taken[b, a] != i:
                return False
    return True


@jit
def _reorder(
    net_start: Ints, node: Ints, cell_start: Ints, cell_net: Ints, x: Floats, y: Floats,
    site: Ints, row: Ints, width: Ints, rows: Ints, taken: Ints, site_um: float, row_um: float,
) -> None:  # fmt: skip
    """Neighbours of one row in pairs: exchanged where that shortens their nets, the gap between them kept."""
    height, sites = taken.shape
    for r in range(height):
        s = 0
        left = -1
        while s < sites:
            j = taken[r, s]
            if j == -1:
                s += 1
                continue
            if j == -2 or rows[j] != 1:
                left = -1
                s += 1 if j == -2 else width[j]
                continue
            s = site[j] + width[j]
            if left < 0:
                left = j
                continue
            i, si, sj = left, site[left], site[j]
            before = _length(i, j, net_start, node, cell_start, cell_net, x, y)
            _put(j, si, r, x, y, site, row, width, rows, site_um, row_um)
            _put(i, sj + width[j] - width[i], r, x, y, site, row, width, rows, site_um, row_um)
            if _length(i, j, net_start, node, cell_start, cell_net, x, y) < before - 1e-9:
                taken[r, si : sj + width[j]] = -1
                taken[r, site[j] : site[j] + width[j]] = j
                taken[r, site[i] : site[i] + width[i]] = i
                left = i
            else:
                _put(i, si, r, x, y, site, row, width, rows, site_um, row_um)
                _put(j, sj, r, x, y, site, row, width, rows, site_um, row_um)
                left = j
