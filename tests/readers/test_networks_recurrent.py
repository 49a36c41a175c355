"""LSTMs with projections and bias rows, and the recurrent networks by name."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.errors import InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op


def test_a_projection_replaces_the_state_and_is_counted() -> None:
    plain, projected = (single_op("lstm", input_size=40, hidden_size=32, steps=3, **more).ops[0] for more in ({}, {"projection_size": 8}))
    assert plain.macs == 3 * 4 * 32 * (40 + 32) and plain.results == ((3, 1, 32),)
    assert projected.macs == 3 * (4 * 32 * (40 + 8) + 32 * 8) and projected.results == ((3, 1, 8),)
    assert projected.weight_bytes == 2 * (4 * 32 * 48 + 4 * 32 + 32 * 8)


def test_bias_rows_are_no_work_of_the_network() -> None:
    plain, biased = (single_op("lstm", input_size=40, hidden_size=32, bias_rows=rows).ops[0] for rows in (0, 1))
    assert plain.macs == biased.macs
    with pytest.raises(InvalidTrace, match="bias_rows is 0 or 1"):
        single_op("lstm", input_size=40, hidden_size=32, bias_rows=2)
    with pytest.raises(InvalidTrace, match="no bound 'projection_size'"):
        single_op("gru", input_size=40, hidden_size=32, projection_size=8)


def test_a_target_without_projections_refuses_them() -> None:
    graph = single_op("lstm", input_size=40, hidden_size=32, projection_size=8)
    with pytest.raises(UnsupportedOp, match="projects its output"):
        hwsim.simulate(graph, hwsim.load_chip("et-soc-1"))


@pytest.mark.parametrize(("name", "macs"), [("kws-lstm", 4 * 32 * 72 + 32 * 12), ("ptb-lstm", 8064 * 632 + 2016 * 504 + 504 * 50)])
def test_networks_by_name(name: str, macs: int) -> None:
    graph = hwsim.load_graph(name)
    assert graph.macs == macs
    assert {op.label for op in graph.ops} >= {"lstm", "head"}


def test_steps_are_an_option() -> None:
    one, many = hwsim.load_graph("ptb-lstm"), hwsim.load_graph("ptb-lstm", steps=7, classes=50)
    assert many.macs == 7 * one.macs and many.meta["steps"] == 7
    with pytest.raises(InvalidTrace, match="steps must be a positive whole number"):
        hwsim.load_graph("kws-lstm", steps=0)
