"""Stored matrices on arrays of R x C cells: slices, row and column parts, copies, and what is left of the arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.targets.crossbar.mapping import FrameOptions
from hwsim.targets.crossbar.stored import Stored


@dataclass(frozen=True)
class Geometry:
    """Arrays of `rows` x `columns` cells (0: as large as the matrix) of `cell_bits` bits; `polarity` 2 for weights on pairs of columns, else 1.

    `magnitude`: slices hold weight bits less the sign (pairs). `count` arrays in all, or None: as many as the graph needs. `packed`: small groups
    share an array, block-diagonally.
    """

    rows: int
    columns: int
    cell_bits: float
    polarity: int = 1
    magnitude: bool = False
    count: int | None = None
    packed: bool = True

    def place(self, matrix: Stored) -> Placed:
        """Lay a matrix out: ``ceil(M / R)`` row parts (of each block), ``ceil(N slices polarity / C)`` column parts."""
        slices = max(1, math.ceil((matrix.weight_bits - self.magnitude) / self.cell_bits))
        per_block = matrix.inputs // matrix.blocks
        wide = matrix.outputs * slices * self.polarity
        rows, columns = self.rows or per_block, self.columns or wide
        row_parts = matrix.blocks * -(-per_block // rows)
        column_parts = -(-wide // columns)
        arrays = row_parts * column_parts * matrix.groups
        if self.packed and row_parts == column_parts == 1 and matrix.groups > 1:
            together = max(1, min(rows // matrix.inputs, columns // wide))
            arrays = -(-matrix.groups // together)
        return Placed(slices, self.polarity, row_parts, column_parts, arrays, matrix.inputs * wide * matrix.groups, arrays * rows * columns)


@dataclass(frozen=True)
class Placed:
    """One copy of a matrix on `arrays` arrays: `used` of their `cells` cells hold weights."""

    slices: int
    polarity: int
    row_parts: int
    column_parts: int
    arrays: int
    used: int
    cells: int

    @property
    def utilisation(self) -> float:
        """Share of the cells that hold weights."""
        return self.used / self.cells


def copies(matrices: Sequence[Stored], arrays: Sequence[int], options: FrameOptions, count: int | None) -> list[int]:
    """Copies of each matrix. Vectors that wait for each other gain nothing from copies, nor do more copies than vectors.

    ``balanced``: the fewest input vectors per copy that `count` arrays allow, the same for all layers (ISAAC's rule). Raises `InvalidMapping`.
    """
    if options.duplication is None:
        return [1] * len(matrices)
    most = [1 if m.recurrent or m.written_share else m.vectors for m in matrices]
    if options.duplication != "balanced":
        return [min(m, options.duplication) for m in most]
    if count is None:
        raise InvalidMapping("duplication balanced shares out the arrays of a chip; this one has as many as needed: state a number")

    def at(vectors: int) -> list[int]:
        return [-(-m // vectors) for m in most]

    low, high = 1, max(most, default=1)
    while low < high:
        middle = (low + high) // 2
        if sum(n * a for n, a in zip(at(middle), arrays, strict=True)) <= count:
            high = middle
        else:
            low = middle + 1
    return at(low)


def residents(arrays: Mapping[str, int], count: int | None, reprogram: bool, chip: str) -> frozenset[str]:
    """Names of the weights, in order, that stay on `count` arrays. Raises `Infeasible` unless what does not fit may be written at each use."""
    needed = sum(arrays.values())
    if count is None or needed <= count:
        return frozenset(arrays)
    if not reprogram:
        levers: tuple[str, ...] = ("fewer weight bits", "a smaller network", "fewer copies (duplication)")
        if max(arrays.values()) <= count:
            levers += ("mapping option reprogram (weights written at each use)",)
        raise Infeasible(f"weights on {chip}", demand=needed, bound=count, unit="arrays", levers=levers)
    if (largest := max(arrays.values())) > count:
        raise Infeasible(f"the largest matrix on {chip}", demand=largest, bound=count, unit="arrays", levers=("fewer weight bits", "a smaller layer"))
    kept: list[str] = []
    free = count - max(arrays.values())  # room for any matrix that is written when it is used
    for name, size in arrays.items():
        if size <= free:
            kept.append(name)
            free -= size
    return frozenset(kept)
