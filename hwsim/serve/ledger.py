"""What is written down while requests are served: each request's times, the waiting line, and what each machine did."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hwsim.serve.stretch import BINS, count_gaps

NO_TIME = np.zeros(1)
Work = tuple[str, str, float, float]


@dataclass
class Ledger:
    """What happened to each request, arrays of shape (n,), and the number of requests in the system over time.

    Seconds of arrival, of the start of its first prefill, of its first, newest and last token; tokens given; times it ended, was preempted. `gaps`
    counts the gaps between tokens by length (`hwsim.serve.stretch`). `ended` is called with each request that ends.
    """

    arrive_s: NDArray[np.float64]
    start_s: NDArray[np.float64]
    first_s: NDArray[np.float64]
    newest_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    given: NDArray[np.int64]
    ends: NDArray[np.int64]
    preempted: NDArray[np.int64]
    gaps: NDArray[np.int64]
    inside: int = 0
    inside_most: int = 0
    inside_s: float = 0.0  # integral of `inside` over time
    ended: Callable[[int], None] | None = None
    _at: float = 0.0

    @classmethod
    def of(cls, count: int) -> Ledger:
        """An empty ledger."""
        def times() -> NDArray[np.float64]:
            return np.full(count, np.nan)

        def numbers(size: int = count) -> NDArray[np.int64]:
            return np.zeros(size, dtype=np.int64)

        return cls(times(), times(), times(), times(), times(), numbers(), numbers(), numbers(), numbers(BINS))

    def arrive(self, request: int, now: float) -> None:
        """A request enters the system."""
        self.arrive_s[request] = now
        self._count(1, now)

    def start(self, request: int, now: float) -> None:
        """Its prefill begins (the first time counts)."""
        if np.isnan(self.start_s[request]):
            self.start_s[request] = now

    def token(self, request: int, now: float) -> None:
        """A prefill gives a token: the request's first, or the next one after it was preempted."""
        self.given[request] += 1
        if np.isnan(self.first_s[request]):
            self.first_s[request] = now
        else:
            count_gaps(self.gaps, self.newest_s[request : request + 1], now, NO_TIME, 1)
        self.newest_s[request] = now

    def end(self, request: int, now: float) -> None:
        """A request has its last token."""
        self.end_s[request] = now
        self.ends[request] += 1
        self._count(-1, now)
        if self.ended is not None:
            self.ended(request)

    def _count(self, change: int, now: float) -> None:
        self.inside_s += self.inside * (now - self._at)
        self._at = now
        self.inside += change
        self.inside_most = max(self.inside_most, self.inside)


class Waker(Protocol):
    """Something that looks at a line again when a request joins it."""

    def wake(self) -> None:
        """Look at the line."""


@dataclass
class Line:
    """A waiting line, oldest first; whoever joins it wakes the machines that serve it."""

    waiting: deque[int] = field(default_factory=deque)
    machines: list[Waker] = field(default_factory=list)
    longest: int = 0

    def join(self, request: int, *, front: bool = False) -> None:
        """Put a request at the end (or the front) of the line and wake every machine that could take it."""
        (self.waiting.appendleft if front else self.waiting.append)(request)
        self.longest = max(self.longest, len(self.waiting))
        for machine in self.machines:
            machine.wake()


@dataclass
class Tally:
    """What a machine did: busy seconds of prefill, decode, mixed steps and changes between layouts, dynamic joules, steps, sequence-steps.

    Also its widest batch, the most tokens that its cache held, and, where they are kept, its stretches of work: (phase, what, start and length in s).
    """

    prefill_s: float = 0.0
    decode_s: float = 0.0
    mixed_s: float = 0.0
    switch_s: float = 0.0
    joules: float = 0.0
    steps: int = 0
    sequence_steps: int = 0
    widest: int = 0
    cached_most: float = 0.0
    spans: list[Work] | None = None

    def work(self, phase: str, what: str, start_s: float, seconds: float) -> None:
        """Keep a stretch of work, if they are kept."""
        if self.spans is not None:
            self.spans.append((phase, what, start_s, seconds))

    @property
    def busy_s(self) -> float:
        """Seconds of work."""
        return self.prefill_s + self.decode_s + self.mixed_s + self.switch_s
