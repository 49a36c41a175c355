"""How long a stream of 100,000 requests takes, pricing included: pytest tests/benchmarks/bench_serving.py --benchmark-only."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.serve.requests import synthetic
from hwsim.serve.serving import serve

CASES = {
    "a100": ("a100", "llama3-8b", 8.0, {}), "a100, chunks": ("a100", "llama3-8b", 12.0, {"chunk": 512}),
    "a100, paged": ("a100", "llama3-8b", 12.0, {"paged": True}), "a100, beyond capacity": ("a100", "llama3-8b", 40.0, {}),
    "eight a100": ("a100", "llama3-8b", 60.0, {"machines": 8}), "h100": ("h100", "llama3-8b", 20.0, {}), "wse2": ("wse2", "llama3-8b", 5.0, {}),
    "et-soc-1": ("et-soc-1", "llama3-8b", 0.3, {}), "u280, one at a time": ("u280", "llama2-7b", 0.2, {"max_batch": 1}),
    "raspberry-pi-4": ("raspberry-pi-4", "qwen2-0.5b", 0.02, {"weight_dtype": "q4_0", "max_batch": 4}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_hundred_thousand_requests(benchmark: Any, case: str) -> None:
    chip, model, rate, more = CASES[case]
    stream = synthetic(100_000, rate, 300, 150, spread=0.6).clipped(2000)
    options = {"max_batch": 64, **more}
    done = benchmark.pedantic(serve, args=(model, hwsim.load_chip(chip), stream), kwargs=options, rounds=1, iterations=1)
    assert len(done.latency_s) == 100_000
