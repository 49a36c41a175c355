"""Kernels without products: streams bound by DRAM or L2, and kernels of one block per row that are bound by their SMs."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.gemm import stream_cycles

NORM_THREADS = 128  # threads of a block of a framework's norm kernel


@jit
def vector_fraction(op: Any, p: Any) -> float:
    """Achieved fraction of DRAM bandwidth of a streaming kernel: plain copies and sums, activation functions, norms, softmax.

    A serving engine's norms and activations stream no better than a copy; `row_cycles` bounds them besides.
    """
    if op.kind == spec.SOFTMAX:
        return float(p.softmax_stream)
    if op.kind == spec.NORM and p.serving <= 0:
        return float(p.norm_stream_framework)
    if op.heavy > 0 and p.serving <= 0:
        return float(p.activation_stream_framework)
    return float(p.copy_stream)


@jit
def hot_share(moved: float, p: Any) -> float:
    """Share of a kernel's bytes that L2 still holds from the kernel before: all up to `l2_near_bytes`, none from `l2_bytes` on."""
    if moved <= p.l2_near_bytes:
        return 1.0
    return max(0.0, (p.l2_bytes - moved) / (p.l2_bytes - p.l2_near_bytes)) if p.l2_bytes > p.l2_near_bytes else 0.0


@jit
def hot_gain(op: Any, moved: float, p: Any) -> float:
    """How much faster than from DRAM a stream runs whose operands are in part in L2: ``1 + (gain - 1) share``; 1 for softmax and activations."""
    if op.kind == spec.SOFTMAX or op.heavy > 0:
        return 1.0
    return float(1.0 + (p.l2_hot_gain - 1.0) * hot_share(moved, p))


@jit
def row_cycles(op: Any, moved: float, p: Any) -> float:
    """Cycles of a serving engine's norm or activation kernel, bound by the SM with the most rows: ``ceil(rows / SMs) row bytes / rate``.

    One block of threads works on one row, so rows are dealt out whole: a few rows take as long as one for each SM. Source: steps of the times over
    rows in Vidur's profiles. 0 for other kernels.
    """
    if p.serving <= 0 or op.rows <= 0:
        return 0.0
    if op.kind == spec.NORM:
        rate = p.norm_bytes_per_cycle
    elif op.heavy > 0:
        rate = p.activation_bytes_per_cycle
    else:
        return 0.0
    return float(math.ceil(op.rows / p.sm_count) * (max(moved - op.weight_bytes, 0.0) / op.rows) / rate)


@jit
def norm_passes(op: Any, moved: float, p: Any) -> float:
    """Times that a framework's norm moves its bytes: 1.5 where the rows that its blocks hold at once exceed L2, else 1.

    A block of `NORM_THREADS` reads its row twice, for the sums and for the result; the second time comes from DRAM again when the rows of all
    resident blocks do not fit in L2. Source: layer norms of 4096 to 32768 columns (LLMCompass), and the span of those on P100 and V100 (NeuSight).
    """
    if op.kind != spec.NORM or p.serving > 0 or op.rows <= 0:
        return 1.0
    held = min(op.rows, p.sm_count * p.threads_per_sm / NORM_THREADS) * (0.5 * moved / op.rows)
    return 1.5 if held > p.l2_bytes else 1.0


@jit
def vector_memory(op: Any, p: Any, out: Any) -> float:
    """Cycles of a kernel without products: the longer of its stream and its rows.

    With ``l2_resident``, operands that fit in half of L2 move at its rate and never reach DRAM.
    """
    moved = op.bytes - op.fused_bytes
    if p.l2_resident > 0 and op.bytes - op.weight_bytes <= p.l2_bytes / 2:
        out.on_chip_bytes = (moved - op.weight_bytes) * op.gpus
        return float((moved - op.weight_bytes) / p.l2_bytes_per_s * p.clock_hz + stream_cycles(op.weight_bytes, vector_fraction(op, p), p))
    again = moved * (norm_passes(op, moved, p) - 1.0)
    out.dram_bytes = again * op.gpus
    stream = stream_cycles(moved + again, vector_fraction(op, p), p)
    return max(stream, row_cycles(op, moved, p)) / hot_gain(op, moved, p)
