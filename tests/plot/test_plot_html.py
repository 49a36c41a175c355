"""The HTML pages as text: whole, self-contained, escaped; the browser test is in tests/e2e."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plot_helpers import columns

from hwsim.core.errors import HwsimError
from hwsim.plot import data, html, sections

pytest.importorskip("plotly")
pytest.importorskip("jinja2")


def page_data(page: str) -> Any:
    """The JSON that a page carries."""
    found = re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.S)
    assert found
    return json.loads(found.group(1))


def own_part(page: str) -> str:
    """A page without plotly's script."""
    return "".join(part for part in re.split(r"(<script>.*?</script>)", page, flags=re.S) if len(part) < 1_000_000)


def test_report_page_holds_everything(simulated: Callable[..., Any], tmp_path: Path) -> None:
    report = simulated(fidelity="event")
    path = report.html(tmp_path / "r.html")
    assert path == tmp_path / "r.html"
    page = path.read_text()
    text = own_part(page)
    for words in ("net on toy", "90 % interval", "it is a toy", "nobody built it", "Operators", "Timeline", "Sources", report.key, "fidelity event"):
        assert words in text
    found = page_data(page)
    assert {c["id"] for c in found["charts"]} >= {"chart-breakdown-latency_s", "chart-roofline", "chart-timeline"}
    operators, sources = found["tables"]
    assert len(operators["rows"]) == len(report.table()) and len(sources["rows"]) == len(report.sources())
    ids = re.findall(r'id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_pages_ask_the_network_for_nothing(simulated: Callable[..., Any], sweep: Path) -> None:
    report = simulated()
    for page in (html.report_page(report), html.comparison_page([report, simulated("toy2")]), html.sweep_page(sweep)):
        assert not re.search(r'(src|href)="(?!#|data:)', own_part(page)) and "@import" not in page and "default-src 'none'" in page
        assert "plotly.js v" in page


def test_analytic_page_says_how_to_get_a_timeline(simulated: Callable[..., Any]) -> None:
    assert "--fidelity event" in html.report_page(simulated(interval=False))


def test_page_of_a_record_equals_that_of_the_report(simulated: Callable[..., Any]) -> None:
    report = simulated()
    assert html.report_page(json.loads(json.dumps(report.to_dict()))) == html.report_page(report)


def test_comparison_page(simulated: Callable[..., Any]) -> None:
    page = html.comparison_page([simulated(), simulated("toy2")])
    assert "(0.5 x)" in own_part(page)
    found = page_data(page)
    assert {row[0] for row in found["tables"][0]["rows"]} == {"toy", "toy2"}
    assert "chart-ratios" in {c["id"] for c in found["charts"]}
    with pytest.raises(HwsimError, match="at least one"):
        html.comparison_page([])


def test_sweep_page_keeps_reasons_and_escapes(sweep: Path, tmp_path: Path) -> None:
    page = html.write_sweep(sweep, tmp_path / "s.html").read_text()
    text = own_part(page)
    assert "64 design points, 48 of them feasible" in text and "&lt;wse2&gt;" in text and "<wse2>" not in text
    found = page_data(page)
    assert found["explorer"]["x"] == "latency_s" and found["explorer"]["y"] == "energy_j"
    assert len(found["tables"][0]["rows"]) == 64 and sum(found["explorer"]["ok"]) == 48
    assert {c["id"] for c in found["charts"]} == {"chart-tornado", "chart-sobol"}


def test_large_sweeps_are_sampled_but_keep_every_front() -> None:
    made = columns()
    points = data.points_of({k: np.tile(v, 50) for k, v in made.items()})
    rows = sections.kept_rows(points, ok_rows=100, other_rows=10)
    assert len(rows) <= 110 + 64 and (sections.kept_rows(points, ok_rows=100, other_rows=10) == rows).all()
    ok = points.ok[rows]
    for name, best in (("latency_s", np.min), ("energy_j", np.min), ("tokens_per_s", np.max)):
        assert best(points.columns[name][rows][ok]) == best(points.columns[name][points.ok])


def test_numbers_that_json_has_not_become_null() -> None:
    assert html.clean({"a": [np.float64(np.nan), float("inf"), np.int64(3), (1.5, "x")], 1: np.array([2.0])}) == {
        "a": [None, None, 3, [1.5, "x"]], "1": [2.0],
    }  # fmt: skip


def test_missing_extra_is_said(simulated: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = simulated(interval=False)
    monkeypatch.setattr(html.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HwsimError, match=r"pip install 'hwsim\[html\]'"):
        report.html(tmp_path / "r.html")


def test_unwritable_page_is_refused(simulated: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(HwsimError, match="cannot be written"):
        simulated(interval=False).html(tmp_path / "no" / "r.html")
