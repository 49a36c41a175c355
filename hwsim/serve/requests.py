"""Request streams: when each request arrives, its prompt and the tokens that it asks for; from a file or made from a seed."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace, Location, nearest

COLUMNS = ("arrival_s", "prompt_tokens", "generated_tokens")
ARRIVALS = ("poisson", "constant", "bursty", "together")
MOST_TOKENS = 10_000_000


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


def read_requests(path: str | Path) -> Requests:
    """Read a CSV file with the columns ``arrival_s, prompt_tokens, generated_tokens`` (others are left alone; lines may begin with ``#``).

    Raises `InvalidTrace` with file, line and column.
    """
    file = Path(path)
    if not file.is_file():
        raise InvalidTrace(f"there is no request file '{file}'")
    with file.open(newline="", encoding="utf-8") as opened:
        lines = [(number, line) for number, line in enumerate(opened, start=1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise InvalidTrace(f"no header; the first line names the columns {', '.join(COLUMNS)}", location=Location(file.name))
    rows = list(csv.reader(line for _, line in lines))
    header = [name.strip() for name in rows[0]]
    for name in COLUMNS:
        if name not in header:
            raise InvalidTrace(f"no column '{name}'{nearest(name, header)}", location=Location(file.name, lines[0][0]))
    where = [header.index(name) for name in COLUMNS]
    found = [_row(row, where, len(header), Location(file.name, lines[i][0])) for i, row in enumerate(rows[1:], start=1)]
    for i, (before, after) in enumerate(pairwise(found), start=2):
        if after[0] < before[0]:
            raise InvalidTrace(f"arrives at {after[0]:g} s, before the request above", location=Location(file.name, lines[i][0], COLUMNS[0]))
    arrivals, prompts, generated = zip(*found, strict=True) if found else ((), (), ())
    return Requests(np.array(arrivals, dtype=np.float64), np.array(prompts, dtype=np.int64), np.array(generated, dtype=np.int64))


def _row(row: Sequence[str], where: Sequence[int], width: int, place: Location) -> tuple[float, int, int]:
    if len(row) != width:
        raise InvalidTrace(f"{len(row)} values under {width} columns", location=place)
    values: list[float] = []
    for column, index in zip(COLUMNS, where, strict=True):
        try:
            value = float(row[index])
        except ValueError:
            value = math.nan
        least = 0.0 if column == COLUMNS[0] else 1.0
        if not math.isfinite(value) or value < least or (column != COLUMNS[0] and (value != int(value) or value > MOST_TOKENS)):
            kind = "a time in seconds" if column == COLUMNS[0] else f"a whole number in 1..{MOST_TOKENS}"
            raise InvalidTrace(f"'{row[index].strip()}' is not {kind}", location=Location(place.file, place.line, column))
        values.append(value)
    return values[0], int(values[1]), int(values[2])


def write_requests(requests: Requests, path: str | Path) -> Path:
    """Write a stream in the form that `read_requests` reads; arrivals to the last bit. Returns the path."""
    lines = zip(requests.arrival_s.tolist(), requests.prompt_tokens.tolist(), requests.generated_tokens.tolist(), strict=True)
    Path(path).write_text("\n".join((",".join(COLUMNS), *(f"{a!r},{p},{g}" for a, p, g in lines))) + "\n", encoding="utf-8")
    return Path(path)


def synthetic(
    count: int, rate_per_s: float, prompt: float, generate: float, *, spread: float = 0.0, arrivals: str = "poisson", burst: float = 4.0,
    seed: int = 0,
) -> Requests:  # fmt: skip
    """Make `count` requests at a mean `rate_per_s`, with mean lengths `prompt` and `generate`.

    Lengths are lognormal with the coefficient of variation `spread` (0: all alike), rounded, at least 1. `arrivals`: ``poisson``; ``constant`` gaps;
    ``bursty``, gamma-distributed gaps with a coefficient of variation `burst`; ``together``, all at 0 s. Raises `InvalidTrace`.

    >>> stream = synthetic(3, 2.0, 100, 10, arrivals="constant")
    >>> stream.arrival_s.tolist(), stream.prompt_tokens.tolist()
    ([0.0, 0.5, 1.0], [100, 100, 100])
    """
    if count < 1:
        raise InvalidTrace(f"a stream has at least one request, got count {count}")
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
