"""hwsim plot, and the pages and timelines of run and compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app

Run = Callable[..., Any]


@pytest.fixture
def hwsim(models: Path) -> Run:
    """Run the command line in process, with the toy chips."""

    def run(*args: object, code: int = 0) -> str:
        found = CliRunner().invoke(app, [str(a) for a in args])
        assert found.exit_code == code, found.output + repr(found.exception)
        return found.stderr if code else found.stdout

    return run


@pytest.fixture
def made(hwsim: Run, tmp_path: Path) -> dict[str, Path]:
    """A run's and a comparison's files."""
    trace = tmp_path / "net.csv"
    trace.write_text("name,m,k,n\nstem,1,64,64\nbody,64,256,256\n")
    files = {n: tmp_path / n for n in ("run.json", "run.html", "time.json", "both.json", "both.html")}
    event = ("--chip", "toy", "--fidelity", "event")
    hwsim("run", trace, *event, "--json", files["run.json"], "--html", files["run.html"], "--timeline", files["time.json"])
    hwsim("compare", trace, "--chip", "toy", "--chip", "toy2", "--json", files["both.json"], "--html", files["both.html"])
    return {**files, "trace": trace}


def test_run_and_compare_write_pages_and_timelines(made: dict[str, Path]) -> None:
    assert "net on toy" in made["run.html"].read_text() and "net: toy, toy2" in made["both.html"].read_text()
    assert json.loads(made["time.json"].read_text())["traceEvents"]


@pytest.mark.parametrize(
    ("source", "options", "drawn"),
    [("run.json", [], "breakdown"), ("run.json", ["--kind", "roofline", "--level", "link", "--width", "double"], "roofline"),
     ("both.json", ["--metric", "energy_j"], "breakdown"), ("time.json", ["--window", "0 us:20 us", "--by", "mechanism"], "timeline"),
     ("time.json", ["--kind", "timeline", "--width", "column"], "timeline")],
)  # fmt: skip
def test_pictures_of_reports(hwsim: Run, made: dict[str, Path], tmp_path: Path, source: str, options: list[str], drawn: str) -> None:
    picture = tmp_path / "p.png"
    told = json.loads(hwsim("plot", made[source], "-o", picture, *options, "--json", "-"))
    assert told == {"schema": "hwsim.plot/1", "source": str(made[source]), "kind": drawn, "file": str(picture)}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["pareto", "heatmap", "sensitivity"])
def test_pictures_of_a_sweep(hwsim: Run, sweep: Path, tmp_path: Path, kind: str) -> None:
    assert kind in hwsim("plot", sweep, "--kind", kind, "-o", tmp_path / "p.svg")
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")


def test_pages_of_files(hwsim: Run, made: dict[str, Path], sweep: Path, tmp_path: Path) -> None:
    for source in (made["run.json"], made["both.json"], sweep):
        hwsim("plot", source, "-o", tmp_path / "page.html")
        assert "<!DOCTYPE html>" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--kind", "pareto"], "cannot be drawn as pareto (can: breakdown, roofline, wafer_map); plot a sweep's folder"),
     (["--kind", "rooflin"], "did you mean roofline"), (["--kind", "wafer-map"], "needs a report of target wafer_mesh"),
     (["--kind", "timeline"], "--fidelity event --timeline F"), (["--width", "wide"], "unknown figure width"),
     (["--kind", "roofline", "--level", "l2"], "no bytes are moved at level 'l2'")],
)  # fmt: skip
def test_refusals(hwsim: Run, made: dict[str, Path], tmp_path: Path, options: list[str], message: str) -> None:
    assert message in hwsim("plot", made["run.json"], "-o", tmp_path / "p.png", *options, code=2)
    assert not (tmp_path / "p.png").exists()


def test_more_refusals(hwsim: Run, made: dict[str, Path], sweep: Path, tmp_path: Path) -> None:
    assert "ends in .png" in hwsim("plot", made["run.json"], "-o", tmp_path / "p.gif", code=2)
    assert "there is no 'nothing'" in hwsim("plot", "nothing", "-o", tmp_path / "p.png", code=2)
    assert "there is no folder" in hwsim("plot", sweep, "-o", tmp_path / "no" / "p.png", code=2)
    assert "pages are made of" in hwsim("plot", made["time.json"], "-o", tmp_path / "p.html", code=2)
    assert "with units" in hwsim("plot", made["time.json"], "--window", "0:20", "-o", tmp_path / "p.png", code=2)
    assert "operator or mechanism" in hwsim("plot", made["time.json"], "--by", "colour", "-o", tmp_path / "p.png", code=2)
    (sweep / "sensitivity.json").unlink()
    assert "no sensitivity.json" in hwsim("plot", sweep, "--kind", "sensitivity", "-o", tmp_path / "p.png", code=2)
    run = ("run", made["trace"], "--chip", "toy")
    assert "fidelity event" in hwsim(*run, "--timeline", tmp_path / "t.json", code=2)
    assert "goes to a file" in hwsim(*run, "--html", "-", code=2)
    assert "--html" in hwsim(*run, "--html", tmp_path / "no" / "p.html", code=2)
