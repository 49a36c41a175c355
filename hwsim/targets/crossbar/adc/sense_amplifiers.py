"""A bank of current-mode sense amplifiers: one per decision level, all columns' levels at once.

Published regression of NeuroSim V1.3 (neurosim/DNN_NeuroSim_V1.3@388f421), fitted at 0.5 V read voltage, with R the column's resistance and
``L = 2^b`` levels:

    P = p1 (L - 1) + k / R        E = P t

The second term is the array's own current, so a model that uses it must not add ``V^2 G t``. The time is fixed (1 ns) in newer nodes; in older ones
the slowest level decides, from the ratio of its reference resistance to the column's.
"""

from __future__ import annotations

import math

from hwsim.engine.jit import part

INCLUDES_ARRAY_CURRENT = True
LEAST_S, MOST_S = 1e-9, 10e-9  # limits of the fitted time
EDGE_RATIOS = 2  # references at both ends of the range that the fit leaves out


@part
def bank_amplifiers(bits: float) -> float:
    """Amplifiers of a bank: one per threshold."""
    return float(2.0**bits - 1.0)


@part
def bank_static_w(bits: float, level_w: float) -> float:
    """Watts of the bank itself while it decides."""
    return bank_amplifiers(bits) * level_w


@part
def ratio_delay(x: float) -> float:
    """Delay of one amplifier over that at equal currents; x = reference resistance over column resistance (fit for 65 nm, low power)."""
    if x >= 20.0 or x <= 0.05:
        return 0.0
    if x <= 0.9:
        return 1.3899 * x**3 - 2.6913 * x**2 + 2.0483 * x + 0.3202
    return 0.0036 * x**4 - 0.0363 * x**3 + 0.1043 * x**2 - 0.0346 * x + 1.0512


@part
def bank_decision_s(column_ohm: float, bits: float, r_on_ohm: float, r_off_ohm: float, rows: float) -> float:
    """Decision time of a bank at 65 nm, low power: the slowest of its levels, within 1 to 10 ns.

    References lie at ``(r_on + (i + 1) r_off / L) / rows`` for ``i = 1 ... L - 3``; the scale is ``0.1239 ln(R / 1 kOhm) + 0.6642`` ns.
    """
    levels = 2.0**bits
    scale_ns = 0.1239 * math.log(column_ohm / 1000.0) + 0.6642
    worst = 1.0
    for i in range(1, int(levels) - EDGE_RATIOS):
        x = (r_on_ohm + (i + 1.0) * r_off_ohm / levels) / rows / column_ohm
        worst = max(worst, scale_ns * ratio_delay(x))
    return min(MOST_S, max(LEAST_S, worst * 1e-9))


@part
def bank_area_units(bits: float, units: float) -> float:
    """Area of a bank in minimum transistors, `units` to an amplifier."""
    return bank_amplifiers(bits) * units
