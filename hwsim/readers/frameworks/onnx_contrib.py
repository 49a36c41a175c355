"""Operators that ONNX Runtime writes when it saves an optimised graph (domain com.microsoft): without a schema, so their shapes are worked out here.

Facts: ONNX Runtime, docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.importer import Value
from hwsim.readers.frameworks.onnx_fused import attend, heads_of
from hwsim.readers.frameworks.onnx_model import Node
from hwsim.readers.frameworks.onnx_ops import EACH, convolve, pads_of, product
from hwsim.readers.frameworks.onnx_quant import dynamic_quantize
from hwsim.readers.frameworks.onnx_reading import Handler, Reading
from hwsim.readers.frameworks.values import broadcast


def activated(r: Reading, node: Node, x: Value) -> Value:
    """The activation that a node states, if any."""
    word = str(node.attrs.get("activation", ""))
    if not word:
        return x
    if word not in EACH and word != "Clip":
        raise InvalidTrace(f"{node.kind} '{node.name}': activation '{word}' has no model")
    return r.made.each(EACH.get(word, "clip"), [x], x.shape)


def fused_conv(r: Reading, node: Node) -> list[Value]:
    """FusedConv: x, w, bias, a tensor added, then the activation."""
    x, weight = r.value(node.inputs[0]), r.value(node.inputs[1])
    dims = len(x.shape) - 2
    ones = [1] * dims
    strides, dilations = list(node.attrs.get("strides", ones)), list(node.attrs.get("dilations", ones))
    pads = pads_of(node, x.shape[2:], weight.shape[2:], strides, dilations)
    sizes = [(x.shape[i + 2] + pads[i] + pads[i + dims] - dilations[i] * (weight.shape[i + 2] - 1) - 1) // strides[i] + 1 for i in range(dims)]
    r.file.learn(node.outputs[0], (x.shape[0], weight.shape[0], *sizes), r.known.dtypes[node.inputs[0]])
    made = convolve(r, node, x, weight, r.has(node, 2))
    if r.has(node, 3):
        made = r.made.each("add", [made, r.value(node.inputs[3])], made.shape)
    return [activated(r, node, made)]


def fused_matmul(r: Reading, node: Node) -> list[Value]:
    """FusedMatMul: alpha A B, either transposed in its last two dimensions, which a product reads with strides."""
    if node.attrs.get("transBatchA", 0) or node.attrs.get("transBatchB", 0):
        raise InvalidTrace(f"FusedMatMul '{node.name}': operands with their batch inside have no model")
    a, b = (_turned(r, r.value(name), bool(node.attrs.get(flag, 0))) for name, flag in zip(node.inputs, ("transA", "transB"), strict=False))
    return [product(r, a, b, (*broadcast(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))]


def _turned(r: Reading, x: Value, turn: bool) -> Value:
    return r.made.view(x, (*x.shape[:-2], x.shape[-1], x.shape[-2])) if turn and len(x.shape) > 1 else x


def fused_gemm(r: Reading, node: Node) -> list[Value]:
    """FusedGemm: A B + C, then the activation."""
    a = _turned(r, r.value(node.inputs[0]), bool(node.attrs.get("transA", 0)))
    b = _turned(r, r.value(node.inputs[1]), bool(node.attrs.get("transB", 0)))
    shape = (a.shape[0], b.shape[1])
    made = product(r, a, b, shape)
    return [activated(r, node, r.made.each("add", [made, r.value(node.inputs[2])], shape) if r.has(node, 2) else made)]


def _integer_product(r: Reading, node: Node, x: Value, bias: int) -> list[Value]:
    """x times stored integers, as numbers again, and a bias."""
    weight = r.value(node.inputs[1])
    shape = (*x.shape[:-1], weight.shape[-1])
    made = r.made.cast(product(r, x, weight, shape), "fp32")
    return [r.made.each("add", [made, r.value(node.inputs[bias])], shape) if r.has(node, bias) else made]


def integer_matmul(r: Reading, node: Node) -> list[Value]:
    """MatMulIntegerToFloat: a, b, scales, zero points, bias."""
    return _integer_product(r, node, r.value(node.inputs[0]), 6)


def dynamic_matmul(r: Reading, node: Node) -> list[Value]:
    """DynamicQuantizeMatMul: the input becomes integers of a range found first; b, its scale and zero point, bias."""
    return _integer_product(r, node, dynamic_quantize(r, node)[0], 4)


def dynamic_lstm(r: Reading, node: Node) -> list[Value]:
    """DynamicQuantizeLSTM: an LSTM with stored integers."""
    x, weight, hidden = r.value(node.inputs[0]), r.value(node.inputs[1]), int(node.attrs["hidden_size"])
    directions = 2 if node.attrs.get("direction", "forward") == "bidirectional" else 1
    steps, batch, _ = x.shape
    y = r.made.recurrent("lstm", x, hidden, (steps, batch, directions * hidden), directions=directions, weights=weight.dtype)
    state = (directions, batch, hidden)
    shapes = ((steps, directions, batch, hidden), state, state)
    names = zip(node.outputs, shapes, strict=False)
    return [r.made.view(y, shape) if len(shape) > 3 else r.made.gather(y, shape, "state", run=hidden) for name, shape in names if name]


def integer_attention(r: Reading, node: Node) -> list[Value]:
    """QAttention: input, weight, bias, scales, mask, zero points, past; queries, keys and values of its input, in integers."""
    x, weight, heads = r.value(node.inputs[0]), r.value(node.inputs[1]), int(node.attrs["num_heads"])
    wide = weight.shape[1]
    made = r.made.cast(r.made.linear(x, weight, wide, (*x.shape[:2], wide), bias=r.has(node, 2), label="qkv"), "fp32")
    q, k, v = (heads_of(r, r.made.gather(made, (*x.shape[:2], wide // 3), "split", run=wide // 3), heads) for _ in range(3))
    return attend(r, replace(node, outputs=node.outputs[:1]), q, k, v, 99, bool(node.attrs.get("unidirectional", 0)))


def embed_norm(r: Reading, node: Node) -> list[Value]:
    """EmbedLayerNormalization: ids, segments, tables of words, positions and segments, gain, offset."""
    ids, words = r.value(node.inputs[0]), r.value(node.inputs[2])
    shape = (*ids.shape, words.shape[1])
    x = r.made.each("add", [r.made.embedding(ids, words, shape), r.made.constant(shape[1:], words.dtype)], shape)
    if r.has(node, 1) and r.has(node, 4):
        segments = r.value(node.inputs[1])
        kinds = r.made.constant(shape, words.dtype) if segments.constant else r.made.embedding(segments, r.value(node.inputs[4]), shape)
        x = r.made.each("add", [x, kinds], shape)
    made = r.made.norm(x, shape[-1], "layer", 2)
    mask = r.made.constant((ids.shape[0],), "int32")
    return [value for value, name in zip((made, mask, x), node.outputs, strict=False) if name]


def bias_add(r: Reading, node: Node) -> list[Value]:
    """BiasAdd: x, bias, a tensor added."""
    x = r.value(node.inputs[0])
    return [r.made.each("add", [r.made.each("add", [x, r.value(node.inputs[1])], x.shape), r.value(node.inputs[2])], x.shape)]


def split_gelu(r: Reading, node: Node) -> list[Value]:
    """BiasSplitGelu: x and bias, one half times the GELU of the other."""
    x = r.value(node.inputs[0])
    x = r.made.each("add", [x, r.value(node.inputs[1])], x.shape)
    half: Sequence[int] = (*x.shape[:-1], x.shape[-1] // 2)
    first, second = (r.made.gather(x, half, "split", run=half[-1]) for _ in range(2))
    return [r.made.each("mul", [first, r.made.each("gelu", [second], half)], half)]


CONTRIB: dict[str, Handler] = {
    "FusedConv": fused_conv, "FusedMatMul": fused_matmul, "TransposeMatMul": fused_matmul, "FusedGemm": fused_gemm,
    "MatMulIntegerToFloat": integer_matmul, "DynamicQuantizeMatMul": dynamic_matmul, "DynamicQuantizeLSTM": dynamic_lstm,
    "QAttention": integer_attention, "EmbedLayerNormalization": embed_norm, "BiasAdd": bias_add, "BiasSplitGelu": split_gelu,
}  # fmt: skip
