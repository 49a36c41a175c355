"""Energy against latency of one workload on many chips, a mark per chip whose area is the silicon's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.core.errors import HwsimError
from hwsim.plot import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALLEST, LARGEST, PLAIN = 8.0, 200.0, 26.0  # points squared
SYMBOLS = ("o", "s", "^", "D", "v", "P", "X", "p", "h")


def landscape_figure(records: Sequence[Mapping[str, Any]], *, title: str = "", width: str = "double") -> Figure:
    """Draw the records of `hwsim.explore.landscape.records`. Marks grow with the area; hollow ones state none.

    Raises `HwsimError` when no chip states latency and energy.
    """
    shown = [r for r in records if r["latency_s"] and r["energy_j"]]
    if not shown:
        raise HwsimError("no chip states a latency and an energy for this workload")
    refused = sum(bool(r["refused"]) for r in records)
    from matplotlib.collections import PathCollection  # noqa: PLC0415  (only when a figure is made)

    with style.styled():
        figure = style.new_figure(width, 4.6)
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        _marks(axes, shown)
        axes.set_xlabel("latency (s)")
        axes.set_ylabel("energy (J)")
        left_out = len(records) - len(shown) - refused
        said = f"{len(shown)} chips; {refused} refuse" + (f"; {left_out} state no latency or energy" if left_out else "")
        axes.set_title(f"{title}: {said}" if title else said)
        axes.margins(0.14)
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), title="mark size: log of area\nhollow: no area stated", scatterpoints=1)
        for handle in legend.legend_handles:
            if isinstance(handle, PathCollection):
                handle.set_sizes([PLAIN])
    return figure


def _marks(axes: Axes, shown: Sequence[Mapping[str, Any]]) -> None:
    targets = list(dict.fromkeys(r["target"] for r in shown))
    areas = np.log([r["area_mm2"] for r in shown if r["area_mm2"]] or [1.0])
    low, high = float(areas.min()), float(areas.max())
    for i, target in enumerate(targets):
        colour, symbol = style.PALETTE[i % len(style.PALETTE)], SYMBOLS[i % len(SYMBOLS)]
        mine = [r for r in shown if r["target"] == target]
        for stated in (True, False):
            some = [r for r in mine if bool(r["area_mm2"]) is stated]
            if not some:
                continue
            sizes = [SMALLEST + (LARGEST - SMALLEST) * (np.log(r["area_mm2"]) - low) / max(high - low, 1e-9) if stated else PLAIN for r in some]
            label = target if stated or all(not r["area_mm2"] for r in mine) else None
            axes.scatter(
                [r["latency_s"] for r in some], [r["energy_j"] for r in some], s=sizes, marker=symbol, alpha=0.75,
                facecolors=colour if stated else "none", edgecolors=colour, linewidths=0.8, label=label,
            )  # fmt: skip
    _names(axes, shown)


def _names(axes: Axes, shown: Sequence[Mapping[str, Any]]) -> None:
    """Write a chip's name beside its mark where no earlier name stands; the rest are told by symbol."""
    taken: list[tuple[float, float]] = []
    x, y = np.log10([r["latency_s"] for r in shown]), np.log10([r["energy_j"] for r in shown])
    wide, tall = max(float(np.ptp(x)), 1e-9), max(float(np.ptp(y)), 1e-9)
    for r, a, b in zip(shown, x, y, strict=True):
        if all(abs(a - c) > 0.16 * wide or abs(b - d) > 0.035 * tall for c, d in taken):
            axes.annotate(r["chip"], (r["latency_s"], r["energy_j"]), xytext=(5, 3), textcoords="offset points", fontsize=6)
            taken.append((float(a), float(b)))
