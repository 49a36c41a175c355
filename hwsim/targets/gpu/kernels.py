"""The mechanisms of a GPU, each one a jitted function of scalars, and `price`, which puts them together for one operator.

Cycles are of the SM clock. Bandwidths come in bytes per second and are turned into bytes per cycle by the clock, so memory and links do not speed up
with it. `p` is a record of `spec.PARAM_DTYPE`, `op` one of `spec.OP_DTYPE`, `out` one of the slots.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.collectives import allreduce_seconds
from hwsim.targets.gpu.energy import charge

SPLITS = 8  # split-K factors that are tried: 1 to SPLITS
MMA_ROWS = 16  # rows of one tensor-core instruction: fewer are padded
QUERY_TILE = 128  # query rows that one block of fused attention works on
ACCUMULATOR_BYTES = 4


@jit
def tile_cycles(
    rows: float, cols: float, depth: float, m: float, n: float, element_bytes: float, macs_per_cycle: float, l2_per_cycle: float
) -> float:
    """Cycles of one SM for one output tile: the longer of its (padded) MACs and its operands' way from L2.

    ``max(rows cols depth / rate, (min(rows, m) + min(cols, n)) depth bytes / l2)``. Tile quantisation: a tile at the edge costs a whole one.
    Source: mechanism behind the measured GEMM tables of Princeton's LLMCompass and of NeuSight (tile shapes: kernel names there).
    """
    return max(rows * cols * depth / macs_per_cycle, (min(rows, m) + min(cols, n)) * depth * element_bytes / l2_per_cycle)


@jit
def gemm_compute(batch: float, m: float, k: float, n: float, element_bytes: float, macs_per_cycle: float, p: Any) -> tuple[float, float, float]:
    """(cycles, tile index, split-K factor) of a matrix product on all SMs, by wave quantisation, for the best tile and split.

    ``waves = ceil(batch ceil(m / rows) ceil(n / cols) split / SMs)``, ``T = waves x tile_cycles(k / split)``, plus, when split, writing and
    reading the partial sums through L2. `macs_per_cycle` is what one SM sustains. O(tiles x splits).
    """
    l2 = p.l2_bytes_per_s / p.clock_hz
    best, best_tile, best_split = math.inf, 0.0, 1.0
    for i in range(spec.TILES):
        rows, cols = p.tile_rows[i], p.tile_cols[i]
        tiles = batch * math.ceil(m / rows) * math.ceil(n / cols)
        for split in range(1, SPLITS + 1):
            waves = math.ceil(tiles * split / p.sm_count)
            cycles = waves * tile_cycles(rows, cols, math.ceil(k / split), m, n, element_bytes, macs_per_cycle, l2 / p.sm_count)
            if split > 1:
                cycles += 2 * split * batch * m * n * ACCUMULATOR_BYTES / l2
            if cycles < best:
                best, best_tile, best_split = cycles, float(i), float(split)
    return best, best_tile, best_split


@jit
def sm_rate(arithmetic: float, p: Any) -> float:
    """Peak MACs per cycle of one SM for a kind of arithmetic (dense)."""
    if arithmetic == spec.TENSOR_16:
        return float(p.tensor16_macs_per_cycle)
    if arithmetic == spec.TENSOR_INT8:
        return float(p.tensor_int8_macs_per_cycle)
    if arithmetic == spec.TENSOR_TF32:
        return float(p.tensor_tf32_macs_per_cycle)
    return float(p.vector_fp32_macs_per_cycle)


@jit
def overlapped(compute: float, memory: float, exponent: float) -> float:
    """Cycles of work whose arithmetic and memory traffic overlap in part: ``(compute^e + memory^e)^(1/e)``.

    e = 1: nothing overlaps; e -> infinity: the roofline's max. Loads ahead of a wave and stores after it are exposed, which matters most where
    both take equally long.
    """
    longest = max(compute, memory)
    if min(compute, memory) <= 0:
        return float(longest)
    return float(longest * ((compute / longest) ** exponent + (memory / longest) ** exponent) ** (1 / exponent))


@jit
def stream_cycles(moved: float, fraction: float, p: Any) -> float:
    """Cycles to move bytes between DRAM and the SMs at an achieved fraction of peak: ``bytes / (fraction x peak)``."""
    return float(moved / (fraction * p.dram_bytes_per_s) * p.clock_hz)


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
    padded = math.ceil(rows / MMA_ROWS) * MMA_ROWS / rows
    macs = 2 * op.batch * op.heads * op.head_dim * op.pairs * padded
    waves = math.ceil(blocks / p.sm_count) * p.sm_count / blocks if blocks > p.sm_count else 1.0
    compute = macs * waves / (busy * sm_rate(op.arithmetic, p) * p.attention_fraction)
    through_l2 = 2 * blocks * op.kv * op.head_dim * op.element_bytes
    return float(max(compute, through_l2 / (busy / p.sm_count * p.l2_bytes_per_s) * p.clock_hz))


@jit
def attention_memory(op: Any, p: Any) -> float:
    """Cycles to bring queries, keys and values from DRAM once (FlashAttention: no term in n^2), at the achieved fraction of its bandwidth."""
    return stream_cycles(op.bytes, p.decode_attention_stream, p)


@jit
def vector_fraction(op: Any, p: Any) -> float:
    """Achieved fraction of DRAM bandwidth of a streaming kernel: plain copies and sums, activation functions, norms, softmax."""
    if op.kind == spec.SOFTMAX:
        return float(p.softmax_stream)
    if op.kind == spec.NORM:
        return float(p.norm_stream_serving if p.serving > 0 else p.norm_stream_framework)
    if op.heavy > 0:
        return float(p.activation_stream_serving if p.serving > 0 else p.activation_stream_framework)
    return float(p.copy_stream)


@jit
def launch_seconds(op: Any, p: Any) -> float:
    """Seconds that an operator costs before its steady state: the launch, by dispatch, and the kernel's ramp.

    ``T = a + V / b``: a kernel alone pays its ramp; in a queue or a captured graph, the gap to its predecessor too; an eager call pays the
    framework's whole call, which holds both. Source: gpu-benches (gaps), LLMCompass tables (calls).
    """
    if op.dispatch == spec.EAGER:
        if op.kind == spec.MATMUL:
            return float(op.launches * p.eager_matmul_s)
        if op.kind == spec.SOFTMAX:
            return float(op.launches * p.eager_softmax_s)
        return float(op.launches * (p.eager_norm_s if op.kind == spec.NORM else p.eager_elementwise_s))
    ramp = p.gemm_ramp_s if op.kind in (spec.MATMUL, spec.ATTENTION) else p.vector_ramp_s
    return float(op.launches * (dispatch_gap(op.dispatch, p) + ramp))


@jit
def dispatch_gap(dispatch: float, p: Any) -> float:
    """Seconds between the end of a kernel and the start of the next: in a full queue, in a captured graph; 0 for a kernel alone.

    The measured interval of small kernels holds the kernel's own ramp, so only its excess over the ramp of a streaming kernel is a gap.
    """
    if dispatch == spec.KERNEL:
        return 0.0
    return float(max(0.0, interval_seconds(dispatch, p) - p.vector_ramp_s))


@jit
def interval_seconds(dispatch: float, p: Any) -> float:
    """Seconds from the start of one vanishingly small kernel to that of the next, in a captured graph or in a full queue."""
    return float(p.graph_launch_s if dispatch == spec.GRAPH else p.queued_launch_s)


@jit
def price_matmul(op: Any, p: Any, out: Any) -> None:
    """A matrix product, its `share` of a merged one: waves of tiles against operands streamed from DRAM; a skinny one is a bandwidth law."""
    if op.arithmetic == spec.VECTOR_FP32:
        fraction, stream = p.sgemm_fraction, p.copy_stream
    elif p.serving > 0:
        fraction, stream = p.gemm_fraction_serving, p.gemm_stream_serving
    else:
        fraction, stream = p.gemm_fraction_framework, p.gemm_stream_framework
    rate = sm_rate(op.arithmetic, p) * fraction
    compute, out.tile, out.split_k = gemm_compute(op.batch, op.m, op.k, op.n, op.element_bytes, rate, p)
    whole = op.bytes / op.share
    memory = stream_cycles(whole, stream, p)
    out.compute, out.memory = compute * op.share, memory * op.share


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution, on all GPUs at once); one that has no model (kind 0) only gets its compulsory bytes."""
    if op.kind == spec.UNMODELLED:
        out.dram_bytes = op.compulsory_bytes
        return
    if op.kind == spec.ALLREDUCE:
        out.collective = allreduce_seconds(op.bytes, p) * p.clock_hz
        if op.dispatch == spec.EAGER:
            out.launch = op.launches * p.eager_elementwise_s * p.clock_hz
        elif op.gpus > 1:
            out.launch = op.launches * dispatch_gap(op.dispatch, p) * p.clock_hz
    else:
        out.launch = launch_seconds(op, p) * p.clock_hz
        if op.kind == spec.MATMUL:
            price_matmul(op, p, out)
        elif op.kind == spec.ATTENTION:
            out.compute, out.memory = attention_compute(op, p), attention_memory(op, p)
        else:
            out.memory = stream_cycles(op.bytes, vector_fraction(op, p), p)
        out.overlap_loss = overlapped(out.compute, out.memory, p.overlap_exponent) - max(out.compute, out.memory)
    out.host_gap = op.host * p.host_step_s * p.clock_hz
    if op.macs > 0:
        out.roofline = op.macs / (op.gpus * p.sm_count * sm_rate(op.arithmetic, p))
    charge(op, p, out)
