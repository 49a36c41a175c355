"""Nonlinearity of written ramps: the published-form Monte Carlo, its closed estimate, and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwsim.core.errors import InvalidChip, InvalidMapping
from hwsim.targets.crossbar.functional.ramp import Ramp, RampColumn, place
from hwsim.targets.crossbar.functional.ramp_error import expected_inl, ramp_nonlinearity, written_thresholds

G_MAX = 150e-6
TABLE = [  # bits, sigma uS, mean |INL| none / one point, mean of max |INL| none / one point
    (4, 2.67, 0.0771, 0.049, 0.173, 0.118), (5, 1.0, 0.0791, 0.0482, 0.188, 0.128), (5, 2.67, 0.211, 0.129, 0.503, 0.342),
    (5, 5.0, 0.396, 0.241, 0.941, 0.64), (6, 2.67, 0.588, 0.352, 1.46, 0.989),
]  # fmt: skip


def sigmoid(bits: int) -> RampColumn:
    return place(Ramp("sigmoid", bits, 0, 1), 0.0, G_MAX)


@pytest.mark.parametrize(("bits", "sigma_us", "mean", "mean_one", "most", "most_one"), TABLE)
def test_the_table_of_write_errors(bits: int, sigma_us: float, mean: float, mean_one: float, most: float, most_one: float) -> None:
    free, calibrated = (ramp_nonlinearity(sigmoid(bits), sigma_us * 1e-6, how) for how in ("none", "one_point"))
    assert [free.inl("mean_abs"), calibrated.inl("mean_abs")] == pytest.approx([mean, mean_one], rel=0.02)
    assert [free.inl("mean_of_max"), calibrated.inl("mean_of_max")] == pytest.approx([most, most_one], rel=0.02)


@pytest.mark.parametrize("calibration", ["none", "one_point"])
@pytest.mark.parametrize(("function", "low", "high", "sigma"), [("sigmoid", 0, 1, 2.67e-6), ("tanh", -1, 1, 20e-6), ("softplus", 0, 4, 40e-6)])
def test_closed_estimate_meets_the_monte_carlo(function: str, low: float, high: float, sigma: float, calibration: str) -> None:
    column = place(Ramp(function, 5, low, high), 0.0, G_MAX)
    assert expected_inl(column, sigma, calibration) == pytest.approx(ramp_nonlinearity(column, sigma, calibration).inl_mean_abs, rel=0.02)


def test_linear_ramp_in_closed_form() -> None:
    column = place(Ramp("linear", 4, -1, 1), 0.0, G_MAX)
    wanted = 1e-6 / G_MAX * math.sqrt(2 / math.pi) * np.mean(np.sqrt(np.arange(15)))
    assert expected_inl(column, 1e-6) == pytest.approx(wanted, rel=1e-9)
    assert ramp_nonlinearity(column, 1e-6).dnl_mean_abs == pytest.approx(1e-6 / G_MAX * math.sqrt(2 / math.pi), rel=0.01)


def test_several_cells_average_their_errors() -> None:
    ramp = Ramp("linear", 4, -1, 1)
    single = place(ramp, 0.0, G_MAX)
    four = RampColumn(ramp, single.cell_s, 4 * single.cells, 4 * single.siemens_per_unit, 0)
    assert expected_inl(four, 1e-6) == pytest.approx(expected_inl(single, 1e-6) / 2)
    assert ramp_nonlinearity(four, 1e-6).inl_mean_abs == pytest.approx(ramp_nonlinearity(single, 1e-6).inl_mean_abs / 2, rel=0.02)


def test_no_error_no_nonlinearity() -> None:
    found = ramp_nonlinearity(sigmoid(5), 0.0, draws=3)
    assert [found.inl_mean_abs, found.inl_mean_of_max, found.dnl_mean_abs, found.dnl_mean_of_max] == pytest.approx([0] * 4, abs=1e-12)
    assert expected_inl(sigmoid(5), 0.0) == 0


def test_written_thresholds_spread_as_the_monte_carlo_says() -> None:
    column, rng = sigmoid(5), np.random.default_rng(4)
    wanted = column.thresholds
    drawn = np.array([written_thresholds(column, 2.67e-6, "none", rng) for _ in range(2000)])
    last = (drawn[:, -1] - wanted[-1]).std() * column.siemens_per_unit
    assert last == pytest.approx(2.67e-6 * math.sqrt(30), rel=0.06)
    calibrated = written_thresholds(column, 2.67e-6, "one_point", rng)
    assert calibrated[15] == pytest.approx(wanted[15])
    assert calibrated[0] != wanted[0]


def test_options_are_checked() -> None:
    with pytest.raises(InvalidMapping, match="calibration"):
        ramp_nonlinearity(sigmoid(4), 1e-6, "two_point")
    with pytest.raises(InvalidMapping, match="draws"):
        ramp_nonlinearity(sigmoid(4), 1e-6, draws=0)
    with pytest.raises(InvalidMapping, match="statistic"):
        ramp_nonlinearity(sigmoid(4), 1e-6, draws=1).inl("median")
    with pytest.raises(InvalidChip, match="write errors"):
        ramp_nonlinearity(sigmoid(4), -1e-6)
