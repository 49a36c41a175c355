"""Synthesis as a primitive: cells and area of a block's RTL on a library; and those of datapaths that are made gate by gate."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.arguments import flag, number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.readers.blocks import find_rtl
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.generators import ADDERS, MULTIPLIERS, adder_block, mac_array, multiplier_block
from hwsim.targets.stdcell.synthesis import PS, recipe, synthesise
from hwsim.tech.netlist import Netlist

UM2_MM2 = 1e-6


def netlist_of_rtl(chip: Chip, arguments: Mapped) -> Netlist:
    """The mapped netlist of the arguments `rtl`, `top`, `buffered` and `abc_delay_ps`. Raises `HwsimError`."""
    stated, top = arguments["rtl"], arguments["top"]
    if not isinstance(stated, str) and not (isinstance(stated, list | tuple) and all(isinstance(name, str) for name in stated)):
        raise InvalidTrace(f"rtl is a file, a list of files or a core, got {stated!r}")
    if top is not None and not isinstance(top, str):
        raise InvalidTrace(f"top is the name of a module, got {top!r}")
    delay = None if arguments["abc_delay_ps"] is None else number(arguments, "abc_delay_ps", least=1.0) * PS
    return synthesise(chip, find_rtl(stated, top), recipe(chip, flag(arguments, "buffered"), delay))


def run(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cells, their area, and the part of it in flip-flops and latches."""
    return sizes(chip, netlist_of_rtl(chip, arguments))


def sizes(chip: Chip, netlist: Netlist) -> Mapping[str, float]:
    """Cells of a netlist on the library of `chip`, their area, and the part of it in flip-flops and latches."""
    library = load_library(chip)
    at = np.array([library.index[name] for name in netlist.types], dtype=np.int64)[netlist.cell_type]
    area = library.area_um2[at] * UM2_MM2
    return {"count": float(netlist.cells), "area_mm2": float(area.sum()), "sequential_area_mm2": float(area[library.is_sequential[at]].sum())}


def datapath_netlist(chip: Chip, arguments: Mapped) -> Netlist:
    """A datapath made gate by gate from the arguments `block`, `width`, `size`, `adder` and `multiplier`. Raises `InvalidTrace`."""
    block, width = word(arguments, "block", BLOCKS), whole(arguments, "width", least=2)
    adder, multiplier = word(arguments, "adder", ADDERS), word(arguments, "multiplier", MULTIPLIERS)
    if block == "adder":
        return adder_block(chip, width, adder)
    if block == "multiplier":
        return multiplier_block(chip, width, multiplier, adder)
    return mac_array(chip, whole(arguments, "size"), width, whole(arguments, "accumulator"), multiplier, adder)


def datapath(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cells and area of a generated datapath (no optimisation across its gates)."""
    return sizes(chip, datapath_netlist(chip, arguments))


BLOCKS = ("adder", "multiplier", "mac_array")
OPTIONAL = ("top", "abc_delay_ps")
SYNTHESIS_PRIMITIVES = (
    Primitive(
        "synthesise", "cells and area of RTL on a library (Yosys)", run,
        {"rtl": None, "buffered": False, **dict.fromkeys(OPTIONAL)}, frozenset(OPTIONAL),
    ),
    Primitive(
        "datapath", "cells and area of an adder, multiplier or array of multiply-accumulate elements, made gate by gate", datapath,
        {"block": None, "width": 8, "size": 4, "accumulator": 24, "adder": "kogge_stone", "multiplier": "booth_wallace"},
    ),
)  # fmt: skip
