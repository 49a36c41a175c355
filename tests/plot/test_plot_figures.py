"""Every figure: what it shows, that it is readable at both widths, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plot_helpers import SENSITIVITY

import hwsim
from hwsim.core.errors import HwsimError
from hwsim.plot import breakdown, data, heatmap, pareto, roofline, sensitivity, style, timeline, wafer_map

Check = Callable[[Any], None]
WIDTHS = ("column", "double")


@pytest.fixture(scope="module")
def wafer() -> data.ReportView:
    """A decode step on the wafer."""
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    return data.view(hwsim.simulate(graph, hwsim.load_chip("wse2"), {"grid": (300, 300), "energy_mode": "activity"}, interval=False))


@pytest.mark.parametrize("width", WIDTHS)
def test_breakdown_is_sorted_and_readable(wafer: data.ReportView, width: str, readable: Check) -> None:
    figure = breakdown.report_figure(wafer, width=width)
    readable(figure)
    latency = figure.axes[0]
    lengths = [bar.get_width() for bar in latency.patches][:-1]  # the last gathers the rest
    assert lengths == sorted(lengths, reverse=True)
    assert latency.get_xlabel() == "latency (µs)" and latency.get_yticklabels()[-1].get_text().endswith("more")
    assert sum(bar.get_width() for bar in latency.patches) == pytest.approx(wafer.record["latency_s"] * 1e6)


def test_breakdown_without_parts_is_refused() -> None:
    with pytest.raises(HwsimError, match="no breakdown"):
        breakdown.breakdown_figure({"latency_s": {"a": 0.0}})


def test_comparison_bars_are_whole(simulated: Callable[..., Any], readable: Check) -> None:
    views = [data.view(simulated(chip, interval=False)) for chip in ("toy", "toy2")]
    figure = breakdown.comparison_figure(views)
    readable(figure)
    ends: dict[float, float] = {}
    for bar in figure.axes[0].patches:
        ends[bar.get_y()] = max(ends.get(bar.get_y(), 0.0), bar.get_x() + bar.get_width())
    assert len(ends) == 2 and all(end == pytest.approx(100) for end in ends.values())
    with pytest.raises(HwsimError, match="breakdown of nothing"):
        breakdown.comparison_figure(views, metric="nothing")


@pytest.mark.parametrize("width", WIDTHS)
def test_roofline_holds_operators_under_its_ceilings(wafer: data.ReportView, width: str, readable: Check) -> None:
    readable(roofline.report_figure(wafer, width=width))
    marks, known = roofline.marks_of(wafer, "sram"), roofline.ceilings_of(wafer)
    assert known.peaks["fp16"] == pytest.approx(2 * 4 * 90000 * 1.1e9)  # 4 MACs a cycle on 300 x 300 cores
    assert known.bandwidths["sram"] == pytest.approx(24 * 90000 * 1.1e9)
    for mark in marks:
        assert mark.rate <= min(known.peaks["fp16"], mark.intensity * known.bandwidths["sram"]) * 1.0001
    assert sum(m.share for m in marks) <= 1 and marks[0].share == max(m.share for m in marks)


def test_roofline_of_a_record_equals_that_of_the_report(wafer: data.ReportView) -> None:
    read = data.view(wafer.record)
    assert roofline.ceilings_of(read) == roofline.ceilings_of(wafer) and roofline.choose_level(read) == "sram"


def test_roofline_refuses_an_unknown_level(wafer: data.ReportView) -> None:
    with pytest.raises(HwsimError, match="did you mean sram"):
        roofline.report_figure(wafer, level="sramm")


def test_constants_of_a_changed_chip_are_not_guessed(wafer: data.ReportView) -> None:
    sources = [{**s, "value": 9e8} if s["name"] == "clock_hz" else s for s in wafer.record["sources"]]
    with pytest.raises(HwsimError, match="does not state"):
        wafer_map.report_figure(data.view({**wafer.record, "sources": sources}))


@pytest.mark.parametrize("width", WIDTHS)
def test_pareto_of_a_sweep(sweep: Path, width: str, readable: Check) -> None:
    points = data.read_sweep(sweep)
    figure = pareto.sweep_figure(points, width=width)
    readable(figure)
    words = [t.get_text() for t in figure.legends[0].get_texts()]
    assert "infeasible, not shown (16)" in words
    assert figure.axes[0].get_xlabel() == "latency (µs), lower is better"
    with pytest.raises(HwsimError, match="did you mean energy_j"):
        pareto.sweep_figure(points, x="energy")


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=30), st.booleans(), st.booleans())
def test_front_holds_what_nothing_beats(found: list[tuple[int, int]], higher_x: bool, higher_y: bool) -> None:
    x, y = (np.array(v, dtype=float) for v in zip(*found, strict=True))
    front = pareto.front_of(x, y, higher_x=higher_x, higher_y=higher_y)
    a, b = (-x if higher_x else x), (-y if higher_y else y)
    for i in range(len(x)):
        beaten = bool(((a <= a[i]) & (b <= b[i]) & ((a < a[i]) | (b < b[i]))).any())
        assert not (front[i] and beaten)
        assert front[i] or beaten or any(front[j] and a[j] == a[i] and b[j] == b[i] for j in range(len(x)))


def test_front_leaves_out_what_is_no_number() -> None:
    assert pareto.front_of(np.array([np.nan, 1.0]), np.array([0.0, 1.0])).tolist() == [False, True]
    with pytest.raises(HwsimError, match="front is empty"):
        pareto.pareto_figure({"a": np.ones(2), "b": np.ones(2)}, "a", "b", np.zeros(2, bool))


@pytest.mark.parametrize("width", WIDTHS)
def test_heat_map_of_a_sweep(sweep: Path, width: str, readable: Check) -> None:
    points = data.read_sweep(sweep)
    readable(heatmap.sweep_figure(points, width=width))
    across, up, cells = heatmap.cells_of(points, "mapping.grid", "trace.context", "latency_s")
    assert across == ["180x180", "300x300", "420x420", "720x720"] and up == [2048.0, 8192.0]
    assert np.isnan(cells[:, 3]).all() and np.nanmin(cells) == cells[0, 1]
    best = heatmap.cells_of(points, "mapping.grid", "trace.context", "tokens_per_s")[2]
    assert np.nanmax(best) == pytest.approx(1 / np.nanmin(cells))


def test_heat_map_needs_two_parameters_and_figures() -> None:
    with pytest.raises(HwsimError, match="two parameters"):
        heatmap.sweep_figure(data.points_of({"clock_hz": np.arange(3.0), "latency_s": np.ones(3)}))
    with pytest.raises(HwsimError, match="no point is feasible"):
        heatmap.heatmap_figure([1], [1], np.full((1, 1), np.nan), x="a", y="b", metric="latency_s")
    with pytest.raises(HwsimError, match="rows and"):
        heatmap.heatmap_figure([1], [1, 2], np.ones((1, 1)), x="a", y="b", metric="latency_s")


@pytest.mark.parametrize("width", WIDTHS)
def test_sensitivity(width: str, readable: Check) -> None:
    figure = sensitivity.sensitivity_figure(SENSITIVITY, width=width)
    readable(figure)
    tornado, sobol = figure.axes
    assert [t.get_text() for t in tornado.get_yticklabels()] == ["clock", "hop", "grid", "idle"]
    assert tornado.patches[0].get_width() == pytest.approx(27.5)
    assert "Sobol index" in sobol.get_xlabel()
    with pytest.raises(HwsimError, match="schema"):
        sensitivity.sensitivity_figure({"schema": "other"})
    with pytest.raises(HwsimError, match="empty"):
        sensitivity.sensitivity_figure({**SENSITIVITY, "tornado": [], "sobol": []})


def test_wafer_map_shows_the_copies(wafer: data.ReportView, simulated: Callable[..., Any], readable: Check) -> None:
    figure = wafer_map.report_figure(wafer)
    readable(figure)
    fabric, sram, regions = wafer_map.regions_of(wafer)
    assert fabric == (750, 994) and sram == 48 * 1024
    assert [(r.name, r.width, r.height) for r in regions] == [("decode", 300, 300)]
    assert regions[0].copies == pytest.approx(750 * 994 / 300**2)
    assert len(figure.axes[0].patches) == 6 + 2  # two across, three down, and the fabric's ground and outline
    with pytest.raises(HwsimError, match="wafer_mesh"):
        wafer_map.report_figure(data.view(simulated(interval=False)))
    with pytest.raises(HwsimError, match="fit the fabric"):
        wafer_map.wafer_figure((10, 10), 48.0, [wafer_map.Region("a", 11, 1)])


@pytest.mark.parametrize("width", WIDTHS)
def test_wafer_map_of_two_phases(width: str, readable: Check) -> None:
    regions = [wafer_map.Region("prefill", 690, 690), wafer_map.Region("decode", 300, 300, 8.28, 30000.0)]
    readable(wafer_map.wafer_figure((750, 994), 49152.0, regions, width=width))


@pytest.mark.parametrize("width", WIDTHS)
def test_links_of_a_mesh_run(width: str, readable: Check) -> None:
    from hwsim.engine.mesh import MeshTiming
    from hwsim.engine.mesh_programs import run_mesh_gemv

    run = run_mesh_gemv(6, 12, 4, 4, MeshTiming(1, 1, 1), groups=3, compute_cycles=16)
    figure = wafer_map.link_figure(run.links, run.cycles, title="MeshGEMV", width=width)
    readable(figure)
    rows, columns = (axes.images[0].get_array() for axes in figure.axes[:2])
    assert rows.max() == 0 and columns.max() == pytest.approx(100 * run.links.max() / run.cycles)  # the sum runs down the columns
    with pytest.raises(HwsimError, match="links of shape"):
        wafer_map.link_figure(run.links[:, :, :2], run.cycles)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures_by_suffix_and_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    magic = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    written = []
    for name in ("a", "b"):
        figure = sensitivity.sensitivity_figure(SENSITIVITY)
        written.append(style.save(figure, tmp_path / (name + suffix)).read_bytes())
    assert written[0].startswith(magic) and written[0] == written[1]


def test_files_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    figure = sensitivity.sensitivity_figure(SENSITIVITY)
    with pytest.raises(HwsimError, match=r"ends in \.png"):
        style.save(figure, tmp_path / "a.gif")
    with pytest.raises(HwsimError, match="cannot be written"):
        style.save(figure, tmp_path / "nowhere" / "a.png")
    with pytest.raises(HwsimError, match="did you mean column"):
        style.new_figure("colum")


def test_labels_find_room_or_are_left_out() -> None:
    with style.styled():
        figure = style.new_figure("column")
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        assert style.label_points(axes, [0.2, 0.8], [0.5, 0.5], ["left", "right"], [2, 2]) == 2
        assert style.label_points(axes, [0.5], [0.5], ["far too long a text " * 8], [2]) == 0


@pytest.mark.parametrize(
    ("name", "values", "label"),
    [("latency_s", [2e-4], "latency (µs)"), ("area_mm2", [46225.0], "silicon area (mm²)"), ("dram_bytes_per_s", [2.04e12], "dram (TB/s)"),
     ("mapping.arrays", [3], "arrays"), ("cycles", [5], "cycles"), ("energy_j", [0.0], "energy (J)")],
)  # fmt: skip
def test_axis_labels(name: str, values: list[float], label: str) -> None:
    assert style.scaled(name, values)[1] == label


def test_importing_plots_imports_no_library() -> None:
    import subprocess
    import sys

    code = "import sys, hwsim.plot.html, hwsim.plot.wafer_map; print([m for m in ('matplotlib', 'duckdb', 'plotly', 'jinja2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_figures_roll_over_to_the_next_prefix() -> None:
    assert style.figure_text(0.9999995, "s") == "1 s" and style.figure_text(999.4e-6, "s") == "999 µs"


def test_every_operator_with_time_is_named(wafer: data.ReportView) -> None:
    figure = roofline.report_figure(wafer)
    assert len(figure.axes[0].texts) == min(len(roofline.marks_of(wafer, "sram")), roofline.LABELS)


def test_no_operator_is_drawn_above_its_bandwidth() -> None:
    """A level's ceiling is a rate that the chip states and that no operator passes; rates of modes count too (L3 of GAP8 under later flows)."""
    for chip, options in (("gap8", {"dtype": "int8"}), ("a100", {"dtype": "fp16"}), ("mr-wolf", {"dtype": "int8"})):
        report = data.view(hwsim.simulate(hwsim.load_graph("mobilenet-v1-0.25-128", **options), hwsim.load_chip(chip), interval=False))
        for level, rate in roofline.ceilings_of(report).bandwidths.items():
            assert all(mark.rate <= rate * mark.intensity * (1 + 1e-6) for mark in roofline.marks_of(report, level))
    gap8 = hwsim.simulate(hwsim.load_graph("mobilenet-v1-0.25-128", dtype="int8"), hwsim.load_chip("gap8"), interval=False)
    assert roofline.ceilings_of(data.view(gap8)).bandwidths["l3"] == pytest.approx(0.8 * 175e6)


def test_small_areas_are_square_micrometres_and_names_are_words() -> None:
    figure = breakdown.breakdown_figure({"area_mm2": {"columns": 0.003, "ramp": 1e-5}, "energy_j": {"sample_hold_energy": 1e-12}})
    assert [axes.get_xlabel() for axes in figure.axes if axes.get_visible()] == ["energy (pJ)", "area (µm²)"]
    assert figure.axes[0].get_yticklabels()[0].get_text() == "sample hold"


def test_a_timeline_of_one_label_shows_mechanisms() -> None:
    alike = [timeline.Span("a", "conv", m, "sm", t, 1e-6) for t, m in ((0.0, "compute"), (1e-6, "memory"))]
    assert {t.get_text() for t in timeline.timeline_figure(alike).legends[0].get_texts()} == {"compute", "memory"}
    unlike = [timeline.Span("a", n, "compute", "sm", t, 1e-6) for t, n in ((0.0, "conv"), (1e-6, "norm"))]
    assert {t.get_text() for t in timeline.timeline_figure(unlike).legends[0].get_texts()} == {"conv", "norm"}
