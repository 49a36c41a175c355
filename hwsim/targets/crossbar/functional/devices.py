"""Memristive cells: error of programming, drift, stuck cells. Constants: ``models/tech/memristors.yaml``, each with its source.

Programming: G += sigma(G) N(0, 1), clipped to the cell's range; stuck cells keep one end of it; drift G(t) = G (t / t0)^-nu, nu drawn once per cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, InvalidMapping, nearest
from hwsim.readers.technology import technology

Array = NDArray[np.float64]
MEMRISTORS = "memristors"
_SIGMA, _DRIFT, _READ_NOISE = "_sigma_s", "_drift_start_s", "_read_noise"


@dataclass(frozen=True)
class ProgrammingError:
    """sigma(G) = max(0, sum_k coefficients_s[k] (G / unit_s)^k) in S, fitted between low_s and high_s."""

    name: str
    coefficients_s: tuple[float, ...]
    unit_s: float
    low_s: float
    high_s: float

    def sigma_s(self, conductance_s: Array | float) -> Array:
        """Standard deviation of cells written to these conductances. Raises InvalidChip outside the fitted range."""
        g = np.asarray(conductance_s, dtype=np.float64)
        if not np.all((g >= self.low_s * (1 - 1e-9)) & (g <= self.high_s * (1 + 1e-9))):
            raise InvalidChip(
                f"device model '{self.name}' was fitted between {self.low_s * 1e6:g} and {self.high_s * 1e6:g} uS; "
                f"asked for {float(g.min()) * 1e6:g} to {float(g.max()) * 1e6:g} uS: keep the cells in that range or take another model"
            )
        found = np.zeros_like(g)
        for coefficient in reversed(self.coefficients_s):
            found = found * (g / self.unit_s) + coefficient
        return np.maximum(found, 0.0)


def constant_error(sigma_s: float) -> ProgrammingError:
    """The same sigma at every conductance. Raises InvalidChip when negative or not finite."""
    if not 0 <= sigma_s < math.inf:
        raise InvalidChip(f"a programming error of {sigma_s:g} S")
    return ProgrammingError("constant", (sigma_s,), 1.0, 0.0, math.inf)


def _ending(table: Chip, ending: str) -> list[str]:
    return sorted(name.removesuffix(ending) for name in table.params if name.endswith(ending))


def programming_error(device_model: str) -> ProgrammingError:
    """The published model of this name. Raises InvalidMapping for an unknown one.

    >>> round(float(programming_error("rram_wan_crosssim").sigma_s(5e-6)) * 1e6, 3)
    1.967
    """
    table = technology(MEMRISTORS)
    known = _ending(table, _SIGMA)
    if device_model not in known:
        raise InvalidMapping(f"no device model '{device_model}'{nearest(device_model, known)}; there are {', '.join(known)}")
    low, high = table.vector(f"{device_model}_range_s")
    return ProgrammingError(device_model, table.vector(device_model + _SIGMA), table.number(f"{device_model}_unit_s"), low, high)


@dataclass(frozen=True)
class Drift:
    """G(t) = G (t / start_s)^-nu; mean and sigma of nu are clamp(a ln(G / unit_s) + b, low, high), given as (a, b, low, high)."""

    start_s: float
    mean: tuple[float, float, float, float]
    sigma: tuple[float, float, float, float]
    unit_s: float

    def exponent(self, conductance_s: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of nu for cells of these conductances."""
        g = np.log(np.maximum(np.asarray(conductance_s, dtype=np.float64) / self.unit_s, np.finfo(np.float64).tiny))
        (a, b, low, high), (c, d, least, most) = self.mean, self.sigma
        return np.clip(a * g + b, low, high), np.clip(c * g + d, least, most)

    def decades(self, time_s: float) -> float:
        """ln(t / t0). Raises InvalidMapping for a time before t0."""
        if not self.start_s <= time_s < math.inf:
            raise InvalidMapping(f"drift is modelled from {self.start_s:g} s after programming on; asked for {time_s:g} s")
        return math.log(time_s / self.start_s)

    def factor(self, conductance_s: Array, time_s: float, rng: np.random.Generator) -> Array:
        """(t / t0)^-nu of every cell, nu drawn once. Raises InvalidMapping for a time before t0."""
        mean, sigma = self.exponent(conductance_s)
        nu: Array = mean + sigma * rng.standard_normal(mean.shape)
        return np.exp(-nu * self.decades(time_s))

    def moments(self, conductance_s: Array, time_s: float) -> tuple[Array, Array]:
        """E[f] and E[f^2] of the factor f of every cell (log-normal). Raises InvalidMapping for a time before t0."""
        mean, sigma = self.exponent(conductance_s)
        span = self.decades(time_s)
        return np.exp(-mean * span + 0.5 * (sigma * span) ** 2), np.exp(-2 * mean * span + 2 * (sigma * span) ** 2)


def drift(device_model: str) -> Drift:
    """The published drift of this device model. Raises InvalidMapping for one that has none."""
    table = technology(MEMRISTORS)
    known = _ending(table, _DRIFT)
    if device_model not in known:
        raise InvalidMapping(f"no drift of device model '{device_model}'{nearest(device_model, known)}; there is that of {', '.join(known)}")
    (a, b, low, high), (c, d, least, most) = table.vector(f"{device_model}_drift_mean"), table.vector(f"{device_model}_drift_sigma")
    return Drift(table.number(device_model + _DRIFT), (a, b, low, high), (c, d, least, most), table.number(f"{device_model}_unit_s"))


@dataclass(frozen=True)
class StuckCells:
    """Shares of cells that stay at the least (off) and at the greatest (on) conductance. Raises InvalidChip for impossible shares."""

    off: float
    on: float

    def __post_init__(self) -> None:
        if not (self.off >= 0 and self.on >= 0 and self.off + self.on <= 1):
            raise InvalidChip(f"shares of stuck cells {self.off:g} and {self.on:g} must be 0 to 1 together")

    def apply(self, conductance_s: Array, low_s: float, high_s: float, rng: np.random.Generator) -> Array:
        """Conductances with cells stuck at random."""
        u = rng.random(conductance_s.shape)
        return np.where(u < self.off, low_s, np.where(u < self.off + self.on, high_s, conductance_s))


def read_noise(device_model: str) -> float:
    """Relative standard deviation from read to read of this device model. Raises InvalidMapping for one that has none."""
    table = technology(MEMRISTORS)
    known = _ending(table, _READ_NOISE)
    if device_model not in known:
        raise InvalidMapping(f"no read noise of device model '{device_model}'{nearest(device_model, known)}; there is that of {', '.join(known)}")
    return table.number(device_model + _READ_NOISE)


def has_drift(device_model: str) -> bool:
    """Whether a drift of this device model is published."""
    return device_model + _DRIFT in technology(MEMRISTORS).params


def has_read_noise(device_model: str) -> bool:
    """Whether noise from read to read of this device model is published."""
    return device_model + _READ_NOISE in technology(MEMRISTORS).params


def has_programming_error(device_model: str) -> bool:
    """Whether a programming error of this device model is published."""
    return device_model + _SIGMA in technology(MEMRISTORS).params
