"""A SAR converter behind a column of cells: NeuroSim's published regression (neurosim/DNN_NeuroSim_V1.3@388f421), fitted at 0.5 V read voltage.

With R the column's resistance and b bits:

    P = p1 b + p0 + k / R        t = (b + 1) steps        E = P t

The last term of P is the array's own current, so a model that uses it must not add ``V^2 G t``.
"""

from __future__ import annotations

from hwsim.engine.jit import part

INCLUDES_ARRAY_CURRENT = True


@part
def sar_static_w(bits: float, bit_w: float, fixed_w: float) -> float:
    """Watts of the converter itself."""
    return bit_w * bits + fixed_w


@part
def sar_conversion_s(bits: float, step_s: float) -> float:
    """One step to sample, one per bit."""
    return (bits + 1.0) * step_s


@part
def sar_area_units(bits: float, base_units: float, bit_units: float) -> float:
    """Area in minimum transistors: `base_units` for one bit, `bit_units` for each further one."""
    return base_units + bit_units * (bits - 1.0)
