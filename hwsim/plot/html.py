"""One self-contained HTML page per report, comparison or sweep: plotly inlined, no network, sortable tables, brushing.

Needs the extra ``html`` (plotly and jinja2); without it every function here raises `HwsimError` with what to install.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.core.errors import HwsimError
from hwsim.core.report import Report
from hwsim.plot.data import Points, Record, ReportView, read_sweep, view
from hwsim.plot.sections import comparison_sections, report_sections, sweep_sections
from hwsim.plot.timeline import ADVICE

__all__ = ["write_comparison", "write_report", "write_sweep"]

Anything = Report | ReportView | Record | str | Path
TEMPLATES = Path(__file__).with_name("templates")


def write_report(report: Anything, path: str | Path) -> Path:
    """Write the page of one report (the object, its JSON record, or a file with that). Raises `HwsimError`.

    >>> import hwsim
    >>> from tempfile import TemporaryDirectory
    >>> report = hwsim.simulate(hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8"), hwsim.load_chip("gap8"), interval=False)
    >>> with TemporaryDirectory() as folder:
    ...     write_report(report, f"{folder}/report.html").stat().st_size > 10_000
    True
    """
    return _write(report_page(report), path)


def write_comparison(reports: Iterable[Anything], path: str | Path) -> Path:
    """Write the page of several reports of one graph. Raises `HwsimError` without reports.

    >>> import hwsim
    >>> from tempfile import TemporaryDirectory
    >>> graph = hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8")
    >>> reports = hwsim.compare(graph, [hwsim.load_chip("gap8"), hwsim.load_chip("a100")], interval=False)
    >>> with TemporaryDirectory() as folder:
    ...     write_comparison(reports, f"{folder}/both.html").stat().st_size > 10_000
    True
    """
    return _write(comparison_page(reports), path)


def write_sweep(sweep: Points | str | Path, path: str | Path) -> Path:
    """Write the page of a sweep (its result folder, or the points themselves). Raises `HwsimError`.

    >>> from tempfile import TemporaryDirectory
    >>> from hwsim.explore.sweep import sweep
    >>> space = {"trace": {"op": "matmul", "m": 64, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"],
    ...          "metrics": ["latency_s", "energy_j"], "parameters": {"dram_bytes_per_s": {"list": ["1 TB/s", "2 TB/s"]}}}
    >>> with TemporaryDirectory() as folder:
    ...     write_sweep(sweep(space, f"{folder}/swept").folder, f"{folder}/sweep.html").stat().st_size > 10_000
    True
    """
    return _write(sweep_page(sweep), path)


def report_page(report: Anything) -> str:
    """Return the page of one report. Raises `HwsimError`."""
    made = view(report)
    return _render(made.name, _lead(made), report_sections(made, ADVICE), made.record)


def comparison_page(reports: Iterable[Anything]) -> str:
    """Return the page of several reports of one graph. Raises `HwsimError` without reports."""
    made = [view(r) for r in reports]
    if not made:
        raise HwsimError("a comparison needs at least one report")
    chips = ", ".join(str(r.record["chip"]) for r in made)
    title = f"{made[0].name.rsplit(' on ', 1)[0]}: {chips}"
    return _render(title, _options(made[0].record["options"]["trace"]), comparison_sections(made), made[0].record, key=False)


def sweep_page(sweep: Points | str | Path) -> str:
    """Return the page of a sweep. Raises `HwsimError`."""
    points = sweep if isinstance(sweep, Points) else read_sweep(sweep)
    name = Path(points.space).name if points.space else "points"
    lead = f"{len(points.status):,} design points, {int(points.ok.sum()):,} of them feasible"
    return _render(f"sweep {name}", lead, sweep_sections(points), {})


def _lead(report: ReportView) -> str:
    record = report.record
    return f"{_options({**record['options']['trace'], **record['options']['mapping']})}; target {record['target']}, fidelity {record['fidelity']}"


def _options(options: Mapping[str, Any]) -> str:
    said = {k: v for k, v in options.items() if isinstance(v, str | int | float | list) and v not in ("", [])}
    return ", ".join(f"{k.replace('_', ' ')} {_plain(v)}" for k, v in said.items())


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " x ".join(_plain(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def require() -> None:
    """Raise `HwsimError` where plotly or jinja2 is not installed."""
    for name in ("plotly", "jinja2"):
        if importlib.util.find_spec(name) is None:
            raise HwsimError(f"HTML pages need the extra 'html', and {name} is not installed: pip install 'hwsim[html]'")


def _render(title: str, lead: str, sections: Sequence[Mapping[str, Any]], record: Record, *, key: bool = True) -> str:
    """Fill the template; data goes in as JSON in which no ``<`` can close the script."""
    require()
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (an extra, and only for pages)

    from hwsim import __version__  # noqa: PLC0415

    data = {
        "charts": [c for s in sections for c in s["charts"]], "tables": [t for s in sections for t in s["tables"]],
        "explorer": next((s["explorer"] for s in sections if s["explorer"]), None),
    }  # fmt: skip
    text = json.dumps(clean(data), allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    script: str = importlib.import_module("plotly.offline").get_plotlyjs()
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page: str = environment.get_template("page.html.j2").render(
        title=title, lead=lead, sections=sections, data=text, plotly=script, version=record.get("versions", {}).get("hwsim", __version__),
        key=record.get("key") if key else None,
    )  # fmt: skip
    return page


def clean(value: Any) -> Any:
    """Turn numpy values into plain ones, and NaN and infinities into null, all the way down."""
    if isinstance(value, Mapping):
        return {str(k): clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [clean(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(page: str, path: str | Path) -> Path:
    try:
        Path(path).write_text(page, encoding="utf-8")
    except OSError as bad:
        raise HwsimError(f"{path}: cannot be written: {bad.strerror or bad}") from None
    return Path(path)
