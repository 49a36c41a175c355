"""Ensembles against programmings drawn one by one: slices that share a programming, stuck cells; weights with an offset; wires by themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.targets.crossbar.functional.devices import StuckCells, constant_error, drift
from hwsim.targets.crossbar.functional.nodal import (
    FAST_LIMIT,
    Wires,
    column_currents,
    drop_share,
    effective_conductance,
    fast_error,
    transfer_conductance,
    wired_conductance,
)
from hwsim.targets.crossbar.functional.noisy import LinearConverter, lossless_converter, products
from hwsim.targets.crossbar.functional.programming import Sources, ensemble, program
from hwsim.targets.crossbar.functional.slices import ArrayShape, flips, target_conductances

SERIAL = ArrayShape(12, 32, 1e-6, 40e-6, 0.2, 4, 1, 5, 2)
WHOLE = ArrayShape(24, 32, 1e-6, 25e-6, 0.2, 4, 4, 5, 4)
OFFSET = ArrayShape(12, 32, 1e-6, 40e-6, 0.2, 4, 1, 5, 2, encoding="offset", complement=True, flipped=True)
STUCK = StuckCells(0.02, 0.01)


def rng_of(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbers(shape: ArrayShape, reads: int, inputs: int, outputs: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = rng_of(seed)
    return rng.integers(-shape.input_limit, shape.input_limit + 1, (reads, inputs)), rng.integers(
        -shape.weight_limit, shape.weight_limit + 1, (inputs, outputs)
    )


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(2, 7), st.integers(1, 7), st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 99))
def test_offset_weights_and_complement_inputs_are_exact(
    input_bits: int, weight_bits: int, cell_bits: int, rows: int, inputs: int, flipped: bool, seed: int
) -> None:
    shape = ArrayShape(
        rows, 8, 1e-6, 50e-6, 0.2, input_bits, 1, weight_bits, min(cell_bits, weight_bits), encoding="offset", complement=True, flipped=flipped
    )
    x, w = numbers(shape, 5, inputs, 7, seed)
    written = program(w, shape, Sources(), rng_of())
    assert products(written, x, None, rng_of()) == pytest.approx(x @ w, abs=1e-6)
    assert np.array_equal(products(written, x, lossless_converter(shape, inputs), rng_of()), x @ w)


def test_flipped_columns_save_the_converter_one_bit() -> None:
    isaac = ArrayShape(128, 128, 5e-7, 5e-4, 0.2, 15, 1, 16, 2, encoding="offset", complement=True, flipped=True)
    assert lossless_converter(isaac, 128).bits == 8  # as published
    w = np.full((12, 3), OFFSET.weight_limit)
    assert flips(w, OFFSET).any()
    assert target_conductances(w, OFFSET).mean() < 0.5 * (OFFSET.g_min_s + OFFSET.g_max_s)


SOURCES = [
    (SERIAL, Sources(programming=constant_error(3e-6))),
    (SERIAL, Sources(programming=constant_error(3e-6), read_noise=0.05, offset_a=2e-7)),
    (SERIAL, Sources(programming=constant_error(2e-6), stuck=STUCK, read_noise=0.05)),
    (OFFSET, Sources(programming=constant_error(2e-6), stuck=STUCK)),
    (WHOLE, Sources(stuck=STUCK)),
    (WHOLE, Sources(stuck=STUCK, drift=drift("pcm_like"), time_s=1e5, programming=constant_error(1e-6))),
]


@pytest.mark.parametrize(("shape", "sources"), SOURCES, ids=["serial", "reads", "stuck", "offset", "stuck-whole", "drift"])
def test_an_ensemble_is_many_programmings(shape: ArrayShape, sources: Sources) -> None:
    x, w = numbers(shape, 2, 20, 4)
    drawn = np.array([products(program(w, shape, sources, rng_of(k)), x, None, rng_of(k + 10_000)) for k in range(3000)])
    every = products(ensemble(w, shape, sources), np.repeat(x, 20_000, axis=0), None, rng_of()).reshape(2, 20_000, 4).transpose(1, 0, 2)
    sigma = every.std(axis=0)
    assert np.abs(drawn.mean(axis=0) - every.mean(axis=0)).max() < 5 * (sigma / math.sqrt(3000)).max()
    assert drawn.std(axis=0) == pytest.approx(sigma, rel=0.12)
    blur = 0.1 * sigma * rng_of(5).standard_normal((23_000, 2, 4))  # stuck cells alone give whole levels
    for read in range(2):
        for column in range(4):
            ours, theirs = np.sort((drawn + blur[:3000])[:, read, column]), np.sort((every + blur[3000:])[:, read, column])
            apart = np.searchsorted(ours, theirs) / 3000 - np.arange(20_000) / 20_000
            assert np.abs(apart).max() < 2.2 * math.sqrt(1 / 3000 + 1 / 20_000)  # Kolmogorov and Smirnov, 1 in 8000


def test_slices_of_one_input_share_the_programming() -> None:
    """All bits of an input alike: the error adds up with the sum of the slice weights, not with the root of their squares."""
    w = np.full((12, 2000), 3)
    x = np.full((1, 12), 15)
    found = products(ensemble(w, SERIAL, Sources(programming=constant_error(1e-6))), x, None, rng_of())
    one_cell = math.sqrt(12 * (1e-6 / SERIAL.level_s) ** 2)
    assert found.std() > 15 * one_cell  # 15 = 1 + 2 + 4 + 8; independent slices would give 9.2


def test_stuck_cells_alone_give_whole_levels() -> None:
    x, w = numbers(WHOLE, 50, 24, 6)
    found = products(ensemble(w, WHOLE, Sources(stuck=StuckCells(0.01, 0.0))), x, None, rng_of())
    assert found == pytest.approx(np.rint(found), abs=1e-3)
    assert np.any(found != x @ w)
    everything = products(ensemble(w, WHOLE, Sources(stuck=StuckCells(1.0, 0.0))), x, None, rng_of())
    assert everything == pytest.approx(np.zeros_like(everything), abs=1e-3)


@pytest.mark.parametrize("ohm", [0.2, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("driven", [1, 6, 64])
def test_the_stated_error_of_fast_wires_holds(ohm: float, driven: int) -> None:
    rng = rng_of(3)
    g, wires, v = rng.uniform(0, 40e-6, (64, 64)), Wires(ohm, ohm), np.zeros(64)
    v[rng.choice(64, driven, replace=False)] = 1.0
    fast = effective_conductance(g, wires)
    exact = column_currents(g, v, wires)
    error = math.sqrt(np.mean((v @ fast - exact) ** 2) / np.mean(exact**2))
    assert error <= fast_error(drop_share(g, fast)) + 1e-4


def test_resistive_wires_are_solved_exactly_or_refused() -> None:
    g, thin = rng_of(3).uniform(0, 40e-6, (32, 32)), Wires(40.0, 40.0)
    assert drop_share(g, effective_conductance(g, thin)) > FAST_LIMIT
    assert wired_conductance(g, thin) == pytest.approx(transfer_conductance(g, thin), rel=1e-9)
    assert np.array_equal(wired_conductance(g, Wires(0.1, 0.1)), effective_conductance(g, Wires(0.1, 0.1)))
    wide = np.full((1500, 1000), 40e-6)
    with pytest.raises(InvalidTrace, match="smaller arrays"):
        wired_conductance(wide, Wires(1.0, 1.0))


def test_what_no_array_has_is_refused() -> None:
    with pytest.raises(InvalidMapping, match="bit by bit"):
        ArrayShape(8, 8, 1e-6, 1e-5, 0.2, 4, 2, 4, 2, complement=True)
    with pytest.raises(InvalidMapping, match="columns of offset weights"):
        ArrayShape(8, 8, 1e-6, 1e-5, 0.2, 4, 1, 4, 2, flipped=True)
    with pytest.raises(InvalidMapping, match="1 to 32 bits"):
        LinearConverter(0, 1.0, signed=False)
    x, w = numbers(WHOLE, 1, 24, 4)
    with pytest.raises(InvalidMapping, match="one programming"):
        ensemble(w, WHOLE, Sources(wires=Wires(1, 1), solver="exact"))
    assert products(ensemble(w, WHOLE, Sources(wires=Wires(0, 0))), x, None, rng_of()) == pytest.approx(x @ w)
