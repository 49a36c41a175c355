"""How long a stream of 100,000 requests takes: pytest tests/benchmarks/bench_serving.py --benchmark-only."""

from __future__ import annotations

from typing import Any

import hwsim
from hwsim.serve.requests import synthetic
from hwsim.serve.serving import serve


def test_a_hundred_thousand_requests(benchmark: Any) -> None:
    stream = synthetic(100_000, 8.0, 300, 150, spread=0.6)
    done = benchmark.pedantic(serve, args=("llama3-8b", hwsim.load_chip("a100"), stream), kwargs={"max_batch": 64}, rounds=1, iterations=1)
    assert len(done.latency_s) == 100_000
