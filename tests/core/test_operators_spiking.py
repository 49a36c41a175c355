"""Attributes of spiking operators, and their kinds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.core.op import Op
from hwsim.core.operators_spiking import spikes_of
from hwsim.readers.load import graph_of_workload

PRODUCT = {"m": 4, "k": 8, "n": 16}


def product(**attrs: Any) -> Op:
    return Op("fc", "matmul", PRODUCT, attrs=attrs)


def test_an_operator_without_attributes_is_one_dense_pass() -> None:
    plain = spikes_of(product())
    assert (plain.timesteps, plain.spiking, plain.levels, plain.counts) == (1, False, 1, ()) and math.isnan(plain.rate)


def test_a_rate_means_spikes() -> None:
    found = spikes_of(product(timesteps=4, spike_rate=0.25, spike_levels=2))
    assert (found.timesteps, found.spiking, found.rate, found.levels) == (4, True, 0.25, 2)


@pytest.mark.parametrize(("attrs", "why"), [
    ({"timesteps": 0}, "positive whole"), ({"timesteps": 2.5}, "positive whole"), ({"timesteps": True}, "positive whole"),
    ({"spike_rate": 1.2}, "0..1"), ({"spike_rate": True}, "0..1"), ({"spike_rate": math.nan}, "0..1"), ({"input_kind": "graded"}, "real, spike"),
    ({"input_kind": "real", "spike_rate": 0.1}, "real-valued"), ({"rate_q": 0.1}, "spiking_attention"), ({"spike_levels": 0}, "positive whole"),
    ({"timesteps": 2, "spike_rate": 0.5, "spike_counts": "1 2 3"}, "2 timesteps"), ({"spike_counts": "many"}, "spike_counts"),
])  # fmt: skip
def test_bad_attributes_are_refused(attrs: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        spikes_of(product(**attrs))


def test_neurons_and_pools_have_no_input_rate() -> None:
    with pytest.raises(InvalidTrace, match="belong to matmul and conv2d"):
        spikes_of(Op("n", "lif", {"neurons": 4}, attrs={"spike_rate": 0.1}))


def test_attention_counts_both_products() -> None:
    op = Op("a", "spiking_attention", {"heads": 2, "tokens": 6, "head_dim": 4}, attrs={"rate_q": 0.1, "rate_k": 0.2, "rate_v": 0.3})
    assert op.macs == 2 * 2 * 6 * 16 and op.results == ((1, 6, 8),) and spikes_of(op).attention == (0.1, 0.2, 0.3)


def test_neurons_take_three_or_four_operations() -> None:
    assert [Op("n", "lif", {"neurons": 10}, function=f).elementary for f in ("if", "lif")] == [30, 40]


def test_a_workload_states_attributes_beside_bounds() -> None:
    graph = graph_of_workload({"op": "matmul", **PRODUCT, "bias": True, "dtype": "fp32", "timesteps": 4, "input_kind": "spike", "spike_rate": 0.5})
    assert dict(graph.ops[0].attrs) == {"timesteps": 4, "input_kind": "spike", "spike_rate": 0.5} and graph.ops[0]["bias"] == 1
    with pytest.raises(InvalidTrace, match="spike_rate"):
        graph_of_workload({"op": "matmul", **PRODUCT, "spike_rate": 2})


def test_spiking_operators_are_fp32_unless_they_say_otherwise() -> None:
    attention = {"op": "spiking_attention", "heads": 2, "tokens": 6, "head_dim": 4}
    found = [graph_of_workload(w).ops[0].dtype for w in (
        attention, {**attention, "dtype": "int8"}, {"op": "matmul", **PRODUCT, "spike_rate": 0.1}, {"op": "matmul", **PRODUCT},
    )]  # fmt: skip
    assert found == ["fp32", "int8", "fp32", "fp16"]
