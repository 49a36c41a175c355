"""Price of one operator on bit-serial arrays."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.bitserial.array import clocks_per_bit, columns_per_weight, critical_path_s, driver_chain, row_f
from hwsim.targets.crossbar.gates import adder_f, flip_flop_f, gate_f
from hwsim.targets.crossbar.layout import MATRIX


@part
def prepare_bitserial(p: Any) -> None:
    """The clock is the critical path for the widest weights of the graph (of the chip where none are known), unless one is stated."""
    if p.clock_fixed == 0.0:
        p.clock_hz = 1.0 / critical_path_s(p, p.serial_clock_bits if p.serial_clock_bits > 0.0 else p.serial_weight_bits)


@part
def price_bitserial(op: Any, p: Any, out: Any) -> None:
    """Cycles and joules of one execution: each vector takes its bits through ceil(parts / arrays) passes.

    Adders of rows without weights still hand sums down. A line that toggles half of the time is charged every fourth clock, hence the halves.
    """
    if op.kind != MATRIX:
        return
    clocks = op.input_bits * clocks_per_bit(p)
    parts = op.row_parts * op.column_parts * op.active
    out.array = op.rounds * math.ceil(parts * op.duplication / p.arrays) * clocks
    if op.drained > 0.0 and p.bit_pipelined > 0.0:
        out.accumulation = p.registers_per_column
    toggle = p.input_toggle_rate
    if op.input_bits == 1.0 and op.input_activity >= 0.0:
        toggle = min(1.0, op.input_activity)
    square = p.voltage_v**2
    bits = op.vectors * op.active * op.input_bits
    products = bits * op.inputs * op.outputs
    sums = bits * op.row_parts * p.cell_rows * op.outputs * columns_per_weight(op.weight_bits, p.cell_rows)
    out.array_energy = 0.5 * products * op.weight_bits * p.xor_cap_gates * gate_f(p) * square * toggle
    out.accumulation_energy = sums * adder_f(p) * square * toggle
    out.driver_energy = 0.5 * bits * op.inputs * op.column_parts * row_f(p) * (1.0 + driver_chain(p.driver_fanout)) * square * toggle
    clocked = op.vectors * parts * clocks * p.cell_columns * flip_flop_f(p) * square
    out.digital_energy = clocked * p.registers_per_column
    out.buffer_energy = clocked * p.control_bits_per_column
    partial = op.vectors * op.active * op.outputs * (op.row_parts - 1.0) * (op.output_bits + math.ceil(math.log2(op.row_parts)))
    out.accumulation_energy += partial * adder_f(p) * square
    out.roofline = products * clocks_per_bit(p) * columns_per_weight(op.weight_bits, p.cell_rows) / (p.cell_rows * p.cell_columns * p.arrays)
