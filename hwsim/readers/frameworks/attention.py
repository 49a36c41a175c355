"""Softmax(Q KT) V written out as products becomes one operator, as runtimes execute it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.readers.frameworks.values import Origin, Value

BETWEEN = ("scale", "bias", "add", "where", "mul", "clip", "cast", "max", "tanh")  # between the first product and the softmax: scale, mask, soft cap


def fused(graph: Graph, origins: Mapping[str, Origin]) -> Graph:
    """Return the graph with every such group as an ``attention``; scale, mask and the copy that transposes K are part of it.

    A stored mask that lets each position see itself and those before makes it causal; other masks are taken to leave all pairs.
    """
    readers = Counter(t for op in graph.ops for t in op.inputs)
    maker = {t: op for op in graph.ops for t in op.outputs}
    gone: dict[str, Op | None] = {}
    for op in graph.ops:
        group = _group(op, maker, readers)
        if group is not None:
            first, between, last = group
            key = _untransposed(first, maker, readers, gone)
            gone |= dict.fromkeys((first.name, *(b.name for b in between)))
            causal = any(v.causal for b in between for v in _reads(b, origins))
            gone[last.name] = _attention(first, last, key, _lead(first, origins), causal)
    if not gone:
        return graph
    ops = tuple(made for op in graph.ops if (made := gone.get(op.name, op)) is not None)
    used = {t for op in ops for t in (*op.inputs, *op.outputs)}
    return Graph(ops, {name: tensor for name, tensor in graph.tensors.items() if name in used}, graph.meta)


def _group(last: Op, maker: dict[str, Op], readers: Counter[str]) -> tuple[Op, list[Op], Op] | None:
    """(first product, passes and softmax, second product) when `last` is the second product of an attention."""
    if last.kind != "matmul" or last.operand_role != "activation":
        return None
    between = _normalised(last.inputs[0], maker, readers)
    if not between or between[-1]["cols"] != last["k"]:
        return None
    op = between[-1]
    while True:
        source = next((maker[t] for t in op.inputs if t in maker and readers[t] == 1), None)
        if source is None:
            return None
        if source.kind == "matmul":
            same = source.operand_role == "activation" and source["n"] == last["k"] and source["m"] == last["m"] and source["k"] == last["n"]
            return (source, between, last) if same and source["batch"] == last["batch"] and source["shared"] == last["shared"] else None
        if source.kind != "elementwise" or source.function not in BETWEEN:
            return None
        between.append(source)
        op = source


def _normalised(tensor: str, maker: dict[str, Op], readers: Counter[str]) -> list[Op]:
    """The softmax that makes `tensor`, last, and the passes behind it that clear rows without an allowed key; none when it is not of that form."""
    op = maker.get(tensor)
    if op is not None and op.kind == "softmax":
        return [op] if readers[tensor] == 1 else []
    if op is None or op.function != "where" or readers[tensor] != 1:
        return []
    softmax = next((maker[t] for t in op.inputs if t in maker and maker[t].kind == "softmax"), None)
    if softmax is None:
        return []
    tests = [reader for reader in maker.values() if softmax.outputs[0] in reader.inputs and reader is not op]
    return [op, *tests, softmax] if all(t.function == "compare" and not readers[t.outputs[0]] for t in tests) else []


def _untransposed(first: Op, maker: dict[str, Op], readers: Counter[str], gone: dict[str, Op | None]) -> str:
    """The tensor of K: before the copy that transposes it, which nothing else reads."""
    key = first.inputs[1]
    copy = maker.get(key)
    if copy is not None and copy.kind == "elementwise" and copy.function == "copy" and readers[key] == 1:
        gone[copy.name] = None
        return copy.inputs[0]
    return key


def _reads(op: Op, origins: Mapping[str, Origin]) -> tuple[Value, ...]:
    return origins[op.outputs[0]].reads if op.outputs[0] in origins else ()


def _lead(first: Op, origins: Mapping[str, Origin]) -> int:
    """Sequences of a product over (sequences, heads, positions, size); 1 where the file does not tell them from heads."""
    shape = next((v.shape for v in _reads(first, origins)), ())
    grouped = first["shared"] > 1 and len(shape) > 4 and shape[-3] == first["shared"]  # (sequences, groups, heads of a group, positions, size)
    return math.prod(shape[: -4 if grouped else -3]) if len(shape) > 3 and math.prod(shape[:-2]) == first["batch"] else 1


def _attention(first: Op, last: Op, key: str, batch: int, causal: bool) -> Op:
    """One operator; (sequence, head) pairs count as heads where the file does not tell them apart."""
    heads, shared = first["batch"] // batch, first["shared"]
    kv_heads = heads // shared if shared > 1 and heads % shared == 0 else 0
    sizes = {"batch": batch, "heads": heads, "q": first["m"], "kv": first["n"], "head_dim": first["k"], "kv_heads": kv_heads,
             "causal": int(causal and first["m"] <= first["n"])}  # fmt: skip
    return replace(
        last, kind="attention", bounds=sizes, inputs=(first.inputs[0], key, last.inputs[1]), label="attention", function="", weight_dtype=first.dtype
    )
