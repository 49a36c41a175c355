"""Integral and differential nonlinearity of a ramp whose cells were written with an error: Monte Carlo, and a closed estimate.

Each cell takes an independent Gaussian error of standard deviation sigma and cannot fall below 0. The error of threshold k is the sum of the errors
of the steps before it, divided by the local step: output codes (LSB). The reciprocal of a step is interpolated between steps and held at both
ends. One-point calibration subtracts the error of the middle threshold.

Stuck-off cells conduct nothing: their step is missing. With `rescue` the calibration cells of the column stand in for them, the largest lost steps
first, where they are not stuck off themselves; each is written to the lost step, so a rescued step has a write error like any other. (That they
rescue is published; that each takes the place of one cell is assumed.)
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
def _write(
    rng: np.random.Generator, cell_s: Vector, cells: NDArray[np.int64], sigma_s: Vector, stuck_off: float, spares: int, by_size: NDArray[np.int64],
    written: Vector, lost: NDArray[np.int64],
) -> None:
    """Conductance of every step as written, into `written`; `lost`: scratch; `by_size`: steps, largest first."""
    for k in range(len(cell_s)):
        written[k], lost[k] = 0.0, 0
        for _cell in range(cells[k]):
            if stuck_off > 0.0 and rng.random() < stuck_off:
                lost[k] += 1
            else:
                written[k] += max(cell_s[k] + sigma_s[k] * rng.standard_normal(), 0.0)
    if stuck_off > 0.0:
        left = 0
        for _spare in range(spares):
            left += rng.random() >= stuck_off
        for k in by_size:
            while lost[k] > 0 and left > 0:
                written[k] += max(cell_s[k] + sigma_s[k] * rng.standard_normal(), 0.0)
                lost[k] -= 1
                left -= 1


@jit
def _draw(
    rng: np.random.Generator, cell_s: Vector, cells: NDArray[np.int64], sigma_s: Vector, per_siemens: Vector, middle: int, draws: int,
    stuck_off: float, spares: int, by_size: NDArray[np.int64], found: Vector,
) -> None:
    """Mean |INL|, max |INL|, mean |DNL|, max |DNL| of every draw into `found` (draws, 4); `middle` below 0: no calibration."""
    steps = len(cell_s)
    error, written, lost = np.zeros(steps + 1), np.zeros(steps), np.zeros(steps, np.int64)
    for draw in range(draws):
        dnl_sum = dnl_max = inl_sum = inl_max = 0.0
        _write(rng, cell_s, cells, sigma_s, stuck_off, spares, by_size, written, lost)
        for k in range(steps):
            off = written[k] - cell_s[k] * cells[k]
            error[k + 1] = error[k] + off
            dnl = abs(off) / (cell_s[k] * cells[k])
            dnl_sum += dnl
            dnl_max = max(dnl_max, dnl)
        bias = error[middle] if middle >= 0 else 0.0
        for k in range(steps + 1):
            inl = abs(error[k] - bias) * per_siemens[k]
            inl_sum += inl
            inl_max = max(inl_max, inl)
        found[draw, 0], found[draw, 1] = inl_sum / (steps + 1), inl_max
        found[draw, 2], found[draw, 3] = dnl_sum / steps, dnl_max


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


def _defects(column: RampColumn, stuck_off: float, rescue: bool) -> tuple[float, int, NDArray[np.int64]]:
    """Share of stuck cells, cells that may stand in, steps by size."""
    if not 0 <= stuck_off <= 1:
        raise InvalidChip(f"a share of stuck cells of {stuck_off:g} is not in 0..1")
    return stuck_off, column.calibration_cells if rescue else 0, np.argsort(-column.cell_s)


def nonlinearity_draws(
    column: RampColumn, sigma_s: float | Vector, calibration: str = "none", *, draws: int = DRAWS, rng: np.random.Generator | None = None,
    stuck_off: float = 0.0, rescue: bool = True,
) -> Vector:
    """(draws, 4): mean |INL|, largest |INL|, mean |DNL|, largest |DNL| of each written ramp, in LSB. Raises InvalidMapping, InvalidChip."""
    if draws < 1:
        raise InvalidMapping(f"{draws} draws")
    sigma, per_siemens, middle = _prepare(column, sigma_s, calibration)
    found = np.empty((draws, 4))
    _draw(rng or np.random.default_rng(1), column.cell_s, column.cells, sigma, per_siemens, middle, draws,
          *_defects(column, stuck_off, rescue), found)  # fmt: skip
    return found


def ramp_nonlinearity(
    column: RampColumn, sigma_s: float | Vector, calibration: str = "none", *, draws: int = DRAWS, rng: np.random.Generator | None = None,
    stuck_off: float = 0.0, rescue: bool = True,
) -> Nonlinearity:
    """Monte Carlo over `draws` written ramps; `sigma_s`: of one cell, or one for each step. Raises InvalidMapping, InvalidChip."""
    found = nonlinearity_draws(column, sigma_s, calibration, draws=draws, rng=rng, stuck_off=stuck_off, rescue=rescue)
    return Nonlinearity(*(float(value) for value in found.mean(axis=0)))


def written_thresholds(
    column: RampColumn, sigma_s: float | Vector, calibration: str, rng: np.random.Generator, *, stuck_off: float = 0.0, rescue: bool = True
) -> Vector:
    """Thresholds of one written ramp in units of the pre-activation, drawn once and kept. Raises InvalidMapping, InvalidChip."""
    sigma, _, middle = _prepare(column, sigma_s, calibration)
    wanted, written = column.thresholds, np.empty_like(column.cell_s)
    _write(rng, column.cell_s, column.cells, sigma, *_defects(column, stuck_off, rescue), written, np.empty(len(written), np.int64))
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
