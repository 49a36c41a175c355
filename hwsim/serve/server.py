"""Serving machines on SimPy: a queue, continuous batching, prefill and decode on one machine or on machines of their own.

A machine takes the oldest waiting request whenever a place in its batch and its cache are free, prefills it (alone, in one piece), and else runs
decode steps of all its sequences together. A prefill gives a request's first token. Steps in which nothing joins or leaves are run as one stretch
(`hwsim.serve.stretch`), cut at the end of the step in which a request arrives.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from hwsim.serve.requests import Requests
from hwsim.serve.step_cost import StepCosts
from hwsim.serve.stretch import advance

Process = Generator[Any, Any, None]
BOTH, PREFILL, DECODE = "both", "prefill", "decode"


@dataclass
class Ledger:
    """What happened to each request (arrays of shape (n,)): seconds of its first and last token, tokens given, times it ended, was preempted."""

    first_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    given: NDArray[np.int64]
    ends: NDArray[np.int64]
    preempted: NDArray[np.int64]

    @classmethod
    def of(cls, count: int) -> Ledger:
        """An empty ledger."""
        return cls(np.full(count, np.nan), np.full(count, np.nan), *(np.zeros(count, dtype=np.int64) for _ in range(3)))


@dataclass
class Line:
    """A waiting line, oldest first; `call` wakes the machines that serve it."""

    waiting: deque[int] = field(default_factory=deque)
    machines: list[Server] = field(default_factory=list)
    longest: int = 0

    def join(self, request: int, *, front: bool = False) -> None:
        """Put a request at the end (or the front) of the line and wake every machine that could take it."""
        (self.waiting.appendleft if front else self.waiting.append)(request)
        self.longest = max(self.longest, len(self.waiting))
        for machine in self.machines:
            machine.wake()


@dataclass
class Tally:
    """What a machine did: busy seconds of prefill and decode, dynamic joules, steps, sequence-steps, and its widest batch."""

    prefill_s: float = 0.0
    decode_s: float = 0.0
    joules: float = 0.0
    steps: int = 0
    sequence_steps: int = 0
    widest: int = 0
    cached_most: float = 0.0


class Server:
    """One machine. `role`: both, prefill or decode. `hand_over(request)` sends a prefilled request on (role prefill)."""

    def __init__(
        self, env: simpy.Environment, costs: StepCosts, requests: Requests, ledger: Ledger, line: Line, *, role: str = BOTH, paged: bool = False,
        hand_over: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        self.env, self.costs, self.requests, self.ledger, self.line = env, costs, requests, ledger, line
        self.role, self.paged, self.hand_over = role, paged, hand_over
        self.active: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.held = 0.0  # cached tokens of the active sequences
        self.promised = 0.0  # tokens that they may end with
        self.tally = Tally()
        self._idle: simpy.Event | None = None
        self._stretching = False
        line.machines.append(self)
        self.process = env.process(self._run())

    def wake(self) -> None:
        """Look at the line again: now when idle, after the running step when decoding with a free place."""
        if self._idle is not None:
            idle, self._idle = self._idle, None
            idle.succeed()
        elif self._stretching and self._takes(self.line.waiting[0]):
            self._stretching = False
            self.process.interrupt()

    def _run(self) -> Process:
        while True:
            if self.line.waiting and self._takes(self.line.waiting[0]):
                yield from self._admit(self.line.waiting.popleft())
            elif len(self.active):
                yield from self._decode()
            else:
                self._idle = self.env.event()
                yield self._idle

    def _length(self, request: int) -> int:
        """Tokens of a request that are known: its prompt and what it has been given."""
        return int(self.requests.prompt_tokens[request] + self.ledger.given[request])

    def _takes(self, request: int) -> bool:
        if self.role == PREFILL:
            return True
        if len(self.active) >= self.costs.max_batch:
            return False
        if self.paged:
            return self.held + self._length(request) + len(self.active) + 1 <= self.costs.capacity_tokens  # room for a step of all
        return self.promised + self._whole(request) <= self.costs.capacity_tokens

    def _whole(self, request: int) -> int:
        return int(self.requests.prompt_tokens[request] + self.requests.generated_tokens[request])

    def _admit(self, request: int) -> Process:
        """Prefill a request (again, when it was preempted) and put it into the batch, or hand it over."""
        if self.role != DECODE:
            seconds, joules = self.costs.prefill(self._length(request))
            self.tally.prefill_s += seconds
            self.tally.joules += joules
            yield self.env.timeout(seconds)
            self.ledger.given[request] += 1
            if np.isnan(self.ledger.first_s[request]):
                self.ledger.first_s[request] = self.env.now
            if self.ledger.given[request] == self.requests.generated_tokens[request]:
                self._end(request)
                return
            if self.hand_over is not None:
                self.hand_over(request)
                return
        self.active = np.append(self.active, request)
        self.held += self._length(request) - 1  # the newest token enters the cache in the next step
        self.promised += self._whole(request)
        self.tally.widest = max(self.tally.widest, len(self.active))

    def _end(self, request: int) -> None:
        self.ledger.end_s[request] = self.env.now
        self.ledger.ends[request] += 1

    def _decode(self) -> Process:
        """Run steps until a request ends, the cache is full, or one that can be taken arrives."""
        batch = len(self.active)
        left = int((self.requests.generated_tokens[self.active] - self.ledger.given[self.active]).min())
        if self.paged:
            room = int((self.costs.capacity_tokens - self.held) // batch)
            if room < 1:
                self._preempt()
                return
            left = min(left, room)
        found = np.empty(2)
        c = self.costs
        tables = (c.batches, c.contexts, c.decode_s, c.decode_j, batch, self.held)
        steps, began = advance(*tables, left, np.inf, found), self.env.now
        self._stretching = True
        try:
            yield self.env.timeout(found[0])
        except simpy.Interrupt:
            steps = advance(*tables, left, self.env.now - began, found)
            yield self.env.timeout(max(0.0, began + found[0] - self.env.now))
        self._stretching = False
        self._count(steps, batch, found)

    def _count(self, steps: int, batch: int, found: NDArray[np.float64]) -> None:
        """Book `steps` decode steps and let go of the requests that are done."""
        self.tally.decode_s += float(found[0])
        self.tally.joules += float(found[1])
        self.tally.steps += steps
        self.tally.sequence_steps += steps * batch
        self.held += steps * batch
        self.tally.cached_most = max(self.tally.cached_most, self.held)
        self.ledger.given[self.active] += steps
        done = self.ledger.given[self.active] == self.requests.generated_tokens[self.active]
        for request in self.active[done]:
            self._end(int(request))
            self._release(int(request))
        if done.any():
            self.active = self.active[~done]

    def _release(self, request: int) -> None:
        self.held -= self._length(request) - 1
        self.promised -= self._whole(request)

    def _preempt(self) -> None:
        """Send the newest sequence back to the head of the line; its cache is dropped, and its prefill will be done again."""
        request = int(self.active[-1])
        self._release(request)
        self.active = self.active[:-1]
        self.ledger.preempted[request] += 1
        self.line.join(request, front=True)
