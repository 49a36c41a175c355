"""The interactive charts of the HTML pages, as plain plotly figures (data and layout); plotly itself is not needed to make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.plot import style
from hwsim.plot.breakdown import PARTS, UNITS, WORDS, part_text
from hwsim.plot.data import ReportView, Span
from hwsim.plot.roofline import LABELS, ceilings_of, choose_level, marks_of
from hwsim.plot.sensitivity import end_text

Chart = dict[str, Any]
LIMIT = 4000  # spans that a page draws
PARTS_SHOWN = 14
BELOW = {"orientation": "h", "yref": "container", "y": 0.01, "yanchor": "bottom"}  # a legend under the axis' title
DEEP = {"l": 60, "r": 24, "t": 44, "b": 82}


def chart(id_: str, title: str, data: Sequence[Chart], layout: Mapping[str, Any], *, height: int = 360, wide: bool = False) -> Chart:
    """Return one chart of a page: the id of its place, plotly's data and layout, height in pixels, and whether it takes the whole width."""
    axis = {"automargin": True, "gridcolor": "#eceff2", "zeroline": False, "ticks": "outside", "ticklen": 6, "tickcolor": "white"}
    full: dict[str, Any] = {
        "title": {"text": title, "x": 0.01, "xanchor": "left", "font": {"size": 15}}, "margin": {"l": 60, "r": 24, "t": 44, "b": 50},
        "plot_bgcolor": "white", "paper_bgcolor": "white", "hovermode": "closest", "font": {"size": 12}, **layout,
    }  # fmt: skip
    for name in ("xaxis", "yaxis"):
        full[name] = {**axis, **full.get(name, {})}
    return {"id": id_, "data": list(data), "layout": full, "height": height, "wide": wide}


def breakdowns(report: ReportView, prefix: str = "chart-breakdown") -> list[Chart]:
    """Return one bar chart for each breakdown of a report that is not empty."""
    made = []
    for name, heading in PARTS.items():
        ranked = style.top(report.record["breakdown"].get(name, {}), PARTS_SHOWN)
        if not ranked:
            continue
        factor, unit = style.prefix_for([v for _, v in ranked], UNITS[name])
        whole = sum(v for _, v in ranked)
        bars = {
            "type": "bar", "orientation": "h", "y": [part_text(name, n) for n, _ in ranked], "x": [v / factor for _, v in ranked],
            "marker": {"color": style.BLUE},
            "text": [f"{v / whole:.1%}" for _, v in ranked], "textposition": "outside", "cliponaxis": False,
            "hovertemplate": "%{y}: %{x:.4g} " + unit + " (%{text})<extra></extra>",
        }  # fmt: skip
        reach = max(v for _, v in ranked) / factor * 1.14
        layout = {"yaxis": {"autorange": "reversed"}, "xaxis": {"title": {"text": f"{WORDS[name]} ({unit})"}, "range": [0, reach]}}
        made.append(chart(f"{prefix}-{name}", heading, [bars], layout, height=130 + 24 * len(ranked)))
    return made


def roofline(report: ReportView, id_: str = "chart-roofline") -> Chart | None:
    """Return the roofline of a report, or None where it has no bytes or no MACs."""
    if not any(report.record["bytes"].values()):
        return None
    level = choose_level(report)
    marks, known = marks_of(report, level), ceilings_of(report)
    if not marks:
        return None
    peak, bandwidth = max(known.peaks.values(), default=0.0), known.bandwidths.get(level)
    ridge = [peak / bandwidth] if peak and bandwidth else []
    low, high = min([m.intensity for m in marks] + ridge) / 5, max([m.intensity for m in marks] + ridge) * 4
    x = np.geomspace(low, high, 80)
    lines: list[Chart] = [
        {"type": "scatter", "mode": "lines", "x": [low, high], "y": [rate, rate], "name": f"peak {name}: {style.figure_text(rate, 'OP/s')}"}
        for name, rate in known.peaks.items()
    ]
    if bandwidth:
        lines.append({"type": "scatter", "mode": "lines", "x": x.tolist(), "y": np.minimum(x * bandwidth, peak or np.inf).tolist(),
                      "line": {"dash": "dash"}, "name": f"{level}: {style.figure_text(bandwidth, 'B/s')}"})  # fmt: skip
    for line, colour in zip(lines, (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE), strict=False):
        line["line"] = {**line.get("line", {}), "color": colour}
        line["hoverinfo"] = "name"
    points = {
        "type": "scatter", "mode": "markers+text", "name": "operators (area: share of time)", "x": [m.intensity for m in marks],
        "y": [m.rate for m in marks], "customdata": [f"<b>{', '.join(m.names)}</b><br>{m.share:.1%} of the time<br>{m.intensity:.3g} OP/B, "
        f"{style.figure_text(m.rate, 'OP/s')}" for m in marks], "hovertemplate": "%{customdata}<extra></extra>",
        "text": ["  " + style.short(", ".join(m.names), 30) if i < LABELS else "" for i, m in enumerate(marks)], "textposition": "middle right",
        "marker": {"size": [7 + 30 * m.share**0.5 for m in marks], "color": style.ORANGE, "line": {"color": "black", "width": 0.6}},
    }  # fmt: skip
    rates = [m.rate for m in marks] + ([peak] if peak else [])
    decades = (10.0 ** np.arange(np.floor(np.log10(min(rates) / 3)), np.ceil(np.log10(max(rates) * 2)) + 1)).tolist()
    layout = {
        "xaxis": {"type": "log", "title": {"text": f"arithmetic intensity at {level} (OP/B)"}, "dtick": 1},
        "yaxis": {"type": "log", "title": {"text": "achieved rate (OP/s)"}, "tickvals": decades,
                  "ticktext": [style.figure_text(v, "OP/s").removesuffix("OP/s").strip() for v in decades],
                  "range": [float(np.log10(min(rates) / 3)), float(np.log10(max(rates) * 2))]},
        "legend": {"orientation": "h", "y": -0.2}, "margin": {"l": 70, "r": 24, "t": 44, "b": 90},
    }  # fmt: skip
    return chart(id_, f"roofline at {level}", [*lines, points], layout, height=440, wide=True)


def timeline(spans: Sequence[Span], id_: str = "chart-timeline") -> Chart:
    """Return the Gantt chart of a timeline, one row per resource, coloured by operator; the first `LIMIT` tasks."""
    shown = sorted(spans, key=lambda s: s.start_s)[:LIMIT]
    factor, unit = style.prefix_for([max(s.start_s + s.length_s for s in shown)], "s")
    totals: dict[str, float] = {}
    for span in shown:
        totals[span.label] = totals.get(span.label, 0.0) + span.length_s
    ranked = sorted(totals, key=lambda n: -totals[n])
    colour = {n: style.PALETTE[i] for i, n in enumerate(ranked[:7])}
    bars: list[Chart] = []
    for name in [*ranked[:7], *(["others"] if len(ranked) > 7 else [])]:
        mine = [s for s in shown if (s.label not in colour if name == "others" else s.label == name)]
        bars.append({
            "type": "bar", "orientation": "h", "name": name, "y": [s.resource for s in mine], "base": [s.start_s / factor for s in mine],
            "x": [s.length_s / factor for s in mine], "marker": {"color": colour.get(name, style.GREY), "line": {"width": 0}},
            "text": [f"<b>{s.name}</b><br>{s.mechanism} on {s.resource}<br>{style.figure_text(s.start_s, 's')} + {style.figure_text(s.length_s, 's')}"
                     for s in mine], "hovertemplate": "%{text}<extra></extra>", "textposition": "none",
        })  # fmt: skip
    first, end = shown[min(len(shown), 160) - 1], max(s.start_s + s.length_s for s in shown)
    layout = {
        "barmode": "overlay", "bargap": 0.25, "legend": {"orientation": "h", "y": 1.12}, "dragmode": "pan",
        "xaxis": {"title": {"text": f"time ({unit}); drag to move, pull the slider's handles to zoom"},
                  "range": [0, (first.start_s + first.length_s) / factor], "rangeslider": {"thickness": 0.12, "range": [0, end / factor]}},
        "yaxis": {"autorange": "reversed", "fixedrange": True}, "margin": {"l": 70, "r": 24, "t": 30, "b": 50},
    }  # fmt: skip
    rows = len({s.resource for s in shown})
    return chart(id_, "", bars, layout, height=220 + 52 * rows, wide=True)


def shares(reports: Sequence[ReportView], metric: str, id_: str) -> Chart | None:
    """Return stacked bars of every report's breakdown of `metric`, in percent of its own whole; None when all are empty."""
    parts = [{k: v for k, v in r.record["breakdown"].get(metric, {}).items() if v > 0} for r in reports]
    if not any(parts):
        return None
    chips = [str(r.record["chip"]) for r in reports]
    weight: dict[str, float] = {}
    for found in parts:
        for name, value in found.items():
            weight[name] = max(weight.get(name, 0.0), value / sum(found.values()))
    ranked = sorted(weight, key=lambda n: -weight[n])
    colour = style.colours(ranked)
    bars = [
        {"type": "bar", "orientation": "h", "name": name, "y": chips, "x": [100 * p.get(name, 0.0) / (sum(p.values()) or 1.0) for p in parts],
         "marker": {"color": colour[name] if i < 8 else style.PALE, "line": {"color": "white", "width": 0.6}},
         "customdata": [style.figure_text(p.get(name, 0.0), UNITS[metric]) for p in parts],
         "hovertemplate": name + ": %{customdata} (%{x:.1f} %)<extra>%{y}</extra>"}
        for i, name in enumerate(ranked)
    ]  # fmt: skip
    layout = {
        "barmode": "stack", "yaxis": {"autorange": "reversed"}, "xaxis": {"title": {"text": f"share of {WORDS[metric]} (%)"}, "range": [0, 100]},
        "legend": {**BELOW, "traceorder": "normal"}, "margin": {**DEEP, "b": 100},
    }  # fmt: skip
    return chart(id_, PARTS[metric], bars, layout, height=240 + 44 * len(reports), wide=True)


def ratios(reports: Sequence[ReportView], metrics: Mapping[str, str], id_: str = "chart-ratios") -> Chart:
    """Return bars of each metric over the first report's, with the reports' intervals as error bars, on a logarithmic axis."""
    first = reports[0].record
    names = [m for m in metrics if all(r.record.get(m) for r in reports)]
    colour = style.colours([str(i) for i in range(len(reports))])
    bars = []
    for i, report in enumerate(reports):
        values = [report.record[m] / first[m] for m in names]
        ends = [report.record.get("interval", {}).get(m, [report.record[m]] * 2) for m in names]
        above = [max(e[1] / first[m] - v, 0.0) for m, v, e in zip(names, values, ends, strict=True)]
        below = [max(v - e[0] / first[m], 0.0) for m, v, e in zip(names, values, ends, strict=True)]
        bars.append({
            "type": "bar", "name": str(report.record["chip"]), "x": [metrics[m] for m in names], "y": values, "marker": {"color": colour[str(i)]},
            "error_y": {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.2},
            "customdata": [style.figure_text(report.record[m], style.unit_of(m)) for m in names],
            "hovertemplate": "%{x}: %{customdata}, %{y:.4g} times<extra>" + str(report.record["chip"]) + "</extra>",
        })  # fmt: skip
    layout = {"barmode": "group", "yaxis": {"type": "log", "title": {"text": f"times {first['chip']}"}}, "legend": {"orientation": "h", "y": 1.1}}
    return chart(id_, "", bars, layout, height=400, wide=True)


def sensitivity(record: Mapping[str, Any]) -> list[Chart]:
    """Return the tornado and the Sobol indices of a ``hwsim.sensitivity/1`` record."""
    made: list[Chart] = []
    base, metric = float(record["base"]), str(record["metric"])
    if base and (rows := sorted(record.get("tornado") or (), key=lambda b: -abs(b["at_high"] - b["at_low"]))):
        names = [style.words(b["parameter"]) for b in rows]
        bars = [
            {"type": "bar", "orientation": "h", "name": word, "y": names, "x": [100 * (b[at] / base - 1) for b in rows], "marker": {"color": colour},
             "text": [end_text(b, end) for b in rows], "textposition": "none",
             "hovertemplate": "%{y} = %{text}: %{x:+.2f} %<extra></extra>"}
            for word, at, end, colour in (("low end", "at_low", "low", style.SKY), ("high end", "at_high", "high", style.VERMILION))
        ]  # fmt: skip
        layout = {"barmode": "overlay", "yaxis": {"autorange": "reversed"}, "legend": BELOW, "margin": DEEP,
                  "xaxis": {"title": {"text": f"change of {style.words(metric)} (%)"}, "zeroline": True, "zerolinecolor": "black"}}  # fmt: skip
        made.append(chart("chart-tornado", "one parameter at a time", bars, layout, height=170 + 26 * len(rows)))
    if rows := sorted(record.get("sobol") or (), key=lambda r: -r["total"]):
        bars = [
            {"type": "bar", "orientation": "h", "name": word, "y": [style.words(r["parameter"]) for r in rows], "x": [r[k] for r in rows],
             "error_x": {"type": "data", "array": [r.get(f"{k}_conf", 0.0) for r in rows], "thickness": 1}, "marker": {"color": colour}}
            for word, k, colour in (("alone", "first", style.BLUE), ("with interactions", "total", style.ORANGE))
        ]  # fmt: skip
        layout = {"barmode": "group", "yaxis": {"autorange": "reversed"}, "legend": BELOW, "margin": DEEP,
                  "xaxis": {"title": {"text": f"Sobol index (share of the variance of {style.words(metric)})"}}}  # fmt: skip
        made.append(chart("chart-sobol", "all parameters together", bars, layout, height=170 + 40 * len(rows)))
    return made
