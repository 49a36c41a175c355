"""Norms, activations, rotary embeddings, softmax and biases that a framework wrote out become one operator each.

Graph optimisers of runtimes do the same before they execute a file (ONNX Runtime, "Graph optimizations": LayerNormFusion,
SimplifiedLayerNormFusion, GeluFusion, FastGeluFusion, QuickGelu, MatMulAddFusion; TensorRT alike). A group is left as it is when anything outside
reads one of its parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op
from hwsim.readers.frameworks.attention import fused
from hwsim.readers.frameworks.matching import ANY, NUMBER, START, VECTOR, Found, Matcher, Pattern, either, inner, scaled
from hwsim.readers.frameworks.operands import indices, joined
from hwsim.readers.frameworks.values import Builder, Origin, Value

X = "x"
SQUARE = either(("mul", X, X), ("pow", X, NUMBER))
APART = either(("sub", X, ("mean", X)))  # the distance to the mean


def _root(mean: Pattern) -> tuple[Pattern, Pattern]:
    """(root, its reciprocal) of a mean and a small number."""
    raised = either(("add", mean, NUMBER), ("clip|max", mean), ("max", mean, NUMBER), mean)
    root = either(("sqrt", raised), ("pow", raised, NUMBER))
    return root, either(("rsqrt", raised), ("reciprocal", root), ("div", NUMBER, root), ("pow", raised, NUMBER))


RMS_ROOT, RMS_INVERSE = _root(("mean", SQUARE))
LAYER_ROOT, LAYER_INVERSE = _root(("mean", either(("mul", APART, APART), ("pow", APART, NUMBER))))
TANH_OF = either(("add", X, inner(either(("pow", X, NUMBER), ("mul", inner(X), SQUARE)))),
                 ("mul", inner(X), ("add", inner(either(SQUARE, ("mul", inner(X), X))), NUMBER)))  # fmt: skip
EXP = ("exp", either(("sub", X, ("amax", X)), X))
TURNED = ("concat", ("neg", ("slice", X)), ("slice", X))
FIRST, SECOND = ("mul", ("slice", X), ANY), ("mul", ("slice", X), ANY)


@dataclass
class Step:
    """A match on its way into the graph: the operator that makes the result, and the match."""

    rewriter: Rewriter
    op: Op
    origin: Origin
    found: Found


Build = Callable[[Step], "tuple[Op, Origin] | None"]


class Rewriter:
    """Applies the rules to a graph, operator by operator in order, so that what one rule makes another may take up."""

    def __init__(self, graph: Graph, builder: Builder) -> None:
        self.graph, self.outputs, self.weight_dtype = graph, builder.outputs, builder.weight_dtype
        self.origins = dict(builder.origins)
        self.matcher = Matcher(self.origins)
        self.tensors = dict(graph.tensors)
        self.makers = {op.outputs[0]: op for op in graph.ops}
        self.readers: dict[str, set[str]] = {}
        for out, op in self.makers.items():
            self._reads(out, op)

    def _reads(self, out: str, op: Op) -> None:
        origin = self.origins.get(out)
        for name in (*op.inputs, *(v.tensor for v in (origin.reads if origin else ()) if v.tensor)):
            self.readers.setdefault(name, set()).add(out)

    def run(self) -> Graph:
        """Return the graph with every group as one operator."""
        for out in [op.outputs[0] for op in self.graph.ops]:
            while out in self.makers and self._step(out):
                pass
        ops = tuple(self.makers[op.outputs[0]] for op in self.graph.ops if op.outputs[0] in self.makers)
        used = {t for op in ops for t in (*op.inputs, *op.outputs)}
        return Graph(ops, {name: tensor for name, tensor in self.tensors.items() if name in used}, self.graph.meta)

    def _step(self, out: str) -> bool:
        """Apply the first rule that fits to what makes `out`."""
        op, origin = self.makers[out], self.origins.get(out)
        if origin is None or len(op.outputs) > 1:
            return False
        value = Value(out, origin.shape, op.dtype)
        for pattern, build in RULES.get(origin.function, ()):
            for found in self.matcher.match(pattern, value, START):
                if not self._closed(found, out) or not (made := build(Step(self, op, origin, found))):
                    continue
                self._replace(out, found, *made)
                return True
        return False

    def _closed(self, found: Found, out: str) -> bool:
        """Whether nothing outside reads what the group makes on its way."""
        return all(self.readers.get(t, set()) <= found.inside and t not in self.outputs for t in found.inside - {out})

    def _replace(self, out: str, found: Found, op: Op, origin: Origin) -> None:
        for tensor in found.inside:
            gone = self.makers.pop(tensor, None)
            for name in gone.inputs if gone else ():
                self.readers.get(name, set()).discard(tensor)
            for value in self.origins[tensor].reads:
                self.readers.get(value.tensor, set()).discard(tensor)
            if tensor != out:
                self.origins.pop(tensor)
        self.makers[out], self.origins[out] = op, origin
        self._reads(out, op)

    def weight(self, name: str, elements: int, form: str) -> str:
        """Declare a vector of weights."""
        self.tensors[name] = Tensor(name, (elements,), form, "weight")
        return name


def _plain(step: Step, kind: str, function: str, inputs: tuple[str, ...], bounds: dict[str, int], label: str) -> Op:
    """The last operator of the group as another one, in the number format of what it reads."""
    form = step.rewriter.tensors[inputs[0]].dtype
    return replace(step.op, kind=kind, function=function, inputs=inputs, bounds=bounds, label=label, dtype=form, weight_dtype=form,
                   operand_role="weight")  # fmt: skip


def _last_axis(step: Step, functions: str) -> bool:
    """Whether every figure of the group is one of its rows'."""
    x = step.found[X]
    for tensor in step.found.inside:
        origin = step.rewriter.origins[tensor]
        if origin.function in functions.split("|"):
            read = origin.reads[0].shape
            if not read or origin.shape != (*read[:-1], 1) or math.prod(read) != x.elements:
                return False
    return True


def _norm(function: str) -> Build:
    def build(step: Step) -> tuple[Op, Origin] | None:
        x = step.found[X]
        if not _last_axis(step, "mean"):
            return None
        cols = step.origin.shape[-1]
        op = _plain(step, "norm", function, (x.tensor,), {"rows": x.elements // cols, "cols": cols}, "norm")
        return op, Origin(function, (x,), step.origin.shape)

    return build


def _gain(step: Step) -> tuple[Op, Origin] | None:
    """A vector of gains or offsets behind a norm; the first is the gain."""
    vector = step.found.constants[-1]
    norm = next(step.rewriter.makers[t] for t in step.found.inside if step.rewriter.makers[t].kind == "norm")
    weights = norm["weights"]
    if vector.elements != norm["cols"] or vector.shape[-1] != norm["cols"] or weights > 1 or (step.origin.function == "add") != bool(weights):
        return None
    form = step.rewriter.weight_dtype or norm.dtype
    names = [step.rewriter.weight(f"{step.op.name}.{name}", norm["cols"], form) for name in ("weight", "bias")[: weights + 1]]
    bounds = {**norm.bounds, "weights": weights + 1}
    op = replace(step.op, kind="norm", function=norm.function, bounds=bounds, inputs=(norm.inputs[0], *names), label="norm", dtype=norm.dtype,
                 weight_dtype=form, operand_role="weight")  # fmt: skip
    return op, Origin(norm.function, step.rewriter.origins[norm.outputs[0]].reads, step.origin.shape)


def _each(function: str, *, halved: bool = False) -> Build:
    """An activation; `halved`: one that has a constant factor, perhaps still to come."""

    def build(step: Step) -> tuple[Op, Origin] | None:
        x, cols = step.found[X], step.origin.shape[-1] if step.origin.shape else 1
        if x.elements != math.prod(step.origin.shape):
            return None
        op = _plain(step, "elementwise", function, (x.tensor,), {"rows": x.elements // cols, "cols": cols}, function)
        return op, Origin(f"{function} *" if halved and not step.found.factors else function, (x,), step.origin.shape)

    return build


def _gated(function: str) -> Build:
    """An activation times another tensor."""

    def build(step: Step) -> tuple[Op, Origin] | None:
        x, y = step.found[X], step.found["y"]
        tensors = step.rewriter.tensors
        if x.elements != y.elements or x.tensor == y.tensor or tensors[x.tensor].dtype != tensors[y.tensor].dtype:
            return None
        cols = step.origin.shape[-1]
        bounds = {"rows": x.elements // cols, "cols": cols, "operands": 2}
        return _plain(step, "elementwise", function, (x.tensor, y.tensor), bounds, function), Origin(function, (x, y), step.origin.shape)

    return build


def _softmax(step: Step) -> tuple[Op, Origin] | None:
    x = step.found[X]
    if not _last_axis(step, "sum|amax"):
        return None
    cols = step.origin.shape[-1]
    op = _plain(step, "softmax", "", (x.tensor,), {"rows": x.elements // cols, "cols": cols}, "softmax")
    return op, Origin("softmax", (x,), step.origin.shape)


def _rope(step: Step) -> tuple[Op, Origin] | None:
    """Rotated heads: the direction along which the cosines are the same counts them."""
    x, shape = step.found[X], step.origin.shape
    cosine = next((v for t in step.found.inside if step.rewriter.origins[t].function == "mul"
                   for v in step.rewriter.origins[t].reads if v.constant or v.tensor not in (x.tensor, *step.found.inside)), None)  # fmt: skip
    if cosine is None or len(shape) < 2 or x.elements != math.prod(shape):
        return None
    wide = (1,) * (len(shape) - len(cosine.shape)) + cosine.shape
    same = [i for i in range(1, len(shape) - 1) if wide[i] == 1 and shape[i] > 1] if len(shape) == 4 else []
    heads, size = shape[same[0]] if same else 1, shape[-1]
    op = _plain(step, "rope", "", (x.tensor,), {"rows": x.elements // (heads * size), "heads": heads, "head_dim": size}, "rope")
    return op, Origin("rope", (x,), shape)


def _partial(step: Step) -> tuple[Op, Origin] | None:
    """Heads of which only the first part is rotated, the rest passes: one operator over whole heads."""
    x = step.found[X]
    rope = next((step.rewriter.makers[t] for t in step.found.inside if step.rewriter.makers[t].kind == "rope"), None)
    if rope is None or x.elements != math.prod(step.origin.shape):
        return None
    op = _plain(step, "rope", "", (x.tensor,), {**rope.bounds, "head_dim": x.elements // (rope["rows"] * rope["heads"])}, "rope")
    return op, Origin("rope", (x,), step.origin.shape)


def _bias(step: Step) -> tuple[Op, Origin] | None:
    """A stored vector added to a product or a convolution with stored weights."""
    makers, vector = step.rewriter.makers, step.found.constants[-1]
    made = next(makers[t] for t in step.found.inside if makers[t].kind in ("matmul", "conv2d"))
    conv = made.kind == "conv2d"
    outs = made["k"] if conv else made["n"]
    along = vector.shape[-1] if not conv else max(vector.shape)
    if made["bias"] or made.operand_role != "weight" or vector.elements != outs or along != outs or (not conv and made["batch"] > 1):
        return None
    if any(step.rewriter.origins[t].function == "cast" for t in step.found.inside):  # sums of integers, then numbers: the bias is of the latter
        return None
    if conv and len(vector.shape) != len(step.origin.shape) - 1 and vector.shape != (1, outs, *(1 for _ in step.origin.shape[2:])):
        return None
    name = step.rewriter.weight(f"{made.name}.bias", outs, made.weight_dtype)
    op = replace(made, bounds={**made.bounds, "bias": 1}, inputs=(*made.inputs, name), outputs=step.op.outputs)
    return op, Origin("biased", step.rewriter.origins[made.outputs[0]].reads, step.origin.shape)


def _format(step: Step) -> tuple[Op, Origin] | None:
    """A norm or activation that worked in a wider format and returns to that of its input: the pass itself converts."""
    before = next((made for t in step.found.inside if (made := step.rewriter.makers.get(t)) is not None and made is not step.op), None)
    if before is None or step.rewriter.tensors[step.op.outputs[0]].dtype != before.dtype:
        return None
    origin = step.rewriter.origins[before.outputs[0]]
    return replace(before, name=step.op.name, outputs=step.op.outputs), replace(origin, shape=step.origin.shape)


FACTORS = [
    (("mul|div", ("gelu *", X), NUMBER), _each("gelu")), (("mul|div", ("hardswish *", X), NUMBER), _each("hardswish")),
]  # fmt: skip
PRODUCTS: list[tuple[Pattern, Build]] = [
    (("mul", X, ("sigmoid", either(X, ("mul", X, NUMBER)))), _each("silu")), (("mul", X, ("hardsigmoid", X)), _each("hardswish")),
    (("mul", X, ("tanh", ("softplus", X))), _each("mish")),
    (scaled(("mul", scaled(X), scaled(("add", ("erf", either(X, ("mul", X, NUMBER), ("div", X, NUMBER))), NUMBER)))), _each("gelu", halved=True)),
    (scaled(("mul", scaled(X), scaled(("add", ("tanh", either(TANH_OF, ("mul", TANH_OF, NUMBER))), NUMBER)))), _each("gelu", halved=True)),
    (scaled(("mul", X, ("relu6", ("add", X, NUMBER)))), _each("hardswish", halved=True)), *FACTORS,
    (("mul|div", ("relu6", ("add", X, NUMBER)), NUMBER), _each("hardsigmoid")),
    (either(("mul", APART, LAYER_INVERSE), ("div", APART, LAYER_ROOT)), _norm("layer")),
    (either(("mul", X, RMS_INVERSE), ("div", X, RMS_ROOT)), _norm("rms")),
    (("mul", ("rms|layer", ANY), VECTOR), _gain),
    (("mul", ("silu", X), "y"), _gated("silu_mul")), (("mul", ("gelu", X), "y"), _gated("gelu_mul")),
    (("div", EXP, ("sum", EXP)), _softmax), (("mul|div", ("tanh", ("mul|div", X, NUMBER)), NUMBER), _each("tanh")),
]  # fmt: skip
RULES: dict[str, list[tuple[Pattern, Build]]] = {
    "mul": PRODUCTS, "div": PRODUCTS,
    "add": [(("add", ("mul", X, ANY), ("mul", TURNED, ANY)), _rope), (("add", ("layer|rms", ANY), VECTOR), _gain),
            (("add", ("matmul|conv2d", ANY), VECTOR), _bias)],
    "concat": [(("concat", ("sub", FIRST, SECOND), ("add", FIRST, SECOND)), _rope), (("concat", ("rope", ("slice", X)), ("slice", X)), _partial)],
    "cast": [(("cast", ("rms|layer|softmax|rope|silu|gelu", ANY)), _format), (("cast", ("silu_mul|gelu_mul", ANY, ANY)), _format)],
}  # fmt: skip


def rewritten(graph: Graph, builder: Builder) -> Graph:
    """Return the graph that `builder` made, with every group that a runtime executes as one operator as one."""
    graph = fused(Rewriter(graph, builder).run(), builder.origins)
    return indices(joined(graph, builder.origins, builder.outputs))
