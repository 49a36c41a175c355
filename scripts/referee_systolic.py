"""Cycles of a matrix product on a systolic array, for comparison with SCALE-Sim: python scripts/referee_systolic.py --dataflow os --rows 16 --cols 16
--m 17 --k 33 --n 19 [--json] [--moved]. With --moved, integers are moved through the array cycle by cycle and the product is checked."""

from __future__ import annotations

import argparse
import json
import sys

import numpy as np

from hwsim.core.errors import HwsimError
from hwsim.targets.stdcell.systolic import DATAFLOWS, SIZES, array_cycles, multiply


def main() -> int:
    """Print the cycles."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--dataflow", choices=DATAFLOWS, required=True)
    for name in SIZES:
        arguments.add_argument(f"--{name}", type=int, required=True)
    arguments.add_argument("--json", action="store_true", help="machine-readable output")
    arguments.add_argument("--moved", action="store_true", help="move data through the array as well, and compare")
    given = arguments.parse_args()
    try:
        found = array_cycles(given.dataflow, given.rows, given.cols, given.m, given.k, given.n)
    except HwsimError as error:
        print(error, file=sys.stderr)
        return 2
    figures = {"cycles": found.cycles, "folds": found.folds, "fold_cycles": found.fold_cycles, "utilisation": found.utilisation}
    if given.moved:
        random = np.random.default_rng(0)
        a, b = random.integers(-128, 128, (given.m, given.k)), random.integers(-128, 128, (given.k, given.n))
        product, cycles = multiply(given.dataflow, given.rows, given.cols, a, b)
        if cycles != found.cycles or not np.array_equal(product, a @ b):
            print(f"moved data: {cycles} cycles, product {'right' if np.array_equal(product, a @ b) else 'wrong'}", file=sys.stderr)
            return 1
    print(json.dumps(figures) if given.json else "\n".join(f"{name:12s} {value}" for name, value in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
