"""Fused attention: arithmetic of the SMs that have work, and the cache's way from DRAM and through L2."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu.gemm import MMA_ROWS, sm_rate, stream_cycles

KEY_TILE = 64  # keys of one step of fused attention: fewer are padded
QUERY_TILE = 128  # query rows that one block of fused attention works on


@jit
def attention_blocks(op: Any, p: Any) -> tuple[float, float]:
    """(blocks of query rows, SMs that have work) of fused attention.

    The heads that share keys are packed into tiles of query rows. A decode step has one block per (request, key head); engines split its keys
    into parts of `kv_split_tokens` so that more SMs take part (mapping option ``split_kv``); without, one SM serves a (request, key head).
    """
    rows = op.q * op.heads / op.kv_heads
    blocks = op.batch * op.kv_heads * max(1.0, rows / QUERY_TILE)
    parts = max(1.0, op.kv / p.kv_split_tokens) if p.split_kv > 0 else 1.0
    return blocks, min(blocks * parts, p.sm_count)


@jit
def attention_compute(op: Any, p: Any) -> float:
    """Cycles of fused attention's two products: padded MACs at the achieved rate of the busy SMs, in whole waves; or the keys' way from L2.

    Every block reads its keys and values through L2, at most ``l2 / SMs`` per SM, so few blocks are bound by their SMs and not by the device.
    """
    blocks, busy = attention_blocks(op, p)
    rows = op.q * op.heads / op.kv_heads
    padded = math.ceil(rows / MMA_ROWS) * MMA_ROWS / rows * math.ceil(op.kv / KEY_TILE) * KEY_TILE / op.kv
    macs = 2 * op.batch * op.heads * op.head_dim * op.pairs * padded
    waves = math.ceil(blocks / p.sm_count) * p.sm_count / blocks if blocks > p.sm_count else 1.0
    compute = macs * waves / (busy * sm_rate(op.arithmetic, p) * p.attention_fraction)
    through_l2 = 2 * blocks * op.kv * op.head_dim * op.element_bytes
    return float(max(compute, through_l2 / (busy / p.sm_count * p.l2_bytes_per_s) * p.clock_hz))


@jit
def attention_memory(op: Any, p: Any) -> float:
    """Cycles to bring queries, keys and values from DRAM once (FlashAttention: no term in n^2), at the achieved fraction of its bandwidth."""
    return stream_cycles(op.bytes, p.decode_attention_stream, p)
