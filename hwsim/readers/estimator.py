"""Fitted scikit-learn estimators -> Graph: the same learner with the sizes, depths and classes that fitting gave it.

Estimators are told apart by their fitted attributes (scikit-learn's documented ones), so that the package itself is not needed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, single_op

__all__ = ["read_estimator"]

DEPTHS = ("mean", "greatest")
_LEAF = -1  # scikit-learn's mark of a node without children


def read_estimator(estimator: Any, *, samples: int = 1, dtype: str = "fp32", depth: str = "mean") -> Graph:
    """Return one prediction of `samples` samples by a fitted estimator (one iteration of fitting for a K-Means) as a graph of one operator.

    Known are linear support-vector machines, logistic regression, Gaussian naive Bayes, nearest neighbours, K-Means, decision trees and random
    forests. `depth` of trees: the ``mean`` number of decisions, weighted by the training samples that took each path and rounded up, or the
    ``greatest``. Raises `InvalidTrace` for an estimator that is not fitted or of another kind.

    >>> read_estimator(object())
    Traceback (most recent call last):
        ...
    hwsim.core.errors.InvalidTrace: ...
    >>> from sklearn.tree import DecisionTreeClassifier                                                       # doctest: +SKIP
    >>> read_estimator(DecisionTreeClassifier().fit(features, classes), samples=100)                          # doctest: +SKIP
    """
    if depth not in DEPTHS:
        raise InvalidTrace(f"depth is one of {', '.join(DEPTHS)}, got '{depth}'")
    name = type(estimator).__name__
    for attributes, reader in _READERS:
        if all(hasattr(estimator, a) for a in attributes):
            kind, bounds = reader(estimator, depth)
            sizes: dict[str, Any] = {**bounds, "queries" if kind == "knn" else "samples": samples}
            return single_op(kind, dtype=dtype, **sizes)
    known = "linear SVM, logistic regression, Gaussian naive Bayes, nearest neighbours, K-Means, decision tree, random forest"
    raise InvalidTrace(f"{name} is not fitted, or of no kind that is modelled (known: {known})")


def _linear(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    """One row of coefficients per score; two classes share one."""
    classes, features = np.shape(np.atleast_2d(estimator.coef_))
    return "logistic_regression" if hasattr(estimator, "predict_proba") else "svm", {"features": features, "classes": classes}


def _kernel_machine(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    """A machine of support vectors is linear once its kernel is: its coefficients are summed beforehand, a row per pair of classes."""
    if getattr(estimator, "kernel", "") != "linear":
        raise InvalidTrace(f"{type(estimator).__name__} with kernel '{getattr(estimator, 'kernel', '')}' has no model; a linear one has")
    rows, features = np.shape(np.atleast_2d(estimator.coef_))
    return "svm", {"features": features, "classes": rows}


def _bayes(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    classes, features = np.shape(estimator.theta_)
    return "gaussian_nb", {"features": features, "classes": classes}


def _neighbours(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    neighbours = min(int(estimator.n_neighbors), int(estimator.n_samples_fit_))
    return "knn", {"samples": int(estimator.n_samples_fit_), "features": int(estimator.n_features_in_), "neighbours": neighbours}


def _clusters(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    clusters, features = np.shape(estimator.cluster_centers_)
    return "kmeans", {"features": features, "clusters": clusters}


def _decisions(tree: Any, depth: str) -> int:
    """Decisions from the root of a fitted tree to a leaf, at least one: the greatest number, or the mean over the training samples, rounded up."""
    if depth == "greatest":
        return max(1, int(tree.max_depth))
    visits = np.asarray(tree.weighted_n_node_samples, dtype=np.float64)
    inner = np.asarray(tree.children_left) != _LEAF
    return max(1, int(np.ceil(round(float(visits[inner].sum() / visits[0]), 6))))


def _nodes(trees: Sequence[Any], levels: int) -> int:
    """Inner nodes of all trees, at least one per level of each."""
    return max(len(trees) * levels, sum(int((np.asarray(t.children_left) != _LEAF).sum()) for t in trees))


def _classes(estimator: Any) -> int:
    if not hasattr(estimator, "classes_"):
        raise InvalidTrace(f"{type(estimator).__name__} is no classifier: regression trees have no model")
    return len(estimator.classes_)


def _tree(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    levels = _decisions(estimator.tree_, depth)
    nodes = _nodes((estimator.tree_,), levels)
    return "decision_tree", {"depth": levels, "features": int(estimator.n_features_in_), "classes": _classes(estimator), "nodes": nodes}


def _forest(estimator: Any, depth: str) -> tuple[str, dict[str, int]]:
    if not all(hasattr(member, "tree_") for member in estimator.estimators_):
        raise InvalidTrace(f"{type(estimator).__name__} is no forest of single trees")
    trees = [member.tree_ for member in estimator.estimators_]
    each = [_decisions(t, depth) for t in trees]
    levels = max(each) if depth == "greatest" else -(-sum(each) // len(each))
    sizes = {"trees": len(trees), "depth": levels, "features": int(estimator.n_features_in_), "classes": _classes(estimator)}
    return "random_forest", {**sizes, "nodes": _nodes(trees, levels)}


_Reader = Callable[[Any, str], tuple[str, dict[str, int]]]
_READERS: tuple[tuple[tuple[str, ...], _Reader], ...] = (
    (("estimators_", "n_features_in_"), _forest), (("tree_", "n_features_in_"), _tree), (("theta_", "var_"), _bayes),
    (("cluster_centers_",), _clusters), (("n_samples_fit_", "n_neighbors", "n_features_in_"), _neighbours),
    (("support_vectors_",), _kernel_machine), (("coef_", "classes_"), _linear),
)  # fmt: skip
