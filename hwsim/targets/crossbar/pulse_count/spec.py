"""What a pulse-count macro states, and the family's own columns."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant

CODE = 32.0
ENCODINGS = ("pulse_count",)
CONSTANTS = (
    Constant("arrays", least=1, whole=True),
    Constant("array_rows", least=1, whole=True),
    Constant("array_columns", least=2, whole=True),  # bit columns
    Constant("input_bits_most", least=1),
    Constant("weight_bits_most", least=1),  # binary weighted columns of an output
    Constant("output_bits_most", least=1),
    # supply and time
    Constant("voltage_v"),
    Constant("nominal_v"),  # at which the constants below hold
    Constant("voltage_low_v", priced=False),
    Constant("voltage_high_v", priced=False),
    Constant("nominal_cycle_s"),  # one complete vector
    Constant("delay_fixed_share", zero=True, most=1),
    Constant("delay_exponent", zero=True),
    Constant("energy_exponent", zero=True),
    # energy at the nominal supply
    Constant("idle_vector_j", zero=True),
    Constant("row_clock_j", zero=True),
    Constant("comparator_trip_j", zero=True),
    Constant("bit_line_f", zero=True),
    Constant("weighting_unit_f", zero=True),
    Constant("mean_input", most=1),  # of operands whose statistics are not stated
    Constant("mean_weight", most=1),
    # areas of one macro
    Constant("adc_mm2", zero=True),
    Constant("array_mm2", zero=True),
    Constant("weighting_capacitors_mm2", zero=True),
)
NUMBERS: tuple[str, ...] = ()
FIELDS = ("weight_value", "output_code")  # means: share of full scale, and code; below 0 where not stated


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with the constants taken together."""
    low, high, volts = (chip.number(n) for n in ("voltage_low_v", "voltage_high_v", "voltage_v"))
    if not low <= volts <= high:
        yield f"voltage_v must lie in {low:g}..{high:g} V, where the chip was measured, got {volts:g}"
    if chip.number("array_columns") % chip.number("weight_bits_most"):
        yield "array_columns is no multiple of weight_bits_most"
