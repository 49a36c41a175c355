"""SRAM arrays: access time, energy, leakage and area of a memory of a size and port, by the array that a memory compiler would choose.

The array is cut into mats (``Ndwl x Ndbl`` subarrays, ``Nspd`` words to a row), joined by an H-tree; an access goes down the tree, through the row
decoder, bit line and sense amplifier of the mats that hold the word, and back. Of all partitions the one with the least ``access time^2 x read
energy`` is taken (ED^2). Forms, constants and objective are those of CACTI 7 (HewlettPackard/cacti @1ffd8df, BSD-style licence): itself a model of
planar devices, at 0.5 to 0.75 of Horowitz' figures for caches, which hold tags and control.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from hwsim.core.errors import InvalidTrace
from hwsim.tech.sram_gates import MOST_BITS
from hwsim.tech.sram_mat import SUBARRAYS, Shape, mat, row_read
from hwsim.tech.sram_process import Process
from hwsim.tech.sram_wires import extent, repeated, tree

MOST_PARTS, MOST_WORDS, MOST_MUX = 512, 256, 256
LEAST_ROWS, LEAST_COLS = 16, 2


@dataclass(frozen=True)
class Partition:
    """Subarrays along a word line and a bit line, words in a row, and the shape of a subarray."""

    across: int
    down: int
    words: int
    shape: Shape


@dataclass(frozen=True)
class Sram:
    """Figures of a memory; `partition` is the array that was chosen."""

    access_s: float
    read_j: float
    write_j: float
    leak_w: float
    area_mm2: float
    efficiency: float
    partition: Partition


@lru_cache(maxsize=1024)
def sram(process: Process, size_bytes: int, port_bits: int) -> Sram:
    """Figures of an SRAM with one read-write port of `port_bits`, one bank, no tags and no error correction.

    Raises `InvalidTrace` when no partition holds the memory (too small for its port).
    """
    best: Sram | None = None
    least = math.inf
    parts = list(_partitions(size_bytes, port_bits))
    bounds = [_bound(process, part, port_bits) for part in parts]
    for i in sorted(range(len(parts)), key=bounds.__getitem__):
        if bounds[i] >= least:
            break
        made = _assembled(process, parts[i], port_bits)
        cost = made.access_s**2 * made.read_j
        if cost < least:
            best, least = made, cost
    if best is None:
        raise InvalidTrace(
            f"no SRAM of {size_bytes} bytes with a port of {port_bits} bit: a mat has four subarrays of {LEAST_ROWS} rows or more"
        )
    return best


def _bound(p: Process, part: Partition, port_bits: int) -> float:
    """No more than ``time^2 x energy`` of a partition: its rows and bit lines, and its tree's wires over cells without circuits between them."""
    s = part.shape
    seconds, joules = row_read(p, s)
    wire = repeated(p)
    out = p.cell_w * s.cols
    there = out * part.across * (1 - 2 / part.across) + p.cell_h * s.rows * part.down / 2 * (1 - 2 / part.down)
    address = _log2(s.rows * part.down * part.words // 4)
    energy = joules * (port_bits // s.bits) + wire.energy * (there * (address + port_bits) + out * port_bits)
    return (seconds + wire.delay * (2 * there + out)) ** 2 * energy


def _partitions(size_bytes: int, port_bits: int) -> Iterator[Partition]:
    word = port_bits / 8
    for words in _powers(1, MOST_WORDS):
        for across in _powers(2, MOST_PARTS):
            cols = math.ceil(port_bits * words / across)
            if cols < LEAST_COLS:
                continue
            shapes = [mux for mux in product(_powers(1, MOST_MUX), repeat=3) if _fits(cols, math.prod(mux), port_bits, across)]
            for down in _powers(2, MOST_PARTS):
                rows = math.ceil(size_bytes / (word * down * words))
                if rows < LEAST_ROWS or _log2(rows) > MOST_BITS:
                    continue
                for a, b, c in shapes:
                    yield Partition(across, down, words, Shape(rows, cols, a, b, c))


def _fits(cols: int, degree: int, port_bits: int, across: int) -> bool:
    """Whether the mats of one row of mats deliver the word: at least one bit a subarray, at most the whole word a mat."""
    bits = SUBARRAYS * cols // degree
    return bits >= SUBARRAYS and 1 <= port_bits // bits <= max(across // 2, 1)


def _assembled(p: Process, part: Partition, port_bits: int) -> Sram:
    s, across, down = part.shape, part.across // 2, part.down // 2
    active = port_bits // s.bits
    in_mat = sum(_log2(x) for x in (s.rows, s.columns, s.first, s.second))
    address = in_mat + _log2(across * down // active)
    m = mat(p, s, in_mat, s.bits, active)
    width, height = extent(p, m.width, m.height, across, down, address, 2 * port_bits + 1)
    into, out = (tree(p, width, height, across, down, inwards) for inwards in (True, False))
    read = m.read_j * active + into.energy_j * address + out.energy_j * port_bits
    write = read + (m.bitline_write_j - m.bitline_read_j - m.sense_j) * active  # the word's way in costs what its way out does
    cells = p.cell_w * p.cell_h * s.rows * s.cols * part.across * part.down
    return Sram(
        into.delay + m.before_s + m.after_s + out.delay, read, write, m.leak_w * across * down, width * height * 1e-6, cells / (width * height), part
    )


def _powers(low: int, high: int) -> list[int]:
    return [1 << i for i in range(low.bit_length() - 1, high.bit_length())]


def _log2(value: int) -> int:
    return value.bit_length() - 1
