"""Products on noisy crossbars: exact with everything off, each source alone, and column noise against noise drawn cell by cell."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace
from hwsim.targets.crossbar.functional.accuracy import output_error
from hwsim.targets.crossbar.functional.activation import activation
from hwsim.targets.crossbar.functional.devices import StuckCells, constant_error, drift, programming_error
from hwsim.targets.crossbar.functional.nodal import Wires, column_currents
from hwsim.targets.crossbar.functional.noisy import LinearConverter, activations, calibrated_full_scale, lossless_converter, products
from hwsim.targets.crossbar.functional.programming import Sources, Written, ensemble, program, written_conductances
from hwsim.targets.crossbar.functional.ramp import Ramp
from hwsim.targets.crossbar.functional.slices import ArrayShape, quantise, target_conductances

IDEAL = Sources()
WHOLE = ArrayShape(64, 128, 2e-6, 40e-6, 0.2, 5, 5, 5, 4)  # an input in one slice, a weight in one pair
SLICED = ArrayShape(16, 32, 1e-6, 100e-6, 0.2, 8, 1, 8, 2)


def rng_of(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def numbers(shape: ArrayShape, reads: int, inputs: int, outputs: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = rng_of(seed)
    x = rng.integers(0, shape.input_limit + 1, (reads, inputs))
    return x, rng.integers(-shape.weight_limit, shape.weight_limit + 1, (inputs, outputs))


@settings(max_examples=40)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(2, 7), st.integers(1, 6), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_everything_off_is_the_integer_product(
    input_bits: int, slice_bits: int, weight_bits: int, cell_bits: int, rows: int, inputs: int, seed: int
) -> None:
    shape = ArrayShape(rows, 8, 1e-6, 50e-6, 0.2, input_bits, min(slice_bits, input_bits), weight_bits, min(cell_bits, weight_bits - 1))
    x, w = numbers(shape, 5, inputs, 7, seed)
    x[0] = -x[0]
    written = program(w, shape, IDEAL, rng_of())
    assert products(written, x, None, rng_of()) == pytest.approx(x @ w, abs=1e-6)
    assert np.array_equal(products(written, x, lossless_converter(shape, inputs), rng_of()), x @ w)


def test_a_converter_errs_by_half_a_step_at_most() -> None:
    x, w = numbers(WHOLE, 50, 64, 20)
    written = program(w, WHOLE, IDEAL, rng_of())
    converter = LinearConverter(8, calibrated_full_scale(written, x))
    error = np.abs(products(written, x, converter, rng_of()) - x @ w)
    assert error.max() <= converter.step / 2 + 1e-6
    assert error.max() > converter.step / 4
    clipped = products(written, x, LinearConverter(8, converter.full_scale / 4), rng_of())
    assert np.abs(clipped).max() == pytest.approx(converter.full_scale / 4)


def test_a_calibrated_range_beats_the_worst_case() -> None:
    x, w = numbers(SLICED, 50, 64, 20)
    written = program(w, SLICED, IDEAL, rng_of())
    worst = LinearConverter(5, 16.0 * 3)
    calibrated = LinearConverter(5, calibrated_full_scale(written, x))
    errors = [output_error(products(written, x, c, rng_of()), (x @ w).astype(float)).relative_rms for c in (worst, calibrated)]
    assert errors[1] < errors[0]


def cell_by_cell(x: NDArray[np.int64], w: NDArray[np.int64], shape: ArrayShape, sources: Sources, draws: int) -> NDArray[np.float64]:
    """(draws, reads, outputs): a new number for every cell in every draw."""
    target, rng, found = target_conductances(w, shape)[:, :, 0], rng_of(9), []
    for _ in range(draws):
        g = written_conductances(target, shape, sources, rng) / shape.level_s
        g = g * (1 + sources.read_noise * rng.standard_normal(g.shape))
        found.append(x @ (g[..., 0] - g[..., 1]))
    return np.array(found)


@pytest.mark.parametrize(
    "sources",
    [
        Sources(programming=constant_error(1e-9)),
        Sources(programming=programming_error("rram_wan_1s")),
        Sources(read_noise=0.05),
        Sources(programming=programming_error("rram_wan_crosssim"), read_noise=0.03),
    ],
    ids=["small", "clipped", "read", "all"],
)
def test_column_noise_is_the_noise_of_the_cells(sources: Sources) -> None:
    shape = replace(WHOLE, g_min_s=0.0, g_max_s=39e-6)
    x, w = numbers(shape, 2, 64, 3)
    cells = cell_by_cell(x, w, shape, sources, 4000)
    every = ensemble(w, shape, sources)
    columns = products(every, np.repeat(x, 20_000, axis=0), None, rng_of()).reshape(2, 20_000, 3).transpose(1, 0, 2)
    sigma = columns.std(axis=0)
    assert np.abs(cells.mean(axis=0) - columns.mean(axis=0)).max() < 5 * (sigma / math.sqrt(4000)).max()
    assert cells.std(axis=0) == pytest.approx(sigma, rel=0.06)
    z_cells, z_columns = ((part - columns.mean(axis=0)) / sigma for part in (cells, columns))
    for quantile in (0.05, 0.25, 0.75, 0.95):
        assert np.quantile(z_cells, quantile) == pytest.approx(np.quantile(z_columns, quantile), abs=0.05)


def test_read_noise_of_a_written_matrix_in_closed_form() -> None:
    x, w = numbers(WHOLE, 1, 64, 4)
    written = program(w, WHOLE, Sources(read_noise=0.1), rng_of())
    g = target_conductances(w, WHOLE)[:, :, 0] / WHOLE.level_s
    sigma = np.sqrt(0.01 * (x[0] ** 2) @ (g**2).sum(axis=-1))
    drawn = products(written, np.repeat(x, 20_000, axis=0), None, rng_of())
    assert drawn.std(axis=0) == pytest.approx(sigma, rel=0.03)
    assert np.abs(drawn.mean(axis=0) - (x @ w)[0]).max() < 5 * sigma.max() / math.sqrt(20_000)


def test_programming_is_frozen_and_new_programmings_differ() -> None:
    x, w = numbers(WHOLE, 3, 64, 4)
    sources = Sources(programming=constant_error(1e-6), offset_a=1e-7)
    first, second = (program(w, WHOLE, sources, rng_of(seed)) for seed in (1, 2))
    assert np.array_equal(products(first, x, None, rng_of(3)), products(first, x, None, rng_of(4)))
    assert not np.allclose(products(first, x, None, rng_of(3)), products(second, x, None, rng_of(3)))


def test_offset_in_amperes() -> None:
    w = np.zeros((64, 5000), dtype=np.int64)
    x = np.ones((1, 64), dtype=np.int64)
    sources = Sources(offset_a=3 * WHOLE.unit_a)
    assert products(program(w, WHOLE, sources, rng_of()), x, None, rng_of()).std() == pytest.approx(3, rel=0.05)
    assert products(ensemble(w, WHOLE, sources), x, None, rng_of()).std() == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("exact", [True, False])
def test_wires_as_the_nodal_solver_has_them(exact: bool) -> None:
    shape = replace(WHOLE, rows=12, columns=16)
    x, w = numbers(shape, 4, 24, 12)
    wires = Wires(4, 2)
    found = products(program(w, shape, Sources(wires=wires, solver="exact" if exact else "fast"), rng_of()), x, None, rng_of())
    g = target_conductances(w, shape).reshape(24, 24)
    volts, wanted = x * shape.read_v / 31, np.zeros((4, 24))
    for rows in (slice(0, 12), slice(12, 24)):
        for columns in (slice(0, 16), slice(16, 24)):
            wanted[:, columns] += [column_currents(g[rows, columns], v, wires) for v in volts[:, rows]]
    difference = (wanted[:, ::2] - wanted[:, 1::2]) / shape.unit_a
    scale = np.abs(difference).max()
    assert np.abs(found - difference).max() < (1e-9 if exact else 1e-3) * scale
    assert np.abs(x @ w - difference).max() > 2e-3 * scale


def test_drift_and_stuck_cells_alone() -> None:
    shape = replace(WHOLE, g_min_s=0.0, g_max_s=25e-6)
    x, w = numbers(shape, 2, 64, 30)
    model = drift("pcm_like")
    steady = replace(model, sigma=(0.0, 0.0, 0.0, 0.0), mean=(0.0, 0.05, 0.05, 0.05))
    found = products(program(w, shape, Sources(drift=steady, time_s=2e5), rng_of()), x, None, rng_of())
    assert found == pytest.approx((x @ w) * 1e4**-0.05, rel=1e-9)
    assert not products(program(w, shape, Sources(stuck=StuckCells(1.0, 0.0)), rng_of()), x, None, rng_of()).any()
    drawn = np.array([products(program(w, shape, Sources(drift=model, time_s=1e5), rng_of(k)), x, None, rng_of()) for k in range(400)])
    every = ensemble(w, shape, Sources(drift=model, time_s=1e5))
    again = products(every, np.repeat(x, 400, axis=0), None, rng_of()).reshape(2, 400, 30)
    assert drawn.mean(axis=0) == pytest.approx(again.mean(axis=1), abs=0.5 * drawn.std(axis=0).max())
    assert drawn.std(axis=0).mean() == pytest.approx(again.std(axis=1).mean(), rel=0.05)


def test_more_noise_lowers_the_signal_to_noise_ratio() -> None:
    x, w = numbers(WHOLE, 200, 64, 16)
    exact = (x @ w).astype(float)
    snr = [
        output_error(products(ensemble(w, WHOLE, Sources(programming=constant_error(sigma))), x, None, rng_of()), exact).snr_db
        for sigma in (0.1e-6, 1e-6, 4e-6)
    ]
    assert snr[0] - snr[1] == pytest.approx(20, abs=1.5)  # ten times the error
    assert snr[1] > snr[2]


def test_ramp_gives_the_quantised_activation() -> None:
    x, w = numbers(WHOLE, 20, 64, 30)
    written, ramp, scale = program(w, WHOLE, IDEAL, rng_of()), Ramp("tanh", 5, -1, 1), 3e-4
    found = activations(written, x, scale, ramp, ramp.thresholds(), rng_of())
    exact = activation("tanh").value(scale * (x @ w))
    assert np.all(found <= exact + 1e-9)
    assert np.all(exact < found + ramp.lsb + 1e-9)
    noisy = activations(program(w, WHOLE, Sources(programming=constant_error(2e-6)), rng_of()), x, scale, ramp, ramp.thresholds(), rng_of())
    assert 0 < np.mean(noisy != found) < 1


def test_ramp_takes_one_read_of_one_array() -> None:
    x, w = numbers(SLICED, 2, 64, 3)
    ramp = Ramp("tanh", 5, -1, 1)
    with pytest.raises(InvalidMapping, match="8 input slices, 4 weight digits and 4 row parts"):
        activations(program(w, SLICED, IDEAL, rng_of()), x, 1e-4, ramp, ramp.thresholds(), rng_of())
    x, w = numbers(WHOLE, 2, 64, 3)
    written = program(w, WHOLE, IDEAL, rng_of())
    with pytest.raises(InvalidTrace, match="31 ascending"):
        activations(written, x, 1e-4, ramp, ramp.thresholds()[1:], rng_of())
    with pytest.raises(InvalidTrace, match="scale"):
        activations(written, x, 0.0, ramp, ramp.thresholds(), rng_of())


def test_quantisation() -> None:
    found, scale = quantise(np.array([-1.0, 0.24, 0.5, 2.0]), 4, 1.0)
    assert found.tolist() == [-4, 1, 2, 4]
    assert scale == 0.25
    assert quantise(np.zeros(3), 7)[0].tolist() == [0, 0, 0]
    with pytest.raises(InvalidTrace, match="finite"):
        quantise(np.array([np.nan]), 7)
    with pytest.raises(InvalidTrace, match="full scale"):
        quantise(np.ones(2), 7, 0.0)


def test_what_does_not_fit_is_refused() -> None:
    x, w = numbers(WHOLE, 2, 64, 3)
    written: Written = program(w, WHOLE, IDEAL, rng_of())
    for bad, message in ((x + 40, "do not fit"), (x[:, :5], "matrix of 64 rows"), (x / 2.0, "quantise them"), (x[0], "give a matrix")):
        with pytest.raises(InvalidTrace, match=message):
            products(written, bad, None, rng_of())
    with pytest.raises(InvalidTrace, match="weights"):
        program(w * 10, WHOLE, IDEAL, rng_of())
    with pytest.raises(InvalidMapping, match="both or neither"):
        Sources(time_s=3.0)
    with pytest.raises(InvalidChip, match="fitted between"):
        program(w, WHOLE, Sources(programming=programming_error("pcm_like")), rng_of())
    with pytest.raises(InvalidMapping, match="32 with sign, not 1"):
        LinearConverter(1, 3.0)
    with pytest.raises(InvalidMapping, match="quantile"):
        calibrated_full_scale(written, x, 0.0)
    with pytest.raises(InvalidTrace, match="drive no column"):
        calibrated_full_scale(written, np.zeros_like(x))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rows": 0}, InvalidChip, "0 x 128"),
        ({"g_max_s": 1e-6}, InvalidChip, "conductance range"),
        ({"read_v": 0.0}, InvalidChip, "read voltage"),
        ({"input_slice_bits": 6}, InvalidMapping, "slices of 6"),
        ({"cell_bits": 5}, InvalidMapping, "cells of 5"),
        ({"weight_bits": 1}, InvalidMapping, "signed weights"),
    ],
)
def test_impossible_arrays_are_refused(change: dict[str, float], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        replace(WHOLE, **change)


def test_output_error_in_closed_form() -> None:
    found = output_error(np.array([1.1, -1.1]), np.array([1.0, -1.0]))
    assert [found.relative_rms, found.snr_db, found.effective_bits] == pytest.approx([0.1, 20, (20 - 1.76) / 6.02])
    assert output_error(np.ones(2), np.ones(2)).snr_db == math.inf
    with pytest.raises(InvalidTrace, match="shape"):
        output_error(np.ones(2), np.ones(3))
    with pytest.raises(InvalidTrace, match="all exact outputs are 0"):
        output_error(np.ones(2), np.zeros(2))
