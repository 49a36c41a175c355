"""The command show: constants explained, designs, and how it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app


def run(*args: str, code: int = 0) -> Any:
    found = CliRunner().invoke(app, ["show", *args])
    assert found.exit_code == code, found.output + repr(found.exception)
    return found


def test_one_constant_in_full() -> None:
    text = run("wse2", "clock_hz").stdout
    for words in ("wse2 clock_hz = 1.1 GHz", "clock of cores and fabric", "published", "850 MHz .. 1.1 GHz", "the same in", "wse3"):
        assert words in text
    fitted = " ".join(run("wse2", "fmac_cycles_per_mac").stdout.split())
    assert "fitted on wse2-prefill-8b-waferllm-p480" in fitted and "elsewhere wse3 0.125 cycle/MAC" in fitted


def test_what_a_constant_moves() -> None:
    args = ("wse2", "hop_cycles", "--trace", "llama3-8b", "--phase", "decode", "--context", "4096", "--map", "grid=420x420")
    assert "latency by +0.323 %" in run(*args).stdout
    record = json.loads(run(*args, "--json", "-").stdout)
    assert record["schema"] == "hwsim.constants/1" and record["metrics"]["latency_s"] == pytest.approx(388e-6, rel=1e-2)
    (constant,) = record["constants"]
    assert constant["moves"]["latency_s"] == pytest.approx(0.323, abs=1e-3) and constant["mechanisms"]["allreduce"] > 0.3
    assert constant["about"] and constant["source"] and constant["elsewhere"] == {"wse3": 2}


def test_all_constants_ranked() -> None:
    text = run("snn-45nm", "--trace", "spikingformer-8-512").stdout
    lines = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert lines.index("add_fp32_j") < lines.index("mul_fp32_j")
    assert "more move nothing here; no derivative: kind" in text


def test_several_are_a_table_of_meanings() -> None:
    text = run("wse2", "*_j*").stdout
    assert "meaning" in text and "energy of one fp16 multiply-add" in " ".join(text.split())


def test_a_constant_of_all_chips() -> None:
    text = run("hop_cycles").stdout
    assert "hop_cycles (wafer_mesh): cycles of a wavelet" in text and "wse3" in text and "event-core-45nm" in text
    record = json.loads(run("hop_cycles", "--json", "-").stdout)
    assert {c["target"] for c in record["constants"]} == {"wafer_mesh", "spiking"}


def test_a_design() -> None:
    text = run("flightllm").stdout
    assert "engine flightllm" in text and "--chip DEVICE+flightllm" in text and "mm_granule_m" in text
    assert "rows of one matrix-matrix instruction" in run("flightllm", "mm_granule*").stdout
    record = json.loads(run("flightllm", "--json", "-").stdout)
    assert record["schema"] == "hwsim.design/1" and all(p["about"] for p in record["params"]) and "vhk158" in record["devices"]


def test_a_chip_says_what_each_constant_means() -> None:
    record = json.loads(run("gap8", "--json", "-").stdout)
    assert all(p["about"] for p in record["params"])


def test_a_trace_has_its_bytes_and_options() -> None:
    record = json.loads(run("llama3-8b", "--phase", "decode", "--context", "512", "--json", "-").stdout)
    assert 15e9 < record["compulsory_bytes"] < record["weight_bytes"]  # one row of the embedding table is read
    assert record["meta"]["context"] == 512
    assert sum(r["compulsory_bytes"] for r in record["operators"]) == pytest.approx(record["compulsory_bytes"])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("wse2", "hop_cycls"), "did you mean hop_cycles"),
        (("hop_cycls",), "did you mean hop_cycles"),
        (("flightlm",), "did you mean flightllm"),
        (("wse-2", "clock_hz"), "did you mean wse2"),
        (("llama3-8b", "--map", "grid=2x2"), "'llama3-8b' is no chip"),
        (("wse2", "clock_hz", "--map", "grid=2x2"), "add --trace"),
        (("wse2", "clock_hz", "--trace", "llama3-80b"), "did you mean llama3-8b"),
    ],
)  # fmt: skip
def test_refusals(args: tuple[str, ...], said: str) -> None:
    found = run(*args, code=2)
    assert said in found.stderr and "Traceback" not in found.stderr
