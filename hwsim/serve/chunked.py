"""A machine whose prompts go through its steps in chunks, beside the sequences that decode: no decode step waits for a whole prompt.

Each step takes at most `Policy.chunk` tokens: one of every decoding sequence first, then tokens of the oldest unfinished prompts (several, when they
are short). A step with tokens of prompts is priced by `StepCosts.mixed`; steps without run as stretches. The schedule is that of Sarathi-Serve
(Agrawal et al., OSDI 2024), which vLLM's engine follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.serve.server import PREFILL, Process, Server
from hwsim.serve.step_cost import Chunk


@dataclass
class Filling:
    """A request whose prompt is being read: `done` of `total` tokens are in the cache (a preempted one's own tokens count as prompt)."""

    request: int
    total: int
    done: int = 0


class ChunkedServer(Server):
    """One machine that prefills in chunks and decodes."""

    filling: list[Filling]

    def run(self) -> Process:
        """Serve for ever: mixed steps while a prompt is unfinished, else decode, else wait."""
        self.filling = []
        while True:
            self._take()
            if self.filling:
                yield from self._mixed()
            elif len(self.active):
                yield from self.decode()
            else:
                yield from self.wait()

    @property
    def sequences(self) -> int:
        """Sequences on the machine, those whose prompt is being read included."""
        return len(self.active) + len(self.filling)

    def _take(self) -> None:
        """Take waiting requests as long as the tokens of a step are not used up."""
        room = self.policy.chunk - len(self.active) - sum(f.total - f.done for f in self.filling)
        while room > 0 and self.line.waiting and self.takes(self.line.waiting[0]):
            request = self.line.waiting.popleft()
            self.filling.append(Filling(request, self.length(request)))
            self.held += self.length(request)
            self.promised += self.whole(request)
            room -= self.length(request)

    def _mixed(self) -> Process:
        """Run one step of all decoding sequences and of chunks of the unfinished prompts."""
        while len(self.active) and self.held + len(self.active) > self.costs.capacity_tokens:
            self.preempt()
        yield from self.lay(PREFILL)
        batch = len(self.active)
        room = self.policy.chunk - batch
        chunks: list[Chunk] = []
        for one in self.filling:
            new = min(room, one.total - one.done)
            if new <= 0:
                break
            self.ledger.start(one.request, self.env.now)
            chunks.append((one.done, new))
            room -= new
        context = self._decoding() / batch + 1.0 if batch else 0.0
        seconds, joules = self.costs.mixed(batch, context, chunks)
        began = self.env.now
        yield self.env.timeout(seconds)
        self.tally.mixed_s += seconds
        self.tally.work("mixed", f"{batch} sequences, {sum(n for _, n in chunks)} tokens of {len(chunks)} prompts", began, seconds)
        if batch:
            self.book(1, began, np.array([seconds]), joules)
        else:
            self.tally.joules += joules
            self.tally.steps += 1
        for one, (_, new) in zip(self.filling, chunks, strict=False):
            one.done += new
        for one in [f for f in self.filling if f.done == f.total]:
            self._fill(one)

    def _decoding(self) -> float:
        """Cached tokens of the sequences that decode."""
        return self.held - sum(f.total for f in self.filling)

    def _fill(self, one: Filling) -> None:
        """A prompt is read: it gives a token, and its request joins the batch or ends."""
        self.filling.remove(one)
        if self.first_token(one.request):
            self.release(one.request)
        else:
            self.join(one.request)
