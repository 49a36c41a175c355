"""How many cores, banks and shared FPUs does a cluster want? Four laws in one picture, and the answer for six learners in a table (some ten seconds).

    python scripts/explore_cluster_cores.py -o scripts/pictures/cluster_cores.png

Left to right: the sawtooth of matmul (column pairs are dealt in whole rounds), FPUs shared by 1, 2 or 4 cores and the one divider, loads by stride
and number of banks, and the speed-up of whole kernels on 1 to 32 cores with 2 banks a core.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op

WOLF, OPEN = hwsim.load_chip("mr-wolf"), hwsim.load_chip("pulp-open")
TEAMS = (1, 2, 4, 8, 16, 32)
SIDES = range(4, 65, 2)
STRIDES = range(1, 33)
SUITE: dict[str, dict[str, int]] = {
    "svm": {"features": 784, "classes": 10}, "logistic_regression": {"features": 784, "classes": 10}, "gaussian_nb": {"features": 784, "classes": 5},
    "knn": {"samples": 480, "features": 16, "neighbours": 4}, "kmeans": {"samples": 240, "features": 16, "clusters": 8},
    "random_forest": {"trees": 16, "depth": 8, "features": 200, "classes": 4},
}  # fmt: skip
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9")


def team(chip: Chip, cores: int, per_unit: int = 2) -> Chip:
    """The chip with so many cores, 2 banks each and one FPU for every `per_unit` of them."""
    banks = max(chip.number("tcdm_banks"), 2.0 * cores)
    return chip.replace(cores=float(cores), tcdm_banks=banks, fpu_units=float(max(1, cores // per_unit)))


def cycles(chip: Chip, kind: str, mapping: dict[str, Any], sizes: dict[str, int], dtype: str = "fp32") -> float:
    """Cycles of one operator."""
    return hwsim.simulate(single_op(kind, dtype=dtype, **dict[str, Any](sizes)), chip, mapping, interval=False).cycles


def product(chip: Chip, cores: int, n: int) -> float:
    """Cycles of an n x n int32 product by pulp-dsp."""
    return cycles(chip, "matmul", {"cores": cores, "flow": "pulp-dsp"}, {"m": n, "k": n, "n": n}, "int32")


def primitive(chip: Chip, name: str, cores: int, **arguments: Any) -> float:
    """One figure of a primitive."""
    return float(hwsim.primitive(name, chip, arguments, {"cores": cores})["cycles"])


def sawtooth(axis: Any) -> None:
    """Speed-up of an n x n int32 product over its side."""
    alone = {n: product(WOLF, 1, n) for n in SIDES}
    for cores, colour in zip((4, 8, 16), COLOURS, strict=False):
        chip = team(WOLF, cores, 1)
        speedup = [alone[n] / product(chip, cores, n) for n in SIDES]
        axis.plot(SIDES, speedup, color=colour, label=f"{cores} cores")
    axis.set(title="matmul: whole rounds of column pairs", xlabel="side n", ylabel="speed-up over one core", ylim=(0, 16))
    axis.legend(fontsize=7)


def sharing(axis: Any) -> None:
    """Cycles per issue slot over the team, by how FPUs are shared."""
    teams = range(1, 17)
    for per_unit, colour in zip((1, 2, 4), COLOURS, strict=False):
        chip = team(OPEN, 16, per_unit)
        for pattern, style in (("independent", "-"), ("alternate_nop", "--")):
            slots = [primitive(chip, "fpu_throughput", n, instruction="fmadd.s", pattern=pattern) for n in teams]
            axis.plot(teams, slots, style, color=colour, label=f"1 FPU per {per_unit}" if style == "-" else None, drawstyle="steps-mid")
    axis.plot(teams, [primitive(team(OPEN, 16), "fpu_throughput", n, instruction="fdiv.s", pattern="independent") / 14 for n in teams],
              ":", color="black", label="one divider (of 14 cycles)")  # fmt: skip
    axis.set(title="shared FPUs (dashed: half density)", xlabel="active cores of 16", ylabel="cycles per issue slot", ylim=(0.8, 5))
    axis.legend(fontsize=7)


def strides(axis: Any) -> None:
    """Cycles per load of 8 cores in step over the stride."""
    for banks, colour in zip((8, 16, 32), COLOURS, strict=False):
        chip = OPEN.replace(tcdm_banks=float(banks))
        request = {"pattern": "stride", "loads": 10, "iterations": 64, "alu_between": 0, "loop": "hardware"}
        loads = [primitive(chip, "tcdm_access", 8, stride_words=s, **request) / 640 for s in STRIDES]
        axis.plot(STRIDES, loads, color=colour, drawstyle="steps-mid", label=f"{banks} banks")
    axis.set(title="8 cores in step over memory", xlabel="stride (words)", ylabel="cycles per load", ylim=(0.5, 10))
    axis.legend(fontsize=7, ncols=3)


def scaling(axis: Any) -> dict[str, list[float]]:
    """Speed-up of the learners over the team; returns them."""
    found = {}
    for (kind, sizes), colour in zip(SUITE.items(), COLOURS, strict=True):
        times = [cycles(team(OPEN, n), kind, {"cores": n, "fp": "native"}, sizes) for n in TEAMS]
        found[kind] = [times[0] / t for t in times]
        axis.plot(TEAMS, found[kind], "o-", ms=3, color=colour, label=kind.replace("_", " "))
    axis.plot(TEAMS, TEAMS, color="grey", lw=0.7)
    axis.set(title="learners, native FP32, FPU per 2 cores", xlabel="cores", ylabel="speed-up", xscale="log", yscale="log")
    axis.set_xticks(TEAMS, [str(n) for n in TEAMS])
    axis.set_yticks(TEAMS, [str(n) for n in TEAMS])
    axis.minorticks_off()
    axis.legend(fontsize=7)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("cluster_cores.png"))
    output = parser.parse_args().output
    figure, axes = plt.subplots(1, 4, figsize=(15, 3.6), layout="constrained")
    sawtooth(axes[0])
    sharing(axes[1])
    strides(axes[2])
    speedups = scaling(axes[3])
    print("speed-up over one core", *(f"{n:>7}" for n in TEAMS), "   with an FPU for every core, 8 cores")
    for kind, row in speedups.items():
        private = cycles(team(OPEN, 1), kind, {"cores": 1}, SUITE[kind]) / cycles(team(OPEN, 8, 1), kind, {"cores": 8}, SUITE[kind])
        print(f"{kind:22s}", *(f"{s:7.2f}" for s in row), f"{private:10.2f}")
    for name in ("svm", "random_forest"):
        gains = [b / a for a, b in zip(speedups[name], speedups[name][1:], strict=False)]
        last = next((n for n, gain in zip(TEAMS, gains, strict=False) if gain < 1.5), TEAMS[-1])
        print(f"{name}: up to {last} cores, doubling the team gains at least 1.5x")
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=150)
