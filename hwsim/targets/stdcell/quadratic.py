"""Quadratic placement: the bound-to-bound net model and a conjugate-gradient solver.

Bound-to-bound (Spindler, Schlichtmann, Johannes, Kraftwerk2, TCAD 2008): along one axis, the two extreme pins of a net are joined to each other and
to every other pin with weight ``2 / ((p - 1) d)``, d the present distance; at those distances the quadratic cost of the net equals its extent, so a
few solutions in a row minimise the half-perimeter wire length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@jit
def edges(net_start: Ints, node: Ints, weight: Floats, at: Floats, least_um: float) -> tuple[Ints, Ints, Floats]:
    """Bound-to-bound edges along one axis: (node, node, weight) of each. `at` [nodes] in um, `weight` [nets] (0: net left out)."""
    total = 0
    for net in range(len(net_start) - 1):
        p = net_start[net + 1] - net_start[net]
        if p > 1 and weight[net] > 0.0:
            total += 2 * p - 3
    one = np.empty(total, np.int32)
    two = np.empty(total, np.int32)
    pull = np.empty(total)
    k = 0
    for net in range(len(net_start) - 1):
        first, last = net_start[net], net_start[net + 1]
        p = last - first
        if p < 2 or weight[net] <= 0.0:
            continue
        low, high = first, first + 1
        if at[node[low]] > at[node[high]]:
            low, high = high, low
        for i in range(first + 2, last):
            if at[node[i]] < at[node[low]]:
                low = i
            elif at[node[i]] > at[node[high]]:
                high = i
        scale = 2.0 * weight[net] / (p - 1)
        for i in range(first, last):
            if i != low:
                one[k], two[k] = node[i], node[low]
                pull[k] = scale / max(at[node[i]] - at[node[low]], least_um)
                k += 1
                if i != high:
                    one[k], two[k] = node[i], node[high]
                    pull[k] = scale / max(at[node[high]] - at[node[i]], least_um)
                    k += 1
    return one, two, pull


@jit
def neighbours(one: Ints, two: Ints, pull: Floats, start: NDArray[np.int64], cells: int) -> tuple[Ints, Floats]:
    """Movable nodes that pull on each cell, and how hard, row by row: cell i has ``start[i]:start[i + 1]``."""
    fill = start[:-1].copy()
    column = np.empty(start[cells], np.int32)
    value = np.empty(start[cells])
    for k in range(len(one)):
        i, j = one[k], two[k]
        if i < cells and j < cells:
            column[fill[i]], value[fill[i]] = j, pull[k]
            fill[i] += 1
            column[fill[j]], value[fill[j]] = i, pull[k]
            fill[j] += 1
    return column, value


@jit
def solve(one: Ints, two: Ints, pull: Floats, at: Floats, cells: int, anchor: Floats, hold: Floats, tolerance: float, most: int) -> Floats:
    """Positions [cells] that minimise ``sum pull (x_i - x_j)^2 + sum hold (x_i - anchor_i)^2``; nodes from `cells` on are fixed at `at`.

    Conjugate gradients with the diagonal as preconditioner, from `at`, until the residual fell by `tolerance` or after `most` steps.
    """
    start = np.zeros(cells + 1, np.int64)
    diagonal = hold.copy()
    right = hold * anchor
    for k in range(len(one)):
        i, j, w = one[k], two[k], pull[k]
        if i < cells:
            diagonal[i] += w
            if j < cells:
                start[i + 1] += 1
            else:
                right[i] += w * at[j]
        if j < cells:
            diagonal[j] += w
            if i < cells:
                start[j + 1] += 1
            else:
                right[j] += w * at[i]
    for i in range(cells):
        start[i + 1] += start[i]
        if diagonal[i] == 0.0:
            diagonal[i] = 1.0
            right[i] = at[i]
    column, value = neighbours(one, two, pull, start, cells)
    x = at[:cells].copy()
    residual = np.empty(cells)
    for i in range(cells):
        s = right[i] - diagonal[i] * x[i]
        for k in range(start[i], start[i + 1]):
            s += value[k] * x[column[k]]
        residual[i] = s
    step = residual / diagonal
    rho = np.dot(residual, step)
    goal = tolerance * tolerance * np.dot(right, right / diagonal)
    product = np.empty(cells)
    for _ in range(most):
        if rho <= goal:
            break
        curve = 0.0
        for i in range(cells):
            s = diagonal[i] * step[i]
            for k in range(start[i], start[i + 1]):
                s -= value[k] * step[column[k]]
            product[i] = s
            curve += s * step[i]
        length = rho / curve
        before = rho
        rho = 0.0
        for i in range(cells):
            x[i] += length * step[i]
            residual[i] -= length * product[i]
            rho += residual[i] * residual[i] / diagonal[i]
        for i in range(cells):
            step[i] = residual[i] / diagonal[i] + rho / before * step[i]
    return x


@jit
def half_perimeters(net_start: Ints, node: Ints, x: Floats, y: Floats) -> Floats:
    """Half of the perimeter of each net's bounding box, um [nets]."""
    found = np.zeros(len(net_start) - 1)
    for net in range(len(net_start) - 1):
        first = node[net_start[net]]
        left, right, low, high = x[first], x[first], y[first], y[first]
        for k in range(net_start[net] + 1, net_start[net + 1]):
            i = node[k]
            left, right = min(left, x[i]), max(right, x[i])
            low, high = min(low, y[i]), max(high, y[i])
        found[net] = right - left + high - low
    return found
