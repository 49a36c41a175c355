"""The Pareto front of a sweep with the cloud of dominated points behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, nearest
from hwsim.plot import style
from hwsim.plot.data import Points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["pareto_figure", "sweep_figure"]

Columns = Mapping[str, NDArray[Any]]
APART = 0.12  # of the axes' lengths: points of the front that are nearer share a label
PREFERRED = ("latency_s", "energy_j", "area_mm2", "power_w")


def front_of(x: NDArray[Any], y: NDArray[Any], *, higher_x: bool = False, higher_y: bool = False) -> NDArray[np.bool_]:
    """Mark the points that no other point beats on both axes (lower is better unless told otherwise); NaN is on no front. O(n log n).

    Of equal points the first is kept.
    """
    from hwsim.explore.pareto import front_mask  # noqa: PLC0415  (loads the engines, which other figures do not need)

    points = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    best = finite[front_mask(points[finite], (higher_x, higher_y))]
    front = np.zeros(len(points), dtype=bool)
    front[best[np.unique(points[best], axis=0, return_index=True)[1]]] = True
    return front


def choose_axes(points: Points, x: str | None = None, y: str | None = None) -> tuple[str, str]:
    """Return the two metrics to draw: those asked for, else latency and energy, or what varies. Raises `HwsimError` for an unknown one."""
    known = [m for m in points.metrics if np.isfinite(np.asarray(points.columns[m], float)[points.ok]).any()] if points.ok.any() else []
    for name in (x, y):
        if name is not None and name not in points.columns:
            raise HwsimError(f"the sweep has no column '{name}'{nearest(name, points.columns)}; it has {', '.join(points.columns)}")
    if not known:
        raise HwsimError(f"{points.space or 'sweep'}: no feasible point has a metric to draw")
    varied = [m for m in known if np.ptp(np.asarray(points.columns[m], float)[points.ok]) > 0] or known
    ranked = sorted(varied, key=lambda m: PREFERRED.index(m) if m in PREFERRED else len(PREFERRED))
    first = x or next((m for m in ranked if m != y), ranked[0])
    return first, y or next((m for m in ranked if m != first), first)


def pareto_figure(
    points: Columns, x: str, y: str, front: NDArray[np.bool_], *, labels: Sequence[str] = (), refused: int = 0, title: str = "", width: str = "column"
) -> Figure:
    """Draw columns `x` against `y` (SI units): the front as a line, the rest as a cloud; `labels` name parameters written at points of the front.

    `refused` is the number of points that could not be built, said in the legend. Raises `HwsimError` for a column that is missing or an empty front.

    >>> points = {"latency_s": np.array([1e-3, 2e-3, 3e-3]), "energy_j": np.array([3.0, 1.0, 2.0])}
    >>> len(pareto_figure(points, "latency_s", "energy_j", np.array([True, True, False])).axes)
    1
    """
    for name in (x, y, *labels):
        if name not in points:
            raise HwsimError(f"there is no column '{name}'{nearest(name, points)}")
    if not front.any():
        raise HwsimError("the Pareto front is empty: no point is feasible")
    (xs, x_label), (ys, y_label) = style.scaled(x, points[x]), style.scaled(y, points[y])
    cloud = ~front & np.isfinite(xs) & np.isfinite(ys)
    order = np.flatnonzero(front)[np.argsort(xs[front])]
    with style.styled():
        figure = style.new_figure(width, 2.75)
        axes = figure.subplots()
        log = [style.spread(v[cloud | front]) > 20 for v in (xs, ys)]
        axes.set(xscale="log" if log[0] else "linear", yscale="log" if log[1] else "linear")
        if cloud.any():
            axes.scatter(xs[cloud], ys[cloud], s=5, color=style.SKY, alpha=0.45, lw=0, label=f"dominated ({cloud.sum():,})", rasterized=True)
        axes.plot(xs[order], ys[order], "o-", color=style.VERMILION, ms=3.5, mec="black", mew=0.3, label=f"Pareto front ({front.sum():,})", zorder=3)
        if refused:
            axes.plot([], [], "x", color=style.GREY, ms=4, label=f"infeasible, not shown ({refused:,})")
        axes.set(xlabel=x_label + _better(x), ylabel=y_label + _better(y), title=title)
        axes.margins(0.1, 0.16)
        _plain_ticks(axes, log)
        figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=1.4)
        if labels:
            _name_points(axes, points, labels, (xs, ys), order, _spaced(order, xs, ys, log, 4), cloud)
    return figure


def _name_points(
    axes: Axes, points: Columns, labels: Sequence[str], places: tuple[style.Floats, style.Floats], order: NDArray[Any], chosen: NDArray[Any],
    cloud: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Write the parameters `labels` beside the `chosen` points of the front, off its other points and, where possible, off the cloud."""
    xs, ys = places
    rest = order[~np.isin(order, chosen)][:500]
    shown = np.concatenate([chosen, rest])
    texts = ["\n".join(style.parameter_text(n, points[n][i]) for n in labels) for i in chosen] + [""] * len(rest)
    hidden = np.column_stack([xs[cloud], ys[cloud]])[:: 1 + int(cloud.sum()) // 5000]
    style.label_points(axes, xs[shown].tolist(), ys[shown].tolist(), texts, [2.0] * len(shown), size=6.0, avoid=hidden)


def _better(name: str) -> str:
    return ", higher is better" if name in style.HIGHER_IS_BETTER else ", lower is better" if name in PREFERRED else ""


def _plain_ticks(axes: Axes, log: Sequence[bool]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: PLC0415

    for axis, is_log in zip((axes.xaxis, axes.yaxis), log, strict=True):
        if is_log:
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 200 else (1.0,)))
            axis.set_minor_formatter(NullFormatter())
            axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _spaced(order: NDArray[Any], xs: NDArray[Any], ys: NDArray[Any], log: Sequence[bool], count: int) -> NDArray[Any]:
    """Pick points of the front, ends first, that lie evenly along it and far enough apart to be told apart."""
    x, y = (np.log10(v) if is_log else v for v, is_log in ((xs, log[0]), (ys, log[1])))
    spans = [float(np.ptp(v[np.isfinite(v)])) or 1.0 for v in (x, y)]
    places = np.column_stack([x[order] / spans[0], y[order] / spans[1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))])
    at = np.unique(np.searchsorted(along, np.linspace(0, along[-1] * 0.999999, count)))
    picked: list[int] = []
    for i in (int(at[0]), int(at[-1]), *at[1:-1].tolist()):
        if all(np.hypot(*(places[i] - places[p])) > APART for p in picked):
            picked.append(i)
    return np.asarray(order[picked])


def sweep_figure(points: Points, *, x: str | None = None, y: str | None = None, width: str = "column") -> Figure:
    """Draw the Pareto front of a sweep folder's points. Raises `HwsimError` when no point is feasible or a column is unknown.

    >>> from tempfile import TemporaryDirectory
    >>> from hwsim.explore.sweep import sweep
    >>> from hwsim.plot.data import read_sweep
    >>> space = {"trace": {"op": "matmul", "m": 64, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"],
    ...          "metrics": ["latency_s", "energy_j"],
    ...          "parameters": {"sm_count": {"list": [54, 108]}, "dram_bytes_per_s": {"list": ["1 TB/s", "2 TB/s"]}}}
    >>> with TemporaryDirectory() as folder:
    ...     points = read_sweep(sweep(space, folder).folder)
    >>> len(sweep_figure(points, x="latency_s", y="energy_j").axes)
    1
    """
    x, y = choose_axes(points, x, y)
    ok = points.ok
    kept = {n: np.asarray(v)[ok] for n, v in points.columns.items()}
    front = front_of(kept[x], kept[y], higher_x=x in style.HIGHER_IS_BETTER, higher_y=y in style.HIGHER_IS_BETTER)
    return pareto_figure(kept, x, y, front, labels=telling(points.varied, kept, front)[:2], refused=int((~ok).sum()), title="", width=width)


def telling(names: Sequence[str], columns: Columns, front: NDArray[np.bool_]) -> list[str]:
    """Parameters whose values differ along the front, the one with the fewest values first; without any, those that all of it shares."""
    values = {n: len({str(v) for v in columns[n][front]}) for n in names}
    differing = sorted((n for n in names if values[n] > 1), key=lambda n: values[n])
    return differing or list(names)
