"""Joules of one operator, and the watts that flow whatever runs.

``P = P_idle + sum of busy cores P0 (f / f0)^e + e_mac MACs + e_byte DRAM bytes``. Behind a supply the wall sees ``fixed + slope P``, a straight line
through idle and load as measured on both sides of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.engine.jit import part
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.products import FP32_BYTES, operations

Floats = NDArray[np.float64]


@part
def width_bytes(op: Any, arithmetic: float) -> float:
    """Bytes of the lanes that compute: widened formats use fp32's, narrow weights those of bytes."""
    return FP32_BYTES if arithmetic == spec.WIDENED else max(1.0, float(op.element_bytes))


@part
def charge(op: Any, executed: float, arithmetic: float, p: Any, out: Any) -> None:
    """Fill the joules of an operator: busy cores for as long as it takes, its `executed` MACs and operations by their width, its DRAM bytes."""
    parallel = out.fork + max(out.compute, out.l2, out.shared_cache, out.dram) + out.exposed
    out.cores = (p.lead_power_w * out.dispatch + p.active_power_w * parallel) / p.clock_hz
    out.arithmetic = (executed * p.mac_j + operations(op, p) * p.operation_j) * width_bytes(op, arithmetic) / FP32_BYTES
    out.dram_traffic = out.dram_bytes * p.dram_j_per_byte
    if p.wall > 0:
        out.supply = (p.supply_slope - 1.0) * (out.cores + out.arithmetic + out.dram_traffic)


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Watts of the idle board, and of its supply where the wall is counted. One figure per record."""
    wall = p["wall"] > 0
    idle = np.where(p["above_idle"] > 0, 0.0, p["idle_w"])
    supply = np.where(wall, p["supply_fixed_w"] + (p["supply_slope"] - 1.0) * p["idle_w"], 0.0)
    return {"idle": idle, "idle supply": supply}
