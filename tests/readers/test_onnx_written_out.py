"""What frameworks write out in many operators is one here: norms, activations, rotary embeddings, softmax, biases, the layout of attention."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
from onnx_models import INT64, graph_of, kinds, node, stored

import hwsim
from hwsim.readers.load import load_graph

DATA = Path(__file__).parents[1] / "data" / "onnx"
X = {"x": [2, 3, 8]}
ONE, TWO, HALF = stored("one", value=1.0), stored("two", value=2.0), stored("half", value=0.5)


def rms(root):
    """x over the root of its mean square, in the operators of an exporter."""
    squares = [node("Pow", "x two", "s") if root != "square" else node("Mul", "x x", "s"), node("ReduceMean", "s", "m", axes=[-1]),
               node("Add", "m eps", "v"), node("Sqrt", "v", "r")]  # fmt: skip
    if root == "div":
        return [*squares, node("Div", "x r", "n")]
    last = node("Reciprocal", "r", "i") if root == "square" else node("Div", "one r", "i")
    return [*squares, last, node("Mul", "i x" if root == "one" else "x i", "n")]


@pytest.mark.parametrize("root", ["div", "square", "one"])
@pytest.mark.parametrize("gain", [True, False])
def test_root_mean_squares(tmp_path, root, gain):
    nodes = [*rms(root), node("Mul", "n g", "y")] if gain else [*rms(root), node("Relu", "n", "y")]
    weights = [ONE, TWO, stored("eps", value=1e-6), stored("g", 8)]
    graph = graph_of(tmp_path, nodes, X, weights, opset=13)
    assert kinds(graph) == (["rms"] if gain else ["rms", "relu"])
    assert (graph.ops[0]["rows"], graph.ops[0]["cols"], graph.ops[0]["weights"]) == (6, 8, int(gain))
    apart = graph_of(tmp_path, nodes, X, weights, opset=13, fuse=False)
    assert len(apart.ops) > 5 and "rms" not in kinds(apart)


def test_a_norm_in_wider_numbers_is_one_operator_of_the_narrow_ones(tmp_path):
    wide = [node("Cast", "x", "w", to=1), node("Mul", "w w", "s"), node("ReduceMean", "s", "m", axes=[-1]), node("Add", "m eps", "v"),
            node("Sqrt", "v", "r"), node("Div", "w r", "n"), node("Cast", "n", "c", to=10), node("Mul", "c g", "y")]  # fmt: skip
    gain = stored("g32", 8)
    nodes = [node("Cast", "g32", "g", to=10), *wide]
    (op,) = graph_of(tmp_path, nodes, {"x": (10, [2, 8])}, [gain, stored("eps", value=1e-6)], opset=13).ops
    assert (op.function, op.dtype, op["weights"]) == ("rms", "fp16", 1)


@pytest.mark.parametrize("again", [True, False])
def test_layer_norms(tmp_path, again):
    nodes = [node("ReduceMean", "x", "m", axes=[-1]), node("Sub", "x m", "d"), node("Sub", "x m", "e"),
             node("Pow", "e two" if again else "d two", "p"), node("ReduceMean", "p", "v", axes=[-1]),
             node("Add", "v eps", "w"), node("Sqrt", "w", "r"),
             node("Div", "d r", "n"), node("Mul", "n g", "o"), node("Add", "o b", "y")]  # fmt: skip
    if not again:
        del nodes[2]
    (op,) = graph_of(tmp_path, nodes, X, [TWO, stored("eps", value=1e-5), stored("g", 8), stored("b", 8)], opset=13).ops
    assert (op.function, op["rows"], op["cols"], op["weights"]) == ("layer", 6, 8, 2)


GELUS = {
    "halved last": "Div x c|e;Erf e|f;Add f one|g;Mul x g|h;Mul h half|y", "halved first": "Mul x half|h;Div x c|e;Erf e|f;Add f one|g;Mul h g|y",
    "half inside": "Div x c|e;Erf e|f;Add f one|g;Mul g half|h;Mul h x|y",
    "tanh": "Pow x three|p;Mul p c|q;Add x q|a;Mul a c|b;Tanh b|t;Add t one|u;Mul x half|h;Mul h u|y",
    "tanh of a product": "Mul x c|a;Mul c x|k;Mul k x|s;Add s one|q;Mul a q|b;Tanh b|t;Add t one|u;Mul x half|h;Mul h u|y",
    "cubes as products": "Mul x x|s;Mul x s|p;Mul p c|q;Add x q|a;Mul a c|b;Tanh b|t;Add t one|u;Mul x u|h;Mul half h|y",
}  # fmt: skip
OTHERS = {
    "silu": "Sigmoid x|s;Mul x s|y", "hardswish": "Add x three|a;Clip a zero six|b;Mul x b|c;Div c six|y", "mish": "Softplus x|s;Tanh s|t;Mul x t|y",
    "softmax": "ReduceMax x|m;Sub x m|d;Exp d|e;ReduceSum e axis|s;Div e s|y",
}  # fmt: skip


def written(text):
    """Operators of a line such as ``Mul x x|s;Relu s|y``."""
    made = []
    for part in text.split(";"):
        kind, rest = part.split(" ", 1)
        made.append(node(kind, *rest.split("|"), **({"axes": [-1]} if kind == "ReduceMax" else {})))
    return made


@pytest.mark.parametrize(("name", "function"), [*((n, "gelu") for n in GELUS), *((n, n) for n in OTHERS), ("hardsigmoid", "hardswish")])
def test_activations(tmp_path, name, function):
    text = {**GELUS, **OTHERS, "hardsigmoid": "Add x three|a;Clip a zero six|b;Div b six|c;Mul x c|y"}[name]
    weights = [ONE, HALF, stored("c", value=0.7), stored("three", value=3.0), stored("zero", value=0.0), stored("six", value=6.0),
               stored("axis", kind="int64", value=[-1])]  # fmt: skip
    graph = graph_of(tmp_path, written(text), X, weights, opset=13)
    assert kinds(graph) == [function]
    assert len(graph_of(tmp_path, written(text), X, weights, opset=13, fuse=False).ops) > 1


def test_what_something_else_reads_stays(tmp_path):
    nodes = [*written(GELUS["halved last"]), node("Relu", "f", "z")]
    graph = graph_of(tmp_path, nodes, X, [ONE, HALF, stored("c", value=0.7)], outputs=("y", "z"))
    assert "gelu" not in kinds(graph) and "erf" in kinds(graph)
    returned = graph_of(tmp_path, written(OTHERS["silu"]), X, outputs=("y", "s"))
    assert kinds(returned) == ["sigmoid", "mul"]
    other_axis = [node("Mul", "x x", "s"), node("ReduceMean", "s", "m", axes=[1]), node("Sqrt", "m", "r"), node("Div", "x r", "y")]
    assert "rms" not in kinds(graph_of(tmp_path, other_axis, X, opset=13))


def test_gates(tmp_path):
    nodes = [node("MatMul", "x a", "g"), node("MatMul", "x b", "u"), *written("Sigmoid g|s;Mul g s|t;Mul t u|y")]
    graph = graph_of(tmp_path, nodes, X, [stored("a", 8, 16), stored("b", 8, 16)])
    assert kinds(graph) == ["matmul", "matmul", "silu_mul"]
    assert (graph.ops[2]["operands"], graph.ops[2]["fused"]) == (2, 0)
    joint = [node("MatMul", "x w", "m"), node("Split", "m", "g u", axis=-1, num_outputs=2), *written("Sigmoid g|s;Mul g s|t;Mul t u|y")]
    graph = graph_of(tmp_path, joint, X, [stored("w", 8, 32)])
    assert kinds(graph) == ["matmul", "silu_mul"] and graph.ops[1]["fused"] == 1


@pytest.mark.parametrize(("nodes", "made"), [
    (written("MatMul x w|m;Add m b|y"), 1), (written("MatMul x w|m;Add b m|y"), 1), (written("MatMul x w|m;Add m k|y"), 0),
])  # fmt: skip
def test_biases(tmp_path, nodes, made):
    graph = graph_of(tmp_path, nodes, X, [stored("w", 8, 4), stored("b", 4), stored("k", 3, 1)])
    assert graph.ops[0]["bias"] == made and len(graph.ops) == 2 - made
    assert graph.macs == 6 * 8 * 4


ROTATED = (
    "Slice {x} zero mid last|{x}a;Slice {x} mid end last|{x}b;Neg {x}b|{x}n;Concat {x}n {x}a|{x}r;"
    "Mul {x} cos|{x}c;Mul {x}r sin|{x}s;Add {x}c {x}s|{x}o"
)
PLACES = [stored(n, kind="int64", value=[v]) for n, v in (("zero", 0), ("mid", 4), ("end", 8), ("last", -1))]


def rotated(x):
    found = written(ROTATED.format(x=x))
    for made in found:
        if made.op_type == "Concat":
            made.attribute.append(node("Concat", "a", "b", axis=-1).attribute[0])
    return found


def test_rotary_embeddings(tmp_path):
    weights = [*PLACES, stored("cos", 1, 1, 5, 8), stored("sin", 1, 1, 5, 8)]
    (op,) = graph_of(tmp_path, [*rotated("x"), node("Identity", "xo", "y")], {"x": [2, 4, 5, 8]}, weights).ops
    assert (op.kind, op["rows"], op["heads"], op["head_dim"]) == ("rope", 10, 4, 8)
    part = [node("Split", "w", "x t", axis=-1), *rotated("x"), node("Concat", "xo t", "y", axis=-1)]
    part[0].attribute.append(node("Split", "w", "a", num_outputs=2).attribute[0])
    (op,) = graph_of(tmp_path, part, {"w": [2, 4, 5, 16]}, weights).ops
    assert (op.kind, op["rows"], op["heads"], op["head_dim"]) == ("rope", 10, 4, 16)


def attention(q, k, v, mask=""):
    """Scaled scores, a mask, softmax, the values."""
    masked = [node("Add", "sc mask", "sm")] if mask else [node("Identity", "sc", "sm")]
    return [node("Transpose", k, "kt", perm=[0, 1, 3, 2]), node("MatMul", f"{q} kt", "s"), node("Mul", "s half", "sc"), *masked,
            node("Softmax", "sm", "p", axis=-1), node("MatMul", f"p {v}", "o"), node("Transpose", "o", "ot", perm=[0, 2, 1, 3])]  # fmt: skip


HEADS = [stored("heads", kind="int64", value=[1, 5, 2, 8]), stored("flat", kind="int64", value=[1, 5, 16])]


def test_one_projection_rotated_and_attended(tmp_path):
    parts = [node("MatMul", "x w", "m"), node("Split", "m", "q0 k0 v0", axis=-1, num_outputs=3)]
    for name in "qkv":
        parts += [node("Reshape", f"{name}0 heads", f"{name}1"), node("Transpose", f"{name}1", name, perm=[0, 2, 1, 3])]
    nodes = [*parts, *rotated("q"), *rotated("k"), *attention("qo", "ko", "v"), node("Reshape", "ot flat", "r"), node("MatMul", "r w2", "y")]
    weights = [stored("w", 16, 48), stored("w2", 16, 16), stored("cos", 1, 1, 5, 8), stored("sin", 1, 1, 5, 8), HALF, *HEADS, *PLACES]
    graph = graph_of(tmp_path, nodes, {"x": [1, 5, 16]}, weights)
    assert [op.kind for op in graph.ops] == ["matmul", "rope", "attention", "matmul"]
    rope, found = graph.ops[1:3]
    assert (rope["heads"], rope["carried"], rope["head_dim"]) == (4, 2, 8)
    assert (found["fused"], found["new"], found["heads"], found["q"]) == (1, 5, 2, 5)
    assert graph.macs == 5 * 16 * 48 + 2 * 2 * 5 * 5 * 8 + 5 * 16 * 16


@pytest.mark.parametrize("form", ["numbers", "truth", "window"])
def test_masks_that_hide_what_comes_later(tmp_path, form):
    allowed = np.tril(np.ones((4, 4), bool)) & (~np.tril(np.ones((4, 4), bool), -2) if form == "window" else True)
    numbers = stored("mask", value=np.where(allowed, 0.0, -1e9)[None, None])
    nodes = attention("q", "k", "v", mask="add")
    weights = [HALF, numbers]
    if form == "truth":
        nodes[3] = node("Where", "mask sc low", "sm")
        weights = [HALF, stored("low", value=-np.inf), stored("mask8", kind="uint8", value=allowed[None, None])]
        nodes.insert(0, node("Cast", "mask8", "mask", to=9))
    shapes = {name: [1, 2, 4, 8] for name in "qkv"}
    (op,) = graph_of(tmp_path, [*nodes, node("Identity", "ot", "y")], shapes, weights).ops
    assert (op.kind, op["causal"]) == ("attention", int(form != "window"))
    assert op.macs == 2 * 2 * 8 * (16 if form == "window" else 10)


def test_an_exported_llama_is_the_one_of_its_configuration(tmp_path):
    sizes = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2,
             "vocab_size": 1000, "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "tie_word_embeddings": False}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "hidden_act": "silu", **sizes}))
    made = load_graph(tmp_path / "config.json", phase="prefill", prompt=16, logits="all", dtype="fp16")
    read = load_graph(DATA / "llama_2_layers.onnx", dtype="fp16")
    assert Counter((op.kind, op.function) for op in read.ops) == Counter((op.kind, op.function) for op in made.ops)
    assert read.macs == made.macs
    assert read.parameters == pytest.approx(made.parameters, rel=0.01)  # the file also stores its sines
    for name in ("a100", "et-soc-1"):
        chip = hwsim.load_chip(name)
        assert hwsim.simulate(read, chip).latency_s == pytest.approx(hwsim.simulate(made, chip).latency_s, rel=0.01)
    apart, chip = load_graph(DATA / "llama_2_layers.onnx", dtype="fp16", fuse=False), hwsim.load_chip("a100")
    assert len(apart.ops) > 2 * len(read.ops)
    assert hwsim.simulate(apart, chip).latency_s > 1.2 * hwsim.simulate(read, chip).latency_s


def test_a_graph_that_onnx_runtime_fused(tmp_path):
    graph = load_graph(DATA / "bert_fused.onnx")
    assert Counter(op.kind for op in graph.ops if op.macs) == {"matmul": 6, "attention": 1}
    products = 16 * (4 * 128 * 128 + 2 * 128 * 256)
    assert graph.macs == products + 2 * 16 * 16 * 128
    half = load_graph(DATA / "bert_fused.onnx", dtype="fp16")
    assert kinds(half) == kinds(graph) and {op.dtype for op in half.ops} == {"fp16"}
    assert Counter(kinds(graph))["gelu"] == 1 and Counter(kinds(graph))["layer"] == 3


def test_indices_of_64_bits_are_read_as_they_come(tmp_path):
    nodes = [node("Gather", "table ids", "a"), node("Gather", "other ids", "b"), node("Add", "a b", "y")]
    graph = graph_of(tmp_path, nodes, {"ids": (INT64, [2, 7])}, [stored("table", 100, 16), stored("other", 50, 16)])
    assert kinds(graph) == ["embedding", "embedding", "add"]
    computed = [node("Add", "ids ids", "i"), node("Gather", "table i", "y")]
    assert "cast" in kinds(graph_of(tmp_path, computed, {"ids": (INT64, [2, 7])}, [stored("table", 100, 16)]))
