"""Spatial dataflow designs: their published equations, pipelining over tokens, steps of single tokens, stages on dies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target

LLAMA = {"dtype": "int4", "weight_dtype": "int4", "kv_dtype": "int8"}
D, KV, FFN, LAYERS, VOCAB = 2048, 512, 8192, 16, 128256


def run(trace: str, chip: str = "u280+spatial_llm", mapping: dict[str, Any] | None = None, request: dict[str, Any] | None = None,
        **constants: Any) -> Report:  # fmt: skip
    return hwsim.simulate(hwsim.load_graph(trace, **(request or {})), hwsim.load_chip(chip).replace(**constants), mapping or {}, interval=False)


def gpt2(phase: str = "decode", chip: str = "u280+spatial_llm", mapping: dict[str, Any] | None = None, length: int = 64, **constants: Any) -> Report:
    lengths = {"decode": {"context": length}, "prefill": {"prompt": length}, "generate": {"prompt": length, "generate": 8}}[phase]
    weights = "int8" if "spatial" in chip or "looplynx" in chip else "int4"
    return run("gpt2-345m", chip, mapping, {"phase": phase, "dtype": "int8", "weight_dtype": weights, **lengths}, **constants)


def bert(sequence: int = 512, mapping: dict[str, Any] | None = None, **constants: Any) -> Report:
    return run("bert-base", "u280+spatial_llm", mapping, {"sequence": sequence, "dtype": "int8", "weight_dtype": "int4"}, **constants)


def stage(name: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> float:
    trace = {"trace": "bert-base", "sequence": 512, "dtype": "int8", "weight_dtype": "int4", **arguments}
    found = load_target("fpga").primitives["stage_time"](
        hwsim.load_chip("u280"), {"stage": name, **trace}, {"design": "spatial_llm", **(mapping or {})}
    )
    return float(found["latency_s"])


@pytest.mark.parametrize("tokens", [128, 1000])
def test_flexllm_prompt_is_its_equation(tokens: int) -> None:
    """T = (N l / TP) (d d_kv / WP_kqvo + max(d^2 / WP_kqvo, d l / WP_mha, d d_ffn / WP_ffn)) / f, and one token through the pipeline."""
    report = run("llama-3.2-1b", "u280+flexllm", {"tp": 8, "wp_kqvo": 24, "wp_mha": 16, "wp_ffn": 96},
                 {"phase": "prefill", "prompt": tokens, **LLAMA}, stage_efficiency=1, module_fill_cycles=0)  # fmt: skip
    slowest = max(D * D / 24, D * tokens / 16, D * FFN / 96)
    equation = LAYERS * tokens / 8 * (D * KV / 24 + slowest)
    filling = LAYERS * (D * tokens / 16 + 2 * D * D / 24 + 2 * D * FFN / 96 - slowest)
    head = D * VOCAB / 1024 * 1.0
    assert report.cycles == pytest.approx(equation + filling + head, rel=1e-6)
    assert equation / 304e6 <= report.latency_s


@pytest.mark.parametrize("context", [64, 4000])
def test_flexllm_step_is_its_equation(context: int) -> None:
    """T = ((N (2 d d_kv + d^2 + 3 d d_ffn) + d d_lm) / WP_int4 + N max(d^2 / WP_int4, d l / WP_mha)) / f."""
    report = run("llama-3.2-1b", "u280+flexllm", {"clock_hz": 292e6, "wp_int4": 1024, "wp_mha": 256, "bp": 16},
                 {"phase": "decode", "context": context, **LLAMA}, stage_efficiency=1, module_fill_cycles=0)  # fmt: skip
    linear = (LAYERS * (2 * D * KV + D * D + 3 * D * FFN) + D * VOCAB) / 1024
    assert report.cycles == pytest.approx(linear + LAYERS * max(D * D / 1024, D * context / 256), rel=1e-6)


def test_flexllm_decodes_with_a_bitstream_of_its_own() -> None:
    request = {"phase": "decode", "context": 64, **LLAMA}
    own = run("llama-3.2-1b", "u280+flexllm", {}, request, module_fill_cycles=0)
    stated = run("llama-3.2-1b", "u280+flexllm", {"clock_hz": 304e6}, request, module_fill_cycles=0)
    assert own.latency_s > stated.latency_s > own.latency_s * 292 / 304 * 0.999


def test_flexllm_running_power_and_idle() -> None:
    power = load_target("fpga").primitives["platform_power"]
    watts = [power(hwsim.load_chip("u280"), {"state": s}, {"design": "flexllm"})["power_w"] for s in ("idle", "request_trace_mean", "running")]
    assert watts[0] < watts[1] < watts[2]
    assert watts == [pytest.approx(37.3, rel=0.05), pytest.approx(45.3, rel=0.05), pytest.approx(59.8, rel=0.25)]


def test_stages_of_bert_on_their_dies() -> None:
    macs, clock = 256, 245e6
    assert stage("slr0") == pytest.approx(512 * 768 * 768 / macs / clock)
    softmax = 12 * 512 * 512 / hwsim.load_chip("u280+spatial_llm").number("stage_scores_per_cycle")
    assert stage("slr1") == pytest.approx((2 * 512 * 512 * 768 / macs + softmax) / clock)
    assert stage("slr2") == pytest.approx(512 * 768 * 3072 / macs / clock)
    assert [stage(n) for n in ("slr0", "slr1", "slr2")] == [pytest.approx(v, rel=0.05) for v in (4.86e-3, 14.63e-3, 19.81e-3)]  # published
    assert stage("slr2", {"macs_per_kernel": 512}) == pytest.approx(stage("slr2") / 2)


def test_a_block_takes_its_first_stage_and_the_slowest_other() -> None:
    report, whole = bert(), bert(timed_blocks=0)
    assert report.latency_s == pytest.approx(26.01e-3, rel=0.01)  # fitted
    assert stage("slr0") + stage("slr2") < report.latency_s * 0.93 < 1.02 * (stage("slr0") + stage("slr2"))
    assert any("1 block" in w for w in report.cost.program.warnings) and not whole.cost.program.warnings
    assert whole.latency_s == pytest.approx(12 * report.latency_s, rel=0.01)


def test_kernels_of_a_single_token_take_turns() -> None:
    report = gpt2(stage_efficiency=1, module_fill_cycles=0)
    chain = 24 * (2 * 1024**2 + 2 * 1024 * 4096 + 2 * 64 * 1024) + 1024 * 50257
    assert report.cycles == pytest.approx(chain / 256)
    assert gpt2(length=512).cycles > report.cycles


def test_a_design_without_history_does_not_feel_the_context() -> None:
    assert gpt2(chip="u280+codo", length=64).cycles == gpt2(chip="u280+codo", length=512).cycles
    assert gpt2(chip="u55c+streamtensor", length=64).cycles < gpt2(chip="u55c+streamtensor", length=512).cycles


def test_launches_are_paid_once_per_block() -> None:
    with_launch, without = gpt2(chip="u280+codo"), gpt2(chip="u280+codo", launch_s=0)
    assert with_launch.latency_s - without.latency_s == pytest.approx(24 * 100e-6)
    prompt, bare = gpt2("prefill", "u280+codo"), gpt2("prefill", "u280+codo", launch_s=0)
    assert prompt.latency_s - bare.latency_s == pytest.approx(24 * 100e-6)


def test_streamtensor_generation_counts_tokens_over_decode_time() -> None:
    report = gpt2("generate", "u55c+streamtensor")
    assert report.metric("tokens_per_s") > 8 / report.latency_s


def test_two_cards_share_the_work_and_exchange() -> None:
    one, two = gpt2(chip="u50+looplynx"), gpt2(chip="u50+looplynx", mapping={"cards": 2})
    assert one.latency_s / 2 < two.latency_s < one.latency_s
    assert two.power_w > 1.5 * one.power_w


def test_weights_stream_from_memory() -> None:
    slow = gpt2(hbm_total_bytes_per_s=10e9)
    assert slow.latency_s > 353e6 / 10e9 > gpt2().latency_s
    stated = gpt2(mapping={"mem_bandwidth_bytes_per_s": 10e9})
    assert stated.latency_s == pytest.approx(slow.latency_s / 0.916, rel=0.02)  # a stated part of the memory has its streams' efficiency


def test_joint_and_separate_projections_cost_alike() -> None:
    llama = run("llama-3.2-1b", "u280+flexllm", {}, {"phase": "prefill", "prompt": 64, "layers": 1, **LLAMA})
    assert llama.part("cycles", component="k") > 0 and llama.part("cycles", component="q") == 0


def test_dies_and_slices_must_be_there() -> None:
    with pytest.raises(Infeasible, match="dies"):
        run("gpt2-345m", "u50+looplynx", {"slrs": 3}, {"phase": "decode", "context": 8, "dtype": "int8"})
    with pytest.raises(Infeasible, match="DSP"):
        gpt2(mapping={"dsp": 10000})
    with pytest.raises(Infeasible, match="LUT"):
        gpt2(chip="kv260+spatial_llm")
    assert gpt2(mapping={"dsp": 2000}).metric("dsp") == 2000


def test_refusals() -> None:
    with pytest.raises(InvalidMapping, match="expert_order"):
        gpt2(mapping={"expert_order": "by_token"})
    with pytest.raises(InvalidTrace, match="slr9"):
        stage("slr9")
    with pytest.raises(InvalidTrace, match="take turns"):
        stage("slr0", trace="gpt2-345m", phase="decode", context=8, sequence=None)
    with pytest.raises(UnsupportedOp, match="narrower dtype"):
        run("gpt2-345m", request={"phase": "decode", "context": 8})
    with pytest.raises(UnsupportedOp, match="no kernel"):
        hwsim.simulate(single_op("lstm", input_size=4, hidden_size=4), hwsim.load_chip("u280+spatial_llm"), {}, interval=False)


@settings(deadline=None, max_examples=12)
@given(tokens=st.integers(2, 300), more=st.integers(1, 50))
def test_more_tokens_and_narrower_kernels_never_take_less(tokens: int, more: int) -> None:
    short, long = bert(sequence=tokens), bert(sequence=tokens + more)
    assert long.cycles > short.cycles
    assert bert(sequence=tokens, mapping={"macs_per_kernel": 128}).cycles > short.cycles


def test_throughput_counts_the_timed_blocks_alone() -> None:
    graph, chip = hwsim.load_graph("bert-base", sequence=512, dtype="int8", weight_dtype="int4"), hwsim.load_chip("u280+spatial_llm")
    one, all_ = (hwsim.simulate(graph, chip.replace(timed_blocks=count), interval=False) for count in (1, 0))
    assert all_.macs == graph.macs
    assert 12 * one.macs == pytest.approx(graph.macs, rel=0.05)  # the pooler belongs to no block
    peak = hwsim.primitive("peak_macs", chip, {"mode": "mm"})["macs_per_cycle"]
    assert one.macs / one.metric("cycles") < peak


def test_compiled_kernels_are_balanced() -> None:
    chip = hwsim.load_chip("u280+codo")
    assert chip.number("ffn_macs") == 4 * chip.number("kernel_macs")
    long, longer = (gpt2("prefill", "u280+codo", length=n).latency_s for n in (512, 1024))
    projections = 2 * 512 * 1024 * 1024 / chip.number("kernel_macs")  # keys and values first, then the slowest: all take as long
    assert (longer - long) * 300e6 / 24 >= projections
