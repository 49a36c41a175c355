"""Cells in isolation: area, delay at a point, fan-out-of-4 delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.stdcell.cells import load_library
from hwsim.tech.cell_library import Cell, Library

FO4 = "fo4"
PS, FF = 1e-12, 1e-15
FAN_OUT = 4
ITERATIONS = 200
SETTLED = 1e-12


def unit_load_f(library: Library) -> float:
    """The fan-out-of-4 load: four inputs of the unit inverter."""
    return FAN_OUT * library.unit_capacitance_f


def fo4_slew_s(library: Library) -> float:
    """Slew that a chain of unit inverters, each driving four, settles to: the mean of both output edges, by fixed-point iteration."""
    arc = library.cell(library.unit_inverter).arcs[0]
    load = unit_load_f(library)
    slew = load * 0.0
    for _ in range(ITERATIONS):
        edges = [s.at(slew, load) for s in (arc.slew_rise, arc.slew_fall) if s is not None]
        found = float(np.mean(edges))
        if abs(found - slew) <= SETTLED * found:
            return found
        slew = found
    raise InvalidTrace(f"the slew of library '{library.name}' does not settle at fan-out 4")


def mean_delay_s(cell: Cell, slew_s: float, load_f: float) -> float:
    """Mean delay over the cell's output arcs and both edges at one input slew and load. Raises `InvalidTrace` for a cell without any."""
    found = [s.at(slew_s, load_f) for arc in cell.arcs for s in (arc.delay_rise, arc.delay_fall) if s is not None]
    if not found:
        raise InvalidTrace(f"cell '{cell.name}' has no timing arcs")
    return float(np.mean(found))


def fo4(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Delay of the unit inverter driving four, at its own output slew; mean of both edges."""
    library = load_library(chip)
    return {"latency_s": mean_delay_s(library.cell(library.unit_inverter), fo4_slew_s(library), unit_load_f(library))}


def cell_delay(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Mean delay of a cell over its output arcs and both edges, at one slew (ps) and load (fF); ``fo4`` means those of a fan-out-of-4 chain."""
    library = load_library(chip)
    slew = fo4_slew_s(library) if arguments["slew"] == FO4 else _scaled(arguments, "slew", PS)
    load = unit_load_f(library) if arguments["load"] == FO4 else _scaled(arguments, "load", FF)
    return {"latency_s": mean_delay_s(library.cell(str(arguments["cell"])), slew, load)}


def _scaled(arguments: Mapping[str, Any], name: str, unit: float) -> float:
    return number(arguments, name) * unit


CELL_PRIMITIVES = (
    Primitive("fo4", "delay of the unit inverter driving four", fo4),
    Primitive("cell_delay", "mean delay of a cell at a slew (ps) and load (fF)", cell_delay, {"cell": None, "slew": FO4, "load": FO4}),
)
