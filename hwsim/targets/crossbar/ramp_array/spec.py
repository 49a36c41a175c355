"""What a chip of this family states, and its own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant
from hwsim.targets.crossbar.analog.constants import CONSTANTS as ANALOG

CODE = 1.0
NL_RAMP, LINEAR_RAMP, SAR, MLSA = 1.0, 2.0, 3.0, 4.0
ADC_CODES = {"nl_ramp": NL_RAMP, "linear_ramp": LINEAR_RAMP, "sar": SAR, "mlsa": MLSA}
RAMPS = ("nl_ramp", "linear_ramp")
PWM, BIT_SERIAL = "pwm", "bit_serial"
ENCODINGS = (PWM, BIT_SERIAL)
CONSTANTS = (
    # cells
    Constant("read_v"),
    Constant("g_mean_s"),  # mean conductance of a weight's cells together
    Constant("mean_input", most=1),  # mean pulse width as a share of the longest
    Constant("cell_mm2"),
    Constant("supply_v"),
    Constant("wire_ohm"),  # of a column, per cell
    Constant("row_cell_f"),  # farads of a row per cell: wire and access gate
    # converters
    Constant("adc", text=True, words=tuple(ADC_CODES)),
    Constant("adc_bits", least=1, most=16, whole=True),
    Constant("columns_per_adc", least=1, whole=True),
    Constant("calibration_cells", zero=True, whole=True),
    Constant("ramp_g_max_s"),
    Constant("column_j_per_clock"),  # integrator, comparator and counter of one column
    Constant("sar_step_j"),
    Constant("mlsa_level_j"),
    Constant("transistor_mm2"),
    Constant("sar_transistors"),
    Constant("sar_transistors_per_bit"),
    Constant("sense_amplifier_mm2"),
    # element-wise work
    Constant("lanes", least=1, whole=True),
    Constant("element_clocks"),
    Constant("element_j"),
    Constant("activation_clocks"),
    Constant("activation_j"),
    # area
    Constant("column_mm2"),
    *ANALOG,
)
NUMBERS = ("adc_code", "bit_serial", "columns_used", "ramp_functions")
FIELDS = (
    "in_ramp",  # 1: an activation that the converter of the product before it has applied
    "cell_ramp",  # 1: a state that passes through a ramp of its own (tanh of an LSTM's cell)
)
