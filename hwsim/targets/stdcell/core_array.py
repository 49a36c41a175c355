"""Products on an array: folds, cycles of a fold, bytes read from and written to the buffer.

C [m, n] = A [m, k] B [k, n] on rows x cols elements (cycles: `hwsim.targets.stdcell.systolic`):

    os   A is read once per column of folds, B once per row of folds, results leave once; moving them out takes cols cycles a fold, in which the
         accumulators add nothing (the block `mac_grid` shifts them out through its rows)
    ws   B is read once, A once per column of folds; sums leave and come back once per fold of k
    is   A is read once, B once per column of folds; sums likewise
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.core.op import Op
from hwsim.targets.stdcell.core_kernels import attention_products, gates_of
from hwsim.targets.stdcell.systolic import OS, WS, array_cycles


@dataclass(frozen=True)
class Array:
    """Size of an array, what stays in it, bits of its sums."""

    rows: int
    cols: int
    dataflow: str
    operand_bits: int
    accumulator_bits: int


@dataclass(frozen=True)
class Product:
    """`times` products of [m, k] by [k, n]."""

    times: float
    m: int
    k: int
    n: int


@dataclass(frozen=True)
class Folds:
    """`folds` of `fold_cycles` and `drain_cycles` each; bytes at the buffer; results that leave. Of unlike products, cycles are means."""

    macs: float
    folds: float
    cycles: float
    drain: float
    read_bytes: float
    write_bytes: float
    outputs: float

    def __add__(self, other: Folds) -> Folds:
        return Folds(*(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    @property
    def parts(self) -> tuple[float, ...]:
        """All figures."""
        return (self.macs, self.folds, self.cycles, self.drain, self.read_bytes, self.write_bytes, self.outputs)


NOTHING = Folds(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def folds_of(array: Array, product: Product) -> Folds:
    """Folds, whole cycles (not per fold) and bytes of a product. Raises `InvalidTrace`."""
    m, k, n, times = product.m, product.k, product.n, product.times
    run = array_cycles(array.dataflow, array.rows, array.cols, m, k, n)
    sums = array.accumulator_bits / 8.0
    if array.dataflow == OS:
        read = m * k * -(-n // array.cols) + k * n * -(-m // array.rows)
        written, drain = float(m * n), float(run.folds * array.cols)
    else:
        deep = -(-k // array.rows)
        across = -(-(n if array.dataflow == WS else m) // array.cols)
        read = (k * n + m * k * across) if array.dataflow == WS else (m * k + k * n * across)
        read += int(m * n * (deep - 1) * sums)
        written, drain = m * n * (deep - 1) * sums + m * n, 0.0
    # the count of SCALE-Sim numbers cycles from 0; here all cycles are counted
    cycles = float(run.folds * run.fold_cycles)
    return Folds(*(times * part for part in (m * k * n, run.folds, cycles, drain, read, written, m * n)))


def products_of(op: Op) -> tuple[Product, ...]:
    """Matrix products that an operator consists of; none: it has none."""
    b = op.bounds
    if op.kind == "matmul":
        if b["ragged"]:
            return (Product(1, b["ragged"], b["k"], b["n"]),) if b["batch"] == 1 else ()
        return (Product(b["batch"], b["m"], b["k"], b["n"]),)
    if op.kind == "conv2d":
        n, k, high, wide = op.results[0]
        groups = b["groups"]
        return (Product(groups, n * high * wide, b["c"] // groups * b["r"] * b["s"], k // groups),)
    if op.kind == "attention":
        pairs, depth, _ = attention_products(op)
        heads = b["batch"] * b["heads"]
        seen = max(1, round(pairs / heads / b["q"]))  # positions that a query attends to on average
        return (Product(heads, b["q"], int(depth), seen), Product(heads, b["q"], seen, int(depth)))
    if op.kind in ("lstm", "gru"):
        back = b.get("projection_size", 0) or b["hidden_size"]
        cell = Product(b["steps"], b["batch"], b["input_size"] + back, gates_of(op) * b["hidden_size"])
        projection = b.get("projection_size", 0)
        return (cell, Product(b["steps"], b["batch"], b["hidden_size"], projection)) if projection else (cell,)
    return ()


def on_array(array: Array, op: Op) -> Folds | None:
    """What the products of `op` take on the array; None for an operator without products. Raises `InvalidTrace`."""
    products = products_of(op)
    total = NOTHING
    for product in products:
        total += folds_of(array, product)
    return total if products else None


def deepest(op: Op) -> int:
    """Products that are added in one accumulator, at most."""
    return max((p.k for p in products_of(op)), default=0)
