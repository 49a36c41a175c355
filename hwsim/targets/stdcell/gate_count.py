"""Cells and area of a block from its generic gates, without synthesis.

Two-input gates after technology-independent optimisation (inverters are absorbed) become cells of several inputs:

    cells = dff + a_and and + a_xor xor + a_mux mux
    area  = flip-flops + f A_NAND2 (b_and and + b_xor xor + b_mux mux)

The shares a_and and b are those of Yosys and ABC on any library; how many cells make a multiplexer or an exclusive or, and how cells compare with
its NAND2 (factor f), are a library's own. Flip-flops are the smallest of the library, with a clear where reset is asynchronous.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.core.arguments import whole
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.target import Mapped, Primitive
from hwsim.readers.technology import technology
from hwsim.targets.stdcell.cells import load_library, usable_cells
from hwsim.targets.stdcell.generic import find_cell
from hwsim.tech.cell_library import FLIP_FLOP, Cell, Library

TECHNOLOGY = "gate-mapping"
GATES = ("and", "xor", "mux", "not", "dff", "dff_async")
UM2_MM2 = 1e-6


@dataclass(frozen=True)
class GateMapping:
    """Cells and area of a mapped block, and the part of its flip-flops."""

    cells: float
    area_mm2: float
    sequential_area_mm2: float


def map_gates(chip: Chip, gates: Mapping[str, int]) -> GateMapping:
    """Cells and area of `gates` (counts by the names in `GATES`) in the library of `chip`. Raises `MissingParameter` for a chip without shares."""
    tech, library = technology(TECHNOLOGY), load_library(chip)
    xor_cells, mux_cells, factor = (chip.number(f"mapped_{name}") for name in ("cells_per_xor", "cells_per_mux", "area_factor"))
    flops = gates["dff"] + gates["dff_async"]
    cells = flops + tech.number("cells_per_and") * gates["and"] + xor_cells * gates["xor"] + mux_cells * gates["mux"]
    nands = sum(tech.number(f"nands_per_{kind}") * gates[kind] for kind in ("and", "xor", "mux"))
    usable = usable_cells(chip, library)
    sequential = sum(gates[kind] * smallest_flop(library, usable, kind == "dff_async").area_um2 for kind in ("dff", "dff_async") if gates[kind])
    area = sequential + factor * find_cell(library, "NAND2D1").area_um2 * nands
    return GateMapping(cells, area * UM2_MM2, sequential * UM2_MM2)


def smallest_flop(library: Library, usable: list[str], asynchronous: bool) -> Cell:
    """The smallest flip-flop that stores its data as it is (or inverted), with a clear if `asynchronous`; without one where the library has such.

    Raises `InvalidTrace` for a library without a flip-flop of the kind.
    """
    plain = [c for c in library.cells if c.kind == FLIP_FLOP and c.name in usable and c.state is not None and _stores(c)]
    with_clear = [c for c in plain if c.state is not None and c.state.clear]
    without = [c for c in plain if c.state is not None and not c.state.clear and not c.state.preset]
    found = with_clear if asynchronous else without or with_clear
    if not found:
        raise InvalidTrace(f"library '{library.name}' has no flip-flop {'with an asynchronous clear' if asynchronous else ''}".rstrip())
    return min(found, key=lambda c: c.area_um2)


def _stores(cell: Cell) -> bool:
    """True for a rising-edge flip-flop whose next state is one input or its inverse."""
    if cell.state is None or any(sign in cell.state.clock for sign in "!~'"):
        return False
    return cell.state.data.strip("()!~' ") in {p.name for p in cell.inputs}


def run(chip: Chip, arguments: Mapped, mapping: Mapped) -> dict[str, float]:
    """Cells and area of generic gates on a library (unbuffered)."""
    stated = arguments["gates"]
    if not isinstance(stated, Mapping):
        raise InvalidTrace(f"gates are counts by name ({', '.join(GATES)}), got {stated!r}")
    if unknown := [name for name in stated if name not in GATES]:
        raise InvalidTrace(f"no generic gate '{unknown[0]}'{nearest(str(unknown[0]), GATES)}; there are {', '.join(GATES)}")
    counts = {name: whole({name: stated.get(name, 0)}, name, least=0) for name in GATES}
    found = map_gates(chip, counts)
    return {"count": found.cells, "area_mm2": found.area_mm2, "sequential_area_mm2": found.sequential_area_mm2}


GATE_PRIMITIVES = (Primitive("map_gates", "cells and area of generic gates", run, {"gates": None}),)
