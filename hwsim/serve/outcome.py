"""The outcome of serving: times of every request, percentiles, limits that were met, figures of the whole, a log."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping
from hwsim.serve.ledger import Work
from hwsim.serve.requests import Requests
from hwsim.serve.stretch import gap_percentile

SCHEMA = "hwsim.serving/1"
PERCENTILES = (50, 90, 95, 99)
SPREAD = ("time_to_first_token_s", "time_per_token_s", "latency_s", "queue_s")
LOG = ("arrival_s", "prompt_tokens", "generated_tokens", "queue_s", "time_to_first_token_s", "time_per_token_s", "latency_s", "preemptions")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What a user of the service is promised: seconds to the first token, and between tokens in the mean over a request (inf: nothing).

    Raises `InvalidMapping` for a limit that is no positive time.
    """

    first_token_s: float = math.inf
    per_token_s: float = math.inf

    def __post_init__(self) -> None:
        for name, value in (("first token", self.first_token_s), ("time per token", self.per_token_s)):
            if not value > 0:
                raise InvalidMapping(f"a limit on the {name} is a positive time, got {value:g} s")

    @property
    def stated(self) -> bool:
        """Whether there is any limit."""
        return min(self.first_token_s, self.per_token_s) < math.inf


@dataclass(frozen=True)
class Serving:
    """The outcome. Arrays of shape (n,), in the order of the requests (with a fixed concurrency, arrivals are when they were let in).

    Seconds in the queue (to the start of the prefill), to the first token, between tokens in the mean over the request (NaN for one token), to the
    last. `figures` are the totals by name (SI units); `machines` one mapping of figures per machine; `gaps` counts every gap between two tokens of
    a request (`hwsim.serve.stretch`). Times and limits leave out the first `warmup` requests; totals and joules are those of all. `interval`, where
    it was asked for, holds low and high of figures, times and limits by name; `spans` each machine's stretches of work.
    """

    requests: Requests
    queue_s: Floats
    time_to_first_token_s: Floats
    time_per_token_s: Floats
    latency_s: Floats
    preemptions: NDArray[np.int64]
    gaps: NDArray[np.int64]
    figures: Mapping[str, float]
    machines: tuple[Mapping[str, Any], ...]
    assumptions: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())
    limits: Limits = field(default_factory=Limits)
    warmup: int = 0
    interval: Mapping[str, Any] = field(default_factory=dict)
    spans: tuple[tuple[Work, ...], ...] = ()

    def percentiles(self) -> dict[str, dict[str, float]]:
        """Mean and percentiles of each time, by name: ``mean``, ``p50``, ``p90``, ``p95``, ``p99``.

        Of the times over requests, those of numpy (linear between neighbours). ``gap_s`` is over all tokens but first ones of all requests: no mean,
        percentiles to 1 %; a prefill that stalls a machine shows there, not in the mean of a request.
        """
        found = {}
        for name in SPREAD:
            values = getattr(self, name)[self.warmup :]
            values = values[~np.isnan(values)]
            if len(values):
                found[name] = {"mean": float(values.mean())} | {f"p{q}": float(np.percentile(values, q)) for q in PERCENTILES}
        if self.gaps.any():
            found["gap_s"] = {f"p{q}": gap_percentile(self.gaps, q) for q in PERCENTILES}
        return found

    def goodput(self) -> dict[str, float]:
        """Share of the requests within the limits, the shares within each, and requests a second within both; empty without limits."""
        if not self.limits.stated:
            return {}
        first = self.time_to_first_token_s[self.warmup :] <= self.limits.first_token_s
        per = ~(self.time_per_token_s[self.warmup :] > self.limits.per_token_s)  # one token has no time between
        share = float((first & per).mean())
        return {
            "within_limits": share, "within_first_token_limit": float(first.mean()), "within_per_token_limit": float(per.mean()),
            "goodput_requests_per_s": share * self.figures["requests_per_s"],
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain data of the form ``hwsim.serving/1``."""
        limits = {k: v for k, v in vars(self.limits).items() if v < math.inf}
        return {
            "schema": SCHEMA, "requests": len(self.requests), "warmup": self.warmup, **self.figures, "times": self.percentiles(),
            **({"limits": {**limits, **self.goodput()}} if limits else {}),
            **({"interval": dict(self.interval)} if self.interval else {}), "machines": [dict(m) for m in self.machines],
            "assumptions": list(self.assumptions), "warnings": list(self.warnings),
        }  # fmt: skip

    def write_log(self, path: str | Path) -> Path:
        """Write one line of CSV per request (`LOG`; an empty field: no such time). Returns the path."""
        times = [getattr(self, name).tolist() for name in LOG[3:7]]
        r = self.requests
        rows = zip(r.arrival_s.tolist(), r.prompt_tokens.tolist(), r.generated_tokens.tolist(), *times, self.preemptions.tolist(), strict=True)
        with Path(path).open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened)
            writer.writerow(LOG)
            writer.writerows(["" if v != v else v for v in row] for row in rows)  # NaN differs from itself
        return Path(path)
