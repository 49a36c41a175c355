"""Cycles of a matrix product on a systolic array that never waits for memory.

C [m, n] = A [m, k] B [k, n] is cut into folds that fill an array of `rows` x `cols` multiply-accumulate elements, one fold after another:

    os (outputs stay)  ceil(m / rows) ceil(n / cols) folds of rows + cols + k - 2 cycles: operands enter skewed by one cycle a row and a column
    ws (B stays)       ceil(k / rows) ceil(n / cols) folds of rows + (m + rows + cols - 2): loading, then streaming A with skew and drain
    is (A stays)       ceil(k / rows) ceil(m / cols) folds of rows + (n + rows + cols - 2)

A fold of fewer rows or columns than the array takes as long as a full one. The total is the number of the last cycle, counted from 0: one less than
the cycles passed (Samajdar et al., SCALE-Sim, ISPASS 2020; the convention of SCALE-Sim 3.0.0). `stream_os` and `stream_stationary` move the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.arguments import whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.engine.jit import jit

Integers = NDArray[np.int64]
OS, WS, IS = DATAFLOWS = ("os", "ws", "is")
SIZES = ("rows", "cols", "m", "k", "n")


@dataclass(frozen=True)
class Run:
    """A product on an array: its folds, the cycles of each, and the number of the last cycle."""

    folds: int
    fold_cycles: int
    cycles: int
    utilisation: float


def array_cycles(dataflow: str, rows: int, cols: int, m: int, k: int, n: int) -> Run:
    """Cycles of C [m, n] = A [m, k] B [k, n]. Raises `InvalidTrace` for sizes below 1 or another dataflow.

    >>> array_cycles("os", 16, 16, 17, 33, 19).cycles
    251
    """
    if min(rows, cols, m, k, n) < 1:
        raise InvalidTrace(f"sizes are whole numbers of at least 1, got an array of {rows} x {cols} and m, k, n of {m}, {k}, {n}")
    if dataflow not in DATAFLOWS:
        raise InvalidTrace(f"dataflow is one of {', '.join(DATAFLOWS)}, got '{dataflow}'")
    down, across, streamed = {OS: (m, n, k), WS: (k, n, m), IS: (k, m, n)}[dataflow]
    folds = -(-down // rows) * -(-across // cols)
    loading = 0 if dataflow == OS else rows
    fold = loading + streamed + rows + cols - 2
    passed = folds * fold
    return Run(folds, fold, passed - 1, m * k * n / (passed * rows * cols))


@jit
def stream_os(a: Integers, b: Integers, out: Integers) -> int:
    """One fold with outputs in place, cycle by cycle: `a` [rows, k] enters from the left, `b` [k, cols] from the top, both skewed.

    Adds the product to `out` [rows, cols]; returns the cycles passed until every element has added k products.
    """
    rows, depth, cols = a.shape[0], a.shape[1], b.shape[1]
    right = np.zeros((rows, cols), dtype=np.int64)
    down = np.zeros((rows, cols), dtype=np.int64)
    since = np.full((rows, cols), -1, dtype=np.int64)  # which product an element gets; it passes on with the data
    left, cycle = rows * cols * depth, 0
    while left > 0:
        for i in range(rows - 1, -1, -1):
            for j in range(cols - 1, -1, -1):
                at = cycle - i
                if j > 0:
                    right[i, j] = right[i, j - 1]
                    since[i, j] = since[i, j - 1]
                else:
                    since[i, j] = at if 0 <= at < depth else -1
                    right[i, j] = a[i, at] if 0 <= at < depth else 0
                if i > 0:
                    down[i, j] = down[i - 1, j]
                else:
                    down[i, j] = b[cycle - j, j] if 0 <= cycle - j < depth else 0
                if since[i, j] >= 0:
                    out[i, j] += right[i, j] * down[i, j]
                    left -= 1
        cycle += 1
    return cycle


@jit
def stream_stationary(fixed: Integers, moving: Integers, out: Integers) -> int:
    """One fold with `fixed` [rows, cols] in place, cycle by cycle; `moving` [t, rows] enters from the left, skewed, sums move down.

    Adds moving @ fixed to `out` [t, cols]; returns the cycles passed, those of shifting `fixed` in from the top included.
    """
    rows, cols, steps = fixed.shape[0], fixed.shape[1], moving.shape[0]
    held = np.zeros((rows, cols), dtype=np.int64)
    cycle = 0
    for row in range(rows - 1, -1, -1):
        for i in range(rows - 1, 0, -1):
            held[i] = held[i - 1]
        held[0] = fixed[row]
        cycle += 1
    right = np.zeros((rows, cols), dtype=np.int64)
    sums = np.zeros((rows, cols), dtype=np.int64)
    left, step = steps * cols, 0
    while left > 0:
        for i in range(rows - 1, -1, -1):
            for j in range(cols - 1, -1, -1):
                if j > 0:
                    right[i, j] = right[i, j - 1]
                else:
                    right[i, j] = moving[step - i, i] if 0 <= step - i < steps else 0
                sums[i, j] = (sums[i - 1, j] if i > 0 else 0) + right[i, j] * held[i, j]
        for j in range(cols):
            at = step - (rows - 1) - j
            if 0 <= at < steps:
                out[at, j] += sums[rows - 1, j]
                left -= 1
        step += 1
    return cycle + step


def multiply(dataflow: str, rows: int, cols: int, a: Integers, b: Integers) -> tuple[Integers, int]:
    """The product of `a` [m, k] and `b` [k, n], moved through the array cycle by cycle, and the number of the last cycle.

    Raises `InvalidTrace` as `array_cycles` does, and for shapes that do not fit together.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise InvalidTrace(f"shapes {a.shape} and {b.shape} do not multiply")
    array_cycles(dataflow, rows, cols, a.shape[0], a.shape[1], b.shape[1])
    if dataflow == IS:
        product, cycles = multiply(WS, rows, cols, np.ascontiguousarray(b.T), np.ascontiguousarray(a.T))
        return np.ascontiguousarray(product.T), cycles
    (m, k), n = a.shape, b.shape[1]
    down, passed = (m if dataflow == OS else k), 0
    wide_a, wide_b = _padded(a, *((rows, 1) if dataflow == OS else (1, rows))), _padded(b, 1 if dataflow == OS else rows, cols)
    found = np.zeros((wide_a.shape[0], wide_b.shape[1]), dtype=np.int64)
    for i in range(0, down, rows):
        for j in range(0, n, cols):
            if dataflow == OS:
                part = np.zeros((rows, cols), dtype=np.int64)
                passed += int(stream_os(wide_a[i : i + rows].copy(), wide_b[:, j : j + cols].copy(), part))
                found[i : i + rows, j : j + cols] = part
            else:
                part = np.zeros((m, cols), dtype=np.int64)
                passed += int(stream_stationary(wide_b[i : i + rows, j : j + cols].copy(), wide_a[:, i : i + rows].copy(), part))
                found[:, j : j + cols] += part
    return found[:m, :n], passed - 1


def _padded(values: Integers, rows: int, cols: int) -> Integers:
    """`values` with zeros up to whole multiples of `rows` and `cols`."""
    high, wide = values.shape
    return np.pad(values.astype(np.int64), ((0, -high % rows), (0, -wide % cols)))


def run(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of a product on an array, and the share of the elements' cycles that multiply."""
    sizes: Mapping[str, Any] = {name: whole(arguments, name) for name in SIZES}
    found = array_cycles(word(arguments, "dataflow", DATAFLOWS), **sizes)
    return {"cycles": float(found.cycles), "utilisation": found.utilisation}


SYSTOLIC_PRIMITIVES = (
    Primitive("systolic_array", "cycles of a matrix product on a systolic array (SCALE-Sim's convention)", run, dict.fromkeys(("dataflow", *SIZES))),
)
