"""The small tasks and the recurrent network on them: gradients, learning, and the same network on a crossbar."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.targets.crossbar.functional.devices import constant_error
from hwsim.targets.crossbar.functional.lstm import Lstm, Ramps, Score, _gradient, evaluate, evaluate_on_crossbar, train
from hwsim.targets.crossbar.functional.programming import Sources
from hwsim.targets.crossbar.functional.slices import ArrayShape
from hwsim.targets.crossbar.functional.tasks import Task, characters, keywords

G_MAX = 150e-6
SHAPE = ArrayShape(72, 256, 0.0, G_MAX, 0.2, 5, 5, 8, 7)


@pytest.fixture(scope="module")
def task() -> Task:
    return keywords(train=400, test=200, steps=8, classes=6, noise=0.5)


@pytest.fixture(scope="module")
def net(task: Task) -> Lstm:
    return train(task.train, 32, epochs=12)


def on_crossbar(net: Lstm, task: Task, bits: int, sigma_s: float = 0.0, seed: int = 1) -> Score:
    shape = replace(SHAPE, input_bits=bits, input_slice_bits=bits)
    sources = Sources(programming=constant_error(sigma_s) if sigma_s else None)
    return evaluate_on_crossbar(net, task.test, shape, sources, Ramps(bits, 0.0, G_MAX, sigma_s), np.random.default_rng(seed))


def test_tasks_are_drawn_from_their_seed() -> None:
    first, same, other = (keywords(seed, train=20, test=10) for seed in (1, 1, 2))
    assert np.array_equal(first.train.inputs, same.train.inputs)
    assert not np.array_equal(first.train.inputs, other.train.inputs)
    assert first.train.inputs.shape == (20, 16, 40)
    assert first.test.classes == 12
    assert (first.train.targets >= 0).sum() == 20
    assert 0 <= first.train.inputs.min() <= first.train.inputs.max() <= 1


def test_text_has_the_entropy_of_its_source() -> None:
    text = characters(train=1500, test=2000, steps=30, alphabet=8, followers=3)
    now, after = text.train.inputs.argmax(axis=-1).ravel(), text.train.targets.ravel()
    counts = np.zeros((8, 8))
    np.add.at(counts, (now, after), 1)
    odds = (counts + 1e-3) / (counts + 1e-3).sum(axis=1, keepdims=True)
    asked = text.test.inputs.argmax(axis=-1), text.test.targets
    assert -np.log2(odds[asked]).mean() == pytest.approx(text.least_bits, rel=0.02)
    assert characters(train=2, test=2, steps=5, followers=50).least_bits is not None


def test_gradient_by_differences() -> None:
    data = keywords(train=5, test=1, steps=4, bands=3, classes=3).train
    rng = np.random.default_rng(3)
    net = Lstm(rng.normal(0, 0.7, (5, 8)), rng.normal(0, 0.7, (3, 3)))
    slopes = _gradient(net, data)
    for which, slope in zip(("gates", "head"), slopes, strict=True):
        for at in ((0, 0), (2, 1), (1, 2)):
            moved = []
            for sign in (1, -1):
                weights = getattr(net, which).copy()
                weights[at] += sign * 1e-5
                moved.append(evaluate(replace(net, **{which: weights}), data).bits * math.log(2))
            assert slope[at] == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_it_learns(task: Task, net: Lstm) -> None:
    assert evaluate(net, task.test).accuracy > 0.85  # one in six by chance


def test_fine_converters_leave_the_network_as_it_is(task: Task, net: Lstm) -> None:
    exact, fine = evaluate(net, task.test), on_crossbar(net, task, 10)
    assert fine.accuracy == pytest.approx(exact.accuracy, abs=0.02)
    assert fine.bits == pytest.approx(exact.bits, rel=0.1)


def test_coarse_converters_and_write_errors_cost_bits(task: Task, net: Lstm) -> None:
    fine, coarse = (on_crossbar(net, task, bits).bits for bits in (8, 2))
    assert coarse > 1.2 * fine
    written = np.mean([on_crossbar(net, task, 8, 30e-6, seed).bits for seed in range(4)])
    assert written > 1.2 * fine


def test_an_array_without_a_row_for_every_input_is_refused(task: Task, net: Lstm) -> None:
    with pytest.raises(InvalidMapping, match="2 row parts"):
        evaluate_on_crossbar(net, task.test, replace(SHAPE, rows=64), Sources(), Ramps(5, 0.0, G_MAX), np.random.default_rng(1))


def test_sizes_are_checked(task: Task) -> None:
    with pytest.raises(InvalidTrace, match="hidden"):
        train(task.train, 0, epochs=1)
    with pytest.raises(InvalidTrace, match="at least one"):
        keywords(train=0)
    with pytest.raises(InvalidTrace, match="followers"):
        characters(alphabet=4, followers=5)
