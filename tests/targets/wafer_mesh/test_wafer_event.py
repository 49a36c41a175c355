"""Event fidelity: cycle loops replace the fabric's closed forms; they agree where nothing contends and never undercut them."""

from __future__ import annotations

import pytest
from wafer_helpers import CHIPS, chip

import hwsim
from hwsim.core.graph import Graph, single_op

UNCONTENDED = {
    "chain": (single_op("reduce", elements=64, dtype="fp32"), {"grid": (64, 1), "algorithm": "reduce_chain"}),
    "flood": (single_op("broadcast", elements=64, dtype="fp32"), {"grid": (64, 32)}),
    "ring": (single_op("allreduce", elements=64, dtype="fp32"), {"grid": (16, 1), "algorithm": "allreduce_ring"}),
    "gemm": (single_op("matmul", m=256, k=256, n=256), {"grid": (32, 32), "algorithm": "meshgemm"}),
    "gemv": (single_op("matmul", m=1, k=4096, n=4096), {"grid": (256, 256), "algorithm": "meshgemv", "groups": 16}),
}
CONTENDED = {
    "star": (single_op("reduce", elements=64, dtype="fp32"), {"grid": (64, 1), "algorithm": "reduce_star"}),
    "two phases": (single_op("reduce", elements=64, dtype="fp32"), {"grid": (64, 1), "algorithm": "reduce_two_phase"}),
    "odd groups": (single_op("matmul", m=1, k=4095, n=4095), {"grid": (225, 225), "algorithm": "meshgemv", "groups": 15}),
}


def both(graph: Graph, on: str, mapping: dict[str, object]) -> tuple[float, float]:
    analytic, event = (hwsim.simulate(graph, chip(on), mapping, fidelity=f, interval=False) for f in ("analytic", "event"))
    return analytic.cycles, event.cycles


@pytest.mark.parametrize("on", CHIPS)
@pytest.mark.parametrize("name", UNCONTENDED)
def test_uncontended_mechanisms_agree_to_the_cycle(name, on):
    graph, mapping = UNCONTENDED[name]
    analytic, event = both(graph, on, mapping)
    assert abs(event - analytic) < 1


@pytest.mark.parametrize("on", CHIPS)
@pytest.mark.parametrize("name", CONTENDED)
def test_contended_mechanisms_take_longer_but_not_much(name, on):
    graph, mapping = CONTENDED[name]
    analytic, event = both(graph, on, mapping)
    assert analytic < event < 1.1 * analytic


@pytest.mark.parametrize("on", CHIPS)
def test_a_decode_step_is_never_faster_event_by_event(on):
    analytic, event = both(hwsim.load_graph("llama3-8b", phase="decode", context=4096), on, {"grid": (420, 420)})
    assert analytic <= event < 1.02 * analytic
