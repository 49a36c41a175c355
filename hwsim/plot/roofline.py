"""The roofline: operators by arithmetic intensity and achieved rate, below the ceilings of arithmetic and memory."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.core.errors import HwsimError, nearest
from hwsim.plot import style
from hwsim.plot.data import ReportView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["report_figure", "roofline_figure"]

CLOSE = 0.06  # decades: operators nearer than this share one mark
LABELS = 6


@dataclass(frozen=True)
class Mark:
    """One or more operators at one place: names, OP/B, OP/s, share of the run's time. A MAC is two operations."""

    names: tuple[str, ...]
    intensity: float
    rate: float
    share: float


@dataclass(frozen=True)
class Ceilings:
    """Arithmetic peaks in OP/s and memory bandwidths in B/s, both by name."""

    peaks: Mapping[str, float]
    bandwidths: Mapping[str, float]


def marks_of(report: ReportView, level: str) -> list[Mark]:
    """Return the operators that have MACs and move bytes at `level`, most time first; those at one place as one mark."""
    found: list[Mark] = []
    for row in report.record["ops"]:
        moved, macs = row.get("bytes", {}).get(level, 0.0), row.get("macs", 0.0)
        if not (moved and macs and row["latency_s"]):
            continue
        mark = Mark((row["label"],), 2 * macs / moved, 2 * macs / row["latency_s"], row["share"])
        twin = next((i for i, m in enumerate(found) if _close(m, mark)), None)
        if twin is None:
            found.append(mark)
        else:
            old = found[twin]
            names = old.names if row["label"] in old.names else (*old.names, row["label"])
            found[twin] = Mark(names, old.intensity, old.rate, old.share + mark.share)
    return sorted(found, key=lambda m: -m.share)


def _close(a: Mark, b: Mark) -> bool:
    return math.hypot(math.log10(a.intensity / b.intensity), math.log10(a.rate / b.rate)) < CLOSE


def ceilings_of(report: ReportView) -> Ceilings:
    """Return what the report knows of its peaks: operations over roofline cycles per number format, and the bandwidths of memory levels.

    A bandwidth is known where the chip states `LEVEL_bytes_per_s` (per device) or `LEVEL_bytes_per_cycle` (per core), or that of a mode
    (`LEVEL_MODE_bytes_per_cycle`): the least that no operator goes beyond; where every one is passed, none of them was the bound.
    """
    clock = report.record["cycles"] / report.record["latency_s"]
    peaks: dict[str, float] = {}
    for row in report.record["ops"]:
        if row.get("macs") and row.get("roofline_cycles"):
            peaks[row["dtype"]] = max(peaks.get(row["dtype"], 0.0), 2 * row["macs"] / row["roofline_cycles"] * clock)
    bandwidths: dict[str, float] = {}
    for level, moved in report.record["bytes"].items():
        fastest = max((row["bytes"].get(level, 0.0) / row["latency_s"] for row in report.record["ops"] if row["latency_s"]), default=0.0)
        if held := [rate for rate in _stated_rates(report, level, clock) if moved and rate >= fastest * (1 - 1e-6)]:
            bandwidths[level] = min(held)
    return Ceilings(peaks, bandwidths)


def _stated_rates(report: ReportView, level: str, clock: float) -> list[float]:
    """Bandwidths in B/s that the chip states for a memory level."""
    figures = report.record.get("resources", {})
    if rate := report.constants.get(f"{level}_bytes_per_s"):
        return [float(rate[0]) * float(figures.get("devices", 1))]
    mode = re.compile(rf"{re.escape(level)}_(\w+_)?bytes_per_cycle")
    return [float(v) * float(figures.get("cores", 1)) * clock for name, (v, _) in report.constants.items() if mode.fullmatch(name) and v]


def choose_level(report: ReportView, level: str | None = None) -> str:
    """Return the memory level to draw: `level`, else the slowest with a known bandwidth, else the busiest. Raises `HwsimError`."""
    moved = {k: v for k, v in report.record["bytes"].items() if v}
    if not moved:
        raise HwsimError("a roofline needs bytes moved, and this report counts none")
    if level is not None:
        if level not in moved:
            raise HwsimError(f"no bytes are moved at level '{level}'{nearest(level, moved)}; there are {', '.join(moved)}")
        return level
    known = ceilings_of(report).bandwidths
    return min(known, key=lambda k: known[k] / moved[k]) if known else max(moved, key=lambda k: moved[k])


def roofline_figure(marks: Sequence[Mark], ceilings: Ceilings, *, level: str = "", title: str = "", width: str = "column") -> Figure:
    """Draw marks below ceilings; a mark's area grows with its share of time, and the ones with most time are named.

    Raises `HwsimError` without marks.

    >>> figure = roofline_figure([Mark(("matmul",), 4.0, 2e12, 1.0)], Ceilings({"fp16": 1e14}, {"dram": 2e12}))
    >>> figure.axes[0].get_yscale()
    'log'
    """
    if not marks:
        raise HwsimError("no operator has both MACs and bytes moved, so there is no roofline to draw")
    peak = max(ceilings.peaks.values(), default=0.0)
    rates = [m.rate for m in marks] + ([peak] if peak else [])
    ridges = [peak / b for b in ceilings.bandwidths.values() if peak]
    low_x, high_x = _decades([m.intensity for m in marks] + ridges)
    low_y, high_y = _decades(rates)
    with style.styled():
        figure = style.new_figure(width, 2.7)
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlim=(low_x, high_x), ylim=(low_y, high_y))
        lines = _ceilings(axes, ceilings, peak, (low_x, high_x))
        radii = [1.8 + 4.2 * math.sqrt(min(m.share, 1.0)) for m in marks]
        axes.scatter([m.intensity for m in marks], [m.rate for m in marks], s=[(2 * r) ** 2 for r in radii], color=style.ORANGE, ec="black",
                     lw=0.5, alpha=0.9, zorder=3)  # fmt: skip
        at = f" at {level}" if level else ""
        axes.set(xlabel=f"arithmetic intensity{at} (OP/B)", ylabel="achieved rate (OP/s)", title=title)
        _rate_ticks(axes)
        if lines:
            figure.legend(handles=lines, loc="outside lower center", handlelength=1.6, ncols=2 if width == "column" else 4, columnspacing=1.2)
        named = list(marks[:LABELS])
        texts = [style.short(", ".join(m.names), 28) + f" {_percent(m.share)}" for m in named]
        style.label_points(axes, [m.intensity for m in marks], [m.rate for m in marks], texts + [""] * (len(marks) - len(named)), radii)
    return figure


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"


def _decades(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return low / 5, high * 3.2


def _ceilings(axes: Axes, ceilings: Ceilings, peak: float, span: tuple[float, float]) -> list[Any]:
    """Draw the roof: bandwidth slopes up to the peak, then flat. Returns the legend's handles."""
    handles: list[Any] = []
    for (name, rate), colour in zip(_distinct(ceilings.peaks).items(), (style.BLUE, style.SKY, style.PURPLE, style.GREY), strict=False):
        handles += axes.plot(span, [rate, rate], color=colour, label=f"peak {name}: {style.figure_text(rate, 'OP/s')}")
    x = np.geomspace(*span, 200)
    for (name, bandwidth), colour in zip(ceilings.bandwidths.items(), (style.VERMILION, style.GREEN, style.GREY), strict=False):
        roof = np.minimum(x * bandwidth, peak or np.inf)
        handles += axes.plot(x, roof, color=colour, ls="--", label=f"{name}: {style.figure_text(bandwidth, 'B/s')}")
    return handles


def _distinct(peaks: Mapping[str, float]) -> dict[str, float]:
    """Peaks by format; formats with the same peak share a line."""
    by_rate: dict[str, list[str]] = {}
    for name, rate in peaks.items():
        by_rate.setdefault(f"{rate:.3g}", []).append(name)
    return {", ".join(names): peaks[names[0]] for names in by_rate.values()}


def _rate_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415

    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: style.figure_text(v, "OP/s").removesuffix("OP/s").strip()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.minorticks_off()


def report_figure(report: ReportView, *, level: str | None = None, width: str = "column") -> Figure:
    """Draw the roofline of one report at one memory level. Raises `HwsimError` when it has no bytes or no MACs.

    >>> import hwsim
    >>> from hwsim.plot.data import view
    >>> graph = hwsim.load_graph("llama3-8b", phase="decode", context=512)
    >>> report = hwsim.simulate(graph, hwsim.load_chip("a100"), interval=False)
    >>> report_figure(view(report)).axes[0].get_xscale()
    'log'
    """
    chosen = choose_level(report, level)
    known = ceilings_of(report)
    mine = {k: v for k, v in known.bandwidths.items() if k == chosen}
    return roofline_figure(marks_of(report, chosen), Ceilings(known.peaks, mine), level=chosen, title=report.name, width=width)
