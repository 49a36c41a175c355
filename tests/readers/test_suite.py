"""Suites of independent operators, and cases that aggregate over them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwsim.core.errors import HwsimError, InvalidCase, InvalidTrace
from hwsim.readers.load import load_graph, trace_names
from hwsim.readers.suite import aggregated
from hwsim.validate.cases import Case
from hwsim.validate.run import Configuration, Runner

SIZES = {"svm": 2.0, "logistic_regression": 3.0, "gaussian_nb": 4.0, "knn": 6.0, "kmeans": 8.0, "random_forest": 1.0}


class FakeRunner(Runner):
    """Every operator takes as long as `SIZES` says, and a third or less of it on eight cores: the larger, the better it scales."""

    def measure(self, what: Configuration, metric: str) -> float:
        size = SIZES[what.workload["op"]]
        return size / (1 + size) if what.mapping["cores"] == 8 else size

    def chip(self, name: str) -> Any:
        return type("AnyChip", (), {"target": "cluster"})


def case(aggregate: str, trace: str = "nonneural-suite", **more: Any) -> Case:
    return Case.model_validate({
        "id": "a", "group": "g", "chip": "c", "workload": {"trace": trace, "aggregate": aggregate, **more}, "mapping": {"cores": 8},
        "metric": "speedup", "value": 7.0, "kind": "paper", "role": "predict", "tolerance": 0.1, "source": "s",
        "relative_to": {"mapping": {"cores": 1}},
    })  # fmt: skip


def test_the_suite_is_six_independent_kernels() -> None:
    graph = load_graph("nonneural-suite", dtype="fp32")
    assert [op.kind for op in graph.ops] == list(SIZES)
    assert all(not parents for parents in graph.predecessors)
    assert "nonneural-suite" in trace_names()
    with pytest.raises(InvalidTrace, match="dtype"):
        load_graph("nonneural-suite", batch=2)


@pytest.mark.parametrize(("how", "expected"), [("mean", 5.0), ("max", 9.0), ("min", 2.0)])
def test_a_ratio_is_formed_per_kernel_and_then_aggregated(how: str, expected: float) -> None:
    assert FakeRunner().got(case(how, dtype="fp32"), Path()) == pytest.approx(expected)


def test_an_unknown_aggregate_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="mean"):
        aggregated("median", [1.0])
    with pytest.raises(HwsimError):
        FakeRunner().got(case("median"), Path())
    with pytest.raises(InvalidCase, match="suites"):
        FakeRunner().got(case("mean", trace="llama3-8b"), Path())
    with pytest.raises(InvalidCase, match="batch"):
        FakeRunner().got(case("mean", batch=2), Path())
