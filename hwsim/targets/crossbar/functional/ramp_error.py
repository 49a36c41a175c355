"""Integral and differential nonlinearity of a ramp whose cells were written with an error: Monte Carlo, and a closed estimate.

Each cell takes an independent Gaussian error of standard deviation sigma and cannot fall below 0. The error of threshold k is the sum of the errors
of the steps before it, divided by the local step: output codes (LSB). The reciprocal of a step is interpolated between steps and held at both
ends. One-point calibration subtracts the error of the middle threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidMapping
from hwsim.engine.jit import jit
from hwsim.targets.crossbar.functional.moments import clipped_moments, mean_absolute
from hwsim.targets.crossbar.functional.ramp import RampColumn

Vector = NDArray[np.float64]
Calibration = Literal["none", "one_point"]
CALIBRATIONS = ("none", "one_point")
STATISTICS = ("mean_abs", "mean_of_max")
DRAWS = 20_000


@dataclass(frozen=True)
class Nonlinearity:
    """In output LSB: means over draws of the mean and of the largest absolute error."""

    inl_mean_abs: float
    inl_mean_of_max: float
    dnl_mean_abs: float
    dnl_mean_of_max: float

    def inl(self, statistic: str) -> float:
        """The INL by the name of its statistic. Raises InvalidMapping for an unknown one."""
        if statistic not in STATISTICS:
            raise InvalidMapping(f"no statistic '{statistic}'; there are {', '.join(STATISTICS)}")
        return self.inl_mean_abs if statistic == "mean_abs" else self.inl_mean_of_max


@jit
def _draw(
    rng: np.random.Generator, cell_s: Vector, cells: NDArray[np.int64], sigma_s: Vector, per_siemens: Vector, middle: int, draws: int
) -> Vector:
    """Sums over draws of mean |INL|, max |INL|, mean |DNL|, max |DNL|; `middle` below 0: no calibration."""
    steps = len(cell_s)
    sums, error = np.zeros(4), np.zeros(steps + 1)
    for _ in range(draws):
        dnl_sum = dnl_max = inl_sum = inl_max = 0.0
        for k in range(steps):
            written = 0.0
            for _cell in range(cells[k]):
                written += max(cell_s[k] + sigma_s[k] * rng.standard_normal(), 0.0)
            off = written - cell_s[k] * cells[k]
            error[k + 1] = error[k] + off
            dnl = abs(off) / (cell_s[k] * cells[k])
            dnl_sum += dnl
            dnl_max = max(dnl_max, dnl)
        bias = error[middle] if middle >= 0 else 0.0
        for k in range(steps + 1):
            inl = abs(error[k] - bias) * per_siemens[k]
            inl_sum += inl
            inl_max = max(inl_max, inl)
        sums += np.array([inl_sum / (steps + 1), inl_max, dnl_sum / steps, dnl_max])
    return sums


def _prepare(column: RampColumn, sigma_s: float | Vector, calibration: str) -> tuple[Vector, Vector, int]:
    """Sigma of each cell, LSB per siemens at each threshold, index of the calibrated threshold (-1: none)."""
    if calibration not in CALIBRATIONS:
        raise InvalidMapping(f"no calibration '{calibration}'; there are {', '.join(CALIBRATIONS)}")
    sigma = np.ascontiguousarray(np.broadcast_to(np.asarray(sigma_s, dtype=np.float64), column.cell_s.shape))
    if not (np.all(np.isfinite(sigma)) and np.all(sigma >= 0)):
        raise InvalidChip("write errors must be finite and not negative")
    count = len(column.cell_s) + 1
    per_siemens = np.interp(np.arange(count) - 0.5, np.arange(count - 1), 1 / column.step_s)
    return sigma, per_siemens, count // 2 if calibration == "one_point" else -1


def ramp_nonlinearity(
    column: RampColumn, sigma_s: float | Vector, calibration: str = "none", *, draws: int = DRAWS, rng: np.random.Generator | None = None
) -> Nonlinearity:
    """Monte Carlo over `draws` written ramps; `sigma_s`: of one cell, or one for each step. Raises InvalidMapping, InvalidChip."""
    if draws < 1:
        raise InvalidMapping(f"{draws} draws")
    sigma, per_siemens, middle = _prepare(column, sigma_s, calibration)
    sums = _draw(rng or np.random.default_rng(1), column.cell_s, column.cells, sigma, per_siemens, middle, draws) / draws
    return Nonlinearity(*(float(value) for value in sums))


def written_thresholds(column: RampColumn, sigma_s: float | Vector, calibration: str, rng: np.random.Generator) -> Vector:
    """Thresholds of one written ramp in units of the pre-activation, drawn once and kept. Raises InvalidMapping, InvalidChip."""
    sigma, _, middle = _prepare(column, sigma_s, calibration)
    wanted = column.thresholds
    written = [np.maximum(g + s * rng.standard_normal(n), 0.0).sum() for g, s, n in zip(column.cell_s, sigma, column.cells, strict=True)]
    found = wanted[0] + np.concatenate([[0.0], np.cumsum(written)]) / column.siemens_per_unit
    return np.asarray(found - (found[middle] - wanted[middle] if middle >= 0 else 0.0), dtype=np.float64)


def expected_inl(column: RampColumn, sigma_s: float | Vector, calibration: str = "none") -> float:
    """Closed estimate of the mean |INL| in LSB: sums of cells taken as Gaussian with the exact mean and variance of cells clipped at 0.

    Without clipping and with one cell per step of equal sigma this is sigma sqrt(2 / pi) mean_k(sqrt(|k - k_0|) / G_k).
    Exact where no cell reaches 0. Raises InvalidMapping, InvalidChip.
    """
    sigma, per_siemens, middle = _prepare(column, sigma_s, calibration)
    mean, variance = clipped_moments(column.cell_s, sigma, 0.0, math.inf)
    shift = np.concatenate([[0.0], np.cumsum((mean - column.cell_s) * column.cells)])
    spread = np.concatenate([[0.0], np.cumsum(variance * column.cells)])
    if middle >= 0:
        shift, spread = shift - shift[middle], np.abs(spread - spread[middle])
    return float(np.mean(mean_absolute(shift, np.sqrt(spread)) * per_siemens))
