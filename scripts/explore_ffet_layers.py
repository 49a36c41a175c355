"""How many metals a side does a Flip FET block need, and how should its pins be split? Frequency, energy and violations over both.

    python scripts/explore_ffet_layers.py [--design rv32i_single] [--utilisation 0.8] [-o layers.png]
"""

from __future__ import annotations

import argparse

import hwsim
from hwsim.targets.stdcell.block_report import BlockReport, block_report

METALS = (3, 4, 5, 6, 8, 12)
SPLITS = (1.0, 0.9, 0.7, 0.5)


def point(design: str, utilisation: float, metals: int, split: float) -> BlockReport:
    """The block with the same metals on both sides."""
    mapping = {"front_metals": metals, "back_metals": metals, "front_pin_fraction": split, "utilisation": utilisation, "seed": 0}
    return block_report(design, hwsim.load_chip("ffet-3p5t"), mapping)


def main() -> None:
    """Print the table, and draw it on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--design", default="rv32i_single")
    parser.add_argument("--utilisation", type=float, default=0.8)
    parser.add_argument("-o", "--output", help="a picture of the frequencies")
    asked = parser.parse_args()
    print(f"{asked.design} on ffet-3p5t at utilisation {asked.utilisation:.0%}: clock in GHz, energy per cycle in pJ, violations")
    print(f"{'metals a side':>14s}" + "".join(f"{f'front pins {s:.0%}':>26s}" for s in SPLITS))
    clocks: dict[float, list[float]] = {s: [] for s in SPLITS}
    for metals in METALS:
        cells = []
        for split in SPLITS:
            m = point(asked.design, asked.utilisation, metals, split).metrics
            clocks[split].append(m["frequency_hz"] / 1e9)
            cells.append(f"{m['frequency_hz'] / 1e9:8.3f} {m['energy_j'] * 1e12:8.3f} {m['drv_count']:8.1f}")
        print(f"{metals:14d}" + "".join(cells), flush=True)
    if asked.output:
        from hwsim.plot import style  # noqa: PLC0415  (matplotlib: only when a picture is drawn)

        with style.styled():
            figure = style.new_figure("column", 2.6)
            axes = figure.subplots()
            for split in SPLITS:
                axes.plot(METALS, clocks[split], marker="o", label=f"{split:.0%} of pins on the front")
            axes.set_xlabel("metals on each side")
            axes.set_ylabel("clock (GHz)")
            axes.legend()
        figure.savefig(asked.output)


if __name__ == "__main__":
    main()
