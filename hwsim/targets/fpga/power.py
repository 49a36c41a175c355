"""Watts and joules of a configured device.

``P = idle + clocking + dynamic``: the configured board with the design's clocks stopped; what the clocked fabric draws whether it works or not
(each resource x joules per cycle x clock); joules of the work itself: products, memory bytes, buffer bytes.
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
def charge(op: Any, p: Any, out: Any) -> None:
    """Fill bytes on chip (what compulsory bytes an engine did not move off chip) and the joules of one operator.

    A product of a x b bits costs ``mac_j x a b / 64`` (the area of a multiplier array grows so), less what L-Mul saves in place of the multipliers.
    """
    out.on_chip_bytes = max(out.on_chip_bytes, op.compulsory_bytes - out.hbm_bytes - out.ddr_bytes)
    kept = 1.0 - op.fp16_product * p.saved_fp16 - op.fp32_product * p.saved_fp32
    out.mac_energy = op.macs * op.mac_scale * p.mac_j * kept
    out.hbm_energy = out.hbm_bytes * p.hbm_j_per_byte
    out.ddr_energy = out.ddr_bytes * p.ddr_j_per_byte
    out.on_chip_energy = out.on_chip_bytes * p.on_chip_j_per_byte


def clocking_w(p: Table) -> Floats:
    """Watts of the clocked fabric, one figure per record: ``f x sum over resources of count x joules per cycle``, less what is gated."""
    per_cycle = sum(p[f"{name}_used"] * p[f"{name}_j_per_cycle"] for name in ("lut", "dsp", "bram", "uram"))
    return np.asarray(per_cycle * p["clock_hz"] * p["clocked"])


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Watts that flow whatever runs, by component; one figure per record."""
    boards = np.maximum(1.0, p["boards"])
    return {"configured idle": np.asarray(p["idle_w"] * boards), "clocking": clocking_w(p) * boards, "host": np.nan_to_num(p["host_w"])}
