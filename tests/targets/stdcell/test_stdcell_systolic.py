"""Systolic arrays: SCALE-Sim's cycles, data moved cycle by cycle, limits, refusals."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import HwsimError, InvalidTrace
from hwsim.targets.stdcell.systolic import DATAFLOWS, array_cycles, multiply

ROWS = Path(__file__).parent / "systolic_scale_sim.csv"  # SCALE-Sim 3.0.0, compute cycles without memory stalls
SIZE = st.integers(1, 9)


def scale_sim() -> list[dict[str, str]]:
    return list(csv.DictReader(line for line in ROWS.read_text().splitlines() if not line.startswith("#")))


@pytest.mark.parametrize("row", scale_sim(), ids=lambda r: f"{r['array']}-{r['M']}-{r['K']}-{r['N']}")
def test_cycles_of_scale_sim(row: dict[str, str]) -> None:
    sizes = [int(row[name]) for name in ("rows", "cols", "M", "K", "N")]
    assert array_cycles(row["dataflow"], *sizes).cycles == int(row["total_cycles"])


@settings(deadline=None, max_examples=60)
@given(dataflow=st.sampled_from(DATAFLOWS), rows=SIZE, cols=SIZE, m=SIZE, k=SIZE, n=SIZE, seed=st.integers(0, 99))
def test_moved_data_take_the_formulas_cycles_and_give_the_product(dataflow: str, rows: int, cols: int, m: int, k: int, n: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a, b = random.integers(-128, 128, (m, k)), random.integers(-128, 128, (k, n))
    product, cycles = multiply(dataflow, rows, cols, a, b)
    assert np.array_equal(product, a @ b)
    assert cycles == array_cycles(dataflow, rows, cols, m, k, n).cycles


@given(dataflow=st.sampled_from(DATAFLOWS), rows=SIZE, cols=SIZE, m=SIZE, k=SIZE, n=SIZE, more=st.sampled_from(("m", "k", "n")))
def test_more_work_never_takes_less_time(dataflow: str, rows: int, cols: int, m: int, k: int, n: int, more: str) -> None:
    sizes = {"m": m, "k": k, "n": n}
    assert array_cycles(dataflow, rows, cols, **{**sizes, more: sizes[more] + 1}).cycles >= array_cycles(dataflow, rows, cols, **sizes).cycles


@given(dataflow=st.sampled_from(DATAFLOWS), rows=SIZE, cols=SIZE, m=SIZE, k=SIZE, n=SIZE)
def test_an_element_multiplies_at_most_once_a_cycle(dataflow: str, rows: int, cols: int, m: int, k: int, n: int) -> None:
    assert 0 < array_cycles(dataflow, rows, cols, m, k, n).utilisation <= 1


def test_long_streams_fill_the_array() -> None:
    assert array_cycles("ws", 8, 8, 10**6, 8, 8).utilisation == pytest.approx(1, abs=1e-4)
    assert array_cycles("os", 8, 8, 8, 10**6, 8).utilisation == pytest.approx(1, abs=1e-4)
    assert array_cycles("is", 8, 8, 8, 8, 10**6).utilisation == pytest.approx(1, abs=1e-4)


def test_inputs_and_weights_swap_roles() -> None:
    assert array_cycles("is", 16, 32, 50, 60, 70) == array_cycles("ws", 16, 32, 70, 60, 50)


def test_primitive() -> None:
    arguments = {"dataflow": "os", "rows": 16, "cols": 16, "m": 16, "k": 64, "n": 16}
    assert hwsim.primitive("systolic_array", hwsim.load_chip("asap7"), arguments)["cycles"] == 93


@pytest.mark.parametrize("wrong", [{"dataflow": "rs"}, {"m": 0}, {"rows": 2.5}, {"k": -1}])
def test_refusals(wrong: dict[str, object]) -> None:
    arguments = {"dataflow": "os", "rows": 16, "cols": 16, "m": 16, "k": 64, "n": 16, **wrong}
    with pytest.raises(HwsimError, match=next(iter(wrong))):
        hwsim.primitive("systolic_array", hwsim.load_chip("asap7"), arguments)


def test_shapes_that_do_not_multiply() -> None:
    with pytest.raises(InvalidTrace, match="do not multiply"):
        multiply("os", 4, 4, np.ones((2, 3), dtype=np.int64), np.ones((2, 3), dtype=np.int64))
    with pytest.raises(InvalidTrace, match="at least 1"):
        array_cycles("os", 0, 4, 1, 1, 1)
    with pytest.raises(InvalidTrace, match="dataflow"):
        array_cycles("rs", 4, 4, 1, 1, 1)
