"""The kinds for uneven groups and recurrences: `ssm`, a ragged product, a window padded to the same size; fixed-point and ternary formats."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hwsim.core.dtype import dtype
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, single_op
from hwsim.core.op import Op


def only(graph: Graph) -> Op:
    (op,) = graph.ops
    return op


def test_a_state_space_step_multiplies_every_state_element_twice() -> None:
    op = only(single_op("ssm", channels=5120, state=128, heads=80, steps=3, batch=2))
    assert op.macs == 2 * 2 * 3 * 5120 * 128  # into the state, and out of it
    assert op.results == ((2, 3, 5120), (2, 5120, 128))
    assert [o.shape for o in op.operands] == [(2, 3, 5120 + 2 * 128), (3, 80), (2, 3, 80), (2, 5120, 128)]
    state = 2 * 5120 * 128 * 2  # bytes of fp16
    assert op.compulsory_bytes == 2 * state + 2 * (2 * 3 * (2 * 5120 + 256 + 80) + 3 * 80)


def test_a_gated_recurrence_has_no_products() -> None:
    op = only(single_op("ssm", channels=1024, state=1, steps=7))
    assert op.macs == 0
    assert op.elementary == 3 * 7 * 1024
    assert [o.name for o in op.operands] == ["input", "forget", "state"]


@pytest.mark.parametrize(("heads", "groups"), [(3, 1), (4, 3)])
def test_heads_that_do_not_divide_are_refused(heads: int, groups: int) -> None:
    with pytest.raises(InvalidTrace, match="heads"):
        single_op("ssm", channels=64, state=16, heads=heads, groups=groups)


def test_a_ragged_product_counts_its_rows_and_touches_every_expert() -> None:
    op = only(single_op("matmul", batch=16, pool=16, m=17, k=192, n=384, ragged=258, bias=1))
    assert op.macs == 258 * 192 * 384
    assert op.elementary == 258 * 384
    assert op.results == ((258, 384),)
    assert op.operands[0].shape == (258, 192)
    assert op.weight_bytes == (16 * 192 * 384 + 384) * 2


@pytest.mark.parametrize("ragged", [16, 273])
def test_ragged_rows_must_fit_their_parts(ragged: int) -> None:
    with pytest.raises(InvalidTrace, match="ragged"):
        single_op("matmul", batch=16, m=17, k=8, n=8, ragged=ragged)


@pytest.mark.parametrize(("r", "s", "stride"), [(1, 7, 1), (7, 1, 1), (10, 4, 2), (2, 2, 2)])
def test_a_same_window_keeps_the_size_over_the_stride(r: int, s: int, stride: int) -> None:
    sizes: dict[str, Any] = {"n": 1, "c": 4, "h": 49, "w": 10, "r": r, "s": s, "stride": stride, "same": 1}
    shape = (math.ceil(49 / stride), math.ceil(10 / stride))
    assert only(single_op("conv2d", k=8, **sizes)).results == ((1, 8, *shape),)
    assert only(single_op("pool", **sizes)).results == ((1, 4, *shape),)


def test_same_and_pad_exclude_each_other() -> None:
    with pytest.raises(InvalidTrace, match="same"):
        single_op("conv2d", n=1, c=4, h=8, w=8, k=8, r=3, s=3, pad=1, same=1)


@pytest.mark.parametrize(("name", "bits"), [("fx32", 32), ("int24", 24), ("ternary", 1.6), ("int2", 2)])
def test_formats_of_programmable_logic(name: str, bits: float) -> None:
    assert dtype(name).bits == bits
    assert single_op("matmul", m=1, k=10, n=10, dtype="int8", weight_dtype=name).weight_bytes == pytest.approx(100 * bits / 8)
