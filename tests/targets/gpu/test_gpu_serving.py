"""Cases of serving engines and of published layer tables: request sets, steps of a running batch, components by their published names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwsim.core.errors import HwsimError, InvalidCase
from hwsim.validate.cases import Case
from hwsim.validate.run import Configuration, Runner

CHAT = {"trace": "llama3.1-8b", "phase": "generate", "generate": 40, "batch": 16, "request_set": "chat", "dtype": "bf16"}
LAYER = {"trace": "gpt3-175b", "layers": 1, "phase": "prefill", "prompt": 256, "batch": 2, "dtype": "fp16"}
FOUR = {"devices": 4, "tensor_parallel": 4, "dispatch": "eager"}


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner()


def got(runner: Runner, workload: dict[str, Any], mapping: dict[str, Any], metric: str, chip: str = "h100") -> float:
    return runner.measure(Configuration(chip, workload, mapping), metric)


def test_a_request_set_has_the_assumed_prompt_length(runner: Runner) -> None:
    stated = {k: v for k, v in CHAT.items() if k != "request_set"} | {"prompt": 100}
    assert got(runner, CHAT, {"system": "vllm"}, "tokens_per_s") == got(runner, stated, {"system": "vllm"}, "tokens_per_s")
    with pytest.raises(InvalidCase, match="did you mean chat"):
        got(runner, {**CHAT, "request_set": "chatt"}, {"system": "vllm"}, "latency_s")


def test_a_step_is_all_decode_work_over_the_steps(runner: Runner) -> None:
    step = got(runner, {**CHAT, "component": "decode_step"}, {"system": "vllm"}, "latency_s")
    whole = got(runner, CHAT, {"system": "vllm"}, "latency_s")
    assert 0.8 * whole < 40 * step < whole
    assert got(runner, {**CHAT, "component": "decode_step"}, {"system": "vllm"}, "cycles") == pytest.approx(step * 1.83e9)


def test_more_requests_take_longer_steps_and_yield_more(runner: Runner) -> None:
    few, many = CHAT, {**CHAT, "batch": 64}
    assert got(runner, {**many, "component": "decode_step"}, {"system": "vllm"}, "latency_s") > got(
        runner, {**few, "component": "decode_step"}, {"system": "vllm"}, "latency_s"
    )
    assert got(runner, many, {"system": "vllm"}, "tokens_per_s") > 2 * got(runner, few, {"system": "vllm"}, "tokens_per_s")
    assert got(runner, many, {"system": "vllm"}, "power_w") > got(runner, few, {"system": "vllm"}, "power_w") > 193


def test_engine_and_framework_are_the_same_option(runner: Runner) -> None:
    assert got(runner, CHAT, {"framework": "vllm"}, "latency_s") == got(runner, CHAT, {"system": "vllm"}, "latency_s")


def test_components_by_their_published_names(runner: Runner) -> None:
    parts = {name: got(runner, {**LAYER, "component": name}, FOUR, "latency_s", "a100") for name in
             ("qkv", "qk", "av", "proj", "ffn1", "ffn2", "softmax", "norm", "gelu", "allreduce")}  # fmt: skip
    assert all(seconds > 0 for seconds in parts.values())
    whole = sum(parts.values()) + parts["norm"] + parts["allreduce"]  # two of each
    own = got(runner, {**LAYER, "layer": 0}, FOUR, "latency_s", "a100")
    adds = got(runner, {**LAYER, "component": "add", "layer": 0}, FOUR, "latency_s", "a100")
    assert whole + adds == pytest.approx(own)
    with pytest.raises(HwsimError, match="no part"):
        got(runner, {**LAYER, "component": "ffn3"}, FOUR, "latency_s", "a100")


def test_a_case_runs_from_its_file_form(runner: Runner) -> None:
    case = Case.model_validate({
        "id": "x", "group": "llm_serving", "chip": "h100", "workload": {**CHAT, "component": "decode_step"}, "mapping": {"system": "vllm"},
        "metric": "latency_s", "value": 0.008, "kind": "device", "role": "predict", "tolerance": 0.5, "source": "none",
    })  # fmt: skip
    assert runner.got(case, Path()) == pytest.approx(0.008, rel=0.3)


def test_int8_weights_are_expanded_unless_the_engine_quantises_activations(runner: Runner) -> None:
    op = {"op": "matmul", "m": 4096, "k": 4096, "n": 4096, "dtype": "fp16", "weight_dtype": "int8"}
    eight, expanded = (got(runner, op, mapping, "latency_s", "a100") for mapping in ({"framework": "vllm_smoothquant"}, {}))
    half = got(runner, {**op, "weight_dtype": "fp16"}, {}, "latency_s", "a100")
    assert eight < half < expanded


def test_small_weights_pay_at_small_batches_only(runner: Runner) -> None:
    """4 bits an element: near a quarter of the time of a bandwidth-bound product, a tenth more of an arithmetic-bound one, never under the bytes."""
    def ratio(m: int, weights: str) -> float:
        op = {"op": "matmul", "m": m, "k": 8192, "n": 28672, "dtype": "fp16"}
        return got(runner, {**op, "weight_dtype": weights}, {}, "latency_s", "a100") / got(runner, op, {}, "latency_s", "a100")

    assert 0.25 < ratio(1, "int4") < 0.45
    assert 0.5 < ratio(1, "int8") < 0.6
    assert ratio(1, "int4") < ratio(1, "q4_0") < ratio(1, "q8_0")
    assert 1.02 < ratio(4096, "int4") < 1.25
