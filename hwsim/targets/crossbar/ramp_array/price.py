"""Cycles and joules of arrays behind ramps.

One vector: the inputs as pulses of up to ``2^b - 1`` clocks, then one ramp of ``2^b`` clocks that all columns share. The cell state of an LSTM takes
both once more. Element-wise work: operations over lanes.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.adc.ramp import comparator_j, ramp_clocks, ramp_column_j
from hwsim.targets.crossbar.layout import CELL, DIGITAL, MATRIX, POOL
from hwsim.targets.crossbar.ramp_array.spec import MLSA, NL_RAMP, SAR


@part
def input_clocks(bits: float, p: Any) -> Any:
    """Clocks in which inputs drive the rows: ``2^b - 1`` as pulse widths, b as bits one after another."""
    return bits if p.bit_serial > 0 else 2.0**bits - 1.0


@part
def conversion_clocks(p: Any) -> Any:
    """Clocks in which every column of an array is converted once: a ramp serves all, other converters take their columns in turn."""
    if p.adc_code == SAR:
        return p.columns_per_adc * (p.adc_bits + 1.0)
    if p.adc_code == MLSA:
        return p.columns_per_adc
    return ramp_clocks(p.adc_bits)


@part
def sar_j(bits: float, p: Any) -> Any:
    """Joules of one successive approximation: b trials and a sample, ``(b + 1) E_step``."""
    return (bits + 1.0) * p.sar_step_j


@part
def mlsa_j(bits: float, p: Any) -> Any:
    """Joules of one read by a bank of sense amplifiers: ``(2^b - 1) E_level``."""
    return (2.0**bits - 1.0) * p.mlsa_level_j


@part
def sar_converter_mm2(bits: float, p: Any) -> Any:
    """Area of one SAR converter in minimum transistors: a fixed part and one per further bit."""
    return (p.sar_transistors + p.sar_transistors_per_bit * (bits - 1.0)) * p.transistor_mm2


@part
def level_converter_mm2(bits: float, p: Any) -> Any:
    """Area of a bank of sense amplifiers, one for each level but the first."""
    return (2.0**bits - 1.0) * p.sense_amplifier_mm2


@part
def conversion_j(p: Any) -> Any:
    """Joules of one conversion of one column, less what all columns share: comparator steps, bit trials or levels."""
    if p.adc_code == SAR:
        return sar_j(p.adc_bits, p)
    if p.adc_code == MLSA:
        return mlsa_j(p.adc_bits, p)
    return comparator_j(p.adc_bits, p)


@part
def ramp_j(p: Any) -> Any:
    """Joules of the shared ramp columns in one conversion of an array, one column per function."""
    if p.adc_code in (SAR, MLSA):
        return 0.0
    return p.ramp_functions * ramp_column_j(p.adc_bits, p)


@part
def price_matrix(op: Any, p: Any, out: Any) -> None:
    """Vectors through one stored matrix; array current is charged here alone: ``V^2 G`` for the mean pulse."""
    bits = max(op.input_bits, p.adc_bits) if op.recurrent > 0 else op.input_bits
    driven = input_clocks(bits, p)
    reads = bits if p.bit_serial > 0 else 1.0
    mean = p.mean_input if op.input_activity < 0 else op.input_activity
    columns, vectors = op.outputs * op.active, op.vectors
    out.array = op.rounds * driven
    out.adc = op.rounds * reads * conversion_clocks(p)
    cells = op.inputs * columns
    out.array_energy = vectors * cells * p.read_v**2 * p.g_mean_s * mean * driven / p.clock_hz
    out.driver_energy = vectors * reads * cells * p.row_cell_f * p.supply_v**2
    out.sample_hold_energy = vectors * columns * driven * p.column_j_per_clock
    out.adc_energy = vectors * reads * (columns * conversion_j(p) + ramp_j(p))
    if reads > 1.0:
        out.accumulation = op.rounds * reads
        out.accumulation_energy = vectors * reads * columns * p.element_j
    out.conversions = vectors * reads * columns
    out.roofline = op.rounds


@part
def price_digital(op: Any, p: Any, out: Any) -> None:
    """Operations over lanes; activations too unless a ramp has applied them. The cell state of an LSTM passes through a ramp."""
    if op.in_ramp > 0 and p.adc_code == NL_RAMP:
        return
    activations = op.activations
    if p.adc_code == NL_RAMP and op.work == CELL:
        activations = 0.0
        if op.cell_ramp > 0:
            driven = 2.0**p.adc_bits - 1.0
            out.array = op.rounds * driven
            out.adc = op.rounds * conversion_clocks(p)
            out.sample_hold_energy = op.elements * driven * p.column_j_per_clock
            out.array_energy = op.elements * p.read_v**2 * p.g_mean_s * p.mean_input * driven / p.clock_hz
            out.adc_energy = op.elements * conversion_j(p) + op.rounds * ramp_j(p) / p.ramp_functions
            out.conversions = op.elements
    operations = op.operations if op.work in (CELL, POOL) or op.activations == 0 else 0.0
    turns = math.ceil(operations / op.rounds / p.lanes) * p.element_clocks
    out.digital = op.rounds * (turns + math.ceil(activations / op.rounds / p.lanes) * p.activation_clocks)
    out.digital_energy = operations * p.element_j + activations * p.activation_j


@part
def price_ramp_array(op: Any, p: Any, out: Any) -> None:
    """One execution of one operator."""
    if op.kind == MATRIX:
        price_matrix(op, p, out)
    elif op.kind == DIGITAL:
        price_digital(op, p, out)
