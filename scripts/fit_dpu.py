"""Refit the DPU overlay's timing constants on its `calibrate` cases and print them beside the shipped ones (about a minute).

    python scripts/fit_dpu.py

A pixel's host time: mean over the networks measured on KV260 with one thread and with several, whose seconds per frame differ by what the processor
does. The others: least squares on relative errors over ZCU102 (single and multi thread) and KV260, Gauss-Newton with numerical derivatives and halved
steps. `predict` cases are not read.
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
NAMES = ("dpu_port_efficiency", "dpu_layer_cycles")
PIXEL, PAIRED = "host_pixel_s", "kv260"
ROUNDS, HALVINGS, STEP = 8, 6, 2e-3
Floats = NDArray[np.float64]


def runner(**constants: float) -> Runner:
    """The boards with constants set."""
    return Runner(chips=[load_chip(f"{board}+{DESIGN}", **constants).replace(name=board) for board in BOARDS])


def errors(cases: list[Case], values: Floats, **others: float) -> Floats:
    """Relative errors of the cases with the constants `NAMES` set."""
    made = runner(**dict(zip(NAMES, map(float, values), strict=True)), **others)
    return np.array([made.got(case, Path()) / case.value - 1 for case in cases])


def pixel_s(cases: list[Case]) -> float:
    """Seconds of a pixel: ``1 / single - 1 / multi`` less the rest of the processor's work, over the pixels."""
    pairs: dict[str, dict[str, Case]] = {}
    for case in cases:
        if case.chip == PAIRED:
            pairs.setdefault(str(sorted(case.workload.items())), {})[str(case.mapping["threads"])] = case
    free, unit = (runner(**{PIXEL: value}) for value in (0.0, 1e-9))
    found = []
    for single, multi in ((pair["single"], pair["multi"]) for pair in pairs.values() if len(pair) == 2):
        without, slope = (1 / made.got(single, Path()) - 1 / made.got(multi, Path()) for made in (free, unit))
        found.append((1 / single.value - 1 / multi.value - without) / (slope - without) * 1e-9)
    return float(np.mean(found))


def main() -> None:
    """Fit and print."""
    cases = [c for f in published() for c in f.cases if c.group in ("dpu_zcu102", "dpu_kv260") and c.role == "calibrate"]
    chip = load_chip(f"{BOARDS[0]}+{DESIGN}")
    pixel = {PIXEL: pixel_s(cases)}
    low, high = (np.array([getattr(chip.param(n), end) for n in NAMES]) for end in ("low", "high"))
    x = np.array([chip.number(n) for n in NAMES])
    e = errors(cases, x, **pixel)
    for _ in range(ROUNDS):
        jacobian = np.array([(errors(cases, x * (1 + STEP * np.eye(len(x))[i]), **pixel) - e) / STEP for i in range(len(x))]).T
        move = -np.linalg.lstsq(jacobian, e, rcond=None)[0] * x
        for halving in range(HALVINGS):
            tried = np.clip(x + move / 2**halving, low, high)
            if (found := errors(cases, tried, **pixel)) @ found < e @ e:
                x, e = tried, found
                break
        else:
            break
    print(f"{len(cases)} cases, mean |error| {np.abs(e).mean():.2%}, worst {np.abs(e).max():.2%}")
    for name, value in zip((*NAMES, PIXEL), (*x, pixel[PIXEL]), strict=True):
        print(f"  {name:22s} {value:10.4g}   shipped {chip.number(name):10.4g}   status {chip.param(name).status}")


if __name__ == "__main__":
    main()
