"""One conversion of the nonlinear ramp converter."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part

INCLUDES_ARRAY_CURRENT = False  # the current of the array's cells is the array's


@part
def ramp_clocks(bits: float) -> Any:
    """Clocks of one ramp, which all columns share: ``2^b``."""
    return 2.0**bits


@part
def comparator_j(bits: float, p: Any) -> Any:
    """Joules of one column in one conversion: comparator and counter at every clock of the ramp."""
    return 2.0**bits * p.column_j_per_clock


@part
def ramp_column_j(bits: float, p: Any) -> Any:
    """Joules of one shared ramp column: one cell after another carries ``V^2 G`` for a clock, half of the largest conductance on average."""
    return 2.0**bits * p.read_v**2 * 0.5 * p.ramp_g_max_s / p.clock_hz
