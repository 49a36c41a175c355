"""What the operators of ONNX mean: one handler each, from a node to the importer's methods.

Facts of the operators: the ONNX operator specification (github.com/onnx/onnx, docs/Operators.md).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.importer import Value
from hwsim.readers.frameworks.onnx_model import Node
from hwsim.readers.frameworks.onnx_reading import Handler, Reading
from hwsim.readers.frameworks.values import broadcast

EACH = {  # operators of one pass over the elements
    "Relu": "relu", "LeakyRelu": "leaky_relu", "PRelu": "leaky_relu", "Sigmoid": "sigmoid", "HardSigmoid": "hardsigmoid", "Tanh": "tanh",
    "Swish": "silu", "Mish": "mish", "Gelu": "gelu", "FastGelu": "gelu", "Softplus": "softplus", "Softsign": "softsign", "HardSwish": "hardswish",
    "Exp": "exp", "Elu": "elu", "Selu": "selu", "Celu": "elu", "Abs": "abs", "Neg": "neg", "Sqrt": "sqrt", "Log": "log", "Erf": "erf",
    "Pow": "pow", "Sin": "sin", "Cos": "cos", "Reciprocal": "reciprocal", "Floor": "round", "Ceil": "round", "Round": "round", "Sign": "compare",
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Max": "max", "Min": "min", "Mod": "div", "Sum": "add", "Mean": "add", "Where": "where",
    "Equal": "compare", "Less": "compare", "LessOrEqual": "compare", "Greater": "compare", "GreaterOrEqual": "compare", "And": "compare",
    "Or": "compare", "Xor": "compare", "Not": "neg", "IsNaN": "compare", "IsInf": "compare", "ThresholdedRelu": "relu", "BiasGelu": "gelu",
    "QuickGelu": "silu", **dict.fromkeys(("Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"), "sin"),
    **dict.fromkeys(("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "BitShift"), "compare"),
}  # fmt: skip
VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout")
REDUCTIONS = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum",
    "ReduceLogSumExp", "ArgMax", "ArgMin",
)  # fmt: skip
FIGURES = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "amax"}
FLOATS = ("fp16", "bf16", "fp32", "fp64", "fp8")


def each(r: Reading, node: Node) -> list[Value]:
    """One pass over the elements; operands of another format (conditions, exponents) are not counted."""
    function, xs = EACH[node.kind], r.of(node)
    if function == "pow" and r.numbers(node, 1) == [2.0]:
        function, xs = "mul", [xs[0], xs[0]]
    if node.kind in ("Sum", "Mean", "Max", "Min") and len(xs) > 2:
        return [_chained(r, function, xs, r.shape(node))]
    form = next((x.dtype for x in xs if x.dtype in FLOATS), xs[0].dtype)
    if node.domain == "com.microsoft" and node.outputs[0] not in r.known.shapes:  # without a schema
        r.file.learn(node.outputs[0], functools.reduce(broadcast, (x.shape for x in xs)), r.known.dtypes[node.inputs[0]])
    made = r.made.each(function, [x for x in xs if x.dtype == form], r.shape(node), r.known.dtypes.get(node.outputs[0], ""))
    if function == "where":
        r.made.also_reads(made, xs[0])
    return [made]


def _chained(r: Reading, function: str, xs: Sequence[Value], shape: Sequence[int]) -> Value:
    found = xs[0]
    for x in xs[1:]:
        found = r.made.each(function, [found, x], shape)
    return found


def view(r: Reading, node: Node) -> list[Value]:
    """The same elements in another shape."""
    return [r.made.view(r.value(node.inputs[0]), r.shape(node))]


def clip(r: Reading, node: Node) -> list[Value]:
    """Clip to 0..6 is ReLU6."""
    low = node.attrs.get("min", (r.numbers(node, 1) or [None])[0])
    high = node.attrs.get("max", (r.numbers(node, 2) or [None])[0])
    return [r.made.each("relu6" if (low, high) == (0, 6) else "clip", [r.value(node.inputs[0])], r.shape(node))]


def cast(r: Reading, node: Node) -> list[Value]:
    """Another number format; truth values and indices are read as what they become."""
    x, form = r.value(node.inputs[0]), r.known.dtypes.get(node.outputs[0])
    if form is None:
        raise InvalidTrace(f"Cast '{node.name}' makes a type that is not read")
    return [r.made.cast(x, form)]


def conv(r: Reading, node: Node) -> list[Value]:
    """Conv; the pads follow auto_pad where it is given."""
    x, weight = r.value(node.inputs[0]), r.value(node.inputs[1])
    return [convolve(r, node, x, weight, r.has(node, 2))]


def convolve(r: Reading, node: Node, x: Value, weight: Value, bias: bool) -> Value:
    """A convolution with a node's attributes."""
    dims = len(x.shape) - 2
    ones = [1] * dims
    strides, dilations = list(node.attrs.get("strides", ones)), list(node.attrs.get("dilations", ones))
    shape = (x.shape[0], weight.shape[0], *r.shape(node)[2:])
    pads = pads_of(node, x.shape[2:], weight.shape[2:], strides, dilations)
    return r.made.conv(x, weight, shape, strides=strides, pads=pads, dilations=dilations, groups=int(node.attrs.get("group", 1)), bias=bias)


def pads_of(node: Node, sizes: Sequence[int], window: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> list[int]:
    """Begins, then ends."""
    automatic = str(node.attrs.get("auto_pad", "NOTSET"))
    if automatic in ("NOTSET", ""):
        return list(node.attrs.get("pads", [0] * 2 * len(sizes)))
    if automatic == "VALID":
        return [0] * 2 * len(sizes)
    total = [max(0, (-(-s // t) - 1) * t + (k - 1) * d + 1 - s) for s, k, t, d in zip(sizes, window, strides, dilations, strict=True)]
    less, more = [t // 2 for t in total], [t - t // 2 for t in total]
    return [*less, *more] if automatic == "SAME_UPPER" else [*more, *less]


def conv_transpose(r: Reading, node: Node) -> list[Value]:
    """ConvTranspose."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    made = r.made.transposed_conv(x, r.value(node.inputs[1]), shape, groups=int(node.attrs.get("group", 1)))
    return [r.made.each("bias", [made], shape) if r.has(node, 2) else made]


def gemm(r: Reading, node: Node) -> list[Value]:
    """Gemm: alpha A' B' + beta C."""
    a, b = r.value(node.inputs[0]), r.value(node.inputs[1])
    a = r.made.copy(a, (a.shape[1], a.shape[0]), "transpose") if node.attrs.get("transA", 0) else a
    n = b.shape[0] if node.attrs.get("transB", 0) else b.shape[1]
    added = r.value(node.inputs[2]) if r.has(node, 2) else None
    if b.constant:
        own = added is not None and added.constant and added.elements in (1, n)
        made = r.made.linear(a, b, n, r.shape(node), bias=own)
        added = None if own else added
    else:
        made = r.made.matmul(a, r.made.view(b, (a.shape[1], n)), r.shape(node))
    return [made if added is None else r.made.each("add", [made, added], r.shape(node))]


def matmul(r: Reading, node: Node) -> list[Value]:
    """MatMul."""
    return [product(r, r.value(node.inputs[0]), r.value(node.inputs[1]), r.shape(node))]


def product(r: Reading, a: Value, b: Value, shape: Sequence[int]) -> Value:
    """A product of matrices, of which either may be stored."""
    if a.constant and not b.constant:  # A B = (B' A')'
        m, k = a.shape[-2:]
        turned = r.made.copy(b, (*b.shape[:-2], b.shape[-1], k), "transpose")
        made = r.made.matmul(turned, r.made.constant((*a.shape[:-2], k, m), a.dtype), (*shape[:-2], shape[-1], shape[-2]))
        return r.made.copy(made, shape, "transpose")
    return r.made.matmul(a, b, shape)


def batch_norm(r: Reading, node: Node) -> list[Value]:
    """BatchNormalization with stored statistics: a scale and an offset."""
    return [r.made.each("batch_norm", [r.value(node.inputs[0])], r.shape(node))]


def layer_norm(r: Reading, node: Node) -> list[Value]:
    """LayerNormalization and its kin over the axes from ``axis`` on; further results are rarely read and not made."""
    x = r.value(node.inputs[0])
    axis = int(node.attrs.get("axis", -1)) % len(x.shape)
    function = "rms" if node.kind in ("RMSNormalization", "SimplifiedLayerNormalization") else "layer"
    return [r.made.norm(x, math.prod(x.shape[axis:]), function, len(r.of(node)) - 1)]


def skip_layer_norm(r: Reading, node: Node) -> list[Value]:
    """The sum of two tensors, normalised (the fused form of optimised transformers); the sum may be a result too, the fourth."""
    x = r.value(node.inputs[0])
    x = r.made.each("add", [x, r.value(node.inputs[1])], x.shape)
    simple = "Simplified" in node.kind
    made = r.made.norm(x, x.shape[-1], "rms" if simple else "layer", 1 if simple else 2)
    return [made, x] if len(node.outputs) > 3 and node.outputs[3] else [made]


def group_norm(r: Reading, node: Node) -> list[Value]:
    """InstanceNormalization, GroupNormalization: over a channel, or the channels of a group."""
    x = r.value(node.inputs[0])
    groups = int(node.attrs.get("num_groups", x.shape[1]))
    return [r.made.norm(x, x.elements // (x.shape[0] * groups), "layer", 2)]


def softmax(r: Reading, node: Node) -> list[Value]:
    """Softmax and LogSoftmax; before opset 13 over all axes from ``axis`` on."""
    x, old = r.value(node.inputs[0]), r.file.opsets.get("ai.onnx", 13) < 13
    axis = int(node.attrs.get("axis", 1 if old else -1)) % len(x.shape)
    return [r.made.softmax(x, math.prod(x.shape[axis:]) if old else x.shape[axis])]


def pool(r: Reading, node: Node) -> list[Value]:
    """MaxPool, AveragePool; the indices of a MaxPool are not made."""
    x, window = r.value(node.inputs[0]), list(node.attrs["kernel_shape"])
    ones = [1] * len(window)
    strides, dilations = list(node.attrs.get("strides", ones)), list(node.attrs.get("dilations", ones))
    pads = pads_of(node, x.shape[2:], window, strides, dilations)
    function = "max" if node.kind == "MaxPool" else "average"
    return [r.made.pool(x, r.shape(node), function, window=window, strides=strides, pads=pads, dilations=dilations)]


def global_pool(r: Reading, node: Node) -> list[Value]:
    """GlobalAveragePool, GlobalMaxPool."""
    x = r.value(node.inputs[0])
    return [r.made.mean(x, math.prod(x.shape[2:]), r.shape(node), function="max" if "Max" in node.kind else "average")]


def reduce(r: Reading, node: Node) -> list[Value]:
    """A figure of every run of elements."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    if math.prod(shape) == x.elements:
        return [r.made.view(x, shape)]
    function = "max" if node.kind.endswith(("Max", "Min")) else "average"
    word = FIGURES.get(node.kind, "")
    return [r.made.mean(x, x.elements // max(1, math.prod(shape)), shape, "int64" if node.kind.startswith("Arg") else "", function, word)]


def concat(r: Reading, node: Node) -> list[Value]:
    """Concat."""
    shape = r.shape(node)
    return [r.made.concat(r.of(node), int(node.attrs["axis"]) % len(shape), shape)]


def split(r: Reading, node: Node) -> list[Value]:
    """Split: every part is copied out."""
    x = r.value(node.inputs[0])
    axis = int(node.attrs.get("axis", 0)) % len(x.shape)
    shapes = [r.shape(node, i) for i in range(len(node.outputs))]
    return [r.made.gather(x, s, "split", run=math.prod(s[axis:])) for s in shapes]


def cut(r: Reading, node: Node) -> list[Value]:
    """Slice: copied out, unless everything is kept."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    return [r.made.view(x, shape) if math.prod(shape) == x.elements else r.made.gather(x, shape, "slice", run=_kept(x.shape, shape))]


def _kept(shape: Sequence[int], wanted: Sequence[int]) -> int:
    """Elements that stay side by side: the last dimensions kept whole, and the part kept of the one before."""
    run = 1
    for a, b in zip(reversed(shape), reversed(wanted), strict=False):
        run *= b
        if a != b:
            break
    return run


def pad(r: Reading, node: Node) -> list[Value]:
    """Pad."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    return [x if shape == x.shape else r.made.gather(x, shape, "pad", run=min(x.shape[-1], shape[-1]))]


def resize(r: Reading, node: Node) -> list[Value]:
    """Resize, Upsample: positions gathered; linear and cubic modes also blend 4 or 16 of them."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    if shape == x.shape:
        return [x]
    made = r.made.gather(x, shape, "resize")
    return [r.made.each("mul", [made], shape) if str(node.attrs.get("mode", "nearest")) != "nearest" else made]


def move(r: Reading, node: Node) -> list[Value]:
    """Transpose and its kin: a copy, or a view when only dimensions of one move."""
    x, shape = r.value(node.inputs[0]), r.shape(node)
    if node.kind == "Transpose":
        order = [i for i in node.attrs.get("perm", range(len(x.shape))[::-1]) if x.shape[i] != 1]
        if order == sorted(order) or x.constant:
            return [r.made.view(x, shape)]
    return [r.made.copy(x, shape, node.kind.lower())]


def expand(r: Reading, node: Node) -> list[Value]:
    """Expand, Tile."""
    return [r.made.repeat(r.value(node.inputs[0]), r.shape(node))]


def gather(r: Reading, node: Node) -> list[Value]:
    """Gather: rows of a stored table, or positions of a tensor."""
    x, ids, shape = r.value(node.inputs[0]), r.value(node.inputs[1]), r.shape(node)
    axis = int(node.attrs.get("axis", 0)) % len(x.shape)
    if x.constant and axis == 0 and not ids.constant and len(x.shape) > 1:
        return [r.made.embedding(ids, x, shape)]
    if x.constant and ids.constant:
        return [r.made.constant(shape, x.dtype)]
    return [r.made.gather(x, shape, "gather", run=math.prod(x.shape[axis + 1 :]))]


def scattered(r: Reading, node: Node) -> list[Value]:
    """GatherElements, GatherND, ScatterND and their kin, one element at a time."""
    return [r.made.gather(r.value(node.inputs[0]), r.shape(node), node.kind.lower())]


def constant(r: Reading, node: Node) -> list[Value]:
    """A result that depends on no input of the network (too large to fold)."""
    return [r.made.constant(r.shape(node), r.known.dtypes[node.outputs[0]])]


def recurrent(r: Reading, node: Node) -> list[Value]:
    """LSTM, GRU (Y, Y_h, Y_c)."""
    x, hidden = r.value(node.inputs[0]), int(node.attrs["hidden_size"])
    directions = 2 if node.attrs.get("direction", "forward") == "bidirectional" else 1
    if node.attrs.get("layout", 0):
        x = r.made.copy(x, (x.shape[1], x.shape[0], x.shape[2]), "transpose")
    steps, batch, _ = x.shape
    y = r.made.recurrent(node.kind.lower(), x, hidden, (steps, batch, directions * hidden), directions=directions)
    results = []
    for i, name in enumerate(node.outputs):
        if name:
            shape = r.shape(node, i)
            results.append(r.made.view(y, shape) if i == 0 else r.made.gather(y, shape, "state", run=hidden))
    return results


def plain_recurrent(r: Reading, node: Node) -> list[Value]:
    """RNN (Y, Y_h): one activation, no gates."""
    x, hidden = r.value(node.inputs[0]), int(node.attrs["hidden_size"])
    directions = 2 if node.attrs.get("direction", "forward") == "bidirectional" else 1
    words = node.attrs.get("activations") or ["Tanh"]
    word = words[0].decode() if isinstance(words[0], bytes) else str(words[0])
    if word not in EACH:
        raise InvalidTrace(f"RNN '{node.name}': activation '{word}' has no model")
    if node.attrs.get("layout", 0):
        x = r.made.copy(x, (x.shape[1], x.shape[0], x.shape[2]), "transpose")
    made = r.made.plain_recurrent(EACH[word], x, hidden, directions)
    return [r.made.view(y, r.shape(node, i)) for i, (y, name) in enumerate(zip(made, node.outputs, strict=False)) if name]


def top_k(r: Reading, node: Node) -> list[Value]:
    """TopK: values and indices."""
    shape = r.shape(node)
    x = r.value(node.inputs[0])
    return [r.made.gather(x, shape, "topk"), r.made.gather(x, shape, "topk", makes="int64")]


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(EACH, each), **dict.fromkeys(VIEWS, view), **dict.fromkeys(REDUCTIONS, reduce),
    **dict.fromkeys(("Concat",), concat), "Clip": clip, "Cast": cast, "CastLike": cast, "Conv": conv, "ConvTranspose": conv_transpose, "Gemm": gemm,
    "MatMul": matmul, "BatchNormalization": batch_norm, "SkipLayerNormalization": skip_layer_norm,
    "SkipSimplifiedLayerNormalization": skip_layer_norm, "Softmax": softmax, "LogSoftmax": softmax,
    **dict.fromkeys(("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"), layer_norm),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization"), group_norm),
    **dict.fromkeys(("MaxPool", "AveragePool"), pool), **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), global_pool),
    "Split": split, "Slice": cut, "Pad": pad, **dict.fromkeys(("Resize", "Upsample"), resize),
    **dict.fromkeys(("Transpose", "DepthToSpace", "SpaceToDepth", "ReverseSequence"), move), **dict.fromkeys(("Expand", "Tile"), expand),
    "Gather": gather, **dict.fromkeys(("GatherElements", "GatherND", "ScatterND", "ScatterElements", "Trilu", "Range", "CumSum"), scattered),
    **dict.fromkeys(("LSTM", "GRU"), recurrent), "RNN": plain_recurrent, "TopK": top_k,
    **dict.fromkeys(("ConstantOfShape", "Constant", "EyeLike"), constant),
}  # fmt: skip
