"""Convolutions: implicit GEMM, Winograd's algorithm with its own count of multiplications, grouped and depthwise kernels."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.gemm import gemm_compute, sm_rate, stream_cycles

WINOGRAD_POINTS = 16  # multiplications of F(2 x 2, 3 x 3) per tile and channel pair, against 36 of the direct algorithm
TENSOR_CHANNELS = 8  # fewer channels in a group than this: no tensor-core kernel


@jit
def dense_fraction(op: Any, p: Any) -> float:
    """Achieved fraction of peak inside a wave of an implicit GEMM, by arithmetic and layout (NCHW pays for its gathers on tensor cores)."""
    if op.arithmetic == spec.VECTOR_FP32 or op.arithmetic == spec.VECTOR_FP64:  # noqa: PLR1714  (jitted)
        return float(p.conv_fraction_fp32)
    return float(p.conv_fraction * (p.nchw_fraction if p.nchw > 0 else 1.0))


@jit
def implicit_gemm(op: Any, p: Any) -> tuple[float, float]:
    """(cycles, tile index) of ``m = n oh ow, n = k, k = c r s`` in whole waves of tiles, never split along K."""
    rate = sm_rate(op.arithmetic, p) * dense_fraction(op, p)
    if op.arithmetic == spec.VECTOR_FP32 or op.arithmetic == spec.VECTOR_FP64:  # noqa: PLR1714  (jitted)
        cycles, tile, _ = gemm_compute(1.0, op.m, op.k, op.n, op.element_bytes, rate, p.sgemm_rows, p.sgemm_cols, p.tile_rate, 1.0, 1.0, 1.0, p)
    else:
        cycles, tile, _ = gemm_compute(1.0, op.m, op.k, op.n, op.element_bytes, rate, p.tile_rows, p.tile_cols, p.tile_rate, 1.0, 1.0, 1.0, p)
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
        float(WINOGRAD_POINTS), op.wino_m, op.k / 9, op.n, op.element_bytes, rate, p.sgemm_rows, p.sgemm_cols, p.tile_rate, 1.0, 1.0, 1.0, p
    )
    return cycles


@jit
def grouped(op: Any, p: Any) -> float:
    """Cycles of a grouped convolution: its MACs at the fraction of peak that grouped kernels reach.

    Groups of fewer than `TENSOR_CHANNELS` channels run on the vector units. Source: scattered timings only (framework issue threads).
    """
    narrow = op.n < TENSOR_CHANNELS and op.arithmetic != spec.VECTOR_FP64
    rate = sm_rate(spec.VECTOR_FP32 if narrow else op.arithmetic, p)
    if not narrow and op.arithmetic != spec.VECTOR_FP32 and op.arithmetic != spec.VECTOR_FP64:  # noqa: PLR1714  (jitted)
        rate = max(p.vector_fp32_macs_per_cycle, rate * min(1.0, op.n / p.tile_cols[spec.TILES - 1]))
    return float(op.groups * op.m * op.k * op.n / (p.sm_count * rate * p.grouped_fraction))


@jit
def price_conv(op: Any, p: Any, out: Any) -> float:
    """Fill compute and memory of a convolution; return the multiplications that it executes on one GPU (Winograd: fewer than direct ones)."""
    direct = float(op.groups * op.m * op.k * op.n)
    stream = p.depthwise_stream if op.groups > 1 and op.n < 2 else p.copy_stream
    out.memory = stream_cycles(op.bytes, stream, p)
    if op.groups > 1:
        out.compute = grouped(op, p)
        return direct
    out.compute, out.tile = implicit_gemm(op, p)
    if op.wino_m > 0 and op.arithmetic == spec.VECTOR_FP32:
        cycles = winograd(op, p)
        if cycles < out.compute:
            out.compute, out.tile = cycles, float(spec.TILES)
            return min(direct, winograd_macs(op))
    return direct
