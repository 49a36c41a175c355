"""Libraries of the Flip FET family: cells of an open library on another device and another grid.

The open library gives cell by cell the columns, logic and shape of timing; the chip's stage (`hwsim.targets.stdcell.stage`) gives how fast and how
heavy its inverter is, from its device and middle-of-line parasitics. Times are multiplied by ``t_stage / t_base`` of an unloaded fan-out-of-3
stage, and capacitances so that a femtofarad of wire costs what the stage's drive resistance says:

    time factor a = t(3) / t_base(3)          capacitance factor y = a (dt_base / dC) / R

Widths: cells keep their columns, except where the family folds or merges them: flip-flops (published) and multiplexers. A common-gate CFET spends
extra columns on each split-gate element (transmission gate, clocked inverter). Area = columns x CPP x rows x row height.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip
from hwsim.targets.stdcell.stage import Stage, stage_of
from hwsim.tech.cell_library import COMBINATIONAL, FLIP_FLOP, LATCH, Arc, Cell, Library, State

FAN_OUT = 3
FOLDED_ROWS = 2
SPLIT_ELEMENTS = {FLIP_FLOP: 4, LATCH: 2, "mux": 2, "tristate": 1}  # transmission gates and clocked inverters; a flip-flop has two latches
PLAIN_FLOP = "dff"
UM = 1e-6
STEP = 0.05  # of the load, for the slope of the base library's delay
ROUNDS = 60
ROUNDING = 0.02  # of a column: areas of libraries are rounded


@dataclass(frozen=True)
class Scale:
    """How a family library follows from its base: factors of time, capacitance and internal energy, and charge at outputs per unit of drive."""

    time: float
    capacitance: float
    output_j: float


def ring_stage_s(library: Library, load_f: float) -> float:
    """Delay of a stage of the unit inverter at a load, at the slew that a ring of such stages settles to; mean of both edges."""
    arcs = library.cell(library.unit_inverter).arcs
    delays = [s for arc in arcs for s in (arc.delay_rise, arc.delay_fall) if s is not None]
    slews = [s for arc in arcs for s in (arc.slew_rise, arc.slew_fall) if s is not None]
    slew = 0.0
    for _ in range(ROUNDS):
        slew = float(np.mean([s.at(slew, load_f) for s in slews]))
    return float(np.mean([s.at(slew, load_f) for s in delays]))


def scale_of(stage: Stage, vdd_v: float, base: Library) -> Scale:
    """The factors that turn the base library's unit inverter into the stage's."""
    load = FAN_OUT * base.unit_capacitance_f
    time = stage.delay_s(vdd_v, FAN_OUT) / ring_stage_s(base, load)
    slope = (ring_stage_s(base, load * (1 + STEP)) - ring_stage_s(base, load * (1 - STEP))) / (2 * STEP * load)
    capacitance = time * slope / stage.resistance_ohm(vdd_v)
    own = stage.cycle_j(vdd_v, FAN_OUT) / vdd_v**2 - load * capacitance
    if own < 0:
        raise InvalidChip("the stage's inputs hold more charge than its energy: its constants do not fit the base library")
    return Scale(time, capacitance, own * vdd_v**2 / 2)


def family_library(chip: Chip, base: Library) -> Library:
    """The library of a chip of the Flip FET family, on the cells of `base`. Raises `MissingParameter`, `InvalidChip`."""
    vdd = chip.number("vdd_v")
    scale = scale_of(stage_of(chip), vdd, base)
    cpp_um, row_um = chip.number("cpp_m") / UM, row_height_um(chip)
    unit = drive_ohm(base.cell(base.unit_inverter))
    cells = []
    for cell in (*base.cells, *plain_flops(base)):
        width, rows = columns(chip, cell)
        area = width * cpp_um * rows * row_um
        drive = unit / drive_ohm(cell) if cell.arcs else 0.0
        energies = (e * scale.capacitance * vdd**2 / base.vdd_v**2 for e in (cell.energy_output_j, cell.energy_input_j, cell.energy_clock_j))
        output, inner, clock = energies
        narrower = width * rows / (cell.width_cpp * cell.rows)
        cells.append(
            replace(
                cell, area_um2=area, width_cpp=width, rows=rows, leakage_w=cell.leakage_w * scale.capacitance * min(1.0, narrower),
                pins=tuple(replace(p, capacitance_f=p.capacitance_f * scale.capacitance, max_capacitance_f=p.max_capacitance_f * scale.capacitance)
                           for p in cell.pins),
                arcs=tuple(_scaled(arc, scale) for arc in cell.arcs),
                checks=tuple(replace(c, rise=c.rise and c.rise.scaled(scale.time, scale.time, scale.time),
                                     fall=c.fall and c.fall.scaled(scale.time, scale.time, scale.time)) for c in cell.checks),
                energy_output_j=output + scale.output_j * drive, energy_input_j=inner, energy_clock_j=clock,
            )
        )  # fmt: skip
    note = f"{base.attribution}\nscaled to the device, parasitics and grid of {chip.name} (hwsim.targets.stdcell.views)"
    return Library(chip.name, tuple(cells), cpp_um, row_um, vdd, base.unit_inverter, base.thresholds, note)


def _scaled(arc: Arc, scale: Scale) -> Arc:
    made = [s and s.scaled(scale.time, scale.time, scale.capacitance) for s in arc.surfaces]
    return replace(arc, delay_rise=made[0], delay_fall=made[1], slew_rise=made[2], slew_fall=made[3])


def row_height_um(chip: Chip) -> float:
    """Row height: stated, or tracks times their pitch. Raises `MissingParameter`."""
    if "row_height_m" in chip.params:
        return chip.number("row_height_m") / UM
    return chip.number("tracks") * chip.number("track_m") / UM


def drive_ohm(cell: Cell) -> float:
    """Drive resistance of a cell: the least slope of its delay over load at large loads, over its outputs and edges."""
    found = []
    for arc in cell.arcs:
        for surface in (arc.delay_rise, arc.delay_fall):
            if surface is not None and len(surface.y) > 1:
                high = float(surface.y[-1])
                found.append((surface.at(0.0, high) - surface.at(0.0, high / 2)) / (high / 2))
    return float(np.mean(found)) if found else float("inf")


def plain_flops(base: Library) -> list[Cell]:
    """Flip-flops without set and reset, made of those that have them, for a base library that has no others."""
    flops = [c for c in base.cells if c.kind == FLIP_FLOP and c.state is not None]
    if any(c.state is not None and not (c.state.clear or c.state.preset) for c in flops):
        return []
    made = []
    for cell in flops:
        state = cell.state
        if state is None or not (state.clear and state.preset):
            continue
        controls = {*re.findall(r"\w+", state.clear), *re.findall(r"\w+", state.preset)}
        drive = re.search(r"_?x\d+$", cell.name, re.IGNORECASE)
        made.append(
            replace(
                cell, name=PLAIN_FLOP + (drive.group() if drive else ""), state=State(state.variables, state.clock, state.data),
                pins=tuple(p for p in cell.pins if p.name not in controls),
                arcs=tuple(a for a in cell.arcs if a.related not in controls),
                checks=tuple(c for c in cell.checks if c.related not in controls and c.pin not in controls),
            )
        )  # fmt: skip
    return made


def columns(chip: Chip, cell: Cell) -> tuple[float, float]:
    """(columns per row, rows) of a cell of the family: of the base library, folded or merged, with the extra columns of its split gates."""
    kind = element_kind(cell)
    extra = chip.number("split_gate_extra_cpp") * SPLIT_ELEMENTS.get(kind, 0)
    if kind == FLIP_FLOP:
        size = _drive_size(cell.name)
        asynchronous = cell.state is not None and (cell.state.clear or cell.state.preset)
        width = chip.number("dff_width_cpp") * (chip.number("async_width_factor") if asynchronous else 1.0)
        plain = FOLDED_ROWS * width + (size - 1) + extra  # each further finger of the output is a column
        return float(np.ceil(plain / FOLDED_ROWS - ROUNDING)), float(FOLDED_ROWS)
    if kind == "mux":
        return float(np.ceil(chip.number("mux_width_cpp") + 2 * (_drive_size(cell.name) - 1) + extra - ROUNDING)), 1.0
    return float(np.ceil(cell.width_cpp + extra - ROUNDING)), cell.rows


def element_kind(cell: Cell) -> str:
    """What decides a cell's split gates: flip-flop, latch, multiplexer, tri-state driver, or nothing."""
    if cell.kind != COMBINATIONAL:
        return cell.kind
    if any(p.three_state for p in cell.outputs):
        return "tristate"
    return "mux" if cell.name.lower().startswith("mux") else COMBINATIONAL


def _drive_size(name: str) -> int:
    """The drive strength at the end of a cell's name; 1 without one."""
    found = re.search(r"(\d+)$", name)
    return int(found.group(1)) if found and re.search(r"[xX_]\d+$", name) else 1
