"""ONNX files: open dimensions, formats, quantised forms, functions and branches, what is refused, and what frameworks export."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("onnx")
import numpy as np
import onnx
from onnx import helper
from onnx_models import FLOAT, INT64, UINT8, graph_of, kinds, model, node, stored

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.onnx import read_onnx
from hwsim.readers.load import load_graph

DATA = Path(__file__).parents[1] / "data" / "onnx"
OPEN = {"x": ["batch", "sequence", 16]}
PRODUCT = (node("MatMul", "x w"), [stored("w", 16, 4)])


def test_open_dimensions_take_the_sizes_asked_for(tmp_path):
    nodes, weights = PRODUCT
    assert graph_of(tmp_path, nodes, OPEN, weights, dims="batch=2,sequence=128").macs == 2 * 128 * 64
    assert graph_of(tmp_path, nodes, OPEN, weights, dims={"sequence": 128}, batch=3).macs == 3 * 128 * 64
    graph = load_graph(tmp_path / "net.onnx", dims="sequence=8", batch=1)
    assert graph.macs == 8 * 64
    assert (graph.meta["trace"], graph.meta["batch"]) == ("net", 1)
    assert graph_of(tmp_path, nodes, {"x": [2, 5, 16]}, weights, batch=2).macs == 640


def test_open_dimensions_of_a_mapping(tmp_path):
    onnx.save(model(PRODUCT[0], OPEN, PRODUCT[1]), tmp_path / "net.onnx")
    assert load_graph(tmp_path / "net.onnx", dims={"sequence": 8, "batch": 2}).macs == 2 * 8 * 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "leaves dimensions open: batch, sequence; fix them with dims, such as --arg dims=batch=1"),
        ({"batch": 2}, "leaves dimensions open: sequence"), ({"dims": "sequense=2"}, r"no open dimension 'sequense' \(did you mean sequence"),
        ({"dims": "batch=0,sequence=2"}, "'batch' needs a positive whole number, got '0'"), ({"dims": "batch=two"}, "got 'two'"),
        ({"fuse": "maybe"}, "fuse is true or false, got 'maybe'"), ({"allow_unknown": 5}, "net.onnx: allow_unknown is true or false"),
        ({"batch": 0, "dims": "sequence=1"}, "batch must be"), ({"dtype": "fp17"}, "unknown dtype 'fp17'"),
    ],
)  # fmt: skip
def test_dimensions_that_stay_open(tmp_path, options, message):
    with pytest.raises(InvalidTrace, match=message):
        graph_of(tmp_path, PRODUCT[0], OPEN, PRODUCT[1], **options)


def test_a_fixed_batch_is_not_changed(tmp_path):
    with pytest.raises(InvalidTrace, match="exported for a batch of 2, not 4"):
        graph_of(tmp_path, PRODUCT[0], {"x": [2, 5, 16]}, PRODUCT[1], batch=4)
    with pytest.raises(InvalidTrace, match="has no option 'prompt'"):
        load_graph(tmp_path / "net.onnx", prompt=4)


def test_formats_asked_for(tmp_path):
    graph = graph_of(tmp_path, PRODUCT[0], {"x": [2, 5, 16]}, PRODUCT[1])
    assert {t.dtype for t in graph.tensors.values()} == {"fp32"}
    graph = graph_of(tmp_path, PRODUCT[0], {"x": [2, 5, 16]}, PRODUCT[1], dtype="fp16", weight_dtype="int8")
    assert {t.role: t.dtype for t in graph.tensors.values()} == {"input": "fp16", "weight": "int8", "activation": "fp16"}
    half = graph_of(tmp_path, [node("Cast", "x", "h", to=onnx.TensorProto.FLOAT16), node("Relu", "h", "y")], {"x": [2, 4]})
    assert [(op.function, op.dtype) for op in half.ops] == [("cast", "fp32"), ("relu", "fp16")]


@pytest.mark.parametrize(("content", "message"), [(b"", "holds no operator"), (b"\x00\x01not a model", "is no ONNX file"), (None, "no such file")])
def test_files_that_are_none(tmp_path, content, message):
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidTrace, match=rf"bad.onnx: {message}"):
        read_onnx(path)


def test_folders_and_other_endings(tmp_path):
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(InvalidTrace, match=r"folder.onnx: is a folder"):
        read_onnx(tmp_path / "folder.onnx")
    onnx.save(model(*PRODUCT[:1], {"x": [2, 16]}, PRODUCT[1]), tmp_path / "net.pb")
    with pytest.raises(InvalidTrace, match=r"net.pb: what format is this\? known endings: .*\.onnx"):
        load_graph(str(tmp_path / "net.pb"))


@pytest.mark.parametrize(
    ("nodes", "weights", "message"),
    [
        (node("Concat", "x x"), (), "Concat"),
        (node("MatMulNBits", "x w s", domain="com.microsoft"), (), r"MatMulNBits 'MatMulNBits_0' lacks an input"),
        (node("QLinearSigmoid", "-", domain="com.microsoft"), (), "operator 'y' leaves out an input"),
        (node("Add", "x w"), [onnx.TensorProto(name="w", dims=[3], data_type=1, float_data=[1.0])], "stored tensor 'w'"),
    ],
)  # fmt: skip
def test_operators_that_are_not_of_their_form(tmp_path, nodes, weights, message):
    with pytest.raises(InvalidTrace, match=rf"net.onnx: .*{message}"):
        graph_of(tmp_path, nodes, {"x": [2, 16]}, [*weights, *(stored(n, 8, 16) for n in "ws" if not weights)])


@pytest.mark.parametrize(("reader", "extra"), [("onnx", "hwsim[onnx]"), ("torch_export", "hwsim[torch]")])
def test_an_extra_that_is_not_there(monkeypatch, reader, extra):
    made = importlib.import_module(f"hwsim.readers.frameworks.{'onnx_model' if reader == 'onnx' else reader}")
    package = made.onnx_package if reader == "onnx" else made.torch_package

    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(made.importlib, "import_module", missing)
    with pytest.raises(InvalidTrace, match=re.escape(extra)):
        package()


def test_contradictions_are_refused(tmp_path):
    with pytest.raises(InvalidTrace, match="operator"):
        graph_of(tmp_path, node("MatMul", "x w"), {"x": [2, 5]}, [stored("w", 16, 4)])
    with pytest.raises(InvalidTrace, match="opset 9 has no LayerNormalization"):
        graph_of(tmp_path, node("LayerNormalization", "x g"), {"x": [2, 5]}, [stored("g", 5)], opset=9)


def test_unknown_operators_are_listed_at_once_with_counts(tmp_path):
    nodes = [node("NonZero", "x", "a"), *(node("Mystery", f"{'x' if i == 0 else f'm{i - 1}'}", f"m{i}", domain="acme") for i in range(3)),
             node("Relu", "x", "y")]  # fmt: skip
    with pytest.raises(InvalidTrace) as raised:
        graph_of(tmp_path, nodes, {"x": [2, 5]})
    text = str(raised.value)
    assert "net.onnx: 2 operators are not known" in text
    assert "1 x Mystery (m0)" in text and "1 x NonZero (a)" in text and "2 operators behind them have no known shapes" in text


def test_unknown_operators_are_left_out_on_request(tmp_path):
    nodes = [node("Relu", "x", "a"), node("Det", "a", "b"), node("Relu", "a", "y")]
    with pytest.raises(InvalidTrace, match=r"1 x Det \(b\); allow_unknown leaves them out"):
        graph_of(tmp_path, nodes, {"x": [2, 5, 5]})
    graph = graph_of(tmp_path, nodes, {"x": [2, 5, 5]}, allow_unknown=True)
    assert kinds(graph) == ["relu", "relu"]
    assert "1 x Det (b)" in graph.meta["note"]


def test_weights_beside_the_file_are_not_needed(tmp_path):
    made = model(*PRODUCT[:1], {"x": [2, 16]}, PRODUCT[1])
    onnx.save(made, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    (tmp_path / "net.data").unlink()
    graph = read_onnx(tmp_path / "net.onnx")
    assert (graph.macs, graph.meta["parameters"]) == (128, 64)


def test_functions_of_the_file_are_written_out(tmp_path):
    body = [node("MatMul", "a b", "m"), node("Relu", "m", "c")]
    function = helper.make_function("own", "Layer", ["a", "b"], ["c"], body, [helper.make_opsetid("", 21)])
    nodes = [node("Layer", "x w", "h", domain="own"), node("Layer", "h v", "y", domain="own")]
    made = model(nodes, {"x": [2, 16]}, [stored("w", 16, 8), stored("v", 8, 4)], functions=[function], more=[helper.make_opsetid("own", 1)])
    onnx.save(made, tmp_path / "net.onnx")
    graph = read_onnx(tmp_path / "net.onnx")
    assert kinds(graph) == ["matmul", "relu"] * 2
    assert graph.macs == 2 * (16 * 8 + 8 * 4)


@pytest.mark.parametrize(("condition", "kind"), [(True, "relu"), (False, "tanh")])
def test_a_constant_condition_chooses_its_branch(tmp_path, condition, kind):
    def branch(op):
        return helper.make_graph([node(op, "x", op)], op, [], [helper.make_tensor_value_info(op, FLOAT, [2, 4])])

    flag = onnx.numpy_helper.from_array(np.array(condition), "flag")
    nodes = [helper.make_node("If", ["flag"], ["z"], then_branch=branch("Relu"), else_branch=branch("Tanh")), node("Exp", "z", "y")]
    assert kinds(graph_of(tmp_path, nodes, {"x": [2, 4]}, [flag])) == [kind, "exp"]


def test_a_computed_condition_is_refused(tmp_path):
    def branch(op):
        return helper.make_graph([node(op, "x", op)], op, [], [helper.make_tensor_value_info(op, FLOAT, [2, 4])])

    nodes = [helper.make_node("If", ["flag"], ["y"], then_branch=branch("Relu"), else_branch=branch("Tanh"))]
    with pytest.raises(InvalidTrace, match="1 x If"):
        graph_of(tmp_path, nodes, {"x": [2, 4], "flag": (onnx.TensorProto.BOOL, [])})


SCALES = [stored("s"), stored("zu", kind="uint8"), stored("zi", kind="int8")]


def test_pairs_of_quantisation_run_as_integers(tmp_path):
    nodes = [
        node("QuantizeLinear", "x s zu", "q"), node("DequantizeLinear", "q s zu", "d"), node("DequantizeLinear", "w s zi", "wd"),
        node("DequantizeLinear", "b s", "bd"), node("Conv", "d wd bd", "c"), node("Relu", "c", "r"), node("QuantizeLinear", "r s zu", "rq"),
        node("DequantizeLinear", "rq s zu", "y"),
    ]  # fmt: skip
    weights = [*SCALES, stored("w", 8, 3, 3, 3, kind="int8"), stored("b", 8, kind="int32")]
    graph = graph_of(tmp_path, nodes, {"x": [1, 3, 8, 8]}, weights)
    assert [(op.function or op.kind, op.dtype, op.weight_dtype) for op in graph.ops][1:] == [("conv2d", "uint8", "int8"), ("relu", "uint8", "uint8")]
    assert (graph.ops[0].function, graph.ops[0].dtype) == ("cast", "fp32")
    assert graph.macs == 6 * 6 * 8 * 27
    assert graph.meta["parameters"] == 8 * 27 + 8


def test_integer_operators(tmp_path):
    conv = node("QLinearConv", "x s zu w s zi s zu b")
    weights = [*SCALES, stored("w", 8, 3, 3, 3, kind="int8"), stored("b", 8, kind="int32")]
    graph = graph_of(tmp_path, conv, {"x": (UINT8, [1, 3, 8, 8])}, weights)
    assert (graph.macs, graph.ops[0]["bias"], graph.ops[0].dtype, graph.ops[0].weight_dtype) == (6 * 6 * 8 * 27, 1, "uint8", "int8")
    graph = graph_of(tmp_path, node("ConvInteger", "x w"), {"x": (UINT8, [1, 3, 8, 8])}, weights)
    assert (graph.macs, graph.ops[0].weight_dtype) == (6 * 6 * 8 * 27, "int8")
    graph = graph_of(tmp_path, node("QLinearMatMul", "x s zu w s zi s zu"), {"x": (UINT8, [4, 16])}, [*SCALES, stored("w", 16, 2, kind="int8")])
    assert graph.macs == 128
    dynamic = [node("DynamicQuantizeLinear", "x", "q sc z"), node("MatMulInteger", "q w z", "i"), node("Cast", "i", "f", to=FLOAT),
               node("Mul", "f sc", "y")]  # fmt: skip
    graph = graph_of(tmp_path, dynamic, {"x": [4, 16]}, [stored("w", 16, 2, kind="int8")])
    assert kinds(graph)[:3] == ["average", "cast", "matmul"] and graph.macs == 128
    shared = [node("QLinearAdd", "x s zu x s zu s zu", "a", domain="com.microsoft"),
              node("QLinearConcat", "s zu a s zu x s zu", "c", domain="com.microsoft", axis=1),
              node("QGemm", "c s zu w s zi b s zu", "y", domain="com.microsoft", transB=1)]  # fmt: skip
    weights = [*SCALES, stored("w", 3, 8, kind="int8"), stored("b", 3, kind="int32")]
    assert kinds(graph_of(tmp_path, shared, {"x": (UINT8, [2, 4])}, weights)) == ["add", "concat", "matmul"]


def test_inputs_that_are_no_tensors_are_refused(tmp_path):
    with pytest.raises(InvalidTrace, match="input 'x' is of a type that is not read"):
        graph_of(tmp_path, node("Identity", "x"), {"x": (onnx.TensorProto.STRING, [2])})
    with pytest.raises(InvalidTrace, match="computes nothing"):
        graph_of(tmp_path, node("Identity", "x"), {"x": (INT64, [2])})


# multiply-accumulates and parameters: torchvision (fused batch norms leave one bias), hand counts for the rest; two layers of BERT and GPT-2 are
# 12 width^2 products and 2 n width attention each; BERT adds its pooler
WIDTH = 768
LAYERS = 2 * (128 * 12 * WIDTH**2 + 2 * 128 * 128 * WIDTH)
EXPORTED = [
    ("resnet18", {"batch": 1}, 1.8141e9, 11.69e6), ("mobilenet_v2", {"batch": 1}, 0.3008e9, 3.50e6), ("bert_2_layers", {}, LAYERS + WIDTH**2, 38.6e6),
    ("gpt2_2_layers", {}, LAYERS, 53.6e6),
    ("recurrent", {}, 2 * 50 * (2 * 128 * (40 + 32) + 2 * 128 * (64 + 32) + 48 * (64 + 16)) + 2 * 16 * 12, 48172),
    ("mixed", {}, None, 2036), ("mixed_dynamo", {}, None, 2044), ("small", {}, 106656, 618), ("small_qdq", {}, 106656, 618),
    ("small_qoperator", {}, 106656, 618), ("small_dynamic", {}, 106656, 618),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "macs", "parameters"), EXPORTED)
def test_exported_files(name, options, macs, parameters):
    graph = hwsim.load_graph(DATA / f"{name}.onnx", **options)
    assert graph.meta["parameters"] == pytest.approx(parameters, rel=0.02)
    if macs is not None:
        assert graph.macs == pytest.approx(macs, rel=1e-4)
    assert (DATA / f"{name}.onnx").stat().st_size < 60_000


def test_both_exporters_give_the_same_work():
    old, new = (hwsim.load_graph(DATA / f"{name}.onnx") for name in ("mixed", "mixed_dynamo"))
    assert old.macs == new.macs
    work = [Counter(op.kind for op in graph.ops if op.macs) for graph in (old, new)]
    assert work[0] == work[1]


def test_exported_transformers_have_one_attention_a_layer():
    for name in ("bert_2_layers", "gpt2_2_layers"):
        graph = hwsim.load_graph(DATA / f"{name}.onnx")
        found = [op for op in graph.ops if op.kind == "attention"]
        assert [(op["heads"], op["q"], op["kv"], op["head_dim"]) for op in found] == [(12, 128, 128, 64)] * 2
        assert "softmax" not in kinds(graph)


@pytest.mark.parametrize(("chip", "dtype", "mapping"), [("a100", "fp16", {}), ("gap8", "int8", {}), ("zcu102", "int8", {"design": "dpu_b4096"})])
def test_a_file_takes_as_long_as_the_network_of_that_name(chip, dtype, mapping):
    silicon = hwsim.load_chip(chip)
    read = hwsim.simulate(hwsim.load_graph(DATA / "mobilenet_v2.onnx", batch=1, dtype=dtype), silicon, mapping, interval=False)
    made = hwsim.simulate(hwsim.load_graph("mobilenet-v2", dtype=dtype), silicon, mapping, interval=False)
    assert read.macs == made.macs
    assert read.latency_s == pytest.approx(made.latency_s, rel=0.5)


def test_the_command_line_takes_files_and_their_options(tmp_path):
    from typer.testing import CliRunner

    from hwsim.cli.app import app

    graph_of(tmp_path, PRODUCT[0], OPEN, PRODUCT[1], dims="batch=1,sequence=1")
    net = str(tmp_path / "net.onnx")
    done = CliRunner().invoke(app, ["run", net, "--chip", "a100", "--arg", "dims=batch=2,sequence=128", "--dtype", "fp16", "--no-interval"])
    assert done.exit_code == 0 and "16,384" in done.output  # 2 x 128 x 16 x 4
    refused = CliRunner().invoke(app, ["run", net, "--chip", "a100"])
    assert refused.exit_code == 2
