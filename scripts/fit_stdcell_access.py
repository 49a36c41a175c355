"""Fit the two constants of pin access on violations against block area (VLSI24 fig. 9a), and print the largest utilisations that follow.

The paper's RISC-V core is not published: rv32i_single stands for it, its violations multiplied by the ratio of cell areas. The paper gives core
areas, not utilisations. Its split-gate core still places at 653 um2, 1.4 times the Flip FET's cells, so the Flip FET's cells take no more than 0.99
x 653 / 1.4 um2; that area is taken for them. Areas below 502 um2, where Flip FET cells no longer find free sites, are left out of the fit.

    python scripts/fit_stdcell_access.py
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

import hwsim
from hwsim.core.resources import shipped
from hwsim.readers.netlist_json import read_netlist
from hwsim.targets.stdcell.access import crossing_load
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.floorplan import floorplan
from hwsim.targets.stdcell.layout import Technology
from hwsim.targets.stdcell.mapping import parse_options
from hwsim.targets.stdcell.placement import place
from hwsim.targets.stdcell.sides import BACK, FRONT, assign_sides
from hwsim.targets.stdcell.stacks import technology_of
from hwsim.tech.netlist import Netlist

DATA = Path(__file__).parent / "data" / "vlsi24_violations.csv"
UTILISATIONS = (0.99, 0.97, 0.95, 0.935, 0.92, 0.90, 0.86, 0.80, 0.72, 0.65)
FRONT_FRACTION = {"ffet-2p5t": 0.5, "cfet-cg": 1.0, "cfet-sg": 1.0}
CELLS_UM2 = 0.99 * 653 / 1.4  # of the paper's core in Flip FET cells
WALL_UM2 = 502.0
Floats = NDArray[np.float64]


def block(chip_name: str) -> tuple[Netlist, NDArray[np.int32], NDArray[np.int32], Technology]:
    """rv32i_single with the chip's cell sizes; flip-flops without set and reset take the plain flip-flop's."""
    chip = hwsim.load_chip(chip_name)
    library, base = load_library(chip), load_library(hwsim.load_chip("gt2n"))
    netlist = read_netlist(shipped("models") / "blocks" / "stdcell_rv32i_single_gt2n_w31_lvt.json.gz", base.pin_roles)
    cells = {name: library.cell(name.replace("dffasync", "dff")) for name in netlist.types}
    width = np.rint(netlist.of_type({n: c.width_cpp for n, c in cells.items()})).astype(np.int32)
    rows = np.rint(netlist.of_type({n: c.rows for n, c in cells.items()})).astype(np.int32)
    return netlist, width, rows, technology_of(chip, parse_options({}))


def loads(chip_name: str) -> tuple[float, dict[float, tuple[Floats, int]]]:
    """Cell area, and by utilisation the pins per crossing about every pin in use and the cells without a place."""
    netlist, width, rows, tech = block(chip_name)
    area = float((width * rows).sum()) * tech.rows.row_um * tech.rows.site_um
    found = {}
    for u in UTILISATIONS:
        if u * (1 + 1e-3) > 1 - tech.rows.tap_share:
            continue
        p = place(netlist, floorplan(tech.rows, area, u), width, rows)
        side = assign_sides(p, FRONT_FRACTION[chip_name])
        sides = [(FRONT, tech.front)] + ([(BACK, tech.back)] if tech.back else [])
        found[u] = np.concatenate([crossing_load(p, side, which, stack) for which, stack in sides]), len(p.overlapping)
    return area, found


def main() -> None:
    """Fit, and print the curves beside the published ones."""
    with DATA.open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    curves = {name: [(float(r["block_area_um2"]), float(r["drv_count"])) for r in rows if r["chip"] == name] for name in FRONT_FRACTION}
    made = {name: loads(name) for name in FRONT_FRACTION}
    own = made["ffet-2p5t"][0]

    def model(name: str, core_um2: float, closed: float, points: float) -> float:
        area, by = made[name]
        us = sorted(by)
        count = [CELLS_UM2 / own * ((np.minimum(closed * by[u][0], 1.0) ** points).sum() + by[u][1]) for u in us]
        return float(np.exp(np.interp(CELLS_UM2 * area / own / core_um2, us, np.log(np.maximum(count, 0.01)))))

    def loss(log_constants: Floats) -> float:
        closed, points = np.exp(log_constants)
        total = 0.0
        for name, curve in curves.items():
            for core, count in curve:
                if name != "ffet-2p5t" or core >= WALL_UM2:
                    expected = model(name, core, closed, points)
                    total += expected - count * np.log(expected)  # Poisson
        return total

    closed, points = np.exp(minimize(loss, np.log([1.6, 6.0]), method="Nelder-Mead").x)
    print(f"access_closed_crossings {closed:.3f}, access_points {points:.2f}; cells of rv32i_single {own:.1f} um2 in ffet-2p5t")
    for name, curve in curves.items():
        print(name, "core um2: published, model")
        for core, count in curve:
            print(f"  {core:6.0f}: {count:4.0f} {model(name, core, closed, points):6.1f}")


if __name__ == "__main__":
    main()
