"""The nonlinear ramp: inverses, thresholds, steps, placement in cells, codes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping
from hwsim.targets.crossbar.functional.activation import ACTIVATIONS, GELU_LEAST, GELU_LEAST_AT, activation
from hwsim.targets.crossbar.functional.ramp import Ramp, conversion_s, convert, place, ramp_cells

RANGES = {
    "linear": (-1.0, 1.0), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softplus": (0.0, 4.0), "softsign": (-1.0, 1.0), "elu": (-1.0, 1.0),
    "selu": (-1.758, 1.758), "gelu": (0.0, 4.0),
}  # fmt: skip
RATIOS = {  # max d / min d at 3, 4, 5, 6 bits
    "linear": (1, 1, 1, 1), "sigmoid": (1.6586832, 3.0326156, 5.7999263, 11.342666), "tanh": (1.6586832, 3.0326156, 5.7999263, 11.342666),
    "softplus": (1.8717619, 3.2154735, 5.9268008, 11.36482), "elu": (2.7725887, 5.5451774, 11.090355, 22.18071),
    "selu": (2.4091978, 5.1895848, 10.734005, 21.806498), "softsign": (6, 28, 120, 496),
}  # fmt: skip


def ramp_of(function: str, bits: int) -> Ramp:
    return Ramp(function, bits, *RANGES[function])


@pytest.mark.parametrize("function", RATIOS)
@pytest.mark.parametrize(("index", "bits"), [(0, 3), (1, 4), (2, 5), (3, 6)])
def test_step_ratio_of_the_table(function: str, index: int, bits: int) -> None:
    assert ramp_of(function, bits).step_ratio == pytest.approx(RATIOS[function][index], rel=1e-6)


def test_thresholds_in_closed_form() -> None:
    y = np.arange(1, 32) / 32
    assert ramp_of("sigmoid", 5).thresholds() == pytest.approx(np.log(y / (1 - y)))
    assert ramp_of("sigmoid", 5).thresholds()[-1] == pytest.approx(3.4339872)
    assert ramp_of("softsign", 6).thresholds()[-1] == pytest.approx(31)
    assert ramp_of("elu", 4).thresholds()[-1] == pytest.approx(0.875)
    assert ramp_of("selu", 5).thresholds()[-1] == pytest.approx(1.5685971, rel=1e-6)


@pytest.mark.parametrize("function", RANGES)
def test_inverse_is_the_inverse(function: str) -> None:
    y = ramp_of(function, 8).levels()[1:]
    f = activation(function)
    assert f.value(f.inverse(y)) == pytest.approx(y, rel=1e-12, abs=1e-14)


def test_gelu_turns_where_it_is_least() -> None:
    f = activation("gelu")
    around = f.value(GELU_LEAST_AT + np.array([-1e-3, 0.0, 1e-3]))
    assert around[1] == pytest.approx(GELU_LEAST, abs=1e-15)
    assert around[1] < around[0]
    assert around[1] < around[2]
    assert np.all(np.diff(Ramp("gelu", 6, -0.1699, 3.0).thresholds()) > 0)
    with pytest.raises(InvalidMapping, match=r"between -0\.169971"):
        Ramp("gelu", 6, -0.25, 3.0)


@pytest.mark.parametrize(
    ("function", "bits", "low", "high", "message"),
    [
        ("swish", 5, 0, 1, "monotonic pieces"),
        ("relu", 5, 0, 1, "linear with out_min 0"),
        ("sigmod", 5, 0, 1, "did you mean sigmoid"),
        ("sigmoid", 5, 0, 1.1, "narrow out_min"),
        ("tanh", 5, -1.2, 1, "narrow out_min"),
        ("sigmoid", 0, 0, 1, "0 bits"),
        ("sigmoid", 17, 0, 1, "17 bits"),
        ("sigmoid", 5, 1, 0, "no range"),
        ("sigmoid", 5, 0, math.nan, "no range"),
    ],
)
def test_what_no_ramp_converts_is_refused(function: str, bits: int, low: float, high: float, message: str) -> None:
    with pytest.raises(InvalidMapping, match=message):
        Ramp(function, bits, low, high)


def test_one_bit_has_a_threshold_and_no_step() -> None:
    assert Ramp("sigmoid", 1, 0, 1).thresholds() == pytest.approx([0.0])
    with pytest.raises(InvalidMapping, match="no step"):
        _ = Ramp("sigmoid", 1, 0, 1).step_ratio


@given(st.sampled_from(sorted(ACTIVATIONS)), st.integers(2, 8), st.floats(-6, 6))
def test_code_is_the_level_below_the_activation(function: str, bits: int, x: float) -> None:
    ramp = ramp_of(function, bits)
    code = int(convert(np.array([x]), ramp.thresholds())[0])
    value = float(activation(function).value(np.array([x]))[0])
    if function == "gelu" and x < GELU_LEAST_AT:
        assert code == 0
        return
    exact = (value - ramp.out_min) / ramp.lsb
    assert math.floor(min(max(exact - 1e-9, 0), ramp.codes - 1)) <= code <= math.floor(min(max(exact + 1e-9, 0), ramp.codes - 1))


def test_one_cell_per_step_where_the_range_allows() -> None:
    ramp = ramp_of("sigmoid", 5)
    column = place(ramp, 10e-6, 150e-6, calibration_cells=5)
    assert column.step_s.max() == pytest.approx(150e-6)
    assert column.step_s.max() / column.step_s.min() == pytest.approx(ramp.step_ratio)
    assert column.thresholds == pytest.approx(ramp.thresholds())
    assert column.ramp_cells == ramp_cells(5) == 32
    assert column.calibration_cells == 5
    assert column.clip_error_lsb == pytest.approx(0, abs=1e-9)


def test_clipping_moves_thresholds_and_several_cells_do_not() -> None:
    ramp = ramp_of("softsign", 5)  # needs a range of 120
    clipped, several = place(ramp, 10e-6, 150e-6, "clip"), place(ramp, 10e-6, 150e-6, "several")
    assert clipped.ramp_cells == 32
    assert clipped.step_s.min() == pytest.approx(10e-6)
    assert clipped.clip_error_lsb > 0.5
    assert several.clip_error_lsb == pytest.approx(0, abs=1e-9)
    assert several.thresholds == pytest.approx(ramp.thresholds())
    assert several.step_s.min() == pytest.approx(10e-6)
    assert several.cell_s.max() <= 150e-6 * (1 + 1e-9)
    assert several.cell_s.min() >= 10e-6 * (1 - 1e-9)
    assert several.cells.max() == 8  # 1.2 mS in cells of at most 0.15 mS
    assert several.ramp_cells > 32


def test_impossible_columns_are_refused() -> None:
    with pytest.raises(Infeasible, match="fewer bits"):
        place(ramp_of("softsign", 8), 10e-6, 20e-6, "several", max_cells=1000)
    with pytest.raises(InvalidChip, match="no conductance range"):
        place(ramp_of("sigmoid", 5), 20e-6, 10e-6)
    with pytest.raises(InvalidMapping, match="calibration"):
        place(ramp_of("sigmoid", 5), 0, 10e-6, calibration_cells=-1)
    with pytest.raises(InvalidMapping, match="bits"):
        ramp_cells(0)


def test_conversion_takes_a_clock_per_code() -> None:
    assert conversion_s(5, 1e9) == pytest.approx(32e-9)
    assert conversion_s(8, 2e9) == pytest.approx(128e-9)
    with pytest.raises(InvalidChip, match="Hz"):
        conversion_s(5, 0.0)
