"""Figures of a few whole runs on a DPU as they are now: a change of any of them is meant, or a mistake."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim import api

RUNS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "one core": ("resnet50", "zcu102", {}, {"design": "dpu_b4096", "cores": 3}),
    "all cores": ("vgg19", "zcu104", {"dtype": "int8"}, {"threads": "multi"}),
    "small": ("mobilenet-v1", "zcu102", {"dtype": "int8"}, {"arch": "b512", "clock_gating": True}),
    "gates": ("efficientnet-b0", "kv260", {"dtype": "int8"}, {"softmax_cores": 1, "clock_hz": 250e6}),
    "contexts": ("hydrafusion", "zcu102", {"dtype": "int8"}, {"policy": "context_gated", "clock_gating": True}),
}
GOLDEN = {  # seconds, joules
    "one core": (0.012431021, 0.15061976),
    "all cores": (0.059584911, 0.78793008),
    "small": (0.013228638, 0.083890588),
    "gates": (0.012236721, 0.058949581),
    "contexts": (102.89679, 752.93387),
}


@pytest.mark.parametrize("name", RUNS)
def test_latency_and_energy_stay(name: str) -> None:
    trace, chip, request, mapping = RUNS[name]
    report = api.simulate(api.load_graph(trace, **request), api.load_chip(chip), mapping, interval=False)
    assert (report.latency_s, report.energy_j) == pytest.approx(GOLDEN[name], rel=1e-6)
