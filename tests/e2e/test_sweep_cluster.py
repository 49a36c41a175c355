"""A sweep on a real Dask cluster: a scheduler and two worker processes, one of them killed on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")

import hwsim
from hwsim.core.errors import HwsimError
from hwsim.explore.sweep import sweep

SPACE: dict[str, Any] = {
    "trace": {"name": "llama3-8b", "phase": "decode", "context": 4096}, "chips": ["wse2"],
    "parameters": {"mapping.grid": {"choices": [[420, 420], [540, 540], [900, 900]]}, "clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 4000]}},
    "metrics": ["latency_s", "energy_j"],
}  # fmt: skip
WORKER = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", "1", "--nworkers", "1", "--no-dashboard", "--death-timeout", "30"]
SCHEDULER = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard", "--port"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and its two workers."""
    port, quiet = free_port(), {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    address = f"tcp://127.0.0.1:{port}"
    env = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    scheduler = subprocess.Popen([*SCHEDULER, str(port)], cwd=tmp_path, env=env, **quiet)  # type: ignore[call-overload]
    workers = [subprocess.Popen([*WORKER, "--no-nanny", address], cwd=tmp_path, env=env, **quiet) for _ in range(2)]  # type: ignore[call-overload]
    yield address, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def rows_of(folder: Path) -> list[bytes]:
    return [p.read_bytes() for p in sorted((folder / "shards").iterdir())]


def wait_for_workers(address: str) -> None:
    from distributed import Client

    with Client(address, timeout=20, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=30)


@pytest.mark.filterwarnings("ignore")
def test_a_worker_is_killed_on_the_way(tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]) -> None:
    address, workers = cluster
    wait_for_workers(address)
    seen: list[int] = []

    def progress(done: int, total: int, before: int) -> None:
        seen.append(done)
        if len(seen) == 4:
            workers[0].send_signal(signal.SIGKILL)

    made = sweep(SPACE, tmp_path / "cluster", scheduler=address, progress=progress, chunk=400)
    alone = sweep(SPACE, tmp_path / "alone", chunk=400)
    assert workers[0].wait() == -signal.SIGKILL and seen[-1] == made.points == 12000 and seen == sorted(seen)
    assert rows_of(tmp_path / "cluster") == rows_of(tmp_path / "alone") and made.results.complete
    counts = made.results.relation.aggregate("count(*), count(DISTINCT point)").fetchall()
    assert counts == [(12000, 12000)] and alone.points == 12000


def test_nobody_answers(tmp_path: Path) -> None:
    for address in (f"tcp://127.0.0.1:{free_port()}", "nowhere"):
        began = time.monotonic()
        with pytest.raises(HwsimError, match="no Dask scheduler answers"):
            hwsim.sweep(SPACE, tmp_path / "out", scheduler=address, chunk=400)
        assert time.monotonic() - began < 15
