"""Products of which each is that of a new programming: errors of its cells, common to all slices of its input, with stuck cells.

The current of column j in slice t is sum_i x_ti g_ij. For independent cells that are not stuck, the slices are Gaussian together with covariances
sum_i x_ti x_ui v_ij; noise of reads adds to the variances alone. Stuck cells (each with its probability) are drawn one by one: each takes its
variance out of the covariance and puts its own conductance in place of the mean.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hwsim.engine.jit import jit
from hwsim.targets.crossbar.functional.programming import Cells

Array = NDArray[np.float64]
Singles = NDArray[np.float32]


@jit
def _root(c: Array) -> None:
    """Cholesky factor in place (lower); directions without variance stay without."""
    n = c.shape[0]
    for t in range(n):
        pivot = c[t, t]
        for k in range(t):
            pivot -= c[t, k] * c[t, k]
        root = math.sqrt(pivot) if pivot > 1e-9 * (c[t, t] + 1e-30) else 0.0
        for u in range(t + 1, n):
            value = c[u, t]
            for k in range(t):
                value -= c[u, k] * c[t, k]
            c[u, t] = value / root if root > 0.0 else 0.0
        c[t, t] = root


@jit
def _accumulate(c: Array, x: Array, b: int, i: int, variance: float) -> None:
    """Add x_t x_u variance of one cell to the lower half of a covariance; `x`: (slices, reads, inputs)."""
    for t in range(x.shape[0]):
        if x[t, b, i] != 0.0:
            for u in range(t + 1):
                c[t, u] += variance * x[t, b, i] * x[u, b, i]


@jit
def _errors(
    x: Array, mean: Singles, variance: Singles, factor: Singles, spread: Singles, off: float, on: float, low: float, high: float,
    read_noise: float, offset_variance: float, rng: np.random.Generator, current: Array,
) -> None:
    """Add the errors of a new programming per read to `current` (slices, reads, outputs); cells: (inputs, outputs, polarity)."""
    slices, reads, inputs = x.shape
    outputs, polarity = mean.shape[1], mean.shape[2]
    noisy, stuck = read_noise * read_noise, off + on
    c, d = np.empty((slices, slices)), np.empty(slices)
    for b in range(reads):
        for j in range(outputs):
            c[:, :] = 0.0
            d[:] = 0.0
            for i in range(inputs):
                held = seen = 0.0
                for s in range(polarity):
                    held += variance[i, j, s]
                    seen += noisy * (variance[i, j, s] + mean[i, j, s] ** 2)
                if held > 0.0:
                    _accumulate(c, x, b, i, held)
                if seen > 0.0:
                    for t in range(slices):
                        d[t] += seen * x[t, b, i] ** 2
            cell = -1
            while stuck > 0.0:
                cell += 1 + (int(math.log(1.0 - rng.random()) / math.log1p(-stuck)) if stuck < 1.0 else 0)
                if cell >= inputs * polarity:
                    break
                i, s = cell // polarity, cell % polarity
                kept = factor[i, j, s] * (low if rng.random() * stuck < off else high)
                kept += math.sqrt(spread[i, j, s]) * kept * rng.standard_normal()
                _accumulate(c, x, b, i, -variance[i, j, s])
                change = (kept - mean[i, j, s]) * (1.0 if s == 0 else -1.0)
                seen = noisy * (kept * kept - variance[i, j, s] - mean[i, j, s] ** 2)
                for t in range(slices):
                    current[t, b, j] += change * x[t, b, i]
                    d[t] += seen * x[t, b, i] ** 2
            _root(c)
            offset = math.sqrt(offset_variance) * rng.standard_normal() if offset_variance > 0.0 else 0.0
            for t in range(slices):
                d[t] = offset + (math.sqrt(d[t]) * rng.standard_normal() if d[t] > 0.0 else 0.0)
            for t in range(slices):
                if c[t, t] > 0.0:
                    drawn = rng.standard_normal()
                    for u in range(t, slices):
                        d[u] += c[u, t] * drawn
            for t in range(slices):
                current[t, b, j] += d[t]


def add_errors(cells: Cells, digit: int, rows: slice, x: Array, offset_variance: float, rng: np.random.Generator, current: Array) -> None:
    """Add the errors of a new programming per read to the mean currents (slices, reads, outputs), in place; `x`: (slices, reads, inputs)."""
    every = (cells.mean, cells.variance, cells.factor, cells.spread)
    mean, variance, factor, spread = (np.ascontiguousarray(a[digit, rows]) for a in every)
    off, on = cells.stuck.off, cells.stuck.on
    _errors(x, mean, variance, factor, spread, off, on, cells.low, cells.high, cells.read_noise, offset_variance, rng, current)
