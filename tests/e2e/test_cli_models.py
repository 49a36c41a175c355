"""The command line on shipped traces and chips: the toy for what any target does, WSE-2 for the real thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hwsim.cli import app
from hwsim.core.resources import shipped

needs_wse2 = pytest.mark.skipif(not (shipped("models") / "wse2" / "chip.yaml").is_file(), reason="the chip wse2 is not here")
DECODE = ["run", "llama3-8b", "--phase", "decode", "--context", "4096"]


def invoke(*args: str, code: int = 0) -> Any:
    found = CliRunner().invoke(app, list(args))
    assert found.exit_code == code, found.output + repr(found.exception)
    if code == 2:
        assert found.stdout == "" and found.stderr.startswith("hwsim: ") and found.stderr.count("\n") == 1
    return found


def test_all_unsupported_operators_are_named_at_once(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    text = invoke(*DECODE, "--chip", "toy", "--json", str(path), code=2).stderr
    assert "norm" in text and "rope" in text and "--allow-unmodelled" in text
    assert not path.exists()


def test_a_lower_bound_says_so(models: Path) -> None:
    text = invoke(*DECODE, "--chip", "toy", "--layers", "2", "--allow-unmodelled").stdout
    assert "A LOWER BOUND" in text and "tokens/s" in text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--phase", "decode", "--context", "100000000"], "100000000"),
        (["--phase", "decode", "--context", "-1"], "context"),
        (["--phase", "decode", "--context", "0"], "context"),
        (["--phase", "prefill", "--prompt", "0"], "prompt"),
        (["--phase", "decode", "--batch", "-4"], "batch"),
        (["--phase", "decoding"], "did you mean decode"),
        (["--phase", "decode", "--context", "16", "--dtype", "fp61"], "did you mean"),
        (["--phase", "decode", "--context", "16", "--layers", "0"], "layers"),
        (["--phase", "decode", "--context", "16", "--logits", "half"], "logits half"),
        (["--phase", "decode", "--context", "16", "--dtype", "q8_0"], "activations"),
    ],
)
def test_impossible_options_of_a_trace(models: Path, options: list[str], words: str) -> None:
    assert words in invoke("run", "llama3-8b", *options, "--chip", "toy", code=2).stderr.replace(",", "")


def test_the_head_on_half_of_a_prompt(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    command = ["run", "llama-3.2-1b", "--phase", "prefill", "--prompt", "64", "--layers", "1", "--chip", "toy", "--allow-unmodelled"]
    assert "logits" not in invoke(*command).stdout.splitlines()[0]
    text = invoke(*command, "--logits", "half", "--json", str(path)).stdout
    assert "logits half) on toy" in text.splitlines()[0] and "matmul m32 k2048 n128256" in text
    assert json.loads(path.read_text())["options"]["trace"]["logits"] == "half"
    assert "did you mean half" in invoke(*command, "--logits", "hal", code=2).stderr


def test_unknown_trace_names_the_nearest(models: Path) -> None:
    assert "did you mean" in invoke("run", "lama3-8b", "--chip", "toy", code=2).stderr


def test_show_a_model(models: Path) -> None:
    text = invoke("show", "llama3-8b").stdout
    assert "MACs" in text and "weights" in text
    assert "llama3-8b" in invoke("traces").stdout


@needs_wse2
class TestWafer:
    """What only the wafer-scale chips can show."""

    def test_decode(self) -> None:
        data = json.loads(invoke(*DECODE, "--chip", "wse2", "--map", "grid=420x420", "--json", "-").stdout)
        assert data["options"]["mapping"]["grid"] == [420, 420]
        assert data["tokens_per_s"] > 0 and data["energy_j"] > 0 and data["area_mm2"] > 0
        low, high = data["interval"]["latency_s"]
        assert low <= data["latency_s"] <= high
        assert data["sources"] and all(s["source"] for s in data["sources"])
        assert sum(data["breakdown"]["latency_s"].values()) == pytest.approx(data["latency_s"])

    def test_text(self) -> None:
        text = invoke(*DECODE, "--chip", "wse2", "--map", "grid=420x420").stdout
        assert "grid=420x420" in text and max(map(len, text.splitlines())) <= 120

    @pytest.mark.parametrize("grid", ["2000x2000", "420x2000", "0x420", "-4", "wide"])
    def test_a_grid_that_the_fabric_does_not_have(self, grid: str, tmp_path: Path) -> None:
        path = tmp_path / "r.json"
        text = invoke(*DECODE, "--chip", "wse2", "--map", f"grid={grid}", "--json", str(path), code=2).stderr
        assert "grid" in text and not path.exists()

    def test_a_model_that_does_not_fit_names_levers(self) -> None:
        text = invoke("run", "llama3-8b", "--phase", "decode", "--context", "4096", "--chip", "wse2", "--map", "grid=60x60", code=2).stderr
        assert "what would help" in text

    def test_compare_two_wafers(self) -> None:
        data = json.loads(invoke("compare", *DECODE[1:], "--chip", "wse2", "--chip", "wse3", "--map", "grid=420x420", "--json", "-").stdout)
        assert [r["chip"] for r in data["reports"]] == ["wse2", "wse3"]

    def test_every_primitive_is_listed(self) -> None:
        assert json.loads(invoke("primitive", "--chip", "wse2", "--json", "-").stdout)
        assert "hop_latency" in invoke("show", "wse2").stdout


def process(*args: str, module: bool = True) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("hwsim")
    if not module and not script.exists():
        pytest.skip("hwsim is not installed")
    command = [sys.executable, "-m", "hwsim"] if module else [str(script)]
    return subprocess.run([*command, *args], capture_output=True, text=True, timeout=120, env={**os.environ, "NO_COLOR": "1"}, check=False)


def test_the_module() -> None:
    found = process("chips", "--json", "-")
    assert found.returncode == 0 and isinstance(json.loads(found.stdout), list)


def test_the_console_script() -> None:
    assert process("--version", module=False).stdout.startswith("hwsim ")


def test_errors_leave_the_process_with_code_2(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    found = process("op", "matmul", "--chip", "nothing", "--json", str(path))
    assert found.returncode == 2 and found.stdout == "" and found.stderr.startswith("hwsim: unknown chip 'nothing'") and not path.exists()


def test_help_needs_no_heavy_import() -> None:
    heavy = {"numba", "simpy", "pydantic", "matplotlib", "duckdb", "networkx", "pint"}
    code = f"import sys; import hwsim.cli; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_devices_and_designs() -> None:
    assert "systolic_array" in invoke("chips").stdout and "DEVICE+NAME" in invoke("chips").stdout
    shown = json.loads(invoke("show", "u280+systolic_array", "--json", "-").stdout)
    assert {"lut", "array_rows", "engine"} <= {p["name"] for p in shown["params"]}
    assert "did you mean systolic_array" in invoke("show", "u280+systolic_aray", code=2).stderr
    product = ("op", "matmul", "--arg", "m=64", "--arg", "k=64", "--arg", "n=64", "--arg", "dtype=int8", "--no-interval", "--json", "-")
    composed = json.loads(invoke(*product, "--chip", "kv260+systolic_array", "--set", "array_rows=8").stdout)
    chosen = json.loads(invoke(*product, "--chip", "kv260", "--map", "design=systolic_array", "--map", "rows=8").stdout)
    assert composed["resources"] == chosen["resources"] and composed["latency_s"] == chosen["latency_s"]
    assert "kv260+systolic_array" in invoke(*product, "--chip", "kv260", "--set", "array_rows=8", code=2).stderr
