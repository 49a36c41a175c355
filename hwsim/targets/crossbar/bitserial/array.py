"""Mechanisms of a bit-serial array: columns of a weight, weights of a row, critical path, joules of one clock.

A weight of w bits takes w columns and log2(rows) more, into which its sum grows. Every cell multiplies by an exclusive nor and adds the product to
the sum that comes down its column; K registers cut each column into groups of rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hwsim.engine.jit import part
from hwsim.targets.crossbar.gates import ADDER_NANDS, ADDER_XORS, carry_gates, gate_s, sum_gates

XNOR_INPUT = 0.5  # share of an XNOR's capacitance on its row input


def columns_of(weight_bits: Any, rows: Any) -> Any:
    """Neighbouring columns of one weight: its bits and the growth of a sum over all rows."""
    return weight_bits + np.ceil(np.log2(rows))


columns_per_weight = part(columns_of)


def weights_per_row(weight_bits: float, rows: float, columns: float) -> int:
    """Weights that a row holds.

    >>> [weights_per_row(w, 128, 128) for w in (1, 4, 8, 16)]
    [16, 11, 8, 5]
    """
    return int(columns // columns_of(weight_bits, rows))


@part
def critical_path_s(p: Any, weight_bits: float) -> float:
    """Shortest clock: the carry chain over a weight's columns, the sums of a group's rows, and the register."""
    rows = math.ceil(p.cell_rows / p.registers_per_column) + p.register_overhead_adders
    return float(gate_s(p) * (carry_gates(p, columns_per_weight(weight_bits, p.cell_rows)) + rows * sum_gates(p)))


@part
def clocks_per_bit(p: Any) -> float:
    """Clocks of one input bit: one in a pipeline, else every group's and one to start."""
    return 1.0 if p.bit_pipelined > 0.0 else float(p.registers_per_column + 1.0)


def cell_gates(p: Any) -> Any:
    """Unit gates of one cell besides its adder and SRAM bit: an exclusive nor and two multiplexers."""
    return p["xor_area_gates"] + 2.0 * p["cell_mux_gates"]


def row_farads(p: Any) -> Any:
    """Capacitance of one row input, which reaches every column: wire over square cells, and an XNOR input per cell."""
    scale = p["node_nm"] / p["gate_node_nm"]
    gates = ADDER_NANDS + (ADDER_XORS + 1.0) * p["xor_area_gates"] + 2.0 * p["cell_mux_gates"]
    pitch_m = np.sqrt(gates * p["gate_area_mm2"] * scale + p["cell_sram_mm2"]) * 1e-3
    return p["cell_columns"] * (pitch_m * p["row_wire_f_per_m"] + XNOR_INPUT * p["xor_cap_gates"] * p["gate_cap_f"] * scale)


row_f = part(row_farads)


def driver_gates(p: Any) -> Any:
    """Unit gates of one row's driver chain: its capacitance over that of a gate."""
    return row_farads(p) / (p["gate_cap_f"] * p["node_nm"] / p["gate_node_nm"]) / (p["driver_fanout"] - 1.0)


@part
def driver_chain(fanout: float) -> float:
    """Capacitance of a tapered buffer chain over that of its load: 1/f + 1/f^2 + ..."""
    return 1.0 / (fanout - 1.0)
