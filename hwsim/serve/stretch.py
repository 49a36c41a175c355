"""Compiled loops over decode steps: what a step costs, how far a batch gets, and the spread of the gaps between tokens."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hwsim.engine.jit import jit, part

SHORTEST_S = 1e-7  # the first bin of gaps ends here
FINENESS = 0.01  # ratio of neighbouring bins' edges, less one
BINS = 2 + int(math.log(1e13) / math.log1p(FINENESS))  # up to 1e6 s
STEP = math.log1p(FINENESS)


@part
def _at(axis: Any, values: Any, x: float) -> float:
    """Linear interpolation in an increasing axis, the outer segments extended, not below zero."""
    if len(axis) == 1:
        only: float = values[0]
        return only
    low, high = 0, len(axis) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if axis[middle] < x:
            low = middle
        else:
            high = middle
    share = (x - axis[low]) / (axis[high] - axis[low])
    between: float = max(0.0, values[low] + share * (values[high] - values[low]))
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
def advance(
    batches: Any, contexts: Any, seconds: Any, joules: Any, batch: int, tokens: float, steps: int, horizon: float, step_s: Any, step_j: Any
) -> int:
    """Run decode steps of `batch` sequences that hold `tokens` in all, until `steps` are done or the time reaches `horizon` (whole steps).

    Fills `step_s` and `step_j` with each step's seconds and joules; returns the steps done, at least one. Each step attends to the tokens held and
    its own new one, and adds one to each sequence.
    """
    found = np.empty(2)
    spent = 0.0
    done = 0
    while done < steps:
        step_cost(batches, contexts, seconds, joules, float(batch), tokens / batch + 1.0, found)
        step_s[done], step_j[done] = found[0], found[1]
        spent += found[0]
        tokens += batch
        done += 1
        if spent >= horizon:
            break
    return done


@part
def _bin(gap: float) -> int:
    if gap <= SHORTEST_S:
        return 0
    return min(BINS - 1, 1 + int(math.log(gap / SHORTEST_S) / STEP))


@jit
def count_gaps(counts: Any, last_s: Any, now: float, step_s: Any, steps: int) -> float:
    """Count the gaps between tokens of `steps` steps that begin at `now`, for sequences whose newest tokens came at `last_s`.

    Adds to `counts` (`BINS`,) and returns the time of the last step's end. The first step ends each sequence's own gap, the others last a step.
    """
    batch = len(last_s)
    now += step_s[0]
    for last in last_s:
        counts[_bin(now - last)] += 1
    for i in range(1, steps):
        now += step_s[i]
        counts[_bin(step_s[i])] += batch
    return now


def gap_percentile(counts: Any, percent: float) -> float:
    """The gap that `percent` of the counted ones do not exceed: the upper edge of its bin, at most 1 % above it. NaN when none was counted."""
    total = counts.sum()
    if not total:
        return math.nan
    found = int(np.searchsorted(np.cumsum(counts), percent / 100 * total))
    return SHORTEST_S * math.exp(STEP * found)
