"""The family of NeuroSim's chip: sized for its network, by the floor plan of its layers."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields, LeftOut, operator_table
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.operators import conv_output
from hwsim.targets.crossbar import layout
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.family import Family, Plan
from hwsim.targets.crossbar.fold import folded
from hwsim.targets.crossbar.lowering import lowered
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.neurosim.components import PARTS, area_mm2, static_w
from hwsim.targets.crossbar.neurosim.floor_plan import Layer, floor_plan
from hwsim.targets.crossbar.neurosim.primitives import PRIMITIVES
from hwsim.targets.crossbar.neurosim.spec import ADC_CODES, CODE
from hwsim.targets.crossbar.plan import digital_fields
from hwsim.targets.crossbar.stored import Stored, stored_matrix

UNITS = frozenset({"elementwise", "pool"})
ASSUMPTIONS = (
    "layers run one after another, on one synchronous clock; arrays, converters and buses are as many as the network needs",
    "copies of a layer share positions, or the bits of one; biases are added at no cost",
    "activations and pools take time, and no energy of their own",
    "statistics of the data are those of random weights and half-zero random activations; spikes have the rate that they state",
)
FOLDED = "affine passes after a product are part of its weights"
VALID = "positions that padding adds are not processed (positions: padded to process them); operations count them"


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out by the floor plan of its layers."""
    steps = lowered(graph)
    found = {op.name: _stored(op, options, chip) for op in steps.ops}
    geometry = Geometry(int(chip.number("array_rows")), int(chip.number("array_columns")), chip.number("cell_bits"))
    layers = {op.name: (op, m) for op in steps.ops if isinstance(m := found[op.name], Stored)}
    laid = floor_plan(layers, geometry, options.frame.conv_mapping)
    valid = chip.text("positions") == "valid"
    affine = folded(steps)
    sources = {name: op for op in steps.ops for name in op.outputs}
    shares: dict[str, float] = {}

    def encode(_: int, op: Op) -> Fields | LeftOut:
        held = op.weight_bytes if op.operand_role == "weight" else 0.0
        moved = {"weight_bytes": held, "input_bytes": op.input_bytes, "output_bytes": op.output_bytes}
        matrix = found[op.name]
        if isinstance(matrix, LeftOut):
            return matrix
        if matrix is not None:
            positions = _positions(op, matrix) if valid else matrix.vectors
            shares[op.name] = positions / matrix.vectors
            return {**moved, **_matrix_fields(matrix), **laid[op.name].fields(positions)}
        own: dict[str, float] | LeftOut = {"kind": layout.MOVE} if op.name in affine else digital_fields(op, UNITS)
        source = sources.get(op.inputs[0]) if op.inputs else None
        shares[op.name] = shares.get(source.name, 1.0) if source is not None else 1.0
        return own if isinstance(own, LeftOut) else {**moved, **own, "valid_share": shares[op.name]}

    table = operator_table(steps, layout.OP_DTYPE, encode)
    own_tiles = list({op.inputs[1]: laid[name] for name, (op, _) in layers.items()}.values())  # products that share weights share tiles
    numbers = _numbers(own_tiles, chip)
    held = sum(layer.used_cells for layer in own_tiles)
    cells = numbers["arrays_used"] * geometry.rows * geometry.columns
    stated = {"tiles": {n: layer.tiles for n, layer in laid.items()}, "copies": {n: layer.copies for n, layer in laid.items()}}
    figures = {"arrays": numbers["arrays_used"], "tiles": numbers["tiles_used"], "cell_utilisation": held / cells if cells else 0.0}
    notes = (*ASSUMPTIONS, *((VALID,) if valid else ()), *((FOLDED,) if affine else ()))
    return Plan(steps, table, {**numbers, "cells_used": float(held)}, stated, figures, assumptions=notes)


def _matrix_fields(m: Stored) -> dict[str, float]:
    return {
        "kind": layout.MATRIX, "inputs": m.inputs, "outputs": m.outputs, "groups": m.groups, "active": m.active, "vectors": m.vectors,
        "recurrent": float(m.recurrent), "input_bits": m.input_bits, "weight_bits": m.weight_bits, "output_bits": m.output_bits,
        "input_activity": m.input_activity,
    }  # fmt: skip


def _stored(op: Op, options: Options, chip: Chip) -> Stored | LeftOut | None:
    """The stored matrix of an operator, or why it cannot be one here."""
    matrix = stored_matrix(op, options.frame)
    if not isinstance(matrix, Stored):
        return matrix
    if matrix.written_share:
        return LeftOut(f"its second operand must be written into cells, and chip '{chip.name}' states no time or energy of writing")
    if matrix.active != matrix.groups:
        return LeftOut("products that choose among weights")
    if matrix.weight_bits > (most := chip.number("weight_bits_most")):
        return LeftOut(f"weights of {matrix.weight_bits:g} bits; adders behind the converters take {most:g} at most: state a narrower weight_dtype")
    return matrix


def _positions(op: Op, matrix: Stored) -> int:
    """Input vectors of a convolution whose window lies inside the image; all vectors of another product."""
    if op.kind != "conv2d":
        return matrix.vectors
    bare = {**op.bounds, "pad": 0, "same": 0}
    inside = max(1, conv_output(op["h"], op["r"], bare)) * max(1, conv_output(op["w"], op["s"], bare))
    every = conv_output(op["h"], op["r"], op.bounds) * conv_output(op["w"], op["s"], op.bounds)
    return matrix.vectors * min(inside, every) // every


def _numbers(layers: Sequence[Layer], chip: Chip) -> dict[str, float]:
    arrays = float(sum(layer.tiles * layer.tile_arrays for layer in layers))
    per_array = -(-chip.number("array_columns") // chip.number("columns_per_adc"))
    return {
        "arrays_used": arrays, "tiles_used": float(sum(layer.tiles for layer in layers)), "converters_used": arrays * per_array,
        "ns_adc": ADC_CODES[chip.text("adc")],
    }  # fmt: skip


FAMILY = Family(
    name="neurosim", code=CODE, about="a chip laid out for its network, one synchronous clock, one layer after another", plan=plan,
    area_mm2=area_mm2, static_w=static_w, options=frozenset({"conv_mapping"}),
    structural=frozenset({"array_rows", "array_columns", "cell_bits", "columns_per_adc", "weight_bits_most"}), primitives=PRIMITIVES,
    parts=PARTS,
)  # fmt: skip
