"""Figures of a few whole runs as they are now: a change of any of them is meant, or a mistake."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim import api

RUNS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "decode": ("llama3-8b", "a100", {"phase": "decode", "context": 4096}, {"system": "sglang"}),
    "prefill": ("llama3-8b", "h100", {"phase": "prefill", "prompt": 2048}, {"system": "vllm"}),
    "generate": ("llama3.1-70b", "h200", {"phase": "generate", "prompt": 128, "generate": 64, "batch": 16}, {"system": "vllm", "devices": 4}),
    "layer": ("gpt3-175b", "a100", {"phase": "prefill", "prompt": 1024, "layers": 1}, {"devices": 4, "dispatch": "eager"}),
    "network": ("resnet50-v1.5", "rtx-3090", {"batch": 64}, {"system": "pytorch"}),
    "old": ("vgg16", "p100", {"batch": 16, "dtype": "fp32"}, {"system": "pytorch", "library": "cuda-8"}),
}
GOLDEN = {  # seconds, joules
    "decode": (0.011266543, 4.50661715),
    "prefill": (0.05542087, 33.2335426),
    "generate": (1.3325884, 2456.75362),
    "layer": (0.0053640294, 5.48420344),
    "network": (0.019584834, 3.7517755),
    "old": (0.053307323, 5.03522443),
}


@pytest.mark.parametrize("name", RUNS)
def test_latency_and_energy_stay(name: str) -> None:
    trace, chip, request, mapping = RUNS[name]
    report = api.simulate(api.load_graph(trace, **request), api.load_chip(chip), mapping, interval=False)
    assert (report.latency_s, report.energy_j) == pytest.approx(GOLDEN[name], rel=1e-6)
