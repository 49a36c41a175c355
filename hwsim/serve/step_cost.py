"""What one step of a serving machine costs: tables over batch, context and prompt, and what is read from them.

A batch of sequences of unlike contexts is priced at their mean: attention reads every cached key once, so a step's cost is near linear in the sum of
contexts. Between grid points costs are interpolated linearly; `hwsim.serve.pricing` fills the tables from simulations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Chunk = tuple[int, int]  # (tokens of the prompt that are already in the cache, tokens that a step adds)


@dataclass(frozen=True)
class PrefillCosts:
    """Tables of one chip and model, arrays of shape (p,) over `tokens` of one prompt.

    `seconds` and dynamic `joules` of its prefill, `attention_s` and `attention_j` of these in attention; `static_w` while it works, `idle_w` while
    it waits.
    """

    tokens: Floats
    seconds: Floats
    joules: Floats
    attention_s: Floats
    attention_j: Floats
    static_w: float
    idle_w: float

    def of(self, tokens: float) -> tuple[float, float]:
        """(seconds, dynamic joules) of one prompt of `tokens`; a prompt of none takes nothing."""
        if tokens <= 0:
            return 0.0, 0.0
        return self._at(tokens, self.seconds), self._at(tokens, self.joules)

    def dense(self, rows: float) -> tuple[float, float]:
        """(seconds, joules) of `rows` tokens without their attention, nothing for none."""
        if rows <= 0:
            return 0.0, 0.0
        return self._at(rows, self.seconds) - self._at(rows, self.attention_s), self._at(rows, self.joules) - self._at(rows, self.attention_j)

    def attention(self, chunk: Chunk) -> tuple[float, float]:
        """(seconds, joules) of the attention of a part of a prompt: of all up to its end, less that of what came before."""
        before, new = chunk
        found = self._at(before + new, self.attention_s), self._at(before + new, self.attention_j)
        if before <= 0:
            return found
        return max(0.0, found[0] - self._at(before, self.attention_s)), max(0.0, found[1] - self._at(before, self.attention_j))

    def _at(self, x: float, values: Floats) -> float:
        return float(np.interp(x, self.tokens, values))


@dataclass(frozen=True)
class StepCosts:
    """Tables of one chip and model.

    `batches` (b,), `contexts` (b, c) tokens attended per sequence, `decode_s` and `decode_j` (b, c) of one step; `prefills` of prompts. Joules are
    dynamic; `static_w` runs while the machine works, `idle_w` while it waits. `capacity_tokens` fit in the cache at once. Going from prefill to
    decode or back takes `switch_s` and `switch_j` where the two lie on the chip in different ways. `notes` say how the model lies on the chip.
    """

    batches: Floats
    contexts: Floats
    decode_s: Floats
    decode_j: Floats
    prefills: PrefillCosts
    static_w: float
    idle_w: float
    capacity_tokens: float
    max_batch: int
    switch_s: float = 0.0
    switch_j: float = 0.0
    notes: tuple[str, ...] = ()

    def prefill(self, tokens: float) -> tuple[float, float]:
        """(seconds, dynamic joules) of one prompt of `tokens`; a prompt of none takes nothing."""
        return self.prefills.of(tokens)

    def decode(self, batch: float, context: float) -> tuple[float, float]:
        """(seconds, dynamic joules) of one step of `batch` sequences that attend to `context` tokens each in the mean."""
        from hwsim.serve.stretch import step_cost  # noqa: PLC0415  (Numba only when it is needed)

        found = np.empty(2)
        step_cost(self.batches, self.contexts, self.decode_s, self.decode_j, float(batch), float(context), found)
        return float(found[0]), float(found[1])

    def mixed(self, batch: int, context: float, chunks: Iterable[Chunk]) -> tuple[float, float]:
        """(seconds, dynamic joules) of one step of `batch` sequences that decode and `chunks` of prompts.

        T = dense(batch + new tokens) + sum of the chunks' attention + max(0, decode(batch, context) - dense(batch)): all rows go through the
        layers' products together, as in a prefill of as many tokens; to that come the chunks' attention and what decoding takes beyond its own
        rows' products (attention over the cache, the host). A prompt alone in one chunk costs its prefill, no chunk a decode step.
        """
        chunks = list(chunks)
        new = sum(n for _, n in chunks)
        if not new:
            return self.decode(batch, context)
        seconds, joules = self.prefills.dense(batch + new)
        for chunk in chunks:
            more = self.prefills.attention(chunk)
            seconds, joules = seconds + more[0], joules + more[1]
        if batch:
            whole, rows = self.decode(batch, context), self.prefills.dense(batch)
            seconds, joules = seconds + max(0.0, whole[0] - rows[0]), joules + max(0.0, whole[1] - rows[1])
        return seconds, joules
