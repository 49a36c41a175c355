"""The host: kernel launches and copies over PCIe."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part


@part
def launch_s(queued: bool, p: Any) -> float:
    """Seconds per kernel launch: each of many queued ones, or launch and wait."""
    return float(p.launch_queued_s if queued else p.launch_sync_s)


@part
def copy_s(moved_bytes: float, asymptotic_bytes_per_s: float, p: Any) -> float:
    """Seconds of one DMA copy: ``(bytes + half-rate bytes) / rate``, half the rate at `half_rate_bytes`."""
    return float((moved_bytes + p.half_rate_bytes) / asymptotic_bytes_per_s)
