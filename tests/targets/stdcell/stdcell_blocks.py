"""Blocks made for tests: a grid of gates that talk to their neighbours, and a technology of round figures."""

from __future__ import annotations

import numpy as np

from hwsim.targets.stdcell.access import Access
from hwsim.targets.stdcell.floorplan import Rows
from hwsim.targets.stdcell.layout import Technology
from hwsim.targets.stdcell.routing import LayerChoice, Stack, make_stack
from hwsim.tech.netlist import Instance, Netlist, make_netlist

ROLES = {
    "NAND2": {"A": "input", "B": "input", "Y": "output"},
    "DFF": {"D": "input", "CK": "clock", "Q": "output"},
}
ROWS = Rows(0.1, 0.05)
CHOICE = LayerChoice(5.0, 1.7)


def grid_block(side: int = 16, seed: int = 0) -> Netlist:
    """`side` x `side` cells in a shuffled order: each reads its left and lower neighbour; every fourth is a flip-flop."""
    order = np.random.default_rng(seed).permutation(side * side)
    cells = []
    for at in order:
        x, y = int(at % side), int(at // side)
        left = f"n{x - 1}_{y}" if x else "in0"
        below = f"n{x}_{y - 1}" if y else "in1"
        out = f"n{x}_{y}"
        if at % 4 == 3:
            cells.append(Instance(f"f{at}", "DFF", {"D": left, "CK": "clk", "Q": out}))
        else:
            cells.append(Instance(f"g{at}", "NAND2", {"A": left, "B": below, "Y": out}))
    ports = [("clk", "input", "clk"), ("in0", "input", "in0"), ("in1", "input", "in1"), ("out", "output", f"n{side - 1}_{side - 1}")]
    return make_netlist("grid", cells, ports, ROLES)


def sizes(netlist: Netlist, tall: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Widths in sites and rows of the cells."""
    flops = netlist.of_type({"NAND2": 0.0, "DFF": 1.0}) > 0
    width = np.where(flops, 7 if tall else 14, 3).astype(np.int32)
    return width, np.where(flops & tall, 2, 1).astype(np.int32)


def area_um2(netlist: Netlist, tall: bool = False) -> float:
    width, rows = sizes(netlist, tall)
    return float((width * rows).sum() * ROWS.row_um * ROWS.site_um)


def stack(metals: int = 4, name: str = "F", usable: float = 0.8) -> Stack:
    pitch = [0.028, 0.034, 0.030, 0.042, 0.042, 0.076, 0.076, 0.076, 0.076][: metals + 1]
    ohm = [300.0 * (0.028 / p) ** 2 for p in pitch]
    layers = [f"{name}M{k}" for k in range(metals + 1)]
    return make_stack(layers, pitch, ohm, [0.2e-15] * (metals + 1), [0.0] + [40.0] * metals, True, CHOICE, usable=usable)


def technology(front: int = 4, back: int = 0, rows: Rows = ROWS, limit: float = 6.0) -> Technology:
    return Technology(rows, stack(front), stack(back, "B") if back else None, Access(1.6, 6.0), limit)
