"""`hwsim sweep` end to end: the command, bad files, a run killed twice, processes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import hwsim
from hwsim.cli import app
from hwsim.cli.sweep import pace

YAML = """\
trace: {name: llama3-8b, phase: decode, context: 4096}
chips: [wse2]
parameters:
  mapping.grid: {choices: [[420, 420], [540, 540], [900, 900]]}
  clock_hz: {linspace: [0.7 GHz, 1.4 GHz, 100]}
  hop_cycles: {list: [1, 2, 3]}
constraints: ["latency_s < 1 ms"]
metrics: [latency_s, energy_j, area_mm2, tokens_per_s]
"""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["sweep", *arguments])


@pytest.fixture
def space(tmp_path: Path) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text(YAML)
    return path


def test_the_command(tmp_path: Path, space: Path) -> None:
    found = run(str(space), "--out", str(tmp_path / "out"), "--jobs", "2")
    assert found.exit_code == 0, found.output
    text = " ".join(found.output.split())  # lines wrap where the folder's name is long
    assert "900 points in" in text and "300 infeasible" in text and "needs 900 PEs" in text and "tokens_per_s" in text
    again = run(str(space), "--out", str(tmp_path / "out"), "--json", "-")
    record = json.loads(again.stdout)
    assert record["schema"] == "hwsim.sweep/1" and record["evaluated"] == 0 and sum(record["status"].values()) == record["points"] == 900
    assert record["ranges"]["latency_s"]["min"] < record["ranges"]["latency_s"]["max"] < 1e-3 and record["reasons"][0]["points"] == 300
    assert (tmp_path / "out" / "space.yaml").read_text() == YAML


def test_errors_are_one_message(tmp_path: Path, space: Path) -> None:
    space.write_text(YAML.replace("hop_cycles", "hop_cicles"))
    found = run(str(space), "--out", str(tmp_path / "out"))
    assert found.exit_code == 2 and "space.yaml:6: parameters.hop_cicles" in found.output and "did you mean hop_cycles" in found.output
    space.write_text(YAML)
    assert run(str(space), "--out", str(tmp_path / "out")).exit_code == 0
    space.write_text(YAML.replace("1 ms", "2 ms"))
    found = run(str(space), "--out", str(tmp_path / "out"))
    assert found.exit_code == 2 and "results of another space" in found.output
    assert run(str(tmp_path / "none.yaml"), "--out", str(tmp_path / "o")).exit_code == 2


def test_killed_twice_and_resumed(tmp_path: Path) -> None:
    """Two SIGKILLs at any moment, a third run to the end: bit for bit what one run gives."""
    stated = YAML.replace("1.4 GHz, 100]", "1.4 GHz, 20000]")
    (tmp_path / "space.yaml").write_text(stated)
    script = "import sys, hwsim\nhwsim.sweep(sys.argv[1], sys.argv[2], chunk=3000)"
    command = [sys.executable, "-c", script, str(tmp_path / "space.yaml"), str(tmp_path / "killed")]
    shards = tmp_path / "killed" / "shards"
    counts = []
    for wanted in (5, 20):
        process = subprocess.Popen(command)
        while process.poll() is None and len(list(shards.glob("part-*"))) < wanted:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        counts.append(len(list(shards.glob("part-*"))))
    assert 5 <= counts[0] < counts[1] < 60
    subprocess.run(command, check=True)
    hwsim.sweep(tmp_path / "space.yaml", tmp_path / "whole", chunk=3000)
    files = [{p.name: p.read_bytes() for p in (tmp_path / f / "shards").iterdir()} for f in ("killed", "whole")]
    assert files[0] == files[1] and len(files[0]) == 60


def test_event_fidelity_in_processes(tmp_path: Path) -> None:
    stated = YAML.replace("1.4 GHz, 100]", "1.4 GHz, 4]").replace("[1, 2, 3]", "[1, 2]") + "fidelity: event\n"
    (tmp_path / "space.yaml").write_text(stated)
    for jobs, out in (("2", "two"), ("1", "one")):
        found = run(str(tmp_path / "space.yaml"), "--out", str(tmp_path / out), "--jobs", jobs)
        assert found.exit_code == 0, found.output
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / f / "shards").iterdir()} for f in ("one", "two"))
    assert one == two and len(one) == 2


def test_progress_in_words() -> None:
    assert pace(1000, 120000, 1.0) == "1,000 points/s, 2:00 to go" and pace(10, 36000, 1.0) == "10 points/s, 1:00:00 to go" and pace(0, 1, 1.0) == ""


def test_progress_in_a_log(tmp_path: Path, space: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hwsim.cli.sweep as module

    monkeypatch.setattr(module, "EVERY_S", 0.0)
    found = run(str(space), "--out", str(tmp_path / "out"))
    assert "900 of 900 points" in found.stderr and "to go" in found.stderr
