"""Repeaters on long and heavily loaded nets, placed along the routing trees after placement.

Bakoglu (1990): a wire of resistance R and capacitance C per length is fastest with repeaters every ``sqrt(2 t_b / (R C))``, t_b the delay of a
repeater that drives one like itself. A stage of that length carries a certain capacitance; the same bound is kept at branches, so fan-out is
buffered by the rule that buffers length. From the leaves to the driver: where the capacitance below a vertex would exceed the bound, the heaviest
branches are put behind a repeater.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.stdcell.parasitics import SideWires
from hwsim.targets.stdcell.routing import Stack

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Repeater:
    """A buffer cell: input capacitance, drive resistance, delay without load, and area."""

    input_f: float
    drive_ohm: float
    delay_s: float
    area_um2: float = 0.0

    @property
    def own_stage_s(self) -> float:
        """Delay of a repeater that drives one like itself."""
        return self.delay_s + self.drive_ohm * self.input_f


@dataclass(frozen=True, eq=False)
class Buffered:
    """One side after buffering: `count` [nets] repeaters, `load_f` [nets] the capacitance that the driver sees (wire, pins, repeater inputs), and
    `delay_s` [pins] from the driver's output to each sink, repeaters included. `total_f` [nets] is all that switches beyond the sinks: wire and
    repeater inputs.
    """

    count: Ints
    load_f: Floats
    delay_s: Floats
    total_f: Floats


def best_length_um(stack: Stack, repeater: Repeater) -> float:
    """Distance between repeaters on the lowest pair of layers, um."""
    flat, tall = stack.pairs[0]
    ohm, farad = (flat.ohm_per_um + tall.ohm_per_um) / 2, (flat.f_per_um + tall.f_per_um) / 2
    return math.sqrt(2.0 * repeater.own_stage_s / (ohm * farad))


def stage_load_f(stack: Stack, repeater: Repeater) -> float:
    """The capacitance that one stage may carry: a wire of the best length with a repeater at its end."""
    flat, tall = stack.pairs[0]
    return best_length_um(stack, repeater) * (flat.f_per_um + tall.f_per_um) / 2 + repeater.input_f


def insert_buffers(side: SideWires, pin_f: Floats, repeater: Repeater, most_f: float, longest_um: float) -> Buffered:
    """Buffer every net of one side so that no stage carries more than `most_f`, and no wire is longer than `longest_um` between repeaters.

    `pin_f` [pins] is the load of each sink.
    """
    t = side.trees
    found = _insert(
        t.start, t.parent, t.pin, t.length_um, side.edge_ohm, side.edge_f, pin_f,
        repeater.input_f, repeater.drive_ohm, repeater.delay_s, most_f, longest_um,
    )  # fmt: skip
    return Buffered(*found)


@jit
def _insert(
    start: Ints, parent: Ints, pin: Ints, length: Floats, edge_ohm: Floats, edge_f: Floats, pin_f: Floats,
    input_f: float, drive_ohm: float, own_s: float, most_f: float, longest_um: float,
) -> tuple[Ints, Floats, Floats, Floats]:  # fmt: skip
    nets, vertices = len(start) - 1, len(parent)
    count, load, total, delay = np.zeros(nets, np.int32), np.zeros(nets), np.zeros(nets), np.zeros(len(pin_f))
    own = np.zeros(vertices)  # capacitance at a vertex: its pin and the branches that are not behind a repeater
    top = np.zeros(vertices)  # what a vertex's feeding edge shows to its parent
    behind = np.zeros(vertices)  # load of the repeater at the head of the feeding edge; 0: none
    inside = np.zeros(vertices)  # delay along the feeding edge: wire, and repeaters on it
    for net in range(nets):
        first, last = start[net], start[net + 1]
        for v in range(last - 1, first - 1, -1):
            if v > first and pin[v] >= 0:
                own[v] += pin_f[pin[v]]
            _relieve(v, first, last, parent, own, top, behind, input_f, most_f, count, total, net)
            if v == first:
                load[net] = own[v]
                continue
            total[net] += edge_f[v]
            pieces = max(1, int(np.ceil(max(length[v] / longest_um, edge_f[v] / max(most_f - input_f, input_f)))))
            piece_ohm, piece_f = edge_ohm[v] / pieces, edge_f[v] / pieces
            at = own[v]
            if at + piece_f > most_f and at > input_f:  # a repeater at the vertex takes over what hangs there
                inside[v] += own_s + drive_ohm * at
                at = input_f
                count[net] += 1
                total[net] += input_f
            for k in range(pieces):
                inside[v] += piece_ohm * (0.5 * piece_f + at)
                at += piece_f
                if k < pieces - 1:
                    inside[v] += own_s + drive_ohm * at
                    at = input_f
                    count[net] += 1
                    total[net] += input_f
            top[v] = at
            own[parent[v]] += at
        for v in range(first + 1, last):
            if behind[v] > 0.0:
                inside[v] += own_s + drive_ohm * behind[v]
            inside[v] += inside[parent[v]] if parent[v] > first else 0.0
            if pin[v] >= 0:
                delay[pin[v]] = inside[v]
    return count, load, delay, total


@jit
def _relieve(
    v: int, first: int, last: int, parent: Ints, own: Floats, top: Floats, behind: Floats,
    input_f: float, most_f: float, count: Ints, total: Floats, net: int,
) -> None:  # fmt: skip
    """Put branches of vertex `v` behind repeaters, the heaviest first, until it carries no more than `most_f`."""
    while own[v] > most_f:
        worst = -1
        for w in range(v + 1, last):
            if parent[w] == v and behind[w] == 0.0 and (worst < 0 or top[w] > top[worst]):
                worst = w
        if worst < 0 or top[worst] <= input_f:
            return
        behind[worst] = top[worst]
        own[v] += input_f - top[worst]
        top[worst] = input_f
        count[net] += 1
        total[net] += input_f
