"""Mechanisms in isolation: launches, framework calls, the best matrix product, memory levels, links, board power."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.arguments import flag, number, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.core.graph import single_op
from hwsim.core.program import slot_dtype
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.kernels import interval_seconds, price
from hwsim.targets.gpu.lowering import encode
from hwsim.targets.gpu.mapping import Options

CALLS = {"matmul": "eager_matmul_s", "conv2d": "eager_matmul_s", "softmax": "eager_softmax_s", "norm": "eager_norm_s",
         "elementwise": "eager_elementwise_s", "gelu": "eager_elementwise_s", "allreduce": "eager_collective_s"}  # fmt: skip
STREAMS = {name: f"stream_{name}" for name in ("read", "scale", "triad", "add", "init")}
LEVELS = {name: f"{name}_latency_s" for name in ("l1", "l2", "l2_far", "dram")}
POWER = {"fp64": "fp64_j_per_flop", "fp32": "vector_j_per_flop"} | dict.fromkeys(("tf32", "fp16", "bf16"), "tensor_j_per_flop")
POWER |= dict.fromkeys(("fp8", "int8"), "tensor8_j_per_flop")
EDGES = (2048, 4096, 8192, 12288, 16384)


def small_kernel(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Time per small streaming kernel, back to back: ``T = a + bytes / b``, with b the rate out of L2."""
    dispatch = Options(**mapping).dispatch or "queued"
    if dispatch not in ("queued", "graph", "grid_sync"):
        raise InvalidMapping(f"small_kernel is timed back to back: dispatch is queued, graph or grid_sync, got '{dispatch}'")
    p = spec.PARAMETERS.record(chip, {})[0]
    interval = float(interval_seconds(float(spec.DISPATCH_CODES[dispatch]), p))
    return {"latency_s": interval + number(arguments, "bytes") / chip.number("small_kernel_bytes_per_s")}


def call_overhead(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Time of one synchronous framework call at vanishing size."""
    call = CALLS[word(arguments, "op", CALLS)]
    if Options(**mapping).dispatch not in (None, "eager"):
        raise InvalidMapping("call_overhead is the time of an eager call; dispatch must be eager")
    return {"latency_s": chip.number(call)}


def best_matmul(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Best rate of the framework's kernels over square and oblong products of 2048 to 16384."""
    options = Options(**{**mapping, "kernels": "framework", "dispatch": "kernel"})
    p = spec.PARAMETERS.record(chip, {"devices": 1, "nodes": 1, "split_kv": 1, "native": options.library != "cuda-12"})[0]
    best = 0.0
    for m in EDGES:
        for n in EDGES:
            for k in EDGES:
                table = encode(single_op("matmul", dtype=str(arguments["dtype"]), m=m, k=k, n=n), options).table
                if table.skipped:
                    raise InvalidTrace(f"best_matmul: {table.skipped[0]}")
                if p[spec.RATES[table.rows[0]["arithmetic"]]] == 0:
                    raise InvalidTrace(f"best_matmul: {chip.name} has no {arguments['dtype']} arithmetic")
                out = np.zeros(1, dtype=slot_dtype(spec.SLOTS))
                price(table.rows[0], p, out[0])
                cycles = out["launch"][0] + max(out["compute"][0], out["memory"][0]) + out["exposed"][0]
                best = max(best, 2.0 * m * n * k / cycles * chip.number("clock_hz"))
    return {"tops": float(best / 1e12)}


def power_at_rates(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Board power at sustained DRAM and arithmetic rates, at most its limit: ``P = P_active_idle + e_byte B + e_flop F``."""
    dtype = POWER[word(arguments, "dtype", POWER)]
    moved, computed = number(arguments, "dram_bytes_per_s"), number(arguments, "flop_per_s")
    power = chip.number("active_idle_w") + moved * chip.number("dram_j_per_byte") + computed * chip.number(dtype)
    return {"power_w": min(power, chip.number("tdp_w"))}


def idle(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Board power with no kernel running; a context that holds memory keeps the clocks up."""
    return {"power_w": chip.number("bare_idle_w") + (chip.number("context_w") if flag(arguments, "memory_loaded") else 0.0)}


def kernel_launch(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Time from a framework's launch call to the kernel's start."""
    return {"latency_s": chip.number("kernel_launch_s")}


def stream(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of a streaming kernel over arrays far larger than L2, reads plus writes: a measured fraction of the data sheet's."""
    fraction = chip.number(STREAMS[word(arguments, "kernel", STREAMS)])
    return {"bandwidth_bytes_per_s": fraction * chip.number("dram_bytes_per_s")}


def l2_read(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of all SMs reading one buffer repeatedly, by where it fits: the near part of L2, all of it, or DRAM."""
    footprint = number(arguments, "footprint_bytes")
    if footprint <= chip.number("l2_near_bytes"):
        return {"bandwidth_bytes_per_s": chip.number("l2_bytes_per_s")}
    if footprint <= chip.number("l2_bytes"):
        return {"bandwidth_bytes_per_s": chip.number("l2_far_bytes_per_s")}
    return {"bandwidth_bytes_per_s": chip.number("copy_stream") * chip.number("dram_bytes_per_s")}


def load_latency(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Latency of one dependent load that hits in a level (DRAM: at the start of its region, before misses of the address translation)."""
    return {"latency_s": chip.number(LEVELS[word(arguments, "level", LEVELS)])}


def read_at_occupancy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """DRAM read bandwidth with part of the resident threads: ``BW = min(BW_peak, threads x bytes in flight / latency)``."""
    threads = number(arguments, "thread_fraction", most=1) * chip.number("threads_per_sm") * chip.number("sm_count")
    flying = threads * chip.number("thread_bytes_in_flight") / chip.number("dram_latency_s")
    return {"bandwidth_bytes_per_s": min(flying, chip.number("stream_read") * chip.number("dram_bytes_per_s"))}


def host_copy(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of one copy over the host link: ``bytes / (latency + bytes / rate)``."""
    moved = number(arguments, "bytes")
    rate = chip.number("host_link_bytes_per_s")
    return {"bandwidth_bytes_per_s": moved / (chip.number("host_link_latency_s") + moved / rate) if moved else 0.0,
            "latency_s": chip.number("host_link_latency_s") + moved / rate}  # fmt: skip


PRIMITIVES = {
    made.name: made
    for made in (
        Primitive("small_kernel", "one small streaming kernel, back to back", small_kernel, {"bytes": None}),
        Primitive("call_overhead", "one framework call at vanishing size", call_overhead, {"op": None}),
        Primitive("kernel_launch", "from a framework's launch to the kernel's start", kernel_launch),
        Primitive("best_matmul", "best rate over all shapes", best_matmul, {"dtype": "fp16"}),
        Primitive("stream", "streaming kernel over large arrays", stream, {"kernel": None, "dtype": "fp32"}),
        Primitive("l2_read", "all SMs read one buffer repeatedly", l2_read, {"footprint_bytes": None}),
        Primitive("load_latency", "one dependent load", load_latency, {"level": None}),
        Primitive("read_at_occupancy", "DRAM read bandwidth with few threads", read_at_occupancy, {"thread_fraction": None}),
        Primitive("host_copy", "one copy over the host link", host_copy, {"bytes": None}),
        Primitive("idle", "board power without a kernel", idle, {"memory_loaded": False}),
        Primitive(
            "power_at_rates", "board power at sustained rates", power_at_rates, {"dtype": "fp32", "dram_bytes_per_s": None, "flop_per_s": None}
        ),
    )
}
