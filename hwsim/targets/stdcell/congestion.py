"""Demand for tracks over the core, and what exceeds their supply.

RUDY (Spindler, Johannes, DATE 2007) per edge of the routing trees: an edge of extent ``w x h`` spreads its horizontal wire ``w`` and its vertical
wire ``h`` evenly over its box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.floorplan import Floorplan
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.trees import Trees

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
DETOUR_CELLS = 2  # wires leave a full cell for others no further away
CELL_TRACKS = 15  # side of a global-routing cell in tracks of the second routing layer, as global routers use


@dataclass(frozen=True, eq=False)
class Congestion:
    """Wire demand of one side on a grid [lines, columns] of cells `step_x` x `step_y` um: `across` and `upright` are tracks in use per cell.

    `supply` are the usable tracks per cell (horizontal, vertical).
    """

    step_x: float
    step_y: float
    across: Floats
    upright: Floats
    supply: tuple[float, float]

    @property
    def utilisation(self) -> Floats:
        """Demand over supply, the larger of both directions [lines, columns]."""
        found: Floats = np.maximum(self.across / max(self.supply[0], 1e-30), self.upright / max(self.supply[1], 1e-30))
        return found

    @property
    def overflow_tracks(self) -> float:
        """Tracks wanted beyond the supply, summed over all cells and both directions, after wires spread over the neighbouring cells."""
        found = (np.maximum(spread_out(wanted) - supply, 0.0).sum() for wanted, supply in zip((self.across, self.upright), self.supply, strict=True))
        return float(sum(found))


def spread_out(demand: Floats) -> Floats:
    """Means over squares of `2 DETOUR_CELLS + 1` cells a side, inside the core: a router leads wires around a full cell through its neighbours."""
    lines, columns = demand.shape
    sums = np.zeros((lines + 1, columns + 1))
    sums[1:, 1:] = demand.cumsum(axis=0).cumsum(axis=1)
    top, low = np.minimum(np.arange(lines) + DETOUR_CELLS + 1, lines), np.maximum(np.arange(lines) - DETOUR_CELLS, 0)
    right, left = np.minimum(np.arange(columns) + DETOUR_CELLS + 1, columns), np.maximum(np.arange(columns) - DETOUR_CELLS, 0)
    held = sums[np.ix_(top, right)] - sums[np.ix_(low, right)] - sums[np.ix_(top, left)] + sums[np.ix_(low, left)]
    found: Floats = held / np.outer(top - low, right - left)
    return found


def demand_map(trees: Trees, plan: Floorplan, stack: Stack) -> Congestion:
    """Spread the edges of `trees` over a grid of global-routing cells."""
    step = CELL_TRACKS * stack.routing[min(1, len(stack.routing) - 1)].pitch_um
    columns, lines = max(1, round(plan.width_um / step)), max(1, round(plan.height_um / step))
    step_x, step_y = plan.width_um / columns, plan.height_um / lines
    across, upright = _spread(trees.x, trees.y, trees.parent, lines, columns, step_x, step_y)
    flat, tall = stack.tracks_per_um()
    return Congestion(step_x, step_y, across / step_x, upright / step_y, (flat * step_y * stack.usable, tall * step_x * stack.usable))


@jit
def _spread(x: Floats, y: Floats, parent: Ints, lines: int, columns: int, step_x: float, step_y: float) -> tuple[Floats, Floats]:
    """Horizontal and vertical wire, um, in every cell [lines, columns]."""
    across, upright = np.zeros((lines, columns)), np.zeros((lines, columns))
    for v in range(len(x)):
        u = parent[v]
        if u < 0:
            continue
        x0, x1 = min(x[u], x[v]), max(x[u], x[v])
        y0, y1 = min(y[u], y[v]), max(y[u], y[v])
        c0, c1 = min(int(x0 / step_x), columns - 1), min(int(x1 / step_x), columns - 1)
        l0, l1 = min(int(y0 / step_y), lines - 1), min(int(y1 / step_y), lines - 1)
        for k in range(l0, l1 + 1):
            high = 1.0 / (l1 - l0 + 1) if l0 == l1 or y1 == y0 else (min(y1, (k + 1) * step_y) - max(y0, k * step_y)) / (y1 - y0)
            for c in range(c0, c1 + 1):
                wide = 1.0 / (c1 - c0 + 1) if c0 == c1 or x1 == x0 else (min(x1, (c + 1) * step_x) - max(x0, c * step_x)) / (x1 - x0)
                across[k, c] += (x1 - x0) * wide * high
                upright[k, c] += (y1 - y0) * wide * high
    return across, upright
