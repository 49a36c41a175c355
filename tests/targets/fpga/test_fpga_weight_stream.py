"""Weight-streaming decoders: bytes over efficiency x bandwidth, DDR order, on-chip memories, processors, cards, sparsity."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.readers.design_file import design_names, design_path, read_design

W4 = {"dtype": "fp16", "weight_dtype": "int4", "kv_dtype": "int8"}
STREAMED = 32 * (4 * 4096**2 + 3 * 4096 * 11008) + 4096 * 32000  # weights of LLaMA2-7B that a token passes by
SMALL = {"trace": "llama2-7b", "layers": 2, "phase": "decode", "context": 64, **W4}


def run(chip: str, request: dict[str, Any], mapping: dict[str, Any] | None = None, **constants: Any) -> Report:
    options = {k: v for k, v in request.items() if k != "trace"}
    return hwsim.simulate(hwsim.load_graph(request["trace"], **options), hwsim.load_chip(chip).replace(**constants), mapping or {}, interval=False)


def llama2(chip: str = "kv260+embedded_bw", mapping: dict[str, Any] | None = None, context: int = 1, **constants: Any) -> Report:
    return run(chip, {"trace": "llama2-7b", "phase": "decode", "context": context, **W4}, mapping, **constants)


def test_decode_is_bytes_over_efficient_bandwidth() -> None:
    report = llama2(fill_cycles_per_product=0, softmax_tail_cycles=0, rope_tail_cycles=0, macs_per_core=1e6, attention_macs_per_core=1e6)
    assert report.latency_s == pytest.approx(STREAMED / 2 / (0.842 * 19.2e9), rel=1e-3)
    assert report.metric("utilisation") == pytest.approx(0.842, rel=1e-3)
    assert report.cost.bytes_by_level()["ddr"] >= STREAMED / 2


def test_published_stream_of_llama2() -> None:
    assert llama2(context=64).metric("tokens_per_s") == pytest.approx(4.9, rel=0.1)
    assert llama2(context=2000).latency_s > llama2(context=64).latency_s


def test_aligned_transfers_follow_ddr4_timing() -> None:
    kept, row, refresh = 19.2e9, 28e-9, 1 - 350e-9 / 7.8e-6
    for size in (8192, 16384):
        report = llama2(mapping={"column_aligned": True, "bytes_per_transfer": size})
        share = refresh * size / (size + kept * row)
        assert report.metric("utilisation") == pytest.approx(share, rel=5e-3)
    aligned, unordered = llama2(mapping={"column_aligned": True}), llama2()
    assert aligned.latency_s < unordered.latency_s
    assert llama2(mapping={"column_aligned": True, "bytes_per_transfer": 65536}).latency_s == unordered.latency_s  # rows switch again


def test_few_ports_bound_the_stream() -> None:
    assert llama2(mapping={"axi_ports": 1}).latency_s == pytest.approx(STREAMED / 2 / (16 * 300e6), rel=0.02)
    assert llama2(mapping={"axi_ports": 1, "port_bits": 64}).latency_s > 1.9 * llama2(mapping={"axi_ports": 1}).latency_s
    with pytest.raises(Infeasible, match="ports"):
        llama2(mapping={"axi_ports": 5})


def test_a_narrow_array_bounds_the_products() -> None:
    assert llama2(macs_per_core=16).latency_s == pytest.approx(STREAMED / 16 / 300e6, rel=0.03)


def test_cores_on_more_memories() -> None:
    llama3 = {"trace": "llama3-8b", "phase": "decode", "context": 64, "dtype": "int24", "weight_dtype": "int4", "kv_dtype": "int8"}
    one, two, four = (run(f"{chip}+hummingbird", llama3).metric("tokens_per_s") for chip in ("kv260", "zcu104", "u250"))
    assert 1.7 < two / one < 2 and 3.7 < four / one < 4.1
    lookup = run("kv260+hummingbird", llama3).latency_s - run("kv260+hummingbird", llama3, lookup_s=0).latency_s
    assert lookup == pytest.approx(1.5e-3)


def test_memory_bandwidth_of_the_design() -> None:
    mamba = {"trace": "mamba2-2.7b", "phase": "decode", "context": 8, "dtype": "int4"}
    slow, fast = (run("vck190", mamba, {"design": "lightmamba", "mem_bandwidth_bytes_per_s": b}) for b in (6e9, 12e9))
    assert 1.7 < slow.latency_s / fast.latency_s < 2
    assert fast.metric("utilisation") < 0.85


def test_weights_on_chip_take_as_many_cards_as_hold_them() -> None:
    request = {"trace": "mmfreelm-370m", "phase": "decode", "context": 1, "dtype": "int8", "weight_dtype": "ternary"}
    report = run("u280+tereffic", request, {"weights": "on_chip"})
    assert report.cost.program.mapping["cards"] == 2
    weights = sum(op.weight_bytes for op in report.cost.program.graph.ops if op.kind == "matmul")
    assert report.latency_s > weights / (960 * 9 * 150e6)
    assert report.cost.bytes_by_level().get("hbm", 0) == 0
    assert report.latency_s < run("u280+tereffic", request).latency_s  # from HBM
    with pytest.raises(Infeasible, match="weights and cache"):
        run("u280+tereffic", request, {"weights": "on_chip", "cards": 1})


def test_a_model_that_does_not_fit_is_refused() -> None:
    request = {"trace": "llama2-7b", "phase": "decode", "context": 8, "dtype": "fp16"}
    with pytest.raises(Infeasible, match="weights and cache"):
        run("kv260+memory_bound", request)
    with pytest.raises(InvalidMapping, match="no hbm"):
        llama2(mapping={"weights": "hbm"})


def test_weight_buffer_hides_the_stream() -> None:
    request = {"trace": "bitnet-0.73b", "phase": "decode", "context": 64, "dtype": "int8", "weight_dtype": "ternary"}
    first, second = run("kv260+tellme_v1", request), run("kv260+tellme_v2", request, {"lm_head": "fabric"})
    assert second.latency_s < first.latency_s
    on_processor = run("kv260+tellme_v2", request)
    head = sum(op.macs for op in on_processor.cost.program.graph.ops if op.label == "head")
    assert on_processor.part("latency_s", component="head") == pytest.approx(head / 5.46e9)
    with pytest.raises(InvalidMapping, match="host_macs_per_s"):
        run("kv260+tellme_v1", request, {"lm_head": "processor"})


def test_rows_of_a_prompt_share_a_pass() -> None:
    request = {"trace": "bitnet-0.73b", "phase": "prefill", "prompt": 64, "layers": 2, "dtype": "int8", "weight_dtype": "ternary"}
    shared, alone = run("kv260+tellme_v1", request), run("kv260+tellme_v1", request, rows_per_pass=1)
    assert shared.latency_s < alone.latency_s
    assert shared.cost.bytes_by_level()["ddr"] < alone.cost.bytes_by_level()["ddr"] / 30


def test_sparse_weights_carry_their_index() -> None:
    request = {"trace": "opt-350m", "phase": "decode", "context": 8, "dtype": "int16"}
    half, dense = run("u200+chatopu", request), run("u200+chatopu", request, stored_density=1)
    moved = [r.cost.bytes_by_level()["ddr"] for r in (half, dense)]
    assert moved[0] / moved[1] == pytest.approx(0.5 * (16 + 2) / 16, rel=0.01)
    stated = run("u200+chatopu", {**request, "weight_density": 0.25})
    assert stated.cost.bytes_by_level()["ddr"] < 0.6 * moved[0]
    four = run("u200+chatopu", request, {"cores": 4, "ddr_channels": 4})
    assert 3 < half.latency_s / four.latency_s <= 4


def test_lambda_mask_bounds_the_keys() -> None:
    request = {"trace": "llama2-7b", "phase": "decode", "context": 4000, "layers": 2, "dtype": "int8", "weight_dtype": "int2", "kv_dtype": "int4"}
    masked, full = run("u280+accllm", request, {"attention_mask": "lambda"}), run("u280+accllm", request)
    keys = hwsim.load_chip("u280+accllm").number("lambda_keys")
    saved = full.cost.bytes_by_level()["hbm"] - masked.cost.bytes_by_level()["hbm"]
    assert saved == pytest.approx(2 * 2 * (4000 - keys) * 4096 / 2)


def test_cards_divide_the_work_and_exchange_vectors() -> None:
    request = {"trace": "gpt2-345m", "phase": "generate", "prompt": 8, "generate": 8, "dtype": "fp16"}
    one, two, four = (run("u280+dfx", request, {"cards": n}) for n in (1, 2, 4))
    assert one.latency_s > two.latency_s > four.latency_s > one.latency_s / 4
    assert one.metric("tokens_per_s") == pytest.approx(8 / one.latency_s)  # over the whole time, as published
    assert two.cost.program.static_power_w["configured idle"] == 2 * one.cost.program.static_power_w["configured idle"]
    prompt = {**request, "prompt": 16}
    assert run("u280+dfx", prompt, {"cards": 1}).latency_s > 1.3 * one.latency_s  # prompt tokens one after another


def test_heads_stay_on_their_card_until_they_are_joined() -> None:
    request = {"trace": "gpt2-345m", "phase": "decode", "context": 64, "dtype": "fp16"}
    near, far = (run("u280+dfx", request, {"cards": 2}, exchange_s=v) for v in (1e-6, 11e-6))
    joined = 24 * 4 + 1  # attention, its projection, two layers of the feed-forward network; the output head
    assert far.latency_s - near.latency_s == pytest.approx(joined * 10e-6)
    assert far.part("latency_s", component="qkv") == near.part("latency_s", component="qkv")


@pytest.mark.parametrize(("cards", "at_once"), [(1, 1), (2, 1), (4, 1), (1, 4), (2, 16)])
def test_softmax_of_each_round_of_heads_delays_the_next(cards: int, at_once: int) -> None:
    request = {"trace": "gpt2-345m", "phase": "decode", "context": 64, "dtype": "fp16"}
    slow, fast = (run("u280+dfx", request, {"cards": cards}, heads_at_once=at_once, softmax_tail_cycles=v) for v in (700, 200))
    assert slow.cycles - fast.cycles == pytest.approx(24 * math.ceil(16 / cards / at_once) * 500)


def test_keys_and_values_are_as_wide_as_the_design_stores_them() -> None:
    request = {"trace": "bitnet-0.73b", "phase": "decode", "context": 1024, "dtype": "int8", "weight_dtype": "ternary"}
    narrow, wide = (run("kv260+tellme_v1", request, cache_bits_least=v) for v in (0, 16))
    moved = wide.cost.bytes_by_level()["ddr"] - narrow.cost.bytes_by_level()["ddr"]
    assert moved == pytest.approx(24 * 2 * 1024 * 1536)
    assert wide.latency_s > narrow.latency_s
    stated = {**request, "kv_dtype": "fp16"}
    assert run("kv260+tellme_v1", stated).latency_s == pytest.approx(wide.latency_s)


def test_the_processor_computes_the_rest() -> None:
    request = {"trace": "tinyllama-1.1b", "phase": "decode", "context": 8, "layers": 2, "dtype": "int8"}
    slow, fast = (run("zcu102+llamaf", request, host_ops_per_s=v) for v in (1e8, 1e10))
    assert slow.part("latency_s", component="norm") == pytest.approx(100 * fast.part("latency_s", component="norm"))


@pytest.mark.parametrize("name", [n for n in design_names() if read_design(design_path(n)).engine in ("stream", "weight_stream")])
def test_every_constant_of_a_design_is_read_and_ranged(name: str) -> None:
    design = read_design(design_path(name))
    assert design.params["design_clock_hz"].number > 0
    assert all(p.has_range or not p.is_number or p.status != "assumed" for p in design.params.values())


def test_refusals() -> None:
    with pytest.raises(UnsupportedOp, match="no unit"):
        hwsim.simulate(single_op("fft", points=64), hwsim.load_chip("kv260+hummingbird"), {}, interval=False)
    with pytest.raises(UnsupportedOp, match="own weights"):
        hwsim.simulate(single_op("matmul", m=1, k=64, n=64, batch=2), hwsim.load_chip("kv260+hummingbird"), {}, interval=False)
    with pytest.raises(UnsupportedOp, match="up to 4 bits"):
        run("kv260+hummingbird", {**SMALL, "weight_dtype": "int8"})
    with pytest.raises(InvalidMapping, match="tp"):
        llama2(mapping={"tp": 8})


@settings(deadline=None, max_examples=10)
@given(factor=st.floats(1.05, 4), context=st.integers(1, 3000))
def test_faster_memory_and_shorter_context_never_slow_a_token(factor: float, context: int) -> None:
    base = run("kv260+hummingbird", {**SMALL, "context": context})
    faster = run("kv260+hummingbird", {**SMALL, "context": context}, ddr_channel_bytes_per_s=19.2e9 * factor)
    longer = run("kv260+hummingbird", {**SMALL, "context": context + 64})
    assert faster.latency_s <= base.latency_s < longer.latency_s
    assert base.energy_j == pytest.approx(base.cost.dynamic_j + base.cost.static_j)
