"""Mechanisms in isolation: a small kernel, a framework call, the best matrix product, board power at given rates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace, nearest
from hwsim.core.graph import single_op
from hwsim.core.program import slot_dtype
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.gpu import spec
from hwsim.targets.gpu.kernels import interval_seconds, price
from hwsim.targets.gpu.lowering import encode
from hwsim.targets.gpu.mapping import Options

CALLS = {"matmul": "eager_matmul_s", "softmax": "eager_softmax_s", "norm": "eager_norm_s", "elementwise": "eager_elementwise_s",
         "gelu": "eager_elementwise_s"}  # fmt: skip
EDGES = (2048, 4096, 8192, 12288, 16384)


def _number(arguments: Mapped, name: str) -> float:
    value = arguments[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise InvalidTrace(f"{name} must be a number of at least 0, got {value!r}")
    return float(value)


def small_kernel(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Time per small streaming kernel, back to back: ``T = a + bytes / b``, with b the rate out of L2."""
    dispatch = Options(**mapping).dispatch or "queued"
    if dispatch not in ("queued", "graph"):
        raise InvalidMapping(f"small_kernel is timed back to back: dispatch is queued or graph, got '{dispatch}'")
    p = spec.parameter_record(chip, {})[0]
    interval = float(interval_seconds(float(spec.DISPATCH_CODES[dispatch]), p))
    return {"latency_s": interval + _number(arguments, "bytes") / chip.number("small_kernel_bytes_per_s")}


def call_overhead(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Time of one synchronous framework call at vanishing size."""
    op = str(arguments["op"])
    if op not in CALLS:
        raise InvalidTrace(f"call_overhead has no figure for '{op}'{nearest(op, CALLS)}; it has {', '.join(CALLS)}")
    if Options(**mapping).dispatch not in (None, "eager"):
        raise InvalidMapping("call_overhead is the time of an eager call; dispatch must be eager")
    return {"latency_s": chip.number(CALLS[op])}


def best_matmul(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Best rate of the framework's kernels over square and oblong products of 2048 to 16384."""
    options = Options(**{**mapping, "kernels": "framework", "dispatch": "kernel"})
    p = spec.parameter_record(chip, {"devices": 1, "nodes": 1, "split_kv": 1})[0]
    best = 0.0
    for m in EDGES:
        for n in EDGES:
            for k in EDGES:
                row = encode(single_op("matmul", dtype=str(arguments["dtype"]), m=m, k=k, n=n), options)
                if row.skipped:
                    raise InvalidTrace(f"best_matmul: {row.skipped[0]}")
                out = np.zeros(1, dtype=slot_dtype(spec.SLOTS))
                price(row.rows[0], p, out[0])
                cycles = out["launch"][0] + max(out["compute"][0], out["memory"][0]) + out["overlap_loss"][0]
                best = max(best, 2.0 * m * n * k / cycles * chip.number("clock_hz"))
    return {"tops": float(best / 1e12)}


def power_at_rates(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Board power at sustained DRAM and fp32 vector rates, below its limit."""
    if arguments["dtype"] != "fp32":
        raise InvalidTrace(f"power_at_rates is measured for fp32 on this chip, not {arguments['dtype']}")
    moved, computed = _number(arguments, "dram_bytes_per_s"), _number(arguments, "flop_per_s")
    power = chip.number("active_idle_w") + moved * chip.number("dram_j_per_byte") + computed * chip.number("vector_j_per_flop")
    return {"power_w": min(power, chip.number("tdp_w"))}


PRIMITIVES = {
    "small_kernel": Primitive("small_kernel", "one small streaming kernel, back to back", small_kernel, {"bytes": None}),
    "call_overhead": Primitive("call_overhead", "one framework call at vanishing size", call_overhead, {"op": None}),
    "best_matmul": Primitive("best_matmul", "best rate over all shapes", best_matmul, {"dtype": "fp16"}),
    "power_at_rates": Primitive(
        "power_at_rates", "board power at sustained rates", power_at_rates, {"dtype": "fp32", "dram_bytes_per_s": None, "flop_per_s": None}
    ),
}
