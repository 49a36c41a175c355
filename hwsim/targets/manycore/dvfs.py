"""Voltage of the minion rail by clock, and what follows from it. The SRAM and mesh rails have fixed voltages of their own.

Operating points are those that cards run at, and the lower corner of the firmware's limits; between them the voltage is interpolated. Switching
energy goes with ``V^n``, n a little above 2 (`minion_switching_exponent`, from powers at 600 and 800 MHz); leakage power with ``V^n`` too
(`minion_leak_voltage_exponent`, assumed).
"""

from __future__ import annotations

from typing import Any

from hwsim.core.errors import InvalidMapping
from hwsim.engine.jit import part
from hwsim.targets.manycore.spec_energy import POINTS


@part
def minion_voltage(clock_hz: float, p: Any) -> float:
    """Volts of the minion rail at a clock; outside the operating points the nearest point's."""
    if clock_hz <= p.dvfs_clock_hz[0]:
        return float(p.dvfs_voltage_v[0])
    for i in range(1, POINTS):
        if clock_hz <= p.dvfs_clock_hz[i]:
            share = (clock_hz - p.dvfs_clock_hz[i - 1]) / (p.dvfs_clock_hz[i] - p.dvfs_clock_hz[i - 1])
            return float(p.dvfs_voltage_v[i - 1] + share * (p.dvfs_voltage_v[i] - p.dvfs_voltage_v[i - 1]))
    return float(p.dvfs_voltage_v[POINTS - 1])


@part
def switching_scale(minion_share: float, p: Any) -> float:
    """Energy of an event at `p.minion_voltage_v` over its energy at the voltage where it was measured.

    The minion rail has `minion_share` of it, and its regulator loses a further `minion_rail_loss` of that: ``1 + s (1 + loss) ((V / V0)^n - 1)``.
    """
    scale = (p.minion_voltage_v / p.energy_voltage_v) ** p.minion_switching_exponent
    return float(1.0 + min(1.0, minion_share * (1.0 + p.minion_rail_loss)) * (scale - 1.0))


def power_limits(p: Any) -> tuple[float, float]:
    """Lowest and highest clock (Hz) at which the voltage, and so a power figure, is known."""
    return float(p["dvfs_clock_hz"][0]), float(p["dvfs_clock_hz"][POINTS - 1])


def power_known(p: Any) -> bool:
    """True when the record's clock lies between the operating points."""
    low, high = power_limits(p)
    return low <= float(p["clock_hz"]) <= high


def check_power_clock(p: Any) -> None:
    """Refuse a power or energy figure at a clock without an operating point. Raises `InvalidMapping`."""
    if not power_known(p):
        low, high = power_limits(p)
        raise InvalidMapping(
            f"no power or energy at {float(p['clock_hz']) / 1e6:g} MHz: the firmware runs {low / 1e6:g} to {high / 1e6:g} MHz and no voltage is "
            "known outside; cycles hold at any clock. Choose frequency_hz inside, or extend dvfs_clock_hz and dvfs_voltage_v"
        )
