"""The prepared parameter record of a chip under mapping options: what pricing and primitives start from."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.program import Table
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.cores import prepare
from hwsim.targets.cpu.mapping import Options, threads_of


def record_of(chip: Chip, options: Options) -> Table:
    """Return one prepared record. Raises `InvalidMapping`, `Infeasible`."""
    numbers = {f"{cluster}_threads": float(count) for cluster, count in threads_of(options, chip).items()}
    numbers |= {
        "runtime": float(spec.RUNTIMES.index(options.runtime)), "cold": float(options.caches == "cold"),
        "above_idle": float(options.power_scope == "above_idle"), "wall": float(options.power_scope == "wall"),
    }  # fmt: skip
    params = spec.PARAMETERS.record(chip, numbers)
    prepare(params[0])
    return params
