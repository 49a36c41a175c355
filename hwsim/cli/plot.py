"""The command that draws: plot; and how run and compare write their pages and timelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, working, write_json
from hwsim.core.errors import HwsimError, nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hwsim.core.report import Report

KINDS = ("breakdown", "roofline", "pareto", "timeline", "sensitivity", "heatmap", "wafer_map")
FROM = {  # which kinds a source can be drawn as; the first is drawn unless another is asked for
    "report": ("breakdown", "roofline", "wafer_map"), "comparison": ("breakdown",), "sweep": ("pareto", "heatmap", "sensitivity"),
    "sensitivity": ("sensitivity",), "trace": ("timeline",),
}  # fmt: skip
ADVICE = {
    "timeline": "write one with hwsim run ... --fidelity event --timeline F, then plot F", "sensitivity": "plot a folder that holds sensitivity.json",
    **dict.fromkeys(("pareto", "heatmap"), "plot a sweep's folder"),
    **dict.fromkeys(("breakdown", "roofline", "wafer_map"), "plot the --json file of a run"),
}  # fmt: skip
Html = Annotated[str | None, typer.Option("--html", metavar="FILE", help="Write one self-contained HTML page.", show_default=False)]
Timeline = Annotated[str | None, typer.Option("--timeline", metavar="FILE", help="Write a Chrome trace for Perfetto (needs --fidelity event).",
                                              show_default=False)]  # fmt: skip


def plot(
    source: Annotated[str, typer.Argument(metavar="DIR_OR_REPORT", help="A sweep's folder, a JSON file of run or compare, or a --timeline file.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="A .png, .svg or .pdf picture, or an .html page.")],
    kind: Annotated[str | None, typer.Option(help=", ".join(KINDS) + ".", show_default=False)] = None,
    x: Annotated[str | None, typer.Option(help="Column across (pareto, heatmap).", show_default=False)] = None,
    y: Annotated[str | None, typer.Option(help="Column up (pareto, heatmap).", show_default=False)] = None,
    metric: Annotated[str | None, typer.Option(help="Metric of a heat map, or breakdown of a comparison.", show_default=False)] = None,
    level: Annotated[str | None, typer.Option(help="Memory level of a roofline.", show_default=False)] = None,
    window: Annotated[str | None, typer.Option(metavar="START:END", help="Part of a timeline, such as '0 us:20 us'.", show_default=False)] = None,
    by: Annotated[str | None, typer.Option(help="Colour a timeline by operator or mechanism.", show_default=False)] = None,
    width: Annotated[str | None, typer.Option(help="column (3.4 in) or double (7 in).", show_default=False)] = None,
    json: o.Json = None,
) -> None:
    """Draw a picture, or write an HTML page, of a report, a comparison, a sweep or a timeline."""
    check_writable(json)
    check_writable(output, "-o")
    from hwsim.plot import data  # noqa: PLC0415  (only once the options are parsed)

    if not Path(source).exists():
        raise HwsimError(f"there is no '{source}'; plot takes a sweep's folder or a JSON file of run or compare")
    found = data.kind_of(source)
    with working(f"drawing {source}"):
        if Path(output).suffix.lower() in (".html", ".htm"):
            drawn = "page"
            _page(found, source, output)
        else:
            drawn = _kind(kind, found, source)
            asked = {"x": x, "y": y, "metric": metric, "level": level, "window": window, "by": by, "width": width}
            _picture(drawn, found, source, output, asked)
    if json is not None:
        write_json({"schema": "hwsim.plot/1", "source": source, "kind": drawn, "file": output}, json)
    if json != STDOUT:
        console().print(f"{drawn} of {source}: {output}")


def _kind(kind: str | None, found: str, source: str) -> str:
    """Return the kind to draw. Raises `HwsimError` for an unknown one or one that the source cannot be drawn as."""
    if kind is None:
        return FROM[found][0]
    kind = kind.replace("-", "_")
    if kind not in KINDS:
        raise HwsimError(f"--kind '{kind}'{nearest(kind, KINDS)}; there are {', '.join(KINDS)}")
    if kind not in FROM[found]:
        raise HwsimError(f"{source} holds a {found}, which cannot be drawn as {kind} (can: {', '.join(FROM[found])}); {ADVICE[kind]}")
    return kind


def _page(found: str, source: str, output: str) -> None:
    from hwsim.plot import data, html  # noqa: PLC0415  (as above)

    if found == "report":
        html.write_report(source, output)
    elif found == "comparison":
        html.write_comparison(data.read_json(source)["reports"], output)
    elif found == "sweep":
        html.write_sweep(source, output)
    else:
        raise HwsimError(f"{source} holds a {found}; pages are made of reports, comparisons and sweeps")


def _picture(kind: str, found: str, source: str, output: str, asked: Mapping[str, Any]) -> None:
    from hwsim.plot import style  # noqa: PLC0415  (as above)

    style.check_format(output)
    style.save(_DRAW[kind](found, source, asked), output)


def _breakdown(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import breakdown, data  # noqa: PLC0415  (as above)

    if found == "report":
        return breakdown.report_figure(data.view(source), width=asked["width"] or "double")
    reports = [data.view(r) for r in data.read_json(source)["reports"]]
    return breakdown.comparison_figure(reports, metric=asked["metric"] or "latency_s", width=asked["width"] or "column")


def _roofline(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import data, roofline  # noqa: PLC0415  (as above)

    return roofline.report_figure(data.view(source), level=asked["level"], width=asked["width"] or "column")


def _wafer_map(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import data, wafer_map  # noqa: PLC0415  (as above)

    return wafer_map.report_figure(data.view(source), width=asked["width"] or "column")


def _pareto(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import data, pareto  # noqa: PLC0415  (as above)

    return pareto.sweep_figure(data.read_sweep(source), x=asked["x"], y=asked["y"], width=asked["width"] or "column")


def _heatmap(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import data, heatmap  # noqa: PLC0415  (as above)

    return heatmap.sweep_figure(data.read_sweep(source), x=asked["x"], y=asked["y"], metric=asked["metric"], width=asked["width"] or "column")


def _sensitivity(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import data, sensitivity  # noqa: PLC0415  (as above)

    path = Path(source) / "sensitivity.json" if Path(source).is_dir() else Path(source)
    if not path.is_file():
        raise HwsimError(f"{source} holds no sensitivity.json")
    return sensitivity.sensitivity_figure(data.read_json(path), width=asked["width"] or "column")


def _timeline(found: str, source: str, asked: Mapping[str, Any]) -> Figure:
    from hwsim.plot import data, timeline  # noqa: PLC0415  (as above)

    groups = {"operator": "label", "mechanism": "mechanism"}
    if asked["by"] is not None and asked["by"] not in groups:
        raise HwsimError(f"--by '{asked['by']}': a timeline is coloured by operator or mechanism")
    trace = data.read_json(source)
    title = str(next((e["args"]["name"] for e in trace["traceEvents"] if e.get("name") == "process_name"), ""))
    window = None if asked["window"] is None else _window(asked["window"])
    return timeline.timeline_figure(timeline.spans_of_trace(trace), window_s=window, by=groups.get(asked["by"]), title=title,
                                    width=asked["width"] or "double")  # fmt: skip


_DRAW: Mapping[str, Callable[[str, str, Mapping[str, Any]], Figure]] = {
    "breakdown": _breakdown, "roofline": _roofline, "wafer_map": _wafer_map, "pareto": _pareto, "heatmap": _heatmap, "sensitivity": _sensitivity,
    "timeline": _timeline,
}  # fmt: skip


def _window(text: str) -> tuple[float, float]:
    """Read ``START:END`` with units of time. Raises `HwsimError`."""
    start, colon, end = text.partition(":")
    ends = [o.parse_value(part.strip(), HwsimError) for part in (start, end)]
    if not colon or not all(isinstance(e, int | float) and (e == 0 or " " in p.strip()) for e, p in zip(ends, (start, end), strict=True)):
        raise HwsimError(f"--window '{text}': write it as START:END with units, such as '0 us:20 us'")
    return float(ends[0]), float(ends[1])


def check_outputs(html: str | None, timeline: str | None, fidelity: str) -> None:
    """Refuse, before any work, pages and timelines that cannot be written. Raises `HwsimError`."""
    for path, option in ((html, "--html"), (timeline, "--timeline")):
        if path == STDOUT:
            raise HwsimError(f"{option} -: goes to a file, not to standard output")
        check_writable(path, option)
    if html is not None:
        from hwsim.plot.html import require  # noqa: PLC0415  (as above)

        require()
    if timeline is not None and fidelity != "event":
        from hwsim.plot.timeline import ADVICE as EVENT  # noqa: PLC0415  (as above)

        raise HwsimError(f"--timeline: {EVENT}")


def write_outputs(reports: Sequence[Report], html: str | None, timeline: str | None) -> None:
    """Write the page of a report (or of a comparison, for several) and the timeline of the first. Raises `HwsimError`."""
    if html is not None:
        from hwsim.plot import html as page  # noqa: PLC0415  (as above)

        if len(reports) == 1:
            page.write_report(reports[0], html)
        else:
            page.write_comparison(reports, html)
    if timeline is not None:
        from hwsim.plot import timeline as gantt  # noqa: PLC0415

        gantt.write_trace(gantt.report_trace(reports[0]), timeline)
