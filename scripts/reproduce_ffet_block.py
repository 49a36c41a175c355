"""Flip FET against CFET on one block (arXiv 2501.15275): area, clock and power of the same gates on both libraries, signals on the front only.

    python scripts/reproduce_ffet_block.py                 a grid of 16 multiply-accumulate elements at one utilisation: a few minutes
    python scripts/reproduce_ffet_block.py --smallest      and the smallest core of each: tens of minutes
    python scripts/reproduce_ffet_block.py --design stdcell_rv32i_single.v --top rv32i_single        the 32-bit RISC-V core in its place

The paper's core is not published. Its -11.9 % of power does not say at which clock: at equal clock it is the ratio of energies per cycle.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import hwsim
from hwsim.claims import Claim, bound, value
from hwsim.claims.page import lines

PAPER, SOURCE = "FFET block", "DATE25 (arXiv 2501.15275), abstract"
CHIPS = ("ffet-3p5t", "cfet-4t")
FRONT_ONLY = {"front_metals": 12, "back_metals": 1, "front_pin_fraction": 1.0}
UTILISATION = 0.7


def block(chip: str, design: str, top: str, utilisation: float | str = UTILISATION) -> Mapping[str, float]:
    """Figures of the placed and routed block."""
    asked = {"rtl": design, "top": top, "target_frequency_hz": 1.5e9, "utilisation": utilisation}
    return hwsim.primitive("block_ppa", hwsim.load_chip(chip), asked, FRONT_ONLY)


def claims(design: str = "stdcell_mac_grid.v", top: str = "mac_grid") -> list[Claim]:
    """Ratios at one utilisation, and of cells and rings alone."""
    ours, peer = (block(chip, design, top) for chip in CHIPS)
    carries = f"{design} in place of the paper's core (not published); utilisation {UTILISATION}"
    cells = ours["area_mm2"] * ours["utilisation"] / (peer["area_mm2"] * peer["utilisation"])
    gate, other = (hwsim.primitive("cell_area", hwsim.load_chip(chip), {"cell": "NAND2D1"})["area_mm2"] for chip in CHIPS)
    return [
        value(PAPER, "area of a cell, FFET over CFET (-12.5 %)", 0.875, gate / other, "x", tolerance=0.03,
              carries=f"a cell without split gates: rows of 3.5 and 4 tracks; all cells of the block, flip-flops too, {cells:.3f} x", source=SOURCE),
        value(PAPER, "power at equal clock and utilisation (-11.9 %)", 0.881, ours["energy_j"] / peer["energy_j"], "x", tolerance=0.08,
              carries=f"{carries}; the reading of equal clocks", source=SOURCE),
        value(PAPER, "power, each at its own clock (-11.9 %, the other reading)", 0.881, ours["power_w"] / peer["power_w"], "x", tolerance=0.08,
              carries=carries, source=SOURCE),
        bound(PAPER, "clock at the same utilisation: higher", 1.0, ours["frequency_hz"] / peer["frequency_hz"], "x", side="at least", carries=carries,
              source=f"{SOURCE}: a gain in frequency"),
    ]  # fmt: skip


def smallest(design: str, top: str) -> Claim:
    """The smallest core that routes, on both."""
    ours, peer = (block(chip, design, top, "max") for chip in CHIPS)
    return value(PAPER, "smallest core, FFET over CFET (-23.3 %)", 0.767, ours["area_mm2"] / peer["area_mm2"], "x", tolerance=0.08,
                 carries=f"{design} in place of the paper's core; pin access decides the densest core", source=SOURCE)  # fmt: skip


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--design", default="stdcell_mac_grid.v")
    parser.add_argument("--top", default="mac_grid")
    parser.add_argument("--smallest", action="store_true", help="search the smallest core of each")
    asked = parser.parse_args()
    found = claims(asked.design, asked.top)
    print(lines([*found, smallest(asked.design, asked.top)] if asked.smallest else found))


if __name__ == "__main__":
    main()
