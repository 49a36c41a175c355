"""Tornado and Sobol indices on functions with known answers."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.core.errors import HwsimError
from hwsim.explore.lever import Lever
from hwsim.explore.sensitivity import analyse, sensitivity, sobol, tornado
from hwsim.explore.space import load_space
from hwsim.explore.store import StoreError
from hwsim.explore.sweep import sweep
from hwsim.readers.load import graph_of_workload


def fake(function: Callable[..., Any], feasible: Callable[..., Any] | None = None) -> Callable[[Any], dict[str, Any]]:
    """A probe whose metric is a function of the parameters' columns."""

    def probe(points: Any) -> dict[str, Any]:
        columns = {n: np.array(v) for n, v in points.items()}
        found = np.asarray(function(**columns), dtype=float)
        ok = np.ones(len(found), dtype=bool) if feasible is None else feasible(**columns)
        status = np.where(ok, "ok", "infeasible").astype(object)
        return {"latency_s": found, "status": status, "reason": np.where(ok, "", "out of memory").astype(object)}

    return probe


def levers(names: Sequence[str], low: float, base: float, high: float) -> list[Lever]:
    return [Lever(n, base, low, high) for n in names]


def test_tornado_ranks_by_swing() -> None:
    base, bars, notes = tornado(levers("abc", 0.0, 1.0, 3.0), fake(lambda a, b, c: 10 + a - 4 * b + 0 * c), "latency_s")
    assert base == 7.0 and notes == ()
    assert [(b.parameter, b.at_low, b.at_high) for b in bars] == [("b", 11.0, -1.0), ("a", 6.0, 9.0), ("c", 7.0, 7.0)]


def test_the_sentence_says_what_to_change_first() -> None:
    found = analyse(levers("ab", 0.0, 1.0, 3.0), fake(lambda a, b: 10 + a - 4 * b), "latency_s", "tornado")
    assert found.sentence == (
        "b matters most: over 0 to 3, all else as at the base point, latency_s goes from 11 s to -1 s. Change b first: 3 gives -1 s (-114.3 %)."
    )
    best = analyse([Lever("a", 0.0, 0.0, 1.0)], fake(lambda a: 1 + a), "latency_s", "tornado")
    assert best.sentence.endswith("No single change within these ranges betters the base point's 1 s.")
    flat = analyse([Lever("a", 0.0, 0.0, 1.0)], fake(lambda a: 1 + 0 * a), "latency_s", "tornado")
    assert flat.sentence == "No parameter moves latency_s from 1 s."


def test_choices_are_all_tried() -> None:
    cost = {"ring": 3.0, "tree": 1.0, "mesh": 9.0}
    lever = Lever("way", "ring", values=("ring", "tree", "mesh"), ordered=False)
    _, bars, _ = tornado([lever], fake(lambda way: [cost[w] for w in way]), "latency_s")
    assert (bars[0].low, bars[0].at_low, bars[0].high, bars[0].at_high) == ("tree", 1.0, "mesh", 9.0)


def test_ends_that_are_not_feasible_are_noted() -> None:
    probe = fake(lambda a: 1 + a, lambda a: a < 2.5)
    base, bars, notes = tornado(levers("a", 0.0, 1.0, 3.0), probe, "latency_s")
    assert base == 2.0 and (bars[0].high, bars[0].at_high) == (1.0, 2.0) and notes == ("a = 3 is not feasible: out of memory",)
    with pytest.raises(HwsimError, match="base point is not feasible: out of memory"):
        tornado(levers("a", 0.0, 3.0, 4.0), probe, "latency_s")


def ishigami(x1: Any, x2: Any, x3: Any) -> Any:
    return np.sin(x1) + 7.0 * np.sin(x2) ** 2 + 0.1 * x3**4 * np.sin(x1)


def test_sobol_indices_of_ishigami() -> None:
    """Ishigami and Homma's function, a = 7, b = 0.1: closed forms for all its indices."""
    shares, notes = sobol(levers(["x1", "x2", "x3"], -math.pi, 0.0, math.pi), fake(ishigami), "latency_s", samples=4096, seed=3)
    found = {s.parameter: (s.first, s.total) for s in shares}
    expected = {"x1": (0.3139, 0.5576), "x2": (0.4424, 0.4424), "x3": (0.0, 0.2437)}
    for name, pair in expected.items():
        assert found[name] == pytest.approx(pair, abs=0.02)
    assert [s.parameter for s in shares] == ["x1", "x2", "x3"] and notes == ()


def test_sobol_indices_of_lists_and_logarithms() -> None:
    """The sum of a fair coin (variance 1/4) and of log10 x over four decades (variance 16/12)."""
    two = [Lever("coin", 0, values=(0, 1)), Lever("x", 1.0, 1e-2, 1e2, log=True)]
    shares, _ = sobol(two, fake(lambda coin, x: coin + np.log10(x)), "latency_s", samples=1024, seed=1)
    whole = 0.25 + 16 / 12
    assert {s.parameter: s.total for s in shares} == pytest.approx({"coin": 0.25 / whole, "x": 16 / 12 / whole}, abs=0.02)


def test_sobol_leaves_out_what_is_not_feasible() -> None:
    add = fake(lambda a, b: a + b, lambda a, b: a < 0.98)
    shares, notes = sobol(levers("ab", 0.0, 0.5, 1.0), add, "latency_s", samples=512, seed=1)
    assert [s.total for s in shares] == pytest.approx([0.5, 0.5], abs=0.1)
    assert len(notes) == 1 and "not feasible: out of memory" in notes[0]
    holes = fake(lambda a, b: a + b, lambda a, b: a < 0.7)
    with pytest.raises(HwsimError, match="narrow the ranges"):
        analyse(levers("ab", 0.0, 0.5, 1.0), holes, "latency_s", "sobol", samples=64)
    found = analyse(levers("ab", 0.0, 0.5, 1.0), holes, "latency_s", "both", samples=64)
    assert found.sobol == () and len(found.tornado) == 2 and "narrow the ranges" in found.notes[-1]


def test_sobol_of_a_constant_is_nothing() -> None:
    shares, notes = sobol(levers("ab", 0.0, 0.5, 1.0), fake(lambda a, b: 2 + 0 * a), "latency_s", samples=16)
    assert all(s.total == 0 for s in shares) and "the same everywhere" in notes[0]


def test_both_methods_in_one_record() -> None:
    found = analyse(levers(["x1", "x2", "x3"], -3.0, 1.0, 3.0), fake(ishigami), "latency_s", "both", samples=64, seed=5)
    record = json.loads(json.dumps(found.to_dict()))
    assert record["schema"] == "hwsim.sensitivity/1" and record["point"] == {"x1": 1.0, "x2": 1.0, "x3": 1.0}
    assert set(record["tornado"][0]) >= {"parameter", "low", "high", "at_low", "at_high"}
    assert set(record["sobol"][0]) == {"parameter", "first", "first_conf", "total", "total_conf"}
    again = analyse(levers(["x1", "x2", "x3"], -3.0, 1.0, 3.0), fake(ishigami), "latency_s", "both", samples=64, seed=5)
    assert again == found
    only = analyse(levers(["x1", "x2", "x3"], -3.0, 1.0, 3.0), fake(ishigami), "latency_s", "sobol", samples=64)
    assert only.tornado == () and only.base == pytest.approx(float(ishigami(1.0, 1.0, 1.0)))


def test_bad_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = fake(lambda a: a)
    for call, words in (
        (lambda: analyse([], probe, "latency_s"), "no parameter"),
        (lambda: analyse(levers("a", 0, 1, 2), probe, "latency_s", "best"), "method is one of"),
        (lambda: tornado(levers("a", 0, 1, 2), probe, "energy_j"), "no metric 'energy_j'"),
        (lambda: sobol(levers("a", 0, 1, 2), probe, "latency_s", samples=100), "power of two"),
    ):  # fmt: skip
        with pytest.raises(HwsimError, match=words):
            call()
    monkeypatch.setitem(sys.modules, "SALib.analyze", None)
    with pytest.raises(HwsimError, match=r"pip install 'hwsim\[search\]'"):
        sobol(levers("a", 0, 1, 2), probe, "latency_s")


SPACE: dict[str, Any] = {
    "trace": {"op": "matmul", "m": 64, "k": 256, "n": 256}, "chips": ["wse2"],
    "parameters": {"clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 8]}, "mapping.grid": {"choices": [[64, 64], [16, 16], [32, 32]]}},
}  # fmt: skip


def test_a_tornado_is_what_simulate_says(tmp_path: Path) -> None:
    found = sensitivity(SPACE, "latency_s", tmp_path, method="tornado")
    assert found.point == {"clock_hz": 1.1e9, "mapping.grid": (32, 32)}
    bars = {b.parameter: b for b in found.tornado}
    graph = graph_of_workload({"op": "matmul", "m": 64, "k": 256, "n": 256})

    def latency(grid: int, clock: float = 1.1e9) -> float:
        return hwsim.simulate(graph, hwsim.load_chip("wse2", clock_hz=clock), {"grid": (grid, grid)}, interval=False).latency_s

    assert found.base == latency(32)
    assert (bars["clock_hz"].at_low, bars["clock_hz"].at_high) == (latency(32, 0.7e9), latency(32, 1.4e9))
    assert (bars["mapping.grid"].low, bars["mapping.grid"].at_low, bars["mapping.grid"].at_high) == ((16, 16), latency(16), latency(64))
    record = json.loads((tmp_path / "sensitivity.json").read_text())
    assert record["point"]["mapping.grid"] == "32x32" and record["chip"] == "wse2" and record["over"] == "space"


def test_constants_of_the_chip_that_matter() -> None:
    fixed = {**SPACE, "parameters": {"mapping.grid": {"choices": [[32, 32]]}}}
    found = sensitivity(fixed, "latency_s", samples=64)
    named = {b.parameter for b in found.tornado}
    assert {"clock_hz", "gemm_per_k_cycles", "fmac_cycles_per_mac"} <= named and "ladder_word_cycles" not in named
    assert {s.parameter for s in found.sobol} == named and sum(s.first for s in found.sobol) == pytest.approx(1.0, abs=0.25)
    assert any("do not move latency_s" in note and "ladder_word_cycles" in note for note in found.notes)
    both = sensitivity(SPACE, "latency_s", method="tornado", over="all", base={"clock_hz": 1e9, "gemm_per_k_cycles": 60.0})
    assert both.point["clock_hz"] == 1e9 and both.point["gemm_per_k_cycles"] == 60.0
    assert {"mapping.grid", "clock_hz", "fmac_cycles_per_mac"} <= {b.parameter for b in both.tornado}
    assert "gemm_per_k_cycles" not in {b.parameter for b in both.tornado}


def test_results_of_another_space_are_left_alone(tmp_path: Path) -> None:
    sweep(SPACE, tmp_path)
    assert sensitivity(SPACE, "latency_s", tmp_path, method="tornado").meta["space"] == load_space(SPACE).key
    with pytest.raises(StoreError, match="another space"):
        sensitivity({**SPACE, "chips": ["wse3"]}, "latency_s", tmp_path, method="tornado")


@pytest.mark.parametrize(("options", "words"), [
    ({"over": "wafer"}, "over is one of"), ({"base": {"clok_hz": 1.0}}, "did you mean clock_hz"), ({"metric": "latncy_s"}, "latncy_s"),
    ({"space": {**SPACE, "chips": ["wse2", "wse3"]}}, "about one chip, and the space has 2"),
    ({"base": {"clock_hz": -1.0}}, "base point is not feasible"),
])  # fmt: skip
def test_bad_questions_about_spaces(options: Any, words: str) -> None:
    with pytest.raises(HwsimError, match=words):
        sensitivity(**{"space": SPACE, "metric": "latency_s", "method": "tornado", **options})
