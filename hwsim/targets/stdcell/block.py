"""Area, clock and power of a block: a mapped netlist placed on a chip's rows, routed on its sides, buffered, sized and timed.

The unbuffered netlist is placed first. At a reference utilisation, with all pins on the front, cells are sized for the target clock and repeaters are
counted; utilisation is the area of the sized cells and their repeaters over the core's. The sized cells are then placed for every utilisation and
seed, pins get their sides, and repeaters follow the routed trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.targets.stdcell.block_sizing import size_cells
from hwsim.targets.stdcell.block_wires import BufferedWires, Repeaters, buffered_wires, choose_repeaters
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


@dataclass(frozen=True)
class Study:
    """The core of a published study that a design of ours stands for, its RTL not being published: its gates over the stand-in's (`size`), and the
    period of its longest path over the stand-in's on the same cells and wires (`depth`). Both 1 for a design that stands for itself.
    """

    size: float = 1.0
    depth: float = 1.0


@dataclass(frozen=True, eq=False)
class Design:
    """A netlist sized for a chip and a target clock. `cell_area_um2` counts repeaters, those of the reference layout; `repeaters` are
    the kinds to choose from, `period_s` is the period that timing aims at, `study` what the design stands for."""

    chip: Chip
    library: Library
    netlist: Netlist
    graph: TimingGraph
    cell_area_um2: float
    repeaters: Repeaters
    period_s: float
    study: Study


@dataclass(frozen=True, eq=False)
class Point:
    """One layout of a design with its timing, power and clock tree."""

    design: Design
    layout: Layout
    wires: BufferedWires
    timing: Timing
    power: Power
    clock: ClockTree
    seed: int

    @property
    def frequency_hz(self) -> float:
        """The fastest clock, of the core that the design stands for."""
        return 1.0 / (self.timing.min_period_s * self.design.study.depth)

    @property
    def violations(self) -> float:
        """Expected violations, of the core that the design stands for."""
        return self.layout.violations.total * self.design.study.size

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
    usable = usable_cells(chip, library)
    kinds = choose_repeaters(library, technology.front, frozenset(usable))
    study = study_of(chip, netlist)
    period = 1.0 / (target_hz * study.depth)
    sized = size_cells(netlist, library, usable, period, lambda graph: buffered_wires(layout, graph, period, kinds).load)
    graph = timing_graph(sized, library)
    total = float(library.area_um2[graph.cell].sum()) + buffered_wires(layout, graph, period, kinds).area_um2
    return Design(chip, library, sized, graph, total, kinds, period, study)


@lru_cache(maxsize=128)
def _placed(chip: Chip, netlist: Netlist, plan: Floorplan, seed: int, even: bool = False) -> Placement:
    return place(netlist, plan, *cell_sizes(netlist, load_library(chip)), seed=seed, density=plan.utilisation if even else None)


def study_of(chip: Chip, netlist: Netlist) -> Study:
    """What a netlist stands for on a chip: the study's core when it is the design that the chip names for it, else itself."""
    if "study_core" not in chip.params or chip.text("study_core") != netlist.name:
        return Study()
    return Study(chip.number("study_core_size"), chip.number("study_core_depth"))


def outline(design: Design, options: Options, utilisation: float) -> Floorplan:
    """The core at a utilisation. Raises `Infeasible`."""
    return floorplan(technology_of(design.chip, options).rows, design.cell_area_um2, utilisation)


def outline_of_area(design: Design, options: Options, area_um2: float) -> Floorplan:
    """The core of a given area. Raises `Infeasible`."""
    return floorplan_of_area(technology_of(design.chip, options).rows, design.cell_area_um2, area_um2)


def laid_out(design: Design, options: Options, plan: Floorplan, seed: int, even: bool = False) -> Layout:
    """The design on a core, its pins on their sides; `even`: cells are spread over the whole core, for the sake of pin access."""
    options, split = settled(design.chip, options)
    placement = _placed(design.chip, design.netlist, plan, seed, even)
    return with_sides(placement, technology_of(design.chip, options), split, options.pin_policy)


def evaluate(design: Design, layout: Layout, seed: int) -> Point:
    """Wires, timing and power of a layout."""
    chip, library, graph = design.chip, design.library, design.graph
    wires = buffered_wires(layout, graph, design.period_s, design.repeaters)
    clock = clock_tree(layout.placement, layout.technology.front, CLOCK_LEAF)
    activity = chip.number("activity") if "activity" in chip.params else DEFAULT_ACTIVITY
    share = chip.number("clock_share") if "clock_share" in chip.params else 1.0
    power = block_power(graph, np.full(graph.netlist.nets, activity), _extra(library, wires, clock), share)
    return Point(design, layout, wires, time_block(graph, wires.load), power, clock, seed)


def _extra(library: Library, wires: BufferedWires, clock: ClockTree) -> Extra:
    kinds = wires.repeaters
    at = np.array([library.index[c.name] for c in kinds.cells])
    energy, leakage = library.energies_j[at, 0], library.leakage_w[at]
    one = kinds.plain
    tree = clock.wire_f, clock.buffers, kinds.views[one].input_f, float(energy[one]), float(leakage[one])
    return Extra(wires.switched_f, wires.count, energy, leakage, *tree)


def peer_options(chip: Chip, options: Options) -> Options:
    """The options as another chip can take them: a chip with signals on one side keeps the front's only."""
    if device_sides(chip) > 1:
        return options
    return options.model_copy(update={"back_metals": None, "front_pin_fraction": None, "back_pitch_factor": 1.0})


def with_split(options: Options, split: float) -> Options:
    """The options with a pin split."""
    return options.model_copy(update={"front_pin_fraction": split})
