"""The target as a whole: models over several GPUs, refusals, energy, area, options, primitives."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping, InvalidTrace, MissingParameter, UnsupportedOp
from hwsim.core.graph import GraphBuilder, single_op
from hwsim.core.kept import GRAPHS
from hwsim.core.target import Target, load_target
from hwsim.targets.gpu import lowering, sharding
from hwsim.targets.gpu.target import TARGET

LLAMA = {"phase": "decode", "context": 1024}


def run(chip: Chip, mapping: dict[str, Any], trace: str = "llama3-8b", **request: Any) -> Any:
    return api.simulate(api.load_graph(trace, **(request or LLAMA)), chip, mapping, interval=False)


def test_it_is_a_target() -> None:
    assert load_target("gpu") is TARGET
    assert isinstance(TARGET, Target)


def test_a_layer_has_two_all_reduces(a100: Chip) -> None:
    report = run(a100, {"system": "sglang", "devices": 8})
    reduced = [op for op in report.cost.program.graph.ops if op.kind == "allreduce"]
    assert len(reduced) == 2 * 32
    assert {op["elements"] for op in reduced} == {4096}


def test_the_split_follows_the_flow_of_data() -> None:
    b = GraphBuilder()
    x = b.tensor("x", (4, 64), role="input")
    up = b.op("matmul", "up", [x], m=4, k=64, n=256)
    act = b.op("elementwise", "act", [up], function="gelu", rows=4, cols=256)
    b.op("norm", "norm", [b.op("matmul", "down", [act], m=4, k=256, n=64)], rows=4, cols=64)
    graph = b.graph(trace="block")
    parted = sharding.shardings(graph)
    assert parted == (sharding.COLUMNS, sharding.SPLIT, sharding.ROWS, sharding.REPLICATED)
    assert [op.kind for op in sharding.with_allreduces(graph, parted).ops] == ["matmul", "elementwise", "matmul", "allreduce", "norm"]


def test_more_gpus_share_the_weights_and_pay_for_links(a100: Chip) -> None:
    one, eight = run(a100, {"system": "sglang"}), run(a100, {"system": "sglang", "devices": 8})
    assert eight.part("latency_s", component="down") < one.part("latency_s", component="down") / 3
    assert eight.metric("memory_bytes_per_gpu") == pytest.approx(one.metric("memory_bytes_per_gpu") / 8)
    assert eight.cost.bytes_by_level()["link"] == 64 * 2 * 7 * 8192
    assert one.cost.bytes_by_level()["link"] == 0
    assert eight.area_mm2 == 8 * one.area_mm2 == pytest.approx(8 * 826)


def test_merged_products_cost_less_than_their_parts(a100: Chip) -> None:
    merged, apart = run(a100, {"system": "sglang"}), run(a100, {"system": "sglang", "fusion": "none"})
    assert merged.part("latency_s", component="k") < 0.6 * apart.part("latency_s", component="k")
    assert merged.latency_s < apart.latency_s
    total = sum(merged.part("latency_s", component=c) for c in ("q", "k", "v")) / 32
    alone = api.simulate(single_op("matmul", m=1, k=4096, n=6144), a100, {}, interval=False).latency_s
    assert total == pytest.approx(alone, rel=0.01)


def test_a_host_gap_is_charged_once_a_step(a100: Chip) -> None:
    gap, each = a100.number("host_step_s"), a100.number("host_request_s")
    assert run(a100, {"system": "sglang"}).part("latency_s", component="host_gap") == pytest.approx(gap + each)
    nine = run(a100, {"system": "sglang"}, phase="decode", context=64, batch=9)
    assert nine.part("latency_s", component="host_gap") == pytest.approx(gap + 9 * each)
    steps = run(a100, {"system": "vllm"}, phase="generate", prompt=32, generate=20)
    assert steps.part("latency_s", component="host_gap") == pytest.approx(21 * a100.number("vllm_step_s") + 20 * each)
    assert run(a100, {"dispatch": "graph"}).cost.by_component("cycles").get("host_gap", 0.0) == 0


def test_every_unsupported_operator_is_named_at_once(a100: Chip) -> None:
    b = GraphBuilder()
    x = b.tensor("x", (1, 3, 8, 8), role="input")
    b.op("conv2d", "conv", [x], n=1, c=3, h=8, w=8, k=4, r=3, s=3, pad=1, weight_dtype="int8")
    b.op("fft", "fft", [b.tensor("s", (1, 64), role="input")], points=64)
    b.op("matmul", "sparse", [b.tensor("z", (1, 8), role="input")], m=1, k=8, n=8, weight_density=0.5)
    b.op("elementwise", "relu", [b.tensor("w", (1, 8), role="input")], function="relu", rows=1, cols=8)
    graph = b.graph(trace="mixed")
    with pytest.raises(UnsupportedOp) as refusal:
        api.simulate(graph, a100, interval=False)
    assert [name.split(" ")[0] for name in refusal.value.ops] == ["conv", "fft", "sparse"]
    report = api.simulate(graph, a100, interval=False, allow_unmodelled=True)
    assert report.cost.program.lower_bound
    assert len(report.cost.program.warnings) == 3
    assert report.latency_s == pytest.approx(a100.number("queued_launch_s"), rel=0.01)


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({"dtype": "int4"}, "int4"), ({"dtype": "fp8"}, "fp8"), ({"weight_dtype": "int3"}, "int3"), ({"batch": 2, "pool": 8}, "experts"),
        ({"batch": 2, "ragged": 5}, "groups of uneven size"),
        ({"dtype": "fp32", "weight_dtype": "q8_0"}, "no kernel for q8_0 weights with fp32 activations"),
    ],
)  # fmt: skip
def test_products_without_a_kernel_are_refused(simulate: Any, bounds: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedOp, match=reason):
        simulate("matmul", m=4, k=32, n=8, **bounds)


def test_tables_in_blocks_are_gathered_caches_in_blocks_are_refused(simulate: Any) -> None:
    table = {"rows": 4096, "vocab": 8192, "cols": 4096}
    whole, blocks = (simulate("embedding", **table, weight_dtype=form).cost.bytes_by_level()["dram"] for form in ("fp16", "q4_0"))
    assert blocks < whole
    with pytest.raises(UnsupportedOp, match="no kernel for q4_0 weights with fp32 activations"):
        simulate("embedding", rows=4, vocab=8, cols=32, dtype="fp32", weight_dtype="q4_0")
    with pytest.raises(UnsupportedOp, match="no kernel for a q8_0 cache with fp16 activations"):
        simulate("attention", heads=4, q=1, kv=9, head_dim=8, attrs={"kv_dtype": "q8_0"})


def test_a_model_that_does_not_fit_says_what_would_help(a100: Chip) -> None:
    with pytest.raises(Infeasible, match="more devices"):
        run(a100, {"system": "sglang"}, trace="llama3.1-70b")
    assert run(a100, {"system": "sglang", "devices": 4}, trace="llama3.1-70b").latency_s > 0


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"dispach": "eager"}, "dispatch"),
        ({"dispatch": "egaer"}, "did you mean eager"),
        ({"system": "sgland"}, "did you mean sglang"),
        ({"devices": 0}, "devices"),
        ({"devices": "many"}, "devices"),
        ({"devices": 6, "nodes": 4}, "spread evenly"),
        ({"devices": 4, "tensor_parallel": 2}, "must equal devices"),
        ({"devices": 16, "nodes": 2, "algorithm": "one_shot"}, "among the GPUs of one node"),
        ({"link": "pcei"}, "did you mean pcie"),
        ({"link": "pcie", "algorithm": "in_switch", "devices": 8}, "nvlink_switch"),
        ({"system": "vllm", "framework": "pytorch"}, "same option"),
        ({"devices": 16, "nodes": 2, "algorithm": "in_switch"}, "one node"),
    ],
)
def test_bad_options_are_refused(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidMapping, match=message):
        TARGET.options(mapping)


def test_intervals_hold_the_value(a100: Chip) -> None:
    report = api.simulate(api.load_graph("llama3-8b", **LLAMA), a100, {"system": "sglang", "devices": 4})
    for metric in ("latency_s", "tokens_per_s", "energy_j", "area_mm2"):
        low, high = report.interval[metric]
        assert low <= report.metric(metric) <= high
    assert report.interval["latency_s"][1] < 2 * report.interval["latency_s"][0]


def test_rates_that_were_not_measured_are_assumed_in_the_open(simulate: Any) -> None:
    said = "measured for fp16"
    assert any(said in a for a in simulate("matmul", m=64, k=64, n=64, dtype="int8").cost.program.assumptions)
    assert any(said in a for a in simulate("matmul", {"tf32": True}, m=64, k=64, n=64, dtype="fp32").cost.program.assumptions)
    assert not any(said in a for a in simulate("matmul", m=64, k=64, n=64).cost.program.assumptions)


def test_texts_of_the_command_line_are_converted() -> None:
    found = TARGET.options({"devices": "8", "tf32": "true", "split_kv": "false"})
    assert (found["devices"], found["tf32"], found["split_kv"]) == (8, True, False)
    assert TARGET.options(found) == found


def test_mapping_is_printed_back(a100: Chip) -> None:
    mapping = run(a100, {"system": "sglang", "devices": "8"}).cost.program.mapping
    assert (mapping["dispatch"], mapping["kernels"], mapping["fusion"], mapping["tensor_parallel"]) == ("graph", "serving", "serving", 8)


def test_what_cannot_be_split_is_refused(simulate: Any) -> None:
    with pytest.raises(InvalidMapping, match="at least 2"):
        simulate("allreduce", elements=1024)
    with pytest.raises(InvalidMapping, match="4 heads"):
        simulate("attention", {"devices": 8}, heads=4, q=1, kv=64, head_dim=64)


def test_a_chip_must_state_everything(a100: Chip) -> None:
    params = {k: v for k, v in a100.params.items() if k != "link_hop_s"}
    with pytest.raises(MissingParameter, match="link_hop_s"):
        TARGET.check(Chip("a100", "gpu", params))
    with pytest.raises(InvalidChip, match=r"copy_stream must be positive and at most 1, got 1\.2"):
        TARGET.check(a100.replace(copy_stream=1.2))
    with pytest.raises(InvalidChip, match="sm_count must be positive, got 0"):
        TARGET.check(a100.replace(sm_count=0.0))


def test_nameplate_energy_is_power_times_time(a100: Chip) -> None:
    for devices in (1, 8):
        report = run(a100, {"system": "sglang", "devices": devices})
        assert report.energy_j == pytest.approx(400 * devices * report.latency_s)
    ratio = run(a100, {"system": "sglang"}, phase="prefill", prompt=512)
    assert ratio.power_w == pytest.approx(400)


def test_activity_energy_counts_bytes_and_operations(simulate: Any, a100: Chip) -> None:
    report = simulate("elementwise", {"energy_mode": "activity"}, rows=4096, cols=65536, function="relu")
    moved = 2 * 4096 * 65536 * 2
    dynamic = moved * a100.number("dram_j_per_byte") + 4096 * 65536 * a100.number("vector_j_per_flop")
    assert report.cost.dynamic_j == pytest.approx(dynamic)
    assert report.power_w == pytest.approx(a100.number("active_idle_w") + dynamic / report.latency_s)
    assert 200 < report.power_w < 400


def test_the_peak_product_stays_below_the_board_power(simulate: Any) -> None:
    report = simulate("matmul", {"energy_mode": "activity", "kernels": "framework"}, m=8192, k=8192, n=8192)
    assert 200 < report.power_w < 400


def test_two_tensor_functions_move_two_tensors(simulate: Any) -> None:
    short, full = simulate("elementwise", rows=8, cols=1024, function="add"), simulate("elementwise", rows=8, cols=1024, function="add", operands=2)
    assert short.latency_s == pytest.approx(full.latency_s)


def test_encodings_are_kept_and_the_oldest_dropped(a100: Chip) -> None:
    graph, options = api.load_graph("llama3-8b", **LLAMA), lowering.Options(system="sglang")
    assert lowering.lower(graph, options) is lowering.lower(graph, options)
    for n in range(GRAPHS):
        lowering.lower(single_op("matmul", m=1, k=8, n=n + 1), options)
    assert len(lowering._KEPT.found) == GRAPHS
    assert (graph.key, options) not in lowering._KEPT.found


def test_primitives(a100: Chip) -> None:
    def primitive(name: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
        return api.primitive(name, a100, arguments, mapping or {})

    assert primitive("small_kernel", bytes=0)["latency_s"] == 2.6e-6
    assert primitive("small_kernel", {"dispatch": "graph"}, bytes=3.9e6)["latency_s"] == pytest.approx(2.3e-6)
    assert primitive("call_overhead", {"dispatch": "eager"}, op="softmax")["latency_s"] == 13e-6
    assert primitive("power_at_rates", dram_bytes_per_s=0, flop_per_s=0)["power_w"] == 66.5
    assert 250 < primitive("best_matmul", dtype="bf16")["tops"] < 312
    with pytest.raises(InvalidTrace, match="did you mean softmax"):
        primitive("call_overhead", op="softmx")
    with pytest.raises(InvalidTrace, match="at least 0"):
        primitive("small_kernel", bytes=-1)
    with pytest.raises(InvalidMapping, match="back to back"):
        primitive("small_kernel", {"dispatch": "eager"}, bytes=0)
    with pytest.raises(InvalidTrace, match="no fp8"):
        primitive("best_matmul", dtype="fp8")
    with pytest.raises(InvalidTrace, match="int4"):
        primitive("best_matmul", dtype="int4")
