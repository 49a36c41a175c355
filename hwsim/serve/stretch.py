"""Compiled loops over decode steps: what a step costs, and how far a batch gets."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part


@part
def _at(axis: Any, values: Any, x: float) -> float:
    """Linear interpolation in an increasing axis, the outer segments extended, not below zero."""
    i = 1
    while i < len(axis) - 1 and axis[i] < x:
        i += 1
    share = (x - axis[i - 1]) / (axis[i] - axis[i - 1])
    between: float = max(0.0, values[i - 1] + share * (values[i] - values[i - 1]))
    return between


@jit
def step_cost(batches: Any, contexts: Any, seconds: Any, joules: Any, batch: float, context: float, found: Any) -> None:
    """Fill `found` (2,) with the seconds and joules of one decode step, linear in batch and context."""
    i = 0
    while i < len(batches) - 1 and batches[i] < batch:
        i += 1
    above_s, above_j = _at(contexts[i], seconds[i], context), _at(contexts[i], joules[i], context)
    if i == 0 or batches[i] == batch:
        found[0], found[1] = above_s, above_j
        return
    share = (batch - batches[i - 1]) / (batches[i] - batches[i - 1])
    below_s, below_j = _at(contexts[i - 1], seconds[i - 1], context), _at(contexts[i - 1], joules[i - 1], context)
    found[0], found[1] = below_s + share * (above_s - below_s), below_j + share * (above_j - below_j)


@jit
def advance(batches: Any, contexts: Any, seconds: Any, joules: Any, batch: int, tokens: float, steps: int, horizon: float, found: Any) -> int:
    """Run decode steps of `batch` sequences that hold `tokens` in all, until `steps` are done or the time reaches `horizon` (whole steps).

    Fills `found` (2,) with the seconds and joules spent; returns the steps done, at least one. Each step attends to the tokens held and its own new
    one, and adds one to each sequence.
    """
    spent_s = spent_j = 0.0
    done = 0
    while done < steps:
        step_cost(batches, contexts, seconds, joules, float(batch), tokens / batch + 1.0, found)
        spent_s += found[0]
        spent_j += found[1]
        tokens += batch
        done += 1
        if spent_s >= horizon:
            break
    found[0], found[1] = spent_s, spent_j
    return done
