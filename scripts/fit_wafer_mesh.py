"""Refit the fitted constants of the wafer chips on their `calibrate` cases and print them beside the shipped ones (about ten seconds).

    python scripts/fit_wafer_mesh.py

Least squares on relative errors, Gauss-Newton with numerical derivatives. `predict` cases are not read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hwsim.api import load_chip
from hwsim.validate.cases import published
from hwsim.validate.run import Runner

# the chain stage follows from how MeshGEMV's cycles grow with the grid at equal group count (1 x 1 tiles): differences within each pair
SLOPES = ("wse3-meshgemv-p16-g2-1x1", "wse3-meshgemv-p80-g2-1x1", "wse3-meshgemv-p80-g8-1x1", "wse3-meshgemv-p208-g8-1x1")
# what is fitted on which cases; a stage keeps the constants of the stages before it
STAGES: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "wse3": [
        (("call_fixed_cycles", "shift_round_cycles", "shift_beyond_cycles"), ("wse3-shift-p",)),
        (("gemm_step_cycles", "gemm_per_k_cycles", "fmac_call_cycles"), ("wse3-meshgemm-p",)),
        (("gemv_ramp_cycles",), SLOPES),
        (("gemv_fixed_cycles",), ("wse3-meshgemv-p",)),
    ],
    "wse2": [
        (("gemm_per_k_cycles", "fmac_cycles_per_mac"), ("wse2-prefill-8b-waferllm",)),
        (("operator_switch_cycles",), ("wse2-decode-8b-waferllm",)),
        (("t10_relay_cycles",), ("wse2-decode-8b-t10",)),
        (("t10_step_cycles",), ("wse2-prefill-8b-t10",)),
        (("ladder_collective_cycles", "ladder_cycles_per_mac"), ("wse2-prefill-8b-ladder", "wse2-decode-8b-ladder")),
        (("reserved_bytes_per_core",), ("wse2-kv-capacity",)),
    ],
}


def fit(chip_name: str) -> dict[str, float]:
    """Return the refitted constants of one chip."""
    files = [file for file in published() if file.target == "wafer_mesh"]
    cases = [c for file in files for c in file.cases if c.chip == chip_name and c.role == "calibrate" and not c.relative_to]
    found: dict[str, float] = {}
    for names, prefixes in STAGES[chip_name]:
        slopes = prefixes is SLOPES
        chosen = [c for c in cases if (c.id in SLOPES if slopes else c.id.startswith(prefixes))]

        def errors(values: np.ndarray, names: tuple[str, ...] = names, chosen: list = chosen, slopes: bool = slopes) -> np.ndarray:  # type: ignore[type-arg]
            chip = load_chip(chip_name, **found, **dict(zip(names, map(float, values), strict=True)))
            runner = Runner(chips=[chip])
            got, wanted = np.array([(runner.got(case, Path()), case.value) for case in chosen]).T
            if slopes:
                got, wanted = np.diff(got)[::2], np.diff(wanted)[::2]
            return got / wanted - 1

        start = load_chip(chip_name)
        x = np.array([start.number(n) for n in names])
        for _ in range(6):
            e = errors(x)
            steps = 1e-3 * np.abs(x)
            jacobian = np.array([(errors(x + np.eye(len(x))[i] * steps[i]) - e) / steps[i] for i in range(len(x))]).T
            x = x - np.linalg.lstsq(jacobian, e, rcond=None)[0]
        if slopes:
            x = np.round(2 * x) / 2  # a stage is a whole number of cycles
        left = np.abs(errors(x))
        print(f"{chip_name}: {len(chosen)} cases, mean |error| {left.mean():.2%}, worst {left.max():.2%}")
        found.update(zip(names, map(float, x), strict=True))
    return found


if __name__ == "__main__":
    for name in STAGES:
        shipped = load_chip(name)
        for parameter, value in fit(name).items():
            print(f"  {parameter:28s} {value:10.4g}   shipped {shipped.number(parameter):10.4g}   status {shipped.param(parameter).status}")
