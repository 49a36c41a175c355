"""Vector-unit kernels: register-tiled products, depthwise convolutions bound by their loads, sparse weights bound by gathers, elementwise passes.

Every kernel takes the longer of its multiply-adds and its loads from the first cache; threads share tiles, and no thread less than one tile.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.cpu import spec

FP32_BYTES, FP16_BYTES, FP64_BYTES = 4.0, 2.0, 8.0


@part
def resolved(arithmetic: float, p: Any) -> float:
    """The arithmetic that cores run: fp16 is widened to fp32 where a core has none of its own."""
    return float(spec.WIDENED) if arithmetic == spec.FP16 and p.fp16_rate <= 0 else float(arithmetic)


@part
def lane_bytes(arithmetic: float) -> float:
    """Bytes of an accumulator lane: fp16 sums stay in 16 bits, those of integers and widened formats have 32."""
    return FP16_BYTES if arithmetic == spec.FP16 else FP64_BYTES if arithmetic == spec.FP64 else FP32_BYTES


@part
def macs_per_s(arithmetic: float, alone: float, p: Any) -> float:
    """Peak MACs per second of the threads, or of the fastest core (`alone` 1)."""
    fp32, fp16, int8 = p.fp32_rate, p.fp16_rate, p.int8_rate
    if alone > 0:
        fp32, fp16, int8 = p.lead_fp32_rate, p.lead_fp16_rate, p.lead_int8_rate
    if arithmetic == spec.FP16:
        return float(fp16)
    if arithmetic == spec.INT8 or arithmetic == spec.QUANTISED:  # noqa: PLR1714  (jitted)
        return float(int8)
    return float(fp32 * (FP32_BYTES / FP64_BYTES) if arithmetic == spec.FP64 else fp32)


@part
def tiled(batch: float, m: float, k: float, n: float, arithmetic: float, element_bytes: float, alone: float, p: Any) -> float:
    """Seconds of C[m, n] += A[m, k] B[k, n], `batch` times, in register tiles of ``tile_rows x (tile_vectors lanes)``.

    ``T = max(m k' n' / R, k' (m ceil(n / columns) + n' ceil(m / rows)) bytes / L) / fraction + tiles start / f``: n is padded to whole vectors and k
    to the depth of an integer dot product, each tile loads a column of A and a row of B per k, and starts with empty pipelines and ends with its
    stores. Widened formats convert what they load; narrow weights are unpacked (`quantised_fraction` of the integer rate).
    """
    lanes = p.vector_bytes / lane_bytes(arithmetic)
    depth = p.int8_depth if arithmetic == spec.INT8 or arithmetic == spec.QUANTISED else 1.0  # noqa: PLR1714  (jitted)
    wide, deep = math.ceil(n / lanes) * lanes, math.ceil(k / depth) * depth
    across, down = math.ceil(n / (p.tile_vectors * lanes)), math.ceil(m / p.tile_rows)
    rate = macs_per_s(arithmetic, alone, p)
    load_rate = p.lead_load_rate if alone > 0 else p.load_rate
    clock = p.lead_clock_rate if alone > 0 else p.clock_rate
    loaded = batch * deep * (m * across + wide * down)
    fraction = p.product_fraction * (p.quantised_fraction if arithmetic == spec.QUANTISED else 1.0)
    seconds = max(batch * m * deep * wide / rate, loaded * element_bytes / load_rate) / fraction
    if arithmetic == spec.WIDENED:
        seconds += loaded / rate
    return float(seconds + batch * down * across * p.tile_start_cycles / clock)


@part
def product_seconds(batch: float, m: float, k: float, n: float, arithmetic: float, element_bytes: float, p: Any) -> float:
    """Seconds of a product over all threads: not less than one whole tile takes on the fastest core."""
    columns = p.tile_vectors * p.vector_bytes / lane_bytes(arithmetic)
    one = tiled(1.0, min(m, p.tile_rows), k, min(n, columns), arithmetic, element_bytes, 1.0, p)
    return max(one, tiled(batch, m, k, n, arithmetic, element_bytes, 0.0, p))


@part
def sparse_seconds(op: Any, arithmetic: float, p: Any) -> float:
    """Seconds of a product with sparse weights: each stored connection is gathered for every block of rows, then multiplied with all of them.

    ``T = c (ceil(m / rows) gather / f + m' max(1 / R, bytes / L))``; one row (a vector) is bound by the gathers: a connection per few cycles.
    """
    lanes = p.vector_bytes / lane_bytes(arithmetic)
    rows = math.ceil(op.m / lanes) * lanes
    rate, alone = macs_per_s(arithmetic, 0.0, p), macs_per_s(arithmetic, 1.0, p)
    gathers = math.ceil(op.m / p.sparse_rows) * p.gather_cycles
    whole = op.connections * (gathers / p.clock_rate + rows * max(1.0 / rate, op.element_bytes / p.load_rate))
    column = op.connections / op.n * (gathers / p.lead_clock_rate + rows * max(1.0 / alone, op.element_bytes / p.lead_load_rate))
    return float(max(whole, column))


@part
def depthwise_seconds(op: Any, arithmetic: float, p: Any) -> float:
    """Seconds of a depthwise convolution: `window` MACs an output, each with its loads of input and weight, and a pointer per tap and pixel.

    Channels are padded to whole vectors. Integers have no dot product over one channel: they run at the fp32 rate.
    """
    lanes = p.vector_bytes / lane_bytes(arithmetic)
    taps = op.m * op.window
    macs = taps * math.ceil(op.n / lanes) * lanes
    loaded = p.depthwise_loads * macs * op.element_bytes + taps * p.vector_bytes
    plain = spec.FP16 if arithmetic == spec.FP16 else spec.FP32
    whole = max(macs / macs_per_s(plain, 0.0, p), loaded / p.load_rate)
    row = max(macs / macs_per_s(plain, 1.0, p), loaded / p.lead_load_rate) / op.pieces
    converted = (loaded / op.element_bytes) / p.fp32_rate if arithmetic == spec.WIDENED else 0.0
    return float(max(whole, row) / p.product_fraction + converted)


@part
def operations(op: Any, p: Any) -> float:
    """Vector-lane operations: one per plain elementary operation, `function_cost` per one inside a transcendental function."""
    return float(op.elementary + p.function_cost * op.functions)


@part
def vector_seconds(op: Any, moved: float, p: Any) -> float:
    """Seconds of a pass over elements: its lane operations, or `moved` bytes through the load ports; at least one piece on the fastest core."""
    whole = max(operations(op, p) / p.fp32_rate, moved / p.load_rate)
    piece = max(operations(op, p) / p.lead_fp32_rate, moved / p.lead_load_rate) / op.pieces
    return float(max(whole, piece))
