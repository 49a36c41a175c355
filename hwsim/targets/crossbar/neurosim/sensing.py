"""One conversion of a column: time and energy, and the synchronous clock that follows from it."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.crossbar.adc.sar_neurosim import sar_conversion_s, sar_static_w
from hwsim.targets.crossbar.adc.sense_amplifiers import bank_amplifiers, bank_decision_s, bank_static_w
from hwsim.targets.crossbar.neurosim.spec import INPUT_BITS, SAR

SETTLING = 0.2  # of the column's time constant


@part
def sensing_s(column_s: float, p: Any) -> float:
    """Time of one conversion of a column of conductance `column_s`."""
    if p.ns_adc == SAR:
        return sar_conversion_s(p.adc_bits, p.sar_step_s)
    if p.mlsa_fixed_s > 0:
        return float(p.mlsa_fixed_s)
    if column_s <= 0.0:
        return 1e-9
    return bank_decision_s(1.0 / column_s, p.adc_bits, p.r_on_ohm, p.r_off_ohm, p.array_rows)


@part
def sensing_j(column_s: float, p: Any) -> float:
    """Energy of one conversion but the array's current: the converter itself over its decision time."""
    static = sar_static_w(p.adc_bits, p.sar_bit_w, p.sar_fixed_w) if p.ns_adc == SAR else bank_static_w(p.adc_bits, p.mlsa_level_w)
    return static * sensing_s(column_s, p)


@part
def current_j(column_s: float, p: Any) -> float:
    """Energy of the column's current during one conversion: ``k / R t``, k of the converter's fit."""
    k = p.sar_current_w_ohm if p.ns_adc == SAR else p.mlsa_current_w_ohm
    return float(k * column_s * sensing_s(column_s, p))


@part
def encoder_j(p: Any) -> float:
    """Energy of turning a bank's levels into a binary code; after layout its gates seldom switch."""
    if p.ns_adc == SAR:
        return 0.0
    switching = p.layout_control if p.post_layout_factors > 0 else 1.0
    return float(bank_amplifiers(p.adc_bits) * p.encoder_units_per_level * p.ns_unit_f * p.supply_v * p.supply_v * switching)


@part
def fill_clock(p: Any) -> None:
    """``clock = beta (t_sense + t_rest)``: the densest column's conversion; row path, settling of the column, encoder of the sense amplifiers."""
    densest = 0.0
    for bit in range(INPUT_BITS):
        densest = max(densest, p.input_bit_density[bit])
    column_s = p.array_rows * densest * p.ns_cell_s
    column_f = p.array_rows * 4.0 * p.wire_width_m * p.wire_f_per_m
    rest = p.row_path_gates * p.ns_gate_s + SETTLING * column_f / (p.ns_cell_s * 0.5 * p.array_rows)
    if p.ns_adc != SAR:
        rest += p.encoder_gates_per_bit * p.adc_bits * p.ns_gate_s
    period = (sensing_s(column_s, p) + rest) * (p.layout_sensing if p.post_layout_factors > 0 else 1.0)
    p.clock_hz = 1.0 / period


@jit
def conversion(p: Any, density: float) -> tuple[float, float, float]:
    """(seconds, joules of the converter, joules of the column's current) of one conversion of a whole column, a share `density` of its rows on."""
    column_s = p.array_rows * density * p.ns_cell_s
    return sensing_s(column_s, p), sensing_j(column_s, p) + encoder_j(p), current_j(column_s, p)
