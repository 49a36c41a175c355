"""`price`: what one operator costs: its call, its share of cores and memory, and its joules.

Cycles are of the fastest core's clock that takes part; mechanisms come in seconds. `p` is a prepared record of `spec.PARAMETERS`, `op` one of
`spec.OP_DTYPE`, `out` one of the slots.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.energy import charge
from hwsim.targets.cpu.memory import memory
from hwsim.targets.cpu.products import depthwise_seconds, macs_per_s, product_seconds, resolved, sparse_seconds, vector_seconds


@part
def compute_seconds(op: Any, arithmetic: float, p: Any) -> float:
    """Seconds of the cores' work when nothing misses the first cache."""
    if op.kind == spec.PRODUCT and op.connections > 0:
        return sparse_seconds(op, arithmetic, p) + vector_seconds(op, 0.0, p)
    if op.kind == spec.PRODUCT:
        return product_seconds(op.batch, op.m, op.k, op.n, arithmetic, op.element_bytes, p) + vector_seconds(op, 0.0, p)
    if op.kind == spec.DEPTHWISE:
        return depthwise_seconds(op, arithmetic, p) + vector_seconds(op, 0.0, p)
    if op.kind == spec.ATTENTION:
        scores = product_seconds(op.batch, op.m, op.k, op.n, arithmetic, op.element_bytes, p)
        values = product_seconds(op.batch, op.m2, op.k2, op.n2, arithmetic, op.element_bytes, p)
        return scores + values + vector_seconds(op, 0.0, p)
    return vector_seconds(op, op.activation_bytes + op.weight_bytes, p)


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution); one without a model (kind 0) only gets its compulsory bytes.

    A fused pass costs its arithmetic alone. Where arithmetic and memory take turns in part, the share `exposed` of the shorter is added.
    """
    if op.kind == spec.UNMODELLED:
        out.dram_bytes = op.compulsory_bytes
        return
    arithmetic = resolved(op.arithmetic, p)
    executed = op.connections * op.m if op.connections > 0 else op.macs
    if op.kind == spec.FUSED:
        out.compute = vector_seconds(op, 0.0, p) * p.clock_hz
        out.register_bytes = op.compulsory_bytes
        charge(op, executed, arithmetic, p, out)
        return
    out.dispatch = op.calls * p.call_s * p.clock_hz
    out.fork = p.fork_s * p.clock_hz if p.threads > 1 else 0.0
    seconds = compute_seconds(op, arithmetic, p)
    out.compute = seconds * p.clock_hz
    out.exposed = p.exposed * min(seconds, memory(op, p, out)) * p.clock_hz
    out.cache_bytes = max(0.0, op.compulsory_bytes + op.reread_bytes - out.dram_bytes)
    if executed > 0:
        out.roofline = executed / macs_per_s(arithmetic, 0.0, p) * p.clock_hz
    charge(op, executed, arithmetic, p, out)
