"""Clocks and joules of one operator on NeuroSim's chip, and the columns that follow from the constants."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.layout import DIGITAL, MATRIX, POOL
from hwsim.targets.crossbar.neurosim.latency import WORD, accumulation_clocks, adc_clocks, buffer_clocks, bus_clocks, sum_bits
from hwsim.targets.crossbar.neurosim.layout_areas import fill_areas, fill_leakage
from hwsim.targets.crossbar.neurosim.sensing import current_j, encoder_j, fill_clock, sensing_j
from hwsim.targets.crossbar.neurosim.silicon import gate_delay_s, gate_f_per_m, mean_cell_s, repeated_s_per_m, row_f
from hwsim.targets.crossbar.neurosim.spec import INPUT_BITS


@part
def prepare_neurosim(p: Any) -> None:
    """Fill devices, areas, sides, hops, leakage, and the clock where it is not stated."""
    p.ns_gate_s = gate_delay_s(p)
    p.ns_unit_f = gate_f_per_m(p) * p.unit_width_m
    p.ns_cell_s = mean_cell_s(p)
    p.ns_row_f = row_f(p)
    fill_areas(p)
    fill_leakage(p)
    per_m = repeated_s_per_m(p) * p.design_clock_hz
    p.ns_chip_hops = math.ceil(p.chip_route_sides * p.ns_side_m * per_m)
    p.ns_tile_hops = math.ceil(p.tile_route_sides * p.ns_tile_side_m * per_m)
    if p.clock_fixed == 0.0:
        fill_clock(p)


@part
def conversion_j(op: Any, p: Any, density: float, out: Any) -> None:
    """Add one input bit of all positions: conversions (converter, encoder, column current) and the word lines of the rows that are on."""
    column_s = op.row_fill * density * p.ns_cell_s
    converted = op.positions * op.columns_on
    encoded = op.positions * op.array_count * p.array_columns  # encoders of idle columns switch, too
    out.adc_energy += converted * sensing_j(column_s, p) + encoded * encoder_j(p)
    lines = op.array_inputs * density * p.ns_row_f * p.supply_v * p.supply_v
    out.array_energy += converted * current_j(column_s, p) + op.positions * p.columns_per_adc * lines


@part
def price_matrix(op: Any, p: Any, out: Any) -> None:
    """A layer: clocks one after another; energy of every bit of the inputs by its density, or by the stated mean input."""
    out.adc = adc_clocks(op, p)
    out.accumulation = accumulation_clocks(op, p)
    out.buffer = buffer_clocks(op, p)
    out.interconnect = bus_clocks(op, p)
    mean = 0.0
    for bit in range(INPUT_BITS):
        mean += p.input_bit_density[bit] / INPUT_BITS
    if op.input_activity < 0.0 and op.input_bits == INPUT_BITS:
        for bit in range(INPUT_BITS):
            conversion_j(op, p, p.input_bit_density[bit], out)
    else:
        for _ in range(int(op.input_bits)):
            conversion_j(op, p, mean if op.input_activity < 0.0 else op.input_activity, out)
    gate_j = p.ns_unit_f * p.supply_v * p.supply_v
    laid = p.post_layout_factors > 0
    flops = p.flip_flop_units * (p.layout_flip_flops if laid else 1.0)
    adders = p.adder_units * (p.layout_adders if laid else 1.0)
    conversions = op.positions * op.columns_on * op.input_bits
    out.conversions = conversions
    clocked = op.positions * op.input_bits * op.array_count * p.array_columns  # registers of idle columns are clocked, too
    out.accumulation_energy = clocked * (p.adc_bits + INPUT_BITS) * (flops + adders) * gate_j
    reads = op.positions * op.input_bits * p.columns_per_adc * op.array_count
    out.driver_energy = reads * op.row_fill * p.row_driver_units * gate_j
    stored = op.tiles * (op.tile_inputs * op.input_bits * max(1.0, op.shifts) + op.element_outputs * sum_bits(op, p))
    out.buffer_energy = op.positions * stored * 2.0 * p.buffer_bit_units * gate_j
    wire_j = p.wire_f_per_m * (1.0 + p.repeater_load) * p.supply_v * p.supply_v * p.bus_activity
    chip_bits = op.chip_inputs * op.input_bits + op.outputs * op.output_bits  # what a partial sum has beyond them seldom toggles
    array_bits = op.array_inputs * op.input_bits + op.array_outputs * sum_bits(op, p)
    length_bits = chip_bits * p.chip_wire_share * p.ns_side_m + array_bits * p.tile_wire_share * p.ns_tile_side_m
    out.interconnect_energy = op.positions * length_bits * wire_j
    out.roofline = out.adc
    if laid:
        shown = out.adc_energy + out.array_energy + out.accumulation_energy + out.driver_energy + out.buffer_energy + out.interconnect_energy
        out.margin_energy = (p.layout_energy - 1.0) * shown


@part
def price_neurosim(op: Any, p: Any, out: Any) -> None:
    """One execution of one operator; activations and pools pass the chip's digital units, a bus word at a time."""
    if op.kind == MATRIX:
        price_matrix(op, p, out)
    elif op.kind == DIGITAL:
        lanes = p.pool_lanes if op.work == POOL else p.chip_bus_bits / WORD
        out.digital = math.ceil(op.elements * op.valid_share / lanes)
