"""Results as they were when last looked at (tests/golden/wafer_mesh.yaml). A drift shows here; `pytest --force-regen` writes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from wafer_helpers import chip

import hwsim
from hwsim.core.graph import single_op

FILE = Path(__file__).parents[2] / "golden" / "wafer_mesh.yaml"
METRICS = ("cycles", "latency_s", "energy_j", "area_mm2")
RTOL = 1e-6
LLAMA, QWEN = "llama3-8b", "qwen2-72b"
PAPER: dict[str, Any] = {"workload_mode": "paper_faithful"}
RUNS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "wse2 decode 8b": ("wse2", {"trace": LLAMA, "phase": "decode", "context": 4096}, {}),
    "wse2 decode 8b, batch 8, activity": (
        "wse2", {"trace": LLAMA, "phase": "decode", "context": 1024, "batch": 8}, {"grid": (420, 420), "energy_mode": "activity"},
    ),
    "wse2 decode 72b as published": ("wse2", {"trace": QWEN, "phase": "decode", "context": 4096}, {"grid": (540, 540), **PAPER}),
    "wse2 decode 8b, t10": ("wse2", {"trace": LLAMA, "phase": "decode", "context": 4096}, {"grid": (420, 420), "system": "t10", **PAPER}),
    "wse2 prefill 8b as published": ("wse2", {"trace": LLAMA, "phase": "prefill", "prompt": 4096}, {"grid": (720, 720), **PAPER}),
    "wse2 prefill 8b, ladder": ("wse2", {"trace": LLAMA, "phase": "prefill", "prompt": 4096}, {"grid": (480, 480), "system": "ladder", **PAPER}),
    "wse2 generate 8b": (
        "wse2", {"trace": LLAMA, "phase": "generate", "prompt": 512, "generate": 64}, {"prefill_grid": (660, 660), "decode_grid": (360, 360)},
    ),
    "wse2 gemm 2k, summa": ("wse2", {"op": "matmul", "m": 2048, "k": 2048, "n": 2048}, {"grid": (360, 360), "algorithm": "summa"}),
    "wse2 gemv 16k": ("wse2", {"op": "matmul", "m": 1, "k": 16384, "n": 16384}, {"algorithm": "meshgemv"}),
    "wse2 fft 512^3": ("wse2", {"op": "fft", "points": 512, "dims": 3, "dtype": "complex64"}, {"grid": (512, 512)}),
    "wse3 decode 8b, activity": ("wse3", {"trace": LLAMA, "phase": "decode", "context": 4096}, {"grid": (420, 420), "energy_mode": "activity"}),
    "wse3 prefill 8b": ("wse3", {"trace": LLAMA, "phase": "prefill", "prompt": 1024}, {}),
    "wse3 gemm on a rectangle": ("wse3", {"op": "matmul", "m": 1000, "k": 900, "n": 800}, {"grid": (100, 150), "algorithm": "meshgemm"}),
    "wse3 allreduce": ("wse3", {"op": "allreduce", "elements": 64, "dtype": "fp32"}, {"grid": (64, 64)}),
    "wse3 cache shift": ("wse3", {"op": "shift", "elements": 64}, {"grid": (112, 112), "algorithm": "shift_kv", "rounds": 16}),
}  # fmt: skip


def run(name: str) -> dict[str, float]:
    on, workload, mapping = RUNS[name]
    rest = {k: v for k, v in workload.items() if k not in ("op", "trace")}
    graph = single_op(workload["op"], **rest) if "op" in workload else hwsim.load_graph(workload["trace"], **rest)
    report = hwsim.simulate(graph, chip(on), mapping, interval=False)
    return {metric: float(report.metric(metric)) for metric in METRICS}


def golden() -> dict[str, dict[str, float]]:
    return YAML(typ="safe").load(FILE.read_text()) if FILE.is_file() else {}


@pytest.mark.parametrize("name", RUNS)
def test_results_have_not_drifted(name, request):
    found = run(name)
    if request.config.getoption("force_regen", default=False):
        stored = {**golden(), name: {metric: float(f"{value:.9g}") for metric, value in found.items()}}
        writer = YAML()
        FILE.parent.mkdir(exist_ok=True)
        with FILE.open("w") as file:
            writer.dump({key: stored[key] for key in RUNS if key in stored}, file)
        return
    assert found == pytest.approx(golden()[name], rel=RTOL)


def test_every_golden_result_is_still_run():
    assert set(golden()) == set(RUNS)
