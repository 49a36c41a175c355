"""Areas of the chip by component, the length of its sides, and its leakage.

Array: `cell_f2` F^2 per cell. Converters, adders, row periphery: minimum transistors. Wires: a bus of `chip_bus_bits` lanes along each of
sqrt(tiles) rows of tiles, as long as the chip's side, which they lengthen in turn: ``side^2 = A + w side``.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.adc.sar_neurosim import sar_area_units
from hwsim.targets.crossbar.adc.sense_amplifiers import bank_area_units
from hwsim.targets.crossbar.neurosim.spec import INPUT_BITS, SAR


@part
def converter_units(p: Any) -> float:
    """Minimum transistors of one converter."""
    if p.ns_adc == SAR:
        return sar_area_units(p.adc_bits, p.sar_base_units, p.sar_bit_units)
    return bank_area_units(p.adc_bits, p.mlsa_units)


@part
def accumulator_bits(p: Any) -> float:
    """Width of the register that adds up the shifted codes of an input's bits."""
    return float(p.adc_bits + INPUT_BITS)


@part
def fill_areas(p: Any) -> None:
    """Areas in mm2, and sides in metres."""
    transistor = p.transistor_mm2
    rows = p.arrays_used * p.array_rows
    p.ns_cells_mm2 = rows * p.array_columns * p.cell_f2 * (p.node_nm * 1e-6) ** 2
    p.ns_adc_mm2 = p.converters_used * converter_units(p) * transistor
    p.ns_adders_mm2 = p.converters_used * accumulator_bits(p) * p.adder_area_units * transistor
    shifters = p.shifter_area_units * p.layout_shifter_area if p.post_layout_factors > 0 else 0.0
    p.ns_periphery_mm2 = rows * (p.row_driver_area_units + shifters) * transistor
    blocks = p.ns_cells_mm2 + p.ns_adc_mm2 + p.ns_adders_mm2 + p.ns_periphery_mm2
    bus_mm = p.chip_bus_bits * p.bus_pitch_f * p.node_nm * 1e-6 * math.sqrt(p.tiles_used)
    side_mm = 0.5 * bus_mm + math.sqrt(0.25 * bus_mm * bus_mm + blocks)
    p.ns_wires_mm2 = bus_mm * side_mm
    p.ns_side_m = side_mm * 1e-3
    p.ns_tile_side_m = p.ns_side_m / math.sqrt(max(1.0, p.tiles_used))


@part
def fill_leakage(p: Any) -> None:
    """``V_dd I_off W``: widths of adders and row periphery, and a share of the converters'; level shifters are cut off when nothing is written."""
    widths = p.converters_used * (accumulator_bits(p) * p.adder_area_units + p.converter_leak_share * converter_units(p))
    widths += p.arrays_used * p.array_rows * p.row_driver_area_units
    p.ns_leak_w = p.supply_v * p.ioff_a_per_m * widths * p.leak_width_units * p.unit_width_m
