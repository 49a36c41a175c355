"""Maps of a wafer: which cores a program occupies and how full their memory is; which links of a mesh a program loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError
from hwsim.plot import style
from hwsim.plot.data import ReportView

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["report_figure", "wafer_figure"]

PHASES = {"prefill_grid": "prefill", "decode_grid": "decode", "grid": ""}


@dataclass(frozen=True)
class Region:
    """A program rectangle, `width` x `height` cores, laid out `copies` times; `bytes_per_core` of SRAM in use (NaN: not reported)."""

    name: str
    width: int
    height: int
    copies: float = 1.0
    bytes_per_core: float = float("nan")


def regions_of(report: ReportView) -> tuple[tuple[int, int], float, list[Region]]:
    """Return (usable fabric in cores, SRAM bytes of a core, program rectangles) of a wafer's report.

    Raises `HwsimError` for a report of another target or one whose record does not tell the fabric.
    """
    if report.record["target"] != "wafer_mesh":
        raise HwsimError(f"a wafer map needs a report of target wafer_mesh; this one is of {report.record['target']}")
    missing = [n for n in ("grid_usable", "sram_bytes_per_core") if n not in report.constants]
    if missing:
        raise HwsimError(f"the report does not state {', '.join(missing)} of its chip (a changed or unshipped one): draw from the Report object")
    fabric = report.constants["grid_usable"][0]
    mapping, figures = report.record["options"]["mapping"], report.record["resources"]
    given = {word: mapping[key] for key, word in PHASES.items() if mapping.get(key)}
    if not given:
        raise HwsimError("the report's mapping names no grid")
    phase = report.record["options"]["trace"].get("phase", "")
    last = list(given)[-1]
    regions = [
        Region(word or phase or "program", int(w), int(h), float(figures.get("copies", 1.0)) if word == last else 1.0,
               float(figures.get("sram_bytes_per_core", np.nan)) if word == last else float("nan"))
        for word, (w, h) in given.items()
    ]  # fmt: skip
    return (int(fabric[0]), int(fabric[1])), float(report.constants["sram_bytes_per_core"][0]), regions


def wafer_figure(
    fabric: tuple[int, int], sram_bytes: float, regions: Sequence[Region], *, title: str = "", width: str = "column"
) -> Figure:
    """Draw the usable fabric (width, height in cores) once per region, the region's copies on it coloured by SRAM in use.

    Raises `HwsimError` without regions, or for one that is larger than the fabric.

    >>> figure = wafer_figure((750, 994), 48 * 1024, [Region("decode", 420, 420, 20e3)])
    >>> len(figure.axes) >= 1
    True
    """
    if not regions or any(r.width > fabric[0] or r.height > fabric[1] for r in regions):
        raise HwsimError("a wafer map needs program rectangles that fit the fabric" if regions else "there is no program rectangle to draw")
    with style.styled():
        from matplotlib.cm import ScalarMappable  # noqa: PLC0415
        from matplotlib.colors import Normalize  # noqa: PLC0415

        per_panel = style.WIDTHS.get(width, 3.4) / len(regions) - 0.55 - 0.6 / len(regions)
        figure = style.new_figure(width, min(max(per_panel * fabric[1] / fabric[0] + 0.85, 2.2), 4.4))
        made = figure.subplots(1, len(regions), squeeze=False).ravel()
        scale = ScalarMappable(Normalize(0, sram_bytes / 1024), "viridis_r")
        for axes, region in zip(made, regions, strict=True):
            _panel(axes, fabric, sram_bytes, region, scale)
        bar = figure.colorbar(scale, ax=list(made), label="SRAM in use per core (KiB)", pad=0.03, fraction=0.05)
        bar.outline.set_linewidth(0.5)
        if title:
            figure.suptitle(title, fontsize=8, x=0.02, ha="left")
    return figure


def _panel(axes: Axes, fabric: tuple[int, int], sram_bytes: float, region: Region, scale: Any) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    known = np.isfinite(region.bytes_per_core)
    colour = scale.to_rgba(region.bytes_per_core / 1024) if known else style.PALE
    axes.add_patch(Rectangle((0, 0), *fabric, fc="white", ec="black", lw=1.0, hatch="....", zorder=1))
    places = _places(fabric, region)
    for x, y in places:
        axes.add_patch(Rectangle((x, y), region.width, region.height, fc=colour, ec="white", lw=1.0, zorder=2))
    axes.add_patch(Rectangle((0, 0), *fabric, fill=False, ec="black", lw=1.0, zorder=4))
    pale = not known or region.bytes_per_core / sram_bytes < 0.5
    used = f"\n{region.bytes_per_core / 1024:.1f} of {sram_bytes / 1024:.0f} KiB" if known else "\n(SRAM not stated)"
    axes.text(region.width / 2, region.height / 2, f"{region.width} × {region.height}{used}", ha="center", va="center", zorder=3,
              fontsize=6.5 if region.width > fabric[0] * 0.38 else 5.5 if region.width > fabric[0] * 0.3 else 4.5,
              color="black" if pale else "white")  # fmt: skip
    whole = f"\n{len(places)} whole copies\n(counted as {region.copies:.2f})" if region.copies > 1 and len(places) > 1 else ""
    axes.set_title(f"{region.name}{whole}", fontsize=7)
    axes.set(xlim=(-0.02 * fabric[0], 1.02 * fabric[0]), ylim=(1.02 * fabric[1], -0.02 * fabric[1]), aspect="equal", xlabel="core column",
             ylabel="core row")  # fmt: skip
    axes.set_xticks([0, fabric[0]])
    axes.set_yticks([0, fabric[1]])
    axes.xaxis.labelpad = axes.yaxis.labelpad = -8
    axes.spines[:].set_visible(False)


def _places(fabric: tuple[int, int], region: Region) -> list[tuple[int, int]]:
    """Corners of the whole copies that fit side by side, no more than the region has."""
    across, down = fabric[0] // region.width, fabric[1] // region.height
    corners = [(i * region.width, j * region.height) for j in range(down) for i in range(across)]
    return corners[: max(1, int(region.copies))]


def link_figure(links: NDArray[Any], cycles: float, *, title: str = "", width: str = "double") -> Figure:
    """Draw what each core of a mesh sends: `links` is (height, width, 4), wavelets north, south, east, west, as `MeshRun.links`; `cycles` the run's.

    The colour is a share of the link's peak of one wavelet a cycle (the busier of each pair). Raises `HwsimError` for another shape.
    """
    if links.ndim != 3 or links.shape[2] != 4 or cycles <= 0:
        raise HwsimError(f"link map: links of shape {links.shape} over {cycles:g} cycles; needed are (height, width, 4) and positive cycles")
    use = np.asarray(links, dtype=float) / cycles * 100
    panels: Mapping[str, NDArray[Any]] = {
        "links east and west": use[:, :, 2:].max(axis=2), "links north and south": use[:, :, :2].max(axis=2),
    }  # fmt: skip
    side = width == "double"
    with style.styled():
        figure = style.new_figure(width, 3.1 if side else 5.6)
        made = figure.subplots(1 if side else 2, 2 if side else 1, squeeze=False).ravel()
        top = max(float(use.max()), 1e-9)
        for axes, (name, shares) in zip(made, panels.items(), strict=True):
            image = axes.imshow(shares, cmap="viridis_r", vmin=0, vmax=top, interpolation="nearest")
            axes.set(xlabel="core column", ylabel="core row")
            axes.set_title(f"{name}:\nup to {shares.max():.0f} %", loc="center", fontsize=7)
            axes.spines[:].set_visible(True)
        bar = figure.colorbar(image, ax=list(made), label="busier link of the core (% of one wavelet a cycle)", pad=0.02, fraction=0.05,
                              location="right" if side else "bottom")  # fmt: skip
        bar.outline.set_linewidth(0.5)
        if title:
            figure.suptitle(title, fontsize=8, x=0.02, ha="left")
    return figure


def report_figure(report: ReportView, *, width: str = "column") -> Figure:
    """Draw the program rectangles of a wafer's report. Raises `HwsimError` for another target.

    >>> import hwsim
    >>> from hwsim.plot.data import view
    >>> graph = hwsim.load_graph("llama3-8b", phase="decode", context=512)
    >>> report = hwsim.simulate(graph, hwsim.load_chip("wse2"), interval=False)
    >>> len(report_figure(view(report)).axes) >= 1
    True
    """
    fabric, sram_bytes, regions = regions_of(report)
    return wafer_figure(fabric, sram_bytes, regions, title=report.name, width=width)
