"""Rent's rule, Donath's and Davis' mean lengths, routed length of a block."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.tech.rent import Block, davis_density, davis_mean, davis_wires, donath_mean, random_length_um

AES = Block(9961, 10219, 2.777, 0.34, 22.99, 1159.97, 2000.0)


def test_davis_normalisation() -> None:
    """Gamma of the paper's closed form normalises the integral to the total number of wires."""
    n, p, k, f = 10_000.0, 0.6, 4.0, 3.0
    grid = np.exp(np.linspace(0, math.log(2 * math.sqrt(n)), 200_001))
    value = np.array([davis_density(x, n, p) for x in grid])
    integral = float(np.sum((value[1:] + value[:-1]) / 2 * np.diff(grid)))
    s = math.sqrt(n)
    low = -(n**p) * (1 + 2 * p - 2 ** (2 * p - 1)) / (p * (2 * p - 1) * (p - 1) * (2 * p - 3)) - 1 / (6 * p) + 2 * s / (2 * p - 1) - n / (p - 1)
    gamma = 2 * n * (1 - n ** (p - 1)) / low
    a = f / (f + 1)
    assert a * k / 2 * gamma * integral == pytest.approx(davis_wires(n, p, k, f), rel=1e-4)


@given(st.floats(100, 1e6), st.floats(0.1, 0.9))
def test_lengths_grow_with_the_block_and_with_its_exponent(gates: float, p: float) -> None:
    for mean in (davis_mean, donath_mean):
        assert mean(4 * gates, p) > mean(gates, p)
        assert mean(gates, p + 0.05) > mean(gates, p)


def test_donath_at_one_half_is_a_limit() -> None:
    assert donath_mean(1e4, 0.5) == pytest.approx(donath_mean(1e4, 0.5 + 1e-6), rel=1e-4)


@pytest.mark.parametrize(("gates", "p"), [(1, 0.5), (100, 0.0), (100, 1.0), (100, 1.2)])
def test_what_is_no_block_is_refused(gates: float, p: float) -> None:
    for mean in (davis_mean, donath_mean):
        with pytest.raises(InvalidTrace):
            mean(gates, p)
    with pytest.raises(InvalidTrace, match="coefficient"):
        davis_wires(100, 0.5, 0.0, 3)
    with pytest.raises(InvalidTrace, match="holds its cells"):
        random_length_um(replace(AES, core_area_um2=1000.0), 0.2)


def test_terminals_keep_to_rent_above_and_to_pins_below() -> None:
    assert AES.terminals(1) == pytest.approx(10219 * 3.777 / 9961)
    assert AES.terminals(1000) == pytest.approx(22.99 * 1000**0.34)
    edge = AES.gates / 256
    assert AES.terminals(edge * 0.999) == pytest.approx(AES.terminals(edge * 1.001), rel=0.01)


@given(st.floats(1.01, 4))
def test_wire_scales_with_the_size_of_cells_and_grows_with_white_space(factor: float) -> None:
    larger = replace(AES, cell_area_um2=AES.cell_area_um2 * factor, core_area_um2=AES.core_area_um2 * factor)
    assert random_length_um(larger, 0.2) == pytest.approx(random_length_um(AES, 0.2) * math.sqrt(factor))
    assert random_length_um(replace(AES, core_area_um2=2000 * factor), 0.2) > random_length_um(AES, 0.2)
    assert random_length_um(replace(AES, rent_k=AES.rent_k * factor), 0.2) > random_length_um(AES, 0.2)


def test_the_estimate_meets_the_block_that_it_was_fitted_on_and_keeps_order() -> None:
    chip = hwsim.load_chip("asap7")
    given = {"cells": 9961, "nets": 10219, "mean_fanout": 2.777, "rent_p": 0.34, "rent_k": 22.99, "cell_area_um2": 1159.97, "core_area_um2": 2000.0}
    found = hwsim.primitive("wirelength_estimate", chip, given)["wirelength_um"]
    assert found == pytest.approx(50228.7, rel=0.01)  # AES on ASAP7, OpenROAD-flow-scripts @8c009b0
    assert hwsim.primitive("wirelength_estimate", chip, {**given, "core_area_um2": 4000.0})["wirelength_um"] > found
