"""How many bits does a converter need, and is a nonlinear ramp worth it? Prints a table and draws one picture (about two minutes).

    python scripts/explore_crossbar_adc_bits.py -o scripts/pictures/crossbar_adc_bits.png

One step of the keyword network (72 x 128 gates) on nladc-16nm: energy against accuracy of the small keyword task for ramps that apply the activation
and for converters of the same bits with digital sigmoid and tanh behind them; then the same 5-bit networks over the supply.
SAR codes are symmetric (2 bits: -1, 0, 1) over the largest value of the data,
which wastes codes at 2 and 3 bits; a range chosen for accuracy would help there.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from hwsim import api
from hwsim.readers.load import graph_of_workload
from hwsim.targets.crossbar.analog.report import path_of
from hwsim.targets.crossbar.analog.tasks import task_accuracy
from hwsim.targets.crossbar.compose import composed
from hwsim.targets.crossbar.mapping import parse_options

BITS = range(2, 9)
SUPPLIES_V = (0.15, 0.175, 0.2, 0.225, 0.25)
ADCS = {"nl_ramp": ("nonlinear ramp", "#0072B2", "o"), "linear_ramp": ("linear ramp, digital functions", "#009E73", "s"),
        "sar": ("SAR, digital functions", "#D55E00", "^")}  # fmt: skip
STEP = {"op": "lstm", "input_size": 40, "hidden_size": 32, "projection_size": 0, "bias_rows": 0}
CHIP = "nladc-16nm"


@dataclass(frozen=True)
class Point:
    """Energy and time of a step, and share of right answers with its spread over programmings."""

    energy_j: float
    latency_s: float
    accuracy: float
    spread: float
    digital: float


def point(adc: str, bits: int, programmings: int, **options: Any) -> Point:
    """One design."""
    chip, mapping = api.load_chip(CHIP), {"adc": adc, "adc_bits": bits, "programmings": programmings, **options}
    report = api.simulate(graph_of_workload({**STEP, "dtype": f"int{bits}"}), chip, mapping, interval=False)
    found = task_accuracy(path_of(composed(chip, parse_options(mapping))), "keywords")
    return Point(report.energy_j, report.latency_s, found.analog, found.spread, found.digital)


def main() -> None:
    """Sweep, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("crossbar_adc_bits.png"))
    parser.add_argument("--programmings", type=int, default=10)
    given = parser.parse_args()
    found = {adc: [point(adc, b, given.programmings) for b in BITS] for adc in ADCS}
    print(f"{'converter':32}{'bits':>5}{'energy, nJ':>12}{'time, ns':>10}{'accuracy':>16}")
    for adc, points in found.items():
        for bits, p in zip(BITS, points, strict=True):
            print(f"{ADCS[adc][0]:32}{bits:5}{p.energy_j * 1e9:12.3f}{p.latency_s * 1e9:10.0f}{p.accuracy:10.1%} +- {p.spread:.1%}")
    supply = {adc: [point(adc, 5, given.programmings, read_v=v) for v in SUPPLIES_V] for adc in ("nl_ramp", "sar")}
    for adc, points in supply.items():
        print(f"5 bits, {ADCS[adc][0]}: " + ", ".join(f"{p.accuracy:.1%} at {v:g} V" for v, p in zip(SUPPLIES_V, points, strict=True)))
    draw(found, supply, given.output)


def draw(found: dict[str, list[Point]], supply: dict[str, list[Point]], path: Path) -> None:
    """Accuracy against energy with the bits as labels; accuracy against the read voltage."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=(1.6, 1))
    for adc, points in found.items():
        name, colour, mark = ADCS[adc]
        x, y = [p.energy_j * 1e9 for p in points], [100 * p.accuracy for p in points]
        left.errorbar(x, y, [100 * p.spread for p in points], color=colour, marker=mark, ms=5, lw=1.2, capsize=2, label=name)
        below = -12 if adc == "nl_ramp" else 7
        for bits, a, b in zip(BITS, x, y, strict=True):
            left.annotate(str(bits), (a, b), xytext=(0, below), textcoords="offset points", ha="center", fontsize=8, color=colour)
    digital = 100 * found["nl_ramp"][0].digital
    for axes in (left, right):
        axes.axhline(digital, color="0.6", lw=0.8, ls="--", label="full precision")
        axes.set_ylabel("right answers, %")
        axes.grid(alpha=0.25)
    left.set(xscale="log", xlabel="energy of one step, nJ (labels: bits)", title="keyword task, 72 x 128 gates")
    for adc, points in supply.items():
        name, colour, mark = ADCS[adc]
        y, spread = [100 * p.accuracy for p in points], [100 * p.spread for p in points]
        right.errorbar(SUPPLIES_V, y, spread, color=colour, marker=mark, capsize=2, label=name)
    right.set(xlabel="read voltage, V (references set for 0.2 V)", title="5 bits over the supply")
    left.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
    print(path)


if __name__ == "__main__":
    main()
