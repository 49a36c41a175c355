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
    assert set(found["times"]["latency_s"]) == {"mean", "p50", "p90", "p95", "p99"}
    again = json.loads(run("--requests", saved, "--layers", "2", "--json", "-").stdout)
    assert again == found


def test_prefill_machines_of_their_own() -> None:
    found = json.loads(run(*MADE, "--prefill-machines", "2", "--link", "50 GB/s", "--json", "-").stdout)
    assert [m["role"] for m in found["machines"]] == ["prefill", "prefill", "decode"]


def test_prefill_on_another_chip_limits_and_a_log(tmp_path: Path) -> None:
    log, trace = tmp_path / "log.csv", tmp_path / "t.json"
    split = ["--prefill-machines", "1", "--link", "400 Gbit/s", "--prefill-chip", "h100", "--prefill-map", "system=vllm"]
    limits = ["--ttft-limit", "1 s", "--tpot-limit", "1 us", "--warmup", "5"]
    found = json.loads(run(*MADE, *split, *limits, "--log", log, "--timeline", trace, "--json", "-").stdout)
    assert found["prefill_chip"] == "h100" and [m["static_w"] for m in found["machines"]] == [193.0, 66.5]
    assert found["limits"] | {"first_token_s": 1.0} == found["limits"] and found["limits"]["within_limits"] == 0.0
    events = json.loads(trace.read_text())["traceEvents"]
    assert [e["args"]["name"] for e in events if e["name"] == "thread_name"] == ["prefill 0", "decode 1"]
    assert sum(e["name"] == "prefill" for e in events) == 40
    lines = log.read_text().splitlines()
    assert len(lines) == 41 and lines[0].startswith("arrival_s,prompt_tokens,generated_tokens,queue_s,time_to_first_token_s")


def test_a_fixed_concurrency_needs_no_rate() -> None:
    text = run("--prompt", "200", "--generate", "20", "--count", "30", "--layers", "2", "--concurrency", "4", "--chunk", "64", "--interval").stdout
    assert "30 requests" in text and "gap_s" in text and "90 % interval" in text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--rate", "5"], "--requests FILE, or --prompt, --generate of requests to make"),
        ([*MADE, "--requests", "r.csv"], "--rate, --prompt, --generate, --count: requests come from 'r.csv'"),
        (["--requests", "none.csv"], "there is no request file"),
        ([*MADE, "--arrivals", "posson"], "did you mean poisson"),
        ([*MADE, "--link", "5 GB/s"], "--prefill-machines and --link go together"),
        ([*MADE, "--prefill-machines", "1", "--link", "5"], "--link: '5' needs a unit"),
        ([*MADE, "--prefill-machines", "1", "--link", "5 GB"], "but B/s is due"),
        ([*MADE, "--prefill-chip", "h100"], "a chip for prefill needs prefill_machines"),
        ([*MADE, "--prefill-map", "devices=2"], "--prefill-map is for the machines of a --prefill-chip"),
        ([*MADE, "--ttft-limit", "200"], "--ttft-limit: '200' needs a unit"),
        ([*MADE, "--tpot-limit", "0 ms"], "a limit on the time per token is a positive time"),
        ([*MADE, "--idle-power", "-5 W"], "idle power must be 0 W or more"),
        ([*MADE, "--chunk", "32"], "chunk 32 leaves no token"),
        ([*MADE, "--batching", "dynamic"], "batching is one of continuous, static"),
        ([*MADE, "--warmup", "40"], "warmup leaves out requests"),
        ([*MADE, "--concurrency", "-1"], "concurrency is a number of requests"),
        ([*MADE, "--clip", "1"], "a request has two tokens at least"),
        ([*MADE, "--rate", "0"], "rate must be positive"),
        ([*MADE, "--log", "none/r.csv"], "--log none/r.csv: there is no folder"),
        ([*MADE, "--machines", "0"], "at least one machine"),
        ([*MADE, "--max-batch", "0"], "max_batch must be at least 1"),
        ([*MADE, "--map", "colour=red"], "colour"),
    ],
)
def test_refusals(args: list[str], message: str) -> None:
    assert message in run(*args, code=2).stderr
