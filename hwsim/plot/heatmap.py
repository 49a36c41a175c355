"""A metric over two parameters of a sweep, as coloured cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, nearest
from hwsim.plot import style
from hwsim.plot.data import Points
from hwsim.plot.pareto import choose_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["heatmap_figure", "sweep_figure"]

TICKS = 8
WRITTEN = 70  # cells: more than that carry no figures


def values_of(column: NDArray[Any]) -> list[Any]:
    """Distinct values in order: numbers by size, texts such as ``420x420`` by the numbers in them."""
    return sorted(set(column.tolist()), key=_order)


def _order(value: Any) -> tuple[int, tuple[float, ...], str]:
    if isinstance(value, int | float):
        return 0, (float(value),), ""
    parts = str(value).replace(",", "x").split("x")
    numbers = all(p.strip().replace(".", "", 1).isdigit() for p in parts)
    return 1, tuple(float(p) for p in parts) if numbers else (), str(value)


def heatmap_figure(
    columns: Sequence[Any], rows: Sequence[Any], cells: NDArray[np.float64], *, x: str, y: str, metric: str, title: str = "", width: str = "column"
) -> Figure:
    """Draw `cells` (rows x columns, SI units, NaN where nothing could be built) over the values of parameters `x` and `y`; the best is ringed.

    Raises `HwsimError` for a shape that does not fit or cells without a figure.

    >>> figure = heatmap_figure([1e9, 2e9], [1, 2], np.array([[3e-3, 2e-3], [2e-3, 1e-3]]), x="clock_hz", y="cores", metric="latency_s")
    >>> len(figure.axes) >= 1
    True
    """
    if cells.shape != (len(rows), len(columns)):
        raise HwsimError(f"heat map: {cells.shape} cells for {len(rows)} rows and {len(columns)} columns")
    if not np.isfinite(cells).any():
        raise HwsimError("heat map: no cell has a figure, since no point is feasible")
    shown, label = style.scaled(metric, cells)
    with style.styled():
        from matplotlib.colors import LogNorm, Normalize  # noqa: PLC0415
        from matplotlib.patches import Rectangle  # noqa: PLC0415
        from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415

        figure = style.new_figure(width, min(max(1.3 + 0.22 * len(rows), 2.3), 4.6))
        axes = figure.subplots()
        low, high = float(np.nanmin(shown)), float(np.nanmax(shown))
        norm = LogNorm(low, high) if low > 0 and high / low > 20 else Normalize(low, high)
        axes.set_facecolor("white")
        axes.patch.set(hatch="////", edgecolor=style.PALE)
        better_high = metric in style.HIGHER_IS_BETTER
        image = axes.pcolormesh(np.ma.masked_invalid(shown), cmap="viridis" if better_high else "viridis_r", norm=norm, rasterized=True)
        arrow = "higher is better" if better_high else "lower is better"
        bar = figure.colorbar(image, ax=axes, label=f"{label}\n{arrow}", pad=0.02)
        bar.ax.tick_params(labelsize=6.5)
        if isinstance(norm, LogNorm):
            bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
            bar.ax.yaxis.set_minor_formatter(NullFormatter())
        bar.outline.set_linewidth(0.5)
        if cells.size <= WRITTEN:
            _write(axes, shown, norm)
        best = divmod(int(np.nanargmax(shown) if better_high else np.nanargmin(shown)), shown.shape[1])
        axes.add_patch(Rectangle((best[1], best[0]), 1, 1, fill=False, ec=style.VERMILION, lw=1.6, zorder=4, clip_on=False))
        _ticks(axes, columns, rows, x, y)
        hollow = int(np.isnan(cells).sum())
        place = f"{style.parameter_text(x, columns[best[1]])}, {style.parameter_text(y, rows[best[0]])}"
        lines = [f"best: {style.figure_text(float(cells[best]), style.unit_of(metric))} at {place}",
                 f"hatched: infeasible ({hollow} of {cells.size} cells)" if hollow else "", title]  # fmt: skip
        axes.set_title("\n".join(line for line in lines if line), fontsize=7)
    return figure


def _write(axes: Axes, shown: NDArray[np.float64], norm: Any) -> None:
    reverse = axes.collections[0].get_cmap().name.endswith("_r")
    size = 6.0 if shown.shape[1] <= 8 else 5.0
    for (i, j), value in np.ndenumerate(shown):
        if np.isfinite(value):
            depth = float(norm(value))
            dark = depth > 0.55 if reverse else depth < 0.45
            axes.text(j + 0.5, i + 0.5, f"{value:.3g}" if value < 1000 else f"{value:,.0f}", ha="center", va="center", fontsize=size,
                      color="white" if dark else "black")  # fmt: skip


def _ticks(axes: Axes, columns: Sequence[Any], rows: Sequence[Any], x: str, y: str) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    for axis, values, name in ((axes.xaxis, columns, x), (axes.yaxis, rows, y)):
        at = np.arange(0, len(values), -(-len(values) // TICKS), dtype=float)
        if not all(isinstance(v, int | float) for v in values):
            texts, label = [style.short(str(values[int(i)]), 14) for i in at], style.words(name)
        else:
            numbers, label = style.scaled(name, values)
            shown = numbers[at.astype(int)]
            if len(values) > TICKS:  # too many for a tick each: round numbers, at their places between the cells
                shown = np.array([v for v in MaxNLocator(5).tick_values(numbers[0], numbers[-1]) if numbers[0] <= v <= numbers[-1]])
                at = np.interp(shown, numbers, np.arange(len(values)))
            texts = [f"{v:.4g}" for v in shown]
        axis.set_ticks(at + 0.5, texts)
        axis.set_label_text(label)
    if max(len(t.get_text()) for t in axes.get_xticklabels()) * len(axes.get_xticklabels()) > 44:
        for text in axes.get_xticklabels():
            text.set(rotation=40, ha="right", rotation_mode="anchor")
    axes.tick_params(length=2)


def cells_of(points: Points, x: str, y: str, metric: str) -> tuple[list[Any], list[Any], NDArray[np.float64]]:
    """Return (values of x, values of y, best metric of each cell over all other parameters; NaN where no point is feasible)."""
    across, up = values_of(points.columns[x]), values_of(points.columns[y])
    place_x, place_y = {v: i for i, v in enumerate(across)}, {v: i for i, v in enumerate(up)}
    sign = -1.0 if metric in style.HIGHER_IS_BETTER else 1.0
    figures = sign * np.where(points.ok, np.asarray(points.columns[metric], float), np.nan)
    cells = np.full((len(up), len(across)), np.inf)
    at = ([place_y[v] for v in points.columns[y].tolist()], [place_x[v] for v in points.columns[x].tolist()])
    np.minimum.at(cells, at, np.where(np.isfinite(figures), figures, np.inf))
    return across, up, sign * np.where(np.isfinite(cells), cells, np.nan)


def sweep_figure(points: Points, *, x: str | None = None, y: str | None = None, metric: str | None = None, width: str = "column") -> Figure:
    """Draw a metric of a sweep over two of its parameters. Raises `HwsimError` when fewer than two vary or a name is unknown.

    >>> from tempfile import TemporaryDirectory
    >>> from hwsim.explore.sweep import sweep
    >>> from hwsim.plot.data import read_sweep
    >>> space = {"trace": {"op": "matmul", "m": 64, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"],
    ...          "metrics": ["latency_s", "energy_j"],
    ...          "parameters": {"sm_count": {"list": [54, 108]}, "dram_bytes_per_s": {"list": ["1 TB/s", "2 TB/s"]}}}
    >>> with TemporaryDirectory() as folder:
    ...     points = read_sweep(sweep(space, folder).folder)
    >>> len(sweep_figure(points, metric="latency_s").axes) >= 1
    True
    """
    for name in (x, y, metric):
        if name is not None and name not in points.columns:
            raise HwsimError(f"the sweep has no column '{name}'{nearest(name, points.columns)}; it has {', '.join(points.columns)}")
    ranked = sorted(points.varied, key=lambda n: -len(set(points.columns[n].tolist())))
    across = x or next((n for n in ranked if n != y), None)
    up = y or next((n for n in ranked if n != across), None)
    if across is None or up is None:
        raise HwsimError(f"a heat map needs two parameters that vary; here {', '.join(points.varied) or 'none'} varies")
    metric = metric or choose_axes(points)[0]
    columns, rows, cells = cells_of(points, across, up, metric)
    others = [style.words(n) for n in points.varied if n not in (across, up)]
    title = f"each cell: the best over {', '.join(others)}" if others else ""
    return heatmap_figure(columns, rows, cells, x=across, y=up, metric=metric, title=title, width=width)
