"""Image networks: their work and activations against the published list of measured models, their options, and the kind `concat`."""

from __future__ import annotations

import math

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, single_op
from hwsim.readers.load import graph_of_workload, load_graph, trace_names
from hwsim.readers.networks import NAMES, registry

# GMAC (with 2 operations per normalised element, as that list counts) and million activations at 224 x 224: pytorch-image-models @aa4b585
PUBLISHED = {
    "resnet18": (1.82, 2.5), "resnet50-v1.5": (4.11, 11.1), "resnet101-v1.5": (7.83, 16.2), "resnext50-32x4d": (4.26, 14.4),
    "resnext101-32x8d": (16.5, 31.2), "vgg16": (15.5, 13.6), "mobilenet-v1": (0.58, 5.0), "mobilenet-v2": (0.31, 6.7),
    "efficientnet-b0": (0.40, 6.8), "densenet121": (2.87, 6.9), "densenet161": (7.79, 11.1), "densenet201": (4.34, 7.9),
    "vovnet39a": (7.09, 6.7), "vovnet57a": (8.95, 7.5), "vit-b16": (17.6, 23.9), "swin-t": (4.5, 17.1), "convnext-t": (4.5, 13.4),
}  # fmt: skip
LAST_DIGIT = {"mobilenet-v2": 0.005, "efficientnet-b0": 0.005}  # published with two digits


def activations(graph: Graph) -> float:
    """Elements that convolutions and products write, scores of attention included."""
    total = 0
    for op in graph.ops:
        if op.kind in ("conv2d", "matmul", "attention"):
            total += math.prod(op.results[0])
        if op.kind == "attention":
            total += op["batch"] * op["heads"] * op["q"] * op["kv"]
    return total / 1e6


def test_every_network_is_listed() -> None:
    assert set(NAMES) == set(registry())
    assert set(NAMES) <= set(trace_names())


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_work_and_activations_are_those_published(name: str) -> None:
    graph = load_graph(name)
    gmac, written = PUBLISHED[name]
    normalised = sum(op.elementary for op in graph.ops if op.function == "batch_norm")
    work = (graph.macs + normalised) / 1e9
    assert work == pytest.approx(gmac, rel=0.01, abs=LAST_DIGIT.get(name, 0.0) + 0.01 * gmac)
    assert activations(graph) == pytest.approx(written, rel=0.01)


@pytest.mark.parametrize("name", ["resnet50-v1.5", "swin-t", "densenet121", "mobilenet-v2"])
def test_work_grows_with_the_batch(name: str) -> None:
    assert load_graph(name, batch=4).macs == 4 * load_graph(name).macs
    assert load_graph(name, batch=4).weight_bytes == load_graph(name).weight_bytes


SIZED = [n for n in NAMES if "input" in registry()[n].options and registry()[n].smallest <= 160 <= min(registry()[n].default.input)]


@pytest.mark.parametrize("name", SIZED)
def test_other_sizes_are_built(name: str) -> None:
    smaller = load_graph(name, input=[160, 192], batch=2, dtype="fp32")
    assert 0 < smaller.macs < 2 * load_graph(name).macs
    assert smaller.meta["input"] == [160, 192]
    assert {op.dtype for op in smaller.ops} == {"fp32"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"inputs": [224, 224]}, "did you mean input"), ({"input": [224]}, "height, width"), ({"input": [8, 8]}, "32 to 4096"),
        ({"batch": 0}, "positive whole"), ({"batch": True}, "positive whole"), ({"phase": "decode"}, "no option 'phase'"),
        ({"dtype": "fp61"}, "unknown dtype"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidTrace, match=message):
        load_graph("resnet18", **options)


def test_an_unknown_network_names_the_nearest() -> None:
    with pytest.raises(InvalidTrace, match="resnet18"):
        load_graph("resnet81")


def test_the_same_request_gives_the_same_graph() -> None:
    assert load_graph("resnet18", batch=2) is load_graph("resnet18", batch=2)
    assert load_graph("resnet18", batch=2) is not load_graph("resnet18", batch=3)


def test_concat_copies_its_parts() -> None:
    op = single_op("concat", rows=4, c0=8, c1=16, c2=8).ops[0]
    assert op.results == ((4, 32),)
    assert op.compulsory_bytes == 2 * 4 * 32 * 2
    assert op.macs == 0


def test_operators_of_a_case_carry_their_accumulator() -> None:
    graph = graph_of_workload({"op": "conv2d", "n": 1, "c": 8, "h": 8, "w": 8, "k": 8, "r": 3, "s": 3, "dtype": "fp16", "math_dtype": "fp32"})
    assert graph.ops[0].attrs == {"math_dtype": "fp32"}


def test_cases_may_pass_a_models_published_positions() -> None:
    workload = {"trace": "gpt3-175b", "layers": 1, "phase": "decode", "context": 3072}
    assert graph_of_workload(workload).meta["context"] == 3072
    with pytest.raises(InvalidTrace, match="2048"):
        load_graph("gpt3-175b", layers=1, phase="decode", context=3072)
