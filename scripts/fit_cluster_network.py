"""Fit the constants of network flows on their `calibrate` cases and print them beside those in the chip files (about a minute).

    python scripts/fit_cluster_network.py

Least squares of log(model / published), one constant after another over its range until none moves. Energies are no part of it.
"""

from __future__ import annotations

import math
from pathlib import Path

import hwsim
from hwsim.core.chip import Chip
from hwsim.validate.cases import Case, published
from hwsim.validate.run import Runner

# chip: (constants, groups of cases)
FITS = {
    "gap8": (("l3_later_bytes_per_cycle", "autotiler_output_cycles"), ("dory", "gap8-mobilenet")),
    "cortex-m4": (("flash_cycles_per_byte",), ("mlperf-tiny",)),
    "cortex-m33": (("load_cycles",), ("mlperf-tiny",)),
}
STEPS, ROUNDS = 24, 3


def rows(chip: str, groups: tuple[str, ...]) -> list[Case]:
    """The calibrate cases of a chip."""
    return [c for f in published() for c in f.cases if c.chip == chip and c.group in groups and c.role == "calibrate"]


def misfit(chip: Chip, cases: list[Case]) -> float:
    """Root mean square of log(model / published)."""
    runner = Runner([chip])
    return math.sqrt(sum(math.log(runner.got(c, Path()) / c.value) ** 2 for c in cases) / len(cases))


def fitted(chip: Chip, names: tuple[str, ...], cases: list[Case]) -> Chip:
    """The chip with its constants fitted within their ranges."""
    ranges = {name: (float(chip.param(name).low or 0.0), float(chip.param(name).high or 0.0)) for name in names}
    for _ in range(ROUNDS):
        for name, (low, high) in ranges.items():
            tried = [chip.replace(**{name: low + (high - low) * i / STEPS}) for i in range(STEPS + 1)]
            chip = min([chip, *tried], key=lambda c: misfit(c, cases))
    return chip


if __name__ == "__main__":
    for name, (constants, groups) in FITS.items():
        chip, cases = hwsim.load_chip(name), rows(name, groups)
        found = fitted(chip, constants, cases)
        print(f"{name}: {len(cases)} cases, misfit {misfit(chip, cases):.4f} as in the file, {misfit(found, cases):.4f} fitted")
        for constant in constants:
            print(f"  {constant:28s} {chip.number(constant):8.3f} in the file, {found.number(constant):8.3f} fitted")
