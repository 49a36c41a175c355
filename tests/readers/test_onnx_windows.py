"""Convolutions and pools of ONNX: multiply-accumulates counted directly, in any number of directions."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")
import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator
from onnx_models import graph_of, kinds, model, node, stored

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.onnx import read_onnx


def one(graph, kind):
    found = [op for op in graph.ops if op.kind == kind]
    assert len(found) == 1
    return found[0]


def conv_case(draw, dims):
    sizes = [draw(st.integers(3, 9)) for _ in range(dims)]
    window = [draw(st.integers(1, 3)) for _ in range(dims)]
    dilations = [draw(st.integers(1, 2)) for _ in range(dims)]
    strides = [draw(st.integers(1, 3)) for _ in range(dims)]
    least = [max(0, d * (k - 1) + 1 - s) for s, k, d in zip(sizes, window, dilations, strict=True)]
    pads = [draw(st.integers(low, low + 2)) for low in least] + [draw(st.integers(0, 2)) for _ in range(dims)]
    groups = draw(st.sampled_from([1, 2, 4]))
    return sizes, window, {"strides": strides, "dilations": dilations, "pads": pads, "group": groups}


@settings(max_examples=60, deadline=None)
@given(data=st.data(), dims=st.integers(1, 3), batch=st.integers(1, 2))
def test_macs_are_those_of_a_direct_count(tmp_path_factory, data, dims, batch):
    sizes, window, attrs = conv_case(data.draw, dims)
    made = model(node("Conv", "x w b", **attrs), {"x": [batch, 4, *sizes]}, [stored("w", 8, 4 // attrs["group"], *window), stored("b", 8)])
    path = tmp_path_factory.mktemp("conv") / "net.onnx"
    onnx.save(made, path)
    (result,) = ReferenceEvaluator(made).run(None, {"x": np.ones((batch, 4, *sizes), np.float32)})
    graph = read_onnx(path)
    assert graph.macs == result.size * (4 // attrs["group"]) * math.prod(window)
    assert graph.meta["parameters"] == 8 * 4 // attrs["group"] * math.prod(window) + 8
    last = graph.ops[-1]
    assert last.kind == "conv2d" and math.prod(last.results[0]) == result.size
    assert sum(t.elements for t in graph.tensors.values() if t.role == "weight") == graph.meta["parameters"]
    half = len(attrs["pads"]) // 2
    steps = {(s, d if k > 1 else 0) for s, d, k in zip(attrs["strides"], attrs["dilations"], window, strict=True)}
    held = dims == 2 or window[0] > 1 or not any(attrs["pads"])  # zeros around a sequence need a window of more than one position
    if dims < 3 and held and attrs["pads"][:half] == attrs["pads"][half:] and len(set(attrs["pads"])) == 1 and len(steps) == 1:
        assert kinds(graph) == ["conv2d"]  # nothing is copied


@pytest.mark.parametrize("automatic", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_automatic_pads(tmp_path, automatic, stride):
    attrs = {"auto_pad": automatic, "strides": [stride] * 2, "kernel_shape": [3, 3]}
    graph = graph_of(tmp_path, node("Conv", "x w", **attrs), {"x": [1, 2, 10, 10]}, [stored("w", 4, 2, 3, 3)])
    out = -(-10 // stride) if automatic != "VALID" else (10 - 3) // stride + 1
    assert graph.macs == 4 * 2 * 9 * out * out
    assert kinds(graph) == ["conv2d"]


def test_a_window_along_one_direction_takes_the_stride_of_that_direction(tmp_path):
    graph = graph_of(tmp_path, node("Conv", "x w", strides=[1, 4]), {"x": [1, 1, 22, 64]}, [stored("w", 8, 1, 1, 16)])
    assert graph.macs == 8 * 22 * 13 * 16
    assert "conv2d" in kinds(graph)
    patches = graph_of(tmp_path, node("Conv", "x w", strides=[2, 16, 16]), {"x": [1, 3, 4, 32, 32]}, [stored("w", 8, 3, 2, 16, 16)])
    assert kinds(patches) == ["conv2d"]  # windows side by side in time: a view
    assert patches.macs == 2 * 2 * 2 * 8 * 3 * 2 * 256


def test_computed_weights_are_refused(tmp_path):
    with pytest.raises(InvalidTrace, match="weights are computed"):
        graph_of(tmp_path, node("Conv", "x w"), {"x": [1, 2, 8, 8], "w": [4, 2, 3, 3]})


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_transposed_convolutions_multiply_every_input(tmp_path, groups, dims):
    sizes, window = [5, 6, 7][:dims], [4, 3, 2][:dims]
    graph = graph_of(tmp_path, node("ConvTranspose", "x w b", group=groups, strides=[2] * dims), {"x": [2, 8, *sizes]},
                     [stored("w", 8, 12 // groups, *window), stored("b", 12)])  # fmt: skip
    assert graph.macs == 2 * math.prod(sizes) * 8 * 12 // groups * math.prod(window)
    assert graph.meta["parameters"] == 8 * 12 // groups * math.prod(window) + 12


@settings(max_examples=40, deadline=None)
@given(data=st.data(), dims=st.integers(1, 3), ceil=st.integers(0, 1), kind=st.sampled_from(["MaxPool", "AveragePool"]))
def test_pools_have_the_shape_of_the_reference(tmp_path_factory, data, dims, ceil, kind):
    sizes = [data.draw(st.integers(4, 9)) for _ in range(dims)]
    window = [data.draw(st.integers(1, 3)) for _ in range(dims)]
    pads = [data.draw(st.integers(0, k // 2)) for k in window] * 2
    strides = [data.draw(st.integers(1, 3)) for _ in range(dims)]
    nodes = node(kind, "x", kernel_shape=window, strides=strides, pads=pads, ceil_mode=ceil)
    path = tmp_path_factory.mktemp("pool") / "net.onnx"
    onnx.save(model(nodes, {"x": [2, 3, *sizes]}), path)
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path)).graph.output[0].type.tensor_type.shape.dim
    graph = read_onnx(path)
    last = graph.ops[-1]
    assert math.prod(last.results[0]) == math.prod(d.dim_value for d in inferred)
    assert last.function == ("max" if kind == "MaxPool" else "average")
    assert last.elementary >= math.prod(last.results[0])
    if dims == 2 and len(set(strides)) == 1 and not any(pads) and not ceil:
        assert kinds(graph) == [last.function] and (last["r"], last["s"]) == tuple(window)


def test_dilated_pools_gather_their_windows(tmp_path):
    graph = graph_of(tmp_path, node("MaxPool", "x", kernel_shape=[3, 3], dilations=[2, 2]), {"x": [1, 4, 9, 9]})
    assert kinds(graph) == ["embedding", "max"]
    assert graph.ops[0]["rows"] * graph.ops[0]["cols"] == 4 * 5 * 5 * 9


@pytest.mark.parametrize(("kind", "function"), [("GlobalAveragePool", "average"), ("GlobalMaxPool", "max")])
def test_global_pools(tmp_path, kind, function):
    graph = graph_of(tmp_path, node(kind, "x"), {"x": [2, 8, 7, 7]})
    assert kinds(graph) == [function]
    assert one(graph, "pool").elementary == 2 * 8 * 49


def test_the_indices_of_a_pool_have_no_model(tmp_path):
    nodes = [node("MaxPool", "x", "a i", kernel_shape=[2, 2]), node("Cast", "i", "y", to=1)]
    with pytest.raises(InvalidTrace, match="'i' is a result that has no model"):
        graph_of(tmp_path, nodes, {"x": [1, 1, 4, 4]})
