"""Local pin access: the pins that find every way to the routing layers closed.

A pin is reached where a track of the first routing layer crosses one of the second, at one of a few `points` along it. A landed pin closes
`closed_per_pin` crossings about it: the via, and neighbours by the spacing rules. With ``d`` pins per crossing about a pin, each of its points is
closed with probability ``closed_per_pin d``, and all of them with that to the power of `points`. Only pins with a wire on that side count: an
output without sinks there needs no access. Both constants are fitted on violations against block area (VLSI24 fig. 9a).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.stdcell.congestion import CELL_TRACKS
from hwsim.targets.stdcell.floorplan import Floorplan
from hwsim.targets.stdcell.placement import Placement
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.sides import BOTH, Sides

Floats = NDArray[np.float64]
PHASES = 2  # density is counted on grids in so many positions along each axis, and averaged


@dataclass(frozen=True)
class Access:
    """Crossings that a landed pin closes, and the points at which a pin can be reached."""

    closed_per_pin: float
    points: float


def pins_in_use(placement: Placement, side: Sides, which: int) -> NDArray[np.int64]:
    """Cell pins that need access on side `which`: its sinks, and the drivers of nets that have sinks there (clock nets too)."""
    n = placement.netlist
    sink = (side == which) & (side != BOTH)
    reached = np.zeros(n.nets, np.bool_)
    reached[n.pin_net[sink]] = True
    chosen = (sink | (n.pin_drives & reached[n.pin_net])) & (placement.node < n.cells)
    return np.flatnonzero(chosen)


def pin_positions(placement: Placement, pins: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Where cell pins lie (x, y), um: side by side over the cell's width, those of a cell of several rows in its rows in turn."""
    g, node = placement.plan.geometry, placement.node[pins]
    start, order = placement.netlist.cell_pins
    rank = np.zeros(placement.netlist.pins, np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(start[:-1], np.diff(start))
    count, height = np.diff(start)[node], placement.rows[node]
    x = placement.x[node] + ((rank[pins] + 0.5) / count - 0.5) * placement.width_sites[node] * g.site_um
    y = placement.y[node] + (rank[pins] % height + 0.5 - height / 2.0) * g.row_um
    return x, y


def crossing_load(placement: Placement, side: Sides, which: int, stack: Stack) -> Floats:
    """Pins per crossing of the two lowest routing layers about each pin in use on side `which` [pins in use]."""
    first, second = stack.routing[0].pitch_um, stack.routing[1].pitch_um
    x, y = pin_positions(placement, pins_in_use(placement, side, which))
    return per_um2(placement.plan, x, y, CELL_TRACKS * second) * (first * second)


def per_um2(plan: Floorplan, x: Floats, y: Floats, step_um: float) -> Floats:
    """Points per um2 in a square of side `step_um` about each point; squares at the edge count their part inside the core."""
    columns, lines = int(plan.width_um / step_um) + 2, int(plan.height_um / step_um) + 2
    total = np.zeros(len(x))
    for i in range(PHASES):
        for j in range(PHASES):
            shift_x, shift_y = i / PHASES * step_um, j / PHASES * step_um
            edge_x = np.clip(np.arange(columns + 1) * step_um - shift_x, 0.0, plan.width_um)
            edge_y = np.clip(np.arange(lines + 1) * step_um - shift_y, 0.0, plan.height_um)
            area = np.maximum(np.diff(edge_y)[:, None] * np.diff(edge_x)[None, :], 0.25 * step_um**2)
            at = ((y + shift_y) / step_um).astype(np.int64) * columns + ((x + shift_x) / step_um).astype(np.int64)
            held = np.bincount(at, minlength=lines * columns)
            total += held[at] / area.ravel()[at]
    return total / PHASES**2


def closed_pins(placement: Placement, side: Sides, which: int, stack: Stack, access: Access) -> float:
    """Expected number of pins of side `which` that cannot be reached."""
    load = np.minimum(access.closed_per_pin * crossing_load(placement, side, which, stack), 1.0)
    return float((load**access.points).sum())
