"""The other operators of ONNX: what each becomes, in shape and in kind."""

import math

import pytest

pytest.importorskip("onnx")
import onnx
from onnx_models import INT64, graph_of, kinds, node, stored

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.onnx_fused import FUSED
from hwsim.readers.frameworks.onnx_ops import EACH, HANDLERS
from hwsim.readers.frameworks.onnx_quant import QUANTISED

X = {"x": [2, 6, 4, 4]}
RUNTIME = ("FastGelu", "BiasGelu", "QuickGelu", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "SimplifiedLayerNormalization",
           "MultiHeadAttention", "GroupQueryAttention", "MatMulNBits")  # fmt: skip


def made_by(tmp_path, *args, **options):
    """(kinds, elements of the result) of one operator."""
    graph = graph_of(tmp_path, *args, **options)
    return kinds(graph), math.prod(graph.ops[-1].results[0])


def test_every_handler_is_one_of_an_operator():
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    unknown = {name for name in {**HANDLERS, **FUSED, **QUANTISED} if name not in known and not name.startswith("Q")}
    assert unknown <= {*RUNTIME, "Upsample"}


@pytest.mark.parametrize("kind", sorted(k for k in EACH if not k.endswith("Gelu") and not k.startswith("Bit")))
def test_passes_over_the_elements(tmp_path, kind):
    logical, two = ("And", "Or", "Xor", "Not"), onnx.defs.get_schema(kind, 24).min_input
    form = (onnx.TensorProto.BOOL, [2, 6]) if kind in logical else [2, 6]
    names = ["a", "b", "c"][:two]
    inputs = dict.fromkeys(names, form)
    if kind == "Where":
        inputs["a"] = (onnx.TensorProto.BOOL, [2, 6])
    graph = graph_of(tmp_path, node(kind, " ".join(names)), inputs, opset=24)
    (op,) = graph.ops
    assert op.kind == "elementwise"
    assert (op["rows"], op["cols"], op["operands"]) == (2, 6, 2 if kind == "Where" else two)
    assert op.elementary >= 12


def test_operands_that_are_broadcast(tmp_path):
    assert made_by(tmp_path, node("Add", "x b"), X, [stored("b", 6, 1, 1)]) == (["bias"], 192)
    assert made_by(tmp_path, node("Mul", "x b"), {**X, "b": [2, 6, 1, 1]}) == (["scale"], 192)
    assert made_by(tmp_path, node("Add", "a b"), {"a": [3, 1], "b": [1, 4]}) == (["embedding", "bias"], 12)
    assert made_by(tmp_path, node("Pow", "x e"), X, [stored("e", value=2)]) == (["mul"], 192)
    assert made_by(tmp_path, node("Pow", "x e"), X, [stored("e", value=0.5)]) == (["pow"], 192)
    assert made_by(tmp_path, node("Sum", "a b c"), {"a": [5], "b": [5], "c": [5]}) == (["add", "add"], 5)
    assert made_by(tmp_path, node("Max", "a b c"), {"a": [5], "b": [5], "c": [5]}) == (["max", "max"], 5)


def test_what_works_on_stored_values_alone_is_done_ahead_of_time(tmp_path):
    nodes = [node("Transpose", "w", "t", perm=[1, 0]), node("Mul", "t s", "u"), node("MatMul", "x u")]
    graph = graph_of(tmp_path, nodes, {"x": [2, 600]}, [stored("w", 200, 600), stored("s", 200)])
    assert kinds(graph) == ["matmul"]
    assert graph.meta["parameters"] == 200 * 600 + 200


def test_norms(tmp_path):
    for nodes, kind, cols in (
        (node("LayerNormalization", "x g b", axis=-1), "layer", 8), (node("LayerNormalization", "x g b", axis=1), "layer", 48),
        (node("RMSNormalization", "x g"), "rms", 8), (node("LpNormalization", "x", axis=1), "rms", 6),
        (node("GroupNormalization", "x c d", num_groups=2), "layer", 24), (node("InstanceNormalization", "x c d"), "layer", 8),
    ):  # fmt: skip
        weights = [stored("g", 8), stored("b", 8), stored("c", 6), stored("d", 6)]
        (op,) = graph_of(tmp_path, nodes, {"x": [2, 6, 8]}, weights, opset=23).ops
        assert (op.kind, op.function, op["rows"] * op["cols"], op["cols"]) == ("norm", kind, 96, cols)
    stats = [stored(n, 6) for n in "abcd"]
    assert made_by(tmp_path, node("BatchNormalization", "x a b c d"), X, stats) == (["batch_norm"], 192)
    assert graph_of(tmp_path, node("BatchNormalization", "x a b c d"), X, stats).meta["parameters"] == 12
    assert made_by(tmp_path, node("MeanVarianceNormalization", "x", axes=[0, 2, 3]), X) == (["layer"], 192)
    assert made_by(tmp_path, node("LRN", "x", size=5), X) == (["mul", "embedding", "average", "pow", "div"], 192)


@pytest.mark.parametrize(("opset", "axis", "cols"), [(13, 1, 6), (11, 1, 96), (11, 3, 4), (13, -1, 4), (9, 2, 16)])
def test_softmax_of_old_and_new_sets(tmp_path, opset, axis, cols):
    (op,) = graph_of(tmp_path, node("Softmax", "x", axis=axis), X, opset=opset).ops
    assert op["cols"] == cols and op["rows"] == 192 // cols


def test_reductions(tmp_path):
    assert made_by(tmp_path, node("ReduceMean", "x", axes=[2, 3], keepdims=0), X, opset=13) == (["average"], 12)
    assert made_by(tmp_path, node("ReduceMean", "x a"), X, [stored("a", 1, kind="int64", value=[-1])]) == (["average"], 48)
    assert made_by(tmp_path, node("ReduceMax", "x", keepdims=0), X) == (["max"], 1)
    graph = graph_of(tmp_path, node("ArgMax", "x", axis=1), X)
    assert kinds(graph) == ["max"] and graph.tensors[graph.ops[0].outputs[0]].dtype == "int64"
    with pytest.raises(InvalidTrace, match="no operator is left"):
        graph_of(tmp_path, node("ReduceSum", "x a"), {"x": [2, 1]}, [stored("a", 1, kind="int64", value=[1])])


def test_views_make_no_operator(tmp_path):
    nodes = [
        node("Reshape", "x shape", "a"), node("Flatten", "a", "b"), node("Unsqueeze", "b axes", "c"), node("Squeeze", "c", "d"),
        node("Transpose", "c", "e", perm=[1, 0, 2]), node("Dropout", "d", "f"), node("Identity", "f", "g"), node("Relu", "g", "y"),
    ]  # fmt: skip
    weights = [stored("shape", 2, kind="int64", value=[0, -1]), stored("axes", 1, kind="int64", value=[0])]
    assert made_by(tmp_path, nodes, X, weights) == (["relu"], 192)


def test_sizes_computed_from_shapes_are_folded(tmp_path):
    nodes = [
        node("Shape", "x", "s"), node("Gather", "s zero", "n", axis=0), node("Unsqueeze", "n axes", "u"), node("Concat", "u rest", "t", axis=0),
        node("Reshape", "x t", "r"), node("Relu", "r", "y"),
    ]  # fmt: skip
    weights = [stored("zero", kind="int64", value=0), stored("axes", 1, kind="int64", value=[0]), stored("rest", 1, kind="int64", value=[-1])]
    graph = graph_of(tmp_path, nodes, X, weights)
    assert (graph.ops[0]["rows"], graph.ops[0]["cols"]) == (2, 96)


@pytest.mark.parametrize("parts", [2, 8, 9, 20])
def test_any_number_of_parts_side_by_side(tmp_path, parts):
    names = [f"x{i}" for i in range(parts)]
    graph = graph_of(tmp_path, node("Concat", " ".join(names), axis=1), {n: [2, i + 1, 3] for i, n in enumerate(names)})
    assert set(kinds(graph)) == {"concat"} and len(graph.ops) == -(-(parts - 1) // 7)
    assert math.prod(graph.ops[-1].results[0]) == 2 * 3 * parts * (parts + 1) // 2


def test_parts_cut_out(tmp_path):
    bounds = [stored(n, 1, kind="int64", value=[v]) for n, v in (("s", 1), ("e", 3), ("a", 2))]
    graph = graph_of(tmp_path, node("Slice", "x s e a"), X, bounds)
    assert (graph.ops[0]["rows"], graph.ops[0]["cols"]) == (12, 8)  # two rows of four lie side by side
    assert made_by(tmp_path, node("Slice", "x", axes=[1], starts=[0], ends=[3]), X, opset=9) == (["embedding"], 96)
    nodes = [node("Split", "x", "a b", axis=1, num_outputs=2), node("Add", "a b", "y")]
    assert made_by(tmp_path, nodes, X) == (["embedding", "embedding", "add"], 96)
    assert made_by(tmp_path, [node("Split", "x", "a b", axis=1, split=[2, 4]), node("Relu", "b", "y")], X, opset=11)[1] == 128


def test_rows_looked_up(tmp_path):
    graph = graph_of(tmp_path, node("Gather", "table ids"), {"ids": (INT64, [2, 7])}, [stored("table", 100, 16)])
    assert kinds(graph) == ["embedding"] and {t.dtype for t in graph.tensors.values() if t.role == "input"} == {"int32"}
    table = graph.ops[0]
    assert (table["rows"], table["vocab"], table["cols"], table.weight_bytes) == (14, 100, 16, 14 * 16 * 4)
    picked = graph_of(tmp_path, node("Gather", "x i", axis=1), X, [stored("i", kind="int64", value=0)])
    assert (picked.ops[0]["rows"], picked.ops[0]["cols"]) == (2, 16)
    assert made_by(tmp_path, node("GatherElements", "x i", axis=1), X, [stored("i", 2, 3, 4, 4, kind="int64")]) == (["embedding"], 96)


def test_moves(tmp_path):
    assert made_by(tmp_path, node("Transpose", "x", perm=[0, 2, 3, 1]), X) == (["copy"], 192)
    assert made_by(tmp_path, node("DepthToSpace", "x", blocksize=2), {"x": [1, 8, 3, 3]}) == (["copy"], 72)
    assert made_by(tmp_path, node("Expand", "x s"), {"x": [1, 5]}, [stored("s", 2, kind="int64", value=[4, 5])]) == (["embedding"], 20)
    assert made_by(tmp_path, node("Tile", "x s"), {"x": [1, 5]}, [stored("s", 2, kind="int64", value=[1, 3])]) == (["embedding"], 15)
    assert made_by(tmp_path, node("Pad", "x p"), {"x": [1, 5]}, [stored("p", 4, kind="int64", value=[0, 1, 0, 2])]) == (["embedding"], 8)
    assert made_by(tmp_path, node("Pad", "x", pads=[0, 1, 0, 2]), {"x": [1, 5]}, opset=9) == (["embedding"], 8)
    assert made_by(tmp_path, node("GridSample", "x g"), {**X, "g": [2, 5, 5, 2]}) == (["embedding", "scale", "average"], 300)
    assert made_by(tmp_path, node("GridSample", "x g", mode="nearest"), {**X, "g": [2, 5, 5, 2]}) == (["embedding"], 300)
    assert made_by(tmp_path, [node("TopK", "x k", "v i", axis=1), node("Relu", "v")], X, [stored("k", 1, kind="int64", value=[2])])[1] == 64


def test_pictures_made_larger(tmp_path):
    scales = [stored("s", 4, value=[1, 1, 2, 2])]
    assert made_by(tmp_path, node("Resize", "x - s", mode="nearest"), X, scales) == (["embedding"], 768)
    assert made_by(tmp_path, node("Resize", "x - s", mode="linear"), X, scales) == (["embedding", "scale"], 768)
    assert made_by(tmp_path, node("Upsample", "x s"), X, scales, opset=9) == (["embedding"], 768)
    assert made_by(tmp_path, node("Upsample", "x", scales=[1.0, 1.0, 2.0, 2.0]), X, opset=7) == (["embedding"], 768)


def test_limits(tmp_path):
    limits = [stored("low", value=0), stored("six", value=6), stored("high", value=5)]
    assert kinds(graph_of(tmp_path, node("Clip", "x low six"), X, limits)) == ["relu6"]
    assert kinds(graph_of(tmp_path, node("Clip", "x low high"), X, limits)) == ["clip"]
    assert kinds(graph_of(tmp_path, node("Clip", "x", min=0.0, max=6.0), X, opset=9)) == ["relu6"]
    assert kinds(graph_of(tmp_path, node("Clip", "x low"), X, limits)) == ["clip"]
