"""Work on the scalar and vector pipes: elementwise functions, norms, softmax, gathers; loops of products that do not use the tensor unit.

Instruction counts per vector of eight fp32 lanes; there is no divide and no square root, so quotients are reciprocal estimates with two refinements,
and roots likewise. Values of other formats are converted when loaded and stored. A loop of these is unrolled four times: one instruction of
counters and branches a vector.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.dtype import dtype
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore.gemm import fetchers, power_of_two
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.residency import Place
from hwsim.targets.manycore.trees import tree_levels


@dataclass(frozen=True)
class Loop:
    """Instructions of one vector (or, in scalar loops, of one element): integer and loads and stores, float, fexp, frcp."""

    simple: float = 0.0
    vector: float = 0.0
    exponential: float = 0.0
    reciprocal: float = 0.0


# float instructions, fexp or flog, frcp per vector, without loads and stores
FUNCTIONS = {
    "copy": Loop(), "cast": Loop(vector=1), "add": Loop(vector=1), "sub": Loop(vector=1), "mul": Loop(vector=1), "scale": Loop(vector=1),
    "bias": Loop(vector=1), "batch_norm": Loop(vector=1), "relu": Loop(vector=1), "relu6": Loop(vector=2),
    "leaky_relu": Loop(vector=2), "hardsigmoid": Loop(vector=3),
    "hardswish": Loop(vector=4), "mish": Loop(vector=10, exponential=3, reciprocal=1),
    "div": Loop(vector=4, reciprocal=1), "exp": Loop(vector=1, exponential=1), "sigmoid": Loop(vector=5, exponential=1, reciprocal=1),
    "tanh": Loop(vector=6, exponential=1, reciprocal=1), "silu": Loop(vector=6, exponential=1, reciprocal=1),
    "gelu": Loop(vector=10, exponential=1, reciprocal=1), "softplus": Loop(vector=3, exponential=2),
    "elu": Loop(vector=4, exponential=1), "selu": Loop(vector=5, exponential=1), "softsign": Loop(vector=5, reciprocal=1),
    "abs": Loop(vector=1), "neg": Loop(vector=1), "max": Loop(vector=1), "min": Loop(vector=1), "where": Loop(vector=1), "compare": Loop(vector=1),
    "round": Loop(vector=1), "clip": Loop(vector=2), "reciprocal": Loop(vector=3, reciprocal=1), "sqrt": Loop(vector=5, reciprocal=1),
    "log": Loop(vector=1, exponential=1), "pow": Loop(vector=2, exponential=2), "erf": Loop(vector=9, exponential=1, reciprocal=1),
    "sin": Loop(vector=9), "cos": Loop(vector=10),  # range reduction and a polynomial
    "silu_mul": Loop(vector=7, exponential=1, reciprocal=1), "gelu_mul": Loop(vector=11, exponential=1, reciprocal=1), "": Loop(vector=1),
}  # fmt: skip
CONVERSIONS = {"fp32": 0, "int32": 0, "fp16": 1, "bf16": 1, "int8": 2, "uint8": 2, "int16": 1}
COUNTERS = 1.0
PLANNED_ISSUE, PLANNED_LEVEL = 2.7, 45.0  # cycles of an instruction and of one level of a tree, as the mapper plans with them


def conversion(name: str) -> int | None:
    """Instructions that turn a vector of a stored format into fp32 lanes, or back; None when there are none for it."""
    return CONVERSIONS.get(name)


@dataclass(frozen=True)
class Pass:
    """A loop over `vectors` vectors, shared by the harts: `reads` vectors loaded and `writes` stored each time, of formats that need `converted`.

    `groups` rows need a tree of their own over the minions that share a row, `trees` times each; 0: no tree.
    """

    vectors: float
    loop: Loop
    reads: float
    writes: float
    converted: float
    groups: float = 0.0
    trees: float = 0.0
    tree_bytes: float = 0.0


def instructions(work: Pass) -> Loop:
    """All instructions of one vector, loads, stores, conversions and counters included."""
    loads = work.reads + work.writes
    return Loop(work.loop.simple + loads + COUNTERS, work.loop.vector + loads * work.converted, work.loop.exponential, work.loop.reciprocal)


def vector_fields(work: Pass, read: float, written: float, source: Place, sink: Place, m: Machine) -> dict[str, float]:
    """Fields of a streaming operator that reads and writes that many bytes once: tensor loads feed the L1 scratchpad, tensor stores empty it.

    Work is dealt out in lines. A row that needs a tree may be spread over minions of one shire.
    """
    w = m.workers
    in_line = m.line / (4 * m.lanes)
    lines = max(1.0, work.vectors / in_line)
    share, trees, spread = 1.0, 0.0, 1
    if work.groups:
        spread = _spread(work, lines, m)
        rounds = math.ceil(work.groups * spread / w.minions)
        per_minion = rounds * math.ceil(lines / work.groups / spread)
        trees = rounds * work.trees
        active = min(w.minions, work.groups * spread)
    else:
        per_minion = math.ceil(lines / w.minions)
        active = math.ceil(lines / per_minion)
    per_hart = math.ceil(per_minion / w.harts_per_minion) * in_line
    share = min(1.0, per_minion * w.per_shire / lines)
    if active < w.minions:  # fewer minions than there are: spread over the shires
        share = min(share, max(1.0 / w.shires, per_minion / lines))
    each = instructions(work)
    per_shire = min(w.per_shire, math.ceil(active / w.shires)) if spread == 1 else min(w.per_shire, max(spread, math.ceil(active / w.shires)))
    fields: dict[str, float] = {
        "modelled": 1, "readers": per_shire, **fetchers(active, m), "hidden": 1, "unit": L.SIMD, "first_lines": 1,
        **_hart(each, per_hart, m), **_chip(each, work.vectors), "all_l1_load": work.vectors * work.reads * 4 * m.lanes,
        "all_l1_store": work.vectors * work.writes * 4 * m.lanes, **_stream(read, written, share, source, sink),
    }  # fmt: skip
    if spread > 1:
        fields.update(tree_levels(spread, work.tree_bytes, 2 * trees, min(work.groups, w.minions / spread), m))
    return fields


def _spread(work: Pass, lines: float, m: Machine) -> int:
    """Minions that share a row: the power of two with the least work and tree, by the mapper's round figures."""
    w, each = m.workers, instructions(work)
    issued = (each.simple + each.vector + 4 * each.exponential + 2.5 * each.reciprocal) * PLANNED_ISSUE * m.line / (4 * m.lanes) / w.harts_per_minion
    most = power_of_two(min(w.per_shire, w.minions / work.groups, max(1.0, lines / work.groups)))

    def planned(spread: int) -> float:
        return math.ceil(lines / work.groups / spread) * issued + 2 * work.trees * math.log2(spread) * PLANNED_LEVEL

    return min((1 << i for i in range(most.bit_length())), key=planned)


def _hart(each: Loop, vectors: float, m: Machine) -> dict[str, float]:
    return {
        "simple": each.simple * vectors, "vector": each.vector * vectors, "exponential": each.exponential * vectors,
        "reciprocal": each.reciprocal * vectors, "alone": float(m.workers.harts_per_minion == 1),
    }  # fmt: skip


def _chip(each: Loop, vectors: float) -> dict[str, float]:
    return {
        "all_scalar": each.simple * vectors, "all_vector": each.vector * vectors, "all_exponential": each.exponential * vectors,
        "all_reciprocal": each.reciprocal * vectors,
    }  # fmt: skip


def _stream(read: float, written: float, share: float, source: Place, sink: Place) -> dict[str, float]:
    """Bytes of a stream whose busiest shire has `share` of it; what lies in the scratchpads lies where it is used."""
    return {
        "port_bytes": share * read, "store_bytes": share * written, "l3_bytes": share * (read * (source.l3 + source.dram) + written * sink.l3),
        "dram_load_bytes": read * source.dram, "dram_store_bytes": written * sink.dram, "delivered_bytes": 0.0,
        "first_level": L.DRAM if source.dram else L.L3 if source.l3 else L.OWN, "all_own_load": read * source.scratchpad,
        "all_own_store": written * sink.scratchpad,
        "all_l3": read * source.l3 + written * sink.l3, "all_l1_bytes": read + written,
    }  # fmt: skip


def outer_fields(batch: int, m_rows: int, k: int, n: int, a: float, b: float, scalar: bool, source: Place, c_bytes: float, formats: tuple[str, str],
                 m: Machine) -> dict[str, float]:  # fmt: skip
    """Fields of a product as a plain loop: a hart holds a block of C, walks k, and loads a column of A and a row of B each time.

    `a`, `b`: bytes of the operands. Per k the block needs its multiply-adds, its loads and four instructions of pointers, counter and branch. The L1
    of a hart holds eight lines, so each k misses on its line of B and every 16th (fp32) on each line of A. Loads run ahead of the arithmetic where
    registers are left for a second set of operands (`hidden`); a plain loop waits.
    """
    lanes = 1 if scalar else m.lanes
    rows, cols = m.options.register_block or (1, lanes)
    width = cols // lanes
    blocks = batch * math.ceil(m_rows / rows) * math.ceil(n / cols)
    harts = min(m.workers.harts, blocks)
    mine = math.ceil(blocks / harts) * k
    bits_a, bits_b = (dtype(f).bytes for f in formats)
    converted = (conversion(formats[0]) or 0) * rows + (conversion(formats[1]) or 0) * width
    each = Loop(simple=rows + width + 4, vector=rows * width + converted)
    lines = max(1.0, cols * bits_b / m.line) + rows * bits_a / m.line
    ahead = rows * width + 2 * (rows + width) <= m.registers and m.options.register_block is not None
    misses = mine * lines
    level = _cache_level(a, b, source, m)
    loaded = misses * m.line * harts
    w = m.workers
    fields: dict[str, float] = {
        "modelled": 1, **_hart(each, mine, m), **_chip(each, blocks * k), "all_products": blocks * k * rows * width,
        "hidden": float(ahead), "readers": min(w.per_shire, harts),
        "alone": float(w.harts_per_minion == 1), **fetchers(min(w.minions, harts), m), "first_level": level, "first_lines": 1,
        "unit": L.SCALAR if scalar else L.SIMD, "port_bytes": loaded / w.shires if level == L.OWN else 0.0,
        "l3_bytes": loaded / w.shires if level in (L.L3, L.DRAM) else 0.0, "store_bytes": c_bytes / w.shires,
        ("own_misses", "own_misses", "l3_misses", "dram_misses")[level]: misses,
        "dram_load_bytes": (a + b) if source.dram or (level == L.DRAM) else 0.0, "dram_store_bytes": c_bytes if source.dram else 0.0,
        "all_own_load": loaded if level == L.OWN else 0.0, "all_own_store": c_bytes, "all_l3": loaded if level != L.OWN else 0.0,
        "all_l1_load": blocks * k * (rows * 4 + width * 4 * lanes), "all_l1_store": c_bytes,
    }  # fmt: skip
    return fields


def _cache_level(a: float, b: float, source: Place, m: Machine) -> int:
    """The level that serves the misses of a plain loop: the scratchpad or L2 when the operands fit it, L3, or DRAM."""
    if source.scratchpad >= 1 or a + b <= m.l2:
        return L.OWN
    return L.L3 if a + b <= m.l3 else L.DRAM


# one vector of block-quantised weights times activations: two loads, conversion, multiply-add, and scales and counters shared by a block
BLOCK_LOOPS = {"q8_0": Loop(simple=5, vector=2), "q4_0": Loop(simple=6, vector=3)}
LONG_ROW, SPLIT_ROW, FEW_ROWS = 8192, 2048, 8  # K from which both harts of a minion share a row; with few rows per minion, from SPLIT_ROW on


def block_fields(batch: int, m_rows: int, k: int, n: int, weights: float, weight_format: str, place: Place, source: Place, moved: tuple[float, float],
                 m: Machine) -> dict[str, float]:  # fmt: skip
    """Fields of a product with block-quantised weights: 8-lane dequantise-and-dot, rows of weights dealt out to harts (llama.cpp's ET backend).

    Rows go to all harts, or to minions whose two harts share K (K of at least 8192, or 2048 with at most eight rows a minion) and pass one credit per
    result to add their parts. All harts of a shire walk the same activations in step and keep none: each of their lines comes from L3. A row's
    weights come from their home for the first vector of activations, all harts at once, and from L2 for the others.
    """
    w = m.workers
    rows = batch * n
    shared = w.harts_per_minion > 1 and (k >= LONG_ROW or (k >= SPLIT_ROW and rows <= FEW_ROWS * w.minions))
    mine = math.ceil(rows / (w.minions if shared else w.harts)) / (2.0 if shared else 1.0)
    each = BLOCK_LOOPS[weight_format]
    vectors = mine * m_rows * k / m.lanes
    row_lines = k * dtype(weight_format).bytes / m.line
    first, again = mine * row_lines, mine * row_lines * (m_rows - 1)
    active = min(w.minions, rows if shared else math.ceil(rows / w.harts_per_minion))
    activations = mine * m_rows * k * 4 / m.line
    read, written = moved
    share = min(1.0, mine * w.per_shire * (2.0 if shared else w.harts_per_minion) / rows) if rows >= w.minions else 1.0 / w.shires
    return {
        "modelled": 1, **_hart(each, vectors, m), **_chip(each, rows * m_rows * k / m.lanes),
        "all_products": rows * m_rows * k / m.lanes, "unit": L.SIMD, "readers": w.per_shire,
        **fetchers(active, m), "streamed": 1.0 / m_rows, "credits": 2 * mine * m_rows if shared else 0.0,
        "own_misses": again + first * place.scratchpad, "l3_misses": activations + first * place.l3, "dram_misses": first * place.dram,
        "l3_bytes": share * (weights + m_rows * k * 4.0 * batch), "dram_load_bytes": weights * place.dram + read * source.dram,
        "dram_store_bytes": written * source.dram, "store_bytes": share * written, "first_level": L.DRAM if place.dram else L.L3, "first_lines": 1,
        "all_l3": read * w.shires + weights * place.l3, "all_own_load": weights * m_rows, "all_own_store": written,
        "all_l1_load": rows * m_rows * k * (4.0 + 1.0), "all_l1_store": written,
    }  # fmt: skip
