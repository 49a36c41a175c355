"""The packet mesh against BookSim 2's latencies and throughputs, row by row, and the script that prints them side by side."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def load_script(name: str) -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "scripts" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


referee = load_script("referee_booksim")
RATE_ROWS = referee.mesh_rows()
LATENCY = [row for row in RATE_ROWS if row["sim_type"] == "latency"]
THROUGHPUT = [row for row in RATE_ROWS if row["sim_type"] == "throughput"]


def name(row: dict[str, str]) -> str:
    return f"{row['config']}-{row['traffic']}-{row['offered_flits_node_cycle']}"


def case_of(row: dict[str, str], *, shared: bool) -> Any:
    return referee.case_of(int(row["mesh_k"]), row["config"], row["traffic"], float(row["offered_flits_node_cycle"]), shared)


@pytest.mark.parametrize("row", LATENCY, ids=name)
def test_latency_and_verdict_are_those_of_booksim(row: dict[str, str]) -> None:
    """On the same random numbers, to the six digits that BookSim prints."""
    latency, accepted, stable = referee.latency_run(case_of(row, shared=True), 1)
    assert stable == (row["status"] == "ok")
    assert latency == pytest.approx(float(row["pkt_lat"]), rel=6e-6)
    assert accepted == pytest.approx(float(row["accepted_flit_rate"]), rel=6e-6)


@pytest.mark.parametrize("row", THROUGHPUT, ids=name)
def test_throughput_beyond_saturation_is_that_of_booksim(row: dict[str, str]) -> None:
    case = case_of(row, shared=True)
    assert referee.throughput_run(case, 1) == pytest.approx(float(row["accepted_flit_rate"]), rel=6e-6)


@pytest.mark.parametrize("row", [row for row in LATENCY if row["offered_flits_node_cycle"] in ("0.05", "0.2", "0.3")], ids=name)
def test_own_random_numbers_give_the_same_latency(row: dict[str, str]) -> None:
    if row["status"] == "ok":
        point = referee.mean_point(case_of(row, shared=False), 4)
        assert point.status == "ok"
        assert point.latency_cycles == pytest.approx(float(row["pkt_lat"]), rel=0.03)


@pytest.mark.parametrize("row", THROUGHPUT[:4], ids=name)
def test_own_random_numbers_give_the_same_throughput(row: dict[str, str]) -> None:
    assert referee.throughput_run(case_of(row, shared=False), 1) == pytest.approx(float(row["accepted_flit_rate"]), rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "figure"),
    [
        ("--k 4 --config vc1 --rate 0.1 --traffic transpose", "latency_cycles"),
        ("--k 5 --config vc4p4 --rate 0.1 --traffic neighbor --stream own --seeds 2", "accepted"),
        ("--k 3 --config vc2s --pattern halo4_interleaved --length 3", "makespan_cycles"),
        ("--k 3 --config vc1p16 --pattern gather_all_to_0_L2", "makespan_cycles"),
    ],
)
def test_script_prints_json(arguments: str, figure: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert referee.main([*arguments.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"latency_cycles", "accepted", "makespan_cycles", "status"} <= set(found)
    assert found[figure] > 0
    assert (found["makespan_cycles"] is None) == (found["latency_cycles"] is not None)


def test_script_prints_booksims_row_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert referee.main(["--k", "8", "--config", "vc4", "--pattern", "transpose", "--length", "16"]) == 0
    assert "BookSim        170  error   +0.00 %" in capsys.readouterr().out
    assert referee.main(["--k", "8", "--config", "vc1", "--rate", "0.6", "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert "unstable" in printed
    assert "BookSim   0.191031" in printed


@pytest.mark.parametrize(
    "arguments",
    [
        "--config vc5 --rate 0.1",
        "--config vc4 --rate 1.5",
        "--config vc4 --rate 0",
        "--config vc4 --rate nan",
        "--config vc4 --k 1 --rate 0.1",
        "--config vc4 --rate 0.1 --traffic tornado",
        "--config vc4 --pattern shift",
        "--config vc4 --pattern shift_x1_L2 --length 3",
        "--config vc4 --pattern shift_x1 --length 0",
        "--config vc4 --pattern shift_x1 --rate 0.1",
        "--rate 0.1",
        "--config vc5 --all",
        "--config vc4 --json",
        "--config vc4 --rate 0.1 --seeds 0",
        "--config vc4 --rate 0.1 --seed -1",
    ],
)
def test_script_refuses_in_one_line(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert referee.main(arguments.split()) == 2
    assert capsys.readouterr().err.count("\n") == 1
