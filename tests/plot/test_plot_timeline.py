"""Timelines: Chrome traces against the format, and the Gantt chart."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import hwsim
from hwsim.core.errors import HwsimError
from hwsim.plot import data, timeline
from hwsim.plot.data import Span

METADATA = {"process_name": "name", "thread_name": "name", "thread_sort_index": "sort_index"}


def check_chrome_trace(trace: Mapping[str, Any]) -> None:
    """Hold a trace against the JSON object format: known keys only, complete events in named threads, none overlapping in its thread."""
    assert set(trace) <= {"traceEvents", "displayTimeUnit", "otherData"} and trace["displayTimeUnit"] in ("ms", "ns")
    named, threads = set(), {}
    for event in trace["traceEvents"]:
        assert event["ph"] in ("M", "X") and isinstance(event["name"], str) and event["name"]
        assert all(type(event[k]) is int for k in ("pid", "tid"))
        if event["ph"] == "M":
            assert set(event) == {"name", "ph", "pid", "tid", "args"} and set(event["args"]) == {METADATA[event["name"]]}
            if event["name"] == "thread_name":
                assert (event["pid"], event["tid"]) not in named
                named.add((event["pid"], event["tid"]))
        else:
            assert set(event) == {"name", "cat", "ph", "pid", "tid", "ts", "dur", "args"}
            assert isinstance(event["ts"], float) and event["ts"] >= 0 and isinstance(event["dur"], float) and event["dur"] > 0
            threads.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    assert set(threads) == named
    for spans in threads.values():
        spans.sort()
        assert all(a[1] <= b[0] * (1 + 1e-9) + 1e-9 for a, b in itertools.pairwise(spans))


def test_trace_of_the_toy(simulated: Callable[..., Any], tmp_path: Path) -> None:
    report = simulated(fidelity="event", interval=False)
    path = timeline.write_trace(timeline.report_trace(report), tmp_path / "t.json")
    trace = json.loads(path.read_text())
    check_chrome_trace(trace)
    names = [e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"]
    assert names == ["array", "link"]  # one track per resource, in the order in which they start
    work = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert len(work) == len(list(report.cost.program.tasks(report.cost.values)))
    assert max(e["ts"] + e["dur"] for e in work) == pytest.approx(report.latency_s * 1e6)
    for index, resource in enumerate(names, 1):
        busy = sum(e["dur"] for e in work if e["tid"] == index) * 1e-6
        assert busy == pytest.approx(report.cost.schedule.busy[resource] / report.cost.program.clock_hz)
    assert trace["otherData"]["key"] == report.key
    assert timeline.spans_of_trace(trace) == pytest.approx(timeline.report_spans(report)) or len(timeline.spans_of_trace(trace)) == len(work)


def test_trace_of_the_wafer(tmp_path: Path) -> None:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=512, layers=1)
    report = hwsim.simulate(graph, hwsim.load_chip("wse2"), {"grid": (120, 120), "workload_mode": "paper_faithful"}, fidelity="event", interval=False)
    check_chrome_trace(timeline.report_trace(report))


def test_servers_of_one_resource_get_tracks_of_their_own() -> None:
    spans = [Span("a", "a", "m", "core", 0.0, 2e-6), Span("b", "b", "m", "core", 1e-6, 2e-6), Span("c", "c", "m", "core", 2e-6, 1e-6)]
    assert timeline.lanes(spans) == [0, 1, 0]
    trace = timeline.chrome_trace(spans)
    check_chrome_trace(trace)
    assert [e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"] == ["core 0", "core 1"]
    back = timeline.spans_of_trace(trace)
    assert [s.name for s in back] == ["a", "b", "c"] and back[1].length_s == pytest.approx(2e-6)


def test_analytic_reports_have_no_timeline(simulated: Callable[..., Any]) -> None:
    report = simulated(interval=False)
    assert data.spans_of(report) == ()
    with pytest.raises(HwsimError, match="fidelity event"):
        timeline.report_trace(report)
    with pytest.raises(HwsimError, match="fidelity event"):
        timeline.timeline_figure([])


def test_foreign_and_unwritable_traces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HwsimError, match="not written by hwsim"):
        timeline.spans_of_trace({"traceEvents": [{"ph": "X", "name": "x"}]})
    with pytest.raises(HwsimError, match="cannot be written"):
        timeline.write_trace({}, tmp_path / "no" / "t.json")


@pytest.mark.parametrize("width", ["column", "double"])
@pytest.mark.parametrize("by", ["label", "mechanism"])
def test_gantt_chart(simulated: Callable[..., Any], readable: Callable[[Any], None], width: str, by: str) -> None:
    figure = timeline.timeline_figure(timeline.report_spans(simulated(fidelity="event", interval=False)), by=by, width=width, title="toy")
    readable(figure)
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["array", "link"] and axes.get_xlabel() == "time (µs)"


def test_window_and_cut_are_said(readable: Callable[[Any], None]) -> None:
    spans = [Span(f"op{i}", f"kind{i % 11}", "m", "core", i * 1e-6, 1e-6) for i in range(400)]
    figure = timeline.timeline_figure(spans, title="long")
    readable(figure)
    assert figure.axes[0].get_title("left") == "long: first 160 of 400 tasks; the whole run takes 400 µs"
    assert "others" in [t.get_text() for t in figure.legends[0].get_texts()]
    windowed = timeline.timeline_figure(spans, window_s=(1e-4, 1.2e-4))
    assert windowed.axes[0].get_xlim() == pytest.approx((100, 120))
    with pytest.raises(HwsimError, match="no task runs"):
        timeline.timeline_figure(spans, window_s=(1.0, 2.0))
    with pytest.raises(HwsimError, match="before it starts"):
        timeline.timeline_figure(spans, window_s=(2.0, 1.0))
