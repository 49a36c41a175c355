"""Inverse questions on functions with known answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.core.errors import HwsimError
from hwsim.explore.around import in_order
from hwsim.explore.inverse import Goal, inverse, solve, steady
from hwsim.explore.lever import Lever
from hwsim.readers.load import graph_of_workload


class Fake:
    """A probe for one parameter ``x`` whose metric is a plain function; None is not feasible. Counts calls and points."""

    def __init__(self, function: Callable[[Any], float | None]) -> None:
        self.function, self.calls, self.points = function, 0, 0

    def __call__(self, points: Any) -> dict[str, Any]:
        self.calls += 1
        self.points += len(points["x"])
        found = [self.function(v) for v in points["x"]]
        return {
            "latency_s": np.array([math.nan if f is None else f for f in found]),
            "status": np.array(["infeasible" if f is None else "ok" for f in found], dtype=object),
            "reason": np.array(["too small" if f is None else "" for f in found], dtype=object),
        }


CLOCK = Lever("x", 1e9, 0.5e9, 2e9, unit="Hz")


def test_smallest_value_of_a_falling_metric() -> None:
    probe = Fake(lambda f: 1e6 / f)
    answer = solve(CLOCK, probe, Goal("latency_s", at_most=1e-3))
    assert answer.met and answer.monotone and not answer.exact
    assert answer.value == pytest.approx(1e9, rel=2e-9) and answer.got is not None and answer.got <= 1e-3
    assert probe.calls < 12 and answer.evaluations == probe.points < 400
    assert answer.sentence.startswith("The smallest x with latency_s <= 1 ms is 1 GHz (latency_s 1 ms)")


def test_largest_value_and_at_least() -> None:
    answer = solve(CLOCK, Fake(lambda f: 1e6 / f), Goal("latency_s", at_least=1e-3, find="largest"))
    assert answer.value == pytest.approx(1e9, rel=2e-9) and answer.got is not None and answer.got >= 1e-3


def test_ends_of_the_range_are_exact() -> None:
    assert solve(CLOCK, Fake(lambda f: 1e6 / f), Goal("latency_s", at_most=1.0)).value == 0.5e9
    assert solve(CLOCK, Fake(lambda f: 1e6 / f), Goal("latency_s", at_most=1.0, find="largest")).value == 2e9
    assert solve(CLOCK, Fake(lambda f: 1e6 / f), Goal("latency_s", at_most=0.5e-3)).value == 2e9


def test_no_value_does_and_the_best_is_told() -> None:
    answer = solve(CLOCK, Fake(lambda f: 1e6 / f), Goal("latency_s", at_most=1e-4))
    assert not answer.met and answer.value == 2e9 and answer.got == 5e-4
    assert answer.sentence == "x: no value from 500 MHz to 2 GHz gives latency_s <= 100 us; the best is 2 GHz, with latency_s 500 us."


def test_nothing_is_feasible() -> None:
    answer = solve(CLOCK, Fake(lambda f: None), Goal("latency_s", at_most=1e-4))
    assert not answer.met and answer.value is None and "is feasible: too small" in answer.sentence
    assert answer.to_dict()["got"] is None


def test_values_that_are_not_feasible_do_not_meet() -> None:
    answer = solve(Lever("x", 5.0, 0.0, 10.0), Fake(lambda x: None if x < math.pi else x), Goal("latency_s", at_most=100.0))
    assert answer.value == pytest.approx(math.pi, rel=2e-9) and answer.monotone


def test_a_metric_that_turns_falls_back_to_a_fine_grid() -> None:
    """Between the 65 values of the first look hides a dip that only the fine grid sees."""
    probe = Fake(lambda x: 1.0 + math.sin(40 * x) - (5.0 if 0.2305 < x < 0.2325 else 0.0))
    answer = solve(Lever("x", 0.5, 0.0, 1.0), probe, Goal("latency_s", at_most=-3.0))
    assert answer.met and not answer.monotone and answer.value == pytest.approx(0.2305, rel=1e-6)
    assert "both rises and falls" in answer.sentence
    valley = solve(Lever("x", 0.5, 0.0, 1.0), Fake(lambda x: (x - 0.5) ** 2), Goal("latency_s", at_most=0.01))
    assert valley.value == pytest.approx(0.4, rel=1e-7) and not valley.monotone


def test_integers_lists_and_choices_are_exact() -> None:
    whole = solve(Lever("x", 1, values=tuple(range(1, 1001))), Fake(lambda n: 1.0 / n), Goal("latency_s", at_most=1 / 137))
    assert whole.value == 137 and whole.exact and whole.monotone and whole.evaluations == 1000
    large = Fake(lambda n: 1.0 / n)
    answer = solve(Lever("x", 1, values=tuple(range(1, 1_000_001))), large, Goal("latency_s", at_most=1 / 123_457))
    assert answer.value == 123_457 and not answer.exact and large.points < 400
    largest = solve(Lever("x", 1, values=tuple(range(1, 1_000_001))), Fake(lambda n: 1.0 / n), Goal("latency_s", at_least=1 / 99, find="largest"))
    assert largest.value == 99
    words = Lever("x", "a", values=("a", "b", "c"), ordered=False)
    choice = solve(words, Fake(lambda w: {"a": 3.0, "b": 1.0, "c": 2.0}[w]), Goal("latency_s", at_most=2.0))
    assert choice.value == "b" and choice.exact and choice.sentence.startswith("The first x with latency_s <= 2 s is b")


def test_logarithmic_ranges() -> None:
    answer = solve(Lever("x", 1.0, 1e-6, 1e6, log=True), Fake(lambda x: x), Goal("latency_s", at_least=3e-4))
    assert answer.value == pytest.approx(3e-4, rel=1e-8)


@pytest.mark.parametrize(("make", "words"), [
    (lambda: Goal("m"), "one target"), (lambda: Goal("m", 1.0, 1.0), "one target"), (lambda: Goal("m", math.nan), "no finite"),
    (lambda: Goal("m", 1.0, find="best"), "smallest, largest"), (lambda: Lever("x", 1.0, 2.0, 2.0), "is empty"),
    (lambda: Lever("x", 1.0, 0.0, 2.0, log=True), "above zero"),
    (lambda: solve(CLOCK, Fake(lambda x: x), Goal("latncy_s", 1.0)), "did you mean latency_s"),
])  # fmt: skip
def test_bad_questions(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(HwsimError, match=words):
        make()


def test_steady() -> None:
    nan = math.nan
    rising, turning = ([1, 2, 2, 3], [3, 2, 1], [nan, 1, 2], [1, 2, nan], [nan, nan]), ([1, 2, 1], [1, nan, 2], [nan, 1, nan])
    for values, verdict in (*((r, True) for r in rising), *((t, False) for t in turning)):
        assert steady(np.array(values, dtype=float)) is verdict


WORK = {"op": "matmul", "m": 64, "k": 256, "n": 256}
SPACE: dict[str, Any] = {
    "trace": WORK, "chips": ["wse2"],
    "parameters": {"clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 8]}, "mapping.grid": {"choices": [[64, 64], [16, 16], [32, 32]]}},
    "constraints": ["clock_hz < 1.3 GHz"],
}  # fmt: skip


def latency(clock: float, grid: int = 32) -> float:
    chip = hwsim.load_chip("wse2", clock_hz=clock)
    return hwsim.simulate(graph_of_workload(WORK), chip, {"grid": (grid, grid)}, interval=False).latency_s


def test_the_answer_is_what_simulate_says() -> None:
    target = latency(0.9e9)
    answer = inverse(SPACE, "clock_hz", "latency_s", at_most=target)
    assert answer.value == pytest.approx(0.9e9, rel=1e-8) and answer.got == latency(answer.value) and answer.base == {"mapping.grid": (32, 32)}
    assert answer.unit == "Hz" and answer.to_dict()["schema"] == "hwsim.inverse/1"
    capped = inverse(SPACE, "clock_hz", "latency_s", at_most=latency(1.35e9))
    assert not capped.met and 1.29e9 < capped.value < 1.3e9


def test_grids_have_an_order() -> None:
    answer = inverse(SPACE, "mapping.grid", "latency_s", at_most=latency(1e9, 32), base={"clock_hz": 1e9})
    assert answer.value == (32, 32) and answer.exact and answer.base == {"clock_hz": 1e9}
    assert in_order([(2, 2), (1, 3)]) == (((2, 2), (1, 3)), False) and in_order([3, 1, 2]) == ((1, 2, 3), True)
    assert in_order([True, False])[1] is False and in_order([(1, 2), (1, 2, 3)])[1] is False


def test_a_constant_of_the_chip_over_its_own_or_a_given_range() -> None:
    fixed = {**SPACE, "parameters": {"mapping.grid": {"choices": [[32, 32]]}}}
    fixed.pop("constraints")
    own = inverse(fixed, "gemm_per_k_cycles", "latency_s", at_most=latency(1.1e9), find="largest")
    assert own.value == pytest.approx(hwsim.load_chip("wse2").number("gemm_per_k_cycles"), rel=1e-6)
    wide = inverse(fixed, "clock_hz", "latency_s", at_most=latency(5e9), low=0.1e9, high=10e9)
    assert wide.value == pytest.approx(5e9, rel=1e-8)
    idle = inverse(fixed, "ladder_word_cycles", "latency_s", at_most=1e-9)
    assert not idle.met and "does not depend on it" in idle.sentence


@pytest.mark.parametrize(("parameter", "options", "words"), [
    ("clok_hz", {"at_most": 1.0}, "no parameter 'clok_hz' .did you mean clock_hz"), ("clock_hz", {}, "one target"),
    ("hop_cycles", {"at_most": 1.0}, "has no range"), ("grid_usable", {"at_most": 1.0}, "no number of its chip"),
    ("mapping.grid", {"at_most": 1.0, "low": 1.0}, "no number of its chip"),
])  # fmt: skip
def test_bad_questions_about_spaces(parameter: str, options: Any, words: str) -> None:
    with pytest.raises(HwsimError, match=words):
        inverse(SPACE, parameter, "latency_s", **options)
