"""What the HTML pages hold, section by section, as plain data for the template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hwsim.core.meanings import meanings
from hwsim.core.target import target_names
from hwsim.core.units import constant_text
from hwsim.plot import charts, style
from hwsim.plot.analog import analog_tables
from hwsim.plot.data import Points, ReportView
from hwsim.plot.heatmap import values_of
from hwsim.plot.pareto import choose_axes, front_of

Section = dict[str, Any]
HEADLINE = {
    "latency_s": "latency", "cycles": "cycles", "tokens_per_s": "tokens/s", "inferences_per_s": "inferences/s", "energy_j": "energy",
    "power_w": "power", "area_mm2": "area", "macs": "MACs",
}  # fmt: skip
OK_ROWS, OTHER_ROWS = 4000, 1000  # points that a page holds besides the fronts
SEED = 1


def section(id_: str, title: str, **parts: Any) -> Section:
    """Return a section: a note, tables of facts, lists, charts, sortable tables, or the explorer of a sweep."""
    return {"id": id_, "title": title, "note": "", "facts": [], "lists": [], "charts": [], "tables": [], "explorer": None, **parts}


def column(title: str, unit: str = "", *, number: bool = True) -> dict[str, Any]:
    """Return the head of a sortable table's column."""
    return {"title": title, "unit": unit, "number": number}


def report_sections(report: ReportView, advice: str) -> list[Section]:
    """Return the sections of a report's page; `advice` says how to get a timeline where there is none."""
    record = report.record
    warned = "A LOWER BOUND: some operators have no model and are left out." if record.get("lower_bound") else ""
    made = [section("summary", "Summary", note=warned, facts=[_headline(report), *_machine(report)])]
    drawn = [*charts.breakdowns(report), *(c for c in [charts.roofline(report)] if c)]
    made.append(section("breakdown", "Breakdown", charts=drawn))
    made.append(section("operators", "Operators", note="Click a heading to sort.", tables=[_operators([report])]))
    if report.spans:
        whole = len(report.spans)
        held = f"The first {charts.LIMIT:,} of {whole:,}" if whole > charts.LIMIT else f"All {whole:,}"
        note = f"{held} tasks; the view starts with the first ones."
        made.append(section("timeline", "Timeline", note=note, charts=[charts.timeline(report.spans)]))
    else:
        made.append(section("timeline", "Timeline", note=f"None: {advice}."))
    if found := report.record.get("analog"):
        made.append(_analog(found))
    made.append(_assumptions([report]))
    made.append(_sources([report]))
    return made


def _analog(found: Mapping[str, Any]) -> Section:
    """How far results are from digital ones."""
    facts = [{"head": [heading, *columns[1:]], "rows": [list(row) for row in rows]} for heading, columns, rows in analog_tables(found)]
    lists = [{"title": word, "lines": list(found[word])} for word in ("warnings", "assumptions") if found[word]]
    return section("accuracy", "Accuracy of analog results", facts=facts, lists=lists)


def _headline(report: ReportView) -> dict[str, Any]:
    record, rows = report.record, []
    for name, word in HEADLINE.items():
        value = record.get(name)
        if value is None or (name == "inferences_per_s" and "tokens_per_s" in record):
            continue
        unit = style.unit_of(name)
        ends = record.get("interval", {}).get(name)
        low, high = (style.figure_text(e, unit) for e in ends or (value, value))
        interval = f"{low} to {high}" if low != high else ""
        rows.append([word, style.figure_text(value, unit) if value else "not modelled", interval, _error(record.get("accuracy", {}).get(name))])
    return {"head": ["", "value", "90 % interval of the constants' ranges", "validation error"], "rows": rows}


def _error(found: Mapping[str, float] | None) -> str:
    return f"mean {found['mape']:.1%}, worst {found['worst']:.1%} ({found['n']:.0f} cases)" if found else ""


def _machine(report: ReportView) -> list[dict[str, Any]]:
    record = report.record
    busy = [[name, f"{share:.1%}"] for name, share in record["utilisation"].items()]
    moved = [[name, style.figure_text(n, "B")] for name, n in record["bytes"].items() if n]
    figures = [[name.replace("_", " "), f"{value:,.6g}"] for name, value in record["resources"].items()]
    found = (("resource", "busy", busy), ("memory level", "bytes moved", moved), ("resource", "figure", figures))
    return [{"head": [a, b], "rows": rows} for a, b, rows in found if rows]


def _operators(reports: Sequence[ReportView]) -> dict[str, Any]:
    several = len(reports) > 1
    spends = any(row["energy_j"] for report in reports for row in report.record["ops"])
    columns = [
        *([column("chip", number=False)] if several else []), column("operator", number=False), column("kind", number=False),
        column("what", number=False), column("times"), column("cycles"), column("latency", "s"), column("share", "%"),
        *([column("dynamic energy", "J")] if spends else []), column("MACs"), column("bytes", "B"),
    ]  # fmt: skip
    rows = [
        [*([report.record["chip"]] if several else []), row["name"], row["kind"],
         " ".join(f"{k}={v}" for k, v in row["bounds"].items() if v and (v != 1 or len(k) == 1)) + f" {row['dtype']}", row["executions"],
         row["cycles"], row["latency_s"], row["share"], *([row["energy_j"] or None] if spends else []),
         row.get("macs"), sum(row.get("bytes", {}).values())]
        for report in reports for row in report.record["ops"]
    ]  # fmt: skip
    return {"id": "operator-table", "columns": columns, "rows": rows, "example": rows[0][2 if several else 1] if rows else "matmul"}


def _assumptions(reports: Sequence[ReportView]) -> Section:
    lists = []
    for report in reports:
        chip = f" ({report.record['chip']})" if len(reports) > 1 else ""
        mapping = [f"{k.replace('_', ' ')}: {_value(v)}" for k, v in report.record["options"]["mapping"].items() if v is not None]
        for word, lines in (("warnings", report.record["warnings"]), ("assumptions", report.record["assumptions"]), ("mapping as used", mapping)):
            if lines:
                lists.append({"title": word + chip, "lines": list(lines)})
    return section("assumptions", "Assumptions", lists=lists)


def _meanings(report: ReportView) -> Mapping[str, str]:
    """What the constants of a report's target mean; empty for a target that is not installed here."""
    target = report.record["target"]
    return meanings(target) if target in target_names() else {}


def _sources(reports: Sequence[ReportView]) -> Section:
    several = len(reports) > 1
    heads = [*(["chip"] if several else []), "constant", "value", "range", "status", "meaning", "source"]
    rows = [
        [*([report.record["chip"]] if several else []), s["name"], constant_text(s["value"], s["unit"], most=4),
         f"{constant_text(s['low'], s['unit'])} to {constant_text(s['high'], s['unit'])}" if "low" in s else "", s["status"],
         _meanings(report).get(s["name"], ""), s["source"]]
        for report in reports for s in report.record["sources"]
    ]  # fmt: skip
    table = {"id": "source-table", "columns": [column(h, number=False) for h in heads], "rows": rows, "example": "fitted"}
    return section("sources", "Sources", note="Every constant that the price reads, what it means, and where it comes from.", tables=[table])


def _value(value: Any) -> str:
    return " x ".join(_value(v) for v in value) if isinstance(value, list | tuple) else f"{value:.6g}" if isinstance(value, float) else str(value)


def comparison_sections(reports: Sequence[ReportView]) -> list[Section]:
    """Return the sections of a comparison's page; ratios are to the first report."""
    first = reports[0].record
    head = ["", *(str(r.record["chip"]) for r in reports)]
    rows = []
    for name, word in HEADLINE.items():
        if not any(r.record.get(name) for r in reports) or (name == "inferences_per_s" and "tokens_per_s" in first):
            continue
        rows.append([word, *(_against(r, name, first) for r in reports)])
    metrics = {n: HEADLINE[n] for n in ("latency_s", "tokens_per_s", "energy_j", "power_w", "area_mm2")}
    made = [section("summary", "Summary", facts=[{"head": head, "rows": rows}], charts=[charts.ratios(reports, metrics)],
                    note=f"In brackets and in the chart: times {first['chip']}. Error bars: the 90 % intervals.")]  # fmt: skip
    drawn = [charts.shares(reports, metric, f"chart-shares-{metric}") for metric in ("latency_s", "latency_by_mechanism_s", "energy_j", "area_mm2")]
    made.append(section("breakdown", "Breakdown", charts=[c for c in drawn if c]))
    made.append(section("operators", "Operators", note="Click a heading to sort.", tables=[_operators(reports)]))
    return [*made, _assumptions(reports), _sources(reports)]


def _against(report: ReportView, name: str, first: Mapping[str, Any]) -> str:
    value = report.record.get(name)
    if not value:
        return "not modelled"
    text = style.figure_text(value, style.unit_of(name))
    return text if report.record is first or not first.get(name) else f"{text}  ({value / first[name]:.3g} x)"


def sweep_sections(points: Points) -> list[Section]:
    """Return the sections of a sweep's page. Raises `HwsimError` when no point is feasible."""
    x, y = choose_axes(points)
    rows = kept_rows(points)
    made = [section("summary", "Summary", facts=[*_counts(points), _ranges(points)])]
    sample = f" The page holds {len(rows):,} of {len(points.status):,} points: every front, and a random sample of the rest." \
        if len(rows) < len(points.status) else ""  # fmt: skip
    note = "Hover over a point for its parameters; drag a box over points to list them below, double-click to list all." + sample
    made.append(section("pareto", "Pareto front", note=note, explorer=_explorer(points, rows, x, y), tables=[_point_table(points, rows)]))
    if points.sensitivity:
        found, sentence = points.sensitivity, str(points.sensitivity.get("sentence", ""))
        made.append(section("sensitivity", "Sensitivity", note=sentence, charts=charts.sensitivity(found)))
    return made


def kept_rows(points: Points, ok_rows: int = OK_ROWS, other_rows: int = OTHER_ROWS) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Rows that a page holds: the front of every pair of metrics, and seeded samples of the other feasible and of the refused points."""
    ok, front = points.ok, np.zeros(len(points.status), dtype=bool)
    metrics = [m for m in points.metrics if m in style.HIGHER_IS_BETTER or m in HEADLINE][:6]
    for i, a in enumerate(metrics):
        for b in metrics[i + 1 :]:
            xs, ys = (np.where(ok, np.asarray(points.columns[n], float), np.nan) for n in (a, b))
            front |= front_of(xs, ys, higher_x=a in style.HIGHER_IS_BETTER, higher_y=b in style.HIGHER_IS_BETTER)
    random = np.random.default_rng(SEED)
    found = [np.flatnonzero(front)]
    for rest, limit in ((np.flatnonzero(ok & ~front), ok_rows), (np.flatnonzero(~ok), other_rows)):
        found.append(rest if len(rest) <= limit else random.choice(rest, limit, replace=False))
    return np.sort(np.concatenate(found))


def _counts(points: Points) -> list[dict[str, Any]]:
    names, counts = np.unique(points.status.astype(str), return_counts=True)
    statuses = [[name, f"{n:,}", f"{n / len(points.status):.1%}"] for name, n in zip(names, counts, strict=True)]
    reasons, times = np.unique(np.array([str(r) for r in points.reason[~points.ok]], dtype=object).astype(str), return_counts=True)
    why = [[style.short(reasons[i], 200), f"{times[i]:,}"] for i in np.argsort(-times)[:8] if reasons[i] not in ("", "None")]
    found = [{"head": ["status", "points", "share"], "rows": statuses}]
    return [*found, {"head": ["most frequent reasons", "points"], "rows": why}] if why else found


def _ranges(points: Points) -> dict[str, Any]:
    rows = []
    for name in (*points.parameters, *points.metrics):
        values = points.columns[name] if name in points.parameters else np.asarray(points.columns[name])[points.ok]
        if values.dtype.kind in "fiu" and np.isfinite(values.astype(float)).any():
            unit = style.unit_of(name)
            low, high = float(np.nanmin(values.astype(float))), float(np.nanmax(values.astype(float)))
            rows.append([name, style.figure_text(low, unit) + (f" to {style.figure_text(high, unit)}" if high > low else "")])
        else:
            distinct = [str(v) for v in values_of(values)]
            rows.append([name, ", ".join(distinct[:6]) + (f" and {len(distinct) - 6} more" if len(distinct) > 6 else "")])
    return {"head": ["column", "range"], "rows": rows}


def _explorer(points: Points, rows: Any, x: str, y: str) -> dict[str, Any]:
    shown = [*points.varied, *points.metrics] or [*points.parameters, *points.metrics]
    columns = {}
    for name in shown:
        values = np.asarray(points.columns[name])[rows]
        numeric = values.dtype.kind in "fiub"
        columns[name] = {"title": style.words(name), "unit": style.unit_of(name), "number": numeric, "high": name in style.HIGHER_IS_BETTER,
                         "values": values.tolist() if numeric else [str(v) for v in values]}  # fmt: skip
    _distinct_titles(columns)
    return {"columns": columns, "axes": [*points.metrics, *points.varied], "parameters": list(points.varied), "metrics": list(points.metrics), "x": x,
            "y": y, "log": {k: style.spread(points.columns[n][points.ok]) > 100 for k, n in (("x", x), ("y", y))},
            "ok": points.ok[rows].tolist(), "table": "point-table"}  # fmt: skip


def _distinct_titles(columns: Mapping[str, dict[str, Any]]) -> None:
    """Where two columns read alike, their full names stand."""
    titles = [c["title"] for c in columns.values()]
    for name, found in columns.items():
        if titles.count(found["title"]) > 1:
            found["title"] = name


def _point_table(points: Points, rows: Any) -> dict[str, Any]:
    shown = [*(points.varied or points.parameters), *points.metrics]
    heads = {n: column(style.words(n), style.unit_of(n), number=points.columns[n].dtype.kind in "fiu") for n in shown}
    _distinct_titles(heads)
    picked = [np.asarray(points.columns[n])[rows] for n in shown]
    plain = [v.tolist() if v.dtype.kind in "fiub" else [str(t) for t in v] for v in picked]
    status = [str(s) for s in points.status[rows]]
    reason = ["" if r is None else str(r) for r in points.reason[rows]]
    lines = [list(row) for row in zip(*plain, status, reason, strict=True)]
    columns = [*heads.values(), column("status", number=False), column("reason", number=False)]
    return {"id": "point-table", "columns": columns, "rows": lines, "example": "infeasible"}
