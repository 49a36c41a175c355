"""Spreading: the nearest arrangement of cells that exceeds a density nowhere, by recursive bisection of the core.

The look-ahead of SimPL-like placers (Kim, Lee, Markov, TCAD 2012). A region is cut in the middle of its longer side; cells go to the half that they
lie in, as long as that half can hold them at the density. What does not fit moves to the other half, those nearest to the cut first. So cells that
lie loosely stay where they are, and white space is not filled for its own sake.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit

Floats = NDArray[np.float64]


@jit
def spread(x: Floats, y: Floats, area: Floats, width: float, height: float, density: float, leaf: float) -> tuple[Floats, Floats]:
    """Positions [cells], um, of which no region holds more than `density` of its area; regions of less than `leaf` um2 are not cut further."""
    cells = len(x)
    new_x, new_y = x.copy(), y.copy()
    order = np.arange(cells)
    stack = [(0, cells, 0.0, 0.0, width, height)]
    while len(stack) > 0:
        first, last, x0, y0, x1, y1 = stack.pop()
        if last - first <= 0:
            continue
        if last - first == 1 or (x1 - x0) * (y1 - y0) < leaf:
            for k in range(first, last):
                i = order[k]
                new_x[i] = min(max(new_x[i], x0), x1)
                new_y[i] = min(max(new_y[i], y0), y1)
            continue
        flat = x1 - x0 >= y1 - y0
        middle = 0.5 * (x0 + x1) if flat else 0.5 * (y0 + y1)
        room = 0.5 * (x1 - x0) * (y1 - y0) * density
        cut = _cut(order, first, last, x if flat else y, area, middle, room)
        if flat:
            stack.append((first, cut, x0, y0, middle, y1))
            stack.append((cut, last, middle, y0, x1, y1))
        else:
            stack.append((first, cut, x0, y0, x1, middle))
            stack.append((cut, last, x0, middle, x1, y1))
    return new_x, new_y


@jit
def _cut(order: NDArray[np.int64], first: int, last: int, at: Floats, area: Floats, middle: float, room: float) -> int:
    """Reorder `order[first:last]` so that the cells of the lower half come first; returns where the upper half begins."""
    part = order[first:last]
    low = 0.0
    total = 0.0
    for i in part:
        total += area[i]
        if at[i] < middle:
            low += area[i]
    if low > room or total - low > room:
        part[:] = part[np.argsort(at[part])]
        wanted = min(max(low, total - room), room) if total <= 2.0 * room else 0.5 * total
        filled = 0.0
        for k in range(last - first):
            filled += area[part[k]]
            if filled > wanted + 0.5 * area[part[k]]:
                return first + k
        return last
    lower = part[at[part] < middle]
    upper = part[at[part] >= middle]
    part[: len(lower)] = lower
    part[len(lower) :] = upper
    return first + len(lower)
