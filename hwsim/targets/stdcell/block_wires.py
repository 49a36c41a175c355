"""Wires of a layout as the timer takes them: repeaters on long and heavy nets, what drivers see, delays and slews at the sinks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip
from hwsim.targets.stdcell.buffers import Buffered, Repeater, best_length_um, insert_buffers, stage_load_f
from hwsim.targets.stdcell.layout import Layout
from hwsim.targets.stdcell.levels import TimingGraph
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.sta import WireLoad, step_slew_factor
from hwsim.tech.cell_library import COMBINATIONAL, Cell, Library
from hwsim.tech.fan_out import fo4_slew_s

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BufferCell:
    """A repeater with what power and timing need besides: its cell, and its output slew at the load that a stage may carry."""

    cell: Cell
    repeater: Repeater
    slew_s: float


@dataclass(frozen=True, eq=False)
class BufferedWires:
    """A layout's wires with repeaters: the timer's view, `switched_f` [nets] wire and repeater inputs, repeaters per net, and which cell they are."""

    load: WireLoad
    switched_f: Floats
    count: NDArray[np.int32]
    buffer: BufferCell

    @property
    def buffers(self) -> int:
        """Repeaters in all."""
        return int(self.count.sum())


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


def choose_buffer(library: Library, stack: Stack) -> BufferCell:
    """The buffer that carries a signal fastest over the lowest pair of layers (least delay per length at its best distance)."""

    def cost(made: Repeater) -> float:
        return made.own_stage_s / best_length_um(stack, made)

    load = 8 * library.unit_capacitance_f
    cells = buffer_cells(library)
    best = min(cells, key=lambda c: cost(repeater_of(library, c, load)))
    repeater = repeater_of(library, best, load)
    most = stage_load_f(stack, repeater)
    slews = [s for arc in best.arcs for s in (arc.slew_rise, arc.slew_fall) if s is not None]
    return BufferCell(best, repeater, float(np.mean([s.at(fo4_slew_s(library), most / 2) for s in slews])))


def buffered_wires(layout: Layout, graph: TimingGraph, buffer: BufferCell | None = None) -> BufferedWires:
    """Repeat the nets of every side, and put the sides together: both trees load the one driver."""
    library, n = graph.library, graph.netlist
    buffer = choose_buffer(library, layout.technology.front) if buffer is None else buffer
    repeater = buffer.repeater
    load, switched, count = np.zeros(n.nets), np.zeros(n.nets), np.zeros(n.nets, np.int32)
    delay, slew = np.zeros(n.pins), np.zeros(n.pins)
    for side, (_, stack) in zip(layout.side_wires, layout.stacks, strict=True):
        made: Buffered = insert_buffers(side, graph.pin_f, repeater, stage_load_f(stack, repeater), best_length_um(stack, repeater))
        load += made.load_f
        switched += made.total_f
        count += made.count
        delay += made.delay_s
    factor = step_slew_factor(library.thresholds)
    repeated = delay >= repeater.delay_s
    slew = np.where(repeated, buffer.slew_s, factor * delay)
    return BufferedWires(WireLoad(load, delay, slew, repeated), switched, count, buffer)
