"""The host: copies over PCIe (launches are constants of the chip)."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part


@part
def copy_s(moved_bytes: float, asymptotic_bytes_per_s: float, p: Any) -> float:
    """Seconds of one DMA copy: ``(bytes + half-rate bytes) / rate``, half the rate at `half_rate_bytes`."""
    return float((moved_bytes + p.half_rate_bytes) / asymptotic_bytes_per_s)
