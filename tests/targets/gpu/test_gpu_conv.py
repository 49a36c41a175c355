"""Convolutions, unfused attention, mixed precision: counts and limits of each mechanism, and whole networks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.autocast import extras, mask_bytes
from hwsim.targets.gpu.decompose import unfused

EAGER = {"system": "pytorch"}
BLOCK = {"n": 8, "c": 64, "h": 28, "w": 28, "k": 64, "r": 3, "s": 3, "pad": 1}


@pytest.fixture(scope="module")
def v100() -> Chip:
    return api.load_chip("v100-sxm")


def conv(chip: Chip, mapping: dict[str, Any] | None = None, **bounds: Any) -> Any:
    return api.simulate(single_op("conv2d", **{**BLOCK, "dtype": "fp32", **bounds}), chip, mapping or {}, interval=False)


def note(report: Any, name: str) -> float:
    at = [s.name for s in report.cost.program.slots].index(name)
    return float(report.cost.values[0, at])


def test_winograd_counts_its_own_multiplications(v100: Chip) -> None:
    report = conv(v100, c=512, k=512, h=14, w=14)
    assert note(report, "tile") == spec.TILES
    direct = 8 * 14 * 14 * 512 * 512 * 9
    peak = 80 * 64
    assert note(report, "roofline") == pytest.approx(direct / 2.25 / peak)  # 14 x 14 are whole tiles of 2 x 2
    assert direct / peak / report.cycles > note(report, "roofline") / report.cycles
    assert report.cost.utilisation()["arithmetic"] < 1


@pytest.mark.parametrize("bounds", [{"stride": 2}, {"r": 5, "s": 5, "pad": 2}, {"groups": 2}, {"dtype": "fp16"}, {"dilation": 2, "pad": 2}])
def test_winograd_needs_a_plain_fp32_three_by_three(v100: Chip, bounds: dict[str, Any]) -> None:
    report = conv(v100, **bounds)
    assert note(report, "tile") < spec.TILES
    assert note(report, "roofline") > 0


def test_a_large_dense_convolution_reaches_the_stated_fraction(v100: Chip) -> None:
    report = conv(v100, n=256, c=512, k=512, h=28, w=28, dtype="fp16")
    share = report.cost.utilisation()["arithmetic"]
    assert 0.9 * v100.number("conv_fraction") < share <= v100.number("conv_fraction")


def test_layout_matters_on_tensor_cores_only(v100: Chip) -> None:
    for dtype, slower in (("fp16", True), ("fp32", False)):
        nhwc, nchw = (conv(v100, {"layout": layout}, n=128, c=256, k=256, dtype=dtype) for layout in ("nhwc", "nchw"))
        assert (nchw.latency_s > nhwc.latency_s) == slower


def test_depthwise_is_a_bandwidth_law(v100: Chip) -> None:
    report = conv(v100, n=64, c=256, k=256, groups=256, h=56, w=56)
    moved = report.cost.program.representatives[0].compulsory_bytes
    assert report.latency_s == pytest.approx(moved / (v100.number("depthwise_stream") * v100.number("dram_bytes_per_s")), rel=0.05)


def test_groups_pad_their_tiles(a100: Chip) -> None:
    """Groups of up to 32 channels take as long, per result, as groups of 32; wider ones take longer in proportion; arithmetic is charged padded."""
    made = {size: conv(a100, n=64, c=512, k=512, groups=512 // size, dtype="fp32", h=28, w=28) for size in (2, 8, 32, 64)}
    times = {size: report.cost.by_component("cycles")["compute"] for size, report in made.items()}
    fill = a100.number("group_fill_k")
    assert times[8] / times[32] == pytest.approx(4 * (72 + fill) / (288 + fill), rel=0.02)
    assert times[64] / times[32] == pytest.approx((576 + fill) / (288 + fill), rel=0.02)
    assert made[2].cost.by_component("joules")["arithmetic"] == pytest.approx(made[32].cost.by_component("joules")["arithmetic"], rel=0.02)


def test_old_libraries_step_over_eight_channels_or_launch_groups_apart(a100: Chip) -> None:
    bounds: dict[str, Any] = {"n": 64, "c": 512, "k": 512, "groups": 256, "dtype": "fp32", "h": 28, "w": 28}
    new, old, oldest = (conv(a100, {"library": library}, **bounds) for library in ("cuda-12", "cuda-10.1", "cuda-8"))
    fill = a100.number("group_fill_k")
    assert old.cost.by_component("cycles")["compute"] / new.cost.by_component("cycles")["compute"] == pytest.approx((72 + fill) / (18 + fill))
    assert oldest.latency_s > old.latency_s
    assert oldest.cost.by_component("cycles")["launch"] == pytest.approx(256 * old.cost.by_component("cycles")["launch"])


def test_narrow_groups_never_run_at_the_tensor_cores_rate(v100: Chip) -> None:
    narrow = conv(v100, n=64, c=256, k=256, groups=64, dtype="fp16", h=56, w=56)
    assert narrow.cost.by_component("cycles")["compute"] >= narrow.macs / (80 * 64)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 64), c=st.integers(1, 300), k=st.integers(1, 300), size=st.integers(3, 60), more=st.integers(1, 50),
    which=st.sampled_from(["n", "k"]), dtype=st.sampled_from(["fp16", "fp32"]),
)  # fmt: skip
def test_a_larger_convolution_never_takes_less_time(n: int, c: int, k: int, size: int, more: int, which: str, dtype: str) -> None:
    chip = api.load_chip("v100-sxm")
    small = {"n": n, "c": c, "k": k, "h": size, "w": size, "dtype": dtype}
    assert conv(chip, **small).latency_s <= conv(chip, **{**small, which: small[which] + more}).latency_s * (1 + 1e-12)


def test_unfused_attention_stores_its_scores(a100: Chip) -> None:
    graph = api.load_graph("gpt3-175b", phase="prefill", prompt=512, layers=2, batch=2)
    apart = unfused(graph)
    assert [op.label for op in apart.ops if op.layer == 0].count("qk") == 1
    kinds = {op.label: op for op in apart.ops if op.layer == 1}
    assert (kinds["qk"]["batch"], kinds["qk"]["n"], kinds["softmax"]["rows"]) == (2 * 96, 512, 2 * 96 * 512)
    assert kinds["qk"].macs + kinds["av"].macs == 2 * 2 * 96 * 512 * 512 * 128
    fused, split = (api.simulate(graph, a100, {"attention": a}, interval=False) for a in ("fused", "unfused"))
    scores = 2 * 2 * (4 * 2 * 96 * 512 * 512)  # two layers, 16 bits: written twice, read twice
    moved = split.cost.bytes_by_level()["dram"] - fused.cost.bytes_by_level()["dram"]
    assert moved == pytest.approx(scores, rel=0.05)
    assert split.latency_s > fused.latency_s


def test_grouped_queries_share_their_keys(a100: Chip) -> None:
    graph = unfused(api.load_graph("llama3-8b", phase="decode", context=1024, layers=1))
    qk = next(op for op in graph.ops if op.label == "qk")
    assert (qk["batch"], qk["shared"]) == (32, 4)


def test_mixed_precision_widens_norms_and_converts_before_products() -> None:
    graph = api.load_graph("swin-t", batch=2)
    found = extras(graph)
    norm = next(op for op in graph.ops if op.kind == "norm")
    elements = norm["rows"] * norm["cols"]
    assert found[norm.name].surplus == 2 * 2 * elements  # reads and writes two bytes more
    assert found[norm.name].converted == 6 * elements  # its input came from a convolution in 16 bits
    product = next(op for op in graph.ops if op.label == "qkv")
    assert found[product.name].converted == 6 * product["m"] * product["k"]
    assert extras(api.load_graph("resnet18")) == {}


def test_mixed_precision_is_what_the_framework_does(a100: Chip) -> None:
    graph = api.load_graph("swin-t", batch=64)
    mixed, plain = (api.simulate(graph, a100, {**EAGER, "autocast": on}, interval=False) for on in (True, False))
    assert mixed.latency_s > 1.1 * plain.latency_s
    assert api.simulate(graph, a100, EAGER, interval=False).latency_s == mixed.latency_s


def test_small_batches_wait_for_the_framework(a100: Chip) -> None:
    one = api.simulate(api.load_graph("resnet50-v1.5"), a100, EAGER, interval=False)
    kernels = len(one.cost.program.graph.ops)
    assert one.latency_s >= kernels * a100.number("async_dispatch_s")
    many = api.simulate(api.load_graph("resnet50-v1.5", batch=256), a100, EAGER, interval=False)
    assert many.metric("inferences_per_s") > 10 * one.metric("inferences_per_s")


def test_fusion_keeps_passes_in_registers(a100: Chip) -> None:
    graph = api.load_graph("resnet18", batch=32)
    apart, fused = (api.simulate(graph, a100, {**EAGER, "fusion": f}, interval=False) for f in ("none", "serving"))
    assert fused.latency_s < 0.8 * apart.latency_s
    assert fused.cost.by_component("joules")["arithmetic"] == pytest.approx(apart.cost.by_component("joules")["arithmetic"])
    assert fused.cost.bytes_by_level()["on chip"] > 0
    assert sum(fused.cost.bytes_by_level().values()) == pytest.approx(sum(apart.cost.bytes_by_level().values()))


def test_small_tensors_may_stay_in_l2(a100: Chip) -> None:
    graph = single_op("elementwise", function="relu", rows=1024, cols=4096)
    off, on = (api.simulate(graph, a100, {"l2_resident": flag}, interval=False) for flag in (False, True))
    assert on.latency_s < off.latency_s
    assert on.cost.bytes_by_level() == {"dram": 0, "link": 0, "on chip": off.cost.bytes_by_level()["dram"]}


@pytest.mark.parametrize("name", ["resnet18", "mobilenet-v1", "densenet121", "swin-t", "vit-b16"])
def test_both_engines_agree_on_a_network(name: str) -> None:
    graph, chip = api.load_graph(name, batch=8), api.load_chip("rtx-3090")
    analytic = api.simulate(graph, chip, EAGER, interval=False)
    assert api.simulate(graph, chip, EAGER, interval=False, fidelity="event").cycles == pytest.approx(analytic.cycles, rel=1e-9)


def test_shifted_windows_write_their_mask_out_in_mixed_precision() -> None:
    graph = api.load_graph("swin-t", batch=2)
    masked = [op for op in graph.ops if op.attrs.get("mask")]
    assert len(masked) == 1 + 1 + 3  # every other block, but none where one window holds the whole map
    found = extras(graph)
    for op in masked:
        scores = op["batch"] * op["heads"] * 49
        assert mask_bytes(op) == scores * (49 * 20 + 56 * 4)
        assert found[op.name].converted == mask_bytes(op)
    plain = next(op for op in graph.ops if op.kind == "attention" and not op.attrs)
    assert mask_bytes(plain) == 0
