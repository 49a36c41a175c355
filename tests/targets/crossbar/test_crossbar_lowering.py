"""Operators as stored matrices and the steps of recurrent networks and attention."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim.core.encoding import LeftOut
from hwsim.core.graph import Graph, GraphBuilder, single_op
from hwsim.targets.crossbar.fold import applied, folded
from hwsim.targets.crossbar.lowering import ACTIVATIONS_PER_UNIT, CELL, lowered
from hwsim.targets.crossbar.mapping import FrameOptions
from hwsim.targets.crossbar.stored import Stored, stored_matrix

PLAIN = FrameOptions()


def matrix(kind: str, options: FrameOptions = PLAIN, **bounds: Any) -> Stored:
    found = stored_matrix(single_op(kind, **{"dtype": "int8", **bounds}).ops[0], options)
    assert isinstance(found, Stored)
    return found


def steps(kind: str, **bounds: Any) -> Graph:
    graph = lowered(single_op(kind, **{"dtype": "int8", **bounds}))
    asked = single_op(kind, **{"dtype": "int8", **bounds})
    exact = kind != "attention" and not bounds.get("bias_rows")
    assert not exact or graph.macs == asked.macs
    return graph


def test_a_product_sends_its_rows_through_one_matrix() -> None:
    found = matrix("matmul", m=7, k=300, n=100, weight_dtype="int4")
    assert (found.inputs, found.outputs, found.groups, found.active, found.vectors) == (300, 100, 1, 1, 7)
    assert (found.input_bits, found.weight_bits, found.written_share, found.recurrent) == (8, 4, 0.0, False)


def test_products_of_a_batch_have_a_matrix_each_and_share_where_the_operator_says() -> None:
    apart = matrix("matmul", batch=6, m=2, k=30, n=10)
    shared = matrix("matmul", batch=6, shared=3, m=2, k=30, n=10)
    chosen = matrix("matmul", batch=2, pool=8, m=2, k=30, n=10)
    assert (apart.groups, apart.vectors) == (6, 2)
    assert (shared.groups, shared.vectors) == (2, 6)
    assert (chosen.groups, chosen.active, chosen.vectors) == (8, 2, 2)


@pytest.mark.parametrize(("stride", "pixels"), [(1, 64), (2, 16)])
def test_a_convolution_has_a_vector_per_output_pixel(stride: int, pixels: int) -> None:
    found = matrix("conv2d", n=3, c=16, h=8, w=8, k=32, r=3, s=3, pad=1, stride=stride)
    assert (found.inputs, found.outputs, found.vectors, found.blocks) == (16 * 9, 32, 3 * pixels, 1)


def test_a_shifted_kernel_keeps_each_position_apart_and_groups_are_matrices() -> None:
    shifted = matrix("conv2d", FrameOptions(conv_mapping="kernel_shifted"), n=1, c=16, h=8, w=8, k=32, r=3, s=3, pad=1)
    depthwise = matrix("conv2d", n=1, c=16, h=8, w=8, k=16, r=3, s=3, pad=1, groups=16)
    assert (shifted.inputs, shifted.blocks) == (144, 9)
    assert (depthwise.inputs, depthwise.outputs, depthwise.groups) == (9, 1, 16)
    assert shifted.weights == matrix("conv2d", n=1, c=16, h=8, w=8, k=32, r=3, s=3, pad=1).weights


def test_spikes_are_one_bit_over_the_timesteps() -> None:
    spiking = matrix("matmul", m=5, k=10, n=4, attrs={"timesteps": 4, "input_kind": "spike", "spike_rate": 0.2})
    real = matrix("matmul", m=5, k=10, n=4, attrs={"timesteps": 4, "input_kind": "real"})
    assert (spiking.vectors, spiking.input_bits, spiking.input_activity) == (20, 1.0, 0.2)
    assert (real.vectors, real.input_bits, real.input_activity) == (20, 8.0, -1.0)


@pytest.mark.parametrize("formats", [{"dtype": "fp16"}, {"dtype": "int8", "weight_dtype": "fp16"}, {"dtype": "int8", "weight_dtype": "q4_0"}])
def test_cells_hold_integers(formats: dict[str, str]) -> None:
    found = stored_matrix(single_op("matmul", m=1, k=32, n=4, **formats).ops[0], PLAIN)
    assert isinstance(found, LeftOut) and "integers" in found.reason


def test_what_stores_no_weights_is_no_matrix() -> None:
    assert stored_matrix(single_op("softmax", rows=2, cols=8).ops[0], PLAIN) is None


def test_an_lstm_reads_its_gates_updates_its_cell_and_projects() -> None:
    graph = steps("lstm", input_size=40, hidden_size=32, projection_size=12, bias_rows=1, steps=5)
    gates, cell, projection = graph.ops
    assert (gates["k"], gates["n"], gates["m"]) == (40 + 12 + 1, 128, 5)
    assert (projection["k"], projection["n"], projection["m"]) == (32, 12, 5)
    assert (cell.attrs[CELL], cell.attrs[ACTIVATIONS_PER_UNIT], cell["cols"]) == (4, 5, 32)
    for op in (gates, projection):
        found = stored_matrix(op, PLAIN)
        assert isinstance(found, Stored) and found.recurrent


def test_an_lstm_without_projection_feeds_its_hidden_state_back() -> None:
    gates, _ = steps("lstm", input_size=40, hidden_size=32).ops
    assert (gates["k"], gates["n"]) == (72, 128)


def test_a_gru_reads_twice_since_its_candidate_waits_for_the_reset() -> None:
    graph = steps("gru", input_size=40, hidden_size=32, steps=3)
    sizes = [(op["k"], op["n"]) for op in graph.ops if op.kind == "matmul"]
    assert sorted(sizes) == [(72, 32), (72, 64)]
    assert sum(op.attrs[ACTIVATIONS_PER_UNIT] for op in graph.ops if op.kind == "elementwise") == 3


@pytest.mark.parametrize(("new", "share"), [(0, 1.0), (1, 1 / 16), (16, 1.0)])
def test_attention_writes_its_new_keys_and_values(new: int, share: float) -> None:
    graph = steps("attention", heads=4, kv_heads=2, q=1, kv=16, head_dim=8, new=new)
    scores, softmax, values = graph.ops
    assert softmax.kind == "softmax" and softmax["cols"] == 16
    for op, shape in ((scores, (8, 16)), (values, (16, 8))):
        found = stored_matrix(op, PLAIN)
        assert isinstance(found, Stored)
        assert (found.inputs, found.outputs, found.groups, found.vectors, found.written_share) == (*shape, 2, 2, share)


def test_a_graph_without_such_operators_stays_as_it_is() -> None:
    graph = single_op("matmul", m=1, k=8, n=4, dtype="int8")
    assert lowered(graph) is graph


def test_affine_passes_belong_to_the_weights_and_activations_behind_them_to_the_converter() -> None:
    b = GraphBuilder("int8")
    x = b.op("matmul", "fc", [b.tensor("x", (4, 8), role="input")], m=4, k=8, n=16)
    x = b.op("elementwise", "norm", [x], function="batch_norm", rows=4, cols=16)
    x = b.op("elementwise", "act", [x], function="tanh", rows=4, cols=16)
    b.op("elementwise", "late", [x], function="batch_norm", rows=4, cols=16)
    graph = b.graph()
    assert folded(graph) == {"norm"}
    assert applied(graph, ("tanh", "sigmoid")) == {"act"} and not applied(graph, ("sigmoid",))
