"""Networks of the programmable-logic and microcontroller cases: operations and parameters against published counts, shapes, options, refusals."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph
from hwsim.readers.load import load_graph
from hwsim.readers.networks import ALIASES, NAMES, registry

# operations (2 per multiply-accumulate) in 1e9: Vitis AI 2.5 model zoo (within 1 %, it counts biases and the like too), or as the comment says
GOPS: list[tuple[str, dict[str, Any], float]] = [
    ("vgg16", {}, 30.96), ("vgg19", {}, 39.28), ("resnet18", {}, 3.63), ("resnet50-v1", {}, 7.76), ("resnet50-v1.5", {}, 8.19),
    ("resnet50-v1.5", {"input": [256, 128]}, 5.3), ("resnet50-v1-slim", {}, 6.97), ("resnet101-v1-slim", {}, 14.4),
    ("resnet152-v1-slim", {}, 21.83), ("resnet50-v2-slim", {}, 13.1), ("resnet101-v2-slim", {}, 26.78), ("resnet152-v2-slim", {}, 40.47),
    ("inception-v1", {}, 3.0), ("inception-v2", {}, 3.88), ("inception-v3", {}, 11.45), ("inception-v4", {}, 24.55),
    ("inception-resnet-v2", {}, 26.35), ("mobilenet-v1", {}, 1.14), ("mobilenet-v1", {"width": 0.5, "input": [160, 160]}, 0.15),
    ("mobilenet-v2", {}, 0.602), ("mobilenet-edgetpu", {}, 2 * 0.99), ("mobilenet-edgetpu", {"width": 0.75}, 2 * 0.624),  # counted as MACs
    ("efficientnet-edgetpu-s", {}, 4.72), ("efficientnet-edgetpu-m", {}, 7.34), ("efficientnet-edgetpu-l", {}, 19.36),
    ("ssd-resnet34", {}, 433.0), ("ssd-mobilenet-v1", {}, 2.47), ("ssd-mobilenet-v2", {}, 3.75), ("ssdlite-mobilenet-v2", {}, 1.5),
    ("ssd-inception-v2", {}, 9.62), ("yolov3", {"classes": 20}, 65.63), ("yolov4", {}, 60.3),
    ("yolov3", {}, 65.86),  # Darknet
    ("squeezenet-1.1", {}, 2 * 0.349),  # torchvision
    ("bert-base", {"sequence": 512}, 2 * 48.32),  # 12 x (4 d^2 l + 8 d^2 l + 2 l^2 d), and the pooler
    ("m3vit-tiny", {}, 2 * 0.780),  # sharc-lab/Edge-MoE, loop bounds
    ("mlperf-tiny-ad", {}, 2 * 0.264e-3), ("mlperf-tiny-ic", {}, 2 * 12.5e-3), ("mlperf-tiny-kws", {}, 2 * 2.66e-3),
    ("mlperf-tiny-vww", {}, 2 * 7.5e-3), ("mobilenet-v1-1.0-224", {}, 2 * 0.569),  # MLPerf Tiny; MobileNets
]  # fmt: skip
LAST_DIGIT = {"mobilenet-v1": 0.005, "resnet50-v1.5": 0.05}  # some are published with one or two digits
FAR = {"ssd-mobilenet-v2": 0.017}  # 19 x 19 and 10 x 10 maps predicted with 3 x 3 windows, one class more or less is 1 %
# parameters in 1e6, those of batch normalisation (two per channel) included: torchvision, Keras, TF-slim, Darknet, Hugging Face
PARAMETERS = {
    "vgg16": 138.36, "vgg19": 143.67, "resnet18": 11.69, "resnet50-v1": 25.56, "resnet50-v1.5": 25.56, "resnet101-v1.5": 44.55,
    "resnet152-v1-slim": 60.19, "densenet121": 7.98, "squeezenet-1.1": 1.235, "inception-v3": 23.83, "inception-v4": 42.68,
    "inception-resnet-v2": 55.84, "inception-v2": 11.19, "mobilenet-v1": 4.23, "mobilenet-v2": 3.50, "mobilenet-v3-small": 2.54,
    "efficientnet-b0": 5.29, "efficientnet-edgetpu-s": 5.44, "efficientnet-edgetpu-m": 6.90, "efficientnet-edgetpu-l": 10.59,
    "mobilenet-edgetpu": 4.09, "yolov3": 61.95, "yolov4": 64.36, "bert-base": 109.48, "convnext-t": 28.59, "vit-b16": 86.57, "swin-t": 28.29,
}  # fmt: skip


def parameters(graph: Graph) -> float:
    normalised = sum(2 * op["cols"] for op in graph.ops if op.function == "batch_norm")
    return (normalised + sum(t.elements for t in graph.tensors.values() if t.role == "weight")) / 1e6


@pytest.mark.parametrize(("name", "options", "gops"), GOPS)
def test_operations_are_those_published(name: str, options: dict[str, Any], gops: float) -> None:
    own = 2 * load_graph(name, **options).macs / 1e9
    assert own == pytest.approx(gops, rel=FAR.get(name, 0.01), abs=LAST_DIGIT.get(name, 0.0))


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameters_are_those_published(name: str) -> None:
    assert parameters(load_graph(name)) == pytest.approx(PARAMETERS[name], rel=0.003)


def test_the_paper_of_mobilenet_v3_counts_its_small_network() -> None:
    assert load_graph("mobilenet-v3-small").macs == pytest.approx(56e6, rel=0.01)  # arXiv 1905.02244, table 3


@pytest.mark.parametrize("name", ["resnet50-v1", "resnet50-v1.5", "resnet50-v1-slim"])
def test_variants_of_a_residual_network_have_the_same_parameters(name: str) -> None:
    assert parameters(load_graph(name)) == parameters(load_graph("resnet50-v1.5"))


def results(name: str, kind: str, **options: Any) -> list[tuple[int, ...]]:
    return [op.results[0] for op in load_graph(name, **options).ops if op.kind == kind]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("inception-v3", (1, 2048, 1, 1)), ("inception-v4", (1, 1536, 1, 1)), ("inception-resnet-v2", (1, 1536, 1, 1)),
        ("inception-v1", (1, 1024, 1, 1)),
        ("resnet101-v2-slim", (1, 2048, 1, 1)), ("squeezenet-1.1", (1, 1000, 1, 1)), ("efficientnet-edgetpu-l", (1, 1536, 1, 1)),
    ],
)  # fmt: skip
def test_the_last_mean_has_the_published_channels(name: str, shape: tuple[int, ...]) -> None:
    assert results(name, "pool")[-1] == shape


def test_oblong_windows_keep_the_size() -> None:
    oblong = [op for op in load_graph("inception-v3").ops if op.kind == "conv2d" and op["r"] != op["s"]]
    assert {(op["r"], op["s"]) for op in oblong} == {(1, 7), (7, 1), (1, 3), (3, 1)}
    assert all(op.results[0][2:] == (op["h"], op["w"]) for op in oblong)


def heads(name: str, **options: Any) -> list[tuple[int, ...]]:
    return [op.results[0] for op in load_graph(name, **options).ops if op.label == "predictor"]


def test_detectors_predict_on_the_published_maps() -> None:
    assert heads("yolov3", classes=20) == [(1, 75, 13, 13), (1, 75, 26, 26), (1, 75, 52, 52)]
    assert heads("yolov4", input=[512, 512]) == [(1, 255, 64, 64), (1, 255, 32, 32), (1, 255, 16, 16)]
    assert [shape[2] for shape in heads("ssd-resnet34")[::2]] == [50, 25, 13, 7, 3, 3]
    for name in ("ssd-mobilenet-v1", "ssd-mobilenet-v2", "ssdlite-mobilenet-v2", "ssd-inception-v2"):
        assert [shape[2] for shape in heads(name)[::2]] == [19, 10, 5, 3, 2, 1]
        assert heads(name)[:2] == [(1, 12, 19, 19), (1, 3 * 91, 19, 19)]


def test_layers_of_a_microcontroller_network_are_counted_one_by_one() -> None:
    layers = {op.layer or 0: op for op in load_graph("mobilenet-v1-1.0-224").ops if op.kind in ("conv2d", "pool", "matmul")}
    assert sorted(layers) == list(range(29))
    assert layers[0]["stride"] == 2
    assert all(layers[i]["groups"] == layers[i]["c"] for i in range(1, 26, 2))
    assert all(layers[i]["r"] == 1 for i in range(2, 27, 2))
    assert (layers[27].kind, layers[28]["n"]) == ("pool", 1001)


@pytest.mark.parametrize("width", [0.25, 0.35, 0.5, 0.75, 1.0, 1.4])
@pytest.mark.parametrize("version", [1, 2])
def test_width_and_size_in_a_name_are_those_in_options(version: int, width: float) -> None:
    named = load_graph(f"mobilenet-v{version}-{width}-160")
    assert named.macs == load_graph(f"mobilenet-v{version}", width=width, input=[160, 160], classes=1001).macs
    channels = {op["k"] for op in named.ops if op.kind == "conv2d"}
    assert version == 1 or all(c % 8 == 0 for c in channels)


def test_published_widths_of_mobilenet_v2() -> None:  # MMAC and parameters in 1e6 of TF-slim's checkpoints (1001 classes)
    for name, work, held in (("1.4-224", 582, 6.06), ("0.5-224", 97, 1.95), ("0.35-224", 59, 1.66), ("1.0-160", 154, 3.47)):
        graph = load_graph(f"mobilenet-v2-{name}")
        assert graph.macs / 1e6 == pytest.approx(work, rel=0.01, abs=0.5)
        assert parameters(graph) == pytest.approx(held, rel=0.02)


def test_short_names_mean_the_usual_variant() -> None:
    for short, name in ALIASES.items():
        assert load_graph(short).ops == load_graph(name).ops


def test_an_expert_network_labels_what_targets_tell_apart() -> None:
    graph = load_graph("m3vit-tiny", input=[128, 256], batch=1, dtype="fx32", weight_dtype="int16")
    macs: dict[str, int] = {}
    for op in graph.ops:
        macs[op.label] = macs.get(op.label, 0) + op.macs
    assert macs["qkv"] + macs["proj"] == 12 * 4 * 129 * 192 * 192
    assert macs["attention"] == 12 * 2 * 129 * 129 * 192
    assert macs["fc1"] == macs["fc2"] == 6 * 129 * 192 * 768
    assert macs["expert_fc1"] == macs["expert_fc2"] == 6 * 2 * 129 * 192 * 384
    assert macs["gate"] == 6 * 129 * 192 * 16
    experts = [op for op in graph.ops if op.label == "expert_fc1"]
    assert [op.layer for op in experts] == [1, 3, 5, 7, 9, 11]
    assert all(op.operands[1].shape == (16, 192, 384) for op in experts)
    assert graph.tensors["image"].dtype == "int8"
    assert {t.dtype for t in graph.tensors.values() if t.role == "weight"} == {"int16"}
    assert {t.dtype for t in graph.tensors.values() if t.role == "activation"} <= {"fx32"}


def test_branches_of_a_fusion_network_are_told_apart() -> None:
    whole = load_graph("hydrafusion")
    branches = {str(op.attrs["branch"]) for op in whole.ops if "branch" in op.attrs}
    stems = {str(op.attrs["stem"]) for op in whole.ops if "stem" in op.attrs}
    assert stems == {"radar", "camera_left", "camera_right", "lidar"}
    assert len(branches) == 7
    assert all(("branch" in op.attrs) != ("stem" in op.attrs) for op in whole.ops)

    def work(graph: Graph, part: str, name: str) -> int:
        return sum(op.macs for op in graph.ops if op.attrs.get(part) == name)

    for branch, sensors in (("radar", ["radar"]), ("camera_both", ["camera_left", "camera_right"])):
        alone = load_graph("hydrafusion", branches=[branch])
        assert alone.macs == work(whole, "branch", branch) + sum(work(whole, "stem", sensor) for sensor in sensors)
        assert alone.meta["branches"] == [branch]


def test_fewer_proposals_are_less_work() -> None:
    few, many = (load_graph("hydrafusion", branches=["lidar"], proposals=n) for n in (100, 1000))
    assert many.macs - few.macs == 900 * (512 * 49 * 1024 + 1024 * 1024 + 1024 * 9 * 5)


def test_a_published_count_is_only_compared() -> None:
    assert "note" not in load_graph("resnet18", gops=3.63).meta
    assert load_graph("resnet18", gops=3.63).ops == load_graph("resnet18").ops
    assert "+81.4%" in load_graph("resnet18", gops=2.0).meta["note"]
    assert "multiply-accumulates" in load_graph("mobilenet-edgetpu", gops=0.99).meta["note"]


@pytest.mark.parametrize("name", NAMES)
def test_weights_may_have_a_format_of_their_own(name: str) -> None:
    graph = load_graph(name, dtype="int8", weight_dtype="int4")
    assert {t.dtype for t in graph.tensors.values() if t.role == "weight"} == {"int4"}
    assert graph.weight_bytes == pytest.approx(load_graph(name, dtype="int8").weight_bytes / 2)
    assert graph.meta["weight_dtype"] == "int4"


@pytest.mark.parametrize("name", [name for name in NAMES if "classes" in registry()[name].options])
def test_fewer_classes_are_less_work(name: str) -> None:
    own = registry()[name].default.classes
    assert load_graph(name, classes=3).macs < load_graph(name, classes=own).macs == load_graph(name).macs


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_that_many_times_the_work(name: str) -> None:
    one, three = load_graph(name), load_graph(name, batch=3)
    assert three.macs == 3 * one.macs
    assert three.weight_bytes == one.weight_bytes
    assert math.isclose(sum(op.output_bytes for op in three.ops), 3 * sum(op.output_bytes for op in one.ops))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet18", {"width": 0.5}, "no option 'width'"), ("mobilenet-v1", {"width": 0}, "width"), ("mobilenet-v2", {"width": "wide"}, "width"),
        ("mobilenet-edgetpu", {"width": 9.0}, "at most 4"), ("mobilenet-v1-9.0-224", {}, "at most 4"), ("mobilenet-v1-1.0-8", {}, "32 to 4096"),
        ("inception-v3", {"input": [64, 64]}, "75 to 4096"), ("yolov3", {"input": [400, 416]}, "multiples of 32"),
        ("m3vit-tiny", {"input": [128, 250]}, "multiples of 16"), ("bert-base", {"sequence": 513}, "512 positions"),
        ("bert-base", {"input": [224, 224]}, "no option 'input'"), ("bert-base", {"sequence": 0}, "positive whole"),
        ("vgg19", {"classes": 0}, "positive whole"), ("vgg19", {"gops": -1}, "gops"), ("vgg19", {"clases": 3}, "did you mean classes"),
        ("mlperf-tiny-kws", {"input": [49, 12]}, "no option 'input'"), ("mobilenet-v1-0.25-128", {"width": 0.5}, "no option 'width'"),
        ("hydrafusion", {"branches": ["radr"]}, "did you mean radar"), ("hydrafusion", {"branches": []}, "branches is a list"),
        ("vgg19", {"weight_dtype": "int13"}, "unknown dtype"), ("resnet50-v1-slim", {"input": [224, 224, 3]}, "height, width"),
        ("mobilenet-v1-1.0-97x", {}, "unknown trace"), ("yolov5", {}, "yolov"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTrace, match=message):
        load_graph(name, **options)


def test_an_image_too_small_for_a_networks_windows_is_refused_with_its_size() -> None:
    with pytest.raises(InvalidTrace, match=r"ssd-resnet34.*385 to 4096"):
        load_graph("ssd-resnet34", input=[300, 300])
    for name in NAMES:
        entry = registry()[name]
        if "input" in entry.options:  # the smallest that is allowed is one that can be built
            assert load_graph(name, input=[entry.smallest, entry.smallest]).macs > 0
