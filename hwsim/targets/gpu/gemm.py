"""Matrix products: output tiles in waves over the SMs, split along K where SMs would idle, against operands streamed from DRAM."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec

SPLITS = 8  # split-K factors that tensor kernels try: 1 to SPLITS
WHOLE = 4.0  # waves from which no further split is tried: the tail is short
ACCUMULATOR_BYTES = 4
SLICED_COLS = 32  # kernels for products this narrow divide k among the warps of a block, so that one keeps its SM busy
MMA_ROWS = 16  # rows of one tensor-core instruction: fewer are padded


@jit
def sm_rate(arithmetic: float, p: Any) -> float:
    """Peak MACs per cycle of one SM for a kind of arithmetic (dense)."""
    if arithmetic == spec.TENSOR_16:
        return float(p.tensor16_macs_per_cycle)
    if arithmetic == spec.VECTOR_FP32:
        return float(p.vector_fp32_macs_per_cycle)
    if arithmetic == spec.TENSOR_INT8:
        return float(p.tensor_int8_macs_per_cycle)
    if arithmetic == spec.TENSOR_FP8:
        return float(p.tensor_fp8_macs_per_cycle)
    if arithmetic == spec.TENSOR_TF32:
        return float(p.tensor_tf32_macs_per_cycle)
    return float(p.vector_fp64_macs_per_cycle)


@jit
def tile_cycles_per_k(
    rows: float, cols: float, m: float, n: float, element_bytes: float, weight_bytes: float, macs_per_cycle: float, l2_per_cycle: float, expand: float
) -> float:
    """Cycles of one SM for one k of one output tile: the longer of its (padded) MACs and its operands' way from L2.

    ``max(rows cols / rate + cols expand, (min(rows, m) bytes + min(cols, n) weight bytes) / l2)``. Tile quantisation: a tile at the edge costs a
    whole one. Weights stored in fewer bits are expanded by the warps that then multiply, once for every tile that reads them, `expand` cycles each
    (0: as they are); such kernels are made for few rows and pad them to one tensor-core instruction. Source: mechanism behind the measured GEMM
    tables of Princeton's LLMCompass and of NeuSight (tile shapes: kernel names there).
    """
    used = min(rows, math.ceil(m / MMA_ROWS) * MMA_ROWS) if expand > 0 else rows
    arithmetic = used * cols / macs_per_cycle + min(cols, n) * expand
    return max(arithmetic, (min(rows, m) * element_bytes + min(cols, n) * weight_bytes) / l2_per_cycle)


@jit
def gemm_compute(
    batch: float, m: float, k: float, n: float, element_bytes: float, weight_bytes: float, macs_per_cycle: float, expand: float,
    tile_rows: Any, tile_cols: Any, tile_rate: Any, splits: float, least_k: float, alone: float, p: Any,
) -> tuple[float, float, float]:  # fmt: skip
    """(cycles, tile index, split-K factor) of a matrix product on all SMs, by wave quantisation, for the best tile and split.

    ``waves = ceil(batch ceil(m / rows) ceil(n / cols) split / SMs)``, ``T = max(waves, 1 / alone) tile_cycles(k / split)``, plus, when split,
    writing and reading the partial sums through L2. `macs_per_cycle` is what one SM sustains with several tiles of the best shape, `tile_rate`
    the share of it with each shape, `alone` the share that a single resident tile reaches (all of it where kernels for narrow
    products slice k). Clusters of SMs load shared operands from L2 once (`l2_multicast`). `expand`: see `tile_cycles_per_k`. A part of a split
    product is at least `least_k` long. Splits are tried until they make `WHOLE` waves. O(tiles x splits).
    """
    l2 = p.l2_bytes_per_s / p.clock_hz
    per_sm = l2 / p.sm_count * p.l2_multicast
    inverse = 1.0 / p.sm_count
    least = 1.0 / alone
    sums = 2 * batch * m * n * ACCUMULATOR_BYTES / l2
    best, best_tile, best_split = math.inf, 0.0, 1.0
    for i in range(spec.TILES):
        rows, cols = tile_rows[i], tile_cols[i]
        if rows >= 2 * m and i + 1 < spec.TILES and tile_rows[i + 1] >= m and tile_cols[i + 1] == cols and tile_rate[i + 1] >= tile_rate[i]:
            continue  # the next tile is as wide and no taller than needed: it is never slower
        filled = batch * np.ceil(m / rows) * np.ceil(n / cols) * inverse
        per_k = tile_cycles_per_k(rows, cols, m, n, element_bytes, weight_bytes, macs_per_cycle * tile_rate[i], per_sm, expand)
        fewest = 1.0 if n <= cols <= SLICED_COLS else least
        cycles = max(np.ceil(filled - 1e-9), fewest) * k * per_k
        if cycles < best:
            best, best_tile, best_split = cycles, float(i), 1.0
        split = 1.0
        while split < splits and filled * split < WHOLE:
            split += 1.0
            cycles = max(np.ceil(filled * split - 1e-9), fewest) * max(np.ceil(k / split), least_k) * per_k + split * sums
            if cycles < best:
                best, best_tile, best_split = cycles, float(i), split
    return best, best_tile, best_split


@jit
def overlapped(compute: float, memory: float, exposed: float) -> float:
    """Cycles of work whose arithmetic and memory traffic overlap in part: ``(c + m + sqrt((c - m)^2 + 4 d c m)) / 2``.

    d = 0: the roofline's max; d = 1: nothing overlaps, the sum. Loads ahead of a wave and stores after it are exposed, which matters most where
    both take equally long (then ``T = c (1 + sqrt(d))``).
    """
    apart = compute - memory
    return float(0.5 * (compute + memory + math.sqrt(apart * apart + 4 * exposed * compute * memory)))


@jit
def stream_cycles(moved: float, fraction: float, p: Any) -> float:
    """Cycles to move bytes between DRAM and the SMs at an achieved fraction of peak: ``bytes / (fraction x peak)``."""
    return float(moved / (fraction * p.dram_bytes_per_s) * p.clock_hz)


@jit
def vector_rate_fraction(p: Any) -> float:
    """Fraction of the vector peak that products reach: kernels of the chip's own generation, or those that newer libraries still carry."""
    return float(p.sgemm_fraction_native if p.native > 0 else p.sgemm_fraction)


@jit
def expansion(op: Any, p: Any) -> float:
    """Cycles of one SM to expand one weight of 4 or 8 bits to 16 on its vector lanes; 0 where weights are stored as they are multiplied."""
    return float(p.expand_instructions / p.vector_fp32_macs_per_cycle if op.expanded > 0 else 0.0)


@jit
def price_matmul(op: Any, p: Any, out: Any) -> None:
    """A matrix product, its `share` of a merged one: waves of tiles against operands streamed from DRAM; a skinny one is a bandwidth law.

    The stores of the last wave's results, and of every wave of short tiles, are not hidden behind arithmetic: ``compute += exposed x stores``.
    """
    if op.arithmetic == spec.VECTOR_FP32 or op.arithmetic == spec.VECTOR_FP64:  # noqa: PLR1714  (jitted)
        rate, stream = sm_rate(op.arithmetic, p) * vector_rate_fraction(p), p.copy_stream
        compute, out.tile, out.split_k = gemm_compute(
            op.batch, op.m, op.k, op.n, op.element_bytes, op.weight_element_bytes, rate, 0.0, p.sgemm_rows, p.sgemm_cols, p.sgemm_rate,
            SPLITS, p.sgemm_least_k, p.sgemm_alone, p,
        )  # fmt: skip
    else:
        fraction, stream = p.gemm_fraction_framework, p.gemm_stream_framework
        if p.serving > 0:
            fraction, stream = p.gemm_fraction_serving, p.gemm_stream_serving
        if op.arithmetic == spec.TENSOR_FP8:
            fraction *= p.fp8_fraction
        rate = sm_rate(op.arithmetic, p) * fraction
        compute, out.tile, out.split_k = gemm_compute(
            op.batch, op.m, op.k, op.n, op.element_bytes, op.weight_element_bytes, rate, expansion(op, p), p.tile_rows, p.tile_cols, p.tile_rate,
            SPLITS, 1.0, 1.0, p,
        )  # fmt: skip
    exposed = stream_cycles(op.write_bytes, stream, p) * p.epilogue_exposed
    memory = stream_cycles(op.bytes / op.share, stream, p)
    out.compute, out.memory = compute * op.share + exposed, memory * op.share
