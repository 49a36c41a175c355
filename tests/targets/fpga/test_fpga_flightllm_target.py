"""The FlightLLM engine from outside: published figures, formats, rates, refusals, primitives, resources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.explore.sweep import sweep
from hwsim.validate.cases import published
from hwsim.validate.run import Runner

U280, VHK158 = hwsim.load_chip("u280"), hwsim.load_chip("vhk158")
LIMITS = {  # group: worst absolute error
    "flightllm_token": 1e-6, "flightllm_queue": 3e-4, "flightllm_prefill": 1e-3, "flightllm_instructions": 2e-3, "flightllm_e2e": 6e-4,
    "flightllm_resim": 1e-3, "flightllm_sensitivity": 3e-3, "flightllm_board": 0.03, "flightllm_resources": 0.07, "flightllm_vs_gpu": 0.1,
    "instruction_storage": 0.05,
}  # fmt: skip


def run(trace: str = "llama2-7b", mapping: dict[str, Any] | None = None, chip: Any = U280, **request: Any) -> Report:
    return hwsim.simulate(hwsim.load_graph(trace, **request), chip, {"design": "flightllm", **(mapping or {})}, interval=False)


@pytest.mark.parametrize("group", LIMITS)
def test_published_figures(group: str) -> None:
    runner, found = Runner(), []
    for file in published():
        found += [(case, runner.got(case, Path(str(file.path)).parent)) for case in file.cases if case.group == group]
    assert found
    errors = "\n".join(f"{case.id}: published {case.value:.6g}, model {got:.6g}, error {got / case.value - 1:+.2%}" for case, got in found)
    assert max(abs(got / case.value - 1) for case, got in found) <= LIMITS[group], errors


def test_a_floating_point_model_is_quantised_by_the_design() -> None:
    plain = run(phase="decode", context=512)
    stated = run(phase="decode", context=512, dtype="int8", weight_dtype="int4", kv_dtype="int8")
    assert plain.latency_s == stated.latency_s
    assert any("quantised" in note for note in plain.to_dict()["assumptions"])
    assert run(phase="decode", context=512, dtype="int8", weight_dtype="int8").latency_s > 1.5 * plain.latency_s


@pytest.mark.parametrize(
    "trace", ["opt-6.7b", "llama3-8b", "gpt2-345m", "opt-350m", "phi-3-mini", "gemma-2b", "mistral-7b", "qwen3-8b", "chatglm2-6b"]
)
def test_any_decoder_runs(trace: str) -> None:
    decode, prefill = run(trace, phase="decode", context=300), run(trace, phase="prefill", prompt=100)
    assert 0 < decode.latency_s < prefill.latency_s


def test_shared_heads_read_their_cache_once() -> None:
    many, few = (run(trace, phase="decode", context=2000).part("latency_s", component="attention") for trace in ("llama2-7b", "llama3-8b"))
    assert few < 0.6 * many


def test_a_longer_context_never_takes_less_and_a_longer_prompt_neither() -> None:
    steps = [run(phase="decode", context=c).latency_s for c in (1, 16, 17, 500, 513, 1500, 2048)]
    prompts = [run(phase="prefill", prompt=c).latency_s for c in (1, 128, 129, 600, 2048)]
    assert steps == sorted(steps) and prompts == sorted(prompts)
    assert steps[0] == steps[1] and prompts[0] == prompts[1]  # one program per bucket


def test_a_generation_is_its_steps() -> None:
    whole = run(phase="generate", prompt=128, generate=40)
    prefill = run(phase="prefill", prompt=128).latency_s
    steps = sum(run(phase="decode", context=c).latency_s for c in range(129, 169))
    assert whole.latency_s == pytest.approx(prefill + steps, rel=1e-9)
    assert whole.metric("tokens_per_s") == pytest.approx(40 / steps, rel=1e-9)
    assert whole.metric("tokens_per_j") == pytest.approx(40 / steps / whole.power_w, rel=1e-9)


def test_a_sweep_gives_the_rates_of_single_runs(tmp_path: Path) -> None:
    request = {"phase": "generate", "prompt": 20, "generate": 10}
    space = {
        "trace": {"name": "gpt2-345m", **request}, "chips": ["u280+flightllm"],
        "parameters": {"hbm_channel_bytes_per_s": {"list": ["10 GB/s", "14 GB/s"]}, "mm_granule_n": {"list": [16, 32]}},
        "metrics": ["latency_s", "tokens_per_s", "tokens_per_j"],
    }  # fmt: skip
    relation = sweep(space, tmp_path / "out").results.relation
    points = [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]
    assert len(points) == 4
    for point in points:
        chip = hwsim.load_chip("u280+flightllm", **{n: point[n] for n in ("hbm_channel_bytes_per_s", "mm_granule_n")})
        alone = run("gpt2-345m", chip=chip, **request)
        assert [point[m] for m in space["metrics"]] == pytest.approx([alone.metric(m) for m in space["metrics"]], rel=1e-12)


@pytest.mark.parametrize(
    ("trace", "mapping", "request_", "what"),
    [
        ("llama2-7b", {}, {"phase": "decode", "context": 3000, "max_context": 4096}, "tokens of a sequence"),
        ("llama3.1-70b", {}, {"phase": "decode", "context": 100}, "parameters and KV cache"),
        ("llama2-7b", {"weight_bits": 16.0}, {"phase": "decode", "context": 100}, "parameters and KV cache"),
        ("llama2-7b", {"cores": 5}, {"phase": "decode", "context": 100}, "HBM channels"),
    ],
)
def test_what_does_not_fit_is_infeasible(trace: str, mapping: dict[str, Any], request_: dict[str, Any], what: str) -> None:
    with pytest.raises(Infeasible, match=what):
        run(trace, mapping, **request_)


def test_a_replay_warns_where_the_memory_is_too_small() -> None:
    report = run(mapping={"timing": "authors_simulator", "weight_bits": 16.0}, phase="decode", context=100)
    assert any("do not fit" in note for note in report.to_dict()["warnings"])


def test_a_device_without_hbm_is_refused() -> None:
    with pytest.raises(Infeasible):
        run(chip=hwsim.load_chip("zcu102"), phase="decode", context=100)


@pytest.mark.parametrize(
    ("kind", "bounds", "why"),
    [
        ("conv2d", {"n": 1, "c": 16, "h": 8, "w": 8, "k": 16, "r": 3, "s": 3}, "no instruction"),
        ("matmul", {"batch": 4, "m": 1, "k": 64, "n": 64}, "experts or batched weights"),
        ("matmul", {"m": 1, "k": 64, "n": 64, "operand_role": "activation"}, "two activations"),
        ("attention", {"heads": 4, "q": 3, "kv": 9, "head_dim": 16}, "longer cache"),
        ("matmul", {"m": 1, "k": 64, "n": 64, "dtype": "int16"}, "activations are int8"),
    ],
)
def test_what_has_no_program_is_refused(kind: str, bounds: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedOp, match=why):
        hwsim.simulate(single_op(kind, **{"dtype": "int8", **bounds}), U280, {"design": "flightllm"})


def test_strange_options_are_refused() -> None:
    for option, value in (("gelu", "table"), ("share_slrs", True)):
        with pytest.raises(InvalidMapping, match=option):
            run(mapping={option: value}, phase="decode", context=100)


def test_primitives_refuse() -> None:
    decode = {"trace": "llama2-7b", "phase": "decode", "context": 9}
    wrong: tuple[tuple[str, dict[str, Any]], ...] = (
        ("queue_busy", {"queue": "ldd", **decode}), ("sparse_imbalance", {"lanes": 4, "kept": (17,)}),
        ("sparse_imbalance", {"lanes": 4, "kept": (0, 0)}), ("instruction_count", {"queue": "all"}),
    )  # fmt: skip
    for name, arguments in wrong:
        with pytest.raises(InvalidTrace):
            hwsim.primitive(name, U280, arguments, {"design": "flightllm"})


def test_queue_busy_is_the_slots_of_a_report() -> None:
    arguments = {"trace": "llama2-7b", "phase": "decode", "context": 700}
    parts = run(phase="decode", context=700).cost.by_component("cycles")
    for queue, slot in (("ld", "load"), ("mv", "compute"), ("misc", "special"), ("st", "store")):
        found = hwsim.primitive("queue_busy", U280, {"queue": queue, **arguments}, {"design": "flightllm"})
        assert found["cycles"] == pytest.approx(parts[slot], rel=1e-9)


def test_instruction_storage_falls_with_every_step() -> None:
    arguments = {"decode_bytes": 2.9e6, "prefill_bytes": 282.1e6, "slrs": 3, "max_length": 2048}
    naive = {"decode_bucket": 1, "prefill_bucket": 1, "share_slrs": False, "merge_channels": False}
    steps: tuple[dict[str, Any], ...] = ({}, {"decode_bucket": 16, "prefill_bucket": 128}, {"share_slrs": True}, {"merge_channels": True})
    sizes, mapping = [], dict(naive)
    for step in steps:
        mapping |= step
        sizes.append(hwsim.primitive("instruction_storage", U280, arguments, {"design": "flightllm", **mapping})["bytes"])
    assert sizes[0] == 3 * 2048 * 285e6
    assert sizes[1] == 3 * (128 * 2.9e6 + 16 * 282.1e6) and sizes[2] == sizes[1] / 3
    assert sizes == sorted(sizes, reverse=True) and sizes[0] / sizes[3] > 400


def test_lanes_with_different_density_wait_for_the_densest() -> None:
    def imbalance(lanes: int, kept: tuple[int, ...]) -> float:
        return hwsim.primitive("sparse_imbalance", U280, {"lanes": lanes, "kept": kept})["count"]

    assert imbalance(64, (4,)) == 1 and imbalance(1, (2, 4, 8, 16)) == 1
    assert imbalance(2, (2, 4)) == pytest.approx((2 / 4 + 4 * 3 / 4) / 3)
    assert imbalance(64, (2, 4, 8, 16)) == pytest.approx(16 / 7.5, rel=1e-6)


def test_parameters_in_memory() -> None:
    def stored(**arguments: Any) -> float:
        return hwsim.primitive("parameter_bytes", U280, {"trace": "llama2-7b", **arguments}, {"design": "flightllm"})["bytes"]

    assert stored() == pytest.approx(3.44e9, rel=0.01)
    assert stored(weight_dtype="int8", dtype="int8") == pytest.approx(2 * stored(), rel=0.05)


def test_resources_follow_the_parallelism() -> None:
    chip = hwsim.load_chip("u280+flightllm")
    half = hwsim.primitive("design_resources", chip.replace(mm_m=64.0))
    whole = hwsim.primitive("design_resources", chip)
    assert whole["dsp"] - half["dsp"] == 3 * 1024 and whole["uram"] == half["uram"]
    with pytest.raises(Infeasible, match="DSP"):
        hwsim.primitive("design_resources", chip.replace(mm_m=256.0))
    assert hwsim.primitive("peak_macs", chip, {"mode": "mv"})["macs_per_cycle"] == 3 * 1024


def test_the_machine_draws_its_floor_and_its_work() -> None:
    busy, still = run(phase="decode", context=512), hwsim.primitive("platform_power", U280, {"state": "idle"}, {"design": "flightllm"})["power_w"]
    assert still < busy.power_w < U280.number("board_max_w")
    assert busy.energy_j == pytest.approx(still * busy.latency_s + busy.cost.dynamic_j)
