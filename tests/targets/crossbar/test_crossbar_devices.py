"""Devices: published polynomials, drift, stuck cells, and moments of clipped conductances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidChip, InvalidMapping
from hwsim.targets.crossbar.functional.devices import StuckCells, constant_error, drift, programming_error
from hwsim.targets.crossbar.functional.moments import clipped_moments, mean_absolute

US = 1e-6


@pytest.mark.parametrize(
    ("model", "conductance_us", "sigma_us"),
    [
        ("rram_wan_crosssim", 5, 1.967), ("rram_wan_crosssim", 20, 2.362), ("rram_wan_crosssim", 39, 1.673),
        ("rram_milo_igvva100", 60, 4.236), ("rram_milo_igvva100", 120, 3.689), ("rram_milo_igvva100", 200, 2.961),
        ("rram_wan_1s", 4, 1.556), ("rram_wan_1s", 40, 1.103), ("rram_wan_1day", 20, 3.909), ("rram_wan_2days", 40, 2.677),
        ("pcm_like", 2.5, 0.4482), ("pcm_like", 12.5, 0.9527), ("pcm_like", 25, 1.055),
    ],
)  # fmt: skip
def test_published_programming_errors(model: str, conductance_us: float, sigma_us: float) -> None:
    assert float(programming_error(model).sigma_s(conductance_us * US)) == pytest.approx(sigma_us * US, rel=1e-3)


def test_outside_the_fit_is_refused() -> None:
    with pytest.raises(InvalidChip, match="fitted between 50 and 225 uS"):
        programming_error("rram_milo_igvva100").sigma_s(np.array([20 * US, 60 * US]))
    with pytest.raises(InvalidMapping, match="did you mean pcm_like"):
        programming_error("pcm")
    with pytest.raises(InvalidMapping, match="that of pcm_like"):
        drift("rram_wan_1s")
    with pytest.raises(InvalidChip, match="programming error"):
        constant_error(-1.0)


def test_constant_error() -> None:
    assert constant_error(2.67 * US).sigma_s(np.array([0.0, 1e-4])) == pytest.approx([2.67 * US] * 2)


def test_drift_in_closed_form() -> None:
    pcm = drift("pcm_like")
    mean, sigma = pcm.exponent(np.array([25 * US, 5 * US, 0.0]))
    assert mean == pytest.approx([0.049, -0.0155 * math.log(0.2) + 0.0244, 0.1])
    assert sigma == pytest.approx([0.008, -0.0125 * math.log(0.2) - 0.0059, 0.045])
    assert pcm.factor(np.full(3, 5 * US), 20.0, np.random.default_rng(1)) == pytest.approx(np.ones(3))
    with pytest.raises(InvalidMapping, match="20 s after programming"):
        pcm.factor(mean, 1.0, np.random.default_rng(1))


def test_drift_moments_are_those_of_its_draws() -> None:
    pcm, cells = drift("pcm_like"), np.full(200_000, 5 * US)
    drawn = pcm.factor(cells, 86400.0, np.random.default_rng(2))
    first, second = pcm.moments(cells[:1], 86400.0)
    assert drawn.mean() == pytest.approx(float(first[0]), rel=1e-3)
    assert drawn.var() == pytest.approx(float(second[0] - first[0] ** 2), rel=0.02)


def test_stuck_cells() -> None:
    stuck, g = StuckCells(0.1, 0.05), np.full(100_000, 0.5)
    found = stuck.apply(g, 0.0, 1.0, np.random.default_rng(3))
    assert np.mean(found == 0) == pytest.approx(0.1, rel=0.05)
    assert np.mean(found == 1) == pytest.approx(0.05, rel=0.05)
    with pytest.raises(InvalidChip, match="stuck"):
        StuckCells(0.7, 0.4)


def test_moments_of_clipped_normals_by_draws() -> None:
    rng = np.random.default_rng(5)
    for mean, sigma, low, high in ((0.0, 1.0, 0.0, 5.0), (1.0, 2.0, 0.0, 3.0), (0.9, 0.1, 0.0, 1.0), (-1.0, 1.0, 0.0, math.inf)):
        drawn = np.clip(mean + sigma * rng.standard_normal(400_000), low, high)
        (first,), (variance,) = clipped_moments(np.array([mean]), np.array([sigma]), low, high)
        assert first == pytest.approx(drawn.mean(), rel=0.02, abs=1e-4)
        assert variance == pytest.approx(drawn.var(), rel=0.03, abs=1e-5)
    assert mean_absolute(np.array([0.0, 3.0, -2.0]), np.array([1.0, 0.0, 1e-3])) == pytest.approx([math.sqrt(2 / math.pi), 3.0, 2.0])


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(-5, 0), st.floats(0.01, 5))
def test_clipped_moments_stay_in_range(mean: float, sigma: float, low: float, high: float) -> None:
    (first,), (variance,) = clipped_moments(np.array([mean]), np.array([sigma]), low, high)
    assert low - 1e-9 <= first <= high + 1e-9
    assert 0 <= variance <= min(sigma**2, (high - low) ** 2 / 4) + 1e-9
