"""Refit the DPU overlay's timing constants on its `calibrate` cases and print them beside the shipped ones (about a minute).

    python scripts/fit_dpu.py

Least squares on relative errors over ZCU102 (single and multi thread) and KV260, Gauss-Newton with numerical derivatives and halved steps.
`predict` cases are not read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.api import load_chip
from hwsim.validate.cases import Case, published
from hwsim.validate.run import Runner

DESIGN = "dpuczdx8g"
BOARDS = ("zcu102", "kv260")
NAMES = ("dpu_port_efficiency", "dpu_layer_cycles", "host_pixel_s")
ROUNDS, HALVINGS, STEP = 8, 6, 2e-3
Floats = NDArray[np.float64]


def errors(cases: list[Case], values: Floats) -> Floats:
    """Relative errors of the cases with the constants `NAMES` set."""
    constants = dict(zip(NAMES, map(float, values), strict=True))
    runner = Runner(chips=[load_chip(f"{board}+{DESIGN}", **constants).replace(name=board) for board in BOARDS])
    return np.array([runner.got(case, Path()) / case.value - 1 for case in cases])


def main() -> None:
    """Fit and print."""
    cases = [c for f in published() for c in f.cases if c.group in ("dpu_zcu102", "dpu_kv260") and c.role == "calibrate"]
    chip = load_chip(f"{BOARDS[0]}+{DESIGN}")
    low, high = (np.array([getattr(chip.param(n), end) for n in NAMES]) for end in ("low", "high"))
    x = np.array([chip.number(n) for n in NAMES])
    e = errors(cases, x)
    for _ in range(ROUNDS):
        jacobian = np.array([(errors(cases, x * (1 + STEP * np.eye(len(x))[i])) - e) / STEP for i in range(len(x))]).T
        move = -np.linalg.lstsq(jacobian, e, rcond=None)[0] * x
        for halving in range(HALVINGS):
            tried = np.clip(x + move / 2**halving, low, high)
            if (found := errors(cases, tried)) @ found < e @ e:
                x, e = tried, found
                break
        else:
            break
    print(f"{len(cases)} cases, mean |error| {np.abs(e).mean():.2%}, worst {np.abs(e).max():.2%}")
    for name, value in zip(NAMES, x, strict=True):
        print(f"  {name:22s} {value:10.4g}   shipped {chip.number(name):10.4g}   status {chip.param(name).status}")


if __name__ == "__main__":
    main()
