"""The command line on the toy target, in process: what it prints, what it writes, how it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app

MATMUL = ["--arg", "m=1", "--arg", "k=64", "--arg", "n=64"]
REPORT_KEYS = {
    "schema", "key", "versions", "trace", "chip", "target", "fidelity", "options", "cycles", "latency_s", "energy_j", "power_w", "area_mm2",
    "inferences_per_s", "macs", "bytes", "utilisation", "resources", "interval", "breakdown", "ops", "assumptions", "warnings", "sources",
}  # fmt: skip

Run = Callable[..., Any]


@pytest.fixture
def hwsim(models: Path) -> Run:
    """Run the command line in process, with the toy chips."""

    def run(*args: str, code: int = 0) -> Any:
        found = CliRunner().invoke(app, list(args))
        assert found.exit_code == code, found.output + repr(found.exception)
        return found

    return run


@pytest.fixture
def refused(hwsim: Run) -> Run:
    """Run a command that must fail with code 2 and one message; returns the message."""

    def run(*args: str) -> str:
        found = hwsim(*args, code=2)
        assert found.stdout == "" and found.stderr.startswith("hwsim: ")
        assert "Traceback" not in found.stderr
        return str(found.stderr)

    return run


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A trace of two operators."""
    path = tmp_path / "tiny.csv"
    path.write_text("name,m,k,n\nfc1,1,64,64\nfc2,1,64,10\n")
    return path


def test_op_prints_the_whole_report(hwsim: Run) -> None:
    text = hwsim("op", "matmul", "--chip", "toy", *MATMUL, "--map", "arrays=2").stdout
    for words in ("matmul", "on toy, analytic", "90 % interval", "validation error", "latency by component", "latency by mechanism",
                  "energy by component", "area by component", "longest operators", "bytes moved", "utilisation", "resources",
                  "mapping as used: arrays=2", "it is a toy",
                  "nobody built it", "4 constants used, 1 of them fitted", "hwsim show toy"):  # fmt: skip
        assert words in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 120
    assert "\x1b" not in text


def test_narrow_screens(hwsim: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in (["op", "matmul", "--chip", "toy", *MATMUL], ["show", "toy"], ["chips"]):
        assert max(map(len, hwsim(*command).stdout.splitlines())) <= 80


def test_json_on_stdout_is_nothing_but_json(hwsim: Run) -> None:
    found = hwsim("op", "matmul", "--chip", "toy", *MATMUL, "--json", "-")
    data = json.loads(found.stdout)
    assert set(data) >= REPORT_KEYS and data["schema"] == "hwsim.report/1"
    assert data["interval"]["latency_s"][0] < data["latency_s"] < data["interval"]["latency_s"][1]
    assert data["sources"][0]["name"] == "clock_hz" and all(s["source"] for s in data["sources"])


def test_json_file_beside_the_text(hwsim: Run, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    text = hwsim("op", "matmul", "--chip", "toy", *MATMUL, "--no-interval", "--json", str(path)).stdout
    assert "longest operators" in text
    assert json.loads(path.read_text())["interval"] == {}
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["r.json"]


def test_sources_are_printed_when_asked(hwsim: Run) -> None:
    assert "made up" in hwsim("op", "matmul", "--chip", "toy", *MATMUL, "--sources").stdout


def test_set_and_map_reach_the_model(hwsim: Run) -> None:
    data = json.loads(hwsim("op", "matmul", "--chip", "toy", *MATMUL, "--set", "clock_hz=500 MHz", "--map", "arrays=4", "--json", "-").stdout)
    assert data["latency_s"] == pytest.approx(data["cycles"] / 5e8)
    assert data["options"]["mapping"] == {"arrays": 4}


def test_event_fidelity_agrees_on_a_serial_machine(hwsim: Run) -> None:
    both = [json.loads(hwsim("op", "matmul", "--chip", "toy", *MATMUL, "--fidelity", f, "--json", "-").stdout) for f in ("analytic", "event")]
    assert both[0]["cycles"] == pytest.approx(both[1]["cycles"]) and both[1]["fidelity"] == "event"


def test_run_a_trace_file(hwsim: Run, tiny: Path) -> None:
    text = hwsim("run", str(tiny), "--chip", "toy").stdout
    assert "fc1" in text and "fc2" in text


def test_compare_in_one_table(hwsim: Run, tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    text = hwsim("compare", str(tiny), "--chip", "toy", "--chip", "toy2", "--map", "toy2:arrays=4", "--json", str(path)).stdout
    assert "/ toy" in text and "toy: A toy array; mapping arrays=1" in text and "toy2: A toy array; mapping arrays=4" in text
    data = json.loads(path.read_text())
    assert [r["chip"] for r in data["reports"]] == ["toy", "toy2"]
    assert data["ratios"]["toy"]["latency_s"] == 1
    assert data["ratios"]["toy2"]["latency_s"] == pytest.approx(data["reports"][1]["latency_s"] / data["reports"][0]["latency_s"])


def test_compare_with_constants_of_one_chip(hwsim: Run, tiny: Path) -> None:
    constants = ["--set", "toy2:clock_hz=4 GHz", "--set", "bytes_per_cycle=32 B/cycle"]
    found = hwsim("compare", str(tiny), "--chip", "toy", "--chip", "toy2", *constants, "--json", "-")
    first, second = json.loads(found.stdout)["reports"]
    assert first["cycles"] == second["cycles"] and first["latency_s"] == pytest.approx(4 * second["latency_s"])


def test_primitive(hwsim: Run) -> None:
    assert re.search(r"cycles\s+6", hwsim("primitive", "hop", "--chip", "toy", "--arg", "hops=3").stdout)
    data = json.loads(hwsim("primitive", "hop", "--chip", "toy", "--arg", "hops=3", "--json", "-").stdout)
    assert data["metrics"] == {"cycles": 6} and data["arguments"] == {"hops": 3}
    assert "one hop" in hwsim("primitive", "--chip", "toy").stdout
    assert json.loads(hwsim("primitive", "--chip", "toy", "--json", "-").stdout)[0]["args"] == {"hops": None}


def test_catalogue(hwsim: Run) -> None:
    assert re.search(r"toy2 +A toy array +fake +4 +1", hwsim("chips").stdout)
    assert json.loads(hwsim("chips", "--json", "-").stdout)[0]["fitted"] == 1
    assert isinstance(json.loads(hwsim("traces", "--json", "-").stdout), list)


def test_show_a_chip(hwsim: Run) -> None:
    text = hwsim("show", "toy").stdout
    assert "4 constants, 1 fitted" in text and "80 MAC/cycle .. 120 MAC/cycle" in text and "1 GHz" in text and "primitives of fake" in text
    data = json.loads(hwsim("show", "toy", "--json", "-").stdout)
    assert data["params"][1]["status"] == "fitted" and data["params"][1]["low"] == 80 and data["primitives"][0]["name"] == "hop"


def test_show_a_trace(hwsim: Run, tiny: Path) -> None:
    assert "2 operators" in hwsim("show", str(tiny)).stdout
    assert json.loads(hwsim("show", str(tiny), "--json", "-").stdout)["macs"] == 64 * 64 + 640


def cases(folder: Path, **changes: Any) -> Path:
    row = {"id": "a", "group": "g", "chip": "toy", "workload": {"op": "matmul", "m": 1, "k": 64, "n": 64}, "metric": "cycles", "value": 173.0,
           "kind": "rtl", "role": "calibrate", "tolerance": 0.01, "source": "s"}  # fmt: skip
    rows = [row, {**row, "id": "b", "role": "predict", "value": 200.0}, {**row, "id": "c", "metric": "luts"}]
    path = folder / "cases.yaml"
    path.write_text(json.dumps({"target": "fake", "cases": [{**r, **changes} for r in rows]}))
    return path


def test_validate_prints_scores_misses_and_refusals(hwsim: Run, tmp_path: Path) -> None:
    text = hwsim("validate", "--cases", str(cases(tmp_path))).stdout
    for words in ("fake", "calibrate", "predict", "whole target", "p/c", "outside their tolerance: 1 of 3", "refused: 1 of 3", "no metric 'luts'"):
        assert words in text
    assert hwsim("validate", str(tmp_path / "cases.yaml")).stdout == text


def test_validate_json(hwsim: Run, tmp_path: Path) -> None:
    data = json.loads(hwsim("validate", "--target", "fake", "--cases", str(cases(tmp_path)), "--json", "-").stdout)
    assert data["schema"] == "hwsim.validation/1" and data["groups"]["fake/g"]["n"] == 2 and len(data["cases"]) == 3


def test_validate_record(hwsim: Run, models: Path) -> None:
    cases(models / "toy").rename(models / "toy" / "published.yaml")
    assert "accuracy.json" in hwsim("validate", "--record").stdout.replace("\n", "")
    text = hwsim("op", "matmul", "--chip", "toy", *MATMUL).stdout
    assert "(n 2)" in text
    assert "accuracy against published cases" in hwsim("show", "toy").stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["op", "matmul", "--chip", "toi", *MATMUL], "did you mean toy"),
        (["op", "matmuls", "--chip", "toy", *MATMUL], "did you mean matmul"),
        (["op", "matmul", "--chip", "toy", "--arg", "m=1"], "needs k, n"),
        (["op", "matmul", "--chip", "toy", *MATMUL[:4], "--arg", "n=-4"], "must be positive"),
        (["op", "matmul", "--chip", "toy", *MATMUL[:4], "--arg", "n=0"], "must be positive"),
        (["op", "matmul", "--chip", "toy", *MATMUL[:4], "--arg", "n"], "write it as name=value"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--arg", "n=3"], "given twice"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--set", "clock_hz=1"], "unit"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--set", "clock_hz=1 ms"], "Hz"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--set", "clock=1 GHz"], "did you mean clock_hz"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--map", "arrays=9"], "what would help: fewer arrays"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--map", "array=1"], "did you mean arrays"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--map", "arrays=[1"], "not a JSON list"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--fidelity", "exact"], "unknown fidelity"),
        (["op", "softmax", "--chip", "toy", "--arg", "rows=2", "--arg", "cols=2"], "no model for 1 operator"),
        (["run", "tinny", "--chip", "toy"], "tinny"),
        (["run", "nowhere/config.json", "--chip", "toy"], "config.json"),
        (["compare", "x", "--chip", "toy", "--chip", "toy"], "given twice"),
        (["compare", "x", "--chip", "toy", "--map", "toi:arrays=1"], "none of the chips"),
        (["primitive", "hopp", "--chip", "toy"], "did you mean hop"),
        (["primitive", "hop", "--chip", "toy"], "needs hops"),
        (["primitive", "hop", "--chip", "toy", "--arg", "hop=1"], "did you mean hops"),
        (["show", "toi"], "did you mean toy"),
        (["validate", "--target", "fake"], "there are no cases"),
        (["validate", "--cases", "nofile.yaml"], "no such file"),
        (["validate", "--cases", "nofile.yaml", "--record"], "--record"),
        (["op", "matmul", "--chip", "toy", *MATMUL, "--json", "nofolder/r.json"], "there is no folder"),
    ],
)
def test_bad_input_is_one_message_and_code_2(refused: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], words: str) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    if "--json" not in args:
        args = [*args, "--json", "out.json"]
    text = refused(*args)
    assert words in text and text.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_malformed_files_name_file_line_and_path(refused: Run, models: Path, tmp_path: Path) -> None:
    chip = models / "toy" / "chip.yaml"
    good = chip.read_text()
    broken = tmp_path / "broken"
    broken.mkdir()
    for old, new, words in (
        ("value: 1 GHz", "value: 1", r"chip\.yaml:6: params\.clock_hz.*unit"),
        ("value: 1 GHz", "valu: 1 GHz", r"chip\.yaml:6: params\.clock_hz\.valu: unknown key .did you mean value"),
        ("title: A toy array", "title: [", r"chip\.yaml:\d+: "),
        ("status: fitted", "status: guessed", r"chip\.yaml:7: params\.macs_per_cycle"),
        ("  clock_hz: {value: 1 GHz, status: published, source: \"made up\"}\n", "", r"clock_hz"),
    ):
        (broken / "chip.yaml").write_text(good.replace(old, new))
        assert re.search(words, refused("op", "matmul", "--chip", str(broken / "chip.yaml"), *MATMUL))


def test_malformed_traces(refused: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"model_type": "llama",\n "hidden_size": }')
    assert re.search(r"config\.json:2: ", refused("run", str(config), "--chip", "toy"))
    table = tmp_path / "t.csv"
    table.write_text("name,m,k,n\nfc,1,-64,64\n")
    assert re.search(r"t\.csv:2.*-64|t\.csv:2.*positive", refused("run", str(table), "--chip", "toy"))


def test_unknown_options_are_typers_own(hwsim: Run) -> None:
    assert "No such option" in hwsim("run", "x", "--chip", "toy", "--frobnicate", code=2).stderr
    assert "Missing option" in hwsim("run", "x", code=2).stderr
    assert "Missing argument" in hwsim("run", "--chip", "toy", code=2).stderr


def test_version_and_help(hwsim: Run) -> None:
    assert hwsim("--version").stdout.startswith("hwsim ")
    text = hwsim("--help").stdout
    for command in ("run", "compare", "op", "primitive", "validate", "chips", "traces", "show"):
        assert re.search(rf"^  {command} ", text, re.M)


def test_a_bug_keeps_its_traceback(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_target.FakeTarget.price", lambda *record: 1 / 0)
    found = CliRunner().invoke(app, ["op", "matmul", "--chip", "toy", *MATMUL])
    assert isinstance(found.exception, ZeroDivisionError)
