"""The HTML pages in headless Chromium, from file://, without a network: no console errors, tables sort and filter, points tell their parameters."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwsim

pytest.importorskip("plotly")
pytest.importorskip("jinja2")
webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Debian's chromium and chromium-driver")

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-quic", "--disable-dev-shm-usage", "--window-size=1240,1000", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield made
    made.quit()


def until(browser: Any, script: str, seconds: float = 20.0) -> Any:
    """Wait until a script returns something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := browser.execute_script(script):
            return found
        time.sleep(0.05)
    raise AssertionError(f"never true: {script}")


def load(browser: Any, path: Path) -> None:
    """Open a page and wait for its charts; the console must stay empty of errors, and nothing may be fetched."""
    browser.get(path.as_uri())
    until(browser, "return document.body.dataset.ready === 'yes'")
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
    assert browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name).filter(n => !/^(data|blob):/.test(n))") == []


def column(browser: Any, table: str, index: int) -> list[str]:
    """Texts of one column of a table."""
    script = "return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)].map(r => r.cells[arguments[1]].textContent)"
    found: list[str] = browser.execute_script(script, table, index)
    return found


def test_report_page_loads_sorts_and_filters(browser: Any, tmp_path: Path) -> None:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=512, layers=2)
    report = hwsim.simulate(graph, hwsim.load_chip("wse2"), {"grid": (120, 120), "workload_mode": "paper_faithful"}, fidelity="event")
    load(browser, report.html(tmp_path / "report.html"))
    for chart in ("chart-breakdown-latency_s", "chart-roofline", "chart-timeline"):
        assert browser.execute_script("return document.querySelectorAll(`#${arguments[0]} .main-svg`).length", chart) > 0
    heads = browser.find_elements("css selector", "#operator-table th")
    names = [h.text for h in heads]
    cycles = names.index("cycles")
    number = {name: index for index, name in enumerate(names)}
    heads[cycles].click()
    down = [float(t.replace(",", "")) for t in column(browser, "operator-table", cycles)]
    heads[cycles].click()
    up = [float(t.replace(",", "")) for t in column(browser, "operator-table", cycles)]
    assert down == sorted(down, reverse=True) and up == sorted(up) and len(up) == len(report.table()) and up[0] < up[-1]
    heads[number["operator"]].click()
    texts = column(browser, "operator-table", 0)
    assert texts == sorted(texts, key=str.lower)
    browser.find_element("css selector", "#operator-table input").send_keys("matmul proj")
    left = column(browser, "operator-table", 0)
    assert left and all("proj" in name for name in left) and len(left) < len(texts)
    assert "of" in browser.find_element("css selector", "#operator-table .count").text


def test_comparison_page_loads(browser: Any, tmp_path: Path) -> None:
    from hwsim.plot import html

    graph = hwsim.load_graph("llama3-8b", phase="decode", context=512)
    reports = hwsim.compare(graph, [hwsim.load_chip("wse2"), hwsim.load_chip("wse3")])
    load(browser, html.write_comparison(reports, tmp_path / "compare.html"))
    assert set(column(browser, "operator-table", 0)) == {"wse2", "wse3"}


def points() -> Any:
    """A small sweep."""
    from hwsim.plot import data

    rows = list(itertools.product((0.7e9, 1.0e9, 1.3e9), (180, 300, 420)))
    clock, grid = (np.array(v, dtype=float) for v in zip(*rows, strict=True))
    latency = 1e-4 * (1e9 / clock) * (1 + np.abs(grid - 300) / 300)
    status = np.array(["ok"] * 8 + ["infeasible"], dtype=object)
    return data.points_of({
        "clock_hz": clock, "mapping.grid": np.array([f"{g:.0f}x{g:.0f}" for g in grid], dtype=object),
        "latency_s": np.where(status == "ok", latency, np.nan), "energy_j": np.where(status == "ok", latency * (clock / 1e9) ** 3 * 1e4, np.nan),
        "status": status, "reason": np.array([""] * 8 + ["too large"], dtype=object),
    })  # fmt: skip


PLACE = """
const chart = document.getElementById('explorer'), front = chart.data[1], box = chart.getBoundingClientRect(), full = chart._fullLayout;
return [box.left + full.xaxis._offset + full.xaxis.d2p(front.x[0]), box.top + full.yaxis._offset + full.yaxis.d2p(front.y[0]), front.customdata[0]];
"""


def test_sweep_page_hovers_brushes_and_changes_axes(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    from hwsim.plot import html

    made = points()
    load(browser, html.write_sweep(made, tmp_path / "sweep.html"))
    browser.execute_script("document.getElementById('explorer').scrollIntoView({block: 'center'})")
    x, y, row = browser.execute_script(PLACE)
    move = ActionBuilder(browser)
    move.pointer_action.move_to_location(int(x) - 3, int(y) - 3).move_to_location(round(x), round(y))
    move.perform()
    told = until(browser, "const t = document.querySelector('#explorer .hoverlayer .hovertext'); return t && t.textContent")
    assert f"grid {made.columns['mapping.grid'][row]}" in told and "clock 1.3 GHz" in told and "latency" in told
    assert len(column(browser, "point-table", 0)) == 9 and "too large" in column(browser, "point-table", 5)
    drag = ActionBuilder(browser)
    drag.pointer_action.move_to_location(round(x) - 14, round(y) - 14).pointer_down().move_to_location(round(x), round(y))
    drag.pointer_action.move_to_location(round(x) + 14, round(y) + 14).pointer_up()
    drag.perform()
    until(browser, "return document.querySelectorAll('#point-table tbody tr').length < 9")
    assert column(browser, "point-table", 1) == [made.columns["mapping.grid"][row]]
    assert "selected in the chart" in browser.find_element("css selector", "#point-table .count").text
    browser.find_element("id", "clear").click()
    assert len(column(browser, "point-table", 0)) == 9
    ActionChains(browser).pause(0.1).perform()
    browser.execute_script("const s = document.getElementById('axis-x'); s.value = 'clock_hz'; s.dispatchEvent(new Event('change'))")
    assert until(browser, "return document.getElementById('explorer')._fullLayout.xaxis.title.text") == "clock (GHz)"
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
