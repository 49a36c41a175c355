"""Which points of a space are looked at: the whole grid, or points drawn by a seeded sampler, the same whatever part is asked for."""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from hwsim.core.errors import HwsimError
from hwsim.explore.column import Codes, Floats

SAMPLINGS = ("grid", "random", "latin_hypercube", "sobol")
BLOCK = 4096


def grid_digits(index: Codes, sizes: tuple[int, ...]) -> list[Codes]:
    """The digits of grid points `index` (n,) in the mixed radix `sizes`, the last the fastest. O(n x axes)."""
    digits: list[Codes] = []
    for size in reversed(sizes):
        digits.append(index % size)
        index = index // size
    return digits[::-1]


def draw(sampling: str, index: Codes, points: int, axes: int, seed: int) -> Floats:
    """The samples number `index` (n,) of `points`, as (n, axes) fractions of [0, 1).

    ``random`` and ``sobol`` need memory for the samples asked for, ``latin_hypercube`` for all. Raises `HwsimError` when SciPy is missing.
    """
    if not axes or not len(index):
        return np.zeros((len(index), axes))
    if sampling == "random":
        return np.concatenate([_random(int(block), axes, seed)[index[index // BLOCK == block] % BLOCK] for block in _runs(index // BLOCK)])
    if sampling == "latin_hypercube":
        return _latin_hypercube(points, axes, seed)[index]
    return np.concatenate([_sobol(int(block), axes, seed)[index[index // BLOCK == block] % BLOCK] for block in _runs(index // BLOCK)])


def _runs(blocks: Codes) -> Codes:
    """The blocks of a rising index, each once. Raises `HwsimError` when the index does not rise."""
    if (np.diff(blocks) < 0).any():
        raise HwsimError("sampled points are asked for in rising order")
    return np.unique(blocks)


@lru_cache(maxsize=32)
def _random(block: int, axes: int, seed: int) -> Floats:
    return np.random.default_rng([seed, block]).random((BLOCK, axes))


@lru_cache(maxsize=1)
def _latin_hypercube(points: int, axes: int, seed: int) -> Floats:
    drawn: Floats = qmc().LatinHypercube(d=axes, rng=np.random.default_rng(seed)).random(points)
    return drawn


@lru_cache(maxsize=32)
def _sobol(block: int, axes: int, seed: int) -> Floats:
    sampler = qmc().Sobol(d=axes, scramble=True, rng=np.random.default_rng(seed))
    if block:
        sampler.fast_forward(block * BLOCK)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # balance: the whole sequence is drawn, block by block
        drawn: Floats = sampler.random(BLOCK)
    return np.minimum(drawn, np.nextafter(1.0, 0.0))


def qmc() -> Any:
    """SciPy's quasi-Monte-Carlo module. Raises `HwsimError` when the extra ``search`` is not installed."""
    try:
        from scipy.stats import qmc as found  # noqa: PLC0415  (an extra)
    except ImportError:
        raise HwsimError("latin_hypercube and sobol sampling need SciPy: pip install 'hwsim[search]' (random and grid do without)") from None
    return found
