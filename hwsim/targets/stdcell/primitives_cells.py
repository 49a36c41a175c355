"""Cells in isolation: area, delay at a point, fan-out-of-4 delay, a path of cells; the bit cell of an SRAM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import number, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.generic import find_cell
from hwsim.targets.stdcell.path import EDGES, Stage, path_delay, setup_s
from hwsim.tech.fan_out import fo4_load_f, fo4_slew_s, mean_delay_s

FO4 = "fo4"
PS, FF, UM2_MM2 = 1e-12, 1e-15, 1e-6


def cell_area(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Area, columns (CPP) and rows of a cell, by its own or a generic name."""
    cell = find_cell(load_library(chip), str(arguments["cell"]))
    return {"area_mm2": cell.area_um2 * UM2_MM2, "width_cpp": cell.width_cpp, "rows": cell.rows}


def sram_bitcell(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Area of the six-transistor bit cell: pull-ups and pull-downs on one side each, or (bipolar) both polarities on both sides."""
    polarity = word(arguments, "polarity", ("bipolar", "unipolar"))
    return {"area_mm2": chip.number(f"sram_bitcell_{polarity}_mm2")}


def fo4(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Delay of the unit inverter driving four, at its own output slew; mean of both edges."""
    library = load_library(chip)
    return {"latency_s": mean_delay_s(library.cell(library.unit_inverter), fo4_slew_s(library), fo4_load_f(library))}


def cell_delay(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Mean delay of a cell over its output arcs and both edges, at one slew (ps) and load (fF); ``fo4`` means those of a fan-out-of-4 chain."""
    library = load_library(chip)
    slew = fo4_slew_s(library) if arguments["slew"] == FO4 else _scaled(arguments, "slew", PS)
    load = fo4_load_f(library) if arguments["load"] == FO4 else _scaled(arguments, "load", FF)
    return {"latency_s": mean_delay_s(find_cell(library, str(arguments["cell"])), slew, load)}


def _scaled(arguments: Mapping[str, Any], name: str, unit: float) -> float:
    return number(arguments, name) * unit


def path(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Arrival at the end of a path from a clock edge (ideal clock, zero slew), with the setup time there for ``min_period``."""
    library = load_library(chip)
    report = word(arguments, "report", ("min_period", "data_arrival"))
    stages = _stages(arguments["stages"])
    found = path_delay(library, stages)
    if report == "data_arrival":
        return {"latency_s": found.arrival_s}
    end = arguments["end"]
    if not isinstance(end, list | tuple) or len(end) != 2:
        raise InvalidTrace(f"end is [cell, data pin], got {end!r}")
    return {"latency_s": found.arrival_s + setup_s(library, str(end[0]), str(end[1]), found.edge, found.slew_s)}


def _stages(stated: Any) -> list[Stage]:
    """The stages of a path as an argument states them. Raises `InvalidTrace`."""
    if not isinstance(stated, list | tuple) or not stated:
        raise InvalidTrace("stages is a list of [cell, input pin, output pin, output edge, load in fF]")
    found = []
    for at, row in enumerate(stated):
        if not isinstance(row, list | tuple) or len(row) != 5:
            raise InvalidTrace(f"stage {at} is [cell, input pin, output pin, output edge, load in fF], got {row!r}")
        named = dict(zip(("cell", "input", "output", "edge", "load"), row, strict=True))
        edge = EDGES[word(named, "edge", EDGES)]
        found.append(Stage(str(named["cell"]), str(named["input"]), str(named["output"]), edge, _scaled(named, "load", FF)))
    return found


CELL_PRIMITIVES = (
    Primitive("cell_area", "area of a cell", cell_area, {"cell": None}),
    Primitive("sram_bitcell", "area of an SRAM bit cell", sram_bitcell, {"polarity": "bipolar"}),
    Primitive("fo4", "delay of the unit inverter driving four", fo4),
    Primitive("cell_delay", "mean delay of a cell at a slew (ps) and load (fF)", cell_delay, {"cell": None, "slew": FO4, "load": FO4}),
    Primitive(
        "path_delay", "a path from a clock edge, slew propagated", path, {"stages": None, "end": None, "report": "min_period"}, frozenset({"end"})
    ),
)
