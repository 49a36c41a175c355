"""DRAM channels: what they sustain, and what refreshes cost a load."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part


@part
def dram_sustained_bytes_per_s(p: Any) -> float:
    """Bytes/s of all channels under tensor loads or stores: a measured share of the peak."""
    return float(p.dram_channels * p.dram_channel_bytes_per_s * p.dram_efficiency)


@part
def dram_store_through_l1_bytes_per_s(p: Any) -> float:
    """Bytes/s of stores that go through L1, which read each line before they write it."""
    return float(dram_sustained_bytes_per_s(p) * p.dram_store_l1_share)


@part
def mean_refresh_wait_s(p: Any) -> float:
    """Mean wait of a load that comes at any time: ``t_RFC^2 / (2 t_REFI)``."""
    return float(p.refresh_s * p.refresh_s / (2.0 * p.refresh_interval_s))
