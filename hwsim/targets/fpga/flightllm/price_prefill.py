"""Closed forms of the prefill programs (`prefill_program`); cycles of the whole design."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.flightllm.decode_program import in_flight
from hwsim.targets.fpga.flightllm.emit import operand_sets, operations
from hwsim.targets.fpga.flightllm.prefill_program import ROW_PASS, ROWS
from hwsim.targets.fpga.flightllm.timing import load_across, load_all, load_one, misc_cycles, mm_cycles, pieces


@part
def price_tile(height: float, op: Any, p: Any, out: Any) -> tuple[float, float, float]:
    """Cycles of a tile of `height` row blocks from its first LD: to the last MM; from there to the last result; to the first column block's last MM.

    A column block takes the longest of: its LDs, its MMs, and, where only two tiles fit the buffer and the last piece is a short remainder, a cycle
    that skips the remainder: the whole pieces' MMs and one load, or the whole pieces' loads and one MM. Adds to the busy times and bytes.
    """
    blocks, size, whole, rest = pieces(op.k, ROW_PASS / p.buffer_depth, p.mm_k)
    columns = math.ceil(op.n / p.mm_granule_n)
    piece_bytes = p.mm_granule_n * p.mm_k * op.fl_ratio  # per block of k
    load = load_across(size * piece_bytes, p)
    weights = whole * load + (load_across(rest * piece_bytes, p) if rest > 0 else 0.0)
    step = mm_cycles(p.mm_k, op.density, p) * p.fl_scale
    product, products = size * step, blocks * step
    sets, block_bytes = operand_sets(int(op.fl_fuse)), ROWS * p.mm_granule_n
    operand = height * load_all(block_bytes, p)
    special = operations(int(op.fl_fuse)) * misc_cycles(ROWS * height, 1.0, p) * p.fl_scale
    store = height * load_one(block_bytes, p)
    activations = height * load_all(ROWS * p.mm_k * blocks, p)
    through = max(load + products, whole * load + product + rest * step)
    if rest > 0:
        through = max(through, weights + rest * step)
    cycle = max(weights + sets * operand, products)
    if rest > 0 and in_flight(size, p) == 2:
        cycle = max(cycle, max(whole * product + load, whole * load + product))
    out.load += activations + columns * (weights + sets * operand)
    out.compute += columns * products
    out.special += columns * special
    out.store += columns * store
    out.hbm_bytes += height * ROWS * p.mm_k * blocks + columns * (blocks * piece_bytes + height * block_bytes * (sets + 1))
    computed, tail = activations + through + (columns - 1) * cycle, p.fl_fill + special
    if sets > 0:
        one, loaded = special / operations(int(op.fl_fuse)), activations + columns * (weights + sets * operand)
        tail = max(tail, loaded - computed + (one if sets == 1 else max(special - operand, 2 * one)))
    return computed, tail + store + (p.fl_sfu if special > 0 else 0.0), activations + through


@part
def price_linear_mm(op: Any, p: Any, out: Any) -> float:
    """Cycles of a linear layer without SYS: tile after tile (the next tile's rows wait for the last MM), then the last tile's tail.

    Special functions and STs hold nothing up: where they are the slowest, the first block's time and all of theirs count.
    """
    whole = tail = first = last_special = last_store = 0.0
    if op.fl_tiles > 0:
        one, tail, first = price_tile(p.mm_granule_m / ROWS, op, p, out)
        whole, columns = op.fl_tiles * one, math.ceil(op.n / p.mm_granule_n)
        last_special, last_store = out.special / columns, out.store / columns
        out.load, out.compute, out.special = op.fl_tiles * out.load, op.fl_tiles * out.compute, op.fl_tiles * out.special
        out.store, out.hbm_bytes = op.fl_tiles * out.store, op.fl_tiles * out.hbm_bytes
    if op.fl_rest > 0:
        before = (out.special, out.store)
        one, tail, other = price_tile(op.fl_rest / ROWS, op, p, out)
        whole, columns = whole + one, math.ceil(op.n / p.mm_granule_n)
        if op.fl_tiles == 0:
            first = other
            last_special = (out.special - before[0]) / columns
        last_store = (out.store - before[1]) / columns
    bias = load_one(4.0 * op.n, p) if op.fl_bias > 0 else 0.0
    out.load, out.hbm_bytes = out.load + bias, out.hbm_bytes + (4.0 * op.n if op.fl_bias > 0 else 0.0)
    out.roofline = op.macs * op.density / (p.cores * p.mm_n * p.mm_k * p.mm_m)
    start = first + bias + p.fl_fill + (p.fl_sfu if out.special > 0 else 0.0)
    return float(max(whole + bias + tail, max(start + out.special + last_store, start + last_special + out.store)))


@part
def price_attention_mm(op: Any, p: Any, out: Any) -> float:
    """Cycles of the attention of the prompts without SYS: scores and softmax, then values; each as long as its busiest queue, with what comes
    before its first and after its last instruction. Totals over heads and tiles (`masks.Kept`) are columns of the operator table.
    """
    blocks, rows, head_dim = math.ceil(op.head_dim / p.mm_k), op.heads * op.fl_length / ROWS, op.head_dim
    query = load_all(ROWS * p.mm_k * blocks, p)
    key_bytes = p.mm_granule_n * p.mm_k * blocks * op.fl_cache_ratio
    key = load_across(key_bytes, p)
    score = mm_cycles(p.mm_k * blocks, 1.0, p) * p.fl_scale
    special = misc_cycles(op.fl_kept, p.sfu_row_passes, p) * p.fl_scale
    stored = op.fl_kept * p.fl_byte + rows * p.fl_gap
    height = min(p.mm_granule_m, op.fl_length) / ROWS
    lead = height * query + key
    latency = p.fl_fill + p.fl_sfu
    first_end = lead + max(op.fl_first_columns * score, (op.fl_first_columns - 1) * key + score)
    softmax_tail = misc_cycles(op.fl_last_kept, p.sfu_row_passes, p) * p.fl_scale + load_one(ROWS * op.fl_last_kept / op.fl_last_rows, p)
    last_store = load_one(ROWS * op.fl_last_kept / op.fl_last_rows, p)
    loads, products = rows * query + op.fl_columns * key, op.fl_columns * score
    scores = max(max(loads + score, lead + products) + softmax_tail, first_end + special + last_store) + latency
    scores = max(scores, stored)
    value_blocks, columns = math.ceil(op.fl_length / p.mm_k), math.ceil(head_dim / p.mm_granule_n)
    value_bytes = p.mm_granule_n * p.mm_k * value_blocks * op.fl_cache_ratio
    tiles = op.heads * math.ceil(op.fl_length / p.mm_granule_m)
    value = load_across(value_bytes, p)
    weigh = mm_cycles(p.mm_k * value_blocks, 1.0, p) * p.fl_scale
    answer = load_one(ROWS * head_dim, p)
    kept = (op.fl_kept * p.fl_byte + op.fl_runs * p.fl_gap) / p.a_channels
    fetched = kept + op.fl_zero_bytes * p.fl_zero
    value_loads, value_products = fetched + tiles * columns * value, tiles * columns * weigh
    first_rows = height * ROWS * op.fl_length * min(p.fl_zero, p.fl_byte / p.a_channels)
    values = max(value_loads + weigh, first_rows + value + value_products)
    values = max(values + height * answer, rows * answer) + p.fl_fill
    out.load, out.compute = op.batch * (loads + value_loads), op.batch * (products + value_products)
    out.special, out.store = op.batch * special, op.batch * (stored + rows * answer)
    out.hbm_bytes = op.batch * (2 * rows * ROWS * head_dim + 2 * op.fl_kept + op.fl_columns * key_bytes + tiles * columns * value_bytes)
    executed = op.fl_columns * p.mm_granule_n * p.mm_granule_m * head_dim + op.fl_kept * head_dim
    out.roofline = op.batch * min(op.macs / op.batch, executed) / (p.cores * p.mm_n * p.mm_k * p.mm_m)
    out.sync = 2 * op.batch * p.fl_scale
    return float(op.batch * (scores + values))
