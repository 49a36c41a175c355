"""A report as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.text import Text

from hwsim.cli.output import console, metric, plain_value, share, table
from hwsim.core.report import Report
from hwsim.core.units import constant_text, engineering
from hwsim.plot.analog import analog_tables

HEADLINE = (
    ("latency_s", "latency"), ("cycles", "cycles"), ("frequency_hz", "clock"), ("tokens_per_s", "tokens/s"), ("inferences_per_s", "inferences/s"),
    ("energy_j", "energy"), ("power_w", "power"), ("area_mm2", "area"), ("macs", "MACs"), ("tops", "throughput"), ("tops_per_w", "efficiency"),
)  # fmt: skip
LONGEST, PARTS = 10, 12


def print_report(report: Report, *, sources: bool = False) -> None:
    """Print a report on standard output; `sources` adds every constant with its source."""
    screen = console()
    program = report.cost.program
    screen.print(Text(title(report), style="bold"))
    if program.lower_bound:
        screen.print("A LOWER BOUND: some operators have no model and are left out (see the warnings).")
    screen.print(_headline(report))
    for part in _breakdowns(report):
        screen.print()
        screen.print(part)
    screen.print()
    screen.print(_operators(report))
    for part in _machine(report):
        screen.print()
        screen.print(part)
    if report.analog:
        _print_analog(screen, report.analog)
    print_notes(screen, report, sources=sources)


def title(report: Report, dtype: bool = True) -> str:
    """Return the line that says what ran on what: ``llama3-8b decode (context 4096) on wse2, analytic``; `dtype`: with its number format."""
    meta = report.meta
    told = ("prompt", "generate", "context", "batch", *(("dtype",) if dtype else ()), "logits")
    wanted = [f"{k} {meta[k]}" for k in told if meta.get(k)]
    options = f" ({', '.join(wanted)})" if wanted else ""
    graph = report.cost.program.graph
    return f"{graph.name}{' ' + graph.phase if graph.phase else ''}{options} on {report.cost.program.chip.name}, {report.fidelity}"


def _headline(report: Report) -> Group:
    found, accuracy, interval = report.metrics(), report.accuracy, report.interval
    rows = []
    for name, word in HEADLINE:
        if name not in found or (name == "inferences_per_s" and (report.tokens or report.meta.get("single_op"))):
            continue
        if not found[name] and name in ("macs", "tops", "tops_per_w", "energy_j", "power_w", "area_mm2"):
            rows.append((word, "not modelled" if name in ("energy_j", "power_w", "area_mm2") else "0", "", ""))
            continue
        low, high = interval.get(name, (0.0, 0.0))
        low_high = f"{metric(name, low)} .. {metric(name, high)}" if low < high else ""
        rows.append((word, metric(name, found[name]), low_high, error_text(accuracy.get(name))))
    return table("", ("", "value", "90 % interval", "validation error"), rows)


def error_text(found: Mapping[str, float] | None) -> str:
    """Write the validation error of one metric: the mean of |error| first.

    >>> error_text({"n": 12, "mape": 0.031, "worst": 0.09})
    '3.1 %, worst 9.0 % (n 12)'
    """
    if not found:
        return ""
    return f"{share(found['mape'])}, worst {share(found['worst'])} (n {found['n']:.0f})"


def _breakdowns(report: Report) -> Iterator[Group]:
    parts = report.breakdown()
    titles = (
        ("latency_s", "latency by component", "s"), ("latency_by_mechanism_s", "latency by mechanism (concurrent ones overlap)", "s"),
        ("energy_j", "energy by component", "J"), ("energy_by_rail_j", "energy by supply rail", "J"), ("area_mm2", "area by component", "mm2"),
    )  # fmt: skip
    for key, heading, unit in titles:
        if found := {k: v for k, v in parts.get(key, {}).items() if v}:
            yield _shares(heading, found, unit, clock_hz=report.cost.program.clock_hz if "mechanism" in heading else 0.0)


def _shares(heading: str, parts: Mapping[str, float], unit: str, *, clock_hz: float = 0.0) -> Group:
    """Parts of a whole, the largest first; of seconds the cycles too where `clock_hz` says how long one is."""
    whole = sum(parts.values())
    ranked = sorted(parts.items(), key=lambda kv: -kv[1])
    shown = ranked[:PARTS]
    if rest := ranked[PARTS:]:
        shown.append((f"{len(rest)} more", sum(v for _, v in rest)))
    rows = []
    for name, value in shown:
        cycles = (f"{value * clock_hz:,.6g}",) if clock_hz else ()
        rows.append((name, f"{value:,.6g} mm2" if unit == "mm2" else engineering(value, unit), *cycles, share(value / whole)))
    return table(heading, ("", "value", *(("cycles",) if clock_hz else ()), "share"), rows)


def _operators(report: Report) -> Group:
    rows = report.table()
    timeless = "latency_s" in report.cost.program.unstated
    heading = f"{'dearest' if timeless else 'longest'} operators"
    heading += (f" ({LONGEST} of {len(rows)} distinct ones; all in --json)" if len(rows) > LONGEST else "")
    lines = [
        (row["name"], f"{row['kind']} {bounds_text(row['bounds'])} {row['dtype']}", f"{row['executions']:,.0f}",
         "-" if timeless else f"{row['cycles']:,.6g}",
         engineering(row["energy_j"], "J") if row["energy_j"] else "-", share(row["share"]))
        for row in rows[:LONGEST]
    ]  # fmt: skip
    return table(heading, ("operator", "what", "times", "cycles", "energy", "share"), lines, left=2)


def bounds_text(bounds: Mapping[str, int]) -> str:
    """Write loop bounds, the zero ones left out.

    >>> bounds_text({"m": 1, "k": 4096, "bias": 0})
    'm1 k4096'
    """
    return " ".join(f"{name}{'=' if len(name) > 1 else ''}{value}" for name, value in bounds.items() if value and (value != 1 or len(name) == 1))


def _machine(report: Report) -> Iterator[Group]:
    program = report.cost.program
    if found := report.cost.bytes_by_level():
        yield table("bytes moved", ("level", "bytes"), [(k, engineering(v, "B")) for k, v in found.items() if v])
    if (shares := report.cost.utilisation()) and "latency_s" not in program.unstated:
        yield table("utilisation", ("resource", "busy"), [(k, share(v)) for k, v in shares.items()])
    if program.figures:
        yield table("resources", ("", "value"), [(k, f"{v:,.6g}" if abs(v) < 1e6 else f"{v:,.0f}") for k, v in program.figures.items()])


def _print_analog(screen: Console, found: Mapping[str, Any]) -> None:
    for heading, columns, rows in analog_tables(found):
        screen.print()
        screen.print(table(heading, columns, rows))
    bullets(screen, "\naccuracy of analog results: assumptions", found["assumptions"])
    bullets(screen, "\naccuracy of analog results: warnings", found["warnings"])


def print_notes(screen: Console, report: Report, *, sources: bool) -> None:
    """Print the mapping as used, assumptions, warnings and where the constants come from."""
    program = report.cost.program
    mapping = ", ".join(f"{k}={plain_value(v)}" for k, v in program.mapping.items() if v is not None)
    screen.print(f"\nmapping as used: {mapping or 'the model has no options here'}")
    bullets(screen, "\nassumptions", report.assumptions)
    bullets(screen, "\nwarnings", program.warnings)
    used = report.sources()
    if sources:
        screen.print()
        screen.print(constants_table("constants used", used))
    fitted = sum(s["status"] == "fitted" for s in used)
    screen.print(f"\n{len(used)} constants used, {fitted} of them fitted; sources: --sources, --json, or hwsim show {program.chip.name}")


def bullets(screen: Console, heading: str, lines: Sequence[str]) -> None:
    """Print a list under a heading, or nothing."""
    if lines:
        screen.print(f"{heading}:")
        for line in lines:
            screen.print(f"  - {line}")


def constants_table(heading: str, records: Sequence[Mapping[str, Any]]) -> Group:
    """Return the table of constants (records of `hwsim.core.report.param_record` with a name)."""
    rows = [(r["name"], constant_text(r["value"], r["unit"], most=4), _range_text(r), r["status"], r["source"]) for r in records]
    return table(heading, ("constant", "value", "range", "status", "source"), rows, left=5)


def _range_text(record: Mapping[str, Any]) -> str:
    if "low" not in record:
        return ""
    return f"{constant_text(record['low'], record['unit'])} .. {constant_text(record['high'], record['unit'])}"
