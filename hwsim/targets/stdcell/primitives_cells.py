"""Cells in isolation: area, delay at a point, fan-out-of-4 delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.stdcell.cells import load_library
from hwsim.tech.fan_out import fo4_load_f, fo4_slew_s, mean_delay_s

FO4 = "fo4"
PS, FF = 1e-12, 1e-15


def fo4(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Delay of the unit inverter driving four, at its own output slew; mean of both edges."""
    library = load_library(chip)
    return {"latency_s": mean_delay_s(library.cell(library.unit_inverter), fo4_slew_s(library), fo4_load_f(library))}


def cell_delay(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Mean delay of a cell over its output arcs and both edges, at one slew (ps) and load (fF); ``fo4`` means those of a fan-out-of-4 chain."""
    library = load_library(chip)
    slew = fo4_slew_s(library) if arguments["slew"] == FO4 else _scaled(arguments, "slew", PS)
    load = fo4_load_f(library) if arguments["load"] == FO4 else _scaled(arguments, "load", FF)
    return {"latency_s": mean_delay_s(library.cell(str(arguments["cell"])), slew, load)}


def _scaled(arguments: Mapping[str, Any], name: str, unit: float) -> float:
    return number(arguments, name) * unit


CELL_PRIMITIVES = (
    Primitive("fo4", "delay of the unit inverter driving four", fo4),
    Primitive("cell_delay", "mean delay of a cell at a slew (ps) and load (fF)", cell_delay, {"cell": None, "slew": FO4, "load": FO4}),
)
