"""Searches: against known fronts, the same by seed, the same after a kill, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.core.errors import HwsimError
from hwsim.explore import search as module
from hwsim.explore.evaluate import CONSTRAINT, INFEASIBLE, Results
from hwsim.explore.pareto import hypervolume, pareto
from hwsim.explore.search import Dimensions, search
from hwsim.explore.space import Batch, Space, load_space
from hwsim.explore.store import StoreError, load_results
from hwsim.explore.study import mend
from hwsim.explore.sweep import sweep

SPACE: dict[str, Any] = {
    "trace": {"op": "matmul", "m": 64, "k": 256, "n": 256}, "chips": ["wse2"],
    "parameters": {
        "clock_hz": {"linspace": ["0.5 GHz", "1.5 GHz", 101]}, "call_fixed_cycles": {"integers": [0, 100]},
        "mapping.grid": {"choices": [[64, 64], [16, 16], [32, 32]]},
    },
}  # fmt: skip
OBJECTIVES = ["latency_s", "energy_j"]


class Curve:
    """Stands for the evaluator: latency 1/x, energy x + the distance of y from its middle, in units of the clock; x above 0.9 breaks a constraint,
    y below 5 cannot be priced.
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def evaluate(self, batch: Batch) -> Results:
        x, y = np.asarray(batch.columns["clock_hz"]) / 1e9, np.asarray(batch.columns["call_fixed_cycles"])
        n = len(x)
        metrics = {"latency_s": 1 / x, "energy_j": x + np.abs(y - 50) / 100, "area_mm2": np.ones(n)}
        found = Results(batch, dict(batch.columns), metrics, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
        found.refuse(np.flatnonzero(x > 1.2), CONSTRAINT, "clock_hz < 1.2 GHz")
        low = np.flatnonzero(y < 5)
        found.refuse(low, INFEASIBLE, "no room")
        for values in metrics.values():
            values[low] = np.nan
        return found


@pytest.fixture
def curve(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Searches that price a closed form."""
    monkeypatch.setattr(module, "Evaluator", Curve)
    yield


def trials_of(folder: Path) -> dict[str, list[Any]]:
    return {name: [str(v) for v in values] for name, values in load_results(folder).columns.items()}


@pytest.mark.parametrize(("sampler", "trials"), [("nsga2", 480), ("nsga3", 480), ("tpe", 144)])
def test_the_front_is_found(curve: None, tmp_path: Path, sampler: str, trials: int) -> None:
    """The front is y = 50 with x from 0.5 to 1.2: a hypervolume known in closed form."""
    found = search(SPACE, tmp_path, OBJECTIVES, sampler=sampler, trials=trials, seed=1)
    assert found.trials == trials and 0 < found.feasible < trials and found.points == 101 * 101 * 3
    columns = found.front.columns
    assert (columns["status"] == "ok").all() and (columns["clock_hz"] <= 1.2e9).all()
    x = np.linspace(0.5, 1.2, 71)
    best = hypervolume(np.column_stack([1 / x, x]), (2.5, 2.0))
    got = hypervolume(np.column_stack([columns["latency_s"], columns["energy_j"]]), (2.5, 2.0))
    assert got > 0.9 * best
    assert set(load_results(tmp_path).columns["status"]) == {"ok", "constraint", "infeasible"}


def test_trials_that_are_not_feasible_keep_their_reason(curve: None, tmp_path: Path) -> None:
    search(SPACE, tmp_path, OBJECTIVES, trials=48, seed=1)
    rows = load_results(tmp_path).columns
    refused = rows["status"] == "infeasible"
    assert refused.any() and set(rows["reason"][refused]) == {"no room"} and np.isnan(rows["latency_s"][refused]).all()
    optuna = pytest.importorskip("optuna")
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log")))
    trials = optuna.load_study(study_name="hwsim", storage=storage).trials
    assert [t.user_attrs["status"] for t in trials] == rows["status"].tolist()
    assert all((t.constraints["feasible"] > 0) == (s != "ok") for t, s in zip(trials, rows["status"], strict=True))


def test_a_maximised_objective(curve: None, tmp_path: Path) -> None:
    found = search(SPACE, tmp_path, ["energy_j"], ["latency_s"], trials=192, seed=2)
    assert found.front.columns["latency_s"].max() == pytest.approx(2.0) and [o.direction for o in found.front.objectives] == ["minimise", "maximise"]


def test_equal_seeds_give_equal_trials(curve: None, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        search(SPACE, tmp_path / name, OBJECTIVES, trials=120, seed=seed)
    assert trials_of(tmp_path / "a") == trials_of(tmp_path / "b") != trials_of(tmp_path / "c")


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3", "tpe"])
def test_a_longer_search_begins_with_the_shorter(curve: None, tmp_path: Path, sampler: str) -> None:
    """Parts of 50, then 70, then 110 trials equal 110 in one go, though no part is a whole number of populations."""
    options: dict[str, Any] = {"sampler": sampler, "seed": 4, "population": 16}
    for trials, before in ((50, 0), (70, 50), (110, 70)):
        assert search(SPACE, tmp_path / "parts", OBJECTIVES, trials=trials, **options).resumed == before
    search(SPACE, tmp_path / "whole", OBJECTIVES, trials=110, **options)
    assert trials_of(tmp_path / "parts") == trials_of(tmp_path / "whole")
    fewer = search(SPACE, tmp_path / "parts", OBJECTIVES, trials=20, **options)
    assert fewer.trials == 110 and trials_of(tmp_path / "parts") == trials_of(tmp_path / "whole")


@pytest.mark.parametrize("sampler", ["nsga2", "nsga3"])
def test_a_search_stopped_anywhere_goes_on(curve: None, tmp_path: Path, sampler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped while a population is written to the journal: before it, within it (with half a line), after it."""
    options: dict[str, Any] = {"sampler": sampler, "seed": 9, "population": 16, "trials": 96}
    search(SPACE, tmp_path / "whole", OBJECTIVES, **options)
    backend = pytest.importorskip("optuna").storages.journal.JournalFileBackend
    write, folder = backend.append_logs, tmp_path / "stopped"
    for writes in (0, 1, 2, 3, 20, 26, 40):
        left = [writes]

        def failing(self: Any, logs: Any, left: list[int] = left) -> None:
            if not left[0]:
                with (folder / "journal.log").open("ab") as file:
                    file.write(b'{"op_code": 4, "half')
                raise KeyboardInterrupt
            left[0] -= 1
            write(self, logs)

        monkeypatch.setattr(backend, "append_logs", failing)
        with pytest.raises(KeyboardInterrupt):
            search(SPACE, folder, OBJECTIVES, **options)
    monkeypatch.setattr(backend, "append_logs", write)
    assert search(SPACE, folder, OBJECTIVES, **options).resumed > 60
    assert trials_of(folder) == trials_of(tmp_path / "whole")


def test_mending_cuts_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    mend(path)
    for text, kept in ((b'{"a":1}\n{"b"', b'{"a":1}\n'), (b'{"a":1}\n', b'{"a":1}\n'), (b'{"a"', b""), (b"", b"")):
        path.write_bytes(text)
        mend(path)
        assert path.read_bytes() == kept


KILLED = """
import json, sys
from hwsim.explore.search import search
search(json.loads(sys.argv[1]), sys.argv[2], ["latency_s", "energy_j"], trials=160, population=16, seed=7,
       progress=lambda done, total: print(done, flush=True))
"""


def test_a_killed_process_leaves_what_it_has_done(tmp_path: Path) -> None:
    """SIGKILL in the middle, on the real models; resumed, the trials equal those of an uninterrupted search, byte for byte."""
    options: dict[str, Any] = {"trials": 160, "population": 16, "seed": 7}
    command = [sys.executable, "-c", KILLED, json.dumps(SPACE), str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if int(line) >= 48:
                running.send_signal(signal.SIGKILL)
                break
    assert running.returncode == -signal.SIGKILL
    found = search(SPACE, tmp_path / "killed", OBJECTIVES, **options)
    assert 48 <= found.resumed < 160 and found.trials == 160
    search(SPACE, tmp_path / "whole", OBJECTIVES, **options)
    shards = [sorted((tmp_path / name / "shards").iterdir()) for name in ("killed", "whole")]
    assert [s.read_bytes() for s in shards[0]] == [s.read_bytes() for s in shards[1]]


def test_the_search_meets_the_sweep_on_the_real_models(tmp_path: Path) -> None:
    """On a space small enough to sweep, a search for the least energy and the least latency finds what the sweep finds."""
    ranges = {"clock_hz": {"list": ["0.85 GHz", "1.1 GHz"]}, "call_fixed_cycles": {"integers": [40, 50]}}
    small = {**SPACE, "parameters": {**SPACE["parameters"], **ranges}}
    sweep(small, tmp_path / "sweep")
    exact = pareto(tmp_path / "sweep", OBJECTIVES)
    found = search(small, tmp_path / "search", OBJECTIVES, trials=144, seed=0).front
    for metric in OBJECTIVES:
        assert found.columns[metric].min() == exact.columns[metric].min()
    assert {tuple(r[m] for m in OBJECTIVES) for r in found.records()} <= {tuple(r[m] for m in OBJECTIVES) for r in exact.records()}
    assert len({json.dumps({k: v for k, v in r.items() if k != "point"}) for r in found.records()}) == len(found)


def test_values_are_searched_in_their_order() -> None:
    dimensions = Dimensions(load_space(SPACE))
    assert dimensions.distributions["mapping.grid"].high == 2
    column = dimensions.batch([{"clock_hz": 0, "call_fixed_cycles": 0, "mapping.grid": i} for i in range(3)]).columns["mapping.grid"]
    assert [column.values[c] for c in column.codes] == [(16, 16), (32, 32), (64, 64)]
    words = load_space({**SPACE, "chips": ["wse2", "wse3"], "parameters": {"mapping.grid": {"choices": [[32, 32], [16, 64]]}}})
    kinds = {name: type(made).__name__ for name, made in Dimensions(words).distributions.items()}
    assert kinds == dict.fromkeys(("chip", "mapping.grid"), "CategoricalDistribution")


@pytest.mark.parametrize(("change", "words"), [
    (lambda p: {**p, "sampler": "nsga3"}, "sampler nsga2 instead of nsga3"), (lambda p: {**p, "seed": 1}, "seed 0 instead of 1"),
    (lambda p: {**p, "objectives": ["area_mm2"]}, "objectives minimise latency_s; minimise energy_j instead of minimise area_mm2"),
    (lambda p: {**p, "space": {**SPACE, "parameters": {"call_fixed_cycles": {"integers": [0, 7]}}}}, "another space"),
])  # fmt: skip
def test_another_search_is_not_mixed_in(curve: None, tmp_path: Path, change: Callable[[Any], Any], words: str) -> None:
    plan = {"space": SPACE, "out": tmp_path, "objectives": OBJECTIVES, "trials": 4, "population": 4}
    search(**plan)
    with pytest.raises(StoreError, match=words):
        search(**change(plan))


def test_folders_of_others_are_refused(curve: None, tmp_path: Path) -> None:
    small = {**SPACE, "parameters": {"call_fixed_cycles": {"integers": [40, 50]}}}
    sweep(small, tmp_path / "sweep")
    with pytest.raises(StoreError, match="results of a sweep"):
        search(small, tmp_path / "sweep", OBJECTIVES)
    search(SPACE, tmp_path / "search", OBJECTIVES, trials=4, population=4)
    with pytest.raises(StoreError, match="another space"):
        sweep(SPACE, tmp_path / "search")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(StoreError, match=r"no search's \(thesis.tex\)"):
        search(SPACE, tmp_path / "mine", OBJECTIVES)
    with pytest.raises(StoreError, match="no results folder"):
        pareto(tmp_path / "mine", OBJECTIVES)


@pytest.mark.parametrize(("options", "words"), [
    ({"objectives": []}, "at least one objective"), ({"sampler": "nsga4"}, "did you mean nsga"), ({"trials": 0}, "at least one trial"),
    ({"population": 1}, "nsga: two"), ({"objectives": ["latncy_s"]}, "latncy_s"), ({"objectives": ["tops"]}, "maximise"),
    ({"space": {**SPACE, "trace": [{"op": "matmul", "m": i, "k": 8, "n": 8} for i in (8, 16)]}}, "one trace, and the space has 2"),
    ({"space": {**SPACE, "parameters": {}}}, "nothing to search"),
])  # fmt: skip
def test_bad_questions(tmp_path: Path, options: Any, words: str) -> None:
    with pytest.raises(HwsimError, match=words):
        search(**{"space": SPACE, "out": tmp_path / "out", "objectives": OBJECTIVES, "trials": 4, **options})


def test_missing_extras_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HwsimError, match=r"gp needs PyTorch.*pip install torch"):
        search(SPACE, tmp_path, OBJECTIVES, sampler="gp")
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(HwsimError, match=r"pip install 'hwsim\[search\]'"):
        search(SPACE, tmp_path, OBJECTIVES)
