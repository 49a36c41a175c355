"""Graphs: what construction refuses, order, equal operators, views, the builder."""

import random
import time

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, GraphBuilder, Tensor, single_op
from hwsim.core.op import Op


def chain(n: int, repeat: int = 1) -> Graph:
    builder = GraphBuilder()
    x = builder.tensor("x", (1, 8), role="input")
    for i in range(n):
        x = builder.op("elementwise", f"e{i}", [x], function="relu", rows=1, cols=8, repeat=repeat)
    return builder.graph(trace="chain", phase="decode")


def test_a_chain():
    graph = chain(4, repeat=3)
    assert (graph.name, graph.phase, graph.macs) == ("chain", "decode", 0)
    assert graph.predecessors == ((), (0,), (1,), (2,))
    members, of_op, counts = graph.unique
    assert (len(members), of_op, counts) == (1, (0, 0, 0, 0), (12,))
    assert graph.with_meta(batch=2).meta["batch"] == 2
    assert graph.key == chain(4, repeat=3).key != chain(5, repeat=3).key


def test_networkx_view_has_an_edge_per_tensor():
    builder = GraphBuilder()
    x = builder.tensor("x", (1, 8), role="input")
    y = builder.op("matmul", "a", [x], m=1, k=8, n=8)
    builder.op("elementwise", "b", [y, y], function="add", rows=1, cols=8, operands=2)
    view = builder.graph(trace="t").nx()
    assert networkx.is_directed_acyclic_graph(view)
    assert [(a, b) for a, b, _ in view.edges] == [("a", "b")]
    assert view.nodes["a"]["op"].kind == "matmul"


@given(st.integers(1, 60), st.randoms(use_true_random=False))
def test_any_order_of_operators_is_sorted(n, rng: random.Random):
    graph = chain(n)
    shuffled = list(graph.ops)
    rng.shuffle(shuffled)
    assert Graph(tuple(shuffled), graph.tensors, graph.meta).ops == graph.ops


def test_sorting_a_reversed_graph_is_not_quadratic():
    graph = chain(8000)
    start = time.process_time()
    assert Graph(graph.ops[::-1], graph.tensors).ops == graph.ops
    assert time.process_time() - start < 2


def relu(name: str, x: str, y: str) -> Op:
    return Op(name, "elementwise", {"rows": 1, "cols": 8}, (x,), (y,), function="relu")


def t(name: str, role: str = "activation", shape: tuple[int, ...] = (1, 8), dtype: str = "fp16") -> dict[str, Tensor]:
    return {name: Tensor(name, shape, dtype, role)}


X, Y, Z = t("x", "input"), t("y"), t("z")


@pytest.mark.parametrize(
    ("ops", "tensors", "message"),
    [
        ((relu("a", "x", "y"), relu("a", "y", "z")), X | Y | Z, "name 'a' is used twice"),
        ((relu("a", "x", "y"),), X, "unknown tensor 'y'"),
        ((relu("a", "x", "y"), relu("b", "x", "y")), X | Y, "'y' is made twice: by 'a' and 'b'"),
        ((relu("a", "x", "y"),), X | Y | Z, "dangling tensor 'z'"),
        ((relu("a", "z", "y"),), Y | Z, "an activation that no operator makes"),
        ((relu("a", "x", "y"),), X | t("y", "weight"), "which is a weight"),
        ((relu("a", "z", "y"), relu("b", "y", "z")), Y | Z, "a cycle through a, b"),
        ((relu("a", "y", "y"),), Y, "a cycle through a"),
        ((relu("a", "x", "y"),), t("x", "input", (1, 9)) | Y, "input0 should be (1, 8)"),
        ((relu("a", "x", "y"),), X | t("y", shape=(9,)), "makes (1, 8)"),
        ((relu("a", "x", "y"),), t("x", "input", dtype="int8") | Y, "should be fp16, but tensor 'x' is int8"),
        ((Op("a", "matmul", {"m": 1, "k": 8, "n": 8}, ("x",), ("y",)),), X | Y, "takes 2 operand(s) (input, weight), got 1"),
        ((Op("a", "elementwise", {"rows": 1, "cols": 8}, ("x",), ()),), X, "makes 1 result(s), got 0"),
        ((Op("a", "matmul", {"m": 1, "k": 8, "n": 8}, ("x", "w"), ("y",)),), X | Y | t("w", "input", (8, 8)), "operand_role says weight"),
    ],
)
def test_what_is_refused(ops, tensors, message):
    with pytest.raises(InvalidTrace) as raised:
        Graph(ops, tensors)
    assert message in str(raised.value)


@pytest.mark.parametrize("shape", [(0,), (-1, 2), (1.0,), (True,), ("3",)])
def test_impossible_shapes(shape):
    with pytest.raises(InvalidTrace, match="positive whole numbers"):
        Tensor("x", shape, "fp16")


def test_tensors():
    tensor = Tensor("x", (3, 4), "int4", "weight")
    assert (tensor.elements, tensor.bytes) == (12, 6)
    assert tensor.twin("y") == Tensor("y", (3, 4), "int4", "weight")
    with pytest.raises(InvalidTrace, match="role 'thing'"):
        Tensor("x", (1,), "fp16", "thing")


def test_the_builder_declares_weights_and_results():
    builder = GraphBuilder("int8", "int4")
    x = builder.tensor("x", (1, 64), role="input")
    builder.tensor("x", (1, 64), role="input")
    y = builder.op("matmul", "fc", [x], m=1, k=64, n=10, bias=1)
    graph = builder.graph(trace="tiny")
    assert (y, graph.macs, graph.weight_bytes) == ("fc.out", 640, (640 + 10) / 2)
    assert graph.tensors["fc.out"].dtype == "int8"
    with pytest.raises(InvalidTrace, match="declared twice"):
        builder.tensor("x", (2, 64), role="input")


def test_a_cache_may_be_read_and_written_by_one_operator():
    cache = {"c": Tensor("c", (1, 8), "fp16", "state")}
    assert len(Graph((relu("a", "c", "c"),), cache).ops) == 1


def test_single_operators():
    graph = single_op("attention", heads=2, q=1, kv=5, head_dim=4)
    assert {x.role for x in graph.tensors.values()} == {"input", "kv_cache", "activation"}
    assert graph.meta["single_op"]
