"""Mechanisms in isolation: memory bandwidth, arithmetic peaks, a runtime's call, power at idle and under load."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.arguments import number, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.cpu.encode import ARITHMETIC
from hwsim.targets.cpu.mapping import check_supply, parse_options
from hwsim.targets.cpu.products import macs_per_s
from hwsim.targets.cpu.record import record_of

STREAMS = {"copy": "dram_bytes_per_s", "scale": "dram_bytes_per_s", "triad": "stream_triad_bytes_per_s"}
LOADS = ("idle", "scalar", "vector")


def stream(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of STREAM over arrays far larger than the caches: what the threads can ask for, at most what DRAM gives."""
    p = record_of(chip, parse_options(mapping))[0]
    name = STREAMS[word(arguments, "kernel", STREAMS)]
    if name not in chip.params:
        raise InvalidTrace(f"stream: {chip.name} states no {name}")
    return {"bandwidth_bytes_per_s": min(float(p["stream_rate"]), chip.number(name))}


def peak(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Peak of multiply-adds over the threads, two operations each."""
    p = record_of(chip, parse_options(mapping)).view(np.recarray)[0]
    rate = macs_per_s(float(ARITHMETIC[word(arguments, "dtype", ARITHMETIC)]), 0.0, p)
    return {"tops": 2.0 * rate / 1e12}


def call(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Time of an empty operator: the runtime's call, and waking the threads where there are several."""
    p = record_of(chip, parse_options(mapping))[0]
    return {"latency_s": float(p["call_s"]) + (float(p["fork_s"]) if p["threads"] > 1 else 0.0)}


def power(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Power in the mapping's scope: idle, with every thread busy on scalar code, or with every vector lane multiplying as well."""
    options = parse_options(mapping)
    check_supply(options, chip)
    p = record_of(chip, options)[0]
    load = word(arguments, "load", LOADS)
    busy = 0.0 if load == "idle" else float(p["active_power_w"])
    if load == "vector":
        busy += float(p["fp32_rate"]) * chip.number("product_fraction") * chip.number("mac_j")
    whole = busy + (0.0 if options.power_scope == "above_idle" else chip.number("idle_w"))
    if options.power_scope == "wall":
        whole = chip.number("supply_fixed_w") + chip.number("supply_slope") * whole
    return {"power_w": whole}


def sustained(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Latency of moving bytes from DRAM with all threads."""
    p = record_of(chip, parse_options(mapping))[0]
    return {"latency_s": number(arguments, "bytes") / min(float(p["stream_rate"]), float(p["dram_bytes_per_s"]))}


PRIMITIVES = {
    p.name: p
    for p in (
        Primitive("stream", "STREAM over large arrays", stream, {"kernel": None}),
        Primitive("peak", "peak multiply-adds of the threads", peak, {"dtype": "fp32"}),
        Primitive("call", "an empty operator under a runtime", call),
        Primitive("power", "power at idle, under scalar and under vector load", power, {"load": None}),
        Primitive("memory_read", "bytes brought from DRAM by all threads", sustained, {"bytes": None}),
    )
}
