"""Silicon area by what occupies it: cores with their fetch buffers, floating-point units, SRAM by the byte, and the rest of cluster and platform."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table

Floats = NDArray[np.float64]


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Area in mm2, one figure per record."""
    sram = p["area_sram_mm2_per_byte"]
    caches = p["icache_shared_bytes"] + p["cores"] * p["icache_private_bytes"]
    return {
        "cores": p["cores"] * p["area_core_mm2"],
        "floating-point units": p["fpu_units"] * p["area_fpu_mm2"],
        "TCDM": p["tcdm_bytes"] * sram,
        "instruction caches": caches * sram,
        "L2": p["l2_bytes"] * sram,
        "interconnect, DMA, event unit": np.asarray(p["area_cluster_rest_mm2"]) * p["cores"],
        "platform": np.asarray(p["area_platform_mm2"]),
    }
