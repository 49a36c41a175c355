"""Files that ONNX Runtime saved or quantised: operators without a schema, integer operators, weights of four bits; and what older files hold."""

import numpy as np
import pytest

pytest.importorskip("onnx")
import onnx
from onnx import helper
from onnx_models import INT8, INT64, UINT8, graph_of, kinds, model, node, stored

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.onnx import read_onnx

MS = {"domain": "com.microsoft"}
SCALE, ZERO = stored("sc"), stored("zp", kind="uint8", value=0)


@pytest.mark.parametrize("order", ["x g", "g x"])
def test_a_product_of_integers_is_broadcast_whichever_operand_is_small(tmp_path, order):
    a, b = order.split()
    nodes = [node("QLinearMul", f"{a} sc zp {b} sc zp sc zp", "m", **MS),
             node("QLinearConv", "m sc zp w sc zp sc zp", "y", kernel_shape=[3, 3])]  # fmt: skip
    inputs = {"x": (UINT8, [1, 8, 10, 10]), "g": (UINT8, [1, 8, 1, 1])}
    graph = graph_of(tmp_path, nodes, inputs, [SCALE, ZERO, stored("w", 4, 8, 3, 3, kind="uint8")])
    assert graph.macs == 8 * 8 * 4 * 8 * 9
    assert graph.ops[0].results[0] == (80, 10)


def test_the_format_of_integers_goes_through_operators_without_a_schema(tmp_path):
    nodes = [node("Gather", "table ids", "a"), node("QLinearAdd", "a sc zi b sc zi sc zi", "m", **MS), node("DequantizeLinear", "m sc zi", "d"),
             node("Relu", "d", "y")]  # fmt: skip
    weights = [stored("table", 20, 4, kind="int8"), stored("b", 4, kind="int8"), stored("zi", kind="int8", value=0), SCALE]
    assert "relu" in kinds(graph_of(tmp_path, nodes, {"ids": (INT64, [3])}, weights))


def test_convolutions_with_what_follows(tmp_path):
    nodes = node("FusedConv", "x w b z", "y", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], activation="Relu", **MS)
    graph = graph_of(tmp_path, nodes, {"x": [1, 4, 9, 9], "z": [1, 8, 5, 5]}, [stored("w", 8, 4, 3, 3), stored("b", 8)])
    assert kinds(graph) == ["conv2d", "add", "relu"] and graph.ops[0]["bias"] == 1
    assert graph.macs == 25 * 8 * 4 * 9
    more = [nodes, node("Conv", "y w2", "z2")]
    shapes = {"x": [1, 4, 9, 9], "z": [1, 8, 5, 5]}
    half = graph_of(tmp_path, more, shapes, [stored("w", 8, 4, 3, 3), stored("b", 8), stored("w2", 2, 8, 1, 1)], outputs=("z2",), dtype="fp16")
    assert {op.dtype for op in half.ops} == {"fp16"}
    with pytest.raises(InvalidTrace, match="activation 'Odd' has no model"):
        graph_of(tmp_path, node("FusedConv", "x w", "y", activation="Odd", **MS), {"x": [1, 4, 9, 9]}, [stored("w", 8, 4, 3, 3)])


def test_products_with_transposes_and_what_follows(tmp_path):
    graph = graph_of(tmp_path, node("FusedMatMul", "q k", "y", transB=1, alpha=0.5, **MS), {"q": [2, 4, 5, 8], "k": [2, 4, 7, 8]})
    assert kinds(graph) == ["matmul"] and graph.macs == 8 * 5 * 7 * 8
    graph = graph_of(tmp_path, node("FusedGemm", "x w b", "y", transB=1, activation="Relu", **MS), {"x": [5, 8]}, [stored("w", 3, 8), stored("b", 3)])
    assert kinds(graph) == ["matmul", "relu"] and graph.macs == 5 * 8 * 3 and graph.ops[0]["bias"] == 1
    with pytest.raises(InvalidTrace, match="operands with their batch inside"):
        graph_of(tmp_path, node("FusedMatMul", "q k", "y", transBatchA=1, **MS), {"q": [2, 5, 8], "k": [2, 8, 7]})


def test_products_of_integers(tmp_path):
    weights = [stored("w", 8, 3, kind="int8"), stored("ws"), stored("wz", kind="int8", value=0), stored("b", 3), SCALE, ZERO]
    graph = graph_of(tmp_path, node("DynamicQuantizeMatMul", "x w ws wz b", "y", **MS), {"x": [2, 5, 8]}, weights)
    assert kinds(graph) == ["average", "cast", "matmul", "cast", "bias"] and graph.macs == 10 * 8 * 3
    graph = graph_of(tmp_path, node("MatMulIntegerToFloat", "x w sc ws zp wz b", "y", **MS), {"x": (UINT8, [2, 5, 8])}, weights)
    assert kinds(graph) == ["matmul", "cast", "bias"] and graph.macs == 10 * 8 * 3


def test_integer_attention(tmp_path):
    weights = [stored("w", 16, 48, kind="int8"), stored("b", 48), SCALE, stored("ws")]
    graph = graph_of(tmp_path, node("QAttention", "x w b sc ws", "y", num_heads=2, **MS), {"x": (UINT8, [1, 6, 16])}, weights)
    assert graph.macs == 6 * 16 * 48 + 2 * 36 * 16
    assert [op.kind for op in graph.ops] == ["matmul", "elementwise", "attention"]


def test_embeddings_and_their_norm(tmp_path):
    weights = [stored("words", 50, 16), stored("places", 12, 16), stored("kinds", 2, 16), stored("g", 16), stored("b", 16)]
    inputs = {"ids": (onnx.TensorProto.INT32, [2, 7]), "seg": (onnx.TensorProto.INT32, [2, 7])}
    nodes = [node("EmbedLayerNormalization", "ids seg words places kinds g b", "e m", **MS), node("Relu", "e", "y")]
    assert kinds(graph_of(tmp_path, nodes, inputs, weights)) == ["embedding", "bias", "embedding", "add", "layer", "relu"]


def test_integer_lstms(tmp_path):
    weights = [stored("w", 2, 10, 32, kind="int8"), stored("r", 2, 8, 32, kind="int8"), stored("b", 2, 64)]
    nodes = [node("DynamicQuantizeLSTM", "x w r b", "a - -", hidden_size=8, direction="bidirectional", **MS), node("Relu", "a", "y")]
    graph = graph_of(tmp_path, nodes, {"x": [7, 3, 10]}, weights)
    assert graph.macs == 2 * 7 * 3 * 32 * 18
    assert {op.weight_dtype for op in graph.ops if op.kind == "lstm"} == {"int8"}


def test_activations_with_a_bias_have_the_shape_of_their_input(tmp_path):
    nodes = [node("BiasGelu", "x b", "m", **MS), node("BiasSplitGelu", "m b", "y", **MS)]
    graph = graph_of(tmp_path, nodes, {"x": [2, 3, 8]}, [stored("b", 8)])
    assert graph.ops[0].function == "gelu" and graph.ops[-1].results[0] == (6, 4)


def test_weights_of_four_bits_count_whole(tmp_path):
    nodes = node("MatMulNBits", "x w s", "y", N=32, K=64, bits=4, block_size=32, **MS)
    graph = graph_of(tmp_path, nodes, {"x": [5, 64]}, [stored("w", 32, 2, 16, kind="uint8"), stored("s", 64)])
    assert (graph.macs, graph.meta["parameters"]) == (5 * 64 * 32, 64 * 32)


def test_files_laid_out_for_one_processor_are_refused(tmp_path):
    with pytest.raises(InvalidTrace, match=r"laid out for one processor .* save it at optimisation level extended"):
        graph_of(tmp_path, node("ReorderInput", "x", "y", domain="com.microsoft.nchwc"), {"x": [1, 8, 4, 4]})


def test_bfloat16_in_operator_sets_without_it(tmp_path):
    kind = onnx.TensorProto.BFLOAT16
    weight = helper.make_tensor("w", kind, [8, 4, 3, 3], np.zeros(288))
    graph = graph_of(tmp_path, [node("Conv", "x w", "c"), node("Relu", "c", "y")], {"x": (kind, [1, 4, 9, 9])}, [weight], opset=17)
    assert {op.dtype for op in graph.ops} == {"bf16"} and graph.macs == 49 * 8 * 36


@pytest.mark.parametrize(
    ("attributes", "directions", "function"), [({}, 1, "tanh"), ({"direction": "bidirectional", "activations": ["Relu"] * 2}, 2, "relu")]
)
def test_layers_without_gates(tmp_path, attributes, directions, function):
    weights = [stored("w", directions, 8, 10), stored("r", directions, 8, 8), stored("b", directions, 16)]
    graph = graph_of(tmp_path, node("RNN", "x w r b", "y h", hidden_size=8, **attributes), {"x": [5, 3, 10]}, weights, outputs=("y", "h"))
    assert graph.macs == directions * 5 * 3 * 8 * (10 + 8)
    assert kinds(graph).count(function) == directions * 5
    held = [t.elements for t in graph.tensors.values() if t.role == "weight"]
    assert sum(held) == graph.meta["parameters"] == directions * (8 * 10 + 8 * 8 + 16)  # the weights of all steps are one


def test_parts_that_lie_side_by_side_already_are_not_joined_again(tmp_path):
    parts = {f"x{i}": [1, 4, 5, 5] for i in range(12)}
    nodes = [node("Concat", " ".join(list(parts)[:n]), f"c{n}", axis=1) for n in (10, 11, 12)]
    nodes += [node("Concat", "c10 c11 c12", "y", axis=1)]
    graph = graph_of(tmp_path, nodes, parts)
    assert [len(op.inputs) for op in graph.ops] == [8, 3, 2, 2, 3]
    assert graph.ops[-1].results[0] == (1, 25 * 4 * (10 + 11 + 12))


def test_tensors_that_hold_nothing(tmp_path):
    none = [stored(n, kind="int64", value=[v]) for n, v in (("a", 0), ("axis", 1))]
    nodes = [node("Slice", "x a a axis", "e"), node("Relu", "e", "r"), node("Concat", "r x", "y", axis=1)]
    graph = graph_of(tmp_path, [*nodes, node("Relu", "y", "z")], {"x": [2, 6]}, none, outputs=("z",))
    assert kinds(graph) == ["relu"] and graph.ops[0].results[0] == (2, 6)


def test_masks_beside_the_file_are_read_and_weights_are_not(tmp_path):
    allowed = np.tril(np.ones((1, 1, 4, 4), bool))
    nodes = [node("Transpose", "k", "kt", perm=[0, 1, 3, 2]), node("MatMul", "q kt", "s"), node("Where", "mask s low", "sm"),
             node("Softmax", "sm", "p"), node("MatMul", "p v", "o"), node("MatMul", "o w", "y")]  # fmt: skip
    weights = [onnx.numpy_helper.from_array(allowed, "mask"), stored("low", value=-np.inf), stored("w", 8, 8)]
    made = model(nodes, {name: [1, 2, 4, 8] for name in "qkv"}, weights)
    onnx.save(made, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    assert [op["causal"] for op in read_onnx(tmp_path / "net.onnx").ops if op.kind == "attention"] == [1]
    (tmp_path / "net.data").unlink()
    assert [op["causal"] for op in read_onnx(tmp_path / "net.onnx").ops if op.kind == "attention"] == [0]


def test_int8_names(tmp_path):
    graph = graph_of(tmp_path, node("QLinearLeakyRelu", "x sc zi sc zi", "y", alpha=0.1, **MS), {"x": (INT8, [2, 4])},
                     [SCALE, stored("zi", kind="int8", value=0)])  # fmt: skip
    assert (kinds(graph), graph.ops[0].dtype) == (["leaky_relu"], "int8")
