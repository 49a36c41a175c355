"""Which parameter matters: the one-at-a-time tornado and Sobol indices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hwsim.core.errors import HwsimError
from hwsim.plot import style
from hwsim.plot.data import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["sensitivity_figure"]

SCHEMA = "hwsim.sensitivity/1"
LONGEST = 12


def sensitivity_figure(record: Record, *, width: str = "column") -> Figure:
    """Draw a ``hwsim.sensitivity/1`` record: the tornado, and Sobol indices beside it (double column) or below it where there are any.

    Raises `HwsimError` for another schema or a record without figures.

    >>> from hwsim.explore.sensitivity import sensitivity
    >>> space = {"trace": {"op": "matmul", "m": 1, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"], "metrics": ["latency_s"],
    ...          "parameters": {"dram_bytes_per_s": {"linspace": ["1 TB/s", "3 TB/s", 5]}}}
    >>> figure = sensitivity_figure(sensitivity(space, "latency_s", method="tornado").to_dict())
    >>> len(figure.axes)
    1
    """
    if record.get("schema") != SCHEMA:
        raise HwsimError(f"this is no sensitivity result: its schema is {record.get('schema')!r}, not {SCHEMA!r}")
    tornado, sobol = list(record.get("tornado") or ()), list(record.get("sobol") or ())
    panels = [p for p in (tornado, sobol) if p]
    if not panels:
        raise HwsimError("the sensitivity result is empty")
    heights = [0.75 + 0.24 * min(len(p), LONGEST) for p in panels]
    side = width == "double"
    with style.styled():
        figure = style.new_figure(width, max(heights) + 0.2 if side else sum(heights) + 0.2)
        made = figure.subplots(1 if side else len(panels), len(panels) if side else 1, squeeze=False,
                               height_ratios=None if side else heights).ravel()  # fmt: skip
        for axes, panel in zip(made, panels, strict=True):
            if panel is tornado:
                _tornado(axes, tornado, str(record["metric"]), float(record["base"]))
            else:
                _sobol(axes, sobol, str(record["metric"]))
    return figure


def end_text(bar: Mapping[str, Any], end: str) -> str:
    """Write the ``low`` or ``high`` value of a tornado's bar: a figure with its unit, or a choice as it is."""
    value = bar[end]
    return str(value) if isinstance(value, str | bool) else style.figure_text(float(value), bar.get("unit") or style.unit_of(bar["parameter"]))


def _tornado(axes: Axes, bars: Sequence[Mapping[str, Any]], metric: str, base: float) -> None:
    unit = style.unit_of(metric)
    ranked = sorted(bars, key=lambda b: -max(abs(b["at_low"] - base), abs(b["at_high"] - base), abs(b["at_high"] - b["at_low"])))[:LONGEST]
    change = np.array([[(b["at_low"] / base - 1) * 100, (b["at_high"] / base - 1) * 100] for b in ranked]) if base else np.zeros((len(ranked), 2))
    at = np.arange(len(ranked))
    axes.barh(at, change[:, 0], height=0.66, color=style.SKY, label="parameter at its low end")
    axes.barh(at, change[:, 1], height=0.66, color=style.VERMILION, label="at its high end")
    axes.axvline(0, color="black", lw=0.7)
    reach = max(float(np.abs(change).max()), 1e-9)
    left, right = min(change.min(), 0.0), max(change.max(), 0.0)
    for i, bar in enumerate(ranked):
        for end, which in ((0, "low"), (1, "high")):
            value = change[i, end]
            side = value < 0 if value or change[i, 1 - end] == 0 else change[i, 1 - end] > 0
            if value == 0 and change[i, 1 - end] == 0:
                side = end == 0
            crowded = np.sign(value) == np.sign(change[i, 1 - end]) and abs(value) < abs(change[i, 1 - end])
            if not crowded:
                axes.text(value + (-1 if side else 1) * reach * 0.03, i, end_text(bar, which), fontsize=5.5,
                          ha="right" if side else "left", va="center")  # fmt: skip
    room = (right - left) * 0.26 or 1.0
    axes.set(xlim=(left - room, right + room), ylim=(len(ranked) - 0.4, -0.6))
    axes.set_yticks(at, [style.short(style.words(b["parameter"]), 22) for b in ranked])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"change of {style.words(metric)} (%)\nfrom {style.figure_text(base, unit)}")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=1.0, columnspacing=0.9, fontsize=6.5)


def _sobol(axes: Axes, rows: Sequence[Mapping[str, Any]], metric: str) -> None:
    ranked = sorted(rows, key=lambda r: -r["total"])[:LONGEST]
    at = np.arange(len(ranked))
    error: dict[str, Any] = {"error_kw": {"lw": 0.6, "capsize": 1.5, "capthick": 0.6}}
    for name, word, colour, offset in (("first", "alone", style.BLUE, -0.19), ("total", "with interactions", style.ORANGE, 0.19)):
        axes.barh(at + offset, [max(r[name], 0.0) for r in ranked], xerr=[abs(r.get(f"{name}_conf", 0.0)) for r in ranked], height=0.36,
                  color=colour, label=word, **error)  # fmt: skip
    axes.set_yticks(at, [style.short(style.words(r["parameter"]), 22) for r in ranked])
    axes.set(ylim=(len(ranked) - 0.4, -0.6), xlim=(0, None), xlabel=f"Sobol index\n(share of the variance of {style.words(metric)})")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, handlelength=1.0, columnspacing=0.9, fontsize=6.5)
