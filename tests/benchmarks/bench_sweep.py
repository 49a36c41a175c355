"""Design points per second, and a million of them killed twice: pytest tests/benchmarks/bench_sweep.py --benchmark-only -s (two idle cores).

The bare loop prices one table of parameter records; the sweep draws the points, groups them, prices them, works out metrics and stores Parquet.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.core.target import load_target
from hwsim.engine.road import price_points
from hwsim.explore.evaluate import Evaluator
from hwsim.explore.space import load_space
from hwsim.explore.sweep import sweep

TRACE = {"name": "llama3-8b", "phase": "decode", "context": 4096}
GRIDS = [[360, 360], [420, 420], [540, 540], [600, 600], [660, 660]]
METRICS = ["latency_s", "energy_j", "area_mm2", "tokens_per_s"]
SPACES: dict[str, dict[str, Any]] = {
    "wse2": {"mapping.grid": {"choices": GRIDS}, "hop_cycles": {"list": [1, 2, 3, 4]}, "clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 50000]}},
    "a100": {"mapping.devices": {"list": [1, 2, 4, 8]}, "dram_bytes_per_s": {"linspace": ["1 TB/s", "4 TB/s", 500]},
             "clock_hz": {"linspace": ["1 GHz", "2 GHz", 500]}},
    "et-soc-1": {"dram_channels": {"list": [8, 16, 32, 64]}, "noc_clock_hz": {"linspace": ["300 MHz", "500 MHz", 500]},
                 "clock_hz": {"linspace": ["400 MHz", "800 MHz", 500]}},
}  # fmt: skip
CHUNK = 65536


def say(line: str) -> None:
    sys.stdout.write(f"\n{line}")


def space_of(chip: str) -> dict[str, Any]:
    return {"trace": TRACE, "chips": [chip], "parameters": SPACES[chip], "metrics": METRICS}


@pytest.mark.parametrize("chip", SPACES)
def test_bare_loop(benchmark: Any, chip: str) -> None:
    silicon = hwsim.load_chip(chip)
    target = load_target(silicon.target)
    program = target.map(hwsim.load_graph(**{"trace": "llama3-8b", **{k: v for k, v in TRACE.items() if k != "name"}}), silicon,
                         target.options({"grid": 420} if chip == "wse2" else {}))  # fmt: skip
    table = np.repeat(program.params, CHUNK)
    table["clock_hz"] *= np.linspace(0.7, 1.3, CHUNK)
    price_points(target, program, table)
    _report(benchmark, f"{chip}, bare loop", CHUNK, lambda: price_points(target, program, table))


@pytest.mark.parametrize("chip", SPACES)
def test_evaluate(benchmark: Any, chip: str) -> None:
    space = load_space(space_of(chip))
    evaluator, batch = Evaluator(space), space.batch(0, CHUNK)
    evaluator.evaluate(batch)
    _report(benchmark, f"{chip}, points to metrics", CHUNK, lambda: evaluator.evaluate(batch))


@pytest.mark.parametrize("chip", SPACES)
def test_sweep_of_a_million_points(benchmark: Any, tmp_path: Path, chip: str) -> None:
    space = space_of(chip)
    sweep({**space, "parameters": {n: v for n, v in SPACES[chip].items() if "linspace" not in v}}, tmp_path / "warm")

    def run() -> None:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        assert sweep(space, tmp_path / "out").evaluated == 1_000_000

    _report(benchmark, f"{chip}, whole sweep", 1_000_000, run)
    say(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def _report(benchmark: Any, name: str, points: int, function: Any) -> None:
    """Time by the wall and by the CPU: the best of seven rounds of each."""
    cpu: list[float] = []

    def timed() -> None:
        began = time.process_time()
        function()
        cpu.append(time.process_time() - began)

    benchmark.pedantic(timed, rounds=7)
    wall = benchmark.stats.stats.min
    each = min(cpu) / points * 1e6
    say(f"{name}: {points / wall / 1e6:.2f} M points/s by the wall, {each:.2f} us CPU a point ({2 / each:.2f} M/s when two cores share it)")


def test_a_million_points_killed_twice(tmp_path: Path, benchmark: Any) -> None:
    """SIGKILL after a quarter and after a half; the third run ends with the bytes of an uninterrupted one."""
    (tmp_path / "space.json").write_text(json.dumps(space_of("wse2")))
    script = "import sys, json, hwsim\nhwsim.sweep(json.load(open(sys.argv[1])), sys.argv[2], chunk=16384)"
    shards = tmp_path / "killed" / "shards"

    def run(out: str, kill_at: int = 0) -> None:
        process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "space.json"), str(tmp_path / out)])
        while kill_at and process.poll() is None and len(list(shards.glob("part-*"))) < kill_at:
            time.sleep(0.001)
        if kill_at:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == (-signal.SIGKILL if kill_at else 0)
        say(f"{out}: {len(list((tmp_path / out / 'shards').glob('part-*')))} of 62 shards")

    def whole() -> None:
        run("killed", 15)
        run("killed", 31)
        run("killed")
        run("whole")

    benchmark.pedantic(whole, rounds=1)
    files = [{p.name: p.read_bytes() for p in (tmp_path / f / "shards").iterdir()} for f in ("killed", "whole")]
    assert files[0] == files[1] and len(files[0]) == 62
