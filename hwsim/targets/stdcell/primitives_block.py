"""Blocks as primitives: static timing of a netlist, and area, clock and power of a block."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import word
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.stdcell.block import REFERENCE_UTILISATION, evaluate, laid_out, outline, prepare
from hwsim.targets.stdcell.block_netlist import ARGUMENTS, block_netlist
from hwsim.targets.stdcell.block_search import figures, run_block
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.levels import timing_graph
from hwsim.targets.stdcell.mapping import parse_options
from hwsim.targets.stdcell.sta import time_block

WIRES = ("none", "placed")
REPORTS = ("min_period", "data_arrival")
FASTEST_HZ = 1e15  # a target that no block meets: cells are sized for speed


def sta(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Shortest period (or latest data arrival) between flip-flops; RTL is synthesised with buffers when there are no wires."""
    wires, report = word(arguments, "wires", WIRES), word(arguments, "report", REPORTS)
    netlist = block_netlist(chip, arguments, buffered=wires == "none")
    if wires == "none":
        timing = time_block(timing_graph(netlist, load_library(chip)))
    else:
        design, options = prepare(chip, netlist, FASTEST_HZ), parse_options(mapping)
        timing = evaluate(design, laid_out(design, options, outline(design, options, REFERENCE_UTILISATION), 0), 0).timing
    latency = timing.min_period_s if report == "min_period" else timing.data_arrival_s
    return {"latency_s": latency, "frequency_hz": timing.frequency_hz}


def block_ppa(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Core area, clock, power, energy per cycle, utilisation, energy-delay product, wire length and violations of a block."""
    return figures(run_block(chip, arguments, parse_options(mapping)))


OPTIONAL = frozenset(ARGUMENTS)
BLOCK_PRIMITIVES = (
    Primitive("sta", "static timing of a netlist, flip-flop to flip-flop", sta, {**ARGUMENTS, "wires": "none", "report": "min_period"}, OPTIONAL),
    Primitive(
        "block_ppa", "area, clock and power of a placed and routed block", block_ppa,
        {**ARGUMENTS, "target_frequency_hz": 1.5e9, "utilisation": REFERENCE_UTILISATION, "core_area_of": None, "seed": None},
        OPTIONAL | {"core_area_of", "seed"},
    ),
)  # fmt: skip
