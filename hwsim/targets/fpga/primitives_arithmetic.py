"""Energies of single operations in isolation: products (multiplied, or by L-Mul), a graph's arithmetic, memory accesses, two-point cells."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number, word
from hwsim.core.chip import Chip
from hwsim.core.errors import UnsupportedOp
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.fpga.mapping import parse_options
from hwsim.targets.fpga.workload import TRACE_ARGUMENTS, graph_of
from hwsim.tech import arithmetic


def _table(chip: Chip, primitive: str) -> None:
    if "mul_fp32_j" not in chip.params:
        raise UnsupportedOp("fpga", (f"{primitive} ({chip.name} states no energies of single operations; generic-45nm does)",))


def multiply_energy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Joules of products alone, or with their additions; no operand movement."""
    _table(chip, "multiply_energy")
    form, name = word(arguments, "form", arithmetic.FORMS), str(arguments["dtype"])
    accumulate = name if arguments["accumulate"] is None else str(arguments["accumulate"])
    one = arithmetic.multiply_j(chip, form, name, accumulate, parse_options(mapping).multiplier or "standard")
    return {"energy_j": number(arguments, "elements") * one}


def arithmetic_energy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Joules of all multiply-accumulates of a graph, and their number; no operand movement, no other operation."""
    _table(chip, "arithmetic_energy")
    multiplier, joules, macs = parse_options(mapping).multiplier or "standard", 0.0, 0.0
    for op in graph_of(arguments).ops:
        if op.macs:
            accumulate = op.dtype if arguments["accumulate"] is None else str(arguments["accumulate"])
            joules += op.macs * op.repeat * arithmetic.multiply_j(chip, "dot_product", op.dtype, accumulate, multiplier)
            macs += op.macs * op.repeat
    return {"energy_j": joules, "count": macs}


def access_energy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Joules of `bytes` read in 64-bit accesses from an SRAM of a size, or from DRAM."""
    _table(chip, "access_energy")
    dram = word(arguments, "memory", ("sram", "dram")) == "dram"
    one = chip.number("dram_access_j") if dram else arithmetic.sram_access_j(chip, number(arguments, "size_bytes", least=1))
    return {"energy_j": one * number(arguments, "bytes") / arithmetic.ACCESS_BYTES}


def two_point_cells(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Joules and transmissions of one step of two-point cells: only active cells send, each over all its synapses (arXiv 2211.01950)."""
    _table(chip, "two_point_cells")
    cells, fan_out = number(arguments, "cells"), number(arguments, "fan_out")
    active = number(arguments, "active_share", most=1)
    return {"energy_j": arithmetic.transmission_j(chip, cells, fan_out, active), "count": cells * fan_out * active}


ARITHMETIC = (
    Primitive("multiply_energy", "energy of products, multiplied or by L-Mul", multiply_energy,
              {"form": "elementwise", "elements": 1, "dtype": None, "accumulate": None}, optional=frozenset({"accumulate"})),
    Primitive("arithmetic_energy", "energy of a graph's multiply-accumulates", arithmetic_energy,
              {**TRACE_ARGUMENTS, "accumulate": None}, optional=frozenset({*TRACE_ARGUMENTS, "accumulate"}) - {"trace"}),
    Primitive("access_energy", "energy of SRAM and DRAM accesses", access_energy, {"memory": None, "size_bytes": 32768, "bytes": 8}),
    Primitive("two_point_cells", "energy of activity-gated two-point cells", two_point_cells, {"cells": None, "fan_out": None, "active_share": 1.0}),
)  # fmt: skip
