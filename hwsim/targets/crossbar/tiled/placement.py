"""Where the parts of a matrix lie: row parts of the same columns together, so that partial sums are added in their unit or tile.

A tile holds whole stacks of row parts as far as they fit; every tile with columns of a matrix receives and reads the inputs of all its rows.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.tiled.timing import arrays_per_tile


@part
def stack_tiles(op: Any, p: Any) -> float:
    """Tiles that the row parts of one column part lie on."""
    return float(math.ceil(op.row_parts / arrays_per_tile(p)))


@part
def column_tiles(op: Any, p: Any) -> float:
    """Tiles among which the column parts of one copy are divided."""
    together = max(1.0, math.floor(arrays_per_tile(p) / op.row_parts))
    return float(math.ceil(op.column_parts / together))


@part
def copy_tiles(op: Any, p: Any) -> float:
    """Tiles that one copy lies on."""
    return float(max(math.ceil(op.arrays / arrays_per_tile(p)), stack_tiles(op, p) * column_tiles(op, p)))


@part
def copies_together(op: Any, p: Any) -> float:
    """Copies in one tile, which share its memory and adders."""
    return float(min(op.duplication, max(1.0, math.floor(arrays_per_tile(p) / op.arrays))))


@part
def row_parts_of_unit(p: Any) -> float:
    """Row parts whose sums a unit adds up itself: as many as its drivers have rows for (1 where its arrays hold slices of the same rows)."""
    return float(max(1.0, math.floor(p.dac_count / p.array_rows)))


@part
def partial_sums(op: Any, p: Any) -> float:
    """Additions of partial sums outside the units, for one vector."""
    return float(op.active * op.outputs * (math.ceil(op.row_parts / row_parts_of_unit(p)) - 1.0))


@part
def mesh_bits(op: Any, p: Any) -> float:
    """Bits that the mesh carries in one execution: inputs to every tile that holds columns, partial sums from the further tiles of a stack."""
    sums = op.vectors * op.active * op.outputs * op.output_bits * (stack_tiles(op, p) - 1.0)
    return float(8.0 * op.input_bytes * column_tiles(op, p) + sums)
