"""Energy against latency of one workload on many chips, a mark per chip whose area is the silicon's."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hwsim.core.errors import HwsimError
from hwsim.plot import style
from hwsim.plot.labels import name_marks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SMALLEST, LARGEST, PLAIN = 8.0, 130.0, 26.0  # points squared
SYMBOLS = ("o", "s", "^", "D", "v", "P", "X", "p", "h")


def landscape_figure(records: Sequence[Mapping[str, Any]], *, title: str = "", width: str = "double") -> Figure:
    """Draw the records of `hwsim.explore.landscape.records`. Marks grow with the area; hollow ones state none.

    Raises `HwsimError` when no chip states latency and energy.
    """
    shown = [r for r in records if r["latency_s"] and r["energy_j"]]
    if not shown:
        raise HwsimError("no chip states a latency and an energy for this workload")
    refused = sum(bool(r["refused"]) for r in records)
    with style.styled():
        figure = style.new_figure(width, 5.4)
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        looks = _looks(records)
        marks = _marks(axes, shown, looks)
        axes.set_xlabel("latency (s)")
        axes.set_ylabel("energy (J)")
        left_out = len(records) - len(shown) - refused
        said = f"{len(shown)} chips; {refused} refuse" + (f"; {left_out} state no latency or energy" if left_out else "")
        axes.set_title(f"{title}: {said}" if title else said)
        axes.margins(0.08)
        _legends(axes, shown, looks)
        figure.draw_without_rendering()  # the axes take their place
        name_marks(axes, marks)
    return figure


def _sizes(areas: Sequence[float]) -> Callable[[float], float]:
    """Points squared of a mark by its silicon in mm2: a logarithmic scale over the areas shown."""
    low, high = min(areas, default=1.0), max(areas, default=1.0)
    return lambda area: SMALLEST + (LARGEST - SMALLEST) * math.log(area / low) / max(math.log(high / low), 1e-9)


def _looks(records: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """(colour, symbol) of each kind of silicon; over all records, refused ones too, so that pictures of several workloads agree."""
    names = sorted({r["target"] for r in records})
    return {name: (style.PALETTE[i % len(style.PALETTE)], SYMBOLS[i % len(SYMBOLS)]) for i, name in enumerate(names)}


def _marks(axes: Axes, shown: Sequence[Mapping[str, Any]], looks: Mapping[str, tuple[str, str]]) -> list[tuple[str, float, float, float]]:
    """Draw the marks; return (chip, latency, energy, radius in points) of each."""
    size = _sizes([r["area_mm2"] for r in shown if r["area_mm2"]])
    drawn = []
    for target, (colour, symbol) in looks.items():
        for r in (r for r in shown if r["target"] == target):
            area = r["area_mm2"]
            points = size(area) if area else PLAIN
            axes.scatter(
                [r["latency_s"]], [r["energy_j"]], s=points, marker=symbol, alpha=0.75, facecolors=colour if area else "none",
                edgecolors="#333333" if area else colour, linewidths=0.4 if area else 0.9,
            )  # fmt: skip
            drawn.append((r["chip"], r["latency_s"], r["energy_j"], math.sqrt(points) / 2))
    return drawn


def _legends(axes: Axes, shown: Sequence[Mapping[str, Any]], looks: Mapping[str, tuple[str, str]]) -> None:
    """Kinds of silicon by colour and symbol, and areas by the size of a mark."""
    from matplotlib.lines import Line2D  # noqa: PLC0415  (only when a figure is made)

    def mark(label: str, points: float, symbol: str, face: str, edge: str) -> Line2D:
        return Line2D([], [], linestyle="", marker=symbol, markersize=math.sqrt(points), markerfacecolor=face, markeredgecolor=edge, label=label)

    kinds = []
    for target, (colour, symbol) in looks.items():
        if mine := [r for r in shown if r["target"] == target]:
            kinds.append(mark(target, PLAIN, symbol, colour if any(r["area_mm2"] for r in mine) else "none", colour))
    axes.add_artist(axes.legend(handles=kinds, loc="upper left", bbox_to_anchor=(1.01, 1.0), title="kind of silicon", alignment="left"))
    areas = [r["area_mm2"] for r in shown if r["area_mm2"]]
    size = _sizes(areas)
    first, last = (round(math.log10(edge(areas, default=1.0))) for edge in (min, max))
    steps = range(first, last + 1, max(1, math.ceil((last - first) / 4)))
    sizes = [mark(f"{10.0**n:,.{max(0, -n)}f} mm2", max(SMALLEST, size(10.0**n)), "o", style.PALE, "#333333") for n in steps] if areas else []
    if any(not r["area_mm2"] for r in shown):
        sizes.append(mark("not stated", PLAIN, "o", "none", style.GREY))
    axes.legend(handles=sizes, loc="lower left", bbox_to_anchor=(1.01, 0.0), title="silicon area", alignment="left", labelspacing=0.9)
