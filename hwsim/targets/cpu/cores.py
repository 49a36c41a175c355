"""`prepare`: what the cores that take part can do together, and what the fastest of them does alone."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part


@part
def share(threads: float, each: float) -> float:
    """`each` for every thread of a cluster; nothing where none runs (its constants may be unstated)."""
    return threads * each if threads > 0 else 0.0


@part
def per_second(p: Any, prime: float, big: float, little: float) -> float:
    """The sum over the threads' cores of what one does in a cycle, times its clock."""
    return (
        share(p.prime_threads, p.prime_clock_hz * prime) + share(p.big_threads, p.big_clock_hz * big)
        + share(p.little_threads, p.little_clock_hz * little)
    )  # fmt: skip


@part
def lead(prime_threads: float, big_threads: float, prime: float, big: float, little: float) -> float:
    """The figure of the fastest cluster that takes part."""
    return prime if prime_threads > 0 else big if big_threads > 0 else little


@part
def watts(active_w: float, clock_hz: float, power_clock_hz: float, p: Any) -> float:
    """Watts of a busy core at a clock: ``P = P0 (f / f0)^e``; voltage follows the clock, so that e lies between 1 and 3."""
    return float(active_w * (clock_hz / power_clock_hz) ** p.power_exponent)


@jit
def prepare(p: Any) -> None:
    """Fill the derived fields of a record: rates summed over threads (per second), those of the fastest core, caches held, watts, seconds a call.

    Threads of unlike cores share work so that all end together (work stealing): rates add. fp16 arithmetic counts only where every core that takes
    part has it.
    """
    prime, big, little = p.prime_threads, p.big_threads, p.little_threads
    p.threads = prime + big + little
    p.clock_hz = lead(prime, big, p.prime_clock_hz, p.big_clock_hz, p.little_clock_hz)
    p.clock_rate = share(prime, p.prime_clock_hz) + share(big, p.big_clock_hz) + share(little, p.little_clock_hz)
    p.lead_clock_rate = p.clock_hz
    _prepare_arithmetic(p)
    p.l1_held_bytes = share(prime, p.prime_l1_bytes) + share(big, p.big_l1_bytes) + share(little, p.little_l1_bytes)
    p.l2_held_bytes = share(prime, p.prime_l2_bytes) + share(big, p.big_l2_bytes) + share(little, p.little_l2_bytes)
    p.l2_rate = per_second(p, p.prime_l2_bytes_per_cycle, p.big_l2_bytes_per_cycle, p.little_l2_bytes_per_cycle)
    p.shared_rate = p.clock_rate * p.shared_bytes_per_cycle
    p.stream_rate = share(prime, p.prime_stream_bytes_per_s) + share(big, p.big_stream_bytes_per_s) + share(little, p.little_stream_bytes_per_s)
    prime_w = watts(p.prime_active_w, p.prime_clock_hz, p.prime_power_clock_hz, p)
    big_w = watts(p.big_active_w, p.big_clock_hz, p.big_power_clock_hz, p)
    little_w = watts(p.little_active_w, p.little_clock_hz, p.little_power_clock_hz, p)
    p.active_power_w = share(prime, prime_w) + share(big, big_w) + share(little, little_w)
    p.lead_power_w = lead(prime, big, prime_w, big_w, little_w)
    p.call_s = p.compiled_call_s if p.runtime <= 0 else p.interpreter_call_s if p.runtime <= 1 else p.framework_call_s


@part
def _prepare_arithmetic(p: Any) -> None:
    """MACs and bytes loaded from the first cache, per second."""
    prime, big, little = p.prime_threads, p.big_threads, p.little_threads
    p.fp32_rate = per_second(p, p.prime_fp32_macs_per_cycle, p.big_fp32_macs_per_cycle, p.little_fp32_macs_per_cycle)
    p.fp16_rate = per_second(p, p.prime_fp16_macs_per_cycle, p.big_fp16_macs_per_cycle, p.little_fp16_macs_per_cycle)
    lacking = (prime > 0 and p.prime_fp16_macs_per_cycle <= 0) or (big > 0 and p.big_fp16_macs_per_cycle <= 0)
    if lacking or (little > 0 and p.little_fp16_macs_per_cycle <= 0):
        p.fp16_rate = 0.0
    p.int8_rate = per_second(p, p.prime_int8_macs_per_cycle, p.big_int8_macs_per_cycle, p.little_int8_macs_per_cycle)
    p.load_rate = per_second(p, p.prime_load_bytes_per_cycle, p.big_load_bytes_per_cycle, p.little_load_bytes_per_cycle)
    p.lead_fp32_rate = p.clock_hz * lead(prime, big, p.prime_fp32_macs_per_cycle, p.big_fp32_macs_per_cycle, p.little_fp32_macs_per_cycle)
    p.lead_fp16_rate = p.clock_hz * lead(prime, big, p.prime_fp16_macs_per_cycle, p.big_fp16_macs_per_cycle, p.little_fp16_macs_per_cycle)
    p.lead_int8_rate = p.clock_hz * lead(prime, big, p.prime_int8_macs_per_cycle, p.big_int8_macs_per_cycle, p.little_int8_macs_per_cycle)
    p.lead_load_rate = p.clock_hz * lead(prime, big, p.prime_load_bytes_per_cycle, p.big_load_bytes_per_cycle, p.little_load_bytes_per_cycle)
