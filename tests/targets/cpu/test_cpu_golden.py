"""Figures of a few whole runs as they are now: a change of any of them is meant, or a mistake."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim import api

RUNS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "detector": ("femtodet", "snapdragon-865", {}, {}),
    "network": ("mobilenet-v1-1.0-224", "snapdragon-865", {"dtype": "int8"}, {"cores": "all"}),
    "old core": ("resnet50-v1.5", "raspberry-pi-4", {"dtype": "fp32"}, {"power_scope": "wall"}),
    "decode": ("qwen2-0.5b", "raspberry-pi-4", {"phase": "decode", "context": 1024, "weight_dtype": "q8_0"}, {}),
    "generate": ("qwen2-0.5b", "snapdragon-865", {"phase": "generate", "prompt": 64, "generate": 32}, {"cores": "all", "threads": 4}),
    "recurrence": ("ptb-lstm", "raspberry-pi-4", {"dtype": "fp32"}, {"runtime": "framework"}),
}
GOLDEN: dict[str, tuple[float, float]] = {  # seconds, joules
    "detector": (0.00775930239, 0.0147353033),
    "network": (0.00256540421, 0.0140112394),
    "old core": (0.537323096, 3.39508077),
    "decode": (0.131280597, 0.681042711),
    "generate": (1.59865933, 9.84357908),
    "recurrence": (0.00481221894, 0.025010819),
}


@pytest.mark.parametrize("name", RUNS)
def test_latency_and_energy_stay(name: str) -> None:
    trace, chip, request, mapping = RUNS[name]
    report = api.simulate(api.load_graph(trace, **request), api.load_chip(chip), mapping, interval=False)
    assert (report.latency_s, report.energy_j) == pytest.approx(GOLDEN[name], rel=1e-6)
