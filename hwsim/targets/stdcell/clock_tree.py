"""The clock's wire: clusters of clock pins about leaf buffers, and a tree of buffers above them.

Clock pins are halved along the longer side of their box until a cluster holds no more than the leaf's fan-out (method of means and medians: Jackson,
Srinivasan, Kuh, DAC 1990). A leaf net joins the pins of a cluster to a buffer at their median; every level above joins two points by an edge. The
clock runs on one side. It is an estimate of wire and buffers: timing takes the clock as ideal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.stdcell.placement import Placement
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.trees import steiner_length

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClockTree:
    """`sinks` clock pins, `buffers` of all levels, the length of all wire, um, and its capacitance, F."""

    sinks: int
    buffers: int
    length_um: float
    wire_f: float


def clock_tree(placement: Placement, stack: Stack, leaf_fanout: int) -> ClockTree:
    """The tree over all clock pins of the block, all clock nets together; its wires lie on the topmost pair of layers but one (or the only one)."""
    n = placement.netlist
    node = placement.node[np.flatnonzero(n.pin_clock)]
    if not len(node):
        return ClockTree(0, 0, 0.0, 0.0)
    length, buffers, _, _ = _branch(placement.x[node], placement.y[node], leaf_fanout)
    flat, tall = stack.pairs[min(1, len(stack.pairs) - 1)]
    return ClockTree(len(node), buffers, length, length * (flat.f_per_um + tall.f_per_um) / 2)


def _branch(x: Floats, y: Floats, leaf_fanout: int) -> tuple[float, int, float, float]:
    """(length, buffers, x, y) of the tree over some pins, with the place of its topmost buffer."""
    if len(x) <= leaf_fanout:
        root_x, root_y = float(np.median(x)), float(np.median(y))
        return steiner_length(np.r_[root_x, x], np.r_[root_y, y]), 1, root_x, root_y
    along = x if np.ptp(x) >= np.ptp(y) else y
    order = np.argsort(along, kind="stable")
    half = len(order) // 2
    parts = [_branch(x[half_of], y[half_of], leaf_fanout) for half_of in (order[:half], order[half:])]
    (la, ba, xa, ya), (lb, bb, xb, yb) = parts
    return la + lb + abs(xa - xb) + abs(ya - yb), ba + bb + 1, (xa + xb) / 2, (ya + yb) / 2
