"""Power that flows whatever runs: the idle law by temperature, card, voltage and size of the chip, by supply rail, in three accounting scopes.

A board at 600 MHz idles at ``P(T) = fixed + leak c exp((T - T0) / s)``, with c the leakage of the card over that of the first one. The shares of
the rails come from readings at one temperature. Leakage of the minion rail goes with ``V^n``, its clocked part with ``f V^2``.

Scopes: ``board``: all of it (or the idle measured just before, where `idle_power_w` states one); ``board_above_idle``: none;
``as_published``: the accounting of the maker's 2024 paper, whose static part is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.targets.manycore import spec_energy as codes

Floats = NDArray[np.float64]


def leak_w(p: Table) -> Floats:
    """Watts of leakage of the whole measured chip at the die temperature: ``leak c exp((T - T0) / s)``, one per record."""
    card = p["card_leak"][np.arange(len(p)), p["card"].astype(np.int64)]
    return np.asarray(p["idle_leak_w"] * card * np.exp((p["die_temperature_c"] - p["idle_reference_c"]) / p["idle_leak_scale_c"]))


def idle_law_w(p: Table) -> dict[str, Floats]:
    """Watts of an idle board by supply rail, one per record; the parts grow with what they supply.

    Minions with their number, SRAM with its bytes, the mesh with the shires, the rest with the DRAM channels (`dram_idle_w_per_channel` each).
    """
    leak, fixed = leak_w(p), p["idle_fixed_w"]
    shires = p["shires"] / p["measured_shires"]
    minions = shires * p["minions_per_shire"] / p["measured_minions_per_shire"]
    sram = shires * (p["scratchpad_bytes"] + p["l2_bytes"] + p["l3_bytes"]) / p["measured_shire_sram_bytes"]
    volts = p["minion_voltage_v"] / p["energy_voltage_v"]
    clocked = p["clock_hz"] / p["energy_clock_hz"] * volts**2
    rest_leak = 1.0 - p["minion_leak_share"] - p["sram_leak_share"] - p["mesh_leak_share"]
    rest_fixed = 1.0 - p["minion_fixed_share"] - p["mesh_fixed_share"]
    channels = p["dram_idle_w_per_channel"] * (p["dram_channels"] - p["measured_dram_channels"])
    return {
        "minion static": minions
        * (p["minion_leak_share"] * leak * volts ** p["minion_leak_voltage_exponent"] + p["minion_fixed_share"] * fixed * clocked),
        "sram static": sram * p["sram_leak_share"] * leak,
        "mesh static": shires * (p["mesh_leak_share"] * leak + p["mesh_fixed_share"] * fixed),
        "board static": np.maximum(0.0, rest_leak * leak + rest_fixed * fixed + channels),
    }


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Watts that flow whatever runs, by supply rail, in the record's scope. One figure per record of the parameter table."""
    law = idle_law_w(p)
    total = sum(law.values(), np.zeros(len(p)))
    measured = np.where(p["idle_power_w"] > 0, p["idle_power_w"] / total, 1.0)
    board = p["power_scope"] == codes.BOARD
    parts = {name: np.where(board, watts * measured, 0.0) for name, watts in law.items()}
    parts["published static"] = np.where(p["power_scope"] == codes.AS_PUBLISHED, p["published_static_w"], 0.0)
    return parts


def static_w(p: Table) -> float:
    """Watts in all of the first record."""
    return float(sum(watts[0] for watts in static_power_w(p).values()))
