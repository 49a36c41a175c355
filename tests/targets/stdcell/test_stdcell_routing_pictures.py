"""Pictures of a placed block hold what they claim to show."""

from __future__ import annotations

import numpy as np
import pytest
from stdcell_blocks import area_um2, grid_block, sizes, technology

from hwsim.core.errors import HwsimError
from hwsim.plot.block import congestion_figure, placement_figure
from hwsim.targets.stdcell.floorplan import Rows, floorplan
from hwsim.targets.stdcell.layout import Layout, lay_out

TAPPED = Rows(0.1, 0.05, 2, 40)


@pytest.fixture(scope="module")
def layout() -> Layout:
    n = grid_block()
    return lay_out(n, floorplan(TAPPED, area_um2(n, True), 0.7), *sizes(n, True), technology(4, 4, TAPPED), front_fraction=0.5)


def test_every_cell_is_drawn_in_its_own_size(layout: Layout) -> None:
    n = layout.placement.netlist
    kinds = ["ff" if t == "DFF" else "comb" for t in np.array(n.types)[n.cell_type]]
    axes = placement_figure(layout, kinds).axes[0]
    counts = [len(c.get_paths()) for c in axes.collections]
    assert counts == [kinds.count("comb"), kinds.count("ff"), len(layout.placement.plan.tap_columns)]
    box = axes.collections[0].get_paths()[0].get_extents()
    assert (box.width, box.height) == (pytest.approx(0.15), pytest.approx(0.1))
    with pytest.raises(HwsimError, match="as many kinds"):
        placement_figure(layout, kinds[1:])


def test_both_sides_are_drawn_on_one_scale(layout: Layout) -> None:
    figure = congestion_figure(layout, title="demand")
    images = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(images) == 2 and images[0].get_clim() == images[1].get_clim()
    assert np.array_equal(images[1].get_array(), layout.congestion[1].utilisation)


def test_one_side_is_one_panel(layout: Layout) -> None:
    single = Layout(layout.placement, technology(4, rows=TAPPED), np.where(layout.side == 1, 0, layout.side).astype(np.int8))
    assert sum(bool(axes.images) for axes in congestion_figure(single).axes) == 1
