"""Networks on GAP8 beside the published figures: MobileNet V1 under AutoTiler (rate and energy, layer by layer), and DORY's networks.

    python scripts/reproduce_gap8_mobilenet.py -o gap8_mobilenet.png        about ten seconds

Published figures come from the cases in models/gap8/published.yaml. The picture shows where the cycles of each network go.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import hwsim
from hwsim.core.report import Report
from hwsim.validate.cases import Case, published

NETWORKS, ENERGY, LAYERS, DORY = "gap8-mobilenet", "gap8-mobilenet-energy", "gap8-mobilenet-layers", "dory"
CASES = [case for file in published() for case in file.cases if case.chip == "gap8"]
SHARES = {
    "compute": "#0072B2", "imbalance": "#56B4E9", "tcdm_stall": "#E69F00", "sequential": "#999999", "fork": "#666666", "dma": "#009E73",
    "l3": "#D55E00",
}  # fmt: skip


def report(case: Case) -> Report:
    """The network of a case on its chip and mapping."""
    options = {k: v for k, v in case.workload.items() if k not in ("trace", "layer")}
    return hwsim.simulate(hwsim.load_graph(str(case.workload["trace"]), **options), hwsim.load_chip(case.chip), case.mapping, interval=False)


def of(group: str) -> list[Case]:
    """The cases of a group."""
    return [case for case in CASES if case.group == group]


def networks() -> dict[str, Report]:
    """Rate and energy of every network; returns the reports."""
    print("MobileNet V1, AutoTiler under nntool, 8 cores at 175 MHz      frames/s (published)      mJ (published)   MAC/cycle  role")
    joules = {str(c.workload["trace"]): c.value for c in of(ENERGY)}
    found = {}
    for case in of(NETWORKS):
        name = str(case.workload["trace"])
        ours = found[name] = report(case)
        rate, energy = ours.metric("inferences_per_s"), ours.energy_j
        print(f"{name:40s} {rate:18.1f} ({case.value:5.1f}, {rate / case.value - 1:+6.1%}) {1e3 * energy:8.2f} ({1e3 * joules[name]:5.1f}, "
              f"{energy / joules[name] - 1:+6.1%}) {ours.metric('macs_per_cycle'):8.2f}   {case.role}")  # fmt: skip
    return found


def layers() -> None:
    """Cycles layer by layer under the AutoTiler of 2019."""
    cases = of(LAYERS)
    ours = report(cases[0])
    print("\nMobileNet V1 1.0-224, AutoTiler of 2019       M cycles  published  difference  role")
    for case in cases:
        layer = int(case.workload["layer"])
        op = next(o for o in ours.cost.program.graph.ops if o.layer == layer and o.kind in ("conv2d", "pool", "matmul"))
        cycles = ours.part("cycles", layer=layer)
        kind = "depthwise" if op.kind == "conv2d" and op["groups"] > 1 else op.label
        print(f"  {layer:2d} {kind:12s} {cycles / 1e6:28.2f} {case.value / 1e6:10.2f} {cycles / case.value - 1:+11.1%}  {case.role}")


def dory() -> dict[str, Report]:
    """MAC/cycle of DORY's regression networks; returns the reports."""
    print("\nDORY's networks                         MAC/cycle  published  difference  role")
    found = {}
    for case in of(DORY):
        if case.metric != "macs_per_cycle":
            continue
        ours = found[str(case.workload["trace"])] = report(case)
        rate = ours.metric("macs_per_cycle")
        print(f"  {case.workload['trace']:34s} {rate:12.2f} {case.value:10.2f} {rate / case.value - 1:+11.1%}  {case.role}")
    return found


def draw(panels: dict[str, dict[str, Report]], path: Path) -> None:
    """Shares of the cycles of every network, by mechanism."""
    figure, axes = plt.subplots(1, len(panels), figsize=(11, 4.2), layout="constrained")
    for axis, (title, reports) in zip(axes, panels.items(), strict=True):
        names = list(reports)[::-1]
        left = [0.0] * len(names)
        for share, colour in SHARES.items():
            part = [100 * reports[n].cost.by_component("cycles").get(share, 0.0) / reports[n].cycles for n in names]
            axis.barh(names, part, left=left, color=colour, label=share.replace("_", " "))
            left = [a + b for a, b in zip(left, part, strict=True)]
        axis.set(title=title, xlabel="share of the cycles (%)", xlim=(0, 100))
        axis.tick_params(labelsize=7)
    axes[0].legend(fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("gap8_mobilenet.png"))
    output = parser.parse_args().output
    first = networks()
    layers()
    draw({"AutoTiler, 175 MHz": first, "DORY, 100 MHz": dory()}, output)
