"""Area, clock and power of a block: a mapped netlist placed on a chip's rows, routed on its sides, buffered, sized and timed.

The unbuffered netlist is placed first. At a reference utilisation, with all pins on the front, cells are sized for the target clock and repeaters are
counted; utilisation is the area of the sized cells and their repeaters over the core's. The sized cells are then placed for every utilisation and
seed, pins get their sides, and repeaters follow the routed trees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.targets.stdcell.block_sizing import size_cells
from hwsim.targets.stdcell.block_wires import BufferCell, BufferedWires, buffered_wires, choose_buffer
from hwsim.targets.stdcell.cells import load_library, usable_cells
from hwsim.targets.stdcell.clock_tree import ClockTree, clock_tree
from hwsim.targets.stdcell.floorplan import Floorplan, floorplan, floorplan_of_area
from hwsim.targets.stdcell.layout import Layout, with_sides
from hwsim.targets.stdcell.levels import TimingGraph, timing_graph
from hwsim.targets.stdcell.mapping import Options
from hwsim.targets.stdcell.placement import Placement, place
from hwsim.targets.stdcell.power import Extra, Power, block_power
from hwsim.targets.stdcell.sta import Timing, time_block
from hwsim.targets.stdcell.stacks import device_sides, technology_of
from hwsim.tech.cell_library import Library
from hwsim.tech.netlist import Netlist

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
UM2_MM2 = 1e-6
REFERENCE_UTILISATION = 0.7  # where cells are sized
CLOCK_LEAF = 24  # clock pins of a leaf buffer
DEFAULT_ACTIVITY = 0.1


@dataclass(frozen=True, eq=False)
class Design:
    """A netlist sized for a chip and a target clock. `cell_area_um2` counts repeaters; those are the ones of the reference layout."""

    chip: Chip
    library: Library
    netlist: Netlist
    graph: TimingGraph
    cell_area_um2: float
    repeaters: int


@dataclass(frozen=True, eq=False)
class Point:
    """One layout of a design with its timing, power and clock tree; `margin` multiplies the period."""

    design: Design
    layout: Layout
    wires: BufferedWires
    timing: Timing
    power: Power
    clock: ClockTree
    margin: float
    seed: int

    @property
    def frequency_hz(self) -> float:
        """The fastest clock, margin included."""
        return 1.0 / (self.timing.min_period_s * self.margin)

    @property
    def area_um2(self) -> float:
        """Of the core."""
        return self.layout.placement.plan.area_um2

    @property
    def utilisation(self) -> float:
        """Cells, repeaters included, over the core."""
        return self.design.cell_area_um2 / self.area_um2


def cell_sizes(netlist: Netlist, library: Library) -> tuple[Ints, Ints]:
    """Width in sites and height in rows of each cell [cells]."""
    cells = [library.cell(name) for name in netlist.types]
    width = np.array([max(1, round(c.width_cpp)) for c in cells], np.int32)[netlist.cell_type]
    return width, np.array([max(1, round(c.rows)) for c in cells], np.int32)[netlist.cell_type]


def settled(chip: Chip, options: Options) -> tuple[Options, float]:
    """The options with a pin split, and the split: half on each side where the back carries signals, else all on the front."""
    if isinstance(options.front_pin_fraction, int | float):
        return options, float(options.front_pin_fraction)
    split = 0.5 if technology_of(chip, options).back is not None else 1.0
    return options.model_copy(update={"front_pin_fraction": split}), split


@lru_cache(maxsize=16)
def prepare(chip: Chip, netlist: Netlist, target_hz: float) -> Design:
    """Size the netlist for a target clock on a chip, in a layout at the reference utilisation. Raises `Infeasible`, `MissingParameter`."""
    library = load_library(chip)
    one_sided = Options(front_pin_fraction=1.0, back_metals=0)
    technology = technology_of(chip, one_sided)
    area = float(library.area_um2[timing_graph(netlist, library).cell].sum())
    plan = floorplan(technology.rows, area, REFERENCE_UTILISATION)
    layout = with_sides(_placed(chip, netlist, plan, 0), technology, 1.0)
    buffer = choose_buffer(library, technology.front)
    sized = size_cells(netlist, library, usable_cells(chip, library), 1.0 / target_hz, lambda graph: buffered_wires(layout, graph, buffer).load)
    graph = timing_graph(sized, library)
    repeaters = buffered_wires(layout, graph, buffer).buffers
    total = float(library.area_um2[graph.cell].sum()) + repeaters * buffer.cell.area_um2
    return Design(chip, library, sized, graph, total, repeaters)


@lru_cache(maxsize=128)
def _placed(chip: Chip, netlist: Netlist, plan: Floorplan, seed: int) -> Placement:
    return place(netlist, plan, *cell_sizes(netlist, load_library(chip)), seed=seed)


def outline(design: Design, options: Options, utilisation: float) -> Floorplan:
    """The core at a utilisation. Raises `Infeasible`."""
    return floorplan(technology_of(design.chip, options).rows, design.cell_area_um2, utilisation)


def outline_of_area(design: Design, options: Options, area_um2: float) -> Floorplan:
    """The core of a given area. Raises `Infeasible`."""
    return floorplan_of_area(technology_of(design.chip, options).rows, design.cell_area_um2, area_um2)


def laid_out(design: Design, options: Options, plan: Floorplan, seed: int) -> Layout:
    """The design on a core, its pins on their sides."""
    options, split = settled(design.chip, options)
    placement = _placed(design.chip, design.netlist, plan, seed)
    return with_sides(placement, technology_of(design.chip, options), split, options.pin_policy)


def evaluate(design: Design, layout: Layout, seed: int) -> Point:
    """Wires, timing and power of a layout."""
    chip, library, graph = design.chip, design.library, design.graph
    buffer = choose_buffer(library, layout.technology.front)
    wires = buffered_wires(layout, graph, buffer)
    clock = clock_tree(layout.placement, layout.technology.front, CLOCK_LEAF)
    activity = chip.number("activity") if "activity" in chip.params else DEFAULT_ACTIVITY
    power = block_power(graph, np.full(graph.netlist.nets, activity), _extra(library, wires, buffer, clock))
    margin = chip.number("timing_margin") if "timing_margin" in chip.params else 1.0
    return Point(design, layout, wires, time_block(graph, wires.load), power, clock, margin, seed)


def _extra(library: Library, wires: BufferedWires, buffer: BufferCell, clock: ClockTree) -> Extra:
    at = library.index[buffer.cell.name]
    energy, leakage = float(library.energies_j[at, 0]), float(library.leakage_w[at])
    return Extra(wires.switched_f, wires.count, energy, leakage, clock.wire_f, clock.buffers, buffer.repeater.input_f)


def peer_options(chip: Chip, options: Options) -> Options:
    """The options as another chip can take them: a chip with signals on one side keeps the front's only."""
    if device_sides(chip) > 1:
        return options
    return options.model_copy(update={"back_metals": None, "front_pin_fraction": None, "back_pitch_factor": 1.0})


def with_split(options: Options, split: float) -> Options:
    """The options with a pin split."""
    return options.model_copy(update={"front_pin_fraction": split})


def moved(point: Point, **changes: float) -> Point:
    """A point with other figures (the margin, for what-ifs)."""
    return replace(point, **changes)  # type: ignore[arg-type]
