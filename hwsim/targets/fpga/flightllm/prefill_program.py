"""Programs of a prefill: matrix-matrix products (MM) on tiles of `mm_granule_m` rows; activations stay, weights move.

As FlightLLM/flightllm_test_demo, inst_gen.

Rows count in blocks of 16 (one LD and one ST each), columns in blocks of `mm_granule_n`.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.decode_program import in_flight
from hwsim.targets.fpga.flightllm.emit import emit, emit_fused, emit_operands, operand_sets
from hwsim.targets.fpga.flightllm.timing import misc_cycles, mm_cycles, pieces

ROW_PASS = 16.0  # buffer rows that two tiles take per block of k, in MM mode
ROWS = 16.0  # rows of a block


@part
def row_blocks(tile: int, tiles: int, op: Any, p: Any) -> int:
    """Blocks of rows in a tile: all of them, fewer in the last one where the rows do not fill it."""
    return int(op.fl_rest / ROWS) if op.fl_rest > 0 and tile == tiles - 1 else int(p.mm_granule_m / ROWS)


@jit
def linear_mm(program: Any, op: Any, p: Any) -> int:
    """A linear layer: per tile its rows, then per column block and piece of k one LD across channels and one MM; 8 STs per column block."""
    blocks, size, whole, rest = pieces(op.k, ROW_PASS / p.buffer_depth, p.mm_k)
    parts, columns, fuse = int(whole) + (1 if rest > 0 else 0), math.ceil(op.n / p.mm_granule_n), int(op.fl_fuse)
    tiles, ahead, total = int(op.fl_tiles) + (1 if op.fl_rest > 0 else 0), in_flight(size, p), columns * parts
    i = 0
    block_bytes = ROWS * p.mm_granule_n
    for t in range(tiles):
        height, tile = row_blocks(t, tiles, op, p), 0
        for b in range(height):
            wait = 1 << T.SYS if t == 0 and b == 0 else 1 << T.MM if b == 0 else 0
            i = emit(program, i, T.LD, T.ALL_CHANNELS, ROWS * p.mm_k * blocks, wait, 0)
        if t == 0 and op.fl_bias > 0:
            i = emit(program, i, T.LD, T.ONE_CHANNEL, 4.0 * op.n, 0, 0)
        for c in range(columns):
            for j in range(parts):
                tile += 1
                length = p.mm_k * (size if j < int(whole) else rest)
                i = emit(program, i, T.LD, T.ACROSS, p.mm_granule_n * length * op.fl_ratio, 1 << T.MM if tile > ahead else 0, 1 << T.MM)
                release = 1 << T.LD if tile + ahead <= total or (tile == total and t < tiles - 1) else 0
                if j == parts - 1:
                    release |= 1 << (T.MISC if fuse != T.FUSE_NONE else T.ST)
                i = emit(program, i, T.MM, T.CYCLES, mm_cycles(length, op.density, p), 1 << T.LD, release)
            if fuse != T.FUSE_NONE:
                i = emit_operands(program, i, height, block_bytes, operand_sets(fuse))
                i = emit_fused(program, i, fuse, misc_cycles(ROWS * height, 1.0, p), T.MM, 1 << T.ST)
            source = 1 << (T.MISC if fuse != T.FUSE_NONE else T.MM)
            for b in range(height):
                end = 1 << T.SYS if t == tiles - 1 and c == columns - 1 and b == height - 1 else 0
                i = emit(program, i, T.ST, T.ONE_CHANNEL, block_bytes, source if b == 0 else 0, end)
    return emit(program, i, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@part
def kept_blocks(row: int, most: float) -> int:
    """Mask blocks that a block row keeps: everything up to the diagonal, at most `most` (the first block and a window that ends at the diagonal)."""
    return int(min(row + 1.0, most))


@part
def executed_columns(tile: int, height: int, most: float, length: float, mask: float, p: Any) -> int:
    """Column blocks that a tile of rows runs: those that any of its block rows keeps. Windows of two neighbouring rows are one block apart."""
    first, last = int(tile * p.mm_granule_m // mask), int((tile * p.mm_granule_m + height * ROWS - 1) // mask)
    kept = min(last + 1.0, most + (last - first))
    columns: int = math.ceil((kept * mask - max(0.0, (last + 1) * mask - length)) / p.mm_granule_n)
    return columns


@jit
def scores(program: Any, at: int, op: Any, p: Any, heads: Any) -> int:
    """Scores of every head and tile: query rows, executed column blocks of keys, then softmax row by row over the kept columns."""
    blocks, mask, length = math.ceil(op.head_dim / p.mm_k), op.fl_mask, op.fl_length
    tiles, ahead = int(op.fl_tiles) + (1 if op.fl_rest > 0 else 0), in_flight(math.ceil(op.head_dim / p.mm_k), p)
    count, total, done = int(op.heads), 0, 0
    for h in range(count):
        for t in range(tiles):
            total += executed_columns(t, row_blocks(t, tiles, op, p), heads[h], length, mask, p)
    for h in range(count):
        for t in range(tiles):
            height = row_blocks(t, tiles, op, p)
            for b in range(height):
                at = emit(program, at, T.LD, T.ALL_CHANNELS, ROWS * p.mm_k * blocks, 1 << T.SYS if h + t + b == 0 else 0, 0)
            columns = executed_columns(t, height, heads[h], length, mask, p)
            for c in range(columns):
                done += 1
                size = p.mm_granule_n * p.mm_k * blocks * op.fl_cache_ratio
                at = emit(program, at, T.LD, T.ACROSS, size, 1 << T.MM if done > ahead else 0, 1 << T.MM)
                release = (1 << T.LD if done + ahead <= total else 0) | (1 << T.MISC if c == columns - 1 else 0)
                at = emit(program, at, T.MM, T.CYCLES, mm_cycles(p.mm_k * blocks, 1.0, p), 1 << T.LD, release)
            for b in range(height):
                row = int((t * p.mm_granule_m + b * ROWS) // mask)
                kept = mask * kept_blocks(row, heads[h]) - max(0.0, (row + 1) * mask - length)
                for r in range(int(ROWS)):
                    wait = 1 << T.MM if b + r == 0 else 0
                    at = emit(program, at, T.MISC, T.CYCLES, misc_cycles(kept, p.sfu_row_passes, p), wait, 1 << T.ST if r == int(ROWS) - 1 else 0)
                end = 1 << T.SYS if h == count - 1 and t == tiles - 1 and b == height - 1 else 0
                at = emit(program, at, T.ST, T.ONE_CHANNEL, ROWS * kept, 1 << T.MISC, end)
    return emit(program, at, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@jit
def emit_score_rows(program: Any, at: int, row: int, most: float, length: float, mask: float, first: int) -> int:
    """LDs of one block of 16 score rows: kept runs (the first block, the window) from memory, the rest filled with zeros."""
    kept, reach = kept_blocks(row, most), min((row + 1) * mask, length)
    if kept == row + 1:
        at = emit(program, at, T.LD, T.ALL_CHANNELS, ROWS * reach, first, 0)
    else:
        gap, window = (row + 1 - kept) * mask, (kept - 1) * mask - ((row + 1) * mask - reach)
        at = emit(program, at, T.LD, T.ALL_CHANNELS, ROWS * mask, first, 0)
        at = emit(program, at, T.LD, T.ZERO, ROWS * gap, 0, 0)
        at = emit(program, at, T.LD, T.ALL_CHANNELS, ROWS * window, 0, 0)
    if reach < length:
        at = emit(program, at, T.LD, T.ZERO, ROWS * (length - reach), 0, 0)
    return at


@jit
def values(program: Any, at: int, op: Any, p: Any, heads: Any) -> int:
    """Values of every head and tile: score rows, then per column block of the values one LD and one MM over the whole length."""
    mask, length = op.fl_mask, op.fl_length
    blocks, columns, count = math.ceil(length / p.mm_k), math.ceil(op.head_dim / p.mm_granule_n), int(op.heads)
    tiles, ahead, done = int(op.fl_tiles) + (1 if op.fl_rest > 0 else 0), in_flight(math.ceil(length / p.mm_k), p), 0
    total = count * tiles * columns
    for h in range(count):
        for t in range(tiles):
            height = row_blocks(t, tiles, op, p)
            for b in range(height):
                row = int((t * p.mm_granule_m + b * ROWS) // mask)
                at = emit_score_rows(program, at, row, heads[h], length, mask, 1 << T.SYS if h + t + b == 0 else 0)
            for c in range(columns):
                done += 1
                size = p.mm_granule_n * p.mm_k * blocks * op.fl_cache_ratio
                at = emit(program, at, T.LD, T.ACROSS, size, 1 << T.MM if done > ahead else 0, 1 << T.MM)
                release = (1 << T.LD if done + ahead <= total else 0) | (1 << T.ST if c == columns - 1 else 0)
                at = emit(program, at, T.MM, T.CYCLES, mm_cycles(p.mm_k * blocks, 1.0, p), 1 << T.LD, release)
            for b in range(height):
                end = 1 << T.SYS if h == count - 1 and t == tiles - 1 and b == height - 1 else 0
                at = emit(program, at, T.ST, T.ONE_CHANNEL, ROWS * op.head_dim, 1 << T.MM if b == 0 else 0, end)
    return emit(program, at, T.SYS, T.CYCLES, 1.0, 1 << T.ST, 1 << T.LD)


@jit
def attention_mm(program: Any, op: Any, p: Any, heads: Any) -> int:
    """Attention of a prompt, for each sequence."""
    i = 0
    for _ in range(int(op.batch)):
        i = scores(program, i, op, p, heads)
        i = values(program, i, op, p, heads)
    return i
