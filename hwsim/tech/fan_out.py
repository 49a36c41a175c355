"""The fan-out-of-4 point of a library: the load of four unit inverters, and the slew that a chain of them settles to."""

from __future__ import annotations

import numpy as np

from hwsim.core.errors import InvalidChip, InvalidTrace
from hwsim.tech.cell_library import Cell, Library

FAN_OUT = 4
ITERATIONS = 200
SETTLED = 1e-13
ASYNCHRONOUS = ("clear", "preset")


def fo4_load_f(library: Library) -> float:
    """Four inputs of the unit inverter, in farads."""
    return FAN_OUT * library.unit_capacitance_f


def fo4_slew_s(library: Library) -> float:
    """Slew at which the unit inverter, driving four, gives out what it takes in: the mean of both output edges, by fixed-point iteration.

    Raises `InvalidChip` when the unit inverter has no timing or its slew does not settle.
    """
    load, slew = fo4_load_f(library), 0.0
    surfaces = [s for arc in library.cell(library.unit_inverter).arcs for s in (arc.slew_rise, arc.slew_fall) if s is not None]
    if not surfaces:
        raise InvalidChip(f"the unit inverter '{library.unit_inverter}' of library '{library.name}' has no timing arcs")
    for _ in range(ITERATIONS):
        found = float(np.mean([s.at(slew, load) for s in surfaces]))
        if abs(found - slew) <= SETTLED * found:
            return found
        slew = found
    raise InvalidChip(f"the slew of library '{library.name}' does not settle at fan-out {FAN_OUT}")


def mean_delay_s(cell: Cell, slew_s: float, load_f: float) -> float:
    """Mean delay over the arcs of the cell's first output and both edges at one input slew and load; asynchronous clears and presets are left out.

    Raises `InvalidTrace` for a cell without timing.
    """
    timed = [arc for arc in cell.arcs if arc.pin == cell.outputs[0].name and arc.type not in ASYNCHRONOUS]
    found = [s.at(slew_s, load_f) for arc in timed for s in (arc.delay_rise, arc.delay_fall) if s is not None]
    if not found:
        raise InvalidTrace(f"cell '{cell.name}' has no timing arcs")
    return float(np.mean(found))
