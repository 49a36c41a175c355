"""Products and attention of ONNX: every form has the multiply-accumulates of its definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")
import onnx
from onnx_models import graph_of, kinds, model, node, stored

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.onnx import read_onnx


@settings(max_examples=60, deadline=None)
@given(lead=st.lists(st.integers(1, 3), max_size=3), data=st.data(), m=st.integers(1, 4), k=st.integers(1, 5), n=st.integers(1, 4),
       constant=st.sampled_from(["neither", "left", "right"]))  # fmt: skip
def test_matrix_products_broadcast_their_leading_sizes(tmp_path_factory, lead, data, m, k, n, constant):
    def some():
        cut = data.draw(st.integers(0, len(lead)))
        return [data.draw(st.sampled_from([1, size])) for size in lead[cut:]]

    a, b = [*some(), m, k], [*some(), k, n]
    weights = [stored("a", *a)] if constant == "left" else [stored("b", *b)] if constant == "right" else []
    inputs = {name: shape for name, shape in (("a", a), ("b", b)) if all(w.name != name for w in weights)}
    path = tmp_path_factory.mktemp("product") / "net.onnx"
    onnx.save(model(node("MatMul", "a b"), inputs, weights), path)
    out = np.matmul(np.ones(a), np.ones(b))
    graph = read_onnx(path)
    assert graph.macs == out.size * k
    assert math.prod(graph.ops[-1].results[0]) == out.size
    assert graph.meta["parameters"] == (math.prod(a) if constant == "left" else math.prod(b) if constant == "right" else 0)


@pytest.mark.parametrize(("a", "b", "macs"), [([5], [5, 3], 15), ([2, 4, 5], [5], 40), ([5], [5], 5), ([3, 2, 5], [5, 4], 120)])
def test_vectors_are_rows_and_columns(tmp_path, a, b, macs):
    assert graph_of(tmp_path, node("MatMul", "a b"), {"a": a, "b": b}).macs == macs


@pytest.mark.parametrize("trans_a", [0, 1])
@pytest.mark.parametrize("trans_b", [0, 1])
@pytest.mark.parametrize("computed", [False, True])
def test_gemm(tmp_path, trans_a, trans_b, computed):
    a, b = ([6, 2] if trans_a else [2, 6]), ([3, 6] if trans_b else [6, 3])
    inputs = {"a": a, "b": b} if computed else {"a": a}
    weights = [stored("c", 3)] if computed else [stored("b", *b), stored("c", 3)]
    graph = graph_of(tmp_path, node("Gemm", "a b c", transA=trans_a, transB=trans_b), inputs, weights)
    assert graph.macs == 36
    assert kinds(graph) == ["copy"] * trans_a + ["matmul"] + ["bias"] * computed


def test_gemm_adds_a_computed_matrix(tmp_path):
    graph = graph_of(tmp_path, node("Gemm", "a b c"), {"a": [2, 6], "c": [2, 3]}, [stored("b", 6, 3)])
    assert kinds(graph) == ["matmul", "add"]
    assert graph.ops[0]["bias"] == 0


EINSUMS = [
    ("bij,bjk->bik", [2, 3, 4], [2, 4, 5], 2 * 3 * 4 * 5, ["matmul"]), ("ij,kj->ik", [3, 4], [5, 4], 60, ["matmul"]),
    ("bqhd,bkhd->bhqk", [2, 3, 4, 5], [2, 6, 4, 5], 2 * 3 * 4 * 5 * 6, ["copy", "copy", "matmul"]),
    ("bhqk,bkhd->bqhd", [2, 4, 3, 6], [2, 6, 4, 5], 2 * 4 * 3 * 6 * 5, ["copy", "matmul", "copy"]), ("i,j->ij", [3], [4], 12, ["matmul"]),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "a", "b", "macs", "made"), EINSUMS)
def test_sums_of_products(tmp_path, equation, a, b, macs, made):
    graph = graph_of(tmp_path, node("Einsum", "a b", equation=equation), {"a": a, "b": b})
    assert graph.macs == macs
    assert kinds(graph) == made


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("bij,bjk->bk", [[2, 3, 4], [2, 4, 5]], 2 * 4 * 5), ("ij,jk", [[3, 4], [4, 5]], 60), ("...j,jk->...k", [[2, 3, 4], [4, 5]], 120),
        ("bsd->bs", [[2, 3, 4]], 0),
        ("bsd->sbd", [[2, 3, 4]], 0), ("bd,bd,bd->b", [[2, 4]] * 3, 8), ("bi,ij,bj->b", [[2, 3], [3, 4], [2, 4]], 24 + 8),
        ("bd,d->bd", [[2, 4], [4]], 0), ("...ij,...jk->...ik", [[5, 2, 3, 4], [5, 2, 4, 6]], 10 * 3 * 4 * 6),
    ],
)  # fmt: skip
def test_sums_of_other_forms(tmp_path, equation, shapes, macs):
    inputs = dict(zip("abc", shapes, strict=False))
    graph = graph_of(tmp_path, node("Einsum", " ".join(inputs), equation=equation), inputs)
    assert graph.macs == macs
    wanted = np.einsum(equation, *(np.zeros(shape) for shape in shapes)).size
    assert np.prod(graph.ops[-1].results[0]) == wanted


@pytest.mark.parametrize(("equation", "message"), [("bii,bij->bj", "an index twice"), ("bij->bj", "does not match the operands")])
def test_sums_that_have_no_model(tmp_path, equation, message):
    with pytest.raises(InvalidTrace, match=message):
        graph_of(tmp_path, node("Einsum", "a b", equation=equation), {"a": [2, 3, 3], "b": [2, 3, 5]})


def by_hand(*, mask="", scale="Mul", late=False):
    """Softmax(Q KT) V in the operators that exporters write."""
    nodes = [node("Transpose", "k", "kt", perm=[0, 1, 3, 2]), node("MatMul", "q kt", "s0"), node(scale, "s0 c", "s1")]
    if mask:
        nodes += [node("Add", "s1 mask", "s2")] if mask == "add" else [node("Where", "mask s1 low", "s2")]
    nodes.append(node("Softmax", f"s{2 if mask else 1}", "p", axis=-1))
    if late:
        nodes += [node("IsNaN", "p", "n"), node("Where", "n zero p", "p2")]
    return [*nodes, node("MatMul", "p2 v" if late else "p v", "y")]


@pytest.mark.parametrize("form", [{}, {"mask": "add"}, {"mask": "where"}, {"scale": "Div"}, {"mask": "add", "late": True}])
def test_attention_by_hand_becomes_one_operator(tmp_path, form):
    inputs = {"q": [2, 4, 5, 8], "k": [2, 4, 7, 8], "v": [2, 4, 7, 8]}
    if form.get("mask") == "add":
        inputs["mask"] = [2, 1, 1, 7]
    if form.get("mask") == "where":
        inputs["mask"] = (onnx.TensorProto.BOOL, [2, 1, 5, 7])
    weights = [stored("c"), stored("low", value=-1e9), stored("zero", value=0)]
    graph = graph_of(tmp_path, by_hand(**form), inputs, weights)
    (attention,) = [op for op in graph.ops if op.kind == "attention"]
    sizes = ("batch", "heads", "q", "kv", "head_dim", "kv_heads", "causal")
    assert [attention[size] for size in sizes] == [2, 4, 5, 7, 8, 0, 0]
    assert graph.macs == attention.macs == 2 * 2 * 4 * 5 * 7 * 8
    assert "softmax" not in kinds(graph) and "copy" not in kinds(graph)


def test_scores_that_something_else_reads_stay_apart(tmp_path):
    nodes = [*by_hand()[:-1], node("MatMul", "p v", "o"), node("ReduceSum", "p", "r", keepdims=0), node("Add", "o r", "y")]
    graph = graph_of(tmp_path, nodes, {"q": [1, 2, 4, 8], "k": [1, 2, 4, 8], "v": [1, 2, 4, 8]}, [stored("c")])
    assert "attention" not in kinds(graph)
    assert graph.macs == 2 * 2 * 4 * 4 * 8


def test_heads_that_share_keys(tmp_path):
    nodes = [node("Transpose", "k", "kt", perm=[0, 1, 2, 4, 3]), node("MatMul", "q kt", "s"), node("Softmax", "s", "p"), node("MatMul", "p v", "y")]
    graph = graph_of(tmp_path, nodes, {"q": [1, 2, 4, 5, 8], "k": [1, 2, 1, 7, 8], "v": [1, 2, 1, 7, 8]})
    (attention,) = graph.ops
    assert (attention["heads"], attention["kv_heads"]) == (8, 2)


def test_attention_of_operator_set_23(tmp_path):
    inputs = {"q": [1, 6, 32], "k": [1, 6, 16], "v": [1, 6, 16], "pk": [1, 2, 10, 8], "pv": [1, 2, 10, 8]}
    nodes = node("Attention", "q k v - pk pv", "y nk nv", q_num_heads=4, kv_num_heads=2, is_causal=1)
    graph = graph_of(tmp_path, nodes, inputs, opset=23, outputs=("y", "nk", "nv"))
    attention = next(op for op in graph.ops if op.kind == "attention")
    assert (attention["heads"], attention["kv_heads"], attention["q"], attention["kv"], attention["head_dim"]) == (4, 2, 6, 16, 8)
    assert graph.macs == 2 * 4 * 8 * (6 * 16 - 15)  # causal: the first query sees 11 keys
    assert kinds(graph) == ["concat", "concat", "attention"]
    with pytest.raises(InvalidTrace, match="one value per key"):
        graph_of(tmp_path, node("Attention", "q k v", q_num_heads=4, kv_num_heads=4), {"q": [1, 6, 32], "k": [1, 6, 32], "v": [1, 6, 16]}, opset=23)


def test_grouped_attention_of_runtimes(tmp_path):
    nodes = [
        node("MatMulNBits", "x w s", "q", domain="com.microsoft", K=64, N=128, bits=4, block_size=32),
        node("GroupQueryAttention", "q - - pk pv len total cos sin", "a nk nv", domain="com.microsoft", num_heads=4, kv_num_heads=2, do_rotary=1),
        node("SkipSimplifiedLayerNormalization", "a x g", "n - - z", domain="com.microsoft"),
        node("Add", "n z", "y"),
    ]
    inputs = {"x": [1, 1, 64], "pk": [1, 2, 31, 16], "pv": [1, 2, 31, 16]}
    weights = [stored("w", 128, 2, 16, kind="uint8"), stored("s", 128 * 2), stored("g", 64), stored("len", 1, kind="int32"),
               stored("total", kind="int32"), stored("cos", 64, 8), stored("sin", 64, 8)]  # fmt: skip
    graph = graph_of(tmp_path, nodes, inputs, weights)
    attention = next(op for op in graph.ops if op.kind == "attention")
    assert (attention["heads"], attention["kv_heads"], attention["kv"]) == (4, 2, 32)
    assert graph.macs == 64 * 128 + 2 * 4 * 16 * 32
    assert kinds(graph).count("rope") == 2 and "rms" in kinds(graph)
    assert graph.ops[0].weight_bytes == 64 * 128 * 4.5 / 8


def test_heads_of_runtimes(tmp_path):
    packed = node("Attention", "x w b", domain="com.microsoft", num_heads=4)
    graph = graph_of(tmp_path, packed, {"x": [2, 5, 32]}, [stored("w", 32, 96), stored("b", 96)])
    assert graph.macs == 2 * 5 * 32 * 96 + 2 * 2 * 5 * 5 * 32
    apart = node("MultiHeadAttention", "q k v", domain="com.microsoft", num_heads=4)
    assert graph_of(tmp_path, apart, {"q": [2, 5, 32], "k": [2, 7, 32], "v": [2, 7, 32]}).macs == 2 * 2 * 5 * 7 * 32
    with pytest.raises(InvalidTrace, match="packed"):
        graph_of(tmp_path, node("MultiHeadAttention", "q", domain="com.microsoft", num_heads=4), {"q": [2, 5, 4, 3, 8]})
    turned = graph_of(tmp_path, node("RotaryEmbedding", "x c s p", num_heads=4), {"x": [1, 5, 32]},
                      [stored("c", 9, 4), stored("s", 9, 4), stored("p", 1, 5, kind="int64")], opset=23)  # fmt: skip
    assert kinds(turned) == ["rope"] and turned.ops[0]["head_dim"] == 8


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("layout", [0, 1])
def test_recurrent_layers(tmp_path, kind, gates, directions, layout):
    attrs = {"hidden_size": 16, "direction": "bidirectional" if directions == 2 else "forward", "layout": layout}
    weights = [stored("w", directions, gates * 16, 10), stored("r", directions, gates * 16, 16), stored("b", directions, 2 * gates * 16)]
    shape = [2, 7, 10] if layout else [7, 2, 10]
    graph = graph_of(tmp_path, node(kind, "x w r b", "y h", **attrs), {"x": shape}, weights, outputs=("y", "h"))
    assert graph.macs == directions * 7 * 2 * gates * 16 * (10 + 16)
    assert [op.kind for op in graph.ops].count(kind.lower()) == directions
