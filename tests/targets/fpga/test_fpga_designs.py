"""The newer designs keep the contract of every target, and their published figures stay where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conformance
import pytest

import hwsim
from hwsim.validate.cases import published
from hwsim.validate.run import Runner

SHORT = {"phase": "decode", "context": 64, "layers": 2}
TERNARY = {"dtype": "int8", "weight_dtype": "ternary"}
GENERATE = {"phase": "generate", "prompt": 16, "generate": 3, "layers": 2}
FIXED = {"dtype": "fx32", "weight_dtype": "int16"}
OFF = {"expert_order": "by_token", "softmax": "multi_pass", "gelu": "exact", "linear": "separate", "attention": "naive"}
ROWS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {  # chip, trace, its options, mapping
    "edge_moe": ("zcu102", "m3vit-tiny", FIXED, {"design": "edge_moe", "port_bits": 256}),
    "edge_moe, techniques off": ("zcu102+edge_moe", "m3vit-tiny", {**FIXED, "batch": 2}, OFF),
    "flexllm": ("u280", "llama-3.2-1b", {**GENERATE, "dtype": "int4", "kv_dtype": "int8"}, {"design": "flexllm", "wp_ffn": 64}),
    "spatial_llm": ("u280+spatial_llm", "bert-base", {"sequence": 128, "dtype": "int8", "weight_dtype": "int4"}, {"macs_per_kernel": 128}),
    "looplynx": ("u50", "gpt2-345m", {**SHORT, "dtype": "int8"}, {"design": "looplynx", "cards": 2}),
    "hummingbird": ("zcu104+hummingbird", "llama3-8b", {**SHORT, "dtype": "int24", "weight_dtype": "int4", "kv_dtype": "int8"}, {"cores": 1}),
    "tellme": ("kv260", "bitnet-0.73b", {**GENERATE, **TERNARY}, {"design": "tellme_v2"}),
    "tereffic": ("u280", "mmfreelm-370m", {**SHORT, **TERNARY}, {"design": "tereffic", "weights": "on_chip"}),
    "dfx": ("u280+dfx", "gpt2-345m", {**GENERATE, "dtype": "fp16"}, {"cards": 2}),
    "accllm": ("u280+accllm", "llama2-7b", {**SHORT, "dtype": "int8", "weight_dtype": "int2"}, {"attention_mask": "lambda"}),
}
LIMITS = {"edge_moe_ablation": (0.07, 0.05), "edge_moe": (0.25, 0.05), "flexllm": (0.06, 0.04), "horizon": (0.8, 0.16)}  # worst, mean |error|


@pytest.mark.parametrize("name", ROWS)
def test_the_contract_is_kept(name: str) -> None:
    chip, trace, options, mapping = ROWS[name]
    conformance.check_target(hwsim.load_chip(chip), hwsim.load_graph(trace, **options), mapping)


@pytest.mark.parametrize("group", LIMITS)
def test_published_figures(group: str) -> None:
    runner, errors = Runner(), {}
    for file in published():
        folder = Path(str(file.path)).parent
        errors.update({c.id: runner.got(c, folder) / c.value - 1 for c in file.cases if c.group == group and file.target == "fpga"})
    lines = "\n".join(f"{name}: {error:+.1%}" for name, error in errors.items())
    worst, mean = LIMITS[group]
    assert errors and max(map(abs, errors.values())) <= worst, lines
    assert sum(map(abs, errors.values())) / len(errors) <= mean, lines
