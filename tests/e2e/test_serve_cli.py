"""The command ``serve``, in process: what it prints and writes, how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app

MADE = ["--rate", "5", "--prompt", "200", "--generate", "20", "--count", "40", "--layers", "2"]


def run(*args: str | Path, code: int = 0) -> Any:
    """Run ``hwsim serve llama3-8b --chip a100``; no traceback, whatever happens."""
    found = CliRunner().invoke(app, ["serve", "llama3-8b", "--chip", "a100", *[str(a) for a in args]])
    assert found.exit_code == code, found.output + repr(found.exception)
    assert "Traceback" not in found.output
    return found


def test_requests_made_saved_and_served_again(tmp_path: Path) -> None:
    saved, record = tmp_path / "r.csv", tmp_path / "s.json"
    text = run(*MADE, "--save-requests", saved, "--json", record).stdout
    assert text.startswith("40 requests to llama3-8b on a100") and "time_to_first_token_s" in text and "both" in text
    found = json.loads(record.read_text())
    assert (found["schema"], found["requests"], found["generated_tokens"], found["chip"]) == ("hwsim.serving/1", 40, 800, "a100")
    assert set(found["times"]["latency_s"]) == {"mean", "p50", "p90", "p99"}
    again = json.loads(run("--requests", saved, "--layers", "2", "--json", "-").stdout)
    assert again == found


def test_prefill_machines_of_their_own() -> None:
    found = json.loads(run(*MADE, "--prefill-machines", "2", "--link", "50 GB/s", "--json", "-").stdout)
    assert [m["role"] for m in found["machines"]] == ["prefill", "prefill", "decode"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--rate", "5"], "--requests FILE, or --prompt, --generate of requests to make"),
        ([*MADE, "--requests", "r.csv"], "--rate, --prompt, --generate, --count: requests come from 'r.csv'"),
        (["--requests", "none.csv"], "there is no request file"),
        ([*MADE, "--arrivals", "posson"], "did you mean poisson"),
        ([*MADE, "--link", "5 GB/s"], "--prefill-machines and --link go together"),
        ([*MADE, "--prefill-machines", "1", "--link", "5"], "write a rate with its unit"),
        ([*MADE, "--machines", "0"], "at least one machine"),
        ([*MADE, "--max-batch", "0"], "max_batch must be at least 1"),
        ([*MADE, "--map", "colour=red"], "colour"),
    ],
)
def test_refusals(args: list[str], message: str) -> None:
    assert message in run(*args, code=2).stderr
