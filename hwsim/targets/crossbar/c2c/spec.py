"""What a macro of C-2C ladders states."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, constants
from hwsim.targets.crossbar.gate_constants import CONVERTERS, GATES, SUPPLY, supply_problems

CODE = 9.0
CONSTANTS = (
    *GATES,
    *SUPPLY,
    *CONVERTERS,
    Constant("arrays", least=1, whole=True),
    *constants("ladder_rows ladder_columns stored_sets ladder_bits", least=1, whole=True),
    Constant("unit_capacitor_f"),
    Constant("capacitor_f_per_mm2"),
    Constant("ladder_resistance_ohm"),
    Constant("dacs_in_row", least=1, whole=True),  # one per sign
    Constant("dac_span_share", most=1),  # reference of a ladder over the supply
    Constant("dac_gates"),
    Constant("adc_bits", least=1, most=16, whole=True),
    Constant("adc_macro_mm2"),  # one converter of `adc_macro_bits`
    Constant("adc_macro_bits", least=1),
    Constant("adc_macro_dac_share", most=1),
    Constant("phases_per_vector", least=1, whole=True),  # digital clocks in one analog cycle
    Constant("row_wire_f_per_m"),
    Constant("cell_sram_mm2"),  # one bit
    *constants("select_gates_per_bit switch_gates_per_bit control_flip_flops write_path_gates", zero=True),
    Constant("gate_leakage_a", zero=True),
    *constants("average_input_value average_weight_value", zero=True, most=1),
)
NUMBERS = ()
FIELDS = ("pruned",)  # share of the weights that are zero throughout


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with several constants taken together."""
    yield from supply_problems(chip)
