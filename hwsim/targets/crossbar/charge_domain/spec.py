"""What a chip with charge-domain columns states."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant

CODE = 31.0
ENCODINGS = ("bit_serial",)
CONSTANTS = (
    Constant("arrays", least=1, whole=True),
    Constant("array_rows", least=1, whole=True),
    Constant("array_columns", least=2, whole=True),  # outputs, each of one bit of a weight
    Constant("input_bits_most", least=1),
    Constant("weight_bits_most", least=1),
    Constant("output_bits_most", least=1),
    # supply and time
    Constant("voltage_v"),
    Constant("nominal_v"),  # at which the constants below hold
    Constant("voltage_low_v", priced=False),
    Constant("voltage_high_v", priced=False),
    Constant("nominal_clock_hz"),
    Constant("delay_exponent", zero=True),
    Constant("plane_clocks", least=1),  # one bit plane of the inputs through the array
    Constant("port_bits_per_clock", least=1),  # of the port that fills the input buffer
    Constant("buffered_bits", least=1),  # bits of an input that load while the array computes
    # energy at the nominal supply
    Constant("cell_f", zero=True),
    Constant("row_line_f", zero=True),
    Constant("reference_activity", most=1),  # share of ones at which row lines were measured
    Constant("adc_column_j", zero=True),
    Constant("datapath_column_j", zero=True),
    # areas of one macro
    Constant("adc_mm2", zero=True),
    Constant("array_mm2", zero=True),
    Constant("datapath_mm2", zero=True),
    Constant("sparsity_controller_mm2", zero=True),
)
NUMBERS: tuple[str, ...] = ()
FIELDS: tuple[str, ...] = ()


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with the constants taken together."""
    low, high, volts = (chip.number(n) for n in ("voltage_low_v", "voltage_high_v", "voltage_v"))
    if not low <= volts <= high:
        yield f"voltage_v must lie in {low:g}..{high:g} V, where the chip was measured, got {volts:g}"
    if chip.number("weight_bits_most") > chip.number("array_columns"):
        yield "weight_bits_most exceeds array_columns"
