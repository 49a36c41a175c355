"""The plan that most families take over: stored matrices on arrays of one shape, digital work on their own units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut, operator_table
from hwsim.core.errors import InvalidMapping, MissingParameter
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.operators import ACTIVATIONS
from hwsim.core.operators_spiking import spikes_of
from hwsim.targets.crossbar import layout
from hwsim.targets.crossbar.arrays import Geometry, Placed, copies, residents
from hwsim.targets.crossbar.family import Plan
from hwsim.targets.crossbar.fold import folded
from hwsim.targets.crossbar.lowering import ACTIVATIONS_PER_UNIT, CELL, lowered
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.stored import Stored, stored_matrix

DIGITAL_WORK = {  # kinds of work beside the arrays, by the code in the operator table
    "elementwise": layout.ELEMENTWISE, "pool": layout.POOL, "softmax": layout.SOFTMAX, "norm": layout.NORM, "rope": layout.ROPE,
    "lif": layout.NEURON,
}  # fmt: skip
MOVES = frozenset({"concat", "embedding"})  # data that is only gathered
WRITES = ("write_row_s", "write_cell_j", "write_arrays_at_once")
Extra = Callable[[Op, Stored | None], Fields | LeftOut]


def no_more(op: Op, matrix: Stored | None) -> Fields | LeftOut:
    """No columns of the family's own."""
    return {}


def anything(op: Op, matrix: Stored) -> str:
    """A family that takes every stored matrix; otherwise the reason why one cannot run."""
    return ""


@dataclass(frozen=True)
class Laid:
    """A matrix on the chip: one copy of it, how many copies, and the cells and rows that each execution writes."""

    matrix: Stored
    placed: Placed
    copies: int
    write_rows: float = 0.0
    write_cells: float = 0.0

    @property
    def fields(self) -> dict[str, float]:
        """Its columns of the operator table."""
        m, at = self.matrix, self.placed
        return {
            "kind": layout.MATRIX, "inputs": m.inputs, "outputs": m.outputs, "groups": m.groups, "active": m.active, "vectors": m.vectors,
            "blocks": m.blocks, "recurrent": float(m.recurrent), "input_bits": m.input_bits, "weight_bits": m.weight_bits,
            "output_bits": m.output_bits, "input_activity": m.input_activity, "slices": at.slices, "polarity": at.polarity,
            "row_parts": at.row_parts, "column_parts": at.column_parts, "arrays": at.arrays, "utilisation": at.utilisation,
            "duplication": self.copies, "rounds": -(-m.vectors // self.copies), "write_rows": self.write_rows, "write_cells": self.write_cells,
        }  # fmt: skip


SIZES: tuple[Callable[[Laid], int], ...] = (lambda x: x.placed.used, lambda x: x.placed.cells, lambda x: x.placed.arrays)


@dataclass(frozen=True)
class Rules:
    """How a family takes a graph: the arrays' `geometry`, its own columns (`extra`, which may leave an operator out), what it refuses.

    `digital`: kinds of work that it has units for. `outside`: kinds that a part beyond the boundary does, in no time or energy here, with a warning.
    """

    geometry: Geometry
    digital: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    extra: Extra = no_more
    refuses: Callable[[Op, Stored], str] = anything
    assumptions: tuple[str, ...] = field(default_factory=tuple)


def stored_plan(graph: Graph, options: Options, chip: Chip, rules: Rules) -> Plan:
    """Lower the graph, place its matrices, and encode every operator. Raises `Infeasible`, `InvalidMapping`."""
    steps = lowered(graph)
    matrices = {op.name: stored_matrix(op, options.frame) for op in steps.ops}
    for op in steps.ops:
        if isinstance(matrix := matrices[op.name], Stored) and (reason := _refused(op, matrix, chip, rules)):
            matrices[op.name] = LeftOut(reason)
    affine = folded(steps)
    held_by = {op.name: op.inputs[1] for op in steps.ops if isinstance(m := matrices[op.name], Stored) and not m.written_share}
    laid, warnings = _laid_out({n: m for n, m in matrices.items() if isinstance(m, Stored)}, held_by, options, chip, rules.geometry)

    def encode(_: int, op: Op) -> Fields | LeftOut:
        found = matrices[op.name]
        if isinstance(found, LeftOut):
            return found
        moved = operand_bytes(op)
        own: dict[str, float] | LeftOut
        if found is not None:
            own = laid[op.name].fields
        else:
            own = {"kind": layout.MOVE} if op.kind in rules.outside or op.name in affine else digital_fields(op, rules.digital)
        more = own if isinstance(own, LeftOut) else rules.extra(op, found)
        return more if isinstance(own, LeftOut) or isinstance(more, LeftOut) else {**moved, **own, **more}

    if beyond := sorted({op.kind for op in steps.ops if op.kind in rules.outside and op.name not in affine}):
        warnings = (*warnings, f"not in time or energy, a part beyond the {chip.text('boundary')} does it: {', '.join(beyond)}")
    own_arrays = list({held_by.get(n, n): x for n, x in laid.items()}.values())  # products that share weights share arrays
    used, cells, arrays = (float(sum(size(x) * x.copies for x in own_arrays)) for size in SIZES)
    if rules.geometry.count is not None:
        arrays = min(arrays, float(rules.geometry.count))
    figures = {"arrays": arrays, "cell_utilisation": used / cells if cells else 0.0}
    made = {n: x.copies for n, x in laid.items() if x.copies > 1}
    notes = (*rules.assumptions, *_notes(laid), *(("affine passes after a product are part of its weights",) if affine else ()))
    return Plan(steps, operator_table(steps, layout.OP_DTYPE, encode), {"arrays_used": arrays, "cells_used": used},
                {"copies": made} if made else {}, figures, assumptions=notes, warnings=warnings)  # fmt: skip


def operand_bytes(op: Op) -> dict[str, float]:
    """Bytes of weights, and of inputs and results over all timesteps; spikes are bits."""
    found = spikes_of(op)
    width = 1.0 / dtype(op.dtype).bits if found.spiking else 1.0
    steps = found.timesteps * found.levels
    return {"weight_bytes": op.weight_bytes, "input_bytes": op.input_bytes * steps * width, "output_bytes": op.output_bytes * steps}


def digital_fields(op: Op, units: frozenset[str]) -> dict[str, float] | LeftOut:
    """Columns of work beside the arrays: elements and elementary operations of `units`' kinds, or data that only moves."""
    if op.kind in MOVES:
        return {"kind": layout.MOVE}
    if op.kind not in units or op.kind not in DIGITAL_WORK:
        return LeftOut("the chip has no unit for it")
    steps = spikes_of(op).timesteps
    elements = float(math.prod(op.results[0]) * steps)
    found = {"kind": layout.DIGITAL, "elements": elements, "rounds": 1.0}
    if CELL in op.attrs:
        count, functions = float(op.attrs[CELL]), float(op.attrs[ACTIVATIONS_PER_UNIT])
        return {**found, "work": layout.CELL, "rounds": float(op["rows"]), "operations": elements * count, "activations": elements * functions}
    evaluated = elements if op.function in ACTIVATIONS else 0.0
    return {**found, "work": DIGITAL_WORK[op.kind], "operations": float(op.elementary * steps), "activations": evaluated}


def _refused(op: Op, matrix: Stored, chip: Chip, rules: Rules) -> str:
    missing = [name for name in WRITES if name not in chip.params]
    if matrix.written_share and missing:
        return f"its second operand must be written into cells, and chip '{chip.name}' states no {', '.join(missing)}"
    return rules.refuses(op, matrix)


def _laid_out(
    matrices: Mapping[str, Stored], held_by: Mapping[str, str], options: Options, chip: Chip, geometry: Geometry
) -> tuple[dict[str, Laid], tuple[str, ...]]:
    """Place every matrix and make its copies; weights that do not stay are written at each use, and a warning says so.

    `held_by` names the weights of each product. Raises `Infeasible`, `InvalidMapping`, `MissingParameter` (no write constants).
    """
    placed = {n: geometry.place(m) for n, m in matrices.items()}
    sizes = {held_by.get(n, n): at.arrays for n, at in placed.items()}
    fits = geometry.count is None or sum(sizes.values()) <= geometry.count
    if not fits and options.frame.reprogram and options.frame.duplication is not None:
        raise InvalidMapping("duplication copies weights, and not even one copy of each fits: leave it out with reprogram")
    names = list(matrices)
    wanted = copies([matrices[n] for n in names], [placed[n].arrays for n in names], options.frame, geometry.count) if fits else [1] * len(names)
    made = dict(zip(names, wanted, strict=True))
    for n in names:
        sizes[held_by.get(n, n)] = max(sizes[held_by.get(n, n)], made[n] * placed[n].arrays)
    stay = residents(sizes, geometry.count, bool(options.frame.reprogram), chip.name) if names else frozenset()
    swapped = [n for n in names if held_by.get(n, n) not in stay]
    if swapped and (missing := [name for name in WRITES if name not in chip.params]):
        raise MissingParameter(missing[0], chip.name, chip.params)
    laid: dict[str, Laid] = {}
    for n in names:
        share = 1.0 if n in swapped else matrices[n].written_share
        rows = matrices[n].inputs * placed[n].column_parts * matrices[n].groups
        laid[n] = Laid(matrices[n], placed[n], made[n], share * rows * made[n], share * placed[n].used * made[n])
    return laid, _warnings(matrices, swapped)


def _warnings(matrices: Mapping[str, Stored], swapped: Sequence[str]) -> tuple[str, ...]:
    found = []
    if swapped:
        first = ", ".join(swapped[:5]) + (" and more" if len(swapped) > 5 else "")
        found.append(f"{len(swapped)} of {len(matrices)} matrices do not fit and are written at each use: {first}")
    if dynamic := [n for n in matrices if matrices[n].written_share]:
        found.append(f"operands that are no weights are written into cells at each use ({len(dynamic)} products): crossbars suit this badly")
    return tuple(found)


def _notes(laid: Mapping[str, Laid]) -> tuple[str, ...]:
    notes = ["biases of products and convolutions are added digitally, at no cost; an LSTM's bias takes the rows that it states"]
    if any(x.matrix.groups > 1 and x.placed.arrays < x.matrix.groups * x.placed.row_parts * x.placed.column_parts for x in laid.values()):
        notes.append("small groups share arrays, block-diagonally")
    return tuple(notes)
