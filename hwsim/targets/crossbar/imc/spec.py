"""What a macro of this family states: its shape, its converters or its adder trees."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, constants
from hwsim.targets.crossbar.gate_constants import CONVERTERS, GATES, SUPPLY, supply_problems

CODE = 7.0
ANALOG, DIGITAL = "analog", "digital"
CONSTANTS = (
    *GATES,
    *SUPPLY,
    *CONVERTERS,
    *constants("adc_bit_row_s adc_code_mm2 dac_bit_f"),
    Constant("macro_kind", text=True, words=(ANALOG, DIGITAL)),
    # shape: one bank reads `macro_rows` x `macro_columns` words at once, of `macro_groups` that it holds
    *constants("macro_rows macro_columns macro_banks macro_groups", least=1, whole=True),
    Constant("columns_per_weight", least=1, whole=True),  # columns whose outputs make one weight's product
    Constant("macro_bitline_rows", least=1, whole=True),  # cells on one bit line
    *constants("macro_input_bits macro_weight_bits macro_input_bits_per_cycle", least=1, whole=True),
    Constant("transfers_per_cycle", least=1, whole=True),  # analog reads in one clock, one after another
    Constant("multiplier_bits", least=1, whole=True),  # one-bit multipliers of each row and column
    Constant("multiplier_delay_gates", least=1),
    Constant("bank_sram_mm2"),
    Constant("bank_sram_overhead", least=1),
    # analog: converters and what adds up behind them (0 in digital macros)
    *constants("adcs_per_output dacs_per_row macro_dac_bits", zero=True, whole=True),
    Constant("macro_adc_bits", zero=True),  # bits resolved on average: time and energy
    Constant("macro_adc_area_bits", zero=True),
    Constant("merge_adder_bits", zero=True, whole=True),  # full adders behind one output's converters
    Constant("merge_carry_bits", zero=True, whole=True),  # of them in one clock with the conversion
    # digital: adder trees (0 in analog macros)
    *constants("trees_per_output tree_input_bits", zero=True, whole=True),
    *constants("cross_tree_inputs cross_tree_bits", zero=True, whole=True),  # tree over the columns of one weight
    Constant("macro_accumulator_bits", zero=True, whole=True),
    Constant("accumulators_per_row", zero=True, most=1, whole=True),  # 1: one per row before the tree, which runs once per input
    Constant("accumulator_pipelined", zero=True, most=1, whole=True),  # 1: behind a register, in a clock of its own
    # data
    Constant("input_toggle_rate", zero=True, most=1),
    Constant("weight_sparsity", zero=True, most=1),
)
NUMBERS = ()
FIELDS = ("pruned",)  # share of the weights that are zero throughout
_NEEDS = {
    ANALOG: ("adcs_per_output", "macro_adc_bits", "macro_adc_area_bits"),
    DIGITAL: ("trees_per_output", "tree_input_bits", "macro_accumulator_bits"),
}


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with several constants taken together."""
    yield from supply_problems(chip)
    kind = chip.text("macro_kind")
    other = DIGITAL if kind == ANALOG else ANALOG
    yield from (f"{name} must be positive in an {kind} macro" for name in _NEEDS[kind] if not chip.number(name))
    yield from (f"{name} must be 0 in an {kind} macro" for name in _NEEDS[other] if name != "macro_accumulator_bits" and chip.number(name))
    if kind == DIGITAL and chip.number("macro_rows") < 2:
        yield "macro_rows must be at least 2: an adder tree adds numbers up"
    if (chip.number("cross_tree_inputs") > 0) != (chip.number("cross_tree_bits") > 0):
        yield "cross_tree_inputs and cross_tree_bits go together"
    if chip.number("macro_columns") % chip.number("columns_per_weight"):
        yield "macro_columns must be a multiple of columns_per_weight"
    if chip.number("merge_carry_bits") > chip.number("merge_adder_bits"):
        yield "merge_carry_bits exceeds merge_adder_bits"
