"""Suites: independent operators that published studies run side by side and average over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.graph import Graph, GraphBuilder

SUITES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "nonneural-suite": {  # the kernels of arXiv 2107.09448; the study's own sizes are not published
        "svm": {"features": 784, "classes": 10},
        "logistic_regression": {"features": 784, "classes": 10},
        "gaussian_nb": {"features": 784, "classes": 5},
        "knn": {"samples": 480, "features": 16, "neighbours": 4},
        "kmeans": {"samples": 240, "features": 16, "clusters": 8},
        "random_forest": {"trees": 16, "depth": 8, "features": 200, "classes": 4},
    },
}
AGGREGATES: Mapping[str, Callable[[list[float]], float]] = {"mean": fmean, "max": max, "min": min}


def is_suite(name: str) -> bool:
    """Tell whether `name` is a suite's."""
    return name in SUITES


def members(name: str, dtype: str = "fp32") -> list[dict[str, Any]]:
    """Return the workload of each operator of a suite."""
    return [{"op": kind, **sizes, "dtype": dtype} for kind, sizes in SUITES[name].items()]


def read_suite(name: str, **options: Any) -> Graph:
    """Return the operators of a suite one after the other, independent of each other. `dtype` (default fp32) is their number format.

    Raises `InvalidTrace` for an unknown option.

    >>> [op.kind for op in read_suite("nonneural-suite").ops][:2]
    ['svm', 'logistic_regression']
    """
    if unknown := [key for key in options if key != "dtype"]:
        raise InvalidTrace(f"suite '{name}' has no option '{unknown[0]}'{nearest(unknown[0], ['dtype'])}; it has dtype")
    builder = GraphBuilder(options.get("dtype", "fp32"))
    for kind, sizes in SUITES[name].items():
        builder.op(kind, kind, [], **sizes)
    return builder.graph(trace=name)


def aggregated(how: str, values: list[float]) -> float:
    """Return the ``mean``, ``max`` or ``min`` of the figures of a suite's operators. Raises `InvalidTrace` for another `how`."""
    if how not in AGGREGATES:
        raise InvalidTrace(f"aggregate is one of {', '.join(AGGREGATES)}, got '{how}'{nearest(str(how), AGGREGATES)}")
    return float(AGGREGATES[how](values))
