"""Cycles of a matrix product on an output-stationary systolic array."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.memory import best_memory_rate, charge_memory


@part
def price_systolic(op: Any, p: Any, out: Any) -> None:
    """One product C[m, n] = A[m, k] B[k, n]: ``ceil(m / rows) ceil(n / cols) k`` cycles, tile after tile, and one fill of the array.

    A tile's sums stay in its cells while k steps stream by; the next tile's operands follow without a gap. Columns of B are the outer loop: B is read
    once, A once where it fits the buffer and once per tile column otherwise.
    """
    tiles = op.batch * math.ceil(op.m / p.array_rows) * math.ceil(op.n / p.array_cols)
    out.compute = tiles * op.k
    out.exposed = p.array_rows + p.array_cols - 2 + p.array_fill_stages
    out.roofline = op.macs / (p.array_rows * p.array_cols)
    passes = 1.0 if op.input_bytes <= p.array_buffer_bytes else math.ceil(op.n / p.array_cols)
    read = op.input_bytes * passes + op.weight_bytes
    width = min(p.array_port_bytes_per_cycle, best_memory_rate(p) / p.clock_hz)
    out.load = read / width
    out.store = op.output_bytes / width
    charge_memory(read + op.output_bytes, p, out)
