"""What chips with analog cells state about them besides prices; read by the accuracy of results alone."""

from __future__ import annotations

from hwsim.core.parameters import Constant

CALIBRATIONS = ("none", "one_point")
RANGES = ("data", "worst_case")
CONSTANTS = (
    Constant("cell_g_min_s", zero=True, priced=False, optional=True),
    Constant("cell_g_max_s", priced=False, optional=True),
    Constant("device_model", text=True, optional=True),  # of models/tech/memristors.yaml: its programming error, drift, read noise; or none
    Constant("write_sigma_s", zero=True, priced=False, optional=True),  # standard deviation of a written conductance, in place of the model's
    Constant("stuck_off", zero=True, most=1, priced=False, optional=True),
    Constant("stuck_on", zero=True, most=1, priced=False, optional=True),
    Constant("drift_s", priced=False, optional=True),  # time since programming; left out: read at once
    Constant("read_noise", zero=True, most=1, priced=False, optional=True),  # of a cell from read to read, relative, in place of the model's
    Constant("wires", text=True, words=("ideal", "resistive"), optional=True),  # resistive: wire_ohm per cell, in rows and columns
    Constant("adc_offset_lsb", zero=True, priced=False, optional=True),  # of comparators, standard deviation
    Constant("adc_reference_v", priced=False, optional=True),  # read voltage that a converter's reference is set for
    Constant("ramp_calibration", text=True, words=CALIBRATIONS, optional=True),
    Constant("range_calibration", text=True, words=RANGES, optional=True),
    Constant("noise", text=True, words=("all", "none"), optional=True),  # none: converters alone
    Constant("programmings", least=2, whole=True, priced=False, optional=True),
)
