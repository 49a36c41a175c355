"""Programs made of plain numbers: operators with given predecessors, and slots on three resources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from hwsim.core.chip import Chip
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.program import Program, Slot

SLOTS = (
    Slot("load", "cycles", "link", 0), Slot("fetch", "cycles", "memory", 0), Slot("compute", "cycles", "array", 1),
    Slot("store", "cycles", "link", 2), Slot("mac", "joules"), Slot("moved", "bytes", "memory"), Slot("peak", "roofline"), Slot("choice", "note"),
)  # fmt: skip
CYCLES = 4
RESOURCES = {"link": 1, "memory": 1, "array": 1}


def graph_of(predecessors: Sequence[Sequence[int]], repeats: Sequence[int] = (), **meta: Any) -> Graph:
    """One elementwise operator per entry, reading the results of the operators whose indices it lists (or the graph's input)."""
    builder = GraphBuilder()
    x = builder.tensor("x", (1, 4), role="input")
    made: list[str] = []
    for i, before in enumerate(predecessors):
        inputs = [made[j] for j in before] or [x]
        repeat = repeats[i] if repeats else 1
        made.append(builder.op("elementwise", f"op{i}", inputs, function="add", rows=1, cols=4, operands=len(inputs), repeat=repeat))
    return builder.graph(trace="toy", **meta)


def program_of(graph: Graph, *, serial: bool = False, resources: Mapping[str, int] = RESOURCES, rows: Sequence[int] = (), **rest: Any) -> Program:
    """A program on a made-up chip; without `rows` each operator has a row of its own."""
    row_of = tuple(rows) or tuple(range(len(graph.ops)))
    counts = np.zeros(max(row_of) + 1)
    for op, row in zip(graph.ops, row_of, strict=True):
        if row >= 0:
            counts[row] += op.repeat
    fields: dict[str, Any] = {
        "chip": Chip("toy", "fake", {}), "graph": graph, "mapping": {"lanes": 1}, "rows": np.zeros(len(counts), [("x", float)]), "row_of": row_of,
        "counts": counts, "params": np.zeros(1, [("clock_hz", float)]), "slots": SLOTS, "resources": resources, "clock_hz": 1e9,
        "static_power_w": {"idle": 2.0}, "area_mm2": {"array": 3.0, "rest": 1.0}, "serial": serial,
    }  # fmt: skip
    return Program(**{**fields, **rest})


def values_of(cycles: Sequence[Sequence[float]], *, moved: float = 1e3) -> np.ndarray:
    """Slot values (rows, slots) with the given cycles, one joule and enough bytes a row."""
    values = np.zeros((len(cycles), len(SLOTS)))
    values[:, :CYCLES] = cycles
    values[:, 4], values[:, 5] = 1.0, moved
    return values


@st.composite
def branched(draw: st.DrawFn, most: int = 12) -> tuple[Program, np.ndarray]:
    """A branched program with up to three servers a resource, and its slot values in whole cycles."""
    n = draw(st.integers(1, most))
    predecessors = [draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True)) if i else [] for i in range(n)]
    repeats = draw(st.lists(st.integers(1, 3), min_size=n, max_size=n))
    resources = {name: draw(st.integers(1, 3)) for name in RESOURCES}
    cycles = draw(st.lists(st.lists(st.integers(0, 9), min_size=CYCLES, max_size=CYCLES), min_size=n, max_size=n))
    return program_of(graph_of(predecessors, repeats), resources=resources), values_of(cycles)
