"""Families of converters: the survey's regression and the scaling of a SAR converter in its bits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.targets.crossbar.adc.sar import conversion_steps, dac_share, scaled_with_bits
from hwsim.targets.crossbar.adc.survey import survey

SURVEYED = [  # bits, node nm, joules, mm2 at 1 GS/s, evaluated from the published model file
    (5, 32, 9.3625118e-13, 0.0049837862), (8, 32, 1.713712e-12, 0.0059716332), (4, 16, 2.5096123e-13, 0.0016885639),
    (8, 16, 4.6557572e-13, 0.0020314099), (8, 130, 2.3905171e-11, 0.052863871),
]  # fmt: skip


@pytest.mark.parametrize(("bits", "node", "energy", "area"), SURVEYED)
def test_survey_is_the_published_regression(bits: int, node: int, energy: float, area: float) -> None:
    assert survey().energy_j(bits, 1e9, node) == pytest.approx(energy, rel=1e-5)
    assert survey().area_mm2(bits, 1e9, node) == pytest.approx(area, rel=1e-5)


def test_survey_is_bound_by_resolution_at_low_rates_and_by_rate_at_high_ones() -> None:
    """Below the corner the energy does not depend on the rate; above it grows as rate^(2.8719/10 ln 10)."""
    low = [survey().energy_j(8, rate, 32) for rate in (1e6, 1e7)]
    assert low[0] == low[1]
    ratio = survey().energy_j(8, 8e9, 32) / survey().energy_j(8, 4e9, 32)
    assert ratio == pytest.approx(10 ** (2.8719030399529957 * math.log(2) / 10))


@pytest.mark.parametrize(("bits", "rate", "node"), [(3, 1e9, 32), (8, 0.0, 32), (8, 1e9, 0)])
def test_survey_refuses_what_it_does_not_cover(bits: float, rate: float, node: float) -> None:
    with pytest.raises(InvalidTrace):
        survey().energy_j(bits, rate, node)


@given(st.floats(1e-15, 1e-9), st.floats(0, 1), st.integers(2, 12), st.integers(2, 12))
def test_sar_grows_with_bits_between_linear_and_exponential(published: float, share: float, published_bits: int, bits: int) -> None:
    got = scaled_with_bits(published, share, published_bits, bits)
    linear, exponential = published * bits / published_bits, published * 2.0 ** (bits - published_bits)
    assert min(linear, exponential) * (1 - 1e-12) <= got <= max(linear, exponential) * (1 + 1e-12)
    assert scaled_with_bits(published, share, published_bits, bits + 1) > got
    assert scaled_with_bits(published, share, published_bits, published_bits) == pytest.approx(published)


@given(st.floats(0, 1), st.integers(3, 10).filter(lambda b: b not in (7, 8)))
def test_dac_share_undoes_the_scaling(share: float, bits: int) -> None:
    """Between 7 and 8 bits the linear and the exponential part differ too little to tell."""
    assert dac_share(1.0, 8, scaled_with_bits(1.0, share, 8, bits), bits) == pytest.approx(share, abs=1e-9)


def test_sar_takes_one_step_per_bit_and_one_to_sample() -> None:
    assert conversion_steps(8) == 9
