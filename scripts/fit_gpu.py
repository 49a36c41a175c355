"""Refit the fitted constants of the GPU chips on their `calibrate` cases and print them beside the shipped ones (about a minute).

    python scripts/fit_gpu.py [CHIP...]

Least squares on relative errors, Gauss-Newton with numerical derivatives and halved steps; constants stay within their stated ranges.
`predict` cases are not read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from hwsim.api import load_chip
from hwsim.validate.cases import Case, published
from hwsim.validate.run import Runner

# per chip: what is fitted on which groups; later stages keep earlier results
STAGES: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "a100": [
        (
            ("gemm_fraction_framework", "eager_matmul_s", "overlap_exposed", "gemm_fraction_serving", "gemm_stream_serving", "gemm_ramp_s"),
            "gemm_fp16 measured_gemm",
        ),
        (("activation_bytes_per_cycle", "norm_bytes_per_cycle", "l2_hot_gain", "vector_ramp_s"), "measured_vector_op"),
        (("link_fraction", "link_hop_s", "link_pipeline_s", "link_pipeline_bytes"), "allreduce"),
        (("thread_bytes_in_flight",), "occupancy"),
        (("transformers_dispatch_s", "vllm_step_s"), "gpu_peer"),
    ],
    "a100-80-pcie": [(("sgemm_fraction",), "gemm_fp32")],
    "v100-pcie": [(("sgemm_fraction",), "gemm_fp32")],
    "p100": [(("sgemm_fraction",), "gemm_fp32"), (("pcie_allreduce_bytes_per_s",), "allreduce")],
    "h100": [
        (("sgemm_fraction",), "gemm_fp32"),
        (("gemm_fraction_framework", "fp8_fraction"), "gemm_best"),
        (("host_request_s",), "llm_serving"),
        (("request_j",), "llm_serving_power"),
    ],
    "h200": [(("switch_fraction", "link_pipeline_s"), "allreduce")],
}
ROUNDS, HALVINGS = 8, 6


def fit_stage(chip_name: str, names: tuple[str, ...], cases: list[Case], kept: dict[str, float]) -> dict[str, float]:
    """Return the constants `names` that fit `cases` best, the constants `kept` being set already."""
    shipped = load_chip(chip_name)
    low, high = np.array([(shipped.param(n).low, shipped.param(n).high) for n in names], dtype=float).T

    def errors(values: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        runner = Runner(chips=[load_chip(chip_name, **kept, **dict(zip(names, map(float, values), strict=True)))])
        return np.array([runner.got(case, Path()) / case.value - 1 for case in cases])

    x = np.array([shipped.number(n) for n in names])
    e = errors(x)
    for _ in range(ROUNDS):
        steps = np.where(x + 2e-3 * np.abs(x) > high, -2e-3, 2e-3) * np.abs(x)
        jacobian = np.array([(errors(x + np.eye(len(x))[i] * steps[i]) - e) / steps[i] for i in range(len(x))]).T * x
        move = -np.linalg.lstsq(jacobian, e, rcond=None)[0] * x
        for halving in range(HALVINGS):
            tried = np.clip(x + move / 2**halving, low, high)
            if (found := errors(tried)) @ found < e @ e:
                x, e = tried, found
                break
        else:
            break
    groups = ", ".join(sorted({c.group for c in cases}))
    print(f"{chip_name}: {len(cases)} cases of {groups}, mean |error| {np.abs(e).mean():.2%}, worst {np.abs(e).max():.2%}")
    return dict(zip(names, map(float, x), strict=True))


def fit(chip_name: str) -> dict[str, float]:
    """Return the refitted constants of one chip."""
    cases = [c for file in published() if file.target == "gpu" for c in file.cases if c.chip == chip_name and c.role == "calibrate"]
    found: dict[str, float] = {}
    for names, group in STAGES[chip_name]:
        found.update(fit_stage(chip_name, names, [c for c in cases if c.group in group.split()], found))
    return found


if __name__ == "__main__":
    for name in sys.argv[1:] or STAGES:
        chip = load_chip(name)
        for parameter, value in fit(name).items():
            print(f"  {parameter:28s} {value:10.4g}   shipped {chip.number(parameter):10.4g}   status {chip.param(parameter).status}")
