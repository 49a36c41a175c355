"""Serving machines on SimPy: a queue, continuous batching, prefill and decode on one machine or on machines of their own.

A machine takes the oldest waiting request whenever a place in its batch and its cache are free, prefills it (alone, in one piece), and else runs
decode steps of all its sequences together. A prefill gives a request's first token. Steps in which nothing joins or leaves are run as one stretch
(`hwsim.serve.stretch`), cut at the end of the step in which a request arrives. `hwsim.serve.chunked` splits prompts over the steps instead.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, nearest
from hwsim.serve.ledger import Ledger, Line, Tally
from hwsim.serve.requests import Requests
from hwsim.serve.step_cost import StepCosts
from hwsim.serve.stretch import advance, count_gaps

Process = Generator[Any, Any, None]
BOTH, PREFILL, DECODE = "both", "prefill", "decode"
BATCHING = ("continuous", "static")


@dataclass(frozen=True)
class Policy:
    """How a machine takes requests.

    A machine keeps room for each request's whole length, or, `paged`, takes requests while the cache has room and preempts the newest when it is
    full. `chunk`: at most so many tokens go through one step, those of decoding sequences first, prompts in pieces in what is left (0: prompts in
    one piece, alone). `batching`: ``continuous``, requests join and leave at any step; ``static``, a batch is taken together, and the next one when
    all of it has ended. Raises `InvalidMapping`.
    """

    paged: bool = False
    chunk: int = 0
    batching: str = "continuous"

    def __post_init__(self) -> None:
        if self.chunk < 0:
            raise InvalidMapping(f"chunk is a number of tokens (0: prompts in one piece), got {self.chunk}")
        if self.batching not in BATCHING:
            raise InvalidMapping(f"batching is one of {', '.join(BATCHING)}, got '{self.batching}'{nearest(self.batching, BATCHING)}")
        if self.chunk and self.batching == "static":
            raise InvalidMapping("prompts in chunks share steps with decoding sequences: batching must be continuous")


class Server:
    """One machine. `role`: both, prefill or decode. `hand_over(request)` sends a prefilled request on (role prefill)."""

    def __init__(
        self, env: simpy.Environment, costs: StepCosts, requests: Requests, ledger: Ledger, line: Line, *, role: str = BOTH,
        policy: Policy | None = None, hand_over: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        self.env, self.costs, self.requests, self.ledger, self.line = env, costs, requests, ledger, line
        self.role, self.policy, self.hand_over = role, policy or Policy(), hand_over
        self.active: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self.held = 0.0  # cached tokens of the sequences on the machine
        self.promised = 0.0  # tokens that they may end with
        self.tally = Tally()
        self._laid = ""  # phase for which the model lies on the chip
        self._closed = False  # static batching: the batch runs
        self._idle: simpy.Event | None = None
        self._stretching = False
        most = int(requests.generated_tokens.max())
        self._step_s, self._step_j = np.zeros(most), np.zeros(most)
        line.machines.append(self)
        self.process = env.process(self.run())

    def wake(self) -> None:
        """Look at the line again: now when idle, after the running step when decoding with a free place."""
        if self._idle is not None:
            idle, self._idle = self._idle, None
            idle.succeed()
        elif self._stretching and self.takes(self.line.waiting[0]):
            self._stretching = False
            self.process.interrupt()

    def run(self) -> Process:
        """Serve for ever: prefill what can be taken, else decode, else wait."""
        while True:
            if self.line.waiting and self.takes(self.line.waiting[0]):
                yield from self._admit(self.line.waiting.popleft())
            elif len(self.active):
                yield from self.decode()
            else:
                yield from self.wait()

    def wait(self) -> Process:
        """Idle until a request joins the line."""
        self._idle = self.env.event()
        yield self._idle

    def length(self, request: int) -> int:
        """Tokens of a request that are known: its prompt and what it has been given."""
        return int(self.requests.prompt_tokens[request] + self.ledger.given[request])

    def takes(self, request: int) -> bool:
        """Whether a place in the batch and room in the cache are free for it."""
        if self.role == PREFILL:
            return True
        if self._closed or self.sequences >= self.costs.max_batch:
            return False
        if self.policy.paged:
            return self.held + self.length(request) + self.sequences + 1 <= self.costs.capacity_tokens  # room for a step of all
        return self.promised + self.whole(request) <= self.costs.capacity_tokens

    @property
    def sequences(self) -> int:
        """Sequences on the machine."""
        return len(self.active)

    def whole(self, request: int) -> int:
        """Tokens that a request ends with."""
        return int(self.requests.prompt_tokens[request] + self.requests.generated_tokens[request])

    def lay(self, phase: str) -> Process:
        """Lay the model out for a phase, where prefill and decode lie on the chip in different ways."""
        if self._laid and self._laid != phase and self.costs.switch_s:
            self.tally.switch_s += self.costs.switch_s
            self.tally.joules += self.costs.switch_j
            self.tally.work("switch", f"to {phase}", self.env.now, self.costs.switch_s)
            yield self.env.timeout(self.costs.switch_s)
        self._laid = phase

    def _admit(self, request: int) -> Process:
        """Prefill a request (again, when it was preempted) and put it into the batch, or hand it over."""
        if self.role != DECODE:
            yield from self.lay(PREFILL)
            self.ledger.start(request, self.env.now)
            seconds, joules = self.costs.prefill(self.length(request))
            self.tally.prefill_s += seconds
            self.tally.joules += joules
            self.tally.work(PREFILL, f"request {request}: {self.length(request)} tokens", self.env.now, seconds)
            yield self.env.timeout(seconds)
            if self.first_token(request):
                return
            if self.hand_over is not None:
                self.hand_over(request)
                return
        self.held += self.length(request) - 1  # the newest token enters the cache in the next step
        self.promised += self.whole(request)
        self.join(request)

    def first_token(self, request: int) -> bool:
        """Book the token that a prefill gives; whether it was the last."""
        self.ledger.token(request, self.env.now)
        last = bool(self.ledger.given[request] == self.requests.generated_tokens[request])
        if last:
            self.ledger.end(request, self.env.now)
        return last

    def join(self, request: int) -> None:
        """Put a sequence into the batch."""
        self.active = np.append(self.active, request)
        self.tally.widest = max(self.tally.widest, len(self.active))
        self.tally.cached_most = max(self.tally.cached_most, self.held)

    def decode(self) -> Process:
        """Run steps until a request ends, the cache is full, or one that can be taken arrives."""
        yield from self.lay(DECODE)
        batch = len(self.active)
        left = int((self.requests.generated_tokens[self.active] - self.ledger.given[self.active]).min())
        if self.policy.paged:
            room = int((self.costs.capacity_tokens - self.held) // batch)
            if room < 1:
                self.preempt()
                return
            left = min(left, room)
        self._closed = self.policy.batching == "static"
        horizon = 0.0 if self.line.waiting and self.takes(self.line.waiting[0]) else np.inf  # one that came while the model was laid out
        c = self.costs
        steps = advance(c.batches, c.contexts, c.decode_s, c.decode_j, batch, self.held, left, horizon, self._step_s, self._step_j)
        began, ends = self.env.now, np.cumsum(self._step_s[:steps])
        self._stretching = True
        try:
            yield self.env.timeout(float(ends[-1]))
        except simpy.Interrupt:
            steps = 1 + int(np.searchsorted(ends[:-1], self.env.now - began))
            yield self.env.timeout(max(0.0, began + float(ends[steps - 1]) - self.env.now))
        self._stretching = False
        self.tally.decode_s += float(ends[steps - 1])
        self.tally.work(DECODE, f"{batch} sequences, {steps} steps", began, float(ends[steps - 1]))
        self.book(steps, began, self._step_s, float(np.cumsum(self._step_j[:steps])[-1]))

    def book(self, steps: int, began: float, step_s: NDArray[np.float64], joules: float) -> None:
        """Book `steps` decode steps of the batch, which have just ended, and let go of the requests that are done."""
        batch = len(self.active)
        count_gaps(self.ledger.gaps, self.ledger.newest_s[self.active], began, step_s, steps)
        self.ledger.newest_s[self.active] = self.env.now
        self.tally.joules += joules
        self.tally.steps += steps
        self.tally.sequence_steps += steps * batch
        self.held += steps * batch
        self.tally.cached_most = max(self.tally.cached_most, self.held)
        self.ledger.given[self.active] += steps
        done = self.ledger.given[self.active] == self.requests.generated_tokens[self.active]
        if done.any():
            gone = self.active[done]
            self.active = self.active[~done]
            for request in gone.tolist():
                self.release(request)
                self.ledger.end(request, self.env.now)
        self._closed = self._closed and len(self.active) > 0

    def release(self, request: int) -> None:
        """Free the cache of a sequence that leaves."""
        self.held -= self.length(request) - 1
        self.promised -= self.whole(request)

    def preempt(self) -> None:
        """Send the newest sequence back to the head of the line; its cache is dropped, and its prefill will be done again."""
        request = int(self.active[-1])
        self.release(request)
        self.active = self.active[:-1]
        self.ledger.preempted[request] += 1
        self.line.join(request, front=True)
