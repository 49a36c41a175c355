"""Products on the array: folds against the cycle loop that moves data, bytes against counts of what is loaded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.core.op import Op
from hwsim.targets.stdcell.core_array import Array, Folds, Product, deepest, folds_of, on_array, products_of
from hwsim.targets.stdcell.systolic import multiply

FLOWS = ("os", "ws", "is")
SIZES = st.integers(1, 40)


def array(dataflow: str, rows: int = 4, cols: int = 4) -> Array:
    return Array(rows, cols, dataflow, 8, 24)


@pytest.mark.parametrize("dataflow", FLOWS)
@pytest.mark.parametrize("size", [(1, 1, 1), (4, 4, 4), (5, 9, 7), (3, 17, 2)])
def test_cycles_are_those_of_data_that_moves(dataflow: str, size: tuple[int, int, int]) -> None:
    m, k, n = size
    rng = np.random.default_rng(1)
    a, b = rng.integers(-9, 9, (m, k)), rng.integers(-9, 9, (k, n))
    product, last = multiply(dataflow, 4, 4, a, b)
    assert product.tolist() == (a @ b).tolist()
    assert folds_of(array(dataflow), Product(1, m, k, n)).cycles == last + 1


def test_results_leave_column_by_column_where_they_were_kept() -> None:
    made = folds_of(array("os", 4, 6), Product(3, 9, 5, 13))
    assert made.folds == 3 * 3 * 3 and made.drain == made.folds * 6
    assert folds_of(array("ws", 4, 6), Product(3, 9, 5, 13)).drain == 0


@pytest.mark.parametrize("dataflow", FLOWS)
def test_a_product_of_one_fold_reads_and_writes_everything_once(dataflow: str) -> None:
    made = folds_of(array(dataflow), Product(1, 4, 4, 4))
    assert (made.read_bytes, made.write_bytes, made.outputs, made.macs) == (32, 16, 16, 64)


@settings(max_examples=60, deadline=None)
@given(m=SIZES, k=SIZES, n=SIZES, dataflow=st.sampled_from(FLOWS))
def test_bytes_are_those_of_tiles_counted_one_by_one(m: int, k: int, n: int, dataflow: str) -> None:
    made = folds_of(array(dataflow), Product(1, m, k, n))
    down, across = {"os": (m, n), "ws": (k, n), "is": (k, m)}[dataflow]
    read = written = 0.0
    for i in range(0, down, 4):
        for j in range(0, across, 4):
            high, wide = min(4, down - i), min(4, across - j)
            if dataflow == "os":
                read, written = read + (high + wide) * k, written + high * wide
                continue
            moving = n if dataflow == "is" else m
            read += high * wide + moving * high + (3 * moving * wide if i else 0)
            written += moving * wide * (1 if i + 4 >= down else 3)
    assert (made.read_bytes, made.write_bytes) == (read, written)
    assert read + written >= m * k + k * n + m * n
    assert made.cycles * 16 >= made.macs


@settings(max_examples=40, deadline=None)
@given(m=SIZES, k=SIZES, n=SIZES, more=st.integers(1, 9), dataflow=st.sampled_from(FLOWS))
def test_more_work_never_takes_less(m: int, k: int, n: int, more: int, dataflow: str) -> None:
    small = folds_of(array(dataflow), Product(1, m, k, n))
    for larger in (Product(1, m + more, k, n), Product(1, m, k + more, n), Product(1, m, k, n + more), Product(1 + more, m, k, n)):
        assert all(b >= a for a, b in zip(small.parts, folds_of(array(dataflow), larger).parts, strict=True))


@pytest.mark.parametrize(("kind", "bounds"), [
    ("matmul", {"m": 3, "k": 20, "n": 5, "batch": 2}), ("matmul", {"m": 3, "k": 20, "n": 5, "ragged": 3}),
    ("conv2d", {"n": 2, "c": 8, "h": 6, "w": 6, "k": 4, "r": 3, "s": 3, "pad": 1, "groups": 2}),
    ("attention", {"heads": 2, "q": 4, "kv": 6, "head_dim": 8}), ("lstm", {"input_size": 4, "hidden_size": 6, "projection_size": 3, "steps": 5}),
    ("gru", {"input_size": 4, "hidden_size": 6, "batch": 2}),
])  # fmt: skip
def test_the_array_does_all_products_of_an_operator(kind: str, bounds: dict[str, int]) -> None:
    op = Op("o", kind, bounds, dtype="int8")
    made = on_array(array("os"), op)
    assert isinstance(made, Folds) and made.macs == op.macs
    assert made.read_bytes + made.write_bytes >= sum(p.times * p.m * p.n for p in products_of(op))


def test_operators_without_products_do_not_run_on_the_array() -> None:
    op = Op("o", "softmax", {"rows": 3, "cols": 4}, dtype="int8")
    assert on_array(array("os"), op) is None and deepest(op) == 0
