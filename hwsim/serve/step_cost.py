"""What one step of a serving machine costs: decode by batch and mean context, prefill by prompt, from simulations on a grid.

A batch of sequences of unlike contexts is priced at their mean: attention reads every cached key once, so a step's cost is near linear in the sum of
contexts. Between grid points costs are interpolated linearly; `tests/serve` holds the error against direct simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.report import Report
from hwsim.readers.load import load_graph

CONTEXTS, PROMPTS = 9, 65  # points of an axis

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StepCosts:
    """Tables of one chip and model.

    `batches` (b,), `contexts` (b, c) tokens attended per sequence, `decode_s` and `decode_j` (b, c) of one step; `prompts` (p,), `prefill_s` and
    `prefill_j` (p,) of one prompt. Joules are dynamic; `static_w` runs on when the machine idles. `capacity_tokens` fit in the cache at once.
    """

    batches: Floats
    contexts: Floats
    decode_s: Floats
    decode_j: Floats
    prompts: Floats
    prefill_s: Floats
    prefill_j: Floats
    static_w: float
    capacity_tokens: float
    max_batch: int

    def prefill(self, tokens: float) -> tuple[float, float]:
        """(seconds, dynamic joules) of one prompt of `tokens`; a prompt of none takes nothing."""
        if tokens <= 0:
            return 0.0, 0.0
        return float(np.interp(tokens, self.prompts, self.prefill_s)), float(np.interp(tokens, self.prompts, self.prefill_j))

    def decode(self, batch: float, context: float) -> tuple[float, float]:
        """(seconds, dynamic joules) of one step of `batch` sequences that attend to `context` tokens each in the mean."""
        from hwsim.serve.stretch import step_cost  # noqa: PLC0415  (Numba only when it is needed)

        found = np.empty(2)
        step_cost(self.batches, self.contexts, self.decode_s, self.decode_j, float(batch), float(context), found)
        return float(found[0]), float(found[1])


@dataclass(frozen=True)
class Machine:
    """A chip with a model on it: simulates prefill and decode graphs. `options` are the model's (dtype, layers, max_context ...)."""

    model: str
    chip: Chip
    mapping: Mapping[str, Any]
    options: Mapping[str, Any]

    def decode(self, batch: int, context: int) -> Report:
        """Simulate one decode step. Raises `HwsimError`."""
        return self._run(load_graph(self.model, phase="decode", batch=batch, context=context, **self.options))

    def prefill(self, prompt: int) -> Report:
        """Simulate the prefill of one prompt. Raises `HwsimError`."""
        return self._run(load_graph(self.model, phase="prefill", prompt=prompt, **self.options))

    def _run(self, graph: Graph) -> Report:
        return api.simulate(graph, self.chip, self.mapping, interval=False)

    def fits(self, batch: int, context: int) -> bool:
        """Whether `batch` sequences of `context` tokens fit on the chip."""
        try:
            self.decode(batch, context)
        except Infeasible:
            return False
        return True


def step_costs(machine: Machine, longest: int, longest_prompt: int, max_batch: int) -> StepCosts:
    """Price a machine for requests that end with at most `longest` tokens, of which at most `longest_prompt` are the prompt.

    Raises `Infeasible` when one such request does not fit, `InvalidMapping` for a batch below 1, and what a simulation raises.
    """
    if max_batch < 1:
        raise InvalidMapping(f"max_batch must be at least 1, got {max_batch}")
    machine.decode(1, longest)  # raises when one request alone does not fit
    capacity = _capacity(machine, longest, max_batch)
    widest = min(max_batch, capacity // 2)  # a request ends with two tokens at least
    batches = sorted({*(2**i for i in range(widest.bit_length()) if 2**i <= widest), widest})
    points = min(CONTEXTS, min(longest, capacity // widest))
    contexts = np.array([_axis(min(longest, capacity // b), points) for b in batches], dtype=np.float64)
    reports = [[machine.decode(b, int(c)) for c in row] for b, row in zip(batches, contexts, strict=True)]
    prompts = _axis(longest_prompt, min(PROMPTS, longest_prompt))
    prefills = [machine.prefill(int(p)) for p in prompts]
    return StepCosts(
        np.array(batches, dtype=np.float64), contexts, _table(reports, lambda r: r.latency_s), _table(reports, lambda r: r.cost.dynamic_j),
        prompts.astype(np.float64), np.array([r.latency_s for r in prefills]), np.array([r.cost.dynamic_j for r in prefills]),
        max(sum(r.cost.program.static_power_w.values()) for r in (*prefills, *(r for row in reports for r in row))), float(capacity), widest,
    )  # fmt: skip


def _capacity(machine: Machine, longest: int, max_batch: int) -> int:
    """Tokens that the cache holds, as far as `max_batch` requests of `longest` tokens can ask for them.

    Bisection over whole sequences first, then over the context of the widest batch that holds one token each.
    """
    if machine.fits(max_batch, longest):
        return max_batch * longest
    batch = _most(lambda b: machine.fits(b, 1), 1, max_batch)
    return max(longest, batch * _most(lambda c: machine.fits(batch, c), 1, longest))


def _most(fits: Callable[[int], bool], low: int, high: int) -> int:
    """The largest whole number in `low`..`high` that fits, where `low` does."""
    if fits(high):
        return high
    while high - low > max(1, low // 256):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _axis(high: int, points: int) -> NDArray[np.int64]:
    """Whole numbers from 1 to `high` (at least `points`), all different, closer at the short end, where costs bend most."""
    axis = np.rint(np.linspace(1, math.sqrt(high), points) ** 2).astype(np.int64)
    for i in range(1, points):
        axis[i] = max(axis[i], axis[i - 1] + 1)
    return axis


def _table(reports: list[list[Report]], figure: Callable[[Report], float]) -> Floats:
    return np.array([[figure(report) for report in row] for row in reports])
