"""The floorplan of a block: rows of sites in a core whose size follows from the utilisation, and the columns that power taps take."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import Infeasible, InvalidMapping

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """The geometry of a library's rows: row height and site width (a contacted poly pitch), um, and its power taps.

    Every `tap_pitch_sites` sites a tap takes `tap_sites` (0: none). A tap cell, or the landing of a nano through-silicon via, brings power to a side.
    """

    row_um: float
    site_um: float
    tap_sites: int = 0
    tap_pitch_sites: int = 0

    @property
    def tap_share(self) -> float:
        """The part of a long row that taps take."""
        return self.tap_sites / self.tap_pitch_sites if self.tap_sites else 0.0


@dataclass(frozen=True)
class Floorplan:
    """A core of `rows` x `sites`; `cell_area_um2` is what it is to hold."""

    geometry: Rows
    rows: int
    sites: int
    cell_area_um2: float

    @property
    def width_um(self) -> float:
        """Along the rows."""
        return self.sites * self.geometry.site_um

    @property
    def height_um(self) -> float:
        """Across the rows."""
        return self.rows * self.geometry.row_um

    @property
    def area_um2(self) -> float:
        """Of the core."""
        return self.width_um * self.height_um

    @property
    def utilisation(self) -> float:
        """Cell area over core area."""
        return self.cell_area_um2 / self.area_um2

    @property
    def tap_columns(self) -> tuple[int, ...]:
        """First sites of the tap columns, half a pitch away from the left edge first."""
        g = self.geometry
        if not g.tap_sites:
            return ()
        return tuple(s for s in range(g.tap_pitch_sites // 2, self.sites - g.tap_sites + 1, g.tap_pitch_sites))

    @property
    def free_share(self) -> float:
        """The part of the core that taps leave to cells."""
        return 1.0 - len(self.tap_columns) * self.geometry.tap_sites / self.sites

    def segments(self) -> list[tuple[int, int]]:
        """Runs of sites [first, last) between the tap columns, the same in every row."""
        at, found = 0, []
        for column in self.tap_columns:
            if column > at:
                found.append((at, column))
            at = column + self.geometry.tap_sites
        if at < self.sites:
            found.append((at, self.sites))
        return found


def floorplan(geometry: Rows, cell_area_um2: float, utilisation: float, *, aspect: float = 1.0) -> Floorplan:
    """The smallest core of `aspect` (height / width), in whole rows and sites, that holds `cell_area_um2` at no more than `utilisation`.

    Raises `InvalidMapping` for a utilisation outside 0..1, `Infeasible` when taps leave too little for the cells.
    """
    if not 0.0 < utilisation <= 1.0:
        raise InvalidMapping(f"utilisation is cell area over core area and must lie in 0..1, got {utilisation:g}")
    return _of_area(geometry, cell_area_um2, cell_area_um2 / utilisation, aspect)


def floorplan_of_area(geometry: Rows, cell_area_um2: float, core_area_um2: float, *, aspect: float = 1.0) -> Floorplan:
    """The smallest core in whole rows and sites with at least `core_area_um2`. Raises `Infeasible` when the cells are larger."""
    return _of_area(geometry, cell_area_um2, core_area_um2, aspect)


def _of_area(geometry: Rows, cells: float, core: float, aspect: float) -> Floorplan:
    rows = max(1, round(math.sqrt(core * aspect) / geometry.row_um))
    sites = max(1, math.ceil(core / (rows * geometry.row_um) / geometry.site_um - 1e-9))
    plan = Floorplan(geometry, rows, sites, cells)
    if cells > plan.area_um2 * plan.free_share:
        levers = ["a lower utilisation"] + (["fewer or narrower power taps (tap_pitch_cpp, tap_width_cpp)"] if geometry.tap_sites else [])
        raise Infeasible("cells on the rows of the core", demand=cells, bound=plan.area_um2 * plan.free_share, unit="um2", levers=levers)
    return plan


def port_slots(plan: Floorplan, ports: int) -> tuple[Floats, Floats]:
    """`ports` positions (x, y), um, evenly along the edge of the core, counter-clockwise from the lower left corner."""
    width, height = plan.width_um, plan.height_um
    along = (np.arange(ports) + 0.5) / max(ports, 1) * 2.0 * (width + height)
    x = np.select([along < width, along < width + height, along < 2 * width + height], [along, width, 2 * width + height - along], 0.0)
    y = np.select([along < width, along < width + height, along < 2 * width + height], [0.0, along - width, height], 2 * (width + height) - along)
    return x, y
