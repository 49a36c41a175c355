"""Energy of a cluster in two modes.

``platform_constant``: the platform draws energy_per_cycle_j in every cluster cycle whatever the cores do (12 networks on GAP8 silicon draw 99 to
111 mW, nearly independent of the workload): E = e f (V / V0)^2 T, all of it static power. ``physical``: a base per cycle (fabric controller, L2,
clock tree), leakage, every active core's cycles, clock-gated ones, TCDM accesses and transfers. Joules per event go with V^2, leakage with V.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.engine.jit import part

Floats = NDArray[np.float64]


@part
def scaled(joules: float, p: Any) -> float:
    """Joules at the record's voltage: E ~ V^2."""
    ratio = p.voltage_v / p.energy_voltage_v
    return float(joules * ratio * ratio)


@part
def core_active_j(busy_cycles: float, waiting_cycles: float, p: Any) -> float:
    """Joules of cores over `busy_cycles` of all cores together and the cycles that they wait clock-gated; 0 with constant platform power."""
    return float((busy_cycles * p.core_cycle_j + max(0.0, waiting_cycles) * p.gated_core_cycle_j) * p.physical)


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Watts that flow whatever the cores do, one figure per record."""
    ratio = p["voltage_v"] / p["energy_voltage_v"]
    per_cycle = np.where(p["physical"] > 0, p["base_cycle_j"], p["energy_per_cycle_j"])
    return {"platform": per_cycle * p["clock_hz"] * ratio**2, "leakage": np.where(p["physical"] > 0, p["leakage_w"] * ratio, 0.0)}
