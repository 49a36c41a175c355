"""The NumPy references give the textbook results whatever the team, and their work adds up to what the algorithm needs."""

from __future__ import annotations

import numpy as np
import pytest

from hwsim.core.graph import single_op
from hwsim.targets.cluster import reference as ref

RNG = np.random.default_rng(7)
TEAMS = (1, 2, 4, 8)


@pytest.mark.parametrize("cores", TEAMS)
@pytest.mark.parametrize("split", ["horizontal", "vertical"])
def test_svm_scores_whatever_the_split(cores: int, split: str) -> None:
    x, w, b = RNG.normal(size=53), RNG.normal(size=(10, 53)), RNG.normal(size=10)
    label, scores, work = ref.svm(x, w, b, cores, split)
    assert np.allclose(scores, w @ x + b)
    assert label == np.argmax(w @ x + b)
    assert work.total["fmac"] == single_op("svm", features=53, classes=10).macs
    assert max(c["fmac"] for c in work.cores) == (10 * -(-53 // cores) if split == "horizontal" else 53 * -(-10 // cores))


@pytest.mark.parametrize("cores", TEAMS)
def test_logistic_regression_gives_probabilities(cores: int) -> None:
    x, w, b = RNG.normal(size=20), RNG.normal(size=(6, 20)), RNG.normal(size=6)
    label, probabilities, work = ref.logistic_regression(x, w, b, cores)
    powers = np.exp(w @ x + b - (w @ x + b).max())
    assert np.allclose(probabilities, powers / powers.sum(), rtol=1e-5)
    assert label == np.argmax(powers)
    assert (work.alone["fdiv"], work.alone["f2i"], work.alone["i2f"], work.barriers) == (6, 6, 6, 3)


@pytest.mark.parametrize("cores", TEAMS)
def test_gaussian_naive_bayes(cores: int) -> None:
    x, mean = RNG.normal(size=31), RNG.normal(size=(5, 31))
    inverse, prior = RNG.uniform(0.5, 2, size=(5, 31)), RNG.normal(size=5)
    label, scores, work = ref.gaussian_nb(x, mean, inverse, prior, cores)
    assert np.allclose(scores, prior - ((x - mean) ** 2 * inverse).sum(axis=1))
    assert label == np.argmax(scores)
    assert work.total["fsub"] == work.total["fmul"] == work.total["fmac"] == single_op("gaussian_nb", features=31, classes=5).macs


@pytest.mark.parametrize("cores", TEAMS)
def test_nearest_neighbours(cores: int) -> None:
    query, points = RNG.normal(size=6), RNG.normal(size=(50, 6))
    found, work = ref.knn(query, points, 4, cores)
    assert list(found) == list(np.argsort(((points - query) ** 2).sum(axis=1))[:4])
    assert work.alone["fcmp"] == 4 * cores
    assert sum(c["fcmp"] for c in work.cores) == 4 * 50
    assert work.total["fmac"] == single_op("knn", samples=50, features=6, neighbours=4).macs


@pytest.mark.parametrize("cores", TEAMS)
def test_one_iteration_of_kmeans(cores: int) -> None:
    points, centroids = RNG.normal(size=(60, 4)), RNG.normal(size=(5, 4))
    new, work = ref.kmeans(points, centroids, cores)
    winner = ((points[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
    expected = [points[winner == c].mean(axis=0) if (winner == c).any() else centroids[c] for c in range(5)]
    assert np.allclose(new, expected)
    assert work.total["fmac"] == work.total["fsub"] == single_op("kmeans", samples=60, features=4, clusters=5).macs
    assert work.total["fdiv"] == 5
    assert max(c["fdiv"] for c in work.cores) == -(-5 // cores)


@pytest.mark.parametrize("cores", TEAMS)
def test_a_forest_votes(cores: int) -> None:
    trees, depth, features, classes = 6, 3, 9, 4
    x = RNG.normal(size=features)
    index = RNG.integers(0, features, size=(trees, 2**depth - 1))
    threshold, leaf = RNG.normal(size=(trees, 2**depth - 1)), RNG.integers(0, classes, size=(trees, 2**depth))
    votes = np.zeros(classes, dtype=int)
    for t in range(trees):
        first, last = 0, 2**depth  # range of leaves: halved at every level
        while last - first > 1:
            level = depth - (last - first).bit_length() + 1
            node = 2**level - 1 + first // (last - first)
            middle = (first + last) // 2
            first, last = (middle, last) if x[index[t, node]] > threshold[t, node] else (first, middle)
        votes[leaf[t, first]] += 1
    label, work = ref.random_forest(x, index, threshold, leaf, classes, cores)
    assert label == votes.argmax()
    assert work.total["fcmp"] == trees * depth
    assert max(c["vote"] for c in work.cores) == -(-trees // cores)


def test_shares_are_contiguous_and_even() -> None:
    assert [(s.start, s.stop) for s in ref.shares(10, 4)] == [(0, 3), (3, 6), (6, 8), (8, 10)]
