"""Reductions, broadcasts and allreduces along lines of cores, in closed form.

Conventions: `p` cores on the line, `b` wavelets per core, `hop` cycles a router hop takes (alpha), `turn` = 2 T_R + 1 cycles from a wavelet's
arrival at a router through the ramp, the add and the ramp back (so that one chain stage costs hop + turn). Source of the forms: Luczynski et al.,
Near-Optimal Wafer-Scale Reduce, HPDC 2024: T = max(C, E/N + hop L) + turn D, with C the wavelets that the busiest core receives, E wavelet-hops,
N links, L the longest distance, D the dependent receive-then-send steps. Distances scale with the hop latency.
"""

from __future__ import annotations

import math

from hwsim.engine.jit import jit

STAR, CHAIN, TREE, TWO_PHASE = 1, 2, 3, 4


@jit
def reduce_star(p: float, b: float, hop: float, turn: float) -> float:
    """Every core sends straight to the root, which receives b (p - 1) wavelets; the farthest one's hops hide behind them when b >= hop."""
    if p <= 1:
        return 0.0
    return max(b, hop) * (p - 1) + turn


@jit
def reduce_chain(p: float, b: float, hop: float, turn: float) -> float:
    """Receive, add, send on, core after core: b + (hop + turn)(p - 1)."""
    if p <= 1:
        return 0.0
    return b + (hop + turn) * (p - 1)


@jit
def reduce_tree(p: float, b: float, hop: float, turn: float) -> float:
    """Binary tree: max(b log2 p, b p log2 p / (2 (p - 1)) + hop (p - 1)) + turn log2 p, with ceil(log2 p) levels."""
    if p <= 1:
        return 0.0
    depth = math.ceil(math.log2(p))
    return max(b * depth, b * p * depth / (2 * (p - 1)) + hop * (p - 1)) + turn * depth


@jit
def reduce_two_phase(p: float, b: float, hop: float, turn: float) -> float:
    """Chains of sqrt(p) cores, then one chain over their heads: E = 2 b (p - q), D = 2 q - 2 with q = sqrt(p)."""
    if p <= 1:
        return 0.0
    q = math.sqrt(p)
    return max(2 * b, 2 * b * q / (q + 1) + hop * (p - 1)) + turn * (2 * q - 2)


@jit
def reduce_line(kind: float, p: float, b: float, hop: float, turn: float) -> float:
    """The reduce called `kind` (0 = the fastest of the four)."""
    if kind == STAR:
        return reduce_star(p, b, hop, turn)
    if kind == CHAIN:
        return reduce_chain(p, b, hop, turn)
    if kind == TREE:
        return reduce_tree(p, b, hop, turn)
    if kind == TWO_PHASE:
        return reduce_two_phase(p, b, hop, turn)
    best = min(reduce_star(p, b, hop, turn), reduce_chain(p, b, hop, turn))
    return min(best, min(reduce_tree(p, b, hop, turn), reduce_two_phase(p, b, hop, turn)))


@jit
def reduce_grid(kind: float, w: float, h: float, b: float, hop: float, turn: float) -> float:
    """Reduce along x in every row, then along y in the root column."""
    return reduce_line(kind, w, b, hop, turn) + reduce_line(kind, h, b, hop, turn)


@jit
def broadcast_flood(w: float, h: float, b: float, hop: float, turn: float) -> float:
    """Multicast from a corner: b + hop (w + h - 2) + turn; a route that fans out costs nothing extra."""
    return b + hop * (w + h - 2) + turn


@jit
def allreduce_ring(p: float, b: float, hop: float, turn: float) -> float:
    """2 (p - 1) steps of b / p wavelets: 2 (p - 1) b / p + hop (4 p - 6) + 2 (p - 1) turn."""
    if p <= 1:
        return 0.0
    return 2 * (p - 1) * b / p + hop * (4 * p - 6) + 2 * (p - 1) * turn


@jit
def ktree_allreduce(p: float, g: float, b: float, hop: float, turn: float) -> float:
    """Two-level tree allreduce of MeshGEMV over `p` cores in `g` groups (Huang et al., WaferLLM, OSDI 2025; released kernel).

    Phase one: in each group of s = p/g, two chains of receive-add-send run from both ends to the root at offset s // 2. Phase two: the roots chain
    towards the middle root from both ends, crossing the cores between as router hops. Then the middle root multicasts. Every phase streams its
    b wavelets: cycles = (hop + turn) st1 + turn st2 + hop (hops2 + hops_back) + 3 b.
    """
    if p <= 1:
        return 0.0
    s = p // g
    first = s // 2
    st1 = max(first, s - 1 - first)
    half = g // 2
    st2 = max(half, g - 1 - half)
    root = half * s + first
    hops2 = max(root - first, p - s + first - root)
    back = max(root, p - 1 - root)
    return (hop + turn) * st1 + turn * st2 + hop * (hops2 + back) + 3 * b


@jit
def best_groups(p: float, hop: float, turn: float) -> float:
    """The divisor of `p` with the cheapest two-level tree; about sqrt((hop + turn) p / turn)."""
    best, chosen = 1e300, 1.0
    for g in range(1, int(p) + 1):
        if int(p) % g == 0:
            cost = ktree_allreduce(p, float(g), 0.0, hop, turn)
            if cost < best:
                best, chosen = cost, float(g)
    return chosen


@jit
def pipeline_allreduce(p: float, b: float, hop: float, turn: float) -> float:
    """One chain over all cores to one end, then a multicast back: (hop + turn)(p - 1) + hop (p - 1) + turn - 1 + 2 b."""
    if p <= 1:
        return 0.0
    return (2 * hop + turn) * (p - 1) + turn - 1 + 2 * b


@jit
def middle_allreduce(p: float, b: float, hop: float, turn: float) -> float:
    """Two chains to the middle core and a multicast back (row sums and maxima of prefill): p/2 stages, p/2 hops, three streams."""
    if p <= 1:
        return 0.0
    return (hop + turn) * (p // 2) + hop * (p // 2) + 3 * b


@jit
def vendor_allreduce(w: float, h: float, b: float, fixed: float, per_hop: float) -> float:
    """The vendor library's call: a fixed cost, and a cost per hop over the perimeter w + h (software relays), plus its wavelets."""
    return fixed + per_hop * (w + h) + 2 * (b - 1)
