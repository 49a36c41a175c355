"""Global placement: quadratic placement and spreading in turn, the pull towards the spread positions growing (SimPL, ComPLx).

Every iteration solves the bound-to-bound model of each axis with every cell tied to where spreading last put it, then spreads anew. The solution is a
lower bound of the wire length, the spread positions an upper one; they meet as the ties grow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.stdcell.detailed import improve
from hwsim.targets.stdcell.floorplan import Floorplan, port_slots
from hwsim.targets.stdcell.legalise import legalise
from hwsim.targets.stdcell.quadratic import edges, half_perimeters, solve
from hwsim.targets.stdcell.spreading import spread
from hwsim.tech.netlist import PORT, Netlist

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
LEAST_DENSITY, SLACK_DENSITY = 0.6, 0.3
LEAF_CELLS = 1.2  # spreading stops at regions of so many mean cells


@dataclass(frozen=True)
class Effort:
    """How hard the placer works: iterations, the growth of the ties, the gap between the bounds at which it stops, passes of detailed placement."""

    iterations: int = 60
    tie: float = 0.03
    growth: float = 1.1
    gap: float = 0.03
    warm_up: int = 4
    detailed: int = 5


@dataclass(frozen=True, eq=False)
class Placement:
    """Cells on a floorplan: centres `x`, `y` [cells + ports], um (ports follow the cells); `node` [pins] is each pin's index into them.

    `width_sites` and `rows` [cells] are the cells' sizes. `weight` [nets] is 0 for nets that were left out (clocks). `overlapping` are the cells
    that found no free sites: each is a violation.
    """

    netlist: Netlist
    plan: Floorplan
    x: Floats
    y: Floats
    node: Ints
    width_sites: Ints
    rows: Ints
    weight: Floats
    overlapping: NDArray[np.int64]
    seed: int = 0

    @cached_property
    def net_hpwl_um(self) -> Floats:
        """Half-perimeter of every net's bounding box [nets], clock nets too."""
        return half_perimeters(self.netlist.net_start, self.node, self.x, self.y)

    @property
    def hpwl_um(self) -> float:
        """Half-perimeter wire length of all nets that were placed for (clocks are not)."""
        return float(self.net_hpwl_um[self.weight > 0].sum())

    @property
    def cell_area_um2(self) -> Floats:
        """Area of each cell [cells]."""
        g = self.plan.geometry
        found: Floats = self.width_sites * self.rows * np.float64(g.site_um * g.row_um)
        return found


def nodes(netlist: Netlist) -> Ints:
    """The node of each pin [pins]: its cell, or the number of cells plus its port."""
    return np.where(netlist.pin_cell == PORT, netlist.cells + netlist.pin_name, netlist.pin_cell).astype(np.int32)


def placement_density(utilisation: float) -> float:
    """The density that regions are filled to: between the utilisation and 1, so that a loose core is not spread over for its own sake."""
    return max(LEAST_DENSITY, utilisation + SLACK_DENSITY * (1.0 - utilisation))


def place(
    netlist: Netlist,
    plan: Floorplan,
    width_sites: Ints,
    rows: Ints,
    *,
    density: float | None = None,
    seed: int = 0,
    effort: Effort = Effort(),
) -> Placement:
    """Place `netlist` on `plan`: globally, on rows and sites, and improved there.

    `width_sites` and `rows` [cells] are cell sizes; `density` is the most of any region that cells fill (None: `placement_density`; at least the
    utilisation). `seed` moves the start. Cells that find no free sites are listed in the result.
    """
    weight = np.ones(netlist.nets)
    weight[netlist.clock_nets] = 0.0
    x, y = np.full(netlist.cells + len(netlist.ports), plan.width_um / 2), np.full(netlist.cells + len(netlist.ports), plan.height_um / 2)
    sizes = width_sites.astype(np.int32), rows.astype(np.int32)
    start = Placement(netlist, plan, x, y, nodes(netlist), *sizes, weight, np.zeros(0, np.int64), seed)
    rough = _global(start, placement_density(plan.utilisation) if density is None else density, effort)
    x, y, lost = legalise(plan, rough.x, rough.y, start.width_sites, start.rows)
    return improve(replace(rough, x=x, y=y, overlapping=lost), effort.detailed)


def _global(start: Placement, density: float, effort: Effort) -> Placement:
    plan, n, node = start.plan, start.netlist, start.node
    random = np.random.default_rng(start.seed)
    x, y = start.x.copy(), start.y.copy()
    cells = n.cells
    x[:cells] += random.uniform(-0.1, 0.1, cells) * plan.width_um
    y[:cells] += random.uniform(-0.1, 0.1, cells) * plan.height_um
    x[cells:], y[cells:] = port_slots(plan, len(n.ports))
    area = start.cell_area_um2
    fill = min(1.0, max(density * plan.free_share, plan.utilisation * 1.001 + 1e-9))
    leaf = LEAF_CELLS * area.mean() / fill if cells else 1.0
    least = plan.geometry.row_um / 2
    none = np.zeros(cells)
    to_x, to_y = x[:cells], y[:cells]
    best, best_length = (to_x, to_y), float("inf")
    for step in range(effort.iterations + effort.warm_up):
        tie = 0.0 if step < effort.warm_up else effort.tie * effort.growth ** (step - effort.warm_up)
        hold = [none if tie == 0.0 else tie / np.maximum(np.abs(a[:cells] - t), least) for a, t in ((x, to_x), (y, to_y))]
        for at, to, held in ((x, to_x, hold[0]), (y, to_y, hold[1])):
            at[:cells] = solve(*edges(n.net_start, node, start.weight, at, least), at, cells, to, held, 1e-4, 200)
        if step + 1 == effort.warm_up:
            x[cells:], y[cells:] = _assign_ports(start, x, y)
        if step + 1 < effort.warm_up:
            continue
        np.clip(x[:cells], 0, plan.width_um, out=x[:cells])
        np.clip(y[:cells], 0, plan.height_um, out=y[:cells])
        to_x, to_y = spread(x[:cells], y[:cells], area, plan.width_um, plan.height_um, fill, leaf)
        lower = float(half_perimeters(n.net_start, node, x, y) @ start.weight)
        upper = float(half_perimeters(n.net_start, node, np.r_[to_x, x[cells:]], np.r_[to_y, y[cells:]]) @ start.weight)
        if upper < best_length:
            best, best_length = (to_x, to_y), upper
        if upper - lower < effort.gap * upper:
            break
    return replace(start, x=np.r_[best[0], x[cells:]], y=np.r_[best[1], y[cells:]])


def _assign_ports(start: Placement, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Ports on the edge slots in the order of the angle of the cells that they connect, turned to where the ports reach them best."""
    n, plan = start.netlist, start.plan
    ports = len(n.ports)
    slot_x, slot_y = port_slots(plan, ports)
    aim_x, aim_y = slot_x.copy(), slot_y.copy()
    for i, port in enumerate(n.ports):
        pins = start.node[n.net_start[port.net] : n.net_start[port.net + 1]] if port.net >= 0 else start.node[:0]
        inside = pins[pins < n.cells]
        if len(inside):
            aim_x[i], aim_y[i] = x[inside].mean(), y[inside].mean()
    if not ports:
        return slot_x, slot_y
    order = np.argsort(np.arctan2(aim_y - np.median(aim_y), aim_x - np.median(aim_x)), kind="stable")
    turns = [np.roll(np.arange(ports), k) for k in range(0, ports, max(1, ports // 64))]
    best = min(turns, key=lambda s: float((np.abs(slot_x[s] - aim_x[order]) + np.abs(slot_y[s] - aim_y[order])).sum()))
    found_x, found_y = np.empty(ports), np.empty(ports)
    found_x[order], found_y[order] = slot_x[best], slot_y[best]
    return found_x, found_y
