"""Resistance and capacitance of the routed nets, and Elmore delays from each driver to each sink.

Every net lies on pairs of layers by its longest path (`Stack.shares`); its edges have the mean resistance and capacitance of that mix, horizontal and
vertical parts apart, a via where they bend, and every pin a stack of vias down from the pair. Elmore: ``t(sink) = sum over the path of R_edge
(C_edge / 2 + C below)``, the driver's own resistance left to the timer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.trees import Trees

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SideWires:
    """The electrical view of one side's trees.

    Per vertex, for the edge that feeds it: `edge_ohm`, `edge_f` [vertices]; the via stack of a pin counts to its edge. `net_f`, `net_ohm` [nets]
    are sums over a net's wire, `vias` [nets] its vias, `pair_um` [pairs] the length on each pair of layers.
    """

    trees: Trees
    edge_ohm: Floats
    edge_f: Floats
    net_f: Floats
    net_ohm: Floats
    vias: Floats
    pair_um: Floats


@dataclass(frozen=True, eq=False)
class Wires:
    """Both sides (absent where no signals run): per net and per pin, what a timer needs.

    `wire_f` [nets] is the wire capacitance of both trees, `length_um` [nets] their length; `elmore_s` [pins] the delay from the driver's pin to each
    sink over its tree with the sinks' loads (0 for drivers).
    """

    sides: tuple[SideWires, ...]
    wire_f: Floats
    length_um: Floats
    elmore_s: Floats

    @property
    def total_um(self) -> float:
        """Routed length of all signal nets, both sides."""
        return float(self.length_um.sum())


def side_wires(trees: Trees, stack: Stack, core_um2: float) -> SideWires:
    """Layers, resistance and capacitance of the trees of one side."""
    length = trees.net_length_um
    shares = stack.balanced(trees.reach_um, length, core_um2)
    flat_ohm, tall_ohm = (np.array([pair[i].ohm_per_um for pair in stack.pairs]) for i in (0, 1))
    flat_f, tall_f = (np.array([pair[i].f_per_um for pair in stack.pairs]) for i in (0, 1))
    stack_ohm, stack_vias, bend_ohm = _climbs(stack)
    vertices = np.diff(trees.start)
    of = np.repeat(np.arange(len(vertices)), vertices)
    fed = trees.parent >= 0
    dx = np.where(fed, np.abs(trees.x - trees.x[trees.parent]), 0.0)
    dy = np.where(fed, np.abs(trees.y - trees.y[trees.parent]), 0.0)
    bent, pinned = (dx > 0) & (dy > 0), fed & (trees.pin >= 0)
    climb_ohm = (shares @ stack_ohm)[of]
    driver = fed & (trees.parent == trees.start[of])
    edge_ohm = dx * (shares @ flat_ohm)[of] + dy * (shares @ tall_ohm)[of] + bent * (shares @ bend_ohm)[of] + (pinned * 1.0 + driver) * climb_ohm
    edge_f = dx * (shares @ flat_f)[of] + dy * (shares @ tall_f)[of]
    nets = len(vertices)
    ends = trees.net_sinks + (trees.net_sinks > 0)
    vias = ends * (shares @ stack_vias) + per_net(bent, of, nets)
    found = per_net(edge_f, of, nets), per_net(edge_ohm, of, nets)
    return SideWires(trees, edge_ohm, edge_f, found[0], found[1], vias, length @ shares)


def per_net(value: NDArray[Any], of: NDArray[np.int64], nets: int) -> Floats:
    """Sums of a figure of vertices over their nets [nets]."""
    found: Floats = np.bincount(of, weights=value, minlength=nets).astype(np.float64)
    return found


def _climbs(stack: Stack) -> tuple[Floats, Floats, Floats]:
    """Per pair: the resistance and number of vias from M0 to the middle of the pair, and the resistance of the via between its layers."""
    ohm, count, bend = [], [], []
    for pair in stack.pairs:
        low, high = sorted(stack.layers.index(layer) for layer in pair)
        ohm.append(sum(layer.via_ohm for layer in stack.layers[1 : low + 1]) + 0.5 * stack.layers[high].via_ohm)
        count.append(low + 0.5)
        bend.append(stack.layers[high].via_ohm)
    return np.array(ohm), np.array(count), np.array(bend)


def join(sides: Sequence[SideWires], pins: int, pin_f: Floats) -> Wires:
    """Both sides together, with the load `pin_f` [pins] of each sink, F. Both trees and all pins load the one driver."""
    elmore = np.zeros(pins)
    for side in sides:
        elmore += elmore_delays(side, pin_f)
    wire_f = np.sum([s.net_f for s in sides], axis=0)
    return Wires(tuple(sides), wire_f, np.sum([s.trees.net_length_um for s in sides], axis=0), elmore)


def elmore_delays(side: SideWires, pin_f: Floats) -> Floats:
    """Elmore delay from the driver to every sink on this side [pins], s."""
    t = side.trees
    return _elmore(t.start, t.parent, t.pin, side.edge_ohm, side.edge_f, pin_f)


@jit
def _elmore(start: Ints, parent: Ints, pin: Ints, edge_ohm: Floats, edge_f: Floats, pin_f: Floats) -> Floats:
    found = np.zeros(len(pin_f))
    vertices = len(parent)
    below, delay = np.zeros(vertices), np.zeros(vertices)
    for net in range(len(start) - 1):
        first, last = start[net], start[net + 1]
        for v in range(last - 1, first, -1):
            if pin[v] >= 0:
                below[v] += pin_f[pin[v]]
            below[parent[v]] += below[v] + edge_f[v]
        for v in range(first + 1, last):
            delay[v] = delay[parent[v]] + edge_ohm[v] * (0.5 * edge_f[v] + below[v])
            if pin[v] >= 0:
                found[pin[v]] = delay[v]
    return found
