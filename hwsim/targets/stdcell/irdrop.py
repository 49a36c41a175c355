"""Static IR drop of the rails in a core's rows, fed at power taps.

A row is a rail of resistance r per length that draws the same current i per length everywhere and is fed at both ends of every stretch between two
taps, L apart: the drop is largest half-way, ``r i L^2 / 8``. Power and ground rails drop alike; the supply of a cell loses both.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hwsim.targets.stdcell.floorplan import Floorplan


@dataclass(frozen=True)
class IrDrop:
    """The worst drop of one rail, V, and its share of the supply, both rails together."""

    rail_v: float
    share: float


def static_drop(plan: Floorplan, power_w: float, vdd_v: float, rail_ohm_per_um: float) -> IrDrop:
    """The worst drop in the rows of a core that draws `power_w` evenly; without taps the rails are fed at the core's edges."""
    columns, site = plan.tap_columns, plan.geometry.site_um
    edges = [0.0, *(c * site for c in columns), plan.width_um]
    inner = [b - a for a, b in pairwise(edges[1:-1])]
    outer = 2.0 * max(edges[1], plan.width_um - edges[-2]) if columns else plan.width_um  # fed at one end: as half of twice the stretch
    stretch = max([*inner, outer])
    amps_per_um = power_w / vdd_v / (plan.rows * plan.width_um)
    rail = rail_ohm_per_um * amps_per_um * stretch**2 / 8.0
    return IrDrop(rail, 2.0 * rail / vdd_v)
