"""Which side of the wafer each input pin is on, and with it each net's two trees.

A cell with dual-sided outputs (Flip FET) drives both sides; every input pin is on the front or the back. A net is then a front tree (driver and front
sinks) and a back tree (driver and back sinks), routed independently (F3D, arXiv 2411.00309).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, nearest
from hwsim.engine.jit import jit
from hwsim.targets.stdcell.placement import Placement

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Sides = NDArray[np.int8]
Policy = Literal["random", "geometric", "optimised"]
POLICIES = get_args(Policy)
FRONT, BACK, BOTH = 0, 1, 2
WINDOW_ROWS = 4  # `optimised` balances pins in square windows of so many rows


def assign_sides(placement: Placement, front_fraction: float, policy: Policy = "geometric", seed: int = 0) -> Sides:
    """The side of every pin [pins]: `FRONT` or `BACK` for sinks, `BOTH` for drivers. Block outputs are on the front unless all pins are on the back.

    ``random`` draws each pin. ``geometric`` puts sinks on the back that lie to the right of their driver; at other fractions than a half, those in a
    sector about that direction of the wanted share of the plane. ``optimised`` keeps nets whole on the side that has the fewer pins there,
    and splits only those that no side could take. Raises `InvalidMapping`.
    """
    if policy not in POLICIES:
        raise InvalidMapping(f"pin_policy '{policy}' is none of {', '.join(POLICIES)}{nearest(policy, POLICIES)}")
    if not 0.0 <= front_fraction <= 1.0:
        raise InvalidMapping(f"front_pin_fraction must lie in 0..1, got {front_fraction:g}")
    n = placement.netlist
    side = np.full(n.pins, FRONT, np.int8)
    if front_fraction == 0.0:
        side[:] = BACK
    elif front_fraction < 1.0:
        sinks = np.flatnonzero(~n.pin_drives & (placement.node < n.cells))
        if policy == "random":
            side[sinks] = np.where(np.random.default_rng(seed).random(len(sinks)) < front_fraction, FRONT, BACK)
        elif policy == "geometric":
            side[sinks] = _sector(placement, sinks, front_fraction)
        else:
            _whole(placement, front_fraction, side)
    side[n.net_start[:-1]] = BOTH
    return side


def _sector(placement: Placement, sinks: NDArray[np.int64], front_fraction: float) -> Sides:
    """`BACK` for the share of `sinks` whose direction from their driver is nearest to that of the rows, rightwards (ties by pin)."""
    n, node = placement.netlist, placement.node
    source = node[n.net_start[n.pin_net[sinks]]]
    dx, dy = placement.x[node[sinks]] - placement.x[source], placement.y[node[sinks]] - placement.y[source]
    order = np.argsort(np.abs(np.arctan2(dy, dx)), kind="stable")
    found = np.full(len(sinks), FRONT, np.int8)
    found[order[: round((1.0 - front_fraction) * len(sinks))]] = BACK
    return found


def _whole(placement: Placement, front_fraction: float, side: Sides) -> None:
    """Give nets, those of most pins first, to the side that is further below its share of the pins in their windows."""
    n, plan = placement.netlist, placement.plan
    step = WINDOW_ROWS * plan.geometry.row_um
    wide, high = int(plan.width_um / step) + 1, int(plan.height_um / step) + 1
    column = np.clip((placement.x[: n.cells] / step).astype(np.int64), 0, wide - 1)
    line = np.clip((placement.y[: n.cells] / step).astype(np.int64), 0, high - 1)
    order = np.argsort(-n.fanout, kind="stable")
    _balance(order, n.net_start, placement.node, n.cells, (line * wide + column).astype(np.int32), wide * high, front_fraction, side)


@jit
def _balance(
    order: NDArray[np.int64], net_start: Ints, node: Ints, cells: int, window: Ints, windows: int, front_fraction: float, side: Sides
) -> None:
    count = np.zeros((2, windows))
    total = np.zeros(2)
    share = (front_fraction, 1.0 - front_fraction)
    for net in order:
        first, last = net_start[net] + 1, net_start[net + 1]
        need = np.zeros(2)
        for s in range(2):
            need[s] = total[s] / share[s] / (total[0] + total[1] + 1.0)
            for p in range(first, last):
                if node[p] < cells:
                    need[s] += count[s, window[node[p]]] / share[s] / (last - first) / 8.0
        s = 0 if need[0] <= need[1] else 1
        for p in range(first, last):
            if node[p] < cells:
                side[p] = s
                count[s, window[node[p]]] += 1
                total[s] += 1
