"""Closed forms of the wavelet mesh: cycles of the collectives and mesh algorithms without contention.

Arguments: ``p`` cores of a line, ``wavelets`` B per core, ``hop`` alpha, ``ramp2`` 2 T_R (core to router and back), ``op`` the cycle
between reading and writing an element. ``star``, ``chain``, ``tree``, ``two_phase``, ``flood`` and ``ring`` are the published forms of
Luczynski et al., "Near-Optimal Wafer-Scale Reduce" (HPDC 2024): T = max(C, E/N + alpha L) + (2 T_R + 1) D, E wavelet-hops, N links,
L the longest distance, C the most wavelets one core receives, D dependent receive-then-send steps. The others describe this
package's programs; :mod:`hwsim.engine.mesh` runs them cycle by cycle and the tests hold both together. All return float cycles.
"""

from __future__ import annotations

from math import ceil, log2, sqrt

from hwsim.engine.jit import part


@part
def chain_cycles(p: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """Reduce along a chain: B + (alpha + 2 T_R + 1)(P - 1). HPDC'24; the cycle loop agrees exactly."""
    return wavelets + (hop + ramp2 + op) * (p - 1) if p > 1 else 0.0


@part
def star_cycles(p: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """Reduce by sending everything to the root: B (P - 1) + 2 T_R + 1, the published line (no distance term). HPDC'24."""
    return wavelets * (p - 1) + ramp2 + op if p > 1 else 0.0


@part
def star_schedule_cycles(p: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """The star as run, nearest core first: the RAMP of the root or the farthest core bounds it. Exact."""
    if p <= 1:
        return 0.0
    return max(wavelets * (p - 1) + hop, wavelets + hop * (p - 1)) + ramp2 + op


@part
def tree_cycles(p: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """Binary tree: max(B lg P, B P lg P / (2 (P - 1)) + alpha (P - 1)) + (2 T_R + 1) lg P, lg rounded up. HPDC'24."""
    if p <= 1:
        return 0.0
    rounds = ceil(log2(p))
    return max(wavelets * rounds, wavelets * p * rounds / (2 * (p - 1)) + hop * (p - 1)) + (ramp2 + op) * rounds


@part
def two_phase_cycles(p: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """Chains of q = sqrt(P), then one over the heads: max(2B, 2B q/(q+1) + alpha (P-1)) + (2 T_R + 1)(2q - 2). HPDC'24."""
    if p <= 1:
        return 0.0
    q = sqrt(p)
    return max(2 * wavelets, 2 * wavelets * q / (q + 1) + hop * (p - 1)) + (ramp2 + op) * (2 * q - 2)


@part
def two_phase_schedule_cycles(p: float, size: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """The two-phase reduce as run, chains of ``size``, the head's two receives one after the other: exact."""
    heads = p / size
    first = chain_cycles(size, wavelets, hop, ramp2, op)
    return first + chain_cycles(heads, wavelets, hop * size, ramp2, op)


@part
def flood_cycles(m: float, n: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """Multicast over m x n cores from a corner: B + alpha (m + n - 2) + 2 T_R + 1. HPDC'24; the cycle loop agrees exactly."""
    return wavelets + hop * (m + n - 2) + ramp2 + op if m * n > 1 else 0.0


@part
def ring_cycles(p: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """Ring allreduce on a line: 2 (P-1) B/P + alpha (4P - 6) + 2 (P-1)(2 T_R + 1), chunks of ceil(B/P). HPDC'24."""
    if p <= 1:
        return 0.0
    return 2 * (p - 1) * ceil(wavelets / p) + hop * (4 * p - 6) + 2 * (p - 1) * (ramp2 + op)


@part
def two_sided_cycles(left: float, right: float, wavelets: float, stage: float) -> float:
    """Two chains of ``left`` and ``right`` stages into one root, which receives them one after the other: exact."""
    t = stage * left + wavelets if left > 0 else 0.0
    return max(t, stage * right) + wavelets if right > 0 else t


@part
def ktree_allreduce_cycles(p: float, g: float, wavelets: float, hop: float, ramp2: float, op: float) -> float:
    """The K = 2 tree allreduce of MeshGEMV on ``p`` cores in ``g`` groups (g divides p): exact.

    Phase one: two chains to the root of every group of s = P/g; phase two: two chains over the roots, s hops apart, to the second
    root; then a multicast both ways. Each phase fills with B wavelets, twice where chains come from both sides.
    He et al., WaferLLM (OSDI 2025), with HPDC'24's stage. Chains of equal length (odd s or g) reach their root together and share
    its RAMP: the cycle loop then takes up to one queue (``queue_depth`` + RAMP in + 1 wavelets) longer per phase.
    """
    if p <= 1:
        return 0.0
    s = p // g
    offset, middle = s // 2, g // 2
    second = middle * s + offset
    first = two_sided_cycles(offset, s - 1 - offset, wavelets, hop + ramp2 + op)
    roots = two_sided_cycles(middle, g - 1 - middle, wavelets, hop * s + ramp2 + op)
    return first + roots + wavelets + hop * max(second, p - 1 - second) + ramp2 + op


@part
def mesh_step_cycles(wavelets: float, compute: float, latency: float, overlap: bool) -> float:
    """One step of four asynchronous moves (``wavelets`` in and as many out, both axes together) beside a computation.

    Sends take the first ``wavelets`` cycles, receives as many after ``latency``; without overlap every such cycle is the core's.
    """
    moves = wavelets + latency
    busy = 0.0 if overlap else min(2 * wavelets, moves)
    return max(moves, compute + busy)


@part
def mesh_gemm_cycles(p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float, overlap: bool) -> float:
    """MeshGEMM: P//2 alignment rounds of X, then P steps of the two-hop interleave; wavelets of one tile of X and of W.

    He et al., WaferLLM (OSDI 2025), sections 5.1-5.2. The one-hop moves at both ends save up to a few hops in all.
    """
    latency = 2 * hop + ramp2 + op
    return p // 2 * (x_wavelets + latency) + p * mesh_step_cycles(x_wavelets + w_wavelets, compute, latency, overlap)


@part
def cannon_cycles(p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float, overlap: bool) -> float:
    """Cannon on pre-skewed tiles, cores waiting for their own moves only: P neighbour steps and one wrap of alpha (P - 2) per axis.

    A late wrap delays a core's neighbour one step later, and comes back to the wrap only after a whole turn.
    """
    step = mesh_step_cycles(x_wavelets + w_wavelets, compute, hop + ramp2 + op, overlap)
    return p * step + 2 * hop * max(p - 2, 0)


@part
def cannon_synchronous_cycles(
    p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float, overlap: bool
) -> float:
    """Cannon with all cores in step: every step waits for the wrap, alpha (P - 1) hops; about alpha P^2 per GEMM."""
    return p * mesh_step_cycles(x_wavelets + w_wavelets, compute, hop * (p - 1) + ramp2 + op, overlap)


@part
def summa_synchronous_cycles(p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float) -> float:
    """SUMMA with all cores in step: sum over i of alpha max(i, P-1-i) + both panels through the RAMP + 2 T_R + 1, and P products."""
    total = 0.0
    for i in range(int(p)):
        total += hop * max(float(i), p - 1 - i) + x_wavelets + w_wavelets + ramp2 + op + compute
    return total


@part
def summa_cycles(p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float) -> float:
    """SUMMA, cores waiting for their own panels only: four hops per step instead of the distance to the farthest core.

    A core that is late on one axis is late as a root of the other axis, two hops away; the dependency recurrence of P x P cores
    gives (P - 1) (B_x + B_w + T_comp + 2 T_R + 1 + 4 alpha) and one product, exact for tiles of one element.
    """
    if p <= 1:
        return p * compute
    return (p - 1) * (x_wavelets + w_wavelets + compute + 4 * hop + ramp2 + op) + compute + 2 * hop


@part
def allgather_cycles(p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float) -> float:
    """GEMM via allgather, upper form: own tiles out both ways, P - 1 relays, (P - 1) tiles per axis in, P products.

    The loop overlaps relays and streaming and lies between this and :func:`allgather_bound_cycles`.
    """
    both = x_wavelets + w_wavelets
    return (p + 1) * both + (hop + ramp2 + op) * (p - 1) + p * compute if p > 1 else compute


@part
def allgather_bound_cycles(p: float, x_wavelets: float, w_wavelets: float, compute: float, hop: float, ramp2: float, op: float) -> float:
    """GEMM via allgather, lower form: the slower of P - 1 relays and (P - 1) tiles per axis through the RAMP, and P products."""
    return max((hop + ramp2 + op) * (p - 1), (p - 1) * (x_wavelets + w_wavelets)) + p * compute


@part
def kv_shift_cycles(columns: float, rounds: float, wavelets: float, overhead: float, hop: float, ramp2: float, op: float) -> float:
    """Shift by ``rounds`` store-and-forward rounds on ``columns`` columns: a blocking send, then a blocking receive.

    2 (B + alpha + 2 T_R + 1) + ``overhead`` per round (one stage less at an odd last column), then a multicast back to the first.
    """
    stage = hop + ramp2 + op
    body = rounds * (2 * (wavelets + stage) + overhead)
    last = body - (wavelets + stage) if columns % 2 == 0 and rounds > 0 else body
    return max(body, last + 1 + hop * (columns - 1) + ramp2 + op)
