"""Attention: scores and values on the tensor unit, softmax on the vector pipe of the same minion, keys and values from where the cache lives.

A task is one tile of query rows (up to 16) of one key head of one sequence: in a prefill 16 queries of a head, in a decode step the query heads that
share a key head. A task walks its keys 16 at a time: tile of scores = Q K^T, softmax with a running maximum, output += P V. With fewer tasks than
minions the keys are split over a power of two of them, and a tree adds maxima, sums and outputs. fp16 and fp32 operations occupy the vector pipe
of both harts, so softmax adds to them. Without flash attention scores and probabilities pass through memory instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.dtype import dtype
from hwsim.core.op import Op
from hwsim.core.operators import attended_pairs
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore.gemm import ACCUMULATOR_BYTES, fetchers, power_of_two
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.residency import CACHED, MEMORY, Place
from hwsim.targets.manycore.simd import Loop
from hwsim.targets.manycore.trees import tree_levels

# per vector of scores: scale and mask, maximum, difference, fexp, sum, conversion; load, store, count
SOFTMAX = Loop(simple=3, vector=6, exponential=1)
PASSES = 4  # scores written and read, probabilities written and read


@dataclass(frozen=True)
class Tasks:
    """How attention is laid out: rows of a task, tasks that share keys, tasks in all, minions of each, tasks of the busiest minion, keys of each."""

    rows: int
    alike: int
    count: int
    split: int
    rounds: int
    active: int
    per_shire: int
    keys: float


def lay_out(op: Op, m: Machine) -> Tasks:
    """Deal the tasks out. `keys` are those that a minion's part of a task sees on average, in whole tiles where a mask cuts them."""
    kv_heads = op["kv_heads"] or op["heads"]
    group = op["heads"] // kv_heads
    alike = math.ceil(op["q"] * group / m.rows)
    rows = math.ceil(op["q"] * group / alike)
    count = op["batch"] * kv_heads * alike
    seen = attended_pairs(op.bounds) / op["q"]
    if op["causal"] or op["window"]:
        seen = min(float(op["kv"]), seen + 0.5 * m.cols)
    w = m.workers
    most = min(w.minions, power_of_two(max(1.0, seen / m.cols)))
    split = power_of_two(min(w.minions / count, most))
    slots = max(1, w.minions // split)
    active = min(count, slots) * split
    per_shire = min(w.per_shire, max(math.ceil(active / w.shires), min(split, w.per_shire)))
    return Tasks(rows, alike, count, split, math.ceil(count / slots), active, per_shire, seen / split)


def attention_fields(op: Op, arithmetic: str, cache: Place, query: Place, result: Place, m: Machine) -> dict[str, float]:
    """Fields of the operator table of one attention; `cache`, `query`, `result` are the places of keys and values, queries and outputs."""
    t = lay_out(op, m)
    elements, wide = L.WORD_ELEMENTS[arithmetic], op["head_dim"]
    words = math.ceil(wide / elements)
    key_tiles, value_tiles = math.ceil(t.keys / m.cols), math.ceil(wide / m.cols)
    key_words = math.ceil(t.keys / elements)
    tail, tail2 = words % m.words, key_words % m.words
    full = key_tiles * (words // m.words) + value_tiles * (key_words // m.words)
    tails, tails2 = key_tiles * (tail > 0), value_tiles * (tail2 > 0)
    line = m.line
    vectors = t.rounds * t.rows * math.ceil(t.keys / m.lanes) / m.workers.harts_per_minion
    delivered = t.rounds * line * (full * (t.rows + m.words) + tails * (t.rows + tail) + tails2 * (t.rows + tail2))
    all_vectors = t.count * t.split * t.rows * t.keys / m.lanes
    fields: dict[str, float] = {
        "modelled": 1, "arithmetic": L.ARITHMETIC[arithmetic], "tile_rows": t.rows, "full_steps": t.rounds * full, "tail_words": tail,
        "tail_steps": t.rounds * tails, "tail2_words": tail2, "tail2_steps": t.rounds * tails2, "unit": L.TENSOR, "k_split": t.split,
        "simple": SOFTMAX.simple * vectors, "vector": SOFTMAX.vector * vectors, "exponential": SOFTMAX.exponential * vectors,
        "alone": float(m.workers.harts_per_minion == 1), "hidden": 1, "readers": t.per_shire, **fetchers(t.active, m), "delivered_bytes": delivered,
        "first_lines": t.rows, "tail_store_bytes": t.rounds * max(1, t.per_shire // t.split) * t.rows * wide * dtype(op.dtype).bytes,
        "all_scalar": SOFTMAX.simple * all_vectors, "all_vector": SOFTMAX.vector * all_vectors, "all_exponential": SOFTMAX.exponential * all_vectors,
        "all_l1_load": all_vectors * 4 * m.lanes, "all_l1_store": all_vectors * 4 * m.lanes,
        "all_l1_bytes": delivered * t.active + 2 * all_vectors * 4 * m.lanes,
    }  # fmt: skip
    if t.split > 1:
        fields.update(tree_levels(t.split, t.rows * (wide + 2) * ACCUMULATOR_BYTES, t.rounds, t.count / t.rounds, m))
    fields.update(_traffic(op, t, cache, query, result, m))
    fields["all_shared"] = max(0.0, delivered * t.active - fields["port_bytes"] * min(m.workers.shires, t.active))
    if m.options.double_buffer is False:
        fields["waits"] = t.rounds * (full + tails + tails2)
    return fields


def _traffic(op: Op, t: Tasks, cache: Place, query: Place, result: Place, m: Machine) -> dict[str, float]:
    """Bytes of keys and values to the busiest shire and over the mesh, of the cache from DRAM, and of scores that pass through memory.

    Tasks of one key head lie in one shire and share its lines. A decode step reads its part of the cache from its own shire's scratchpad; in a
    prefill every shire needs the keys that all others made.
    """
    w = m.workers
    stored = [o for o in op.operands if o.role == "kv_cache"]
    cached = sum(o.elements * dtype(op.dtype_of(o)).bytes for o in stored)
    width = dtype(op.dtype_of(stored[0])).bytes
    fresh = op.input_bytes - cached if op.operand_role != "weight" else op.input_bytes
    row = 2 * op["head_dim"] * width
    sets = math.ceil(t.per_shire / min(t.alike, t.per_shire)) if t.split == 1 else t.per_shire
    keys = t.rounds * sets * t.keys * row
    own = t.alike == 1 or op["q"] == 1
    shares = cached / (cached + fresh)
    home = cache.scratchpad * shares + query.scratchpad * (1 - shares)
    memory = (cache.l3 + cache.dram) * shares + (query.l3 + query.dram) * (1 - shares)
    away = 0.0 if own else (w.shires - 1) / w.shires
    read_all = t.count / t.alike * t.split * t.keys * row * math.ceil(t.alike / max(1, t.per_shire))
    loads = cached * cache.dram + fresh * query.dram
    far = read_all * home * away + max(0.0, read_all * memory - loads)
    found = {
        "port_bytes": keys + t.rounds * t.per_shire * t.rows * op["head_dim"] * dtype(op.dtype).bytes, "remote_bytes": keys * home * away,
        "l3_bytes": keys * memory, "dram_load_bytes": loads, "dram_store_bytes": op.output_bytes * result.dram,
        "first_level": L.DRAM if cache.dram or query.dram else L.L3 if cache.l3 or query.l3 else L.OWN if own else L.REMOTE,
        "all_own_load": max(0.0, read_all + fresh - loads - far), "all_own_store": op.output_bytes, "all_remote": read_all * home * away,
        "all_l3": max(0.0, read_all * memory - loads) + op.output_bytes * result.l3,
    }  # fmt: skip
    if not m.flash:
        scores = op["batch"] * op["heads"] * attended_pairs(op.bounds) * dtype(op.dtype).bytes
        level = CACHED if scores <= m.l3 else MEMORY
        found["l3_bytes"] += PASSES * scores / w.shires
        found["all_l3"] += PASSES * scores * level.l3
        found["dram_load_bytes"] += PASSES / 2 * scores * level.dram
        found["dram_store_bytes"] += PASSES / 2 * scores * level.dram
    return found
