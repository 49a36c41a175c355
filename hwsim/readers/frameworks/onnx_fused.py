"""Operators of newer operator sets, and those that runtimes fuse graphs to (domain com.microsoft).

Facts of the latter: ONNX Runtime, docs/ContribOperators.md.
"""

from __future__ import annotations

import math

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks import einsum as sums
from hwsim.readers.frameworks.importer import Value
from hwsim.readers.frameworks.onnx_model import Node
from hwsim.readers.frameworks.onnx_reading import Handler, Reading

BLOCKED = {(4, 32): "q4_0", (8, 32): "q8_0"}  # bits, elements that share a scale: the format that counts the scale too


def heads_of(r: Reading, x: Value, heads: int) -> Value:
    """x as (batch, heads, positions, size of a head); a tensor (batch, positions, heads x size) is read with strides, not copied."""
    if len(x.shape) == 4:
        return x
    batch, positions, wide = x.shape
    if wide % heads:
        raise InvalidTrace(f"'{r.made.name}': {heads} heads do not divide a width of {wide}")
    return r.made.view(x, (batch, heads, positions, wide // heads))


def attend(r: Reading, node: Node, q: Value, k: Value, v: Value, past: int, causal: bool) -> list[Value]:
    """The attention, and the keys and values behind those of `past` (its input's index, the values' behind it) where they are read."""
    both = [k, v]
    if r.has(node, past) and r.has(node, past + 1):
        both = []
        for x, before in ((k, r.value(node.inputs[past])), (v, r.value(node.inputs[past + 1]))):
            longer = (*x.shape[:2], x.shape[2] + before.shape[2], x.shape[3])
            both.append(r.made.concat([before, x], 2, longer))
    shape = r.known.shapes.get(node.outputs[0], (q.shape[0], q.shape[2], q.shape[1] * q.shape[3]))
    made = r.made.attention(q, both[0], both[1], shape, causal=causal)
    return [made, *(x for x, name in zip(both, node.outputs[1:3], strict=False) if name)]


def attention(r: Reading, node: Node) -> list[Value]:
    """Attention of operator set 23; or that of com.microsoft, which makes queries, keys and values of its input."""
    attrs = node.attrs
    if node.domain == "com.microsoft":
        x, weight, heads = r.value(node.inputs[0]), r.value(node.inputs[1]), int(attrs["num_heads"])
        wide = weight.shape[1]
        parts = [int(size) for size in attrs.get("qkv_hidden_sizes", [wide // 3] * 3)]
        made = r.made.linear(x, weight, wide, (*x.shape[:2], wide), bias=r.has(node, 2), label="qkv")
        q, k, v = (heads_of(r, r.made.gather(made, (*x.shape[:2], size), "split", run=size), heads) for size in parts)
        return attend(r, node, q, k, v, 99, bool(attrs.get("unidirectional", 0)))
    q, k, v = (r.value(name) for name in node.inputs[:3])
    kv_heads = int(attrs.get("kv_num_heads", k.shape[1]))
    q, k, v = heads_of(r, q, int(attrs.get("q_num_heads", q.shape[1]))), heads_of(r, k, kv_heads), heads_of(r, v, kv_heads)
    return attend(r, node, q, k, v, 4, bool(attrs.get("is_causal", 0)))


def multi_head(r: Reading, node: Node) -> list[Value]:
    """MultiHeadAttention of com.microsoft: query, key, value, bias, key padding, attention bias, past key, past value."""
    heads = int(node.attrs["num_heads"])
    if not r.has(node, 1) or not r.has(node, 2):
        raise InvalidTrace(f"MultiHeadAttention '{node.name}': packed queries, keys and values have no model")
    q, k, v = (heads_of(r, r.value(name), heads) for name in node.inputs[:3])
    return attend(r, node, q, k, v, 6, bool(node.attrs.get("unidirectional", 0)))


def grouped(r: Reading, node: Node) -> list[Value]:
    """GroupQueryAttention of com.microsoft: causal, heads that share keys; rotates queries and keys where it says so."""
    heads, kv_heads = int(node.attrs["num_heads"]), int(node.attrs["kv_num_heads"])
    x = r.value(node.inputs[0])
    if r.has(node, 1) and r.has(node, 2):
        q, k, v = x, r.value(node.inputs[1]), r.value(node.inputs[2])
    else:
        size = x.shape[-1] // (heads + 2 * kv_heads)
        q, k, v = (r.made.gather(x, (*x.shape[:2], n * size), "split", run=n * size) for n in (heads, kv_heads, kv_heads))
    if node.attrs.get("do_rotary", 0):
        q, k = r.made.rope(q, heads), r.made.rope(k, kv_heads)
    return attend(r, node, heads_of(r, q, heads), heads_of(r, k, kv_heads), heads_of(r, v, kv_heads), 3, True)


def rotary(r: Reading, node: Node) -> list[Value]:
    """RotaryEmbedding of operator set 23 and of com.microsoft."""
    x = r.value(node.inputs[0])
    heads = int(node.attrs.get("num_heads", 0)) or (x.shape[1] if len(x.shape) == 4 else 0)
    if not heads:
        raise InvalidTrace(f"RotaryEmbedding '{node.name}': num_heads is not stated")
    return [r.made.rope(x, heads)]


def packed_matmul(r: Reading, node: Node) -> list[Value]:
    """MatMulNBits of com.microsoft: weights of few bits, in blocks with a scale."""
    x, n, k = r.value(node.inputs[0]), int(node.attrs["N"]), int(node.attrs["K"])
    bits, block = int(node.attrs.get("bits", 4)), int(node.attrs["block_size"])
    form = BLOCKED.get((bits, block), f"int{bits}") if k % block == 0 else f"int{bits}"
    return [r.made.linear(x, r.made.constant((k, n), form), n, (*x.shape[:-1], n), bias=r.has(node, 5))]


def einsum(r: Reading, node: Node) -> list[Value]:
    """Einsum."""
    return [sums.einsum(r.made, str(node.attrs["equation"]), r.of(node), r.shape(node))]


def response_norm(r: Reading, node: Node) -> list[Value]:
    """LRN: squares, their sums over `size` channels, a power, a quotient."""
    x, size = r.value(node.inputs[0]), int(node.attrs["size"])
    squares = r.made.each("mul", [x, x], x.shape)
    apart = r.made.gather(squares, (x.elements, size), "unfold", run=x.shape[-1])
    sums = r.made.mean(apart, size, x.shape)
    return [r.made.each("div", [x, r.made.each("pow", [sums], x.shape)], x.shape)]


def plain_norm(r: Reading, node: Node) -> list[Value]:
    """LpNormalization, MeanVarianceNormalization: no gain, no offset."""
    x = r.value(node.inputs[0])
    if node.kind == "LpNormalization":
        return [r.made.norm(x, x.shape[int(node.attrs.get("axis", -1))], "rms", 0)]
    axes = node.attrs.get("axes", [0, 2, 3])
    return [r.made.norm(x, math.prod(x.shape[int(a)] for a in axes), "layer", 0)]


def grid_sample(r: Reading, node: Node) -> list[Value]:
    """GridSample: four positions gathered for each result and blended; one with mode nearest."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    if str(node.attrs.get("mode", "linear")) == "nearest":
        return [r.made.gather(x, shape, "grid_sample")]
    corners = r.made.gather(x, (math.prod(shape), 4), "grid_sample")
    return [r.made.mean(r.made.each("scale", [corners], corners.shape), 4, shape)]


FUSED: dict[str, Handler] = {
    "Attention": attention, "MultiHeadAttention": multi_head, "GroupQueryAttention": grouped, "RotaryEmbedding": rotary,
    "MatMulNBits": packed_matmul, "Einsum": einsum, "LRN": response_norm, "GridSample": grid_sample,
    **dict.fromkeys(("LpNormalization", "MeanVarianceNormalization"), plain_norm),
}  # fmt: skip
