"""What HBM pseudo-channels and DDR behind AXI ports deliver, by burst, placement and order: parts of price functions, in B/s."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part

LONG_BURST = 1.0e9  # bytes: a stream without gaps


@part
def burst_efficiency(burst_bytes: float, bytes_per_s: float, gap_s: float) -> float:
    """Share of a channel's rate left by a gap after each burst: ``burst / (burst + rate x gap)``."""
    return burst_bytes / (burst_bytes + bytes_per_s * gap_s)


@part
def hbm_channel_rate(burst_bytes: float, outstanding: float, p: Any) -> float:
    """B/s of one pseudo-channel with its own port: ``peak x stream efficiency x burst efficiency``, at most what the requests in flight cover.

    `outstanding` bursts per port are in flight (0: enough). Long streams reach 0.92 of peak, random bursts of 128 B 0.80 (Xilinx Vitis examples).
    """
    rate = p.hbm_channel_bytes_per_s * p.hbm_stream_efficiency * burst_efficiency(burst_bytes, p.hbm_channel_bytes_per_s, p.hbm_gap_s)
    if outstanding > 0 and p.hbm_latency_s > 0:
        rate = min(rate, outstanding * burst_bytes / p.hbm_latency_s)
    return float(rate)


@part
def hbm_rate(channels: float, ports: float, burst_bytes: float, outstanding: float, p: Any) -> float:
    """B/s of `ports` user ports on `channels` pseudo-channels, all inside their own switch: ports beyond one per channel share it.

    Several ports on one channel get `hbm_shared_efficiency` of its peak together (three buffers in one channel: 11.19 GB/s).
    """
    rate = hbm_channel_rate(burst_bytes, outstanding, p)
    if ports > channels:
        shared = p.hbm_channel_bytes_per_s * p.hbm_shared_efficiency
        rate = min(rate, shared) if outstanding <= 0 else min(shared, rate * ports / channels)
    else:
        channels = ports
    return float(min(channels * rate, p.hbm_total_bytes_per_s))


@part
def hbm_crossing_rate(channels: float, p: Any) -> float:
    """B/s over `channels` pseudo-channels that are reached across switches: lateral links are shared (FlightLLM models half of a local access)."""
    return float(min(channels * p.hbm_channel_bytes_per_s * p.hbm_crossing_efficiency, p.hbm_total_bytes_per_s))


@part
def ddr_aligned_efficiency(transfer_bytes: float, rate: float, p: Any) -> float:
    """Share of DDR peak when each transfer starts at an open row's column boundary and does not leave its group of rows.

    ``(1 - tRFC / tREFI) x T / (T + peak x (tRP + tRCD))``: one row switch per transfer. A longer transfer makes the ports meet in different rows
    again, so it gets the efficiency of unordered ports. Source: JEDEC DDR4 timing; Hummingbird arXiv 2507.03308 for the rule.
    """
    if transfer_bytes > p.ddr_page_bytes * p.ddr_pages_per_transfer:
        return float(p.ddr_efficiency)
    kept = 1 - p.ddr_refresh_s / p.ddr_refresh_interval_s
    return float(kept * burst_efficiency(transfer_bytes, rate, p.ddr_row_switch_s))


@part
def ddr_rate(channels: float, ports: float, port_bits: float, clock_hz: float, transfer_bytes: float, p: Any) -> float:
    """B/s of DDR through AXI ports: ``min(ports x width x clock, efficiency x channels x peak)``.

    `transfer_bytes` > 0: column-aligned transfers of that size, else ports whose transactions meet in any row. `ports` 0: no port in between.
    """
    efficiency = p.ddr_efficiency
    if transfer_bytes > 0:
        efficiency = ddr_aligned_efficiency(transfer_bytes, p.ddr_channel_bytes_per_s, p)
    rate = channels * p.ddr_channel_bytes_per_s * efficiency
    if ports > 0:
        rate = min(rate, ports * port_bits / 8 * clock_hz)
    return float(rate)


@part
def best_memory_rate(p: Any) -> float:
    """B/s of all HBM channels with long local streams, or of all DDR channels where there is no HBM, at the design's clock."""
    if p.hbm_channels > 0:
        return float(hbm_rate(p.hbm_channels, p.hbm_channels, LONG_BURST, 0.0, p))
    return float(ddr_rate(p.ddr_channels, p.axi_ports, p.axi_port_bits, p.clock_hz, 0.0, p))


@part
def charge_memory(moved_bytes: float, p: Any, out: Any) -> None:
    """Enter off-chip bytes at the level that the device has."""
    if p.hbm_channels > 0:
        out.hbm_bytes += moved_bytes
    else:
        out.ddr_bytes += moved_bytes
