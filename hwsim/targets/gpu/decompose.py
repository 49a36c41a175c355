"""Attention as a framework without a fused kernel runs it: a product, a softmax and a product, each through memory."""

from __future__ import annotations

from dataclasses import replace

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op

PARTS = ("qk", "softmax", "av")


def unfused(graph: Graph) -> Graph:
    """Return the graph with every attention as the operators ``NAME.qk``, ``NAME.softmax`` and ``NAME.av`` (labels of the same names).

    The whole square of scores is computed and stored, whatever the mask. The halves read views of the query and the caches, which cost
    nothing here. A cache of another dtype than the operator keeps its fused kernel. O(operators).
    """
    ops: list[Op] = []
    tensors = dict(graph.tensors)
    made: dict[tuple[object, ...], tuple[Op, Op, Op]] = {}
    dropped: set[str] = set()
    for op in graph.ops:
        if op.kind != "attention" or op.attrs.get("kv_dtype", op.dtype) != op.dtype:
            ops.append(op)
            continue
        if op.signature not in made:
            made[op.signature] = _parts(op)
        _emit(op, made[op.signature], ops, tensors)
        dropped.update(op.inputs)
    used = {t for op in ops for t in (*op.inputs, *op.outputs)}
    return replace(graph, ops=tuple(ops), tensors={n: t for n, t in tensors.items() if n in used or n not in dropped})


def _parts(op: Op) -> tuple[Op, Op, Op]:
    kv = min(op["kv"], op["window"] + op["q"] - 1) if op["window"] else op["kv"]
    batch, shared = op["batch"] * op["heads"], op["heads"] // (op["kv_heads"] or op["heads"])
    common = {"dtype": op.dtype, "phase": op.phase, "repeat": op.repeat}
    product = {"operand_role": "kv_cache", **common}
    return (
        Op("qk", "matmul", {"batch": batch, "m": op["q"], "k": op["head_dim"], "n": kv, "shared": shared}, label="qk", **product),  # type: ignore[arg-type]
        Op("softmax", "softmax", {"rows": batch * op["q"], "cols": kv}, label="softmax", **common),  # type: ignore[arg-type]
        Op("av", "matmul", {"batch": batch, "m": op["q"], "k": kv, "n": op["head_dim"], "shared": shared}, label="av", **product),  # type: ignore[arg-type]
    )


def _emit(op: Op, parts: tuple[Op, Op, Op], ops: list[Op], tensors: dict[str, Tensor]) -> None:
    """Append the three parts under the names of one attention, with views of its operands."""
    qk, softmax, av = parts
    names = {view: f"{op.name}.{view}" for view in ("query_view", "key_view", "value_view", "scores", "shares")}
    stored = qk["batch"] // qk["shared"]
    shapes = {
        "query_view": ((qk["batch"], qk["m"], qk["k"]), "input"), "key_view": ((stored, qk["k"], qk["n"]), "kv_cache"),
        "value_view": ((stored, av["k"], av["n"]), "kv_cache"), "scores": ((qk["batch"], qk["m"], qk["n"]), "activation"),
        "shares": ((qk["batch"], qk["m"], qk["n"]), "activation"),
    }  # fmt: skip
    for view, (shape, role) in shapes.items():
        tensors[names[view]] = Tensor(names[view], shape, op.dtype, role)
    ops.append(qk.twin(f"{op.name}.qk", (names["query_view"], names["key_view"]), (names["scores"],), op.layer))
    ops.append(softmax.twin(f"{op.name}.softmax", (names["scores"],), (names["shares"],), op.layer))
    ops.append(av.twin(f"{op.name}.av", (names["shares"], names["value_view"]), op.outputs, op.layer))
