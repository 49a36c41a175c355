"""The operator table: what every target builds from a graph, in one loop.

A target says what one operator is to it (`Encoder`); here equal operators are merged, executions counted, and what has no model is listed with its
share of the work.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Table

Fields = Mapping[str, Any]  # a number per column, a tuple (of tuples) for a column that is a vector (a matrix)
_STAGE = re.compile(r"^(prefill\.|decode\.\d+\.)?")


@dataclass(frozen=True)
class LeftOut:
    """An operator that is not priced, and why; `deliberate` when the mapping means to leave it out, otherwise it has no model."""

    reason: str
    deliberate: bool = False


Encoder = Callable[[int, Op], Fields | LeftOut]


@dataclass(frozen=True)
class OperatorTable:
    """The operator table of a graph.

    `rows` (distinct operators), `row_of` (the row of each operator, -1: it has none), `counts` (executions per row), `skipped` (one line per
    operator without a model: name, kind, reason, shares of MACs and bytes) and `left_out` (labels of those left out on purpose).
    """

    rows: Table
    row_of: tuple[int, ...]
    counts: NDArray[np.float64]
    skipped: tuple[str, ...]
    left_out: tuple[str, ...]


def operator_table(
    graph: Graph, fields: np.dtype[np.void], encode: Encoder, *, charge_skipped: bool = True, by_signature: bool = False
) -> OperatorTable:
    """Encode every operator with `encode(index, op)` and merge those of equal records. O(operators).

    The record gets the returned fields, and `macs` and `compulsory_bytes` where it has such columns. An operator without a model gets its
    `compulsory_bytes` only (a price function tells it by its other fields being 0), or with ``charge_skipped=False`` no row at all. `by_signature`
    keeps operators of unlike kind, label or bounds apart, so that reports list them one by one.
    """
    places = {name: i for i, name in enumerate(fields.names or ())}
    index: dict[tuple[object, tuple[Any, ...]], int] = {}
    counts: list[float] = []
    row_of: list[int] = []
    skipped: dict[tuple[object, ...], str] = {}
    left_out: set[str] = set()
    for at, op in enumerate(graph.ops):
        found = encode(at, op)
        if isinstance(found, LeftOut):
            if found.deliberate:
                left_out.add(op.label or op.name)
                row_of.append(-1)
                continue
            if op.signature not in skipped:
                skipped[op.signature] = share_of(op, graph, found.reason)
            if not charge_skipped:
                row_of.append(-1)
                continue
            found = {"macs": 0.0}
        own = {"macs": op.macs, "compulsory_bytes": op.compulsory_bytes, **found}
        values: list[Any] = [0.0] * len(places)
        for name, value in own.items():
            if name in places:
                values[places[name]] = value if isinstance(value, tuple) else float(value)
        record = tuple(values)
        row = index.setdefault((op.signature if by_signature else None, record), len(counts))
        if row == len(counts):
            counts.append(0.0)
        counts[row] += op.repeat
        row_of.append(row)
    rows = np.array([record for _, record in index], dtype=fields)
    return OperatorTable(rows, tuple(row_of), np.array(counts), tuple(skipped.values()), tuple(sorted(left_out)))


def share_of(op: Op, graph: Graph, reason: str) -> str:
    """One line about an operator without a model: its name, kind, the reason, and its share of the graph's MACs and bytes."""
    same = sum(o.repeat for o in graph.ops if o.signature == op.signature)
    macs, moved = graph.macs or 1, sum(o.compulsory_bytes * o.repeat for o in graph.ops)
    return f"{op.name} ({op.kind}: {reason}; {op.macs * same / macs:.1%} of the MACs, {op.compulsory_bytes * same / moved:.1%} of the bytes)"


def resident_bytes(graph: Graph) -> float:
    """Bytes that stay in memory: all weights, and each cache once at its longest (a generation names one per stage)."""
    caches: dict[str, float] = {}
    empty = {t for op in graph.ops if op.kind == "attention" and not op.phase and op["new"] == op["kv"] for t in op.inputs}
    for tensor in graph.tensors.values():
        if tensor.role == "kv_cache" and tensor.name not in empty:
            name = _STAGE.sub("", tensor.name)
            caches[name] = max(caches.get(name, 0.0), tensor.bytes)
    return graph.weight_bytes + sum(caches.values())
