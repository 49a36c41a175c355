"""Programs of a decode pass: matrix-vector products (MV), the weights move and the vector stays. As FlightLLM/flightllm_test_demo, inst_gen.

Activations are INT8. A group is `mv_granule_n` output columns; its weights lie on `a_channels` HBM channels, one LD each.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.emit import emit, emit_fused, emit_operands, operand_sets, operations
from hwsim.targets.fpga.flightllm.timing import misc_cycles, mv_cycles, pieces

ROW_PASS = 32.0  # buffer rows that two tiles take per block of k, in MV mode: cut so that both fit


@part
def in_flight(blocks: float, p: Any) -> int:
    """Tiles that may be loaded before the first is used: each block of k takes 8 rows of the buffer."""
    return max(1, int(p.buffer_depth // (8.0 * blocks)))


@jit
def linear_mv(program: Any, op: Any, p: Any) -> int:
    """A linear layer on `fl_vectors` vectors: per group and piece 8 LDs of weights and a MV per vector; fused operations behind each group."""
    _, size, whole, rest = pieces(op.k, ROW_PASS / p.buffer_depth, p.mv_k)
    parts, groups, vectors, fuse = int(whole) + (1 if rest > 0 else 0), math.ceil(op.n / p.mv_granule_n), int(op.fl_vectors), int(op.fl_fuse)
    channels, ahead, total, tile = int(p.a_channels), in_flight(size, p), groups * parts, 0
    i = emit(program, 0, T.LD, T.ACROSS, vectors * op.k, 1 << T.SYS, 0)
    if op.fl_bias > 0:
        i = emit(program, i, T.LD, T.ONE_CHANNEL, 4.0 * op.n, 0, 0)
    cycles = misc_cycles(p.mv_granule_n, 1.0, p)
    for g in range(groups):
        for j in range(parts):
            tile += 1
            length = p.mv_k * (size if j < int(whole) else rest)
            weights = p.mv_granule_n * length / channels * op.fl_ratio
            for c in range(channels):
                wait = 1 << T.MV if c == 0 and tile > ahead else 0
                i = emit(program, i, T.LD, T.ALL_CHANNELS, weights, wait, 1 << T.MV if c == channels - 1 else 0)
            for v in range(vectors):
                release = 0
                if v == vectors - 1 and tile + ahead <= total:
                    release |= 1 << T.LD
                if j == parts - 1 and fuse != T.FUSE_NONE:
                    release |= 1 << T.MISC
                elif j == parts - 1 and g == groups - 1 and v == vectors - 1:
                    release |= 1 << T.ST
                i = emit(program, i, T.MV, T.CYCLES, mv_cycles(length, op.density, p), 1 << T.LD if v == 0 else 0, release)
        for v in range(vectors if operations(fuse) > 0 else 0):
            i = emit_operands(program, i, channels, p.mv_granule_n, operand_sets(fuse))
            i = emit_fused(program, i, fuse, cycles, T.MV, 1 << T.ST if g == groups - 1 and v == vectors - 1 else 0)
    i = emit(program, i, T.ST, T.ONE_CHANNEL, vectors * op.n, 1 << (T.MISC if fuse != T.FUSE_NONE else T.MV), 1 << T.SYS)
    return emit(program, i, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@part
def column_blocks(columns: float, channel: int, p: Any) -> float:
    """16-column blocks of a group that lie on a channel: blocks c, c + 8, c + 16, c + 24 below the width; all four once a full group is reached."""
    per_group = p.mv_granule_n / p.mv_k
    blocks = per_group if columns >= p.mv_granule_n else math.ceil(columns / p.mv_k)
    return float(max(0.0, math.ceil((blocks - channel) / p.a_channels)))


@jit
def concat(program: Any, at: int, op: Any, p: Any, context: float) -> int:
    """The old cache streams through the global buffer; an empty ST that waits for nothing closes the layer."""
    size = math.ceil(op.kv_heads * (context - 1) * op.head_dim / p.a_channels) * op.fl_cache_ratio
    for c in range(int(p.a_channels)):
        at = emit(program, at, T.LD, T.ALL_CHANNELS, size, 1 << T.SYS if c == 0 else 0, 0)
    at = emit(program, at, T.ST, T.ONE_CHANNEL, 0.0, 0, 1 << T.SYS)
    return emit(program, at, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@jit
def attend(program: Any, at: int, op: Any, p: Any, k: float, columns: float, softmax: bool) -> int:
    """Scores (softmax) or values of all heads: a cached head's tile is loaded once and used by every query head that shares it."""
    shared, cached = int(op.heads / op.kv_heads), int(op.kv_heads)
    groups, ahead = math.ceil(columns / p.mv_granule_n), in_flight(math.ceil(k / p.mv_k), p)
    total, tile, channels = cached * groups, 0, int(p.a_channels)
    used = 0
    for c in range(channels):
        if column_blocks(columns, c, p) > 0:
            used = c + 1
    at = emit(program, at, T.LD, T.ACROSS, op.heads * k, 1 << T.SYS, 0)
    for h in range(cached):
        for g in range(groups):
            tile += 1
            for c in range(used):
                size = p.mv_k * k * column_blocks(columns, c, p) * op.fl_cache_ratio
                at = emit(program, at, T.LD, T.ALL_CHANNELS, size, 1 << T.MV if c == 0 and tile > ahead else 0, 1 << T.MV if c == used - 1 else 0)
            for s in range(shared):
                release = 0
                if s == shared - 1 and tile + ahead <= total:
                    release |= 1 << T.LD
                if g == groups - 1 and softmax:
                    release |= 1 << T.MISC
                elif g == groups - 1 and h == cached - 1 and s == shared - 1:
                    release |= 1 << T.ST
                at = emit(program, at, T.MV, T.CYCLES, mv_cycles(k, 1.0, p), 1 << T.LD if s == 0 else 0, release)
        for s in range(shared if softmax else 0):
            end = 1 << T.ST if h == cached - 1 and s == shared - 1 else 0
            at = emit(program, at, T.MISC, T.CYCLES, misc_cycles(columns, p.sfu_row_passes, p), 1 << T.MV, end)
    at = emit(program, at, T.ST, T.ONE_CHANNEL, op.heads * columns, 1 << (T.MISC if softmax else T.MV), 1 << T.SYS)
    return emit(program, at, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@jit
def attention_mv(program: Any, op: Any, p: Any, context: float) -> int:
    """Attention of one step for each sequence: concatenate keys, concatenate values, scores and softmax, values."""
    i = 0
    keys = min(context, op.fl_window)
    for _ in range(int(op.batch)):
        i = concat(program, i, op, p, keys)
        i = concat(program, i, op, p, keys)
        i = attend(program, i, op, p, op.head_dim, keys, True)
        i = attend(program, i, op, p, keys, op.head_dim, False)
    return i
