"""Cycles and joules of vectors through NeuRRAM cores.

One clock is one operation of the neurons: T = (sum over phases of (2^p - 1 integrations + conversion steps + 1 sampling)) / clock.
Word lines rise to their low level once, then toggle once per magnitude bit, C V^2 each; pulses draw V_read^2 G t through the cells and charge the
input lines; a neuron pays per integration and per conversion step. Source: Wan et al., Nature 2022; capacitances as in CiMLoop's model of the chip.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.layout import MATRIX
from hwsim.targets.crossbar.neurram.phases import conversion_steps, first_phase_bits, integration_cycles, magnitude_bits, phase_count

HALF = 0.5  # share of ones among the magnitude bits of uniform inputs


@part
def word_line_j(bits: float, p: Any) -> float:
    """One word line for one vector: charged to its low level at first, then C V^2 at each magnitude bit."""
    line_f = p.wl_driver_f + p.array_columns * p.wl_cell_f
    return float(line_f * (p.wl_low_v * p.wl_low_v + bits * p.voltage_v * p.voltage_v))


@part
def cell_pulse_j(bits: float, activity: float, p: Any) -> float:
    """Current through one cell: V^2 G t for each magnitude bit that is set; G is the mean over the cell's range."""
    mean_s = 0.5 * (1.0 / p.r_on_ohm + 1.0 / p.r_off_ohm)
    return float(bits * activity * p.read_v * p.read_v * mean_s * p.read_s)


@part
def input_line_j(bits: float, activity: float, p: Any) -> float:
    """Charging one input line and its driver's gate for each magnitude bit that is set."""
    wire_j = p.array_columns * p.line_cell_f * p.read_v * p.read_v
    return float(bits * activity * (wire_j + p.line_driver_f * p.voltage_v * p.voltage_v))


@part
def price_neurram(op: Any, p: Any, out: Any) -> None:
    """Vectors through one stored matrix; rows of every column part toggle, neurons of every row part convert."""
    if op.kind != MATRIX:
        return
    bits = magnitude_bits(op.input_bits)
    first = first_phase_bits(bits, p.phase_rule, p.one_phase_bits)
    integrations, steps = integration_cycles(bits, first), conversion_steps(bits, first, op.output_bits)
    out.array = op.rounds * (integrations + phase_count(bits, first))
    out.adc = op.rounds * steps

    activity = op.input_activity if op.input_activity >= 0.0 else HALF
    vectors = op.vectors * op.active
    rows = op.inputs * op.column_parts
    columns = op.outputs * op.slices * op.polarity
    neurons = columns * op.row_parts
    out.driver_energy = vectors * rows * word_line_j(bits, p)
    out.array_energy = vectors * (op.inputs * columns * cell_pulse_j(bits, activity, p) + rows * input_line_j(bits, activity, p))
    out.sample_hold_energy = vectors * neurons * integrations * p.integration_j
    out.adc_energy = vectors * neurons * steps * p.adc_step_j
    out.conversions = vectors * neurons * phase_count(bits, first)
    cells = p.arrays * p.array_rows * p.array_columns
    out.roofline = vectors * op.inputs * columns / cells * (integrations + steps + phase_count(bits, first))
