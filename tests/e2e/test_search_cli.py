"""The commands that ask questions of a space, in process: what they print, what they write, how they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app

SPACE = """\
trace: {op: matmul, m: 64, k: 256, n: 256}
chips: [wse2]
parameters:
  clock_hz: {linspace: [0.7 GHz, 1.4 GHz, 50]}
  call_fixed_cycles: {integers: [30, 60]}
  mapping.grid: {choices: [[64, 64], [16, 16], [32, 32]]}
constraints: ["clock_hz < 1.3 GHz"]
"""
AIMS = ["--objective", "latency_s", "--objective", "energy_j"]
Run = Callable[..., Any]


def run(*args: str | Path, code: int = 0) -> Any:
    """Run the command line; no traceback, whatever happens."""
    found = CliRunner().invoke(app, [str(a) for a in args])
    assert found.exit_code == code, found.output + repr(found.exception)
    assert "Traceback" not in found.output
    return found


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return path


def test_search_then_pareto_then_more(space: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    first = run("search", space, "--out", out, *AIMS, "--trials", "96", "--seed", "1").stdout
    assert first.startswith("96 trials (") and "of 4,650 points" in first and "minimise latency_s, minimise energy_j" in first
    again = run("search", space, "--out", out, *AIMS, "--trials", "144", "--seed", "1", "--json", tmp_path / "s.json").stdout
    assert "96 of them from before" in again
    record = json.loads((tmp_path / "s.json").read_text())
    assert (record["schema"], record["trials"], record["resumed"]) == ("hwsim.front/1", 144, 96)
    shown = run("pareto", out, *AIMS, "--json", "-").stdout
    assert json.loads(shown)["points"] == record["points"]
    text = run("pareto", out, "--objective", "latency_s", "--maximise", "energy_j", "--all").stdout
    assert "maximise energy_j" in text and "on the front, of" in text and "clock_hz" in text
    refused = run("search", space, "--out", out, "--objective", "latency_s", code=2).stderr
    assert "holds another search of this space" in refused


def test_pareto_of_a_sweep(space: Path, tmp_path: Path) -> None:
    run("sweep", space, "--out", tmp_path / "all")
    record = json.loads(run("pareto", tmp_path / "all", *AIMS, "--json", "-").stdout)
    assert record["total"] == 50 * 31 * 3 > record["feasible"] > len(record["points"]) > 0
    assert all(p["clock_hz"] < 1.3e9 and p["status"] == "ok" for p in record["points"])
    assert "did you mean latency_s" in run("pareto", tmp_path / "all", "--objective", "latncy_s", code=2).stderr
    assert "at least one objective" in run("pareto", tmp_path / "all", code=2).stderr
    assert "no results folder" in run("pareto", tmp_path, *AIMS, code=2).stderr


def test_a_front_without_feasible_points(space: Path, tmp_path: Path) -> None:
    space.write_text(SPACE.replace("clock_hz < 1.3 GHz", "clock_hz < 0.1 GHz"))
    text = run("search", space, "--out", tmp_path / "none", *AIMS, "--trials", "4", "--population", "4").stdout
    assert "no point is feasible" in text


def test_sensitivity_prints_what_to_change_first(space: Path, tmp_path: Path) -> None:
    out = tmp_path / "sens"
    space.write_text(SPACE.replace("1.3 GHz", "1.35 GHz"))
    text = run("sensitivity", space, "--metric", "latency_s", "--out", out, "--samples", "32", "--at", "clock_hz=1 GHz").stdout
    assert "clock_hz = 1.4 GHz is not feasible: clock_hz < 1.35 GHz" in text
    for words in ("clock_hz 1 GHz", "one at a time", "swing", "with interactions", "matters most", "first:", "sensitivity.json"):
        assert words in text
    record = json.loads((out / "sensitivity.json").read_text())
    assert {b["parameter"] for b in record["tornado"]} == {"clock_hz", "call_fixed_cycles", "mapping.grid"} and len(record["sobol"]) == 3
    shown = json.loads(run("sensitivity", space, "--metric", "energy_j", "--method", "tornado", "--over", "chip", "--json", "-").stdout)
    assert shown["over"] == "chip" and shown["sobol"] == [] and "clock_hz" not in {b["parameter"] for b in shown["tornado"]}


def test_inverse_answers_in_a_sentence(space: Path) -> None:
    text = run("inverse", space, "--parameter", "clock_hz", "--metric", "latency_s", "--at-most", "20 us").stdout
    assert text.startswith("The smallest clock_hz with latency_s <= 20 us is ") and "base point: call_fixed_cycles" in text
    record = json.loads(run("inverse", space, "--parameter", "mapping.grid", "--metric", "latency_s", "--at-most", "1 s", "--largest", "--at",
                            "clock_hz=1 GHz", "--json", "-").stdout)  # fmt: skip
    assert record["value"] == [64, 64] and record["exact"] and record["base"]["clock_hz"] == 1e9
    never = run("inverse", space, "--parameter", "call_fixed_cycles", "--metric", "latency_s", "--at-most", "1 ns").stdout
    assert "none of its 31 values gives latency_s <= 1 ns; the best is 30" in never
    wide = run("inverse", space, "--parameter", "gemm_step_cycles", "--metric", "latency_s", "--at-most", "1", "--low", "0", "--high", "9")
    assert "gemm_step_cycles with latency_s <= 1 s is 0" in wide.stdout


@pytest.mark.parametrize(("args", "words"), [
    (("--parameter", "clok_hz", "--metric", "latency_s", "--at-most", "1"), "did you mean clock_hz"),
    (("--parameter", "clock_hz", "--metric", "latency_s"), "one target"),
    (("--parameter", "clock_hz", "--metric", "latency_s", "--at-most", "1 J"), "is in J, but s is due"),
    (("--parameter", "clock_hz", "--metric", "latency_s", "--at-most", "fast"), "no quantity"),
    (("--parameter", "clock_hz", "--metric", "latency_s", "--at-most", "1", "--at", "clock_hz=3"), "needs a unit"),
    (("--parameter", "gemm_step_cycles", "--metric", "latency_s", "--at-most", "1", "--low", "9", "--high", "1"), "is empty"),
])  # fmt: skip
def test_bad_questions(space: Path, args: tuple[str, ...], words: str) -> None:
    found = run("inverse", space, *args, code=2)
    assert found.stdout == "" and found.stderr.startswith("hwsim: ") and words in found.stderr


def test_bad_searches(space: Path, tmp_path: Path) -> None:
    for args, words in (((*AIMS, "--sampler", "nsga9"), "did you mean nsga"), ((), "at least one objective"),
                        (("--objective", "tokens_per_s"), "--maximise tokens_per_s"), ((*AIMS, "--population", "1"), "nsga: two")):  # fmt: skip
        assert words in run("search", space, "--out", tmp_path / "x", *args, code=2).stderr
    space.write_text(SPACE.replace("clock_hz: {", "clok_hz: {"))
    assert "space.yaml:4" in run("search", space, "--out", tmp_path / "x", *AIMS, code=2).stderr
