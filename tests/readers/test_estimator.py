"""Fitted estimators become operators of the sizes that fitting gave them; stand-ins, and the real ones if installed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.readers.estimator import read_estimator

LEAVES = -1


def sizes(estimator: Any, **options: Any) -> tuple[str, dict[str, int]]:
    (op,) = read_estimator(estimator, **options).ops
    return op.kind, dict(op.bounds)


def chain_tree(levels: int, samples: int) -> SimpleNamespace:
    """A tree whose every inner node has a leaf on the left that takes half of its samples: node 2i is inner, 2i + 1 its leaf."""
    left = [2 * i + 1 if half == 0 else LEAVES for i in range(levels) for half in (0, 1)] + [LEAVES]
    visits = [samples / 2**i if half == 0 else samples / 2 ** (i + 1) for i in range(levels) for half in (0, 1)] + [samples / 2**levels]
    return SimpleNamespace(children_left=np.array(left), weighted_n_node_samples=np.array(visits), max_depth=levels)


def test_linear_scores() -> None:
    machine = SimpleNamespace(coef_=np.zeros((10, 784)), classes_=np.arange(10))
    assert sizes(machine, samples=3) == ("svm", {"features": 784, "classes": 10, "samples": 3})
    machine.predict_proba = None
    assert sizes(machine)[0] == "logistic_regression"
    two = SimpleNamespace(coef_=np.zeros(5), classes_=np.arange(2))
    assert sizes(two) == ("svm", {"features": 5, "classes": 1, "samples": 1})


def test_the_other_learners() -> None:
    assert sizes(SimpleNamespace(theta_=np.zeros((5, 7)), var_=np.ones((5, 7)))) == ("gaussian_nb", {"features": 7, "classes": 5, "samples": 1})
    near = SimpleNamespace(n_samples_fit_=480, n_neighbors=4, n_features_in_=16)
    assert sizes(near, samples=2) == ("knn", {"samples": 480, "features": 16, "neighbours": 4, "queries": 2})
    clusters = SimpleNamespace(cluster_centers_=np.zeros((8, 16)))
    assert sizes(clusters, samples=240) == ("kmeans", {"samples": 240, "features": 16, "clusters": 8, "iterations": 1})


def test_depth_of_a_tree_is_that_of_the_paths_taken() -> None:
    tree = SimpleNamespace(tree_=chain_tree(6, 64), n_features_in_=9, classes_=np.arange(3))
    kind, mean = sizes(tree)
    assert (kind, mean["depth"], mean["nodes"]) == ("decision_tree", 2, 6)  # 1 + 1/2 + ... + 1/32 decisions on average, rounded up
    assert sizes(tree, depth="greatest")[1]["depth"] == 6


def test_a_forest_adds_up_its_trees() -> None:
    members = [SimpleNamespace(tree_=chain_tree(levels, 64)) for levels in (1, 4, 6)]
    forest = SimpleNamespace(estimators_=members, n_features_in_=9, classes_=np.arange(3))
    kind, bounds = sizes(forest, depth="greatest")
    assert (kind, bounds["trees"], bounds["depth"], bounds["nodes"]) == ("random_forest", 3, 6, 18)  # no fewer than one node per level
    assert sizes(forest)[1]["depth"] == 2


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (SimpleNamespace(C=1.0), "not fitted"),
        (SimpleNamespace(support_vectors_=np.zeros((3, 2)), kernel="rbf"), "kernel 'rbf'"),
        (SimpleNamespace(tree_=chain_tree(2, 8), n_features_in_=2), "regression"),
        (SimpleNamespace(estimators_=[SimpleNamespace()], n_features_in_=2), "single trees"),
    ],
)
def test_what_has_no_model_is_refused(estimator: Any, why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        read_estimator(estimator)


def test_depth_is_mean_or_greatest() -> None:
    with pytest.raises(InvalidTrace, match="greatest"):
        read_estimator(SimpleNamespace(), depth="median")


def test_real_estimators() -> None:
    pytest.importorskip("sklearn")
    from sklearn.cluster import KMeans
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC, LinearSVC
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 6)), np.arange(90) % 3
    assert sizes(LinearSVC().fit(x, y)) == ("svm", {"features": 6, "classes": 3, "samples": 1})
    assert sizes(SVC(kernel="linear").fit(x, y)) == ("svm", {"features": 6, "classes": 3, "samples": 1})
    assert sizes(LogisticRegression().fit(x, y)) == ("logistic_regression", {"features": 6, "classes": 3, "samples": 1})
    assert sizes(GaussianNB().fit(x, y)) == ("gaussian_nb", {"features": 6, "classes": 3, "samples": 1})
    assert sizes(KNeighborsClassifier(4).fit(x, y))[1]["samples"] == 90
    assert sizes(KMeans(4, n_init=1).fit(x), samples=90)[1]["clusters"] == 4
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    paths = tree.decision_path(x).sum(axis=1) - 1  # decisions of every training sample
    assert sizes(tree)[1]["depth"] == int(np.ceil(paths.mean()))
    forest = RandomForestClassifier(5, max_depth=3, random_state=0).fit(x, y)
    assert sizes(forest, depth="greatest")[1]["depth"] == 3
    with pytest.raises(InvalidTrace, match="rbf"):
        read_estimator(SVC().fit(x, y))
