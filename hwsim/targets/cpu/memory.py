"""Caches: what of an operator's data they still hold, and the time of what they do not."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part


@part
def missed(capacity: float, footprint: float) -> float:
    """Share of a footprint that a cache of some capacity does not hold: ``1 - C / F``, 0 where it fits."""
    return 1.0 - capacity / footprint if footprint > capacity else 0.0


@part
def beyond(capacity: float, op: Any, p: Any) -> float:
    """Bytes of an operator that come from beyond caches of `capacity`.

    Its activations were written by the operators just before: they compete with all that it touches. Weights were last read one inference ago: they
    compete with everything that an inference touches, those of a recurrence's later steps with the step's own data. Cold caches hold nothing.
    """
    if p.cold > 0:
        return float(op.activation_bytes + op.weight_bytes + op.reread_bytes * missed(capacity, op.activation_bytes + op.weight_bytes))
    own = missed(capacity, op.activation_bytes + op.weight_bytes)
    return float((op.activation_bytes + op.reread_bytes) * own + op.weight_bytes * missed(capacity, op.resident_bytes))


@part
def memory(op: Any, p: Any, out: Any) -> float:
    """Fill the cycles of every level and the bytes that reach DRAM; return the longest in seconds.

    Caches that cores own are as large as all that take part; the shared one and the system's cache add up before DRAM. Cores take what lies
    beyond the shared cache at most as fast as their misses in flight allow (`..._stream_bytes_per_s`), and DRAM gives its streaming bandwidth.
    """
    l1, l2 = p.l1_held_bytes, max(p.l1_held_bytes, p.l2_held_bytes)
    last = max(l2, p.shared_cache_bytes)
    from_l2 = beyond(l1, op, p) / p.l2_rate if p.l2_held_bytes > 0 else 0.0
    from_shared = beyond(l2, op, p) / p.shared_rate if p.shared_cache_bytes > 0 else 0.0
    out.dram_bytes = beyond(last + p.system_cache_bytes, op, p)
    from_dram = max(out.dram_bytes / p.dram_bytes_per_s, beyond(last, op, p) / p.stream_rate)
    out.l2, out.dram = from_l2 * p.clock_hz, from_dram * p.clock_hz
    out.shared_cache = from_shared * p.clock_hz
    return float(max(from_l2, from_shared, from_dram))
