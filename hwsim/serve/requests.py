"""Request streams: when each request arrives, its prompt and the tokens that it asks for; made from a seed here, read by `request_file`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace, nearest

ARRIVALS = ("poisson", "constant", "bursty", "together")
MOST_TOKENS = 10_000_000
MOST_REQUESTS = 10_000_000


@dataclass(frozen=True)
class Requests:
    """Requests in the order of their arrival: arrays of shape (n,).

    Raises `InvalidTrace` for no request, unlike lengths, arrivals that are negative or go backwards, and lengths below 1.
    """

    arrival_s: NDArray[np.float64]
    prompt_tokens: NDArray[np.int64]
    generated_tokens: NDArray[np.int64]

    def __post_init__(self) -> None:
        if not len(self.arrival_s) == len(self.prompt_tokens) == len(self.generated_tokens) > 0:
            raise InvalidTrace("a stream has at least one request, and as many arrivals as prompts and generations")
        if not np.isfinite(self.arrival_s).all() or self.arrival_s[0] < 0 or (np.diff(self.arrival_s) < 0).any():
            raise InvalidTrace("arrivals are finite, not negative, and in order")
        if min(self.prompt_tokens.min(), self.generated_tokens.min()) < 1:
            raise InvalidTrace("every request has a prompt and generates at least one token")

    def __len__(self) -> int:
        return len(self.arrival_s)

    @property
    def longest(self) -> int:
        """Most tokens that one request ends with."""
        return int((self.prompt_tokens + self.generated_tokens).max())

    def at_rate(self, rate_per_s: float) -> Requests:
        """Return the stream with its arrivals squeezed or stretched to a mean rate, from 0 s on; bursts stay bursts.

        Raises `InvalidTrace` for a rate that is not positive, and for a stream whose requests arrive all at once.
        """
        span = float(self.arrival_s[-1] - self.arrival_s[0])
        if not 0 < rate_per_s < math.inf or not span:
            raise InvalidTrace(f"a rate is positive, and of requests that arrive one after another; got {rate_per_s:g} over {span:g} s")
        scale = (len(self) - 1) / rate_per_s / span
        return Requests((self.arrival_s - self.arrival_s[0]) * scale, self.prompt_tokens, self.generated_tokens)

    def clipped(self, most: int) -> Requests:
        """Return the stream with no request longer than `most` tokens: prompts are cut to one less, then generations to what is left.

        Raises `InvalidTrace` for fewer than two tokens.
        """
        if most < 2:
            raise InvalidTrace(f"a request has two tokens at least, and cannot be cut to {most}")
        prompts = np.minimum(self.prompt_tokens, most - 1)
        return Requests(self.arrival_s, prompts, np.minimum(self.generated_tokens, most - prompts))


def synthetic(
    count: int, rate_per_s: float, prompt: float, generate: float, *, spread: float = 0.0, arrivals: str = "poisson", burst: float = 4.0,
    seed: int = 0,
) -> Requests:  # fmt: skip
    """Make `count` requests at a mean `rate_per_s`, with mean lengths `prompt` and `generate`.

    Lengths are lognormal with the coefficient of variation `spread` (0: all alike), rounded, at least 1. `arrivals`: ``poisson``; ``constant`` gaps;
    ``bursty``, gamma-distributed gaps with a coefficient of variation `burst`; ``together``, all at 0 s. The first request arrives at 0 s. Raises
    `InvalidTrace`.

    >>> stream = synthetic(3, 2.0, 100, 10, arrivals="constant")
    >>> stream.arrival_s.tolist(), stream.prompt_tokens.tolist()
    ([0.0, 0.5, 1.0], [100, 100, 100])
    """
    if not 1 <= count <= MOST_REQUESTS:
        raise InvalidTrace(f"a stream has 1 to {MOST_REQUESTS} requests, got count {count}")
    if arrivals not in ARRIVALS:
        raise InvalidTrace(f"arrivals are one of {', '.join(ARRIVALS)}, got '{arrivals}'{nearest(arrivals, ARRIVALS)}")
    for name, value in (("rate", rate_per_s), ("burst", burst)):
        if not 0 < value < math.inf:
            raise InvalidTrace(f"{name} must be positive, got {value:g}")
    for name, value in (("prompt", prompt), ("generate", generate)):
        if not 1 <= value <= MOST_TOKENS:
            raise InvalidTrace(f"{name} must be in 1..{MOST_TOKENS} tokens, got {value:g}")
    if not 0 <= spread <= 10:
        raise InvalidTrace(f"spread is a coefficient of variation in 0..10, got {spread:g}")
    if seed < 0:
        raise InvalidTrace(f"seed must not be negative, got {seed}")
    rng = np.random.default_rng(seed)
    gaps = _gaps(rng, count, 1 / rate_per_s, arrivals, burst)
    return Requests(np.concatenate(([0.0], np.cumsum(gaps))), _lengths(rng, count, prompt, spread), _lengths(rng, count, generate, spread))


def _gaps(rng: np.random.Generator, count: int, mean: float, arrivals: str, burst: float) -> NDArray[np.float64]:
    if arrivals == "together":
        return np.zeros(count - 1)
    if arrivals == "constant":
        return np.full(count - 1, mean)
    if arrivals == "bursty":
        return np.asarray(rng.gamma(burst**-2, mean * burst**2, count - 1))
    return np.asarray(rng.exponential(mean, count - 1))


def _lengths(rng: np.random.Generator, count: int, mean: float, spread: float) -> NDArray[np.int64]:
    """Lognormal lengths of this mean and coefficient of variation: sigma^2 = ln(1 + cv^2), mu = ln(mean) - sigma^2 / 2."""
    variance = math.log1p(spread**2)
    drawn = rng.lognormal(math.log(mean) - variance / 2, math.sqrt(variance), count)
    return np.clip(np.rint(drawn), 1, MOST_TOKENS).astype(np.int64)
