"""Cascaded DSP slices: cycles, fill and overflow adjustment of dense and N:M-sparse chains. Parts of price functions: scalars in, cycles out.

A chain of `length` slices sums `length` products a cycle into one output; groups of slices end in a reduction node, which lets a sparse chain emit an
output per group. Source: FlightLLM arXiv 2401.03868 (configurable sparse DSP chain).
"""

from __future__ import annotations

import math

from hwsim.engine.jit import part

SLICE_STAGES = 3.0  # A or B, M and P registers of a DSP slice


@part
def chain_cycles(m: float, k: float, n: float, rows: float, length: float, outputs: float, density: float) -> float:
    """Cycles of C[m, n] = A[m, k] B[k, n] on `rows` x `outputs` chains of `length` slices, in steady state.

    ``ceil(m / rows) ceil(k d / length) ceil(n / outputs)``, d = `density`: the kept share of B's rows that the steps of a chain really multiply
    (its blocks' imbalance included, at most 1).
    """
    return float(math.ceil(m / rows) * math.ceil(k * min(1.0, density) / length - 1e-9) * math.ceil(n / outputs))


@part
def chain_fill(length: float, group: float, extra: float) -> float:
    """Cycles until a chain's first result: slice registers, one per cascaded slice, one per reduction node, and `extra` in front (dequantisation)."""
    nodes = math.ceil(length / group) if group > 0 else 0
    return float(SLICE_STAGES + length + nodes + extra)


@part
def overflow_cycles(length: float, depth: float) -> float:
    """Cycles of overflow adjustment behind a packed chain: one for each segment of `depth` exact products beyond the first."""
    return float(max(0, math.ceil(length / depth) - 1))
