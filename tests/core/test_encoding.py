"""The operator table: equal operators merged, executions counted, what has no model listed with its share; bytes that stay in memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.encoding import Fields, LeftOut, operator_table, resident_bytes, share_of
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.op import Op

FIELDS = np.dtype([(n, np.float64) for n in ("kind", "work", "macs", "compulsory_bytes")])


def graph_of(*widths: int, repeat: int = 1) -> Graph:
    """A chain of products, each followed by a norm."""
    b = GraphBuilder()
    x = b.tensor("x", (1, widths[0]), role="input")
    for i, (k, n) in enumerate(pairwise(widths)):
        x = b.op("matmul", f"fc{i}", [x], m=1, k=k, n=n, repeat=repeat)
        x = b.op("norm", f"norm{i}", [x], rows=1, cols=n)
    return b.graph(trace="chain")


def encode(at: int, op: Op) -> Fields | LeftOut:
    return {"kind": 1, "work": op["k"]} if op.kind == "matmul" else LeftOut("no vector unit")


def test_equal_records_are_one_row() -> None:
    table = operator_table(graph_of(8, 8, 8, 4, repeat=3), FIELDS, lambda at, op: {"kind": 1, "work": op.macs})
    assert table.row_of == (0, 1, 0, 1, 2, 3) and table.counts.tolist() == [6, 2, 3, 1]
    assert table.rows["macs"].tolist() == [64, 0, 32, 0] and table.rows["compulsory_bytes"][0] == 2 * (8 + 64 + 8)
    assert table.skipped == table.left_out == ()


def test_the_encoder_s_own_figures_count() -> None:
    table = operator_table(graph_of(8, 4), FIELDS, lambda at, op: {"kind": at, "macs": 7, "compulsory_bytes": 9})
    assert table.rows["kind"].tolist() == [0, 1] and table.rows["macs"].tolist() == [7, 7] and table.rows["compulsory_bytes"].tolist() == [9, 9]


def test_what_has_no_model_keeps_its_compulsory_bytes_only() -> None:
    table = operator_table(graph_of(8, 8, 8), FIELDS, encode)
    assert table.row_of == (0, 1, 0, 1) and table.rows[1].tolist() == (0, 0, 0, 32)
    (line,) = table.skipped  # named once, with the share of both
    assert line == f"norm0 (norm: no vector unit; 0.0% of the MACs, {32 / (160 + 32):.1%} of the bytes)"


def test_or_no_row_at_all() -> None:
    table = operator_table(graph_of(8, 8, 8), FIELDS, encode, charge_skipped=False)
    assert table.row_of == (0, -1, 0, -1) and len(table.rows) == 1 and len(table.skipped) == 1


def test_what_the_mapping_leaves_out_is_no_refusal() -> None:
    table = operator_table(graph_of(8, 8), FIELDS, lambda at, op: {"kind": 1} if op.kind == "matmul" else LeftOut("outside", deliberate=True))
    assert table.row_of == (0, -1) and table.skipped == () and table.left_out == ("norm",)


def test_unlike_operators_of_one_record_stay_apart_when_asked() -> None:
    b = GraphBuilder()
    x = b.tensor("x", (1, 8), role="input")
    for name in ("layers.0.k_proj", "layers.0.v_proj", "layers.1.k_proj"):
        b.op("matmul", name, [x], m=1, k=8, n=8)
    graph = b.graph(trace="pair")
    labels = [op.label for op in graph.ops]
    merged, apart = (operator_table(graph, FIELDS, encode, by_signature=flag) for flag in (False, True))
    assert merged.row_of == (0, 0, 0) and merged.counts.tolist() == [3]
    assert len(apart.rows) == len(set(labels)) and apart.row_of[0] == apart.row_of[2] and apart.counts.sum() == 3


@given(st.lists(st.sampled_from([4, 8, 16]), min_size=2, max_size=9), st.integers(1, 5), st.booleans())
def test_every_execution_is_counted_once(widths: list[int], repeat: int, by_signature: bool) -> None:
    graph = graph_of(*widths, repeat=repeat)
    table = operator_table(graph, FIELDS, lambda at, op: {"kind": 1, "work": op.macs}, by_signature=by_signature)
    assert table.counts.sum() == sum(op.repeat for op in graph.ops)
    assert table.rows["macs"] @ table.counts == graph.macs
    for op, row in zip(graph.ops, table.row_of, strict=True):
        assert table.rows["work"][row] == op.macs


def test_a_share_counts_all_equal_operators() -> None:
    graph = graph_of(8, 8, 8, repeat=2)
    assert share_of(graph.ops[0], graph, "why").startswith("fc0 (matmul: why; 100.0% of the MACs")


def test_weights_and_the_longest_cache_stay_in_memory() -> None:
    b = GraphBuilder()
    x = b.tensor("x", (1, 64), role="input")
    for stage, kv in (("prefill.", 9), ("decode.0.", 10), ("decode.1.", 11)):
        k, v = (b.tensor(f"{stage}layers.0.{n}", (1, 1, kv, 64), role="kv_cache") for n in "kv")
        b.op("attention", f"{stage}layers.0.attention", [x, k, v], heads=1, q=1, kv=kv, head_dim=64, phase="decode")
    b.op("matmul", "head", [x], m=1, k=64, n=10)
    assert resident_bytes(b.graph(trace="cached")) == 2 * (64 * 10 + 2 * 11 * 64)


def test_an_attention_that_brings_its_own_keys_keeps_none() -> None:
    b = GraphBuilder()
    q = b.tensor("q", (8, 64), role="input")
    k, v = (b.tensor(n, (1, 1, 8, 64), role="kv_cache") for n in "kv")
    b.op("attention", "attention", [q, k, v], heads=1, q=8, kv=8, head_dim=64, new=8)
    assert resident_bytes(b.graph(trace="encoder")) == 0


def test_a_column_may_be_a_vector_or_a_matrix() -> None:
    fields = np.dtype([("kind", np.float64), ("loops", np.float64, (2,)), ("counts", np.float64, (2, 3))])
    counts = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    table = operator_table(graph_of(8, 4, 8), fields, lambda at, op: {"kind": at, "loops": (1.0, 2.0), "counts": counts})
    assert len(table.rows) == 4 and table.rows["counts"][1].tolist() == [list(row) for row in counts]
    merged = operator_table(graph_of(8, 8), fields, lambda at, op: {"loops": (1.0, 2.0)})
    assert len(merged.rows) == 1 and merged.counts.tolist() == [2]
    assert merged.rows["counts"][0].tolist() == [[0.0] * 3] * 2
