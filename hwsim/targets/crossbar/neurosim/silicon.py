"""Gates, wires and cells of the node: capacitance, delay, conductance."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.neurosim.spec import CELL_LEVELS

INVERTER_WIDTHS = 3.0  # gate of an inverter (n and p) over that of its n transistor
CELL_WIDTHS = (4.0, 12.0)  # sides of a cell, in wire widths
SWITCH = 0.69  # ln 2


@part
def gate_f_per_m(p: Any) -> float:
    """Gate capacitance per width: ideal, overlap (a share of the ideal one) and fringe."""
    return float(p.gate_ideal_f_per_m * (1.0 + p.gate_overlap_share) + p.gate_fringe_f_per_m)


@part
def gate_delay_s(p: Any) -> float:
    """Time constant of a transistor that drives its own gate: ``V_dd / I_on x C_gate``, whatever its width."""
    return float(p.supply_v / p.ion_a_per_m * gate_f_per_m(p))


@part
def wire_ohm_per_m(p: Any) -> float:
    """``rho / (width^2 aspect)``."""
    return float(p.wire_resistivity_ohm_m / (p.wire_width_m * p.wire_width_m * p.wire_aspect))


@part
def repeated_s_per_m(p: Any) -> float:
    """Delay of a wire with repeaters of the best size and spacing: ``2.5 sqrt(R_w C_w R_0 C_0)`` (Bakoglu, 1990)."""
    inverter_s = INVERTER_WIDTHS * gate_delay_s(p)
    return float(p.repeater_delay * math.sqrt(wire_ohm_per_m(p) * p.wire_f_per_m * inverter_s))


@part
def access_width_m(p: Any) -> float:
    """Width of the access transistor whose on-resistance is `access_share` of the cell's; at least the narrowest of the node."""
    linear_ohm_m = p.access_linear_share * p.supply_v / p.ion_a_per_m
    return float(max(p.least_width_m, linear_ohm_m / (p.access_share * p.r_on_ohm)))


@part
def row_f(p: Any) -> float:
    """Capacitance of a word line: wire over the long side of each cell, and the access transistors' gates."""
    return float(p.array_columns * (CELL_WIDTHS[1] * p.wire_width_m * p.wire_f_per_m + access_width_m(p) * gate_f_per_m(p)))


@part
def mean_cell_s(p: Any) -> float:
    """Mean conductance of a cell in series with its access transistor and half of the row's and column's wire, over the levels' shares."""
    series = p.access_share * p.r_on_ohm + 0.5 * p.array_rows * (CELL_WIDTHS[0] + CELL_WIDTHS[1]) * p.wire_width_m * wire_ohm_per_m(p)
    low, high = 1.0 / p.r_off_ohm, 1.0 / p.r_on_ohm
    total = 0.0
    for level in range(CELL_LEVELS):
        cell = low + (high - low) * level / (CELL_LEVELS - 1.0)
        total += p.cell_level_share[level] / (1.0 / cell + series)
    return float(total)
