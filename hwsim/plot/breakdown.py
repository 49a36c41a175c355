"""Where latency, energy and area go: sorted bars of one report, stacked bars of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.core.errors import HwsimError
from hwsim.plot import style
from hwsim.plot.data import ReportView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["breakdown_figure", "comparison_figure", "report_figure"]

PARTS = {
    "latency_s": "latency by operator", "latency_by_mechanism_s": "busy time by mechanism", "energy_j": "energy by component",
    "energy_by_rail_j": "energy by supply rail", "area_mm2": "area by component",
}  # fmt: skip
UNITS = {"latency_s": "s", "latency_by_mechanism_s": "s", "energy_j": "J", "energy_by_rail_j": "J", "area_mm2": "mm2"}
WORDS = {"latency_s": "latency", "latency_by_mechanism_s": "busy time", "energy_j": "energy", "energy_by_rail_j": "energy", "area_mm2": "area"}
LONGEST = 9


def breakdown_figure(parts: Mapping[str, Mapping[str, float]], *, title: str = "", width: str = "double") -> Figure:
    """Draw one panel of sorted bars for each of the breakdowns in `parts` that is not empty (`PARTS` names them, values in SI units or mm2).

    Raises `HwsimError` when there is nothing to draw.

    >>> figure = breakdown_figure({"latency_s": {"attention": 3e-3, "ffn": 7e-3}}, title="a toy")
    >>> len(figure.axes)
    1
    """
    shown = [name for name in PARTS if any(v > 0 for v in parts.get(name, {}).values())]
    if not shown:
        raise HwsimError("this report has no breakdown to draw: every part is zero")
    columns = min(2, len(shown)) if width == "double" else 1
    rows = -(-len(shown) // columns)
    bars = [max((len(style.top(parts[n], LONGEST)) for n in shown[i * columns : (i + 1) * columns]), default=1) for i in range(rows)]
    with style.styled():
        figure = style.new_figure(width, 0.25 + sum(0.62 + 0.155 * n for n in bars))
        panels = figure.subplots(rows, columns, squeeze=False, height_ratios=[2.0 + n for n in bars]).ravel()
        for i, (axes, name) in enumerate(zip(panels, shown, strict=False)):
            _bars(axes, parts[name], name, bars[i // columns])
        for axes in panels[len(shown) :]:
            axes.remove()
        if title:
            figure.suptitle(title, fontsize=8.5, x=0.01, ha="left")
    return figure


def _bars(axes: Axes, parts: Mapping[str, float], name: str, rows: int) -> None:
    """Draw sorted bars with their shares; `rows` bars have room, so that neighbouring panels have bars of one height."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter  # noqa: PLC0415

    ranked = style.top(parts, LONGEST)
    whole = sum(v for _, v in ranked)
    factor, unit = style.prefix_for([v for _, v in ranked], UNITS[name])
    values = np.array([v for _, v in ranked]) / factor
    at = np.arange(len(ranked))
    axes.barh(at, values, color=style.BLUE, height=0.72)
    for i, value in enumerate(values):
        axes.text(value + values.max() * 0.015, i, f"{value * factor / whole:.1%}", va="center", fontsize=6.5)
    axes.set_yticks(at, [style.short(part_text(name, n)) for n, _ in ranked])
    axes.set(title=PARTS[name], xlabel=f"{WORDS[name]} ({unit})", xlim=(0, values.max() * 1.17), ylim=(rows - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if values.max() >= 1000:
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def part_text(breakdown: str, name: str) -> str:
    """Write the name of a part: operators as the graph calls them, mechanisms and components in words.

    >>> part_text("energy_j", "sample_hold_energy"), part_text("latency_by_mechanism_s", "tcdm_stall"), part_text("latency_s", "silu_mul")
    ('sample hold', 'tcdm stall', 'silu_mul')
    """
    return name if breakdown == "latency_s" else name.removesuffix("_energy").replace("_", " ")


def report_figure(report: ReportView, *, width: str = "double") -> Figure:
    """Draw the breakdowns of one report. Raises `HwsimError` when there is nothing to draw.

    >>> import hwsim
    >>> from hwsim.plot.data import view
    >>> graph = hwsim.load_graph("llama3-8b", phase="decode", context=512)
    >>> report = hwsim.simulate(graph, hwsim.load_chip("a100"), interval=False)
    >>> figure = report_figure(view(report))
    >>> figure.axes[0].get_title(loc="left")
    'latency by operator'
    """
    return breakdown_figure(report.record["breakdown"], title=report.name, width=width)


def comparison_figure(reports: Sequence[ReportView], *, metric: str = "latency_s", width: str = "column") -> Figure:
    """Draw one stacked bar for each report, in shares of its own whole, with the total written beside it (`metric`: a key of `PARTS`).

    Raises `HwsimError` when no report has that breakdown.

    >>> import hwsim
    >>> from hwsim.plot.data import view
    >>> graph = hwsim.load_graph("llama3-8b", phase="decode", context=512)
    >>> reports = hwsim.compare(graph, [hwsim.load_chip("a100"), hwsim.load_chip("wse2")], interval=False)
    >>> [label.get_text().split()[0] for label in comparison_figure([view(r) for r in reports]).axes[0].get_yticklabels()]
    ['a100', 'wse2']
    """
    parts = [dict(r.record["breakdown"].get(metric, {})) for r in reports]
    if not any(v > 0 for p in parts for v in p.values()):
        raise HwsimError(f"none of the reports has a breakdown of {metric}")
    names = _together(parts)
    colour = style.colours(names)
    with style.styled():
        figure = style.new_figure(width, 1.15 + 0.34 * len(reports) + 0.14 * (-(-len(names) // 4)))
        axes = figure.subplots()
        at = np.arange(len(reports))
        left = np.zeros(len(reports))
        for name in names:
            shares = np.array([_share(p, name, names) for p in parts])
            label = style.short(part_text(metric, name), 18)
            axes.barh(at, shares * 100, left=left * 100, color=colour[name], label=label, height=0.62, edgecolor="white", lw=0.4)
            left += shares
        unit = UNITS.get(metric, style.unit_of(metric))
        axes.set_yticks(at, [f"{r.record['chip']}\n{style.figure_text(sum(p.values()), unit)}" for r, p in zip(reports, parts, strict=True)])
        axes.set(xlabel=f"share of {WORDS.get(metric, metric)} (%)", xlim=(0, 100), ylim=(len(reports) - 0.5, -0.5), title=_title(reports))
        figure.legend(loc="outside lower center", ncols=4, fontsize=6.5, handlelength=1.0, columnspacing=1.0)
    return figure


def _title(reports: Sequence[ReportView]) -> str:
    return reports[0].name.rsplit(" on ", 1)[0]


def _together(parts: Sequence[Mapping[str, Any]], limit: int = 8) -> list[str]:
    """The names with the largest shares anywhere; the last one gathers the rest."""
    weight: dict[str, float] = {}
    for found in parts:
        whole = sum(found.values()) or 1.0
        for name, value in found.items():
            weight[name] = max(weight.get(name, 0.0), value / whole)
    ranked = [n for n, w in sorted(weight.items(), key=lambda kv: -kv[1]) if w > 0]
    return ranked if len(ranked) <= limit else [*ranked[: limit - 1], f"{len(ranked) - limit + 1} more"]


def _share(parts: Mapping[str, float], name: str, names: Sequence[str]) -> float:
    whole = sum(parts.values())
    if not whole:
        return 0.0
    found = parts[name] if name in parts else sum(v for k, v in parts.items() if k not in names) if name == names[-1] and "more" in name else 0.0
    return found / whole
