"""Results as they were when last looked at (tests/golden/wafer_mesh.yaml). A drift shows here; `pytest --force-regen` writes them anew."""

from __future__ import annotations

from typing import Any

import pytest
from golden_results import figures, hold, stored
from wafer_helpers import chip

FILE = "wafer_mesh.yaml"
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


@pytest.mark.parametrize("name", RUNS)
def test_results_have_not_drifted(name: str, request: pytest.FixtureRequest) -> None:
    on, workload, mapping = RUNS[name]
    hold(FILE, name, figures(workload, chip(on), mapping), RUNS, request)


def test_every_golden_result_is_still_run() -> None:
    assert set(stored(FILE)) == set(RUNS)
