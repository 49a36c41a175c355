"""A hand-made sweep and a hand-made sensitivity result."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

SENSITIVITY = {
    "schema": "hwsim.sensitivity/1", "metric": "latency_s", "base": 4e-4,
    "tornado": [
        {"parameter": "clock_hz", "low": 0.85e9, "high": 1.1e9, "at_low": 5.1e-4, "at_high": 4e-4},
        {"parameter": "hop_cycles", "low": 1, "high": 3, "at_low": 3.6e-4, "at_high": 4.4e-4},
        {"parameter": "mapping.grid", "low": "120x120", "high": "420x420", "at_low": 4.2e-4, "at_high": 4e-4, "unit": ""},
        {"parameter": "idle_w", "low": 1, "high": 3, "at_low": 4e-4, "at_high": 4e-4},
    ],
    "sobol": [
        {"parameter": "clock_hz", "first": 0.6, "first_conf": 0.05, "total": 0.7, "total_conf": 0.05},
        {"parameter": "hop_cycles", "first": 0.3, "first_conf": 0.05, "total": 0.35, "total_conf": 0.05},
    ],
}  # fmt: skip


def columns() -> dict[str, np.ndarray[Any, Any]]:
    """A sweep over clock, grid and context in which large grids do not fit."""
    rows = list(itertools.product(np.linspace(0.7e9, 1.4e9, 8), (180, 300, 420, 720), (2048, 8192)))
    clock, grid, context = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    ok = grid < 700
    latency = np.where(ok, 1e-4 * (1e9 / clock) * (1 + np.abs(grid - 300) / 900) * (1 + context / 5e4), np.nan)
    return {
        "clock_hz": clock, "mapping.grid": np.array([f"{g:.0f}x{g:.0f}" for g in grid], dtype=object), "trace.context": context,
        "chip": np.array(["wse2"] * len(rows), dtype=object), "latency_s": latency, "energy_j": latency * (clock / 1e9) ** 2.5 * 1e4,
        "tokens_per_s": 1 / latency, "status": np.array(np.where(ok, "ok", "infeasible"), dtype=object),
        "reason": np.array(np.where(ok, "", "grid 720 x 720 on <wse2>: needs 720 PEs, has 700 PEs"), dtype=object),
    }  # fmt: skip
