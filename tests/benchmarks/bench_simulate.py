"""How long one network takes in process: pytest tests/benchmarks/bench_simulate.py --benchmark-only."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim


@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_llama_on_the_wafer(benchmark: Any, phase: str) -> None:
    sizes = {"context": 4096} if phase == "decode" else {"prompt": 4096}
    graph = hwsim.load_graph("llama3-8b", phase=phase, **sizes)
    chip = hwsim.load_chip("wse2")
    report = benchmark(hwsim.simulate, graph, chip, {"grid": (420, 420)})
    assert report.latency_s > 0


def test_mapper_picks_the_grid(benchmark: Any) -> None:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    report = benchmark(hwsim.simulate, graph, hwsim.load_chip("wse2"))
    assert report.latency_s > 0


def test_interval(benchmark: Any) -> None:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    chip = hwsim.load_chip("wse2")
    found = benchmark(lambda: hwsim.simulate(graph, chip, {"grid": (420, 420)}).interval)
    assert found["latency_s"][0] <= found["latency_s"][1]


def test_event_fidelity(benchmark: Any) -> None:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    chip = hwsim.load_chip("wse2")
    report = benchmark(hwsim.simulate, graph, chip, {"grid": (420, 420)}, fidelity="event", interval=False)
    assert report.latency_s > 0


def test_graph_is_built(benchmark: Any) -> None:
    contexts = iter(range(1000, 8000))
    graph = benchmark.pedantic(lambda: hwsim.load_graph("llama3-8b", phase="decode", context=next(contexts)), rounds=50)
    assert graph.macs > 0
