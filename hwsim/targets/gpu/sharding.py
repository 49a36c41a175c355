"""Tensor parallelism: which tensors are split over the GPUs, and the all-reduces that follow from it.

A product of a replicated input with weights is split by columns (its result is split); one of a split input is split by rows and its partial sums
are all-reduced; everything between works on its share. In a decoder layer that gives the usual two all-reduces.
"""

from __future__ import annotations

from dataclasses import replace

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op

REPLICATED, SPLIT, COLUMNS, ROWS = 0, 1, 2, 3


def shardings(graph: Graph) -> tuple[int, ...]:
    """Return how each operator is spread over the GPUs: `REPLICATED`, `SPLIT` (by heads, rows or features), `COLUMNS` or `ROWS`. O(operators)."""
    split: set[str] = set()
    found = []
    alone = len(graph.ops) == 1
    for op in graph.ops:
        parted = any(t in split for t in op.inputs)
        if op.kind == "matmul" and op.operand_role == "weight":
            how = ROWS if parted or alone else COLUMNS
        elif op.kind == "allreduce":
            how = REPLICATED
        else:
            how = SPLIT if parted or (op.kind == "attention" and alone) else REPLICATED
        if how in (SPLIT, COLUMNS):
            split.update(op.outputs)
        found.append(how)
    return tuple(found)


def with_allreduces(graph: Graph, parted: tuple[int, ...]) -> Graph:
    """Return the graph with an all-reduce behind every product that `parted` splits by rows; its readers read the sum. O(operators)."""
    renamed: dict[str, str] = {}
    ops: list[Op] = []
    tensors = dict(graph.tensors)
    templates: dict[tuple[object, ...], Op] = {}
    for op, how in zip(graph.ops, parted, strict=True):
        here = op
        if any(t in renamed for t in op.inputs):
            here = op.twin(op.name, tuple(renamed.get(t, t) for t in op.inputs), op.outputs, op.layer)
        ops.append(here)
        if how != ROWS:
            continue
        partial = tensors[op.outputs[0]]
        total = f"{partial.name}.sum"
        renamed[partial.name] = total
        tensors[total] = Tensor(total, partial.shape, partial.dtype)
        key = (partial.elements, op.dtype, op.phase, op.repeat)
        if key not in templates:
            templates[key] = Op(total, "allreduce", {"elements": partial.elements}, dtype=op.dtype, function="sum", phase=op.phase, repeat=op.repeat)
        ops.append(templates[key].twin(f"{op.name}.allreduce", (partial.name,), (total,), op.layer))
    return replace(graph, ops=tuple(ops), tensors=tensors)
