"""Datapath blocks made gate by gate: adders, multipliers, arrays of multiply-accumulate elements, on the cells of any library.

Bits are lists of arrays, lowest first: an array holds that bit of every element of a block at once, so that a grid takes no longer to describe than
one of its elements. Numbers are two's complement. References: Kogge and Stone, IEEE Trans. Comput. C-22 (1973); Booth, Q. J. Mech. Appl. Math. 4
(1951), radix 4 as MacSorley (1961); Wallace, IEEE Trans. EC-13 (1964); Baugh and Wooley, IEEE Trans. Comput. C-22 (1973).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, nearest
from hwsim.targets.stdcell.cells import load_library, usable_cells
from hwsim.targets.stdcell.gates import ONE, ZERO, Gates, Nets
from hwsim.tech.netlist import Netlist

Bits = Sequence[Nets]
T = TypeVar("T")
Adder = Callable[[Gates, Bits, Bits, Nets], list[Nets]]
SELECT_BITS = 4  # of a carry-select section
WIDEST, LARGEST = 64, 64


def ripple(g: Gates, a: Bits, b: Bits, carry: Nets) -> list[Nets]:
    """Sum and carry out, the carry from bit to bit: depth grows with the width."""
    total = []
    for x, y in zip(a, b, strict=True):
        s, carry = g.full_adder(x, y, carry)
        total.append(s)
    return [*total, carry]


def carry_select(g: Gates, a: Bits, b: Bits, carry: Nets) -> list[Nets]:
    """Sum and carry out: each section of four bits is added for both carries, the true one selects."""
    *total, carry = ripple(g, a[:SELECT_BITS], b[:SELECT_BITS], carry)
    for at in range(SELECT_BITS, len(a), SELECT_BITS):
        part = slice(at, at + SELECT_BITS)
        without, with_carry = (ripple(g, a[part], b[part], each) for each in (ZERO, ONE))
        *chosen, carry = [g.mux(carry, low, high) for low, high in zip(without, with_carry, strict=True)]
        total += chosen
    return [*total, carry]


def kogge_stone(g: Gates, a: Bits, b: Bits, carry: Nets) -> list[Nets]:
    """Sum and carry out by a parallel prefix of generate and propagate: depth grows with log2 of the width."""
    half = [g.xor(x, y) for x, y in zip(a, b, strict=True)]
    generate = [g.both(x, y) for x, y in zip(a, b, strict=True)]
    generate[0] = g.either(generate[0], g.both(half[0], carry))
    propagate, reach = list(half), 1
    while reach < len(a):
        old, through = list(generate), list(propagate)
        for i in range(reach, len(a)):
            generate[i] = g.either(old[i], g.both(through[i], old[i - reach]))
            propagate[i] = g.both(through[i], through[i - reach])
        reach *= 2
    return [g.xor(half[0], carry), *(g.xor(h, c) for h, c in zip(half[1:], generate, strict=False)), generate[-1]]


def reduce_columns(g: Gates, columns: list[list[Nets]], adder: Adder) -> list[Nets]:
    """The sum of columns of bits by weight, modulo 2^columns: Wallace's tree of full and half adders, then `adder`."""
    width = len(columns)
    while max(map(len, columns)) > 2:
        following: list[list[Nets]] = [[] for _ in range(width + 1)]
        for at, column in enumerate(columns):
            left = list(column)
            while len(left) >= 3 or (len(left) == 2 and len(column) > 2):
                s, c = g.full_adder(*(left.pop(0) for _ in range(3))) if len(left) >= 3 else g.half_adder(left.pop(0), left.pop(0))
                following[at].append(s)
                following[at + 1].append(c)
            following[at] += left
        columns = following[:width]
    rows = [[column[i] if len(column) > i else ZERO for column in columns] for i in range(2)]
    return adder(g, rows[0], rows[1], ZERO)[:width]


def array_multiply(g: Gates, a: Bits, b: Bits, adder: Adder) -> list[Nets]:
    """Signed product of equal widths, row by row through carry-save adders (Baugh-Wooley signs), then `adder`."""
    n = len(a)
    rows = []
    for j, y in enumerate(b):
        flip = [(i == n - 1) != (j == n - 1) for i in range(n)]
        rows.append([g.nand(x, y) if flip[i] else g.both(x, y) for i, x in enumerate(a)])
    sums: list[list[Nets]] = [[] for _ in range(2 * n + 1)]
    for i, bit in enumerate(rows[0]):
        sums[i].append(bit)
    sums[n].append(ONE)
    sums[2 * n - 1].append(ONE)
    for j in range(1, n):
        carries: list[tuple[int, Nets]] = []
        for i, bit in enumerate(rows[j]):
            held = sums[i + j]
            if len(held) >= 2:
                s, c = g.full_adder(bit, held.pop(0), held.pop(0))
            elif held:
                s, c = g.half_adder(bit, held.pop(0))
            else:
                held.append(bit)
                continue
            held.append(s)
            carries.append((i + j + 1, c))
        for at, carry in carries:
            sums[at].append(carry)
    return reduce_columns(g, sums[: 2 * n], adder)


def booth_wallace_multiply(g: Gates, a: Bits, b: Bits, adder: Adder) -> list[Nets]:
    """Signed product of equal widths: radix-4 Booth digits of `b`, Wallace's tree, then `adder`."""
    n = len(a)
    columns: list[list[Nets]] = [[] for _ in range(2 * n)]
    extension = 0
    wide = [*b, b[-1]] if n % 2 else [*b]
    for i in range(0, len(wide), 2):
        low = wide[i - 1] if i else ZERO
        one = g.xor(wide[i], low)
        same = g.xor(wide[i + 1], wide[i])
        two = g.both(same, g.inv(one))
        negative = wide[i + 1]
        for j in range(n + 1):
            taken = g.nand(g.nand(one, a[min(j, n - 1)]), g.nand(two, a[j - 1] if j else ZERO))
            bit = g.xor(taken, negative)
            if i + j < 2 * n:
                columns[i + j].append(g.inv(bit) if j == n else bit)
        columns[i].append(negative)
        extension -= 1 << (i + n)
    for at in range(2 * n):
        if extension >> at & 1:
            columns[at].append(ONE)
    return reduce_columns(g, columns, adder)


ADDERS: dict[str, Adder] = {"ripple": ripple, "carry_select": carry_select, "kogge_stone": kogge_stone}
MULTIPLIERS = {"array": array_multiply, "booth_wallace": booth_wallace_multiply}


def adder_block(chip: Chip, width: int, adder: str = "kogge_stone") -> Netlist:
    """``sum[width:0] = a + b + carry``. Raises `InvalidTrace` for an unknown kind or width."""
    g = _gates(chip, f"{adder}_adder_{width}", width)
    a, b, carry = g.input("a", width), g.input("b", width), g.input("carry")
    g.output("sum", np.stack(_kind(ADDERS, adder, "adder")(g, [*a], [*b], carry)))
    return g.netlist()


def multiplier_block(chip: Chip, width: int, multiplier: str = "booth_wallace", adder: str = "kogge_stone") -> Netlist:
    """Signed ``product[2 width - 1:0] = a b``. Raises `InvalidTrace` for an unknown kind or width."""
    g = _gates(chip, f"{multiplier}_multiplier_{width}", width)
    a, b = g.input("a", width), g.input("b", width)
    g.output("product", np.stack(_kind(MULTIPLIERS, multiplier, "multiplier")(g, [*a], [*b], _kind(ADDERS, adder, "adder"))))
    return g.netlist()


def mac_array(
    chip: Chip, size: int, width: int = 8, accumulator: int = 24, multiplier: str = "booth_wallace", adder: str = "kogge_stone"
) -> Netlist:
    """An output-stationary grid of `size` x `size` signed multiply-accumulate elements: the ports and the cycles of `stdcell_mac_grid.v`.

    Operands move one element right and down per cycle, `clear` empties the accumulators, `drain` shifts them out to the right. Raises `InvalidTrace`.
    """
    if not 1 <= size <= LARGEST or accumulator < 2 * width:
        raise InvalidTrace(f"a grid of 1 to {LARGEST} elements a side with accumulators of at least {2 * width} bits, got {size} and {accumulator}")
    g = _gates(chip, f"mac_array_{size}x{size}", width)
    clear, drain = g.input("clear"), g.input("drain")
    a_in, b_in = (g.input(name, width * size).reshape(size, width) for name in ("a_in", "b_in"))
    a_out, b_out = (g.new((size, size, width)) for _ in range(2))
    total = g.new((size, size, accumulator))
    a = np.concatenate([a_in[:, None], a_out[:, :-1]], axis=1)
    b = np.concatenate([b_in[None], b_out[:-1]], axis=0)
    left = np.concatenate([np.zeros((size, 1, accumulator), dtype=np.int64), total[:, :-1]], axis=1)
    product = _kind(MULTIPLIERS, multiplier, "multiplier")(
        g, [a[..., i] for i in range(width)], [b[..., i] for i in range(width)], _kind(ADDERS, adder, "adder")
    )
    extended = [*product, *[product[-1]] * (accumulator - len(product))]
    added = _kind(ADDERS, adder, "adder")(g, [total[..., i] for i in range(accumulator)], extended, ZERO)[:accumulator]
    kept = g.inv(clear)
    g.flop(a, a_out)
    g.flop(b, b_out)
    g.flop(np.stack([g.both(g.mux(drain, added[i], left[..., i]), kept) for i in range(accumulator)], axis=-1), total)
    g.output("out", total[:, -1])
    return g.netlist()


def _kind(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        raise InvalidTrace(f"no {what} '{name}'{nearest(name, known)}; there are {', '.join(known)}")
    return known[name]


def _gates(chip: Chip, name: str, width: int) -> Gates:
    if not 2 <= width <= WIDEST:
        raise InvalidTrace(f"a width of 2 to {WIDEST} bits, got {width}")
    library = load_library(chip)
    return Gates(name, library, usable_cells(chip, library))
