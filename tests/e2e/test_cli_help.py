"""The command line as a newcomer meets it: help with examples that parse, completion, and --json on every command."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from hwsim.cli import app
from hwsim.cli.help import ABOUT, EXAMPLES, FIRST, SPACE
from hwsim.cli.options import complete_chip, complete_name, complete_trace

GROUP: Any = typer.main.get_command(app)
COMMANDS = sorted(GROUP.commands)
LINES = [line for lines in (*EXAMPLES.values(), FIRST) for line in lines if line.startswith("hwsim ")]


def invoke(*args: str) -> Any:
    return CliRunner().invoke(app, list(args))


def test_every_command_is_described_in_a_line() -> None:
    assert set(COMMANDS) == set(ABOUT) == set(EXAMPLES)
    text = invoke("--help").stdout
    assert all(about in text for about in ABOUT.values()) and "..." not in text.partition("Commands:")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_json_and_examples(name: str) -> None:
    text = invoke(name, "--help").stdout
    assert "--json" in text and "Examples:" in text
    for line in EXAMPLES[name]:
        assert line in text


@pytest.mark.parametrize("line", sorted(set(LINES)))
def test_examples_parse(line: str) -> None:
    name, *args = shlex.split(line)[1:]
    command = GROUP.commands[name]
    context = click.Context(GROUP, info_name="hwsim")
    made = command.make_context(name, args, parent=context)
    assert made.params


def test_the_space_of_the_help_is_one(tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("\n".join(line[2:] for line in SPACE[2:]) + "\n")
    found = invoke("sweep", str(space), "--out", str(tmp_path / "results"), "--json", "-")
    assert json.loads(found.stdout)["points"] == 300


def test_completion_offers_what_there_is() -> None:
    assert complete_chip("wse") == ["wse2", "wse3"]
    assert "u280+flightllm" in complete_chip("u280+fli")
    assert "llama3-8b" in complete_trace("llama3")
    assert {"flexllm", "flightllm"} <= set(complete_name("fl"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a space, its sweep, and the JSON file of a run."""
    folder = tmp_path_factory.mktemp("json")
    space = {
        "trace": {"op": "matmul", "m": 64, "k": 4096, "n": 4096, "dtype": "fp16"}, "chips": ["a100"],
        "parameters": {"sm_count": {"list": [54, 108]}, "dram_bytes_per_s": {"list": ["1 TB/s", "2 TB/s"]}}, "metrics": ["latency_s", "energy_j"],
    }  # fmt: skip
    (folder / "space.yaml").write_text(json.dumps(space))
    for args in (
        ["sweep", str(folder / "space.yaml"), "--out", str(folder / "swept"), "--json", str(folder / "s.json")],
        ["op", "matmul", "--chip", "a100", "--arg", "m=64", "--arg", "k=4096", "--arg", "n=4096", "--json", str(folder / "run.json")],
    ):  # fmt: skip
        found = invoke(*args)
        assert found.exit_code == 0, found.output
    return folder


JSON_OF = {
    "run": "run mobilenet-v1-0.25-128 --chip gap8 --no-interval",
    "compare": "compare mobilenet-v1-0.25-128 --dtype int8 --chip gap8 --chip a100 --no-interval",
    "op": "op matmul --chip a100 --arg m=64 --arg k=64 --arg n=64 --no-interval",
    "primitive": "primitive multicast_arrival --chip wse3 --arg hops=15",
    "block": "block rv32i_single --chip cfet-4t",
    "sweep": "sweep {made}/space.yaml --out {made}/swept",
    "search": "search {made}/space.yaml --out {made}/found --objective latency_s --trials 4 --population 4 --sampler nsga2",
    "pareto": "pareto {made}/swept --objective latency_s --objective energy_j",
    "sensitivity": "sensitivity {made}/space.yaml --metric latency_s --method tornado",
    "inverse": "inverse {made}/space.yaml --parameter dram_bytes_per_s --metric latency_s --at-most '1 s'",
    "serve": "serve llama3-8b --chip a100 --rate 6 --prompt 100 --generate 10 --count 5",
    "plot": "plot {made}/run.json -o {made}/b.png",
    "validate": "validate --target spiking",
    "chips": "chips", "traces": "traces", "show": "show wse2 clock_hz", "export": "export resnet18 --format gemm",
}  # fmt: skip


@pytest.mark.parametrize("name", [c for c in COMMANDS if c != "block"])  # blocks: tests/targets/stdcell (synthesis takes a while)
def test_json_on_stdout_is_nothing_but_json(name: str, made: Path) -> None:
    found = invoke(*shlex.split(JSON_OF[name].format(made=made)), "--json", "-")
    assert found.exit_code in (0, 1) if name == "validate" else found.exit_code == 0, found.output
    data = json.loads(found.stdout)
    assert isinstance(data, list) or data["schema"].startswith("hwsim.")


def test_every_command_is_run_for_its_json() -> None:
    assert set(JSON_OF) == set(COMMANDS)


def test_export_says_what_it_wrote(tmp_path: Path) -> None:
    file, record = tmp_path / "r.csv", tmp_path / "r.json"
    assert invoke("export", "resnet18", "--format", "gemm", "-o", str(file), "--json", str(record)).exit_code == 0
    said = json.loads(record.read_text())
    assert said["file"] == str(file) and said["operators"] > 20 and "text" not in said
    assert json.loads(invoke("export", "resnet18", "--format", "gemm", "--json", "-").stdout)["text"] == file.read_text()
