"""From a graph to the operator table: the fields of every operator, barriers or launches around it, and where its tensors live."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from hwsim.core.encoding import Fields, LeftOut, OperatorTable, operator_table
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore import products
from hwsim.targets.manycore.gemm import power_of_two
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.mapping import PRODUCTS
from hwsim.targets.manycore.residency import Residency, place
from hwsim.targets.manycore.simd import FUNCTIONS, conversion, vector_fields
from hwsim.targets.manycore.trees import tree_levels
from hwsim.targets.manycore.vectors import PASSES, read_bytes, vector_pass

COLLECTIVES = {"reduce": 1, "broadcast": 1, "allreduce": 2}  # ways through the tree
MESSAGE_REGISTERS = 32  # vector registers that one TensorSend moves at most
UNFUSED_KERNELS = 6  # of one attention: store k, store v, scores, softmax, values, contiguous copy
FUSED_KERNELS = 3
UNFUSED_BARRIERS = 2  # between scores, softmax and values
CACHED_GRAPHS = 32
ENCODERS: dict[str, Callable[[Op, Residency, Machine], dict[str, float]]] = {
    "matmul": products.matmul, "conv2d": products.convolution, "attention": products.attention, "lstm": products.recurrent,
    "gru": products.recurrent,
}  # fmt: skip


@dataclass(frozen=True)
class Lowered:
    """An encoded graph: the operator table and where the tensors live."""

    table: OperatorTable
    residency: Residency


@lru_cache(maxsize=CACHED_GRAPHS)
def lower(graph: Graph, m: Machine) -> Lowered:
    """Encode a graph for a machine; kept per graph and machine. O(operators). Raises `Infeasible`."""
    where = place(graph, m)
    waits = _barriers(graph)
    made: dict[tuple[object, ...], dict[str, float]] = {}
    alone = len(graph.ops) == 1 and not graph.meta.get("model")

    def encode(at: int, op: Op) -> Fields | LeftOut:
        if reason := unmodelled(op, m):
            return LeftOut(reason)
        key = (op.signature, *(where.of(t) for t in (*op.inputs, *op.outputs)))
        if key not in made:
            made[key] = fields_of(op, where, m)
        inner = made[key].get("inner_barriers", 0.0)
        return {**made[key], **_around(at, op, graph, m, waits[at], inner, alone)}

    return Lowered(operator_table(graph, L.OP_DTYPE, encode), where)


def unmodelled(op: Op, m: Machine) -> str:
    """Why an operator has no model; empty when it has one."""
    if op.kind in PRODUCTS:
        return products.unmodelled(op, m)
    if op.kind in COLLECTIVES:
        return ""
    if op.kind not in PASSES:
        return "no kernel"
    if op.kind == "elementwise" and op.function not in FUNCTIONS:
        return f"no instruction count for {op.function}"
    if conversion(op.dtype) is None:
        return f"the vector pipe has no conversion from {op.dtype}"
    return ""


def fields_of(op: Op, where: Residency, m: Machine) -> dict[str, float]:
    """The work of one operator, without what its neighbours make of it."""
    if op.kind in ENCODERS:
        fields = ENCODERS[op.kind](op, where, m)
    elif op.kind in COLLECTIVES:
        fields = collective(op, m)
    else:
        weight = op.operands[-1].role == "weight" and op.kind == "embedding"
        source = where.of(op.inputs[-1 if weight else 0])
        fields = vector_fields(vector_pass(op, m), read_bytes(op), op.output_bytes, source, where.of(op.outputs[0]), m)
    if fields.get("arithmetic"):
        fields["tensor_macs"] = op.macs
    fields["roofline"] = _roofline(op, fields, m)
    fields["all_l1_bytes"] = max(fields.get("all_l1_bytes", 0.0), op.compulsory_bytes)
    return fields


def _roofline(op: Op, fields: dict[str, float], m: Machine) -> float:
    """The fewest cycles of the MACs: the tensor unit's lanes (two u-ops cover 16 columns, one does for int8), or one instruction a cycle."""
    minions = m.workers.minions
    if fields.get("arithmetic"):
        name = next(n for n, code in L.ARITHMETIC.items() if code == fields["arithmetic"])
        return op.macs / (minions * m.cols * L.WORD_ELEMENTS[name] / (1 if name == "int8" else 2))
    return op.macs / (minions * (1 if fields.get("unit") == L.SCALAR else m.lanes))


def collective(op: Op, m: Machine) -> dict[str, float]:
    """A reduction, broadcast or both over the tree of all minions that take part, in messages of up to 32 vector registers."""
    minions = m.workers.minions
    paired = power_of_two(minions) * (1 if minions == power_of_two(minions) else 2)
    most = MESSAGE_REGISTERS * m.register_bytes
    message = min(op.output_bytes, float(most))
    times = COLLECTIVES[op.kind] * max(1.0, -(-op.output_bytes // most))
    fields = tree_levels(paired, message, times, 1.0, m)
    fields.update(modelled=1, unit=L.SIMD, readers=m.workers.per_shire, fetchers=m.workers.per_shire, all_fetchers=minions)
    return fields


def _barriers(graph: Graph) -> list[int]:
    """1 where an operator must wait for a chip barrier: it reads what other minions made since the last one. Independent operators share one.

    An elementwise operator works on the elements that the same minions made, product or elementwise, and waits for nobody.
    """
    since: set[int] = set()
    found = []
    for at, before in enumerate(graph.predecessors):
        waits = any(p in since and not _same_minions(graph.ops[p], graph.ops[at]) for p in before)
        if waits:
            since.clear()
        since.add(at)
        found.append(int(waits))
    return found


def _same_minions(producer: Op, reader: Op) -> bool:
    """True when every element that `reader` needs of `producer`'s result can be made by the minion that reads it."""
    if reader.kind != "elementwise" or reader["fused"] or producer.kind not in (*PRODUCTS[:2], "elementwise"):
        return False
    return math.prod(producer.results[0]) == reader["rows"] * reader["cols"]


def _around(at: int, op: Op, graph: Graph, m: Machine, waits: int, inner: float, alone: bool) -> dict[str, float]:
    """Barriers of a compiled graph, or launches; a graph asked for with its launch has one synchronous launch before its first operator."""
    found: dict[str, float] = {"sync_launches": float(bool(m.options.include_launch) and at == 0)}
    unfused = op.kind == "attention" and not m.flash
    if m.kernels:
        found.update(launches=kernels(op, graph, m), barriers=inner)
    else:
        found["barriers"] = (0 if alone else waits + UNFUSED_BARRIERS * unfused) + inner
    return found


def kernels(op: Op, graph: Graph, m: Machine) -> int:
    """Kernels of one operator in llama.cpp's backend: sums behind a product are fused into it, token rows are fetched by the host, and an attention
    is six kernels (three with flash attention)."""
    if op.kind == "attention":
        return FUSED_KERNELS if m.flash else UNFUSED_KERNELS
    if op.kind == "embedding" and op.operand_role == "weight":
        return 0
    if op.function in ("add", "bias") and any(graph.ops[p].kind in PRODUCTS for p in graph.predecessors[_index(op, graph)]):
        return 0
    return 2 if op.kind == "rope" and op["carried"] else 1


def _index(op: Op, graph: Graph) -> int:
    return graph.producers[op.outputs[0]]
