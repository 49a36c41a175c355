"""Static timing of a netlist: arrivals and slews of both edges at every pin, the shortest clock period, the critical path.

Arrivals are the latest over all arcs, slews the worst (largest) over all arcs, kept apart for rise and fall. The clock is ideal: every flip-flop is
clocked at time 0 with zero slew. Inputs of the block carry no arrival and zero slew; outputs carry no load and end no path. Surfaces are extrapolated
outside their axes with the slope of the edge. A wire adds its Elmore delay, and widens the slew by that of its step response in quadrature (PERI).

    period = max over flip-flops of arrival(data) + setup(slew of data, clock slew 0)

Where flip-flops of both clock edges meet, a path between them has half a period.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace
from hwsim.engine.jit import jit
from hwsim.targets.stdcell.levels import TimingGraph
from hwsim.targets.stdcell.lookup import surface_at
from hwsim.tech.cell_library import FALLING_EDGE, RISING_EDGE, SETUP_FALLING, SETUP_RISING, THROUGH, Thresholds

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
RISE, FALL = 0, 1
EDGE_NAMES = ("rise", "fall")
UNTIMED = -1e30  # arrival of a pin that no flip-flop reaches


@dataclass(frozen=True, eq=False)
class WireLoad:
    """What wires do to timing: `load_f` [nets] that each driver sees, `delay_s` [pins] from the driver to each sink, `slew_s` [pins] the width that
    the wire's step response adds in quadrature, and `repeated` [pins] True where the last repeater before a sink restores the slew to `slew_s`.
    """

    load_f: Floats
    delay_s: Floats
    slew_s: Floats
    repeated: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """`arrival_s` and `slew_s` [2, pins] of rise and fall (`UNTIMED` where no path comes by); `before` [2, pins] whence (2 pin + edge)."""

    arrival_s: Floats
    slew_s: Floats
    before: Ints


@dataclass(frozen=True)
class Step:
    """One pin on a path: its cell and type (a port: its name), the pin's name, the edge, arrival and slew there."""

    cell: str
    type: str
    pin: str
    edge: str
    arrival_s: float
    slew_s: float


@dataclass(frozen=True, eq=False)
class Timing:
    """Arrivals at all pins, the shortest period, the latest data arrival, and the end (2 pin + edge) that sets each."""

    graph: TimingGraph
    arrivals: Arrivals
    min_period_s: float
    data_arrival_s: float
    worst_end: int
    latest_end: int

    @property
    def frequency_hz(self) -> float:
        """The fastest clock."""
        return 1.0 / self.min_period_s

    def path(self, end: int | None = None) -> tuple[Step, ...]:
        """The pins of the critical path (or of the one to `end`), from the launching flip-flop's output to the data pin."""
        at, found = self.worst_end if end is None else end, []
        while at >= 0:
            pin, edge = divmod(at, 2)
            n = self.graph.netlist
            cell = int(n.pin_cell[pin])
            kind = n.types[n.cell_type[cell]] if cell >= 0 else "port"
            arrival, slew = float(self.arrivals.arrival_s[edge, pin]), float(self.arrivals.slew_s[edge, pin])
            found.append(Step(n.node(pin), kind, n.label(pin), EDGE_NAMES[edge], arrival, slew))
            at = int(self.arrivals.before[edge, pin])
        return tuple(reversed(found))


def no_wires(graph: TimingGraph) -> WireLoad:
    """Pins only."""
    pins = graph.netlist.pins
    return WireLoad(graph.load_f(), np.zeros(pins), np.zeros(pins), np.zeros(pins, np.bool_))


def step_slew_factor(thresholds: Thresholds) -> float:
    """Time between the slew thresholds of a single RC's step response, in units of RC."""
    return math.log((1.0 - thresholds.slew_low) / (1.0 - thresholds.slew_high))


def time_block(graph: TimingGraph, wires: WireLoad | None = None) -> Timing:
    """Time a block. Raises `InvalidTrace` when no path runs from a flip-flop to a flip-flop."""
    wires = no_wires(graph) if wires is None else wires
    edges = clock_edges(graph)
    found: list[tuple[float, float, int, int, Arrivals]] = []
    for launch in edges:
        arrivals = propagate(graph, wires, launch if len(edges) > 1 else RISE_AND_FALL)
        ends = path_ends(graph, arrivals)
        if not len(ends.need_s):
            continue
        share = np.where(ends.capture == launch, 1.0, 2.0) if len(edges) > 1 else np.ones(len(ends.need_s))
        worst, latest = int((ends.need_s * share).argmax()), int(ends.arrival_s.argmax())
        found.append((float(ends.need_s[worst] * share[worst]), float(ends.arrival_s[latest]), int(ends.end[worst]), int(ends.end[latest]), arrivals))
    if not found:
        raise InvalidTrace(f"netlist '{graph.netlist.name}' has no path from a flip-flop to a flip-flop: there is no period to find")
    worst_of = max(found, key=lambda f: f[0])
    return Timing(graph, worst_of[4], worst_of[0], max(f[1] for f in found), worst_of[2], worst_of[3])


RISE_AND_FALL = -1


def clock_edges(graph: TimingGraph) -> Sequence[int]:
    """Clock edges at which the block's flip-flops launch: RISE, FALL or both."""
    a = graph.library.arrays
    used = np.unique(graph.cell)
    types = {int(a.arc_type[k]) for c in used for k in range(a.arc_start[c], a.arc_start[c + 1])}
    return [edge for edge, kind in ((RISE, RISING_EDGE), (FALL, FALLING_EDGE)) if kind in types] or [RISE]


def propagate(graph: TimingGraph, wires: WireLoad, launch: int = RISE_AND_FALL) -> Arrivals:
    """Arrivals and slews at all pins; `launch` restricts paths to flip-flops of one clock edge. O(arcs)."""
    n, a = graph.netlist, graph.library.arrays
    found = _propagate(
        graph.order, graph.cell, graph.slot_start, graph.slot_pin, n.net_start, n.pin_net, graph.sequential, wires.load_f, wires.delay_s,
        wires.slew_s, wires.repeated, a.pin_start, a.arc_start, a.arc_from, a.arc_to, a.arc_sense, a.arc_type, a.arc_tables, a.tables, a.numbers,
        launch,
    )  # fmt: skip
    return Arrivals(*found)


@jit
def _propagate(
    order: Ints, cell: Ints, slot_start: Ints, slot_pin: Ints, net_start: Ints, pin_net: Ints, sequential: NDArray[np.bool_], load_f: Floats,
    wire_s: Floats, wire_slew: Floats, repeated: NDArray[np.bool_], pin_start: Ints, arc_start: Ints, arc_from: Ints, arc_to: Ints, arc_sense: Ints,
    arc_type: Ints, arc_tables: Ints, tables: Ints, numbers: Floats, launch: int,
) -> tuple[Floats, Floats, Ints]:  # fmt: skip
    pins = len(pin_net)
    arrival, slew = np.full((2, pins), UNTIMED), np.zeros((2, pins))
    before = np.full((2, pins), -1, np.int32)
    for c in order:
        kind = cell[c]
        for k in range(arc_start[kind], arc_start[kind + 1]):
            out = slot_pin[slot_start[c] + arc_to[k] - pin_start[kind]]
            source = slot_pin[slot_start[c] + arc_from[k] - pin_start[kind]]
            if out < 0 or source < 0:
                continue
            clocked = arc_type[k] == RISING_EDGE or arc_type[k] == FALLING_EDGE
            if not clocked and (sequential[c] or arc_type[k] != THROUGH):
                continue
            launches = launch < 0 or (arc_type[k] == FALLING_EDGE) == (launch == FALL)
            load = load_f[pin_net[out]]
            for edge in range(2):
                if arc_tables[k, edge] < 0 or arc_tables[k, 2 + edge] < 0:
                    continue
                for cause in range(2):
                    if clocked and cause == 1:
                        continue
                    if not clocked and ((arc_sense[k] > 0 and cause != edge) or (arc_sense[k] < 0 and cause == edge)):
                        continue
                    start, in_slew = arrival[cause, source], slew[cause, source]
                    if clocked:
                        start, in_slew = (0.0 if launches else UNTIMED), 0.0
                    out_slew = surface_at(tables, numbers, arc_tables[k, 2 + edge], in_slew, load)
                    slew[edge, out] = max(slew[edge, out], out_slew)
                    if start > UNTIMED:
                        when = start + surface_at(tables, numbers, arc_tables[k, edge], in_slew, load)
                        if when > arrival[edge, out]:
                            arrival[edge, out] = when
                            before[edge, out] = -1 if clocked else 2 * source + cause
        for slot in range(slot_start[c], slot_start[c + 1]):
            out = slot_pin[slot]
            if out < 0 or net_start[pin_net[out]] != out:
                continue
            for p in range(out + 1, net_start[pin_net[out] + 1]):
                for edge in range(2):
                    wide = 0.0 if repeated[p] else slew[edge, out]
                    slew[edge, p] = math.sqrt(wide * wide + wire_slew[p] * wire_slew[p])
                    if arrival[edge, out] > UNTIMED:
                        arrival[edge, p] = arrival[edge, out] + wire_s[p]
                        before[edge, p] = 2 * out + edge
    return arrival, slew, before


@dataclass(frozen=True, eq=False)
class Ends:
    """Data pins with a setup time where a path ends: `end` (2 pin + edge), its arrival, arrival + setup, and the clock edge that captures it."""

    end: Ints
    arrival_s: Floats
    need_s: Floats
    capture: Ints


def path_ends(graph: TimingGraph, arrivals: Arrivals) -> Ends:
    """All ends of paths, by pin and edge."""
    a = graph.library.arrays
    found = _ends(
        graph.order, graph.cell, graph.slot_start, graph.slot_pin, arrivals.arrival_s, arrivals.slew_s, a.pin_start, a.check_start, a.check_pin,
        a.check_type, a.check_tables, a.tables, a.numbers,
    )  # fmt: skip
    return Ends(*found)


@jit
def _ends(
    order: Ints, cell: Ints, slot_start: Ints, slot_pin: Ints, arrival: Floats, slew: Floats, pin_start: Ints, check_start: Ints, check_pin: Ints,
    check_type: Ints, check_tables: Ints, tables: Ints, numbers: Floats,
) -> tuple[Ints, Floats, Floats, Ints]:  # fmt: skip
    room = 0
    for c in order:
        room += 2 * (check_start[cell[c] + 1] - check_start[cell[c]])
    end, when, need, capture = np.empty(room, np.int32), np.empty(room), np.empty(room), np.empty(room, np.int32)
    count = 0
    for c in order:
        kind = cell[c]
        for k in range(check_start[kind], check_start[kind + 1]):
            if check_type[k] != SETUP_RISING and check_type[k] != SETUP_FALLING:
                continue
            pin = slot_pin[slot_start[c] + check_pin[k] - pin_start[kind]]
            if pin < 0:
                continue
            for edge in range(2):
                if check_tables[k, edge] < 0 or arrival[edge, pin] <= UNTIMED:
                    continue
                end[count], when[count] = 2 * pin + edge, arrival[edge, pin]
                need[count] = arrival[edge, pin] + surface_at(tables, numbers, check_tables[k, edge], slew[edge, pin], 0.0)
                capture[count] = RISE if check_type[k] == SETUP_RISING else FALL
                count += 1
    return end[:count].copy(), when[:count].copy(), need[:count].copy(), capture[:count].copy()
