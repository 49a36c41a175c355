"""Matrix products on the tensor unit: tiles over minions, K over minions, and what each level must deliver.

A minion keeps one tile of C (16 x 16) in its registers through all of K; A comes double-buffered through the L1 scratchpad, B streams through TenB.
A shire's tiles lie side by side, so that its minions share rows of A and columns of B: a line leaves the shire's memory once and reaches all that
wait for it (cooperative loads, read buffer). With fewer tiles than minions K is split over a power of two of them, and a tree adds the parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.residency import Place
from hwsim.targets.manycore.trees import tree_levels

ACCUMULATOR_BYTES = 4
WAVE_STEPS = {"fp32": 0, "fp16": 1, "int8": 4}  # TensorQuant steps on C: none; to fp16 and pack; to float, scale, to int8, pack


@dataclass(frozen=True)
class Operand:
    """A matrix of a product: its place, bytes of an element and in all; `bound`: it may be laid out shire by shire as it is used."""

    place: Place
    width: float
    bytes: float
    bound: bool = False


@dataclass(frozen=True)
class Product:
    """`batch` products C[m, n] += A[m, k] B[k, n]; a convolution has `taps` of them over one C, and `runs` rows of tiles of its own.

    `runs` and `run_rows`: tiles along m and their rows, when these do not follow from m (0: they do). `reuse`: times that a value of A is read again
    by other taps. `arithmetic` is fp32, fp16 or int8.
    """

    batch: int
    m: int
    k: int
    n: int
    arithmetic: str
    a: Operand
    b: Operand
    c: Operand
    taps: int = 1
    runs: int = 0
    run_rows: int = 0
    reuse: float = 1.0


@dataclass(frozen=True)
class Tiling:
    """How a product is laid out: rows of a tile, tiles of one product (down and across) and in all, operations per tile, words of a tap's last one.

    `split`: minions that share one tile's K; `rounds`: tiles that the busiest minion works on, one after another; `in_shire`: tiles (down, across,
    products) that one shire holds at a time, each with `k_share` of its K.
    """

    rows: int
    down: int
    across: int
    tiles: int
    steps: int
    tail_words: int
    split: int
    rounds: int
    active: int
    per_shire: int
    block: tuple[int, int, int]
    k_share: float


def power_of_two(limit: float) -> int:
    """The largest power of two not above `limit` (at least 1)."""
    return 1 << max(0, int(limit).bit_length() - 1) if limit >= 1 else 1


def tile(product: Product, m: Machine) -> Tiling:
    """Lay a product out over the minions."""
    down = product.runs or math.ceil(product.m / m.rows)
    rows = product.run_rows or min(product.m, m.rows)
    across = math.ceil(product.n / m.cols)
    tiles = product.batch * down * across
    words = math.ceil(product.k / L.WORD_ELEMENTS[product.arithmetic])
    per_tap = math.ceil(words / m.words)
    steps = per_tap * product.taps
    w = m.workers
    most = 1 << (steps - 1).bit_length()  # more minions than this would have nothing to do
    split = min(m.options.k_split, most) if m.options.k_split else power_of_two(min(w.minions / tiles, most))
    slots = max(1, w.minions // split)
    active = min(tiles, slots) * split
    per_shire = min(w.per_shire, math.ceil(active / w.shires))
    if split > 1 and per_shire < split:
        per_shire = min(w.per_shire, split)
    held = max(1, per_shire // split)
    high = min(down, power_of_two(math.sqrt(held)))
    wide = min(across, held // high)
    high = min(down, max(1, held // wide))
    block = (high, wide, math.ceil(held / (high * wide)))
    k_share = min(1.0, per_shire / split)
    tail, rounds = words - (per_tap - 1) * m.words, math.ceil(tiles / slots)
    return Tiling(rows, down, across, tiles, steps, tail, split, rounds, active, per_shire, block, k_share)


def operations(product: Product, t: Tiling, m: Machine) -> tuple[float, float]:
    """(operations of all words, operations of the tail's words) of the busiest minion."""
    mine = math.ceil(t.steps / t.split)
    per_tap = t.steps // product.taps
    tails = 0.0 if t.tail_words == m.words or (product.taps == 1 and t.split > 1) else mine / per_tap
    return t.rounds * (mine - tails), t.rounds * tails


def product_fields(product: Product, m: Machine) -> dict[str, float]:
    """Fields of the operator table of a product on the tensor unit."""
    t = tile(product, m)
    full, tails = operations(product, t, m)
    line = m.line
    k = product.k * product.taps
    waits = full + tails if m.options.double_buffer is False else 0.0
    delivered = full * (t.rows + m.words) * line + tails * (t.rows + t.tail_words) * line
    stored = t.rows * min(product.n, m.cols) * product.c.width
    quant = t.rounds * WAVE_STEPS[product.arithmetic] * math.ceil(m.cols / m.lanes) * max(t.rows, m.quant_depth)
    fields: dict[str, float] = {
        "modelled": 1, "arithmetic": L.ARITHMETIC[product.arithmetic], "tile_rows": t.rows, "full_steps": full, "tail_words": t.tail_words,
        "tail_steps": tails, "waits": waits, "quant_cycles": quant, "readers": t.per_shire, **fetchers(t.active, m),
        "delivered_bytes": delivered, "first_lines": t.rows, "unit": L.TENSOR, "k_split": t.split,
        "tail_store_bytes": t.rounds * t.block[0] * t.block[1] * t.block[2] * stored, "all_own_store": product.c.bytes,
    }  # fmt: skip
    if t.split > 1:
        fields.update(tree_levels(t.split, t.rows * m.cols * ACCUMULATOR_BYTES, t.rounds, t.tiles / t.rounds, m))
    fields.update(_traffic(product, t, m, k))
    fields["all_l1_bytes"] = delivered * t.active
    fields["all_shared"] = max(0.0, delivered * t.active - fields["port_bytes"] * min(m.workers.shires, t.active))
    return fields


def _traffic(product: Product, t: Tiling, m: Machine, k: int) -> dict[str, float]:
    """Bytes through the busiest shire's port and over the mesh to it, and to and from DRAM.

    A line of A is shared by the tiles across, a line of B by the tiles down. Panels that lie in the shire itself cross no mesh.
    """
    high, wide, products = t.block
    a, b, c = product.a, product.b, product.c
    per_word = m.line / (m.cols * L.WORD_ELEMENTS[product.arithmetic])  # bytes of an element as the tensor unit loads it
    a_lines = t.rounds * products * high * t.rows * k * t.k_share * per_word
    b_lines = t.rounds * products * wide * m.cols * k * t.k_share * per_word
    a_shire, a_all = a_lines / product.reuse, a.bytes * math.ceil(t.across / wide)
    b_shire, b_all = b_lines, b.bytes * math.ceil(t.down / high)
    fits = m.options.operand_level == "l2scp" and min(a_shire + b_shire, a.bytes + b.bytes) <= m.scratchpad
    shires = max(1, min(m.workers.shires, t.active))
    away = (shires - 1) / shires
    a_away = 0.0 if fits or (a.bound and math.ceil(t.across / wide) == 1) else away
    b_away = 0.0 if fits or (b.bound and math.ceil(t.down / high) == 1) else away
    loads, stores = dram_bytes(a, b, m), c.place.dram * c.bytes
    remote = a_all * a.place.scratchpad * a_away + b_all * b.place.scratchpad * b_away
    cached = max(0.0, a_all * (a.place.l3 + a.place.dram) + b_all * (b.place.l3 + b.place.dram) - loads)
    return {
        "port_bytes": a_lines + b_lines,
        "remote_bytes": a_shire * a.place.scratchpad * a_away + b_shire * b.place.scratchpad * b_away,
        "l3_bytes": a_shire * (a.place.l3 + a.place.dram) + b_shire * (b.place.l3 + b.place.dram),
        "dram_load_bytes": loads, "dram_store_bytes": stores, "first_level": first_level(a.place, b.place, a_away + b_away > 0),
        "all_own_load": max(0.0, (a_lines + b_lines) * shires - loads - remote - cached),
        "all_remote": remote, "all_l3": cached + c.place.l3 * c.bytes,
    }  # fmt: skip


def fetchers(active: float, m: Machine) -> dict[str, float]:
    """Minions that fetch lines into a shire, and in all: those without a tile fetch for the others (TensorLoadL2Scp)."""
    shires = min(m.workers.shires, active)
    return {"fetchers": m.workers.per_shire, "all_fetchers": min(m.workers.minions, shires * m.workers.per_shire)}


def first_level(a: Place, b: Place, away: bool) -> int:
    """The farthest level that the first operands come from."""
    if a.dram + b.dram > 0:
        return L.DRAM
    if a.l3 + b.l3 > 0:
        return L.L3
    return L.REMOTE if away else L.OWN


def dram_bytes(a: Operand, b: Operand, m: Machine) -> float:
    """Bytes read from DRAM: each operand once, when the other (or what is kept of it at a time, half of the memory on the chip) stays there.

    Both from DRAM: min(B + A ceil(B / S), A + B ceil(A / S)).
    """
    from_a, from_b = a.bytes * a.place.dram, b.bytes * b.place.dram
    kept = 0.5 * (m.l3 if m.kernels else max(m.l3, m.on_chip))
    passes_a, passes_b = math.ceil(max(1.0, b.bytes / kept)), math.ceil(max(1.0, a.bytes / kept))
    return min(from_b + from_a * passes_a, from_a + from_b * passes_b)
