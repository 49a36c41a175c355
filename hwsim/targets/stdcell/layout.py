"""A block laid out on a chip's rows and metals: placement, sides, trees, wires, congestion and violations, and its largest utilisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.targets.stdcell.access import Access, closed_pins
from hwsim.targets.stdcell.congestion import Congestion, demand_map
from hwsim.targets.stdcell.floorplan import Floorplan, Rows, floorplan
from hwsim.targets.stdcell.parasitics import SideWires, Wires, join, side_wires
from hwsim.targets.stdcell.placement import Effort, Placement, place
from hwsim.targets.stdcell.routing import Stack
from hwsim.targets.stdcell.sides import BACK, FRONT, Policy, Sides, assign_sides
from hwsim.targets.stdcell.trees import Trees, grow_trees
from hwsim.tech.netlist import Netlist

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Technology:
    """What a layout needs of a chip and its mapping: rows, stacks of both sides (None: no back signals), pin access, violations that may remain."""

    rows: Rows
    front: Stack
    back: Stack | None
    access: Access
    drv_limit: float = 0.0


@dataclass(frozen=True)
class Violations:
    """Expected violations: cells without free sites, pins that cannot be reached, tracks beyond the supply."""

    overlaps: int
    closed_pins: float
    overflow: float

    @property
    def total(self) -> float:
        """All of them."""
        return self.overlaps + self.closed_pins + self.overflow


@dataclass(frozen=True, eq=False)
class Layout:
    """A placed block with a side for every pin; trees, wires and violations are computed when asked for."""

    placement: Placement
    technology: Technology
    side: Sides

    @property
    def stacks(self) -> tuple[tuple[int, Stack], ...]:
        """(side, stack) of the sides that carry signals."""
        t = self.technology
        return ((FRONT, t.front),) if t.back is None else ((FRONT, t.front), (BACK, t.back))

    @cached_property
    def trees(self) -> tuple[Trees, ...]:
        """Routing trees of each side that carries signals."""
        return tuple(grow_trees(self.placement, self.side, which) for which, _ in self.stacks)

    @cached_property
    def side_wires(self) -> tuple[SideWires, ...]:
        """Layers, resistance and capacitance of each side's trees."""
        area = self.placement.plan.area_um2
        return tuple(side_wires(trees, stack, area) for trees, (_, stack) in zip(self.trees, self.stacks, strict=True))

    @cached_property
    def congestion(self) -> tuple[Congestion, ...]:
        """Demand against supply of tracks on each side."""
        return tuple(demand_map(trees, self.placement.plan, stack) for trees, (_, stack) in zip(self.trees, self.stacks, strict=True))

    @property
    def wirelength_um(self) -> float:
        """Routed length of all signal nets, both sides."""
        return float(sum(trees.length_um.sum() for trees in self.trees))

    @cached_property
    def violations(self) -> Violations:
        """What a router would leave in violation."""
        t = self.technology
        closed = sum(closed_pins(self.placement, self.side, which, stack, t.access) for which, stack in self.stacks)
        return Violations(len(self.placement.overlapping), closed, sum(c.overflow_tracks for c in self.congestion))

    def wires(self, pin_f: Floats) -> Wires:
        """Both sides' wires with the load `pin_f` [pins] of each sink, F."""
        return join(self.side_wires, self.placement.netlist.pins, pin_f)


def lay_out(
    netlist: Netlist, plan: Floorplan, width_sites: Ints, rows: Ints, technology: Technology, *,
    front_fraction: float = 1.0, policy: Policy = "geometric", seed: int = 0, effort: Effort = Effort(),  # noqa: B008
) -> Layout:  # fmt: skip
    """Place a block on `plan` and give its pins their sides. `front_fraction` below 1 needs back signals. Raises `InvalidMapping`."""
    placement = place(netlist, plan, width_sites, rows, seed=seed, effort=effort)
    return with_sides(placement, technology, front_fraction, policy)


def with_sides(placement: Placement, technology: Technology, front_fraction: float, policy: Policy = "geometric") -> Layout:
    """The layout of a placement with pins on both sides. Raises `InvalidMapping` for pins on a back that carries no signals."""
    if front_fraction < 1.0 and technology.back is None:
        raise InvalidMapping(f"front_pin_fraction {front_fraction:g} puts pins on the back, which carries no signals; give back_metals 2 or more")
    return Layout(placement, technology, assign_sides(placement, front_fraction, policy, placement.seed))


def largest_utilisation(at: Callable[[float], Layout], limit: float, *, low: float = 0.3, high: float = 1.0, steps: int = 7) -> tuple[float, Layout]:
    """The largest utilisation, to ``(high - low) / 2^steps``, whose layout `at(utilisation)` has no more than `limit` violations, and that layout.

    Bisection: violations rise with utilisation up to the noise of placement. Raises `Infeasible` when even `low` has too many.
    """
    layout = at(low)
    if layout.violations.total > limit:
        raise Infeasible(
            f"the block at utilisation {low:g}",
            demand=layout.violations.total,
            bound=limit,
            unit="violations",
            levers=["more signal metals", "pins on both sides (front_pin_fraction, back_metals)", "a larger drv_limit"],
        )
    best, top = low, high
    for _ in range(steps):
        u = (best + top) / 2
        try:
            tried = at(u)
        except Infeasible:  # the cells exceed the rows
            top = u
            continue
        if tried.violations.total <= limit:
            best, layout = u, tried
        else:
            top = u
    return best, layout


def plan_for(technology: Technology, cell_area_um2: float, utilisation: float) -> Floorplan:
    """The square core of a block at a utilisation."""
    return floorplan(technology.rows, cell_area_um2, utilisation)
