"""Mechanisms of one macro: its critical path, and the joules of one input vector through all banks. Forms and constants: KULeuven-MICAS/zigzag-imc.

Analog: energy of a conversion ``(c1 b + c2 4^b) V^2``, its time ``b (t0 + t1 rows)`` with the settling of the bit line in it; an input converter
takes ``c b V^2``. Digital: one-bit products into a tree of ripple adders, a tree over the columns of one weight, an accumulator.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.gates import adder_f, carry_gates, cascade_gates, flip_flop_f, gate_f, gate_s, levels_of, tree_full_adders

PER_LINE = 0.5  # share of a gate's capacitance that one cell puts on a word line or a bit line


@part
def conversion_s(p: Any) -> float:
    """Time of one conversion: every bit waits for the bit line."""
    return float(p.macro_adc_bits * (p.adc_bit_s + p.adc_bit_row_s * p.macro_bitline_rows))


@part
def conversion_j(p: Any, bits: float) -> float:
    """Energy of one conversion."""
    return float((p.adc_bit_f * bits + p.adc_code_f * 4.0**bits) * p.voltage_v**2)


@part
def critical_path_s(p: Any) -> float:
    """Shortest clock of the macro.

    Analog: multiplier gate and conversion for each transfer, then the carry chain of adders that share the clock. Digital: multiplier, tree, cross
    tree and accumulator as one cascade of ripple adders, and a flip-flop; with the accumulator behind a register of its own, the slower of the two.
    """
    gate = gate_s(p)
    if p.macro_adc_bits > 0.0:
        return float(p.transfers_per_cycle * (p.multiplier_delay_gates * gate + conversion_s(p)) + carry_gates(p, p.merge_carry_bits) * gate)
    levels = levels_of(p.macro_rows)
    bits = p.tree_input_bits + levels - 1.0
    if p.cross_tree_inputs > 1.0:
        levels += levels_of(p.cross_tree_inputs)
        bits = p.cross_tree_bits + levels_of(p.cross_tree_inputs) - 1.0
    registered = p.dff_delay_gates + p.multiplier_delay_gates
    accumulate = carry_gates(p, p.macro_accumulator_bits)
    if p.accumulator_pipelined > 0.0:
        return float(gate * (registered + max(cascade_gates(p, levels, bits), accumulate)))
    return float(gate * (registered + cascade_gates(p, levels + 1.0, max(bits, p.macro_accumulator_bits))))


@part
def cycles_per_vector(p: Any, input_bits: float) -> float:
    """Clocks of one input vector: its bits, so many at a time."""
    return float(math.ceil(input_bits / p.macro_input_bits_per_cycle))


@part
def cells_j(p: Any, toggle: float, sparsity: float) -> float:
    """Joules of one row and column in one clock: the one-bit multipliers, half of whose capacitance switches; in analog macros the bit lines too.

    A bit line falls where a toggling input meets a one; each of its cells adds a junction.
    """
    square = gate_f(p) * p.voltage_v**2
    multiply = 0.5 * p.multiplier_bits * square * toggle
    if p.macro_adc_bits > 0.0:
        multiply += PER_LINE * p.multiplier_bits * square * toggle * (1.0 - sparsity) * p.macro_bitline_rows / p.macro_rows
    return float(multiply * p.transfers_per_cycle)


@part
def input_j(p: Any, toggle: float) -> float:
    """Joules of one row's input converters in one clock."""
    return float(p.transfers_per_cycle * p.dacs_per_row * p.dac_bit_f * p.macro_dac_bits * p.voltage_v**2 * toggle)


@part
def column_adc_j(p: Any) -> float:
    """Joules of one column's converters in one clock; they run whatever the data."""
    return float(p.transfers_per_cycle * p.adcs_per_output * conversion_j(p, p.macro_adc_bits))


@part
def column_tree_j(p: Any, toggle: float, sparsity: float) -> float:
    """Joules of one column's adder trees each time they add all rows up: a product toggles where a toggling input meets a weight bit of one."""
    if p.trees_per_output == 0.0:
        return 0.0
    adders = p.trees_per_output * tree_full_adders(p.macro_rows, p.tree_input_bits)
    return float(adders * adder_f(p) * p.voltage_v**2 * toggle * (1.0 - sparsity))


@part
def column_merge_j(p: Any, toggle: float, sparsity: float) -> float:
    """Joules, per column and clock, of what follows trees or converters: merging adders, the tree over columns, the accumulator.

    Accumulators switch every clock; adders before them as often as their inputs.
    """
    adder, square = adder_f(p), p.voltage_v**2
    merged = p.merge_adder_bits * p.transfers_per_cycle * adder * square * toggle * (1.0 - sparsity)
    if p.cross_tree_inputs > 1.0:
        merged += tree_full_adders(p.cross_tree_inputs, p.cross_tree_bits) / p.columns_per_weight * adder * square * toggle * (1.0 - sparsity)
    if p.accumulators_per_row == 0.0:
        merged += p.macro_accumulator_bits * (adder + flip_flop_f(p)) / p.columns_per_weight * square
    return float(merged)


@part
def row_accumulator_j(p: Any) -> float:
    """Joules, per row, column and clock, of an accumulator that each row has of its own."""
    return float(p.accumulators_per_row * p.macro_accumulator_bits * (adder_f(p) + flip_flop_f(p)) * p.voltage_v**2)
