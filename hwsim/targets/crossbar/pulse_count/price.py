"""Cycles and joules of vectors through a pulse-count macro.

A vector takes one cycle: an input x of b bits is x pulses on its word line, each bit column of a weight discharges its bit line, binary weighted
capacitors add the columns of an output, and a flash converter of 2^b - 1 comparators reads the sum. Energy by vector:

    idle (clocks, precharge, comparators at rest)
    + rows whose input is not zero x row clock (a row of zeros is gated)
    + outputs x mean(x w) x (bit lines + weighting capacitors) V^2
    + outputs x mean code x energy of a comparator that trips.

Source: Sinangil et al., JSSC 2021, as recorded in CiMLoop.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.layout import MATRIX


@part
def cycle_s(p: Any) -> float:
    """One cycle: a share that does not follow the supply, the rest (V0 / V)^exponent."""
    fixed = p.delay_fixed_share
    return float(p.nominal_cycle_s * (fixed + (1.0 - fixed) * (p.nominal_v / p.voltage_v) ** p.delay_exponent))


@part
def prepare_pulse_count(p: Any) -> None:
    """The clock at this supply, unless one is stated."""
    if p.clock_fixed == 0.0:
        p.clock_hz = 1.0 / cycle_s(p)


@part
def busy_share(mean: float, bits: float) -> float:
    """Share of rows with an input other than zero, when each of the 2^b - 1 pulses of a row is there with the chance `mean`."""
    return float(1.0 - (1.0 - mean) ** (2.0**bits - 1.0))


@part
def column_charge_j(product: float, p: Any) -> tuple[float, float]:
    """(bit lines, weighting capacitors) of one output at the nominal supply; `product`: mean of input x weight, as a share of full scale."""
    volts = p.nominal_v * p.nominal_v * product
    return p.weight_bits_most * p.bit_line_f * volts, 2.0**p.weight_bits_most * p.weighting_unit_f * volts


@part
def price_pulse_count(op: Any, p: Any, out: Any) -> None:
    """Vectors through one stored matrix; a small one leaves rows and outputs of the macro at rest."""
    if op.kind != MATRIX:
        return
    out.array = op.rounds
    mean = op.input_activity if op.input_activity >= 0.0 else p.mean_input
    weight = op.weight_value if op.weight_value >= 0.0 else p.mean_weight
    full = 2.0**p.output_bits_most
    code = op.output_code if op.output_code >= 0.0 else min(full * mean * weight, full - 1.0)

    vectors = op.vectors * op.active
    swing = (p.voltage_v / p.nominal_v) ** p.energy_exponent
    outputs = op.outputs * op.row_parts * vectors
    lines, weighting = column_charge_j(mean * weight, p)
    shared = op.active * op.vectors * op.arrays / op.groups
    out.digital_energy = shared * swing * p.idle_vector_j
    out.driver_energy = vectors * op.inputs * op.column_parts * swing * busy_share(mean, op.input_bits) * p.row_clock_j
    out.array_energy = outputs * swing * lines
    out.sample_hold_energy = outputs * swing * weighting
    out.adc_energy = outputs * swing * code * p.comparator_trip_j
    out.conversions = outputs
    out.roofline = vectors * op.inputs * op.outputs * p.weight_bits_most / (p.arrays * p.array_rows * p.array_columns)
