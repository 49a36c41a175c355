"""The published convention, held to its formulas; memory on top; what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import HwsimError, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report

AC, MAC = 0.9e-12, 4.6e-12
SMALL = {"embed_dims": 64, "depth": 2, "heads": 2, "image": 32, "classes": 10}
COUNTED = ("params", "params_conv_fc", "dense_ops", "mac_ops", "dense_macs")


def priced(kind: str, mapping: dict[str, Any] | None = None, *, bounds: dict[str, Any], dtype: str = "fp32", **attrs: Any) -> Report:
    graph = single_op(kind, dtype=dtype, attrs=attrs, **bounds)
    return hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), mapping or {}, interval=False)


def count(report: Report, name: str) -> float:
    return report.part("count", component=name)


def product(mapping: dict[str, Any] | None = None, m: int = 3, k: int = 5, n: int = 7, bias: int = 0, **attrs: Any) -> Report:
    return priced("matmul", mapping, bounds={"m": m, "k": k, "n": n, "bias": bias}, **attrs)


def test_spikes_accumulate_and_real_values_multiply() -> None:
    spiking, real = product(timesteps=4, spike_rate=0.25), product(timesteps=4, input_kind="real")
    assert count(spiking, "ac_ops") == 4 * 105 * 0.25 and count(spiking, "mac_ops") == 0
    assert count(real, "mac_ops") == 420 and count(real, "ac_ops") == 0
    assert spiking.energy_j == pytest.approx(105 * AC) and real.energy_j == pytest.approx(420 * MAC)


def test_bias_additions_count_and_a_rate_of_one_is_billed_as_mac() -> None:
    biased = product(bias=1, timesteps=2, spike_rate=0.5)
    assert count(biased, "dense_ops") == 2 * (105 + 21) and count(biased, "ac_ops") == 126
    always = product(bias=1, timesteps=2, spike_rate=1)
    assert (count(always, "mac_ops"), count(always, "ac_ops")) == (252, 0)


def test_a_convolution_adds_its_bias_at_every_output() -> None:
    bounds = {"n": 1, "c": 2, "h": 6, "w": 6, "k": 4, "r": 3, "s": 3, "stride": 2, "pad": 1, "bias": 1}
    report = priced("conv2d", bounds=bounds, timesteps=3, spike_rate=0.5)
    assert count(report, "dense_ops") == 3 * (4 * 9 * 18 + 4 * 9) and count(report, "ac_ops") == count(report, "dense_ops") / 2


def test_integer_spikes_unroll_into_levels() -> None:
    assert count(product(timesteps=2, spike_rate=0.25, spike_levels=4), "ac_ops") == 2 * 4 * 105 * 0.25


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_attention_costs_the_rarer_of_keys_and_values_plus_the_queries(q: float, k: float, v: float, steps: int) -> None:
    report = priced("spiking_attention", bounds={"heads": 2, "tokens": 9, "head_dim": 4}, timesteps=steps, rate_q=q, rate_k=k, rate_v=v)
    assert count(report, "ac_ops") == pytest.approx(steps * 2 * 9 * 16 * (min(k, v) + q))
    assert count(report, "ac_ops_layers") == 0


@given(st.floats(0, 0.99), st.floats(0, 0.99), st.integers(1, 6), st.sampled_from(["published", "honest"]))
@settings(max_examples=40, deadline=None)
def test_energy_rises_with_rate_and_timesteps(one: float, other: float, steps: int, mode: str) -> None:
    low, high = sorted((one, other))
    mapping = {"energy_mode": mode}
    joules = product(mapping, timesteps=steps, spike_rate=low).energy_j
    assert joules <= product(mapping, timesteps=steps, spike_rate=high).energy_j
    assert joules <= product(mapping, timesteps=steps + 1, spike_rate=low).energy_j


@given(st.integers(1, 6), st.floats(0.01, 0.99))
@settings(max_examples=20, deadline=None)
def test_accumulations_approach_the_dense_count_with_the_rate(steps: int, rate: float) -> None:
    report = product(timesteps=steps, spike_rate=rate)
    assert count(report, "ac_ops") == pytest.approx(rate * count(report, "dense_ops"))
    assert count(report, "dense_ops") == steps * 105


def test_the_network_is_the_sum_of_its_layers_to_the_last_bit() -> None:
    graph = hwsim.load_graph("spikingformer-8-512")
    report = hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), interval=False)
    layers = [op.name for op in graph.ops]
    for name in ("dense_ops", "ac_ops", "mac_ops"):
        assert sum(report.part("count", component=name, layer=layer) for layer in layers) == pytest.approx(count(report, name), rel=1e-14)
    joules = count(report, "ac_ops") * AC + count(report, "mac_ops") * MAC
    assert report.energy_j == pytest.approx(joules, rel=1e-14) and report.metric("energy_published_j") == pytest.approx(report.energy_j, rel=1e-14)
    mean = count(report, "ac_ops_layers") / (count(report, "dense_ops") - count(report, "mac_ops"))
    assert mean == pytest.approx(0.1985, abs=1e-4)  # published: 19.85 %


def test_lists_give_what_the_shipped_file_gives() -> None:
    preset = hwsim.load_graph("spikingformer-8-512")
    listed = [op.attrs["spike_rate"] for op in preset.ops if "spike_rate" in op.attrs]
    triples = [[op.attrs[f"rate_{w}"] for w in "qkv"] for op in preset.ops if op.kind == "spiking_attention"]
    graph = hwsim.load_graph("spikingformer", layer_rates=listed, qkv_rates=triples)
    chip = hwsim.load_chip("snn-45nm")
    assert hwsim.simulate(graph, chip, interval=False).energy_j == hwsim.simulate(preset, chip, interval=False).energy_j


def test_the_first_convolution_repeats_and_the_head_runs_once() -> None:
    one, four = (hwsim.simulate(hwsim.load_graph("spikingformer", **SMALL, rate=0.1, timesteps=t), hwsim.load_chip("snn-45nm"), interval=False)
                 for t in (1, 4))  # fmt: skip
    first = 8 * 32 * 32 * 27
    assert (count(one, "mac_ops"), count(four, "mac_ops")) == (first + 650, 4 * first + 650)
    assert four.part("energy_j", layer="patch0") == pytest.approx(4 * first * MAC)


def test_sums_of_spikes_make_a_network_dearer() -> None:
    chip = hwsim.load_chip("snn-45nm")
    pre, add = (hwsim.simulate(hwsim.load_graph("spikingformer", **SMALL, rate=0.2, residual=r), chip, interval=False) for r in ("pre", "add"))
    assert count(add, "mac_ops") > count(pre, "mac_ops") and add.energy_j > pre.energy_j
    assert count(add, "dense_ops") == count(pre, "dense_ops")


def test_without_rates_operations_are_counted_and_energy_is_refused() -> None:
    report = hwsim.simulate(hwsim.load_graph("spikingformer", **SMALL), hwsim.load_chip("snn-45nm"))
    rated = hwsim.simulate(hwsim.load_graph("spikingformer", **SMALL, rate=0.2), hwsim.load_chip("snn-45nm"))
    assert [count(report, name) for name in COUNTED] == [count(rated, name) for name in COUNTED]
    for name in ("energy_j", "tops_per_w", "power_w"):
        with pytest.raises(HwsimError, match="firing rate of patch1.*layer_rates" if name != "power_w" else "no machine"):
            report.metric(name)
    with pytest.raises(HwsimError, match="firing rate"):
        count(report, "ac_ops")
    with pytest.raises(HwsimError, match="firing rate"):
        report.part("energy_j", layer="patch1")
    assert report.part("energy_j", layer="patch0") > 0
    assert "energy_j" not in report.to_dict() and report.breakdown()["energy_j"] == {} and "energy_j" not in report.interval


def test_the_convention_has_no_time() -> None:
    report = product(timesteps=4, spike_rate=0.25)
    for name in ("latency_s", "cycles", "power_w", "frequency_hz"):
        with pytest.raises(HwsimError, match="no machine"):
            report.metric(name)
    with pytest.raises(HwsimError, match="no machine"):
        _ = report.latency_s
    assert "latency_s" not in report.to_dict()


def test_memory_dominates_the_honest_total_and_both_are_printed() -> None:
    graph, chip = hwsim.load_graph("spikingformer-8-512"), hwsim.load_chip("snn-45nm")
    published, honest = (hwsim.simulate(graph, chip, {"energy_mode": m}, interval=False) for m in ("published", "honest"))
    for name in ("energy_published_j", "energy_honest_j"):
        assert published.metric(name) == honest.metric(name)
    assert honest.energy_j == honest.metric("energy_honest_j") > 2 * published.energy_j == 2 * honest.metric("energy_published_j")
    assert honest.part("energy_j", component="operations") == pytest.approx(published.energy_j)
    parts = honest.breakdown()["energy_j"]
    assert sum(parts.values()) == pytest.approx(honest.energy_j) and parts["weight_read"] > parts["accumulate"]


def test_a_dense_pass_reads_no_rates() -> None:
    graph = hwsim.load_graph("spikingformer", **SMALL)
    report = hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), {"execution": "dense"}, interval=False)
    assert report.energy_j == pytest.approx(count(report, "mac_ops") * MAC) and count(report, "ac_ops") == 0


def test_pruned_weights_take_no_operations() -> None:
    graph = single_op("matmul", dtype="fp32", weight_density=0.5, attrs={"timesteps": 2, "spike_rate": 0.5}, m=1, k=4, n=8)
    assert count(hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), interval=False), "ac_ops") == 2 * 32 * 0.25


def test_what_has_no_energy_is_refused() -> None:
    with pytest.raises(UnsupportedOp, match="int4"):
        priced("matmul", bounds={"m": 1, "k": 2, "n": 3}, dtype="int4")
    with pytest.raises(UnsupportedOp, match="softmax"):
        priced("softmax", bounds={"rows": 2, "cols": 3})
    with pytest.raises(InvalidMapping, match="no_memory"):
        product({"energy_mode": "no_memory"}, spike_rate=0.1)
    with pytest.raises(InvalidMapping, match="snn-45nm"):
        graph = single_op("matmul", dtype="int8", m=1, k=2, n=3)
        hwsim.simulate(graph, hwsim.load_chip("event-core-45nm"), {"energy_mode": "published"})


def test_targets_of_one_dense_pass_refuse_timesteps() -> None:
    with pytest.raises(InvalidTrace, match=r"one dense pass.*conv0"):
        hwsim.simulate(hwsim.load_graph("spiking-vgg9", rate=0.1), hwsim.load_chip("a100"))
