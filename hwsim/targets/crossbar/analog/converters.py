"""Converters of a path on given data: their ranges, offsets, ramps as written, and how nonlinear these are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.targets.crossbar.analog.path import Path
from hwsim.targets.crossbar.functional.noisy import LinearConverter, calibrated_full_scale, lossless_converter
from hwsim.targets.crossbar.functional.programming import Sources, Written
from hwsim.targets.crossbar.functional.ramp import Ramp, RampColumn, place
from hwsim.targets.crossbar.functional.ramp_error import expected_inl, ramp_nonlinearity, written_thresholds
from hwsim.targets.crossbar.functional.slices import ArrayShape

Array = NDArray[np.float64]
OUTPUTS = {"sigmoid": (0.0, 1.0), "softplus": (0.0, 4.0), "selu": (-1.758, 1.758), "gelu": (-0.15, 3.0), "relu": (0.0, 1.0)}
LINEAR_PIECES = {"relu": "linear"}  # a ramp that starts at 0
DRAWS = 4000


@dataclass(frozen=True)
class RampAccuracy:
    """Of a ramp over programmings, in output LSB: means of mean and largest |INL| and |DNL|, and the closed estimate of the first."""

    function: str
    bits: int
    cells: int
    inl_mean_lsb: float
    inl_max_lsb: float
    dnl_mean_lsb: float
    dnl_max_lsb: float
    inl_estimate_lsb: float


def ramp_column(path: Path, function: str) -> RampColumn:
    """The column of a ramp with the chip's bits and cells. Raises `InvalidMapping`, `Infeasible`."""
    low, high = OUTPUTS.get(function, (-1.0, 1.0))
    bits = int(path.chip.number("adc_bits"))
    if bits < 2:
        raise InvalidMapping("a ramp of 1 bit has no step to be written: state adc_bits 2 or more")
    ramp = Ramp(LINEAR_PIECES.get(function, function), bits, low, high)
    return place(ramp, 0.0, path.chip.number("ramp_g_max_s"), calibration_cells=int(path.chip.number("calibration_cells")))


def _written_with(path: Path, column: RampColumn) -> tuple[Array, str, float]:
    """Error of each cell in S, calibration, and share of cells stuck off."""
    error, stuck = path.sources.programming, path.sources.stuck
    sigma = np.zeros_like(column.cell_s) if error is None else np.asarray(error.sigma_s(column.cell_s), dtype=np.float64)
    calibration = path.chip.text("ramp_calibration") if "ramp_calibration" in path.chip.params else "one_point"
    return sigma, calibration, stuck.off if stuck is not None else 0.0


def ramp_accuracy(path: Path, function: str) -> RampAccuracy:
    """Nonlinearity of this ramp; drift and stuck-on cells are left out. Raises `InvalidMapping`, `InvalidChip`."""
    column = ramp_column(path, function)
    sigma, calibration, off = _written_with(path, column)
    found = ramp_nonlinearity(column, sigma, calibration, draws=DRAWS, stuck_off=off)
    return RampAccuracy(
        function, column.ramp.bits, column.ramp_cells + column.calibration_cells, found.inl_mean_abs, found.inl_mean_of_max, found.dnl_mean_abs,
        found.dnl_mean_of_max, expected_inl(column, sigma, calibration),
    )  # fmt: skip


def ramp_thresholds(path: Path, function: str, rng: np.random.Generator) -> tuple[Ramp, Array]:
    """A ramp and its thresholds as written once."""
    column = ramp_column(path, function)
    sigma, calibration, off = _written_with(path, column)
    return column.ramp, written_thresholds(column, sigma, calibration, rng, stuck_off=off)


def linear_converter(path: Path, ideal: Written, inputs: NDArray[np.int64], bits: int) -> LinearConverter:
    """Full scale from data without noise, or from the largest sum; with bits for every sum, steps of one digit product. Raises `InvalidMapping`."""
    shape = ideal.shape
    lossless = lossless_converter(shape, ideal.inputs)
    if bits >= lossless.bits:
        return lossless
    full = calibrated_full_scale(ideal, inputs) if path.calibrated else lossless.full_scale
    return LinearConverter(bits, full, lossless.signed)


def with_offset(path: Path, lsb: float, shape: ArrayShape) -> Sources:
    """The path's sources with the comparators' offset; `lsb` in digit products."""
    return replace(path.sources, offset_a=path.offset_lsb * lsb * shape.unit_a) if path.offset_lsb else path.sources
