"""The event fidelity: every spike of an operator passes through the broadcast tree into the queues of the cores, one by one.

Spikes are dealt at random over the timesteps (or as a recording says), over the groups of a grouped operator, and pruned weights over the cores; the
totals are those of the closed form. So the run takes as long as the closed form where all cores do the same work, and longer where they do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.op import Op
from hwsim.core.operators_spiking import spikes_of
from hwsim.engine.jit import jit


def spikes_per_step(op: Op, events: int, steps: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Spikes in each step: those of a recording, or `events` thrown independently into the steps."""
    counts = spikes_of(op).counts
    if counts and len(counts) == steps:
        return np.array(counts, dtype=np.int64)
    return rng.multinomial(events, np.full(steps, 1.0 / steps)).astype(np.int64)


def run_operator(row: Any, p: Any, per_step: NDArray[np.int64], lanes: float, seed: int) -> float:
    """Cycles of an operator whose steps hold `per_step` events. O(events x cores reached)."""
    uniform = row["reached"] == row["used"] and not row["sparse"]
    cores = 1 if uniform else int(row["used"])
    reached = 1 if uniform else int(row["reached"])
    return float(
        stream(per_step, cores, reached, float(row["words"]), float(row["targets"]), bool(row["sparse"]), float(lanes), float(p["router_cycles"]),
               float(p["event_cycles"]), float(p["mesh_hops"] * p["hop_cycles"]), int(p["queue_events"]), seed)
    )  # fmt: skip


@jit
def stream(
    per_step: Any, cores: int, reached: int, words: float, targets: float, sparse: bool, lanes: float, router: float, event: float, fill: float,
    depth: int, seed: int,
) -> float:  # fmt: skip
    """Cycles until the last step's token has been served by every core.

    The tree passes one event every `router` cycles, and stalls while a queue of `depth` events is full. A core serves an event in ``event + words``
    cycles; with pruned weights in ``event + ceil(weights of this event in this core / lanes)``, the weights of an event thrown over the cores.
    """
    np.random.seed(seed)
    free = np.zeros(cores)
    starts = np.zeros((cores, depth))
    taken = np.zeros(cores, dtype=np.int64)
    now, owed = 0.0, 0.0
    for step in range(len(per_step)):
        free[:] = 0.0
        starts[:, :] = 0.0
        taken[:] = 0
        tree = 0.0
        for _ in range(per_step[step]):
            first = 0 if reached == cores else np.random.randint(0, cores // reached) * reached
            tree += router
            for c in range(first, first + reached):
                tree = max(tree, starts[c, taken[c] % depth])
            owed += targets
            left = int(owed)
            owed -= left
            for c in range(first, first + reached):
                service = event + words
                if sparse:
                    mine = left if c == first + reached - 1 else np.random.binomial(left, 1.0 / (first + reached - c))
                    left -= mine
                    service = event + np.ceil(mine / lanes)
                start = max(tree, free[c])
                starts[c, taken[c] % depth] = start
                taken[c] += 1
                free[c] = start + service
        now += fill + max(tree + router, free.max()) + event
    return now
