"""The part of a spatial design's work that one die does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive, load_target
from hwsim.targets.fpga.stream import price
from hwsim.targets.fpga.stream.spec import BLOCK, CODE, KEYS
from hwsim.targets.fpga.workload import TRACE_ARGUMENTS, graph_of

DIES = ("slr0", "slr1", "slr2")


def die_cycles(die: str, op: Any, p: Any) -> float:
    """Cycles of one stage's work on a die: query, keys and values on the first, attention and output projection on the second, feed-forward network
    on the third (arXiv 2312.15159). Kernels run at their own rate, without the block's efficiency."""
    if op["sd_task"] == KEYS:
        return float(price.keys_cycles(op, p)) if die == "slr0" else 0.0
    if op["sd_task"] != BLOCK or die == "slr0":
        return 0.0
    if die == "slr2":
        return float(price.ffn_cycles(op, p))
    return float(max(price.attention_cycles(op, p), price.projection_cycles(op, p)))


def stage_time(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Seconds of one die's part of a prompt or of an encoder (of the blocks that its design times)."""
    die = word(arguments, "stage", DIES)
    program = load_target("fpga").map(graph_of(arguments), chip, mapping)
    p = program.params[0]
    if p["engine_code"] != CODE:
        raise InvalidTrace(f"design '{program.chip.text('design')}' has no stages on dies; this primitive is the spatial designs'")
    if not {KEYS, BLOCK} & {float(task) for task in program.rows["sd_task"]}:
        raise InvalidTrace("stage_time needs a prompt or an encoder: the kernels of a single token take turns")
    cycles = sum(times * die_cycles(die, row, p) for row, times in zip(program.rows, program.counts, strict=True))
    return {"cycles": cycles, "latency_s": cycles / program.clock_hz}


PRIMITIVES = {
    "stage_time": Primitive("stage_time", "one die's part of a spatial design's time", stage_time, {"stage": None, **TRACE_ARGUMENTS, "trace": None},
                            frozenset(TRACE_ARGUMENTS) - {"trace"}),
}  # fmt: skip
