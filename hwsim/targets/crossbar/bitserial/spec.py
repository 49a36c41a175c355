"""What a bit-serial digital array states."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, constants
from hwsim.targets.crossbar.gate_constants import GATES, SUPPLY, supply_problems

CODE = 8.0
ENCODINGS = ("bit_serial",)
CONSTANTS = (
    *GATES,
    *SUPPLY,
    Constant("arrays", least=1, whole=True),
    *constants("cell_rows cell_columns", least=2, whole=True),
    *constants("serial_input_bits serial_weight_bits", least=1, whole=True),  # widest operands
    Constant("registers_per_column", least=1, most=16, whole=True),  # cut a column into as many groups of rows
    Constant("bit_pipelined", zero=True, most=1, whole=True),  # 1: one input bit per clock; 0: the groups are emptied after each bit
    Constant("register_overhead_adders", zero=True),  # set-up and clock to output, in delays of an adder
    *constants("cell_sram_mm2 cell_mux_gates"),
    *constants("row_wire_f_per_m driver_fanout"),
    *constants("control_bits_per_column decoder_gates_per_row", zero=True),
    Constant("gate_leakage_a", zero=True),  # of one unit gate
    *constants("input_toggle_rate", zero=True, most=1),
)
NUMBERS = ("serial_clock_bits",)  # weight bits that the clock is set for; 0: the widest
FIELDS = ("drained",)  # 1: the pipeline is emptied once at the end of the operator


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with several constants taken together."""
    yield from supply_problems(chip)
    if chip.number("registers_per_column") > chip.number("cell_rows"):
        yield "registers_per_column exceeds cell_rows"
    if chip.number("serial_weight_bits") + math.ceil(math.log2(chip.number("cell_rows"))) > chip.number("cell_columns"):
        yield "a weight of serial_weight_bits and the growth of its sum do not fit cell_columns"
    if chip.number("driver_fanout") <= 1:
        yield "driver_fanout must exceed 1"
