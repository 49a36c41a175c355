"""Graphs in the formats of other tools: what `hwsim export` writes.

Execution traces of Chakra are written, not read: their nodes state operations and bytes, not the loop bounds that an operator here is priced by.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hwsim.core.errors import HwsimError, nearest
from hwsim.core.graph import Graph
from hwsim.readers.scalesim import gemm_rows, topology_csv
from hwsim.readers.timeloop import problems
from hwsim.readers.trace import trace_text

__all__ = ["export_text"]

COLLECTIVES = {"allreduce": 0, "reduce": 1, "broadcast": 5}  # ALL_REDUCE, REDUCE, BROADCAST of the schema's CollectiveCommType


def export_text(graph: Graph, form: str) -> str:
    """Return a graph in a format of `FORMATS`. Raises `HwsimError` for an unknown one and for a graph that the format cannot hold.

    >>> from hwsim.readers.load import graph_of_workload
    >>> print(export_text(graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"}), "gemm"))
    name,m,k,n...
    """
    if form not in FORMATS:
        raise HwsimError(f"unknown format '{form}'{nearest(form, FORMATS)}; known: {', '.join(FORMATS)}")
    return FORMATS[form](graph)


def gemm_csv(graph: Graph) -> str:
    """Matrix multiplications (name, m, k, n, count) as `hwsim.readers.gemm_csv` reads them; convolutions too (im2col)."""
    found: dict[tuple[int, int, int, str], list[Any]] = {}
    for op in graph.ops:
        for name, m, n, k in gemm_rows(op):
            found.setdefault((m, k, n, op.dtype), [name, 0])[1] += 1
    if not found:
        raise HwsimError(f"graph '{graph.name}' has no convolution or product")
    rows = [f"{name},{m},{k},{n},{form},{count}" for (m, k, n, form), (name, count) in found.items()]
    return "\n".join(["name,m,k,n,dtype,count", *rows]) + "\n"


def chakra(graph: Graph) -> str:
    """Nodes of a Chakra execution trace in the JSON form of its protobuf: computations with their operations and bytes, collectives with theirs.

    Source: github.com/mlcommons/chakra, schema/protobuf/et_def.proto (messages Node, AttributeProto), as its et_jsonizer prints them
    (64-bit numbers as text). No package index carries that schema: names and numbers of fields are transcribed.
    """
    nodes = []
    for i, op in enumerate(graph.ops):
        moved = int(op.compulsory_bytes)
        kind = COLLECTIVES.get(op.kind)
        facts: list[tuple[str, str, Any]] = [("is_cpu_op", "boolVal", False)]
        if kind is not None:
            facts += [("comm_type", "int64Val", str(kind)), ("comm_size", "int64Val", str(int(op.input_bytes)))]
        else:
            facts += [("num_ops", "int64Val", str((2 * op.macs + op.elementary) * op.repeat)), ("tensor_size", "uint64Val", str(moved * op.repeat))]
        nodes.append({
            "id": str(i), "name": op.name, "type": "COMM_COLL_NODE" if kind is not None else "COMP_NODE",
            "dataDeps": [str(p) for p in graph.predecessors[i]],
            "attr": [{"name": name, field: value} for name, field, value in facts],
        })  # fmt: skip
    return json.dumps({"metadata": {"version": "0.0.4"}, "nodes": nodes}, indent=1) + "\n"


def _timeloop(graph: Graph) -> str:
    if not (found := problems(graph)):
        raise HwsimError(f"graph '{graph.name}' has no convolution or product")
    return json.dumps(found[0] if len(found) == 1 else found, indent=1) + "\n"  # JSON is YAML


FORMATS: dict[str, Callable[[Graph], str]] = {
    "trace": trace_text, "gemm": gemm_csv, "scalesim": topology_csv, "scalesim-gemm": lambda graph: topology_csv(graph, gemm=True),
    "timeloop": _timeloop, "chakra": chakra,
}  # fmt: skip
