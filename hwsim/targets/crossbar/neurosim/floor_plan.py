"""The floor plan: layers on processing elements, elements in tiles, copies where a tile has room.

A convolution whose channels fill an array puts each of its kernel positions in an element of its own (kernel-shifted mapping); other layers unroll
their inputs on the rows. An element is the smallest power of two of arrays on a side, at least two, that holds the channels of the deepest
kernel-shifted layer. A tile is one element per kernel position, or 2 x 2 elements. A layer that leaves rows or columns of its tile free is
copied into them. No two layers share a tile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hwsim.core.op import Op
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.stored import Stored

TILE_ELEMENTS = 2  # elements on a side of a tile without kernel-shifted mapping
LEAST_SIDE, MOST_SIDE = 2, 4  # arrays on a side of an element; the most where no layer is kernel-shifted


@dataclass(frozen=True)
class Layer:
    """One matrix on the chip: `copies` of it, each on `rows` x `columns` arrays per kernel position, on `tiles` tiles of `element_side` arrays."""

    matrix: Stored
    slices: int
    rows: int
    columns: int
    novel: bool
    kernel_side: int
    tiles: int
    copies: int
    element_side: int
    tile_arrays: int
    geometry: Geometry

    @property
    def kernel(self) -> int:
        """Elements that one copy takes of a tile of kernel-shifted layers; 1 otherwise."""
        return self.matrix.blocks if self.novel else 1

    @property
    def used_cells(self) -> int:
        """Cells that hold weights, copies included."""
        return self.matrix.weights * self.slices * self.copies

    def fields(self, positions: int) -> dict[str, float]:
        """Columns of the operator table."""
        m, g = self.matrix, self.geometry
        per_block = m.inputs // self.kernel
        side = self.element_side if self.novel else TILE_ELEMENTS * self.element_side
        arrays = self.rows * self.columns * self.kernel * m.groups
        row_tiles = -(-self.rows // side)
        inside = min(self.rows, self.element_side)
        meeting = self.kernel if self.novel else -(-min(self.rows, side) // self.element_side)
        return {
            "positions": positions, "novel": float(self.novel), "kernel_side": self.kernel_side,
            "tile_inputs": min(per_block, side * g.rows) if self.novel else min(self.rows, side) * g.rows,
            "chip_inputs": (per_block * self.kernel_side if self.novel else m.inputs) * m.active, "shifts": float(self.kernel if self.novel else 0),
            "element_outputs": min(m.outputs, self.element_side * g.columns // self.slices), "array_count": arrays,
            "array_inputs": m.inputs * self.columns * m.groups, "array_outputs": self.rows * self.kernel * m.outputs * m.groups,
            "columns_on": self.rows * self.kernel * m.outputs * self.slices * m.groups, "row_fill": per_block / self.rows,
            "element_adders": math.ceil(math.log2(inside)), "tile_adders": math.ceil(math.log2(meeting)),
            "chip_adders": math.ceil(math.log2(row_tiles)), "chip_parts": row_tiles, "tiles": self.tiles,
            "slices": self.slices, "row_parts": self.rows * self.kernel, "column_parts": self.columns, "polarity": 1, "arrays": arrays,
            "utilisation": m.inputs * m.outputs * self.slices * m.groups / (arrays * g.rows * g.columns), "duplication": self.copies,
            "rounds": -(-positions // self.copies),
        }  # fmt: skip


def power_of_two(count: int) -> int:
    """The smallest power of two that is at least `count`."""
    return 1 << max(0, count - 1).bit_length()


def is_novel(op: Op, matrix: Stored, geometry: Geometry, asked: str | None) -> bool:
    """True when a convolution puts its kernel positions on elements of their own."""
    if op.kind != "conv2d" or op["r"] * op["s"] == 1 or matrix.groups > 1 or asked == "im2col":
        return False
    return asked == "kernel_shifted" or op["c"] >= geometry.rows


def floor_plan(layers: Mapping[str, tuple[Op, Stored]], geometry: Geometry, asked: str | None) -> dict[str, Layer]:
    """Lay every matrix out. O(layers)."""
    novel = {name: is_novel(op, matrix, geometry, asked) for name, (op, matrix) in layers.items()}
    depth = max((-(-op["c"] // geometry.rows) for name, (op, _) in layers.items() if novel[name]), default=0)
    side = max(LEAST_SIDE, power_of_two(depth))
    elements = max((op["r"] * op["s"] for name, (op, _) in layers.items() if novel[name]), default=1)
    if not depth:
        side = _side(layers, geometry)
    return {name: _laid(op, matrix, geometry, novel[name], side, elements) for name, (op, matrix) in layers.items()}


def _side(layers: Mapping[str, tuple[Op, Stored]], geometry: Geometry) -> int:
    """Arrays on a side of an element where no layer is kernel-shifted: half of what holds the tallest matrix, within limits."""
    tallest = max((-(-matrix.inputs // geometry.rows) for _, matrix in layers.values()), default=1)
    return min(MOST_SIDE, max(LEAST_SIDE, power_of_two(tallest) // TILE_ELEMENTS))


def _laid(op: Op, matrix: Stored, geometry: Geometry, novel: bool, element: int, elements: int) -> Layer:
    slices = math.ceil(matrix.weight_bits / geometry.cell_bits)
    columns = -(-matrix.outputs * slices // geometry.columns)
    side = element if novel else TILE_ELEMENTS * element
    per_block = op["c"] if novel else matrix.inputs
    rows = -(-per_block // geometry.rows)
    arrays = side * side * elements if novel else side * side
    blocks = op["r"] * op["s"] if novel else 1
    held = replace(matrix, blocks=blocks)
    if matrix.groups > 1:
        tiles = -(-matrix.groups // ((side // rows) * (side // columns))) if rows <= side and columns <= side else (
            matrix.groups * -(-rows // side) * -(-columns // side))  # fmt: skip
        return Layer(held, slices, rows, columns, novel, 1, tiles, 1, element, arrays, geometry)
    tiles = -(-rows // side) * -(-columns // side)
    copies = max(1, side // rows) * max(1, side // columns)
    return Layer(held, slices, rows, columns, novel, op["r"] if novel else 1, tiles, copies, element, arrays, geometry)
