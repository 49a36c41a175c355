"""Joules of one operator, power that flows whatever runs, and silicon area.

``energy_mode: nameplate`` charges the board's TDP for the whole time (how published comparisons are made). ``activity`` is
``P = P_active_idle + e_byte x DRAM bandwidth + e_flop x FLOP rate``, fitted to roofline kernels measured on an A100 (gpu-benches); a byte's energy
covers HBM, its PHY, L2, the on-chip network and registers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec

Floats = NDArray[np.float64]

AREAS = {
    "cores": "area_cores_mm2", "on-chip network": "area_network_mm2", "L2": "area_l2_mm2", "memory PHY": "area_memory_phy_mm2",
    "memory control": "area_memory_control_mm2", "link PHY": "area_link_phy_mm2", "other": "area_other_mm2",
}  # fmt: skip


@jit
def charge(op: Any, p: Any, out: Any) -> None:
    """Fill bytes and joules, of all GPUs together. An all-reduce moves ``2 (n - 1) / n`` of its bytes over each GPU's link."""
    if op.kind == spec.ALLREDUCE:
        out.link_bytes = 2 * (op.gpus - 1) * op.bytes
        out.dram_bytes = max(2 * op.bytes * op.gpus, op.compulsory_bytes)
    else:
        out.dram_bytes = max(op.bytes * op.gpus, op.compulsory_bytes)
    if p.activity > 0:
        out.dram_traffic = out.dram_bytes * p.dram_j_per_byte
        tensor = op.arithmetic in (spec.TENSOR_16, spec.TENSOR_INT8, spec.TENSOR_TF32)
        out.arithmetic = 2 * op.macs * (p.tensor_j_per_flop if tensor else p.vector_j_per_flop) + op.flops * p.vector_j_per_flop
        out.link_traffic = out.link_bytes * p.link_j_per_byte


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Watts of all GPUs that do not depend on the work: the nameplate's, or those of clocked but idle boards. One figure per record."""
    active = p["activity"] > 0
    return {"nameplate": np.where(active, 0.0, p["tdp_w"] * p["devices"]), "active idle": np.where(active, p["active_idle_w"] * p["devices"], 0.0)}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Die area of all GPUs by what occupies it. One figure per record."""
    return {name: p[param] * p["devices"] for name, param in AREAS.items()}
