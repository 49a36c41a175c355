"""Recurrent layers written out: the same work and weights, steps that repeat, one pass a step where a library fuses them."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim.core.graph import single_op
from hwsim.core.recurrent import stepwise

MORE = {"steps": 7, "batch": 3}
BOUNDS: list[tuple[str, dict[str, Any]]] = [("lstm", {}), ("lstm", MORE), ("lstm", {"projection_size": 5, "steps": 4}), ("gru", {}), ("gru", MORE)]


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(("kind", "bounds"), BOUNDS)
def test_steps_do_the_work_of_the_layer(kind: str, bounds: dict[str, Any], fused: bool) -> None:
    whole = single_op(kind, input_size=12, hidden_size=8, **bounds)
    steps = stepwise(whole, fused=fused)
    assert steps.macs == whole.macs and steps.weight_bytes == whole.weight_bytes
    assert stepwise(steps) is steps
    recurrent = next(op for op in steps.ops if op.name == f"{kind}.recurrent")
    assert recurrent.repeat == bounds.get("steps", 1) and recurrent["m"] == bounds.get("batch", 1)


@pytest.mark.parametrize(("kind", "gates", "passes"), [("lstm", 4, 6), ("gru", 3, 8)])
def test_passes_of_a_step(kind: str, gates: int, passes: int) -> None:
    whole = single_op(kind, input_size=12, hidden_size=8, steps=5)
    apart, fused = ([op for op in stepwise(whole, fused=f).ops if op.kind == "elementwise"] for f in (False, True))
    assert len(apart) == passes and [op.label for op in fused] == ["cell"]
    assert {op.repeat for op in (*apart, *fused)} == {5}
    assert fused[0]["operands"] == 2 * gates + (2 if kind == "lstm" else 1)


def test_a_graph_without_recurrent_layers_is_left_as_it_is() -> None:
    graph = single_op("matmul", m=4, k=4, n=4)
    assert stepwise(graph) is graph
