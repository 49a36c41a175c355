"""Closed forms of the decode programs (`decode_program`); cycles of the whole design."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.flightllm.decode_program import ROW_PASS
from hwsim.targets.fpga.flightllm.emit import operand_sets, operations
from hwsim.targets.fpga.flightllm.timing import load_across, load_all, load_one, misc_cycles, mv_cycles, pieces


@part
def price_linear_mv(op: Any, p: Any, out: Any) -> float:
    """Cycles of a linear layer without SYS; fills the busy times and bytes.

    Path through tile (g, j): loads of all tiles up to it, products from it on. It is linear in g and, but for the remainder piece, in j, so that the
    ends of both ranges decide. The last special function waits for the last product and the last operand.
    """
    blocks, size, whole, rest = pieces(op.k, ROW_PASS / p.buffer_depth, p.mv_k)
    groups, vectors = math.ceil(op.n / p.mv_granule_n), op.fl_vectors
    tile_bytes = p.mv_granule_n * p.mv_k * op.fl_ratio  # per block of k
    load = tile_bytes * p.fl_byte / p.a_channels
    gap = p.fl_gap  # of the LDs of one tile, spread over their channels
    step = vectors * mv_cycles(p.mv_k, op.density, p) * p.fl_scale
    sets, special = operand_sets(int(op.fl_fuse)), operations(int(op.fl_fuse)) * misc_cycles(p.mv_granule_n, 1.0, p) * p.fl_scale
    operand = p.a_channels * load_all(p.mv_granule_n, p)
    parts = whole + (1.0 if rest > 0 else 0.0)
    products, weights, operands = blocks * step, blocks * load + parts * gap, vectors * sets * operand
    head = load_across(vectors * op.k, p) + (load_one(4.0 * op.n, p) if op.fl_bias > 0 else 0.0)
    # longest path of one group: through its first piece, its last whole one, its remainder
    through = max(size * load + gap + products, size * load * whole + gap * whole + (size + rest) * step)
    if rest > 0:
        through = max(through, weights + rest * step)
    cycle = max(weights + operands, products)
    computed = head + through + (groups - 1) * cycle
    loaded = head + groups * (weights + operands)
    store = load_one(vectors * op.n, p)
    end = computed + p.fl_fill
    if op.fl_fuse > 0:
        one = special / operations(int(op.fl_fuse))
        early = (vectors - 1) * (rest if rest > 0 else size) * step / vectors  # the first vector's product is ready before the last one's
        end = computed + p.fl_fill + max(special, vectors * special - early)
        end = max(end, head + through + p.fl_fill - early + groups * vectors * special)
        if sets == 1:
            end = max(end, loaded + one)
        elif sets == 2:
            end = max(end, max(loaded - operand + special, loaded + 2 * one))
        end += p.fl_sfu
    out.load, out.compute = loaded, groups * products
    out.special, out.store = groups * vectors * special, store
    out.roofline = op.macs * op.density / (p.cores * p.mv_n * p.mv_k)
    out.hbm_bytes = vectors * (op.k + op.n) + groups * (blocks * tile_bytes + vectors * sets * p.a_channels * p.mv_granule_n)
    out.hbm_bytes += 4.0 * op.n if op.fl_bias > 0 else 0.0
    return float(end + store)


@part
def cached_tile(rows: float, columns: float, op: Any, p: Any) -> tuple[float, float]:
    """(cycles, bytes) of the LDs of one tile of cached keys or values, `rows` deep: the channels that hold blocks of it, in parallel."""
    per_group = p.mv_granule_n / p.mv_k
    blocks = per_group if columns >= p.mv_granule_n else math.ceil(columns / p.mv_k)
    size = p.mv_k * rows * blocks * op.fl_cache_ratio
    return (size * p.fl_byte + min(p.a_channels, blocks) * p.fl_gap) / p.a_channels, size


@part
def price_step(op: Any, p: Any, context: float, out: Any) -> float:
    """Cycles of one sequence's attention at `context` keys: both concatenations, scores with softmax, values (no SYS).

    Adds to the busy times and bytes. Jobs are cached heads: LD per group of columns, a MV per query head that shares it, a softmax per query head.
    """
    heads, cached = op.heads, op.kv_heads
    shared, groups = heads / cached, math.ceil(context / p.mv_granule_n)
    old = math.ceil(cached * (context - 1) * op.head_dim / p.a_channels) * op.fl_cache_ratio
    joined = load_one(old, p) if old > 0 else 0.0
    key_load, key_bytes = cached_tile(op.head_dim, context, op, p)
    key_step = mv_cycles(op.head_dim, 1.0, p) * p.fl_scale
    special = misc_cycles(context, p.sfu_row_passes, p) * p.fl_scale
    query, scored = load_across(heads * op.head_dim, p), load_one(heads * context, p)
    first = max(key_load + ((groups - 1) * shared + 1) * key_step, groups * key_load + key_step)
    keys_loaded, keys_done = cached * groups * key_load, heads * groups * key_step
    tail = max(special, shared * special - (shared - 1) * key_step)
    scores = max(first + heads * special, max(key_load + keys_done, keys_loaded + shared * key_step) + tail)
    scores = query + scores + p.fl_fill + p.fl_sfu + scored
    value_load, value_bytes = cached_tile(context, op.head_dim, op, p)
    columns = math.ceil(op.head_dim / p.mv_granule_n)
    value_step = mv_cycles(context, 1.0, p) * p.fl_scale
    weighted, answer = load_across(heads * context, p), load_one(heads * op.head_dim, p)
    done, loaded = heads * columns * value_step, cached * columns * value_load
    valued = weighted + max(value_load + done, loaded + shared * value_step) + p.fl_fill + answer
    out.load += 2 * joined + query + keys_loaded + weighted + loaded
    out.compute += keys_done + done
    out.special += heads * special
    out.store += scored + answer
    out.hbm_bytes += 2 * p.a_channels * old + 2 * heads * (op.head_dim + context) + cached * (groups * key_bytes + columns * value_bytes)
    return float(2 * joined + scores + valued)


@part
def price_attention_mv(op: Any, p: Any, out: Any) -> float:
    """Mean cycles of the attention of one step over the contexts `fl_first`..`fl_last`; each context runs the program of its bucket."""
    first, last = op.fl_first, op.fl_last
    steps, total = last - first + 1, 0.0
    load = compute = special = store = moved = 0.0
    low = first
    while low <= last:
        length = math.ceil(low / op.fl_bucket) * op.fl_bucket
        share = (min(length, last) - low + 1) / steps * op.batch
        out.load = out.compute = out.special = out.store = out.hbm_bytes = 0.0
        total += share * price_step(op, p, min(length, op.fl_window), out)
        load, compute, special = load + share * out.load, compute + share * out.compute, special + share * out.special
        store, moved = store + share * out.store, moved + share * out.hbm_bytes
        low = length + 1
    out.load, out.compute, out.special, out.store, out.hbm_bytes = load, compute, special, store, moved
    out.sync = 2 * op.batch * p.fl_scale  # those of the concatenations are hidden
    out.roofline = op.batch * 2 * op.heads * op.head_dim * min(first, op.fl_window) / (p.cores * p.mv_n * p.mv_k)
    return total
