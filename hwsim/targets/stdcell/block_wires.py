"""Wires of a layout as the timer takes them: repeaters on long and heavy nets, what drivers see, delays and slews at the sinks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip
from hwsim.targets.stdcell.block_repeaters import repeat_for_timing
from hwsim.targets.stdcell.block_sizing import AIM, linear_view
from hwsim.targets.stdcell.block_slack import slacks
from hwsim.targets.stdcell.buffers import Repeater, best_length_um, insert_buffers, stage_load_f
from hwsim.targets.stdcell.layout import Layout
from hwsim.targets.stdcell.levels import TimingGraph
from hwsim.targets.stdcell.parasitics import SideWires
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.sta import WireLoad, step_slew_factor, time_block
from hwsim.tech.cell_library import COMBINATIONAL, Cell, Library
from hwsim.tech.fan_out import fo4_slew_s

Floats = NDArray[np.float64]
STEP = 1.4  # between the drives of repeaters to choose from
PASSES = 4  # of repeaters for timing
SLACK_CAP = 1.0  # required times later than this many periods are all alike


@dataclass(frozen=True)
class Repeaters:
    """The buffers that repeaters are chosen from, weakest first, their linear views, which one nets are repeated with that are not critical (the
    fastest over a distance), and its output slew at half the load that a stage may carry.
    """

    cells: tuple[Cell, ...]
    views: tuple[Repeater, ...]
    plain: int
    slew_s: float

    @property
    def area_um2(self) -> Floats:
        """Per kind."""
        return np.array([c.area_um2 for c in self.cells])


@dataclass(frozen=True, eq=False)
class BufferedWires:
    """A layout's wires with repeaters: the timer's view, `switched_f` [nets] wire and repeater inputs, `count` [nets, kinds] repeaters."""

    load: WireLoad
    switched_f: Floats
    count: NDArray[np.int32]
    repeaters: Repeaters

    @property
    def total(self) -> int:
        """Repeaters in all."""
        return int(self.count.sum())

    @property
    def area_um2(self) -> float:
        """Area of all repeaters."""
        return float(self.count.sum(axis=0) @ self.repeaters.area_um2)


def buffer_cells(library: Library) -> tuple[Cell, ...]:
    """Buffers of the library: one input, one output, the output's function the input. Raises `InvalidChip` when there is none."""
    found = [
        c for c in library.cells
        if c.kind == COMBINATIONAL and len(c.inputs) == 1 and len(c.outputs) == 1 and c.arcs
        and c.outputs[0].function.strip("() ") == c.inputs[0].name and not c.outputs[0].three_state
    ]  # fmt: skip
    if not found:
        raise InvalidChip(f"library '{library.name}' has no buffer: long nets cannot be repeated")
    return tuple(found)


def repeater_of(library: Library, cell: Cell, load_f: float) -> Repeater:
    """The linear view of a buffer: delay at no load and drive resistance up to `load_f`, mean of both edges at the fan-out-of-4 slew."""
    slew = fo4_slew_s(library)
    delays = [s for arc in cell.arcs for s in (arc.delay_rise, arc.delay_fall) if s is not None]
    low, high = (float(np.mean([s.at(slew, f) for s in delays])) for f in (0.0, load_f))
    return Repeater(cell.inputs[0].capacitance_f, (high - low) / load_f, low, cell.area_um2)


def choose_repeaters(library: Library, stack: Stack, usable: frozenset[str]) -> Repeaters:
    """Buffers of drives at least `STEP` apart; the plain one carries a signal fastest over the lowest pair of layers at its best distance."""
    load = 8 * library.unit_capacitance_f
    made = [(repeater_of(library, c, load), c) for c in buffer_cells(library) if c.name in usable] or [
        (repeater_of(library, c, load), c) for c in buffer_cells(library)
    ]
    made.sort(key=lambda pair: -pair[0].drive_ohm)
    kept = made[:1]
    for view, cell in made[1:]:
        if view.drive_ohm * STEP <= kept[-1][0].drive_ohm:
            kept.append((view, cell))
    views, cells = tuple(view for view, _ in kept), tuple(cell for _, cell in kept)
    plain = min(range(len(views)), key=lambda i: views[i].own_stage_s / best_length_um(stack, views[i]))
    slews = [s for arc in cells[plain].arcs for s in (arc.slew_rise, arc.slew_fall) if s is not None]
    slew = float(np.mean([s.at(fo4_slew_s(library), stage_load_f(stack, views[plain]) / 2) for s in slews]))
    return Repeaters(cells, views, plain, slew)


@dataclass(frozen=True, eq=False)
class _Side:
    """One side's repeaters: per net their number, the driver's load, wire and repeater capacitance; per pin the delay, whether a repeater comes
    before it, and the delay of its last stage of wire.
    """

    count: NDArray[np.int32]
    load_f: Floats
    total_f: Floats
    delay_s: Floats
    repeated: NDArray[np.bool_]
    stage_s: Floats


def buffered_wires(layout: Layout, graph: TimingGraph, period_s: float, kinds: Repeaters) -> BufferedWires:
    """Repeat the nets of every side, and put the sides together: both trees load the one driver.

    Every net is repeated so that no stage carries too much; nets on paths that then miss `period_s` are repeated anew for timing, `PASSES` times;
    the best of all is kept. A period out of reach counts as a tenth less than the one reached.
    """
    sides = [_bounded(side, graph.pin_f, kinds, stack) for side, (_, stack) in zip(layout.side_wires, layout.stacks, strict=True)]
    drive = _drive_ohm(graph)
    found = best = _together(sides, graph, kinds)
    least = float("inf")
    for _ in range(PASSES + 1):
        timing = time_block(graph, found.load)
        if timing.min_period_s < least:
            best, least = found, timing.min_period_s
        aim = max(period_s, AIM * timing.min_period_s)
        slack = slacks(timing, found.load, aim)
        late = np.zeros(graph.netlist.nets, np.bool_)
        late[graph.netlist.pin_net[slack < 0]] = True
        late[graph.netlist.clock_nets] = False
        nets = np.flatnonzero(late & (graph.netlist.fanout > 0))
        if not len(nets):
            break
        need = np.minimum(slack, SLACK_CAP * aim) + found.load.delay_s
        for side, own in zip(layout.side_wires, sides, strict=True):
            arrays = (own.count, own.load_f, own.total_f, own.delay_s, own.repeated, own.stage_s)
            repeat_for_timing(side, nets, graph.pin_f, need, drive, kinds.views, arrays)
        found = _together(sides, graph, kinds)
    return best


def _bounded(side: SideWires, pin_f: Floats, kinds: Repeaters, stack: Stack) -> _Side:
    repeater = kinds.views[kinds.plain]
    made = insert_buffers(side, pin_f, repeater, stage_load_f(stack, repeater), best_length_um(stack, repeater))
    repeated = made.delay_s >= repeater.delay_s
    count = np.zeros((len(made.count), len(kinds.views)), np.int32)
    count[:, kinds.plain] = made.count
    return _Side(count, made.load_f.copy(), made.total_f.copy(), made.delay_s.copy(), repeated, np.where(repeated, 0.0, made.delay_s))


def _drive_ohm(graph: TimingGraph) -> Floats:
    """Drive resistance of each net's driver [nets]; 0 for ports."""
    n, library = graph.netlist, graph.library
    per_cell = {int(k): linear_view(library, library.cells[k])[0] for k in np.unique(graph.cell)}
    source = n.pin_cell[n.net_start[:-1]]
    found: Floats = np.array([per_cell[int(graph.cell[c])] if c >= 0 else 0.0 for c in source])
    return np.where(np.isfinite(found), found, 0.0)


def _together(sides: Sequence[_Side], graph: TimingGraph, kinds: Repeaters) -> BufferedWires:
    load, switched = (np.sum([getattr(s, name) for s in sides], axis=0) for name in ("load_f", "total_f"))
    delay, stage = (np.sum([getattr(s, name) for s in sides], axis=0) for name in ("delay_s", "stage_s"))
    repeated = np.any([s.repeated for s in sides], axis=0)
    width = step_slew_factor(graph.library.thresholds) * stage
    slew = np.where(repeated, np.hypot(kinds.slew_s, width), width)
    count = np.sum([s.count for s in sides], axis=0).astype(np.int32)
    return BufferedWires(WireLoad(load, delay, slew, repeated), switched, count, kinds)
