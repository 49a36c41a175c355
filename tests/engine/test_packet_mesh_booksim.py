"""The packet mesh against BookSim 2's latencies and throughputs, row by row, and the script that prints them side by side."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
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
STABLE = [row for row in RATE_ROWS if row["sim_type"] == "latency" and row["status"] == "ok"]
UNSTABLE = [row for row in RATE_ROWS if row["status"] == "unstable"]
THROUGHPUT = [row for row in RATE_ROWS if row["sim_type"] == "throughput"]


def name(row: dict[str, str]) -> str:
    return f"{row['config']}-{row['traffic']}-{row['offered_flits_node_cycle']}"


def near_saturation(row: dict[str, str]) -> bool:
    """Rows whose latency differs by more than 5 % between seeds, BookSim's single one too."""
    rate, config = float(row["offered_flits_node_cycle"]), row["config"]
    if row["traffic"] == "transpose":
        return rate >= 0.14
    return rate >= {"vc4": 0.42, "vc2s": 0.35, "vc4p4": 0.38}.get(config, 1)


@pytest.mark.parametrize("row", STABLE, ids=name)
def test_latency_is_that_of_booksim(row: dict[str, str]) -> None:
    """Within 3.5 % (BookSim's own sampling error at its lowest rates), and where seeds differ by more, within four of their deviations."""
    mesh, flits = referee.mesh_of(8, row["config"])
    runs = [referee.latency_run(mesh, row["traffic"], float(row["offered_flits_node_cycle"]), flits, seed) for seed in (1, 2, 3)]
    assert all(stable for _, _, stable in runs)
    latency, theirs = float(np.mean([run[0] for run in runs])), float(row["pkt_lat"])
    assert latency == pytest.approx(theirs, rel=0.4 if near_saturation(row) else 0.035)
    assert np.mean([run[1] for run in runs]) == pytest.approx(float(row["accepted_flit_rate"]), rel=0.05)


@pytest.mark.parametrize("row", UNSTABLE, ids=name)
def test_saturated_rates_are_unstable(row: dict[str, str]) -> None:
    mesh, flits = referee.mesh_of(8, row["config"])
    runs = [referee.latency_run(mesh, row["traffic"], float(row["offered_flits_node_cycle"]), flits, seed) for seed in (1, 2, 3)]
    assert not all(stable for _, _, stable in runs)
    assert np.mean([run[1] for run in runs]) == pytest.approx(float(row["accepted_flit_rate"]), rel=0.02)


@pytest.mark.parametrize("row", THROUGHPUT, ids=name)
def test_throughput_beyond_saturation_is_that_of_booksim(row: dict[str, str]) -> None:
    mesh, flits = referee.mesh_of(8, row["config"])
    ours = [referee.throughput_run(mesh, row["traffic"], float(row["offered_flits_node_cycle"]), flits, seed) for seed in (1, 2)]
    assert np.mean(ours) == pytest.approx(float(row["accepted_flit_rate"]), rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "figure"),
    [
        ("--k 4 --config vc1 --rate 0.1 --traffic transpose", "latency_cycles"),
        ("--k 5 --config vc4p4 --rate 0.1 --traffic neighbor", "accepted"),
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
    ],
)
def test_script_refuses_in_one_line(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert referee.main(arguments.split()) == 2
    assert capsys.readouterr().err.count("\n") == 1
