"""What does a smaller node bring to logic, and what to memory? Delay, energy and area against the node, in one picture (half a minute).

    python scripts/explore_tech_node.py -o scripts/pictures/tech_node.png

Logic: a fan-out-of-4 inverter at nominal supply (Stillmaker and Baas, anchored at the measured 45 and 7 nm), and a 32-bit multiplication (Horowitz,
45 nm, 0.9 V) scaled along it. Memory: a 32 KB SRAM with a port of 64 bit (CACTI's arrays), planar devices only, so its lines end at 22 nm; below,
only the bit cell is known.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import hwsim
from hwsim.readers.technology import technology
from hwsim.tech.scaling import Node, area, factor, inverter, nominal_v

TABLE = technology("node-scaling")
TABLES = hwsim.load_chip("tech-tables")
NODES = (180, 130, 90, 65, 45, 32, 20, 16, 14, 10, 7)
MEMORY_NODES = (90, 65, 45, 32, 22)
CELL_NODES = (65, 45, 28, 22, 16, 14, 10, 7)
HOME = Node(45, 0.9)
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"


def nominal(nm: float) -> Node:
    """A node at its nominal supply."""
    return Node(nm, nominal_v(TABLE, nm))


def memory(nm: float) -> dict[str, float]:
    """Figures of the SRAM at 350 K."""
    return dict(hwsim.primitive("sram_access", TABLES, {"bytes": 32768, "node_nm": nm}))


def panel(axis: Any, title: str, logic: dict[float, float], memories: dict[float, float], unit: str) -> None:
    """One quantity against the node, on logarithmic axes."""
    axis.loglog(list(logic), list(logic.values()), "o-", color=BLUE, label="logic")
    axis.loglog(list(memories), list(memories.values()), "s-", color=RED, label="SRAM, 32 KB")
    axis.set_xticks(NODES, [str(n) for n in NODES], fontsize=7, rotation=60)
    axis.minorticks_off()
    axis.invert_xaxis()
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("node, nm")
    axis.set_ylabel(unit)
    axis.grid(alpha=0.3)


def main() -> None:
    """Draw the picture and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("tech_node.png"))
    arguments = parser.parse_args()
    found = {nm: memory(nm) for nm in MEMORY_NODES}
    multiplication = technology("arithmetic-45nm").number("mul_int32_j")
    energies = {nm: multiplication * factor(TABLE, "energy", HOME, nominal(nm)) for nm in NODES}
    figure, axes = plt.subplots(1, 3, figsize=(13, 4))
    panel(axes[0], "delay: FO4 inverter, access", {n: 1e12 * inverter(TABLE, nominal(n), "delay") for n in NODES},
          {n: 1e12 * m["latency_s"] for n, m in found.items()}, "ps")  # fmt: skip
    panel(axes[1], "energy: 32-bit multiplication, 64-bit read", {n: 1e12 * e for n, e in energies.items()},
          {n: 1e12 * m["energy_j"] for n, m in found.items()}, "pJ")  # fmt: skip
    panel(axes[2], "area over that of 45 nm", {n: area(TABLE, n) / area(TABLE, 45) for n in NODES},
          {n: m["area_mm2"] / found[45]["area_mm2"] for n, m in found.items()}, "ratio")  # fmt: skip
    cells = technology("bit-cells")
    small = {nm: cells.number(f"n{nm}_mm2") for nm in CELL_NODES}
    axes[2].loglog(list(small), [v / small[45] for v in small.values()], "^--", color=GREEN, label="bit cell")
    axes[2].set_xticks(NODES, [str(n) for n in NODES], fontsize=7, rotation=60)
    axes[2].minorticks_off()
    axes[2].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(arguments.output, dpi=120)
    print(f"{'nm':>4} {'V':>5} {'FO4 ps':>7} {'mul pJ':>7} {'area':>6} {'read pJ':>8} {'access ps':>9} {'leak mW':>8}")
    for nm in NODES:
        m = found.get(nm)
        row = f"{nm:4} {nominal(nm).vdd_v:5.2f} {1e12 * inverter(TABLE, nominal(nm), 'delay'):7.2f} {1e12 * energies[nm]:7.3f}"
        row += f" {area(TABLE, nm) / area(TABLE, 45):6.3f}"
        print(row + (f" {1e12 * m['energy_j']:8.2f} {1e12 * m['latency_s']:9.0f} {1e3 * m['power_w']:8.2f}" if m else ""))


if __name__ == "__main__":
    main()
