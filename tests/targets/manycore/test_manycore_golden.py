"""Results as they were when last looked at (tests/golden/manycore.yaml). A drift shows here; `pytest --force-regen` writes them anew."""

from __future__ import annotations

from typing import Any

import pytest
from golden_results import figures, hold, stored

import hwsim

FILE = "manycore.yaml"
DECODE = {"phase": "decode", "context": 512}
SQUARE = {"m": 512, "k": 512, "n": 512, "dtype": "fp32"}
Q8 = {"dtype": "fp32", "weight_dtype": "q8_0", "kv_dtype": "fp16"}
RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "phi-3-mini decode": ({"trace": "phi-3-mini", **DECODE}, {}),
    "llama3-8b prefill, random data at 700 MHz": (
        {"trace": "llama3-8b", "phase": "prefill", "prompt": 512}, {"frequency_hz": 700e6, "data": "random", "die_temperature_c": 60},
    ),
    "llama3-8b decode, int8, scores in memory": ({"trace": "llama3-8b", "dtype": "int8", **DECODE}, {"flash_attention": False}),
    "llama-3.2-1b decode, kernels": ({"trace": "llama-3.2-1b", **DECODE, **Q8}, {"runtime": "kernel_per_op"}),
    "tinyllama generation": ({"trace": "tinyllama-1.1b", "phase": "generate", "prompt": 64, "generate": 32}, {"power_scope": "as_published"}),
    "resnet50 int8": ({"trace": "resnet50", "dtype": "int8", "batch": 4}, {}),
    "mobilenet-v2 fp16": ({"trace": "mobilenet-v2"}, {"card": "aifoundry3"}),
    "product on the tensor unit, resident": ({"op": "matmul", **SQUARE}, {"operand_level": "l2scp", "frequency_hz": 650e6}),
    "product, single-buffered, on eight shires": ({"op": "matmul", **SQUARE}, {"double_buffer": False, "shires": 8}),
    "product on SIMD, 2x16": ({"op": "matmul", **SQUARE}, {"unit": "simd", "operand_level": "l2scp", "register_block": (2, 16)}),
    "product, scalar, launched": ({"op": "matmul", **SQUARE}, {"unit": "scalar", "include_launch": True}),
    "vector product from DRAM": ({"op": "matmul", "m": 1, "k": 8192, "n": 8192}, {}),
    "attention over a cache": ({"op": "attention", "heads": 32, "kv_heads": 8, "q": 1, "kv": 4096, "head_dim": 128}, {}),
    "convolution": ({"op": "conv2d", "n": 1, "c": 64, "h": 56, "w": 56, "k": 64, "r": 3, "s": 3, "pad": 1, "dtype": "int8"}, {}),
    "norm": ({"op": "norm", "rows": 16, "cols": 4096, "function": "layer"}, {}),
    "all-reduce": ({"op": "allreduce", "elements": 256, "dtype": "fp32"}, {}),
    "lstm": ({"op": "lstm", "input_size": 512, "hidden_size": 512, "steps": 8}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_results_have_not_drifted(name: str, request: pytest.FixtureRequest) -> None:
    workload, mapping = RUNS[name]
    hold(FILE, name, figures(workload, hwsim.load_chip("et-soc-1"), mapping), RUNS, request)


def test_every_golden_result_is_still_run() -> None:
    assert set(stored(FILE)) == set(RUNS)
