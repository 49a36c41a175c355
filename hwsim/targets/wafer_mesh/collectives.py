"""Reductions, broadcasts and allreduces as the wafer's programs use them: choices among the closed forms of `hwsim.engine.mesh_forms`.

Arguments: `p` cores on a line, `b` wavelets per core, `hop` cycles per router hop (alpha), `ramp2` = 2 T_R, both ramps. A chain stage costs
hop + ramp2 + 1. Sources: Luczynski et al., Near-Optimal Wafer-Scale Reduce, HPDC 2024; He et al., WaferLLM, OSDI 2025 and its released kernels.
"""

from __future__ import annotations

import math

from hwsim.engine.jit import part
from hwsim.engine.mesh_forms import (
    chain_cycles,
    flood_cycles,
    ktree_allreduce_cycles,
    ring_cycles,
    star_cycles,
    tree_cycles,
    two_phase_cycles,
    two_sided_cycles,
)  # fmt: skip

STAR, CHAIN, TREE, TWO_PHASE = 1, 2, 3, 4
ADD = 1.0  # the cycle between reading and writing an element


@part
def reduce_line(kind: float, p: float, b: float, hop: float, ramp2: float) -> float:
    """The reduce called `kind` along a line (0 = the fastest of the four)."""
    if kind == STAR:
        return star_cycles(p, b, hop, ramp2, ADD)
    if kind == CHAIN:
        return chain_cycles(p, b, hop, ramp2, ADD)
    if kind == TREE:
        return tree_cycles(p, b, hop, ramp2, ADD)
    if kind == TWO_PHASE:
        return two_phase_cycles(p, b, hop, ramp2, ADD)
    best = min(star_cycles(p, b, hop, ramp2, ADD), chain_cycles(p, b, hop, ramp2, ADD))
    return min(best, min(tree_cycles(p, b, hop, ramp2, ADD), two_phase_cycles(p, b, hop, ramp2, ADD)))


@part
def reduce_grid(kind: float, w: float, h: float, b: float, hop: float, ramp2: float) -> float:
    """Reduce along x in every row, then along y in the root column."""
    return reduce_line(kind, w, b, hop, ramp2) + reduce_line(kind, h, b, hop, ramp2)


@part
def divisor_from(number: int, start: int, step: int) -> int:
    """The first divisor of `number` met from `start` by steps of +1 or -1."""
    while number % start:
        start += step
    return start


@part
def best_groups(p: float, hop: float, ramp2: float) -> float:
    """The cheapest of the three divisors of `p` nearest sqrt((hop + ramp2 + 1) p / (ramp2 + 1)), where the tree's two levels cost the same."""
    cores = int(p)
    root = min(cores, max(1, int(math.sqrt((hop + ramp2 + ADD) * p / (ramp2 + ADD)))))
    below = divisor_from(cores, root, -1)
    best = float(below)
    cost = ktree_allreduce_cycles(p, best, 1.0, hop, ramp2, ADD)
    for other in (divisor_from(cores, max(1, below - 1), -1), divisor_from(cores, min(cores, root + 1), 1)):
        trial = ktree_allreduce_cycles(p, float(other), 1.0, hop, ramp2, ADD)
        if trial < cost:
            best, cost = float(other), trial
    return best


@part
def ktree_allreduce(p: float, groups: float, b: float, hop: float, ramp2: float) -> float:
    """MeshGEMV's two-level tree allreduce in `groups` groups."""
    return ktree_allreduce_cycles(p, groups, b, hop, ramp2, ADD)


@part
def reduce_broadcast(kind: float, p: float, b: float, hop: float, ramp2: float) -> float:
    """A reduce to one end, then a multicast back along the line."""
    return reduce_line(kind, p, b, hop, ramp2) + flood_cycles(p, 1.0, b, hop, ramp2, ADD)


@part
def ring_allreduce(p: float, b: float, hop: float, ramp2: float) -> float:
    """Reduce-scatter and allgather on a ring laid on a line."""
    return ring_cycles(p, b, hop, ramp2, ADD)


@part
def middle_allreduce(p: float, b: float, hop: float, ramp2: float) -> float:
    """Two chains to the middle core and a multicast both ways (row sums and maxima of prefill)."""
    if p <= 1:
        return 0.0
    middle = p // 2
    far = max(middle, p - 1 - middle)
    return two_sided_cycles(middle, p - 1 - middle, b, hop + ramp2 + ADD) + b + hop * far + ramp2 + ADD


@part
def broadcast_grid(w: float, h: float, b: float, hop: float, ramp2: float) -> float:
    """Multicast from a corner over the whole rectangle; a route that fans out costs nothing extra."""
    return flood_cycles(w, h, b, hop, ramp2, ADD)


@part
def vendor_allreduce(w: float, h: float, b: float, fixed: float, per_hop: float) -> float:
    """The vendor library's call: a fixed cost, and a cost per hop over the perimeter w + h (software relays), plus its wavelets."""
    return fixed + per_hop * (w + h) + 2 * (b - 1)
