"""Mechanisms of the macro: its analog cycle, and the joules of one vector by component.

An analog cycle has equal phases of the digital clock: in one the converters of the rows settle on the ladders, in another the columns are converted.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hwsim.engine.jit import part
from hwsim.targets.crossbar.adc.sar import conversion_steps
from hwsim.targets.crossbar.c2c.ladder import draw, output_resistance_ohm
from hwsim.targets.crossbar.gates import flip_flop_f, gate_f, slowdown

LADDER_UNITS = 3.0  # capacitors per bit in units: one to the bit and two in series
LINE_SHARE = 0.5  # share of a gate's capacitance that a line sees at one switch


def cell_area(p: Any) -> Any:
    """Area of one cell unit, mm2: SRAM bits of all sets and the switches under them, or the ladder's capacitors above, whichever is larger."""
    gate = p["gate_area_mm2"] * p["node_nm"] / p["gate_node_nm"]
    under = p["ladder_bits"] * (p["stored_sets"] * (p["cell_sram_mm2"] + p["select_gates_per_bit"] * gate) + p["switch_gates_per_bit"] * gate)
    above = LADDER_UNITS * p["ladder_bits"] * p["unit_capacitor_f"] / p["capacitor_f_per_mm2"]
    return np.maximum(under, above)


def row_wire_farads(p: Any) -> Any:
    """Capacitance of the wire along one row of square cell units."""
    return p["ladder_columns"] * np.sqrt(cell_area_part(p)) * 1e-3 * p["row_wire_f_per_m"]


cell_area_part = part(cell_area)
row_wire_f = part(row_wire_farads)


@part
def settling_s(p: Any) -> float:
    """Time for a row to settle to half a step: ``(b + 1) ln 2`` time constants of the ladder's resistance and the row's capacitance."""
    load = row_wire_f(p) + p.ladder_columns * draw(p.ladder_bits, 0.5) * p.unit_capacitor_f
    return float((p.ladder_bits + 1.0) * math.log(2.0) * output_resistance_ohm(p.ladder_resistance_ohm) * load)


@part
def conversion_s(p: Any) -> float:
    """Time of one conversion: a step per bit and one to sample, at the speed of the node and supply; no bit line has to settle."""
    speed = p.node_nm / p.gate_node_nm * slowdown(p.voltage_v, p.delay_voltage_v, p.threshold_v, p.velocity_exponent)
    return float(conversion_steps(p.adc_bits) * p.adc_bit_s * speed)


@part
def dac_j(p: Any, input_bits: float, mean: float, seconds: float) -> float:
    """Joules of one row's converters: the static current of the one whose sign is used, for a whole cycle."""
    span = p.dac_span_share * p.voltage_v
    return float(span**2 / (2.0 * p.ladder_resistance_ohm) * draw(input_bits, mean) * seconds)


@part
def conversion_j(p: Any) -> float:
    """Joules of one conversion, ``(c1 b + c2 4^b) V^2`` (literature constants of KULeuven-MICAS/zigzag-imc)."""
    return float((p.adc_bit_f * p.adc_bits + p.adc_code_f * 4.0**p.adc_bits) * p.voltage_v**2)


@part
def ladder_j(p: Any, weight_bits: float, input_mean: float, weight_mean: float, changes: float) -> float:
    """Joules of one cell unit's ladder and one vector.

    The input side charges ``D(b, p)`` units to the row's voltage; with another set of weights a bit that goes from 0 to 1 charges its own unit.
    """
    span = p.dac_span_share * p.voltage_v
    units = draw(weight_bits, weight_mean) + changes * weight_bits * weight_mean * (1.0 - weight_mean)
    return float(units * p.unit_capacitor_f * input_mean * span**2)


@part
def row_j(p: Any, input_mean: float) -> float:
    """Joules of one row's wire, charged to the input voltage for each vector."""
    span = p.dac_span_share * p.voltage_v
    return float(row_wire_f(p) * input_mean * span**2)


@part
def select_j(p: Any, weight_mean: float) -> float:
    """Joules of one cell unit when another set is selected: the line of the new set rises along its bits, and switches follow bits that change."""
    bits = p.ladder_bits
    wire = math.sqrt(cell_area_part(p)) * 1e-3 * p.row_wire_f_per_m
    lines = wire + bits * LINE_SHARE * gate_f(p)
    switches = bits * weight_mean * (1.0 - weight_mean) * p.switch_gates_per_bit * gate_f(p)
    return float((lines + switches) * p.voltage_v**2)


@part
def digital_j(p: Any) -> float:
    """Joules of clocked storage in one digital clock: input codes with their signs, output codes, control."""
    held = p.ladder_rows * (p.ladder_bits + 1.0) + p.ladder_columns * p.adc_bits + p.control_flip_flops
    return float(held * flip_flop_f(p) * p.voltage_v**2)
