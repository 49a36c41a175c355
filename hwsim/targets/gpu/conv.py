"""Convolutions: implicit GEMM, Winograd's algorithm with its own count of multiplications, grouped and depthwise kernels."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.gemm import gemm_compute, sm_rate, stream_cycles

WINOGRAD_POINTS = 16  # multiplications of F(2 x 2, 3 x 3) per tile and channel pair, against 36 of the direct algorithm
CONV_SPLITS = 2  # parts of a long loop over channels and taps
GROUP_ROWS = 128  # output positions of one tile of a grouped convolution
TENSOR_CHANNELS = 8  # fewer channels in a group than this: no tensor-core kernel


@jit
def dense_fraction(op: Any, p: Any) -> float:
    """Achieved fraction of peak inside a wave of an implicit GEMM, by arithmetic and layout (NCHW pays for its gathers on tensor cores)."""
    if op.arithmetic == spec.VECTOR_FP32 or op.arithmetic == spec.VECTOR_FP64:  # noqa: PLR1714  (jitted)
        return float(p.conv_fraction_fp32)
    return float(p.conv_fraction * (p.nchw_fraction if p.nchw > 0 else 1.0))


@jit
def implicit_gemm(op: Any, p: Any) -> tuple[float, float]:
    """(cycles, tile index) of ``m = n oh ow, n = k, k = c r s`` in whole waves of tiles, a long K split in up to `CONV_SPLITS` parts.

    Where the row of a map is contiguous (NCHW), a stride skips elements of the sectors that it loads: `element_bytes` holds them.
    """
    rate = sm_rate(op.arithmetic, p) * dense_fraction(op, p)
    if op.arithmetic == spec.VECTOR_FP32 or op.arithmetic == spec.VECTOR_FP64:  # noqa: PLR1714  (jitted)
        cycles, tile, _ = gemm_compute(
            1.0, op.m, op.k, op.n, op.element_bytes, op.weight_element_bytes, rate, 0.0, p.sgemm_rows, p.sgemm_cols, p.tile_rate,
            CONV_SPLITS, p.conv_least_k, p.sgemm_alone, p,
        )  # fmt: skip
    else:
        cycles, tile, _ = gemm_compute(
            1.0, op.m, op.k, op.n, op.element_bytes, op.weight_element_bytes, rate, 0.0, p.tile_rows, p.tile_cols, p.tile_rate,
            CONV_SPLITS, p.conv_least_k, 1.0, p,
        )  # fmt: skip
    return cycles, tile


@jit
def winograd_macs(op: Any) -> float:
    """Multiplications of F(2 x 2, 3 x 3) on one GPU: 16 products of (tiles x channels) by (channels x outputs); input channels are k / 9."""
    return float(WINOGRAD_POINTS * op.wino_m * (op.k / 9) * op.n)


@jit
def winograd(op: Any, p: Any) -> float:
    """Cycles of the 16 products of Winograd's algorithm in whole waves of tiles; its transforms are inside the achieved fraction.

    Source: 4,800 measured 3 x 3 convolutions per device (NeuSight): up to 1.2 to 1.3 of peak when direct operations are counted.
    """
    rate = sm_rate(op.arithmetic, p) * p.winograd_fraction
    cycles, _, _ = gemm_compute(
        float(WINOGRAD_POINTS), op.wino_m, op.k / 9, op.n, op.element_bytes, op.element_bytes, rate, 0.0,
        p.sgemm_rows, p.sgemm_cols, p.tile_rate, 1.0, 1.0, 1.0, p,
    )  # fmt: skip
    return cycles


@jit
def depthwise(op: Any, p: Any) -> float:
    """Cycles of a depthwise convolution by its own kernel: MACs on the vector units, nothing padded, at the fraction of peak that it reaches."""
    rate = sm_rate(op.arithmetic if op.arithmetic == spec.VECTOR_FP64 else spec.VECTOR_FP32, p)
    return float(op.groups * op.m * op.k * op.n / (p.sm_count * rate * p.depthwise_fraction))


@jit
def grouped(op: Any, p: Any) -> tuple[float, float]:
    """(cycles, executed MACs) of a grouped convolution: one implicit GEMM per group, in tiles as narrow as the library has.

    ``tiles = groups ceil(m / rows) ceil(n / cols)`` in waves over the SMs, each of ``k + fill`` steps: a group with fewer outputs than columns pads
    its tile, one with fewer inputs than the loop's step over channels (`group_channels`) pads k, and the loop over a short k ends soon after its
    loads have started. One launch holds all groups (`batch` of them), or each group is a launch of its own. Groups of fewer than `TENSOR_CHANNELS`
    channels have no kernel on tensor cores. Source: the shapes alone; timings are scattered (framework issue threads).
    """
    narrow = op.n < TENSOR_CHANNELS and op.arithmetic != spec.VECTOR_FP64
    arithmetic = spec.VECTOR_FP32 if narrow else op.arithmetic
    rate = sm_rate(arithmetic, p) * (p.conv_fraction_fp32 if narrow else dense_fraction(op, p))
    wide = math.ceil(op.n / p.group_cols)
    waves = math.ceil(op.batch * math.ceil(op.m / GROUP_ROWS) * wide / p.sm_count)
    unit = p.group_channels_native if p.native > 0 else p.group_channels
    deep = op.k / op.c * math.ceil(op.c / unit) * unit
    cycles = waves * GROUP_ROWS * p.group_cols / rate * (deep + p.group_fill_k)
    return float(op.groups / op.batch * cycles), float(op.groups * op.m * deep * wide * p.group_cols)


@jit
def price_conv(op: Any, p: Any, out: Any) -> float:
    """Fill compute and memory of a convolution; return the multiplications that it executes on one GPU.

    Winograd's algorithm executes fewer than the direct one, groups execute their padding too.
    """
    direct = float(op.groups * op.m * op.k * op.n)
    stream = p.depthwise_stream if op.groups > 1 and op.n < 2 else p.copy_stream
    out.memory = stream_cycles(op.bytes, stream, p)
    if op.groups > 1 and op.n < 2:
        out.compute = depthwise(op, p)
        return direct
    if op.groups > 1:
        out.compute, executed = grouped(op, p)
        return executed
    out.compute, out.tile = implicit_gemm(op, p)
    if op.wino_m > 0 and op.arithmetic == spec.VECTOR_FP32:
        cycles = winograd(op, p)
        if cycles < out.compute:
            out.compute, out.tile = cycles, float(spec.TILES)
            return min(direct, winograd_macs(op))
    return direct
