"""Mean and variance of a Gaussian conductance that cannot leave its range: all that falls outside sits on the bound."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit, part

Array = NDArray[np.float64]
FAR = 40.0  # standard deviations beyond which a normal distribution has no weight in double precision


@part
def clipped(mean: float, sigma: float, low: float, high: float) -> tuple[float, float]:
    """Mean and variance of min(max(N(mean, sigma), low), high); `high` may be infinite, sigma 0."""
    if sigma <= 0.0:
        return min(max(mean, low), high), 0.0
    a, b = max((low - mean) / sigma, -FAR), min((high - mean) / sigma, FAR)
    if a >= FAR or b <= -FAR:
        return (low if a >= FAR else high), 0.0
    below, above = 0.5 * math.erfc(-a / math.sqrt(2.0)), 0.5 * math.erfc(b / math.sqrt(2.0))
    density_a, density_b = math.exp(-0.5 * a * a) / math.sqrt(2 * math.pi), math.exp(-0.5 * b * b) / math.sqrt(2 * math.pi)
    # in units of sigma around the mean, so that no large numbers are subtracted
    first = density_a - density_b + a * below + b * above
    second = max(1.0 - below - above, 0.0) + a * density_a - b * density_b + a * a * below + b * b * above
    return mean + sigma * first, sigma * sigma * max(second - first * first, 0.0)


@jit
def clipped_moments(mean: Array, sigma: Array, low: float, high: float) -> tuple[Array, Array]:
    """`clipped` of every element; flat arrays of equal length."""
    means, variances = np.empty_like(mean), np.empty_like(mean)
    for k in range(mean.size):
        means[k], variances[k] = clipped(mean[k], sigma[k], low, high)
    return means, variances


@jit
def mean_absolute(mean: Array, sigma: Array) -> Array:
    """E|N(mean, sigma)| of every element (folded normal distribution)."""
    found = np.empty_like(mean)
    for k in range(mean.size):
        if sigma[k] <= 0.0:
            found[k] = abs(mean[k])
        else:
            z = mean[k] / sigma[k]
            found[k] = sigma[k] * math.sqrt(2 / math.pi) * math.exp(-0.5 * z * z) + mean[k] * math.erf(z / math.sqrt(2.0))
    return found
