"""Results folders: whole files, resumption, refusals, what is read back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.core.errors import HwsimError
from hwsim.explore.evaluate import evaluate
from hwsim.explore.space import load_space
from hwsim.explore.store import load_results, locked, open_store, read_manifest, shard_bytes
from hwsim.explore.sweep import chunk_size, evaluate_chunk, sweep

SPACE: dict[str, Any] = {
    "trace": {"name": "llama3-8b", "phase": "decode", "context": 4096}, "chips": ["wse2"],
    "parameters": {"mapping.grid": {"choices": [[420, 420], [999, 999]]}, "clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 50]},
                   "mapping.algorithm": {"list": [None, "meshgemv"]}, "mapping.groups": {"list": [20, 21]}},
    "constraints": ["latency_s < 0.55 ms"], "metrics": ["latency_s", "max_tokens"],
}  # fmt: skip


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_a_folder_holds(tmp_path: Path) -> None:
    made = sweep(SPACE, tmp_path / "out", chunk=64)
    assert (made.points, made.evaluated) == (400, 400) and made.points_per_s > 0
    assert sorted(content(tmp_path / "out")) == [".lock", "manifest.json", *(f"shards/part-{i:06d}.parquet" for i in range(7)), "space.yaml"]
    manifest = read_manifest(tmp_path / "out")
    assert manifest["schema"] == "hwsim.sweep/1" and (manifest["points"], manifest["chunk"]) == (400, 64)
    assert manifest["parameters"]["clock_hz"] == "Hz"
    assert load_space(tmp_path / "out" / "space.yaml").key == manifest["key"]
    results = load_results(tmp_path / "out")
    columns = results.columns
    names = ["point", "trace", "chip", "mapping.grid", "clock_hz", "mapping.algorithm", "mapping.groups", "latency_s", "max_tokens", "status",
        "reason"]
    assert list(columns) == names and results.complete and columns["point"].tolist() == list(range(400))
    found = evaluate(load_space(SPACE), load_space(SPACE).batch(0, 400))
    assert columns["latency_s"].tobytes() == found.metrics["latency_s"].tobytes() and columns["mapping.groups"].dtype == np.int64
    assert columns["mapping.algorithm"][:4].tolist() == [None, None, "meshgemv", "meshgemv"]
    assert set(columns["mapping.grid"]) == {"420x420", "999x999"}
    counts = {str(s): int((columns["status"] == s).sum()) for s in set(columns["status"])}
    assert counts["infeasible"] == 200 and set(counts) == {"ok", "constraint", "infeasible"} and (columns["reason"] == "").sum() == counts["ok"]
    assert results.relation.filter("status = 'ok' AND latency_s IS NULL").fetchall() == [] and "999" in columns["reason"][-1]


def test_it_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = sweep(SPACE, tmp_path / "whole", chunk=64)
    seen: list[tuple[int, int, int]] = []

    class Stop(Exception):
        pass

    def stop(done: int, total: int, before: int) -> None:
        seen.append((done, total, before))
        if done >= 128:
            raise Stop

    with pytest.raises(Stop):
        sweep(SPACE, tmp_path / "parts", chunk=64, progress=stop)
    (tmp_path / "parts" / "shards" / ".part-000003.parquet.77.tmp").write_bytes(b"half")
    (tmp_path / "parts" / "shards" / "part-000005.parquet").write_bytes(b"PAR1 cut short")
    assert not load_results(tmp_path / "parts").complete
    again = sweep(SPACE, tmp_path / "parts", chunk=9999, jobs=1)
    assert again.evaluated < 400 and again.points == 400 and content(tmp_path / "parts") == content(tmp_path / "whole")
    assert seen[0] == (0, 400, 0) and sweep(SPACE, tmp_path / "whole").evaluated == 0 and whole.results.complete


def test_folders_that_are_refused(tmp_path: Path) -> None:
    sweep(SPACE, tmp_path / "out", chunk=200)
    before = content(tmp_path / "out")
    with pytest.raises(HwsimError, match="results of another space"):
        sweep({**SPACE, "metrics": ["latency_s"]}, tmp_path / "out")
    assert content(tmp_path / "out") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(HwsimError, match=r"no sweep's \(thesis.tex\)"):
        sweep(SPACE, tmp_path / "mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(HwsimError, match="cannot be written"):
        sweep(SPACE, tmp_path / "file" / "out")
    with locked(tmp_path / "out"), pytest.raises(HwsimError, match="another sweep is writing"):
        sweep(SPACE, tmp_path / "out")
    for text, problem in (("{", "not JSON"), ('{"schema": "x"}', "schema hwsim.sweep/1")):
        (tmp_path / "out" / "manifest.json").write_text(text)
        with pytest.raises(HwsimError, match=problem):
            load_results(tmp_path / "out")
    with pytest.raises(HwsimError, match="no results folder"):
        load_results(tmp_path / "mine")


def test_a_run_killed_before_its_first_chunk(tmp_path: Path) -> None:
    space = load_space(SPACE)
    open_store(tmp_path / "out", space, 64)
    with pytest.raises(HwsimError, match="no finished chunk"):
        load_results(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").unlink()
    assert sweep(space, tmp_path / "out", chunk=400).evaluated == 400


def test_a_full_disk(tmp_path: Path) -> None:
    """Files of more than some bytes cannot be written: a clear error, nothing half written, and the sweep goes on later."""
    script = (
        "import json, resource, sys\nfrom hwsim.core.errors import HwsimError\nfrom hwsim.explore.sweep import sweep\n"
        "space, out = json.loads(sys.argv[1]), sys.argv[2]\nsweep(space, out + 'x', chunk=100)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, -1))\n"
        "try:\n    sweep(space, out, chunk=100)\nexcept HwsimError as bad:\n    sys.exit(str(bad))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, json.dumps(SPACE), str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "cannot be written" in ran.stderr and "Traceback" not in ran.stderr
    assert not [n for n in content(tmp_path / "out") if "tmp" in n or "part" in n]
    assert sweep(SPACE, tmp_path / "out").results.complete and content(tmp_path / "out") == content(tmp_path / "outx")


def test_sizes_and_numbers_that_are_refused(tmp_path: Path) -> None:
    big = {"clock_hz": {"linspace": ["1 GHz", "2 GHz", 100_000]}, "hop_cycles": {"linspace": [1, 2, 100_000]},
        "ramp_cycles": {"linspace": [1, 2, 1000]}}
    with pytest.raises(HwsimError, match="space of 10,000,000,000,000 points"):
        sweep({**SPACE, "parameters": big}, tmp_path / "out")
    for wrong in ({"jobs": 0}, {"chunk": 0}):
        with pytest.raises(HwsimError, match="at least 1"):
            sweep(SPACE, tmp_path / "out", **wrong)
    with pytest.raises(HwsimError, match="a worker runs hwsim"):
        evaluate_chunk(load_space(SPACE), 0, 1, 1, "0.0.0")
    assert not (tmp_path / "out").exists()


def test_points_per_shard() -> None:
    def of(parameters: dict[str, Any], **more: Any) -> int:
        return chunk_size(load_space({**SPACE, "constraints": [], "parameters": parameters, **more}))

    clocks = {"linspace": ["1 GHz", "2 GHz", 1000]}
    assert of({"clock_hz": clocks, "mapping.grid": {"list": [420, 360]}}) == 65536 and of({"hop_cycles": {"linspace": [1, 2, 1000]}}) == 1024
    assert of({"clock_hz": clocks}, fidelity="event") == 16


def test_a_worker_writes_what_a_thread_writes() -> None:
    space = load_space(SPACE)
    assert evaluate_chunk(space, 64, 128, 1) == shard_bytes(space, evaluate(space, space.batch(64, 128)), 64)


def test_words_are_written_as_they_are(tmp_path: Path) -> None:
    """Quotes and commas in reasons and names do not end up in SQL."""
    words = ["it's; DROP TABLE points --", 'a"b, c', None]
    space = {**SPACE, "parameters": {"mapping.algorithm": {"list": words}, "mapping.grid": {"list": [420]}}, "constraints": []}
    columns = sweep(space, tmp_path / "out").results.columns
    assert columns["mapping.algorithm"].tolist() == words and columns["status"].tolist() == ["infeasible"] * 2 + ["ok"]
    assert "DROP TABLE" in columns["reason"][0]
