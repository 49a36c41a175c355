"""Work that several cores share: operators on the first core, which take its time, and their twins on other cores at the same time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op

MARK = "#beside"  # of the twins' names
Times = Callable[[Op], int]


def is_beside(op: Op) -> bool:
    """Tell whether an operator runs on another core."""
    return bool(op.attrs.get("beside"))


def dealt_graph(graph: Graph, first: Times, others: Times) -> Graph:
    """Return the graph with `first` executions of every operator on the first core and `others` on other cores (attribute ``beside``).

    Operators without any are dropped; they must not be read by ones that run.
    """
    ops: list[Op] = []
    tensors: dict[str, Tensor] = {}
    for times, mark, missing in ((first, "", MARK), (others, MARK, "")):
        for op in graph.ops:
            if not times(op):
                continue
            names = []
            for name in op.inputs:
                maker = graph.ops[graph.producers[name]] if name in graph.producers else None
                names.append(name if maker is None else name + (mark if times(maker) else missing))
                tensors[names[-1]] = graph.tensors[name].twin(names[-1])
            outputs = tuple(name + mark for name in op.outputs)
            tensors |= {made: graph.tensors[name].twin(made) for name, made in zip(op.outputs, outputs, strict=True)}
            twin = op.twin(op.name + mark, tuple(names), outputs, op.layer)
            ops.append(replace(twin, repeat=op.repeat * times(op), attrs={**op.attrs, "beside": 1} if mark else op.attrs))
    return replace(graph, ops=tuple(ops), tensors=tensors)
