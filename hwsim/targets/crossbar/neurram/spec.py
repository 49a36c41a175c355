"""What a chip of NeuRRAM's kind states, and the family's own columns."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant
from hwsim.targets.crossbar.analog.constants import CONSTANTS as ANALOG

CODE = 30.0
ENCODINGS = ("pwm",)
CONSTANTS = (
    Constant("arrays", least=1, whole=True),  # cores
    Constant("array_rows", least=1, whole=True),
    Constant("array_columns", least=2, whole=True),  # cells of a row: two to a signed weight
    Constant("pair_bits", least=1, priced=False),  # signed weight that a pair of cells holds
    Constant("input_bits_most", least=1),
    Constant("output_bits_most", least=1),
    Constant("output_bits", least=1, whole=True, optional=True, priced=False),  # of every product; left out: the operator's own
    Constant("output_bits_more", zero=True, priced=False),  # by which results are wider than inputs at the published operating points
    Constant("phases", text=True, words=("auto", "one", "two")),
    Constant("one_phase_bits", least=1),  # magnitude bits that `auto` passes in one phase
    # supply and cells
    Constant("voltage_v"),
    Constant("nominal_v"),
    Constant("r_on_ohm"),
    Constant("r_off_ohm"),
    Constant("read_v"),
    Constant("read_s"),
    # lines
    Constant("wl_driver_f", zero=True),
    Constant("wl_cell_f", zero=True),
    Constant("wl_low_v", zero=True),  # level between the pulses of a vector
    Constant("line_driver_f", zero=True),
    Constant("line_cell_f", zero=True),
    # neurons: one to a column of cells
    Constant("integration_j", zero=True),
    Constant("adc_step_j", zero=True),
    # areas
    Constant("cell_f2"),
    Constant("feature_m"),
    Constant("neuron_adc_mm2", zero=True),
    Constant("neuron_shift_add_mm2", zero=True),
    Constant("neuron_integrator_mm2", zero=True),
    Constant("neuron_sample_mm2", zero=True),
    Constant("row_driver_mm2", zero=True),
    Constant("core_other_mm2", zero=True),
    Constant("wire_ohm"),  # of a row or column, per cell: for the accuracy of results
    *ANALOG,
)
NUMBERS = ("phase_rule",)
FIELDS: tuple[str, ...] = ()


def contradictions(chip: Chip) -> Iterator[str]:
    """What is wrong with the constants taken together."""
    if chip.number("r_on_ohm") >= chip.number("r_off_ohm"):
        yield "r_on_ohm reaches r_off_ohm"
    if chip.number("array_columns") % 2:
        yield "array_columns is odd: weights lie on pairs of columns"
    if "clock_hz" not in chip.params:
        yield "clock_hz is missing: the rate of the neurons' operations"
    if chip.number("voltage_v") != chip.number("nominal_v"):
        yield (
            f"the neurons' clock is known at {chip.number('nominal_v'):g} V only: voltage_v cannot be {chip.number('voltage_v'):g} "
            "(r_on_ohm, read_v, clock_hz and the capacitances can be changed)"
        )
