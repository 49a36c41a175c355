"""Silicon area by what occupies it; the die and its minion shires are known, the split inside a shire is assumed (see the chip file)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table

Floats = NDArray[np.float64]


def shire_area_mm2(p: Table) -> dict[str, Floats]:
    """Area of one minion shire: its minions, its SRAM by the byte, and the rest (mesh stop, crossbar, cache control)."""
    sram = p["scratchpad_bytes"] + p["l2_bytes"] + p["l3_bytes"]
    return {
        "minions": p["minions_per_shire"] * p["area_minion_mm2"],
        "shire SRAM": sram * p["area_sram_mm2_per_byte"],
        "mesh and shire control": np.asarray(p["area_shire_rest_mm2"]),
    }


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Area of the die, one figure per record: compute shires and the spare ones, memory controllers with their PHY by channel, and what remains."""
    shires = p["shires"] + p["spare_shires"]
    inside = {name: shires * area for name, area in shire_area_mm2(p).items()}
    return inside | {
        "DRAM controllers and PHY": p["dram_channels"] * p["area_dram_channel_mm2"],
        "PCIe, IO and host cores": np.asarray(p["area_other_mm2"]),
    }
