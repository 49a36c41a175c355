"""Pictures of a placed block: its cells on their rows, and the demand for tracks on each side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError
from hwsim.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.targets.stdcell.layout import Layout

SIDES = ("front", "back")
KINDS = {"comb": style.SKY, "ff": style.VERMILION, "latch": style.PURPLE}
TAP = style.PALE


def placement_figure(layout: Layout, kinds: Sequence[str], *, title: str = "", width: str = "column") -> Figure:
    """Draw every cell as a rectangle on its row, coloured by what it is; `kinds` [cells] are ``comb``, ``ff`` or ``latch``.

    Raises `HwsimError` when `kinds` has another length than the block has cells.
    """
    p = layout.placement
    if len(kinds) != p.netlist.cells:
        raise HwsimError(f"a placement of {p.netlist.cells} cells needs as many kinds, got {len(kinds)}")
    with style.styled():
        from matplotlib.patches import Patch  # noqa: PLC0415

        figure = style.new_figure(width, _height(layout, style.WIDTHS.get(width, 3.4), 1))
        axes = figure.subplots()
        g, cells = p.plan.geometry, p.netlist.cells
        high, wide = p.rows * g.row_um, p.width_sites * g.site_um
        kind = np.array(kinds)
        shown = [name for name in KINDS if (kind == name).any()]
        for name in shown:
            at = np.flatnonzero(kind == name)
            _rectangles(axes, p.x[:cells][at] - wide[at] / 2, p.y[:cells][at] - high[at] / 2, wide[at], high[at], KINDS[name])
        columns = np.array(p.plan.tap_columns, dtype=np.float64) * g.site_um
        if len(columns):
            ones = np.ones(len(columns))
            _rectangles(axes, columns, 0 * ones, ones * g.tap_sites * g.site_um, ones * p.plan.height_um, TAP)
        axes.plot(p.x[cells:], p.y[cells:], ".", color=style.BLACK, markersize=2, clip_on=False)
        _frame(axes, layout)
        words = {"comb": "logic", "ff": "flip-flops", "latch": "latches"}
        handles = [Patch(color=KINDS[name], label=words[name]) for name in shown] + ([Patch(color=TAP, label="power taps")] if len(columns) else [])
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=len(handles), handlelength=1, columnspacing=1)
        axes.set_title(title or f"{p.netlist.name}: {cells:,} cells, utilisation {p.plan.utilisation:.1%}")
    return figure


def congestion_figure(layout: Layout, *, title: str = "", width: str = "double") -> Figure:
    """Draw the demand for tracks over their supply on each side that carries signals, on one scale."""
    maps = [c.utilisation for c in layout.congestion]
    with style.styled():
        size = style.WIDTHS.get(width, 7.0) / (1 if len(maps) > 1 else 2)
        figure = style.new_figure(width if len(maps) > 1 else "column", _height(layout, size, len(maps)))
        panels = np.atleast_1d(figure.subplots(1, len(maps), sharey=True))
        top = max(1.0, max(float(m.max()) for m in maps))
        image: Any = None
        for axes, demand, (which, stack) in zip(panels, maps, layout.stacks, strict=True):
            extent = (0.0, layout.placement.plan.width_um, 0.0, layout.placement.plan.height_um)
            image = axes.imshow(demand, origin="lower", extent=extent, cmap="viridis", vmin=0.0, vmax=top, interpolation="nearest")
            _frame(axes, layout)
            names = f"{stack.routing[0].name} to {stack.routing[-1].name}"
            axes.set_title(f"{SIDES[which]} ({names}): mean {demand.mean():.0%}, most {demand.max():.0%}")
        for axes in panels[1:]:
            axes.set_ylabel("")
        bar = figure.colorbar(image, ax=list(panels), label="tracks wanted / usable", pad=0.02, fraction=0.04)
        bar.outline.set_linewidth(0.5)
        if title:
            figure.suptitle(title)
    return figure


def _height(layout: Layout, width: float, panels: int) -> float:
    plan = layout.placement.plan
    return float(min(max((width / panels - 0.8) * plan.height_um / plan.width_um + 0.9, 2.2), 7.0))


def _frame(axes: Axes, layout: Layout) -> None:
    plan = layout.placement.plan
    axes.set_xlim(0, plan.width_um)
    axes.set_ylim(0, plan.height_um)
    axes.set_aspect("equal")
    axes.set_xlabel("x (µm)")
    axes.set_ylabel("y (µm)")


def _rectangles(axes: Axes, x: NDArray[Any], y: NDArray[Any], wide: NDArray[Any], high: NDArray[Any], colour: str) -> None:
    from matplotlib.collections import PolyCollection  # noqa: PLC0415

    corners = np.stack([np.stack([x, y], 1), np.stack([x + wide, y], 1), np.stack([x + wide, y + high], 1), np.stack([x, y + high], 1)], 1)
    axes.add_collection(PolyCollection(list(corners), facecolors=colour, edgecolors="white", linewidths=0.08, rasterized=True))
