"""Cycles of operators whose weights, or keys and values, stream past once per pass.

``t = max(bytes / rate, MACs / array) + fill``; the rate is efficiency x bandwidth: DDR4 timing with column-aligned transfers or the share that
unordered ports reach, HBM streams, or the read ports of the memories on chip.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.memory import LONG_BURST, ddr_rate, hbm_rate
from hwsim.targets.fpga.weight_stream.spec import ATTENTION, DDR, FREE, HBM, HOST_LINEAR, LINEAR, LOOKUP

URAM_PORT_BYTES = 9.0  # 72 bits of an UltraRAM port


@part
def prepare_weight_stream(p: Any) -> None:
    """Fill `ws_rate`, bytes per second that the cores of one card get.

    A stated used bandwidth gets the same efficiency as the channels would. Source of the loss in real inference: Hummingbird arXiv 2507.03308.
    """
    rate, peak = p.uram * URAM_PORT_BYTES * p.clock_hz, 0.0
    if p.ws_place == HBM:
        channels = min(p.stream_channels, p.hbm_channels) if p.stream_channels > 0 else p.hbm_channels
        rate, peak = hbm_rate(channels, channels, LONG_BURST, 0.0, p), channels * p.hbm_channel_bytes_per_s
    elif p.ws_place == DDR:
        channels = min(p.stream_channels, p.ddr_channels) if p.stream_channels > 0 else p.ddr_channels
        ports = 0.0
        if p.axi_ports > 0:
            ports = p.stream_ports if p.stream_ports > 0 else p.axi_ports
        transfer = 0.0
        if p.column_aligned > 0:
            transfer = p.transfer_bytes if p.transfer_bytes > 0 else p.ddr_page_bytes * p.ddr_pages_per_transfer
        rate, peak = channels * ddr_rate(1.0, ports, p.axi_port_bits, p.clock_hz, transfer, p), channels * p.ddr_channel_bytes_per_s
    if p.used_bytes_per_s > 0 and peak > 0:
        rate = min(rate, rate / peak * p.used_bytes_per_s)
    rate *= 1 - p.stream_loss
    if p.path_bits_per_cycle > 0:
        rate = min(rate, p.cores * p.path_bits_per_cycle / 8 * p.clock_hz)
    p.ws_rate = rate


@part
def charge_stream(moved: float, p: Any, out: Any) -> None:
    """Enter streamed bytes where the weights stay."""
    if p.ws_place == HBM:
        out.hbm_bytes += moved
    elif p.ws_place == DDR:
        out.ddr_bytes += moved


@part
def price_streamed(moved: float, macs: float, lanes: float, passes: float, exchanges: float, p: Any, out: Any) -> None:
    """`moved` bytes past `lanes` multipliers in `passes` passes; without `overlap` one after the other. Cards and cores share the work.

    Cards hold columns of the weights: each passes its part of the result on, `exchanges` times a pass.
    """
    cards = p.cards if p.ws_place < 3 else 1.0
    out.load = moved / cards / p.ws_rate * p.clock_hz
    out.compute = macs / (cards * p.cores * lanes)
    out.exposed += passes * p.fill_cycles_per_product
    if p.overlap == 0:
        out.exposed += min(out.load, out.compute)
    if p.cards > 1:
        out.sync = passes * exchanges * p.exchange_s * p.clock_hz
    charge_stream(moved, p, out)


@part
def price_linear(op: Any, p: Any, out: Any) -> None:
    """Weights once per pass of `rows_per_pass` rows; kept weights only, with their index."""
    rows = op.batch * op.m
    passes = math.ceil(rows / p.rows_per_pass)
    kept = op.density if op.density < 1 else p.stored_density
    moved = op.ws_stored_bytes / op.density * kept
    if kept < 1:
        moved *= 1 + p.index_bits_per_weight / op.weight_bits
    price_streamed(moved * passes, op.macs * kept, p.macs_per_core, passes, 1 - op.ws_by_head, p, out)
    out.roofline = op.macs * kept / (p.cards * p.cores * p.macs_per_core)


@part
def price_attention(op: Any, p: Any, out: Any) -> None:
    """Keys and values once per pass, at most those that the mask keeps, of `cache_bits_least` bits or more.

    Where heads follow instruction by instruction, each round of heads fills the pipeline for Q K^T and for A V, with its softmax in between.
    """
    keys = op.kv
    if p.ws_lambda > 0 and p.lambda_keys > 0:
        keys = min(keys, p.lambda_keys)
    share = keys / op.kv
    passes = op.batch * math.ceil(op.q / p.rows_per_pass)
    moved = 2 * passes * op.kv_heads * keys * op.head_dim * max(op.cache_bits, p.cache_bits_least) / 8
    price_streamed(moved, op.macs * share, p.attention_macs_per_core, passes, 1.0, p, out)
    rounds = math.ceil(op.heads / p.cards / p.heads_at_once) if p.heads_at_once > 0 else 1
    out.exposed += passes * rounds * p.softmax_tail_cycles
    if p.heads_at_once > 0:
        out.exposed += passes * (2 * rounds - 1) * p.fill_cycles_per_product
    out.roofline = op.macs * share / (p.cards * p.cores * p.attention_macs_per_core)


@part
def price_weight_stream(op: Any, p: Any, out: Any) -> None:
    """Fill cycles, roofline and bytes of one execution."""
    if op.ws_task == FREE:
        return
    if op.ws_task == LINEAR:
        price_linear(op, p, out)
    elif op.ws_task == ATTENTION:
        price_attention(op, p, out)
    elif op.ws_task == HOST_LINEAR:
        out.sync = op.macs / p.host_macs_per_s * p.clock_hz
        out.ddr_bytes += op.ws_stored_bytes
    elif op.ws_task == LOOKUP:
        out.load = op.output_bytes / p.ws_rate * p.clock_hz
        if op.ws_vocabulary > 0:
            out.exposed = op.rows * p.lookup_s * p.clock_hz
        charge_stream(op.output_bytes, p, out)
    elif p.host_ops_per_s > 0:
        out.sync = (op.elementary + op.macs) / p.host_ops_per_s * p.clock_hz
    elif p.vector_lanes > 0:
        out.special = (op.elementary + op.macs) / p.vector_lanes
        out.exposed = p.fill_cycles_per_product
    elif op.ws_rope > 0:
        out.exposed = p.rope_tail_cycles
