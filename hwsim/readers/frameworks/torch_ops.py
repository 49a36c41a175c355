"""What the operators of exported PyTorch programs (ATen) mean: one handler each, from a call to the importer's methods.

Facts of the operators: the schemas in PyTorch's native_functions.yaml.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hwsim.core.op import Shape
from hwsim.readers.frameworks import einsum as sums
from hwsim.readers.frameworks.importer import Importer
from hwsim.readers.frameworks.values import Value


@dataclass(frozen=True)
class TorchCall:
    """One operator of a program: kind, arguments by name (tensors as values), shape and format of each result."""

    kind: str
    name: str
    args: Mapping[str, Any]
    results: tuple[tuple[Shape, str], ...]
    used: tuple[bool, ...] = ()  # whether anything reads each result

    def __getitem__(self, name: str) -> Any:
        return self.args[name]

    @property
    def shape(self) -> Shape:
        """Shape of the first result."""
        return self.results[0][0]

    @property
    def word(self) -> str:
        """The operator's name alone."""
        return self.kind.removeprefix("aten.")

    @property
    def x(self) -> Value:
        """The first tensor."""
        return next(v for v in self.args.values() if isinstance(v, Value))

    @property
    def tensors(self) -> list[Value]:
        """Arguments that are tensors, those of lists too."""
        found: list[Value] = []
        for value in self.args.values():
            found += [value] if isinstance(value, Value) else [v for v in value if isinstance(v, Value)] if isinstance(value, list) else []
        return found


@dataclass
class TorchReading:
    """The state that handlers share."""

    made: Importer


Handler = Callable[[TorchReading, TorchCall], "list[Value]"]
NOTHING = ("aten._assert_tensor_metadata", "aten._assert_async", "aten.sym_size", "aten._assert_scalar", "aten.sym_constrain_range_for_size")
VIEWS = (
    "view", "_unsafe_view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "alias", "detach", "dropout", "permute", "transpose", "t",
    "numpy_T", "contiguous", "lift_fresh_copy", "identity", "native_dropout", "movedim", "swapaxes", "view_as",
)  # fmt: skip
EACH = {
    "threshold": "relu", "floor_divide": "div",
    "relu": "relu", "relu6": "relu6", "leaky_relu": "leaky_relu", "prelu": "leaky_relu", "_prelu_kernel": "leaky_relu", "sigmoid": "sigmoid",
    "hardsigmoid": "hardsigmoid", "tanh": "tanh", "silu": "silu", "mish": "mish", "gelu": "gelu", "softplus": "softplus", "softsign": "softsign",
    "hardswish": "hardswish", "exp": "exp", "elu": "elu", "selu": "selu", "celu": "elu", "abs": "abs", "neg": "neg", "sqrt": "sqrt", "rsqrt": "sqrt",
    "log": "log", "log1p": "log", "expm1": "exp", "erf": "erf", "sin": "sin", "cos": "cos", "reciprocal": "reciprocal", "floor": "round",
    "ceil": "round", "round": "round", "sign": "compare", "add": "add", "sub": "sub", "rsub": "sub", "mul": "mul", "div": "div", "maximum": "max",
    "minimum": "min", "remainder": "div", "fmod": "div", "where": "where", "masked_fill": "where", "clamp": "clip", "clamp_min": "clip",
    "clamp_max": "clip", "logical_not": "neg", "bitwise_not": "neg", "log_sigmoid": "softplus", "tan": "sin", "atan": "sin", "fill": "copy",
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor",
                     "__and__", "__or__", "isnan", "isinf"), "compare"),
}  # fmt: skip
FIGURES = {"mean": "mean", "sum": "sum", "amax": "amax", "max": "amax"}
WORDS = {"rsqrt": "rsqrt"}  # functions told from others that count as the same work


def view(r: TorchReading, c: TorchCall) -> list[Value]:
    """The same elements in another shape or order of reading."""
    return [r.made.view(c.x, c.shape)]


def each(r: TorchReading, c: TorchCall) -> list[Value]:
    """One pass over the elements; a number among the operands is part of it."""
    function, xs = EACH[c.word], c.tensors
    floats = [x for x in xs if x.dtype.startswith(("fp", "bf"))]
    xs = floats or xs
    return [r.made.each(function, _with_numbers(r, c, xs), c.shape, c.results[0][1], WORDS.get(c.word, ""))]


def _with_numbers(r: TorchReading, c: TorchCall, xs: list[Value]) -> list[Value]:
    """The operands in order, a plain number of a sum or product as a stored one."""
    names = [name for name in ("self", "other", "exponent") if name in c.args]
    if len(xs) > 1 or not names or not any(isinstance(c.args[name], int | float) for name in names):
        return xs
    found = [c.args[name] for name in names]
    plain = [x if isinstance(x, Value) else r.made.constant((), xs[0].dtype) for x in found if isinstance(x, Value | int | float)]
    return plain[::-1] if c.word == "rsub" else plain


def power(r: TorchReading, c: TorchCall) -> list[Value]:
    """pow; squares are products."""
    x = c.x
    return [r.made.each("mul", [x, x], c.shape) if c.args.get("exponent") == 2 else r.made.each("pow", _with_numbers(r, c, [x]), c.shape)]


def hardtanh(r: TorchReading, c: TorchCall) -> list[Value]:
    """hardtanh between 0 and 6 is ReLU6."""
    return [r.made.each("relu6" if (c["min_val"], c["max_val"]) == (0, 6) else "clip", [c.x], c.shape)]


def addcmul(r: TorchReading, c: TorchCall) -> list[Value]:
    """addcmul, lerp: a product, then a sum."""
    first, *rest = c.tensors
    return [r.made.each("add", [first, r.made.each("mul", rest, c.shape)], c.shape)]


def cast(r: TorchReading, c: TorchCall) -> list[Value]:
    """Another number format; a copy where that stays."""
    return [r.made.cast(c.x, c.results[0][1])]


def clone(r: TorchReading, c: TorchCall) -> list[Value]:
    """A copy in memory order; one of a tensor that is in that order already is left out by every compiler, and here."""
    return [c.x if c.args.get("memory_format") is None else r.made.copy(c.x, c.shape, "clone")]


def linear(r: TorchReading, c: TorchCall) -> list[Value]:
    """linear: weights (n, k); addmm: a bias, then x and weights (k, n)."""
    if c.word == "addmm":
        x, weight, bias = c["mat1"], c["mat2"], c["self"]
        n = weight.shape[1]
    else:
        x, weight, bias = c["input"], c["weight"], c["bias"]
        n = weight.shape[0]
    if not weight.constant:
        y = r.made.matmul(x, r.made.view(weight, (x.shape[-1], n)), c.shape)
        return [y if bias is None else r.made.each("add", [y, bias], c.shape)]
    own = bias is not None and bias.constant
    y = r.made.linear(x, weight, n, c.shape, bias=own)
    return [y if own or bias is None else r.made.each("add", [y, bias], c.shape)]


def matmul(r: TorchReading, c: TorchCall) -> list[Value]:
    """matmul, mm, bmm, baddbmm."""
    *before, x, y = c.tensors
    if x.constant:
        turned = r.made.view(y, (*y.shape[:-2], y.shape[-1], y.shape[-2]))
        made = r.made.matmul(turned, r.made.constant((*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype), (*c.shape[:-2], c.shape[-1], c.shape[-2]))
        return [r.made.copy(made, c.shape, "transpose")]
    made = r.made.matmul(x, y, c.shape)
    return [r.made.each("add", [made, before[0]], c.shape) if before else made]


def einsum(r: TorchReading, c: TorchCall) -> list[Value]:
    """einsum."""
    return [sums.einsum(r.made, str(c["equation"]), c.tensors, c.shape)]


def attention(r: TorchReading, c: TorchCall) -> list[Value]:
    """scaled_dot_product_attention: (..., heads, positions, size of a head); the mask is part of it."""
    mask = c.args.get("attn_mask")
    causal = bool(c.args.get("is_causal")) or (isinstance(mask, Value) and mask.causal)
    return [r.made.attention(c["query"], c["key"], c["value"], c.shape, causal=causal)]


def _spread(value: Any, dims: int) -> list[int]:
    given = [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)]
    return given * dims if len(given) == 1 else given


def conv(r: TorchReading, c: TorchCall) -> list[Value]:
    """conv1d, conv2d, conv3d, convolution; transposed ones."""
    x, weight, bias = c["input"], c["weight"], c["bias"]
    dims = len(x.shape) - 2
    groups = int(c["groups"])
    if c.args.get("transposed") or "transpose" in c.word:
        made = r.made.transposed_conv(x, weight, c.shape, groups=groups)
        return [r.made.each("bias", [made], c.shape) if bias is not None else made]
    strides, dilations = _spread(c["stride"], dims), _spread(c["dilation"], dims)
    if isinstance(c["padding"], str):
        total = [d * (k - 1) if c["padding"] == "same" else 0 for d, k in zip(dilations, weight.shape[2:], strict=True)]
        pads = [t // 2 for t in total] + [t - t // 2 for t in total]
    else:
        pads = _spread(c["padding"], dims) * 2
    return [r.made.conv(x, weight, c.shape, strides=strides, pads=pads, dilations=dilations, groups=groups, bias=bias is not None)]


def pool(r: TorchReading, c: TorchCall) -> list[Value]:
    """Windows of a maximum or a mean; the indices of maxima are not made."""
    x, dims = c.x, len(c.shape) - 2
    window = _spread(c["kernel_size"], dims)
    strides = _spread(c["stride"], dims) if c["stride"] else window
    pads, dilations = _spread(c["padding"], dims) * 2, _spread(c.args.get("dilation", 1), dims)
    function = "max" if "max" in c.word else "average"
    return [r.made.pool(x, c.shape, function, window=window, strides=strides, pads=pads, dilations=dilations)]


def _uneven(r: TorchReading, c: TorchCall) -> Value:
    """Windows of unlike sizes, copied out as if all had the longest's, then one figure each."""
    window = [max(-(-(i + 1) * s // w) - i * s // w for i in range(w)) for s, w in zip(c.x.shape[2:], c.shape[2:], strict=True)]
    apart = r.made.gather(c.x, (math.prod(c.shape), math.prod(window)), "unfold")
    return r.made.mean(apart, math.prod(window), c.shape, function="max" if "max" in c.word else "average")


def adaptive_pool(r: TorchReading, c: TorchCall) -> list[Value]:
    """Windows that give a stated size."""
    x, function = c.x, "max" if "max" in c.word else "average"
    sizes, wanted = x.shape[2:], c.shape[2:]
    if x.shape == c.shape:
        return [x]
    if any(s % w for s, w in zip(sizes, wanted, strict=True)):
        return [_uneven(r, c)]
    if all(w == 1 for w in wanted):
        return [r.made.mean(x, math.prod(sizes), c.shape, function=function)]
    window = [s // w for s, w in zip(sizes, wanted, strict=True)]
    return [r.made.pool(x, c.shape, function, window=window, strides=window, pads=[0] * 2 * len(window), dilations=[1] * len(window))]


def reduce(r: TorchReading, c: TorchCall) -> list[Value]:
    """One figure of every run; with a dimension, maxima come with their positions."""
    x, shape = c.x, c.shape
    word = c.word
    count = x.elements // max(1, math.prod(shape))
    if count == 1:
        return [r.made.view(x, shape)]
    function = "max" if word in ("max", "amax", "min", "amin", "argmax", "argmin", "any", "all") else "average"
    return [r.made.mean(x, count, shape, "int64" if word.startswith("arg") else "", function, FIGURES.get(word, ""))]


def batch_norm(r: TorchReading, c: TorchCall) -> list[Value]:
    """Batch normalisation with stored statistics."""
    return [r.made.each("batch_norm", [c["input"]], c.shape)]


def layer_norm(r: TorchReading, c: TorchCall) -> list[Value]:
    """layer_norm, rms_norm over the last dimensions."""
    weights = sum(isinstance(c.args.get(name), Value) for name in ("weight", "bias"))
    return [r.made.norm(c["input"], math.prod(c["normalized_shape"]), "rms" if "rms" in c.word else "layer", weights)]


def group_norm(r: TorchReading, c: TorchCall) -> list[Value]:
    """group_norm, instance_norm."""
    x = c.x
    groups = int(c.args.get("num_groups", c.args.get("group", x.shape[1])))
    return [r.made.norm(x, x.elements // (x.shape[0] * groups), "layer", 2)]


def softmax(r: TorchReading, c: TorchCall) -> list[Value]:
    """softmax, log_softmax."""
    return [r.made.softmax(c.x, c.x.shape[int(c["dim"])])]


def cat(r: TorchReading, c: TorchCall) -> list[Value]:
    """cat, stack."""
    xs = [x for x in c.tensors if x.elements]
    axis = int(c["dim"]) % len(c.shape)
    if c.word == "stack":
        xs = [r.made.view(x, (*x.shape[:axis], 1, *x.shape[axis:])) for x in xs]
    return [r.made.concat(xs, axis, c.shape)]


def cut(r: TorchReading, c: TorchCall) -> list[Value]:
    """Parts of a tensor, copied out by what reads them."""
    x = c.x
    made = []
    for (shape, form), used in zip(c.results, c.used, strict=True):
        if not used:
            made.append(r.made.constant(shape, form))
            continue
        axis = int(c.args.get("dim", 0)) % len(x.shape)
        kept = shape[axis] if len(shape) == len(x.shape) else 1
        whole = math.prod(shape) == x.elements
        made.append(r.made.view(x, shape) if whole else r.made.gather(x, shape, c.word, run=kept * math.prod(x.shape[axis + 1 :])))
    return made


def repeat(r: TorchReading, c: TorchCall) -> list[Value]:
    """expand, repeat: elements repeated."""
    return [r.made.repeat(c.x, c.shape)]


def embedding(r: TorchReading, c: TorchCall) -> list[Value]:
    """Rows of a table."""
    table, ids = c["weight"], c["indices"]
    if ids.constant:
        return [r.made.constant(c.shape, table.dtype)]
    if table.constant:
        return [r.made.embedding(ids, table, c.shape)]
    return [r.made.gather(table, c.shape, "gather", run=table.shape[-1])]


def index(r: TorchReading, c: TorchCall) -> list[Value]:
    """Positions of a tensor by tensors of indices; rows stay whole where only leading dimensions are indexed."""
    x = c.x
    given = c.args.get("indices", c.args.get("index"))
    leading = len(given) if isinstance(given, list) else int(c.args.get("dim", 0)) % len(x.shape) + 1
    whole = c.word in ("index", "index_select")
    if x.constant and leading == 1 and whole and len(x.shape) > 1 and isinstance(given, list) and isinstance(given[0], Value):
        return [r.made.embedding(given[0], x, c.shape)]
    return [r.made.gather(x, c.shape, c.word, run=math.prod(x.shape[leading:]) if whole else 1)]


def scattered(r: TorchReading, c: TorchCall) -> list[Value]:
    """roll, flip, cumsum, scatter and their kin: every element written once."""
    return [r.made.gather(c.x, c.shape, c.word, run=c.x.shape[-1] if c.x.shape and c.shape and c.x.shape[-1] == c.shape[-1] else 1)]


def pad(r: TorchReading, c: TorchCall) -> list[Value]:
    """Zeros (or others) around."""
    x = c.x
    return [x if x.shape == c.shape else r.made.gather(x, c.shape, "pad", run=min(x.shape[-1], c.shape[-1]))]


def resize(r: TorchReading, c: TorchCall) -> list[Value]:
    """upsample_...: positions gathered, and blended where the mode is not nearest."""
    made = r.made.gather(c.x, c.shape, "resize")
    return [made if "nearest" in c.word else r.made.each("mul", [made], c.shape)]


def copy(r: TorchReading, c: TorchCall) -> list[Value]:
    """pixel_shuffle and its kin: all elements in another order."""
    return [r.made.copy(c.x, c.shape, c.word)]


def recurrent(r: TorchReading, c: TorchCall) -> list[Value]:
    """lstm, gru: layers one after the other, each in one direction or both."""
    x, params = c["input"], c["params"]
    directions, layers = 2 if c["bidirectional"] else 1, int(c["num_layers"])
    gates = {"lstm": 4, "gru": 3}[c.word]
    hidden = params[0].shape[0] // gates
    if c["batch_first"]:
        x = r.made.view(x, (x.shape[1], x.shape[0], x.shape[2]))
    steps, batch, _ = x.shape
    returned = c.shape[-1] // directions  # of an LSTM with a projection less than the hidden units
    projection = returned if returned != hidden else 0
    for _ in range(layers):
        x = r.made.recurrent(c.word, x, hidden, (steps, batch, directions * returned), directions=directions, projection=projection)
    states = []
    for (shape, form), used in zip(c.results[1:], c.used[1:], strict=True):  # the last layer's stand for those of the others
        last = r.made.gather(x, (directions, batch, shape[-1]), "state", run=returned) if used else r.made.constant(shape, form)
        states.append(r.made.repeat(last, shape) if used and layers > 1 else last)
    return [r.made.view(x, c.shape), *states]


def top_k(r: TorchReading, c: TorchCall) -> list[Value]:
    """topk, sort: values and indices."""
    made = r.made.gather(c.x, c.shape, "topk")
    return [made, r.made.gather(c.x, c.shape, "topk", makes="int64") if c.used[1] else r.made.constant(c.shape, "int64")]


def constant(r: TorchReading, c: TorchCall) -> list[Value]:
    """Tensors that take only shape and format from another."""
    return [r.made.constant(c.shape, c.results[0][1])]


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(EACH, each), **dict.fromkeys(VIEWS, view), "pow": power, "hardtanh": hardtanh, "addcmul": addcmul, "clone": clone,
    **dict.fromkeys(("_to_copy", "to", "type_as"), cast), **dict.fromkeys(("linear", "addmm"), linear),
    **dict.fromkeys(("matmul", "mm", "bmm", "baddbmm"), matmul), "einsum": einsum, "scaled_dot_product_attention": attention,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), conv),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d", "max_pool2d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d"), pool),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool3d"), adaptive_pool),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool2d"), adaptive_pool),
    **dict.fromkeys(("mean", "sum", "max", "amax", "min", "amin", "argmax", "argmin", "prod", "var", "std", "any", "all", "logsumexp"), reduce),
    **dict.fromkeys(("_native_batch_norm_legit_no_training", "batch_norm", "native_batch_norm"), batch_norm),
    **dict.fromkeys(("layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm"), layer_norm),
    **dict.fromkeys(("group_norm", "native_group_norm", "instance_norm"), group_norm),
    **dict.fromkeys(("softmax", "_softmax", "log_softmax", "_log_softmax"), softmax), **dict.fromkeys(("cat", "stack"), cat),
    **dict.fromkeys(("slice", "select", "narrow", "split", "split_with_sizes", "chunk", "unbind"), cut),
    **dict.fromkeys(("expand", "repeat", "repeat_interleave", "expand_as"), repeat), "embedding": embedding,
    **dict.fromkeys(("index", "index_select", "gather"), index),
    **dict.fromkeys(("roll", "flip", "cumsum", "scatter", "slice_scatter", "select_scatter", "histc",
                      "index_put", "diff", "tril", "triu"), scattered),
    **dict.fromkeys(("pad", "constant_pad_nd"), pad), "copy": copy,
    **dict.fromkeys(("upsample_nearest1d", "upsample_nearest2d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_linear1d"), resize),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle", "channel_shuffle"), copy), **dict.fromkeys(("lstm", "gru"), recurrent),
    **dict.fromkeys(("topk", "sort"), top_k),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "new_empty", "zeros_like", "ones_like", "full_like", "empty_like"), constant),
}  # fmt: skip
