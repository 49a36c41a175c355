"""Quantised forms: integer operators, and pairs of QuantizeLinear and DequantizeLinear, which run as integers.

A dequantised tensor keeps the integers that it came from. An operator whose inputs all came from integers runs on them, as the runtimes that such
files are made for do; a QuantizeLinear behind it is part of the operator.
"""

from __future__ import annotations

import math

from hwsim.readers.frameworks.importer import Value
from hwsim.readers.frameworks.onnx_model import Node
from hwsim.readers.frameworks.onnx_ops import convolve, product
from hwsim.readers.frameworks.onnx_reading import Handler, Reading
from hwsim.readers.frameworks.values import broadcast

INTEGERS = ("int4", "uint4", "int8", "uint8", "int16", "uint16")


def dequantize(r: Reading, node: Node) -> list[Value]:
    """Integers, read as numbers: no operator."""
    return [r.value(node.inputs[0])]


def quantize(r: Reading, node: Node) -> list[Value]:
    """Numbers to integers: a pass, unless an integer operator made them."""
    x, form = r.value(node.inputs[0]), r.known.dtypes.get(node.outputs[0], "uint8")
    return [x if x.dtype in INTEGERS else r.made.cast(x, form)]


def dynamic_quantize(r: Reading, node: Node) -> list[Value]:
    """Numbers to integers with a range found first: a reduction and a pass; scale and zero point are stored figures."""
    x = r.value(node.inputs[0])
    r.made.mean(x, x.elements, ())
    return [r.made.cast(x, "uint8"), r.made.constant((), "fp32"), r.made.constant((), "uint8")]


def qlinear_conv(r: Reading, node: Node) -> list[Value]:
    """QLinearConv: x, scale, zero, w, scale, zero, scale, zero, bias."""
    return [convolve(r, node, r.value(node.inputs[0]), r.value(node.inputs[3]), r.has(node, 8))]


def conv_integer(r: Reading, node: Node) -> list[Value]:
    """ConvInteger: sums of 32 bits."""
    return [convolve(r, node, r.value(node.inputs[0]), r.value(node.inputs[1]), False)]


def qlinear_matmul(r: Reading, node: Node) -> list[Value]:
    """QLinearMatMul: a, scale, zero, b, scale, zero, scale, zero."""
    return [product(r, r.value(node.inputs[0]), r.value(node.inputs[3]), r.shape(node))]


def matmul_integer(r: Reading, node: Node) -> list[Value]:
    """MatMulInteger."""
    return [product(r, r.value(node.inputs[0]), r.value(node.inputs[1]), r.shape(node))]


def qgemm(r: Reading, node: Node) -> list[Value]:
    """QGemm of runtimes: a, scale, zero, b, scale, zero, bias."""
    a, b = r.value(node.inputs[0]), r.value(node.inputs[3])
    n = b.shape[0] if node.attrs.get("transB", 0) else b.shape[1]
    return [r.made.linear(a, b, n, (a.shape[0], n), bias=r.has(node, 6))]


def qlinear_one(r: Reading, node: Node) -> list[Value]:
    """QLinearSigmoid, QLinearLeakyRelu, QLinearGlobalAveragePool, QLinearSoftmax of runtimes: x, scale, zero, scale, zero."""
    x = r.value(node.inputs[0])
    if node.kind == "QLinearGlobalAveragePool":
        spatial = math.prod(x.shape[2:])
        return [r.made.mean(x, spatial, (*x.shape[:2], *(1 for _ in x.shape[2:])))]
    if node.kind == "QLinearSoftmax":
        return [r.made.softmax(x, x.shape[int(node.attrs.get("axis", -1))])]
    return [r.made.each("sigmoid" if node.kind == "QLinearSigmoid" else "leaky_relu", [x], x.shape)]


def qlinear_concat(r: Reading, node: Node) -> list[Value]:
    """QLinearConcat of runtimes: scale, zero, then x, scale, zero of each part."""
    xs = [r.value(name) for name in node.inputs[2::3]]
    axis = int(node.attrs["axis"]) % len(xs[0].shape)
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    return [r.made.concat(xs, axis, shape)]


def qlinear_each(r: Reading, node: Node) -> list[Value]:
    """QLinearAdd, QLinearMul of runtimes: a, scale, zero, b, ..."""
    function = "add" if node.kind.endswith("Add") else "mul"
    a, b = r.value(node.inputs[0]), r.value(node.inputs[3])
    return [r.made.each(function, [a, b], broadcast(a.shape, b.shape))]


QUANTISED: dict[str, Handler] = {
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize, "DynamicQuantizeLinear": dynamic_quantize, "QLinearConv": qlinear_conv,
    "ConvInteger": conv_integer, "QLinearMatMul": qlinear_matmul, "MatMulInteger": matmul_integer, "QLinearAdd": qlinear_each,
    "QLinearMul": qlinear_each, "QGemm": qgemm, "QLinearConcat": qlinear_concat,
    **dict.fromkeys(("QLinearSigmoid", "QLinearLeakyRelu", "QLinearGlobalAveragePool", "QLinearSoftmax"), qlinear_one),
}  # fmt: skip
