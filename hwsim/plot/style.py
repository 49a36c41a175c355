"""The look that all figures share: colour-blind safe colours, column widths, axis labels with units, and how a figure becomes a file."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError, nearest
from hwsim.core.units import METRIC_UNITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip  (Okabe and Ito's palette)
GREY, PALE = "#7F7F7F", "#D0D0D0"
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, SKY, PURPLE, YELLOW, GREY)
WIDTHS = {"column": 3.4, "double": 7.0}  # inches: one and two columns of a paper
FORMATS = (".png", ".svg", ".pdf")
HIGHER_IS_BETTER = frozenset({
    "tokens_per_s", "inferences_per_s", "tops", "tops_per_w", "tops_per_mm2", "tokens_per_j", "macs_per_cycle", "utilisation", "frequency_hz",
    "max_tokens", "speedup", "bandwidth_bytes_per_s",
})  # fmt: skip
WORDS = {
    "latency_s": "latency", "energy_j": "energy", "power_w": "power", "area_mm2": "silicon area", "tokens_per_s": "throughput",
    "inferences_per_s": "throughput", "tops": "throughput", "tops_per_w": "efficiency", "tops_per_mm2": "density", "clock_hz": "clock",
    "frequency_hz": "clock", "cycles": "cycles", "macs": "MACs", "energy_per_mac_j": "energy per MAC",
}  # fmt: skip
_SUFFIXES = (("_bytes_per_s", "B/s"), ("_bits_per_s", "bit/s"), ("_hz", "Hz"), ("_bytes", "B"), ("_mm2", "mm2"), ("_cycles", "cycles"),
             ("_j", "J"), ("_w", "W"), ("_s", "s"), ("_v", "V"), ("_m", "m"))  # fmt: skip
SMALL_MM2 = 0.01  # areas below are written in square micrometres
_SI = ("Hz", "s", "J", "W", "B", "B/s", "bit/s", "V", "m", "J/MAC", "OP/s")
_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P"}
_RC: Any = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "legend.fontsize": 7, "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7,
    "axes.titlelocation": "left", "lines.linewidth": 1.2, "figure.dpi": 100, "savefig.dpi": 300, "pdf.fonttype": 42, "svg.hashsalt": "hwsim",
    "hatch.linewidth": 0.5,
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Draw with hwsim's settings; those of the caller come back afterwards."""
    import matplotlib as mpl  # noqa: PLC0415  (only when a figure is made)

    with mpl.rc_context(_RC):
        yield


def new_figure(width: str = "column", height_in: float = 2.4) -> Figure:
    """Return an empty figure, 3.4 (``column``) or 7.0 inches (``double``) wide. Raises `HwsimError` for another width."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (only when a figure is made)

    if width not in WIDTHS:
        raise HwsimError(f"unknown figure width '{width}'{nearest(width, WIDTHS)}; there are {', '.join(WIDTHS)}")
    return Figure(figsize=(WIDTHS[width], height_in), layout="constrained")


def check_format(path: str | Path) -> None:
    """Refuse a file name that is no picture. Raises `HwsimError`."""
    if Path(path).suffix.lower() not in FORMATS:
        raise HwsimError(f"{path}: a picture's name ends in {', '.join(FORMATS)}")


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF, by the suffix; equal figures give equal files. Raises `HwsimError` (suffix, folder, disk)."""
    check_format(path)
    target = Path(path)
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(target.suffix.lower(), {})
    try:
        with styled():
            figure.savefig(target, metadata=metadata)
    except OSError as bad:
        raise HwsimError(f"{path}: cannot be written: {bad.strerror or bad}") from None
    return target


def unit_of(name: str) -> str:
    """Return the SI unit of a metric or parameter by its name, the empty string when the name tells none.

    >>> unit_of("latency_s"), unit_of("dram_bytes_per_s"), unit_of("mapping.grid")
    ('s', 'B/s', '')
    """
    if name in METRIC_UNITS:
        return METRIC_UNITS[name]
    return next((unit for suffix, unit in _SUFFIXES if name.endswith(suffix)), "")


def words(name: str) -> str:
    """Return a metric's or parameter's name for readers.

    >>> words("latency_s"), words("mapping.grid"), words("hop_latency_cycles")
    ('latency', 'grid', 'hop latency')
    """
    if name in WORDS:
        return WORDS[name]
    short = name.removeprefix("mapping.").removeprefix("trace.")
    suffix = next((s for s, _ in _SUFFIXES if short.endswith(s)), "")
    return short.removesuffix(suffix).replace("_", " ")


def prefix_for(values: Any, unit: str) -> tuple[float, str]:
    """Return (factor, unit with prefix) that bring the largest of `values` between 1 and 1000; units that take no prefix keep factor 1."""
    found = np.abs(np.asarray(values, dtype=float))
    found = found[np.isfinite(found) & (found > 0)]
    if unit == "mm2" and found.size and found.max() < SMALL_MM2:
        return 1e-6, "µm²"
    if unit not in _SI or not found.size:
        return 1.0, unit.replace("mm2", "mm²")
    power = min(max(3 * math.floor(math.log10(float(found.max()) * 1.0000001) / 3), -18), 15)
    return 10.0**power, _PREFIXES[power] + unit


def scaled(name: str, values: Any) -> tuple[Floats, str]:
    """Return (values in a handy unit, axis label with that unit) for a metric or parameter in SI units.

    >>> scaled("latency_s", [2e-4, 3e-4])[1]
    'latency (µs)'
    """
    factor, unit = prefix_for(values, unit_of(name))
    label = words(name)
    return np.asarray(values, dtype=float) / factor, f"{label} ({unit})" if unit and unit != label else label


def figure_text(value: float, unit: str = "") -> str:
    """Write a figure for a label, three digits and a prefix.

    >>> figure_text(0.000383, "s"), figure_text(0.0, "J"), figure_text(46225.0, "mm2")
    ('383 µs', '0 J', '46,225 mm²')
    """
    if unit == "mm2" and 0 < abs(value) < SMALL_MM2:
        value, unit = value * 1e6, "µm²"
    if unit not in _SI:
        number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
        return f"{number} {unit.replace('mm2', 'mm²')}".strip()
    factor, prefixed = prefix_for([float(f"{value:.3g}")], unit)
    return f"{float(f'{value / factor:.3g}'):g} {prefixed}".strip()


def parameter_text(name: str, value: Any) -> str:
    """Write one parameter of a design point: ``clock 850 MHz``, ``grid 420x420``."""
    text = figure_text(float(value), unit_of(name)) if isinstance(value, int | float | np.number) and not isinstance(value, bool) else str(value)
    return f"{words(name)} {text}"


def colours(names: Sequence[str]) -> dict[str, str]:
    """Give each name a colour of the palette, in order; beyond eight names the palette starts again."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def spread(values: Any) -> float:
    """Largest over smallest of the positive values (1 when there are none): above about 30 an axis is better logarithmic."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found) & (found > 0)]
    return float(found.max() / found.min()) if found.size else 1.0


def short(text: str, limit: int = 26) -> str:
    """Cut a long name in its middle.

    >>> short("abcdefghij", 7)
    'abc…hij'
    """
    if len(text) <= limit:
        return text
    half = (limit - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def top(parts: Mapping[str, float], limit: int) -> list[tuple[str, float]]:
    """Return the largest parts first; those beyond `limit` together as the last entry, ``N more``."""
    ranked = sorted(((k, v) for k, v in parts.items() if v > 0), key=lambda kv: -kv[1])
    if len(ranked) <= limit:
        return ranked
    rest = ranked[limit - 1 :]
    return [*ranked[: limit - 1], (f"{len(rest)} more", sum(v for _, v in rest))]


_ANGLES = np.radians((20, 160, -20, 200, 90, -90, 50, -50, 130, 230))
_OFFSETS = [(d * math.cos(a), d * math.sin(a)) for d in (7.0, 12.0, 18.0, 25.0, 33.0, 42.0, 55.0) for a in _ANGLES]
Box = tuple[float, float, float, float]


def label_points(
    axes: Axes, xs: Sequence[float], ys: Sequence[float], texts: Sequence[str], radii_pt: Sequence[float], *, size: float = 6.5,
    avoid: Floats | None = None,
) -> int:  # fmt: skip
    """Write a text beside each point with a leader to it, where it covers no point, line, other text or edge; returns how many found room.

    First come, first served, at the nearest place that hides few of the cloud `avoid` (n x 2, data coordinates). `radii_pt` are the points' radii in
    typographic points; an empty text stands for a point without one. A text without room is left out. O(texts x (texts + cloud)).
    """
    figure = axes.get_figure(root=True)
    if figure is None:
        raise HwsimError("labels need axes on a figure")
    figure.draw_without_rendering()
    scale = figure.dpi / 72.0
    centres = axes.transData.transform(np.column_stack([xs, ys]))
    marks: list[Box] = [(x - r * scale, y - r * scale, x + r * scale, y + r * scale) for (x, y), r in zip(centres, radii_pt, strict=True)]
    written: list[Box] = []
    lines = _line_points(axes)
    cloud = axes.transData.transform(avoid) if avoid is not None and len(avoid) else np.zeros((0, 2))
    for own, (text, radius) in enumerate(zip(texts, radii_pt, strict=True)):
        best: tuple[float, Any, Box, Floats] | None = None
        for dx, dy in _OFFSETS if text else ():
            note = _note(axes, text, (xs[own], ys[own]), (dx, dy), radius, size)
            box, reach = _text_box(note), 1 + radius / math.hypot(dx, dy)
            leader = np.linspace(centres[own], centres[own] + np.array([dx, dy]) * reach * scale, 24)
            crossed = sum(_covered(mark, leader) > 0 for mark in marks[:own] + marks[own + 1 :])
            near = _covered((box[0] - 12, box[1] - 12, box[2] + 12, box[3] + 12), np.delete(centres, own, axis=0))
            cost = math.hypot(dx, dy) / 8 + 1.5 * math.log1p(_covered(box, cloud)) + 4 * (crossed + near)
            if (best is None or cost < best[0]) and _free(axes, box, leader, [*marks, *written], written, lines):
                if best is not None:
                    best[1].remove()
                best = (cost, note, box, leader)
            else:
                note.remove()
        if best is not None:
            written.append(best[2])
            lines = np.concatenate([lines, best[3]])
    return len(written)


def _note(axes: Axes, text: str, point: tuple[float, float], offset: tuple[float, float], radius: float, size: float) -> Any:
    (dx, dy), reach = offset, 1 + radius / math.hypot(*offset)
    return axes.annotate(
        text, point, (dx * reach, dy * reach), textcoords="offset points", fontsize=size, zorder=5,
        ha="left" if dx > 1 else "right" if dx < -1 else "center", va="center",
        arrowprops={"arrowstyle": "-", "lw": 0.5, "color": BLACK, "shrinkA": 0, "shrinkB": radius * 0.6},
        bbox={"boxstyle": "square,pad=0.05", "fc": "white", "ec": "none", "alpha": 0.8},
    )  # fmt: skip


def _free(axes: Axes, box: Box, leader: Floats, taken: Sequence[Box], written: Sequence[Box], lines: Floats) -> bool:
    """Tell whether a text's box lies inside the axes and off all marks, texts and lines, and its leader off all texts."""
    frame = axes.get_window_extent()
    inside = frame.x0 <= box[0] and box[2] <= frame.x1 and frame.y0 <= box[1] and box[3] <= frame.y1
    return inside and not any(_overlap(box, other) for other in taken) and not _covered(box, lines) and not any(_covered(b, leader) for b in written)


def _text_box(note: Any) -> Box:
    """The extent of an annotation's text without its leader, in pixels."""
    from matplotlib.text import Text  # noqa: PLC0415

    note.update_positions(note.get_figure(root=True)._get_renderer())
    extent = Text.get_window_extent(note)
    return (extent.x0 - 1, extent.y0 - 1, extent.x1 + 1, extent.y1 + 1)


def _line_points(axes: Axes) -> Floats:
    """Points along every line of the axes, in pixels, a few pixels apart."""
    found = [np.zeros((0, 2))]
    for line in axes.lines:
        corners = axes.transData.transform(np.asarray(line.get_xydata(), dtype=float))
        for a, b in itertools.pairwise(corners):
            steps = int(min(max(np.abs(b - a).max() / 3, 2), 2000)) if np.isfinite(b - a).all() else 0
            found.append(a + (b - a) * np.linspace(0, 1, steps)[:, None])
    return np.concatenate(found)


def _covered(box: Box, points: Floats) -> int:
    """Number of points in a box."""
    x, y = points[:, 0], points[:, 1]
    return int(np.count_nonzero((x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])))


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
