"""Language models and networks: compiled and kernel by kernel, against first principles and the published runs."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.targets.manycore.lowering import kernels, lower
from hwsim.targets.manycore.machine import machine
from hwsim.targets.manycore.mapping import parse_options

LLAMA = {"trace": "llama-3.2-1b", "dtype": "fp32", "weight_dtype": "q8_0", "kv_dtype": "fp16"}


@pytest.fixture(scope="module")
def chip():
    return hwsim.load_chip("et-soc-1")


def on(chip, **mapping):
    return machine(chip, parse_options(mapping), kernels=mapping.get("runtime") == "kernel_per_op")


def run(chip, mapping=None, **workload):
    return hwsim.simulate(hwsim.load_graph(workload.pop("trace"), **workload), chip, mapping or {}, interval=False)


def test_decoding_is_a_weight_stream(chip):
    report = run(chip, trace="phi-3-mini", phase="decode", context=256)
    streamed = 3.72e9 * 2 / 76e9  # every weight but the token table, at what DRAM sustains
    assert report.latency_s == pytest.approx(streamed, rel=0.06)
    assert report.metric("tokens_per_s") == pytest.approx(10, rel=0.1)


def test_the_published_power_is_an_accounting_of_its_own(chip):
    report = run(chip, {"power_scope": "as_published"}, trace="phi-3-mini", phase="decode", context=256)
    assert report.power_w == pytest.approx(25, rel=0.2)
    assert report.metric("tokens_per_j") == pytest.approx(0.4, rel=0.15)


@pytest.mark.parametrize(
    ("workload", "published", "tolerance"),
    [
        ({"phase": "decode", "context": 66}, 13.54228, 0.15),
        ({"phase": "prefill", "prompt": 18}, 55.77037, 0.25),
        ({"phase": "prefill", "prompt": 128, "logits": "half"}, 76.61, 0.2),
    ],
)
def test_kernels_one_by_one(chip, workload, published, tolerance):
    report = run(chip, {"runtime": "kernel_per_op", "flash_attention": False}, **LLAMA, **workload)
    assert report.metric("tokens_per_s") == pytest.approx(published, rel=tolerance)


def test_a_layer_is_eighteen_kernels(chip):
    graph = hwsim.load_graph("llama-3.2-1b", phase="decode", context=66, dtype="fp32", weight_dtype="q8_0", kv_dtype="fp16")
    m = on(chip, runtime="kernel_per_op", flash_attention=False)
    launched = sum(kernels(op, graph, m) for op in graph.ops)
    assert launched == 18 * 16 + 2
    report = hwsim.simulate(graph, chip, {"runtime": "kernel_per_op"}, interval=False)
    each = chip.number("launch_queued_s") + chip.number("kernel_extra_s")
    assert report.cost.by_component("cycles")["launch"] / report.cost.program.clock_hz == pytest.approx(launched * each)


def test_barriers_stand_between_minions_that_depend_on_each_other(chip):
    """Of a layer: norm, projections, rotation, attention, output, norm, gate and up, down; sums and gates work where their operands were made."""
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=64)
    lowered = lower(graph, on(chip))
    barriers = sum(lowered.table.rows["barriers"][row] for row in lowered.table.row_of)
    assert barriers == 32 * 8 + 2


def test_longer_contexts_and_larger_batches_take_longer(chip):
    for key, values in (("context", (64, 512, 2048, 8000)), ("batch", (1, 2, 8))):
        times = [run(chip, trace="llama3-8b", phase="decode", **{"context": 512, key: v}).latency_s for v in values]
        assert times == sorted(times) and times[0] < times[-1]
    batched = run(chip, trace="llama3-8b", phase="decode", context=512, batch=8)
    assert batched.metric("tokens_per_s") > 6 * run(chip, trace="llama3-8b", phase="decode", context=512).metric("tokens_per_s")


def test_narrower_weights_decode_faster(chip):
    fp16, q8, int8 = (
        run(chip, trace="llama3-8b", phase="decode", context=128, **formats)
        for formats in ({}, {"weight_dtype": "q8_0"}, {"dtype": "int8"})
    )
    assert fp16.latency_s > 1.7 * q8.latency_s
    assert fp16.latency_s > 1.9 * int8.latency_s


def test_prefill_is_bound_by_arithmetic(chip):
    report = run(chip, trace="gpt2-345m", phase="prefill", prompt=512)
    assert 0.6 < report.cost.utilisation()["arithmetic"] < 0.97
    long = run(chip, trace="llama3-8b", phase="prefill", prompt=1024)
    assert long.cost.utilisation()["arithmetic"] > 0.85


def test_scores_in_memory_cost_time_and_bytes(chip):
    fused, spilled = (run(chip, {"flash_attention": f}, trace="llama3-8b", phase="prefill", prompt=1024, layers=1) for f in (True, False))
    assert spilled.latency_s > fused.latency_s
    assert sum(spilled.cost.bytes_by_level().values()) > sum(fused.cost.bytes_by_level().values())


def test_a_window_limits_the_cache_that_is_read(chip):
    full, windowed = (run(chip, trace=name, phase="decode", context=8000, layers=1) for name in ("llama3-8b", "mistral-7b"))
    assert windowed.cost.bytes_by_level()["dram"] < full.cost.bytes_by_level()["dram"]


@pytest.mark.parametrize(("trace", "options", "least", "most"), [
    ("resnet50", {"dtype": "int8"}, 400, 3000), ("resnet50", {"dtype": "fp16"}, 300, 2000), ("mobilenet-v2", {"dtype": "fp16"}, 400, 5000),
])  # fmt: skip
def test_networks_of_one_image_are_held_by_their_barriers(chip, trace, options, least, most):
    report = run(chip, trace=trace, **options)
    assert least < report.metric("inferences_per_s") < most
    assert report.cost.by_component("cycles")["barrier"] > 0.3 * report.cycles
    assert run(chip, trace=trace, batch=16, **options).metric("inferences_per_s") > 1.6 * report.metric("inferences_per_s")


def test_networks_draw_what_the_maker_measured(chip):
    """ResNet-50 in fp16 on a card of 20 W idle drew 36.8 W: 16.8 W above idle at an unstated clock."""
    report = run(chip, {"power_scope": "board_above_idle"}, trace="resnet50", dtype="fp16", batch=8)
    assert 8 < report.power_w < 30


def test_a_lone_operator_without_a_model_is_refused(chip):
    with pytest.raises(hwsim.core.errors.UnsupportedOp, match="fft"):
        hwsim.simulate(hwsim.core.graph.single_op("fft", points=64), chip)


@pytest.mark.parametrize("function", hwsim.core.op.op_kind("elementwise").functions)
def test_every_elementwise_function_has_its_instructions(chip, function):
    report = hwsim.simulate(hwsim.core.graph.single_op("elementwise", rows=4, cols=64, function=function), chip, interval=False)
    assert report.cycles > 0 and report.cost.by_component("joules")["instructions_j"] > 0


def test_a_recurrence_takes_a_step_after_a_step(chip):
    once, often = (
        hwsim.simulate(hwsim.core.graph.single_op("ssm", channels=4096, state=128, heads=64, steps=steps), chip, interval=False) for steps in (1, 64)
    )
    assert often.cost.by_component("cycles")["compute"] == pytest.approx(64 * once.cost.by_component("cycles")["compute"])
    p = once.cost.program.params[0]
    assert once.cost.by_component("cycles")["compute"] == pytest.approx(2 * 16 * (3 / p["issue_alu"] + 5 / p["issue_vector"]), rel=0.01)
