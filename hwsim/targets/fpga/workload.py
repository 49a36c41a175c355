"""The trace that a primitive measures: its arguments are the keys of a trace workload."""

from __future__ import annotations

from hwsim.core.graph import Graph
from hwsim.core.target import Mapped
from hwsim.readers.load import graph_of_workload

TRACE_ARGUMENTS = dict.fromkeys((
    "trace", "phase", "prompt", "generate", "context", "batch", "dtype", "weight_dtype", "kv_dtype", "logits", "layers", "max_context",
    "input", "sequence", "width", "classes", "gops",
))  # fmt: skip


def graph_of(arguments: Mapped) -> Graph:
    """Return the graph that the trace keys among a primitive's arguments mean. Raises `InvalidTrace`."""
    return graph_of_workload({key: arguments[key] for key in TRACE_ARGUMENTS if arguments.get(key) is not None})
