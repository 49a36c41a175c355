"""Clocks of a layer: conversions, adders, buffers, buses.

Delays of adders and of wires are rounded up to clocks of the design's reference (1 GHz), and each of those lasts a clock of the chip: in NeuroSim's
figures they do not depend on the chip's own clock.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.neurosim.silicon import INVERTER_WIDTHS, SWITCH

WORD = 8.0  # bits of an activation


@part
def sum_bits(op: Any, p: Any) -> float:
    """Width of an array's result: converter code, shifted over the input's bits, slices added."""
    return float(p.adc_bits + op.input_bits + math.log2(max(1.0, op.slices)))


@part
def adder_clocks(bits: float, p: Any) -> float:
    """Reference clocks of a ripple adder: two NAND2 with their fan-out per bit, as logical effort."""
    delay = bits * p.adder_effort_per_bit * SWITCH * INVERTER_WIDTHS * p.ns_gate_s
    return float(math.ceil(delay * p.design_clock_hz))


@part
def tree_clocks(levels: float, bits: float, p: Any) -> float:
    """Reference clocks of an adder tree; each level is one bit wider."""
    total = 0.0
    for level in range(int(levels)):
        total += adder_clocks(bits + level, p)
    return total


@part
def adc_clocks(op: Any, p: Any) -> float:
    """One clock for each column of a converter and input bit; copies share the positions."""
    return float(op.positions * op.input_bits * p.columns_per_adc / op.duplication)


@part
def accumulation_clocks(op: Any, p: Any) -> float:
    """Shift-and-add of every code, addition of slices, adder trees of element, tile and chip.

    Results leave a converter's group one weight at a time (`columns_per_adc` / slices), two clocks each (add, latch). Elements work on all copies
    at once; a tile's tree takes them one after another, the chip's takes all partial sums over its bus.
    """
    per_code = op.input_bits * p.columns_per_adc
    slices = p.columns_per_adc * math.log2(max(1.0, op.slices))
    rounds = 2.0 * max(1.0, p.columns_per_adc / op.slices)
    bits = sum_bits(op, p)
    element = rounds * tree_clocks(op.element_adders, bits, p)
    tile = rounds * tree_clocks(op.tile_adders, bits + op.element_adders, p)
    total = op.positions * ((per_code + slices + element) / op.duplication + tile)
    if op.chip_parts > 1:
        lanes = p.chip_bus_bits / WORD
        inner = bits + op.element_adders + op.tile_adders
        total += op.positions * math.ceil(op.outputs * op.chip_parts / lanes) * tree_clocks(op.chip_adders, inner, p)
    return float(total)


@part
def buffer_clocks(op: Any, p: Any) -> float:
    """Inputs written to and read from the elements' buffers, shifted past the kernel's elements, and results written and read.

    A buffered result has the width of an array's result (`sum_bits`).
    """
    inputs = op.tile_inputs * op.input_bits * (2.0 / p.buffer_bus_bits + op.shifts / p.shift_bus_bits)
    results = op.element_outputs * sum_bits(op, p) * 2.0 / p.buffer_bus_bits
    return float(op.positions * (inputs + results))


@part
def bus_clocks(op: Any, p: Any) -> float:
    """Inputs over the chip's and a tile's bus, partial sums back over the chip's; each takes as many reference clocks as its wires are long."""
    fresh = op.kernel_side if op.novel > 0 else 1.0
    inward = op.chip_inputs * op.input_bits * p.ns_chip_hops / p.chip_input_bus_bits
    inside = fresh * op.tile_inputs * op.input_bits * p.ns_tile_hops / p.tile_bus_bits
    outward = op.outputs * sum_bits(op, p) * p.ns_chip_hops / p.chip_bus_bits
    return float(op.positions * (inward + inside + outward))
