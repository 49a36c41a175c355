"""When each resource works: a Gantt chart, and the Chrome trace JSON that Perfetto opens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.core.errors import HwsimError
from hwsim.core.report import Report
from hwsim.plot import style
from hwsim.plot.data import Span, spans_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Span", "report_spans", "report_trace", "spans_of_trace", "timeline_figure", "write_trace"]

SHOWN = 160  # tasks of a picture, unless a window is given
NAMED = 8
ADVICE = "a timeline needs the event engine: run with fidelity event (--fidelity event)"


def report_spans(report: Report) -> tuple[Span, ...]:
    """Return the tasks of an event-fidelity report. Raises `HwsimError` for an analytic one.

    >>> import hwsim
    >>> graph = hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8")
    >>> report = hwsim.simulate(graph, hwsim.load_chip("a100"), fidelity="event", interval=False)
    >>> spans = report_spans(report)
    >>> abs(max(span.start_s + span.length_s for span in spans) / report.latency_s - 1) < 1e-9
    True
    """
    spans = spans_of(report)
    if not spans:
        raise HwsimError(ADVICE)
    return spans


def lanes(spans: Sequence[Span]) -> list[int]:
    """Give each span a lane of its resource, so that spans of one lane do not overlap (a resource with several servers needs several)."""
    free: dict[str, list[float]] = {}
    found: list[int] = [0] * len(spans)
    for i in sorted(range(len(spans)), key=lambda i: spans[i].start_s):
        span, ends = spans[i], free.setdefault(spans[i].resource, [])
        slack = 1e-9 * max(abs(span.start_s), span.length_s)
        lane = next((n for n, end in enumerate(ends) if end <= span.start_s + slack), len(ends))
        if lane == len(ends):
            ends.append(0.0)
        ends[lane] = span.start_s + span.length_s
        found[i] = lane
    return found


def chrome_trace(spans: Sequence[Span], *, process: str = "hwsim", metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the Chrome trace (JSON object format): complete events in microseconds, one process, one thread for each server of each resource.

    Perfetto (ui.perfetto.dev) and chrome://tracing open it. Raises `HwsimError` without spans.
    Source: Trace Event Format, sections "JSON Object Format", "Complete Events" and "Metadata Events".
    """
    if not spans:
        raise HwsimError(ADVICE)
    lane = lanes(spans)
    tracks = sorted({(s.resource, n) for s, n in zip(spans, lane, strict=True)}, key=lambda t: (_first(spans, t[0]), t[1]))
    several = {resource for resource, n in tracks if n}
    thread = {track: i + 1 for i, track in enumerate(tracks)}
    events: list[dict[str, Any]] = [{"name": "process_name", "ph": "M", "pid": 1, "tid": 0, "args": {"name": process}}]
    for (resource, n), tid in thread.items():
        name = f"{resource} {n}" if resource in several else resource
        events.append({"name": "thread_name", "ph": "M", "pid": 1, "tid": tid, "args": {"name": name}})
        events.append({"name": "thread_sort_index", "ph": "M", "pid": 1, "tid": tid, "args": {"sort_index": tid}})
    for span, n in zip(spans, lane, strict=True):
        events.append({
            "name": span.label, "cat": span.mechanism, "ph": "X", "pid": 1, "tid": thread[span.resource, n], "ts": span.start_s * 1e6,
            "dur": span.length_s * 1e6, "args": {"operator": span.name, "mechanism": span.mechanism},
        })  # fmt: skip
    return {"traceEvents": events, "displayTimeUnit": "ns", "otherData": dict(metadata or {})}


def _first(spans: Sequence[Span], resource: str) -> int:
    return next(i for i, s in enumerate(spans) if s.resource == resource)


def report_trace(report: Report) -> dict[str, Any]:
    """Return the Chrome trace of an event-fidelity report. Raises `HwsimError` for an analytic one.

    >>> import hwsim
    >>> graph = hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8")
    >>> report = hwsim.simulate(graph, hwsim.load_chip("a100"), fidelity="event", interval=False)
    >>> sorted({event["ph"] for event in report_trace(report)["traceEvents"]})
    ['M', 'X']
    """
    program = report.cost.program
    metadata = {"trace": program.graph.name, "chip": program.chip.name, "fidelity": report.fidelity, "key": report.key, **report.versions}
    return chrome_trace(report_spans(report), process=f"{program.graph.name} on {program.chip.name}", metadata=metadata)


def spans_of_trace(trace: Mapping[str, Any]) -> tuple[Span, ...]:
    """Read the spans back from a Chrome trace that hwsim wrote. Raises `HwsimError` for one that lacks fields.

    >>> import hwsim
    >>> graph = hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8")
    >>> report = hwsim.simulate(graph, hwsim.load_chip("a100"), fidelity="event", interval=False)
    >>> [span.label for span in spans_of_trace(report_trace(report))] == [span.label for span in report_spans(report)]
    True
    """
    try:
        names = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M" and e["name"] == "thread_name"}
        return tuple(
            Span(e["args"]["operator"], e["name"], e["args"]["mechanism"], names[e["tid"]], e["ts"] * 1e-6, e["dur"] * 1e-6)
            for e in trace["traceEvents"] if e["ph"] == "X"
        )  # fmt: skip
    except (KeyError, TypeError) as bad:
        raise HwsimError(f"this Chrome trace was not written by hwsim: {bad} is missing") from None


def timeline_figure(
    spans: Sequence[Span], *, window_s: tuple[float, float] | None = None, by: str | None = None, title: str = "", width: str = "double"
) -> Figure:
    """Draw spans as bars, one row per resource, coloured by operator (`by` = ``label``) or by ``mechanism``; the longest are named in the legend.

    Left open, `by` is the operator unless all of them bear one label.
    Without a window a long run is cut after its first tasks, and the title says so. Raises `HwsimError` without spans in the window.

    >>> import hwsim
    >>> graph = hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8")
    >>> report = hwsim.simulate(graph, hwsim.load_chip("a100"), fidelity="event", interval=False)
    >>> len(timeline_figure(report_spans(report), by="mechanism").axes)
    1
    """
    shown = _window(spans, window_s)
    if not shown:
        raise HwsimError("no task runs in this window" if spans else ADVICE)
    by = by or ("label" if len({s.label for s in shown}) > 1 else "mechanism")
    start = min(s.start_s for s in shown) if window_s is None else window_s[0]
    end = max(s.start_s + s.length_s for s in shown) if window_s is None else window_s[1]
    factor, unit = style.prefix_for([end], "s")
    rows = sorted({s.resource for s in shown}, key=lambda r: _first(spans, r))
    totals: dict[str, float] = {}
    for span in shown:
        totals[getattr(span, by)] = totals.get(getattr(span, by), 0.0) + span.length_s
    names = sorted(totals, key=lambda n: -totals[n])
    colour = {n: style.PALETTE[i] for i, n in enumerate(names[: NAMED - 1])}
    with style.styled():
        figure = style.new_figure(width, 0.95 + 0.36 * len(rows) + (0.16 if width == "double" else 0.32))
        axes = figure.subplots()
        for name in names[: NAMED - 1] + (["others"] if len(names) >= NAMED else []):
            mine = [s for s in shown if (colour.get(getattr(s, by)) is None if name == "others" else getattr(s, by) == name)]
            for row, resource in enumerate(rows):
                bars = [(s.start_s / factor, s.length_s / factor) for s in mine if s.resource == resource]
                axes.broken_barh(bars, (row - 0.38, 0.76), color=colour.get(name, style.GREY), ec="white", lw=0.25)
            axes.bar([0], [0], color=colour.get(name, style.GREY), label=style.short(name, 18))
        axes.set_yticks(range(len(rows)), rows)
        axes.set(xlim=(start / factor, end / factor), ylim=(len(rows) - 0.5, -0.5), xlabel=f"time ({unit})", title=_caption(title, spans, shown))
        axes.tick_params(axis="y", length=0)
        figure.legend(loc="outside lower center", ncols=8 if width == "double" else 4, handlelength=1.0, columnspacing=1.0, fontsize=6.5)
    return figure


def _window(spans: Sequence[Span], window_s: tuple[float, float] | None) -> list[Span]:
    if window_s is not None:
        if not window_s[0] < window_s[1]:
            raise HwsimError(f"the window ends ({window_s[1]:g} s) before it starts ({window_s[0]:g} s)")
        return [s for s in spans if s.start_s < window_s[1] and s.start_s + s.length_s > window_s[0]]
    return sorted(spans, key=lambda s: s.start_s)[:SHOWN]


def _caption(title: str, spans: Sequence[Span], shown: Sequence[Span]) -> str:
    if len(shown) == len(spans):
        return title
    whole = style.figure_text(max(s.start_s + s.length_s for s in spans), "s")
    first = "first " if shown[0] is min(spans, key=lambda s: s.start_s) else ""
    note = f"{first}{len(shown):,} of {len(spans):,} tasks; the whole run takes {whole}"
    return f"{title}: {note}" if title else note


def write_trace(trace: Mapping[str, Any], path: str | Path) -> Path:
    """Write a Chrome trace as JSON. Raises `HwsimError` when the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_trace({"traceEvents": []}, f"{folder}/t.json").name
    't.json'
    """
    try:
        Path(path).write_text(json.dumps(trace, allow_nan=False), encoding="utf-8")
    except OSError as bad:
        raise HwsimError(f"{path}: cannot be written: {bad.strerror or bad}") from None
    return Path(path)
