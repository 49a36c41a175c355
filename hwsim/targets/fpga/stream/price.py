"""Cycles of a dataflow block: a pipeline over tokens.

A prompt of l tokens through kernels of M MACs per cycle: first keys and values, then query, attention, output projection and feed-forward network at
once: ``l d d_kv / M + (l - 1) / l x slowest kernel + one token through all of them``. One token alone finds no other to overlap with, so its kernels
take turns. Sources: FlexLLM arXiv 2601.15710; arXiv 2312.15159.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.memory import best_memory_rate, charge_memory
from hwsim.targets.fpga.stream.spec import BLOCK, FUSED, KEYS, SINGLE, STEP


@part
def width(own: float, p: Any) -> float:
    """MACs per cycle of a kernel: its own, or the common ones."""
    return float(own if own > 0 else p.kernel_macs)


@part
def attention_width(own: float, p: Any) -> float:
    """MACs per cycle of an attention kernel: as the mapping states, else the design's."""
    return float(p.sd_attention_macs if p.sd_attention_macs > 0 else width(own, p))


@part
def keys_cycles(op: Any, p: Any) -> float:
    """Key and value projections of all tokens; their kernels work side by side."""
    return float(op.sd_keys / (p.tokens_at_once * width(p.linear_macs, p) * p.cards))


@part
def attention_cycles(op: Any, p: Any) -> float:
    """The attention kernels: Q K^T and A V at once, or, where the softmax takes whole scores, one after another with it in between."""
    product = op.sd_product / (p.tokens_at_once * attention_width(p.attention_macs, p) * p.cards)
    if p.stage_scores_per_cycle > 0:
        return float(2 * product + op.sd_scores / (p.stage_scores_per_cycle * p.cards))
    return float(product)


@part
def projection_cycles(op: Any, p: Any) -> float:
    """The slower of query and output projection."""
    return float(max(op.sd_query, op.sd_out) / (p.tokens_at_once * width(p.linear_macs, p) * p.cards))


@part
def ffn_cycles(op: Any, p: Any) -> float:
    """The widest layer of the feed-forward network; each has a kernel of its own."""
    return float(op.sd_ffn / (p.tokens_at_once * width(p.ffn_macs, p) * p.cards))


@part
def memory_rate(p: Any) -> float:
    """B/s of a card's memory, or of the part that the design uses, at the efficiency of long streams."""
    rate = best_memory_rate(p)
    if p.used_bytes_per_s > 0:
        rate = min(rate, p.used_bytes_per_s * (p.hbm_stream_efficiency if p.hbm_channels > 0 else p.ddr_efficiency))
    return float(rate)


@part
def peak_width(op: Any, p: Any) -> float:
    """MACs per cycle of all kernels of a card: four projections, two products of attention, three layers of a gated network; or a step's."""
    if p.shared_macs > 0 and op.sd_task >= SINGLE:
        own = 2 * attention_width(p.step_attention_macs, p) + width(p.shared_macs, p)
        return float(own * max(1.0, p.step_clock_hz / p.clock_hz))
    if op.sd_task >= SINGLE:
        return float(4 * width(p.linear_macs, p) + 2 * attention_width(p.step_attention_macs, p) + 3 * width(p.ffn_macs, p))
    prompt = 4 * width(p.linear_macs, p) + 2 * attention_width(p.attention_macs, p) + 3 * width(p.ffn_macs, p)
    return float(p.tokens_at_once * prompt)


@part
def price_block(op: Any, p: Any, out: Any) -> None:
    """All but keys and values of a block, pipelined over tokens; a launch by the host where the block is invoked."""
    attention, projections, ffn = attention_cycles(op, p), projection_cycles(op, p), ffn_cycles(op, p)
    slowest = max(attention, max(projections, ffn))
    once = min(1.0, p.tokens_at_once / op.sd_tokens)
    out.compute = ((1 - once) * slowest + once * (attention + 2 * projections + 2 * ffn)) / p.stage_efficiency
    out.exposed = p.launch_s * p.clock_hz


@part
def price_step(op: Any, p: Any, out: Any) -> None:
    """One token (or a few) through one group of layers."""
    lanes = width(p.ffn_macs if op.sd_feed > 0 else p.linear_macs, p)
    if op.sd_task == SINGLE:
        out.compute = op.sd_all / (width(p.shared_macs, p) * p.cards) / p.stage_efficiency
        return
    if op.sd_task == STEP:
        cycles = op.sd_all / (p.shared_macs * p.cards) if p.shared_macs > 0 else op.sd_widest / (lanes * p.cards) / p.stage_efficiency
    else:
        product = op.sd_product / (attention_width(p.step_attention_macs, p) * p.cards)
        cycles = max(product, op.sd_out / (p.shared_macs * p.cards)) if p.shared_macs > 0 else 2 * product / p.stage_efficiency
        out.exposed = p.launch_s * p.clock_hz
    if p.shared_macs > 0 and p.sd_own_clock > 0 and p.step_clock_hz > 0:
        cycles *= p.clock_hz / p.step_clock_hz
    out.compute = cycles
    out.exposed += p.module_fill_cycles


@part
def price_stream(op: Any, p: Any, out: Any) -> None:
    """Fill cycles, roofline and bytes of one execution. What runs inside another stage costs nothing of its own."""
    if op.sd_task == FUSED:
        return
    if op.sd_task == KEYS:
        out.compute = keys_cycles(op, p) / p.stage_efficiency
    elif op.sd_task == BLOCK:
        price_block(op, p, out)
    else:
        price_step(op, p, out)
    out.roofline = op.sd_macs / (peak_width(op, p) * p.cards)
    out.load = op.sd_bytes / p.cards / memory_rate(p) * p.clock_hz
    charge_memory(op.sd_bytes, p, out)
    if p.cards > 1:
        out.sync = p.exchange_s * p.clock_hz
