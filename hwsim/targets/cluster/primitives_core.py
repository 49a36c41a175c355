"""Primitives of cores, barriers and forks."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.cluster.core import divide_cycles
from hwsim.targets.cluster.numbers import resolved

Figures = Mapping[str, float]
LATENCIES = {
    "mulhu": "mulh_cycles", "mul": "mul_cycles", "jump": "jump_cycles", "branch_taken": "taken_cycles", "branch_not_taken": "branch_cycles",
    "alu": "alu_cycles", "load": "load_cycles", "store": "store_cycles", "mac": "mac_cycles", "sdot": "sdot_cycles",
    "event_load": "event_load_cycles",
}  # fmt: skip


def barrier(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of a barrier that all cores reach together."""
    _, p = resolved(chip, mapping)
    return {"cycles": float(p["barrier_cycles"][0])}


def fork_join(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of the start and end of a team with an empty body."""
    _, p = resolved(chip, mapping)
    return {"cycles": float(p["fork_cycles"][0])}


def instruction_latency(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of one instruction, the next one independent."""
    _, p = resolved(chip, mapping)
    name = word(arguments, "instruction", (*LATENCIES, "divu"))
    if name == "divu":
        if arguments["divisor"] is None:
            raise InvalidTrace("divu needs divisor: its cycles depend on the leading zeros")
        return {"cycles": divide_cycles(whole(arguments, "divisor", least=0, most=2**32 - 1), float(p["div_min_cycles"][0]))}
    if arguments["divisor"] is not None:
        raise InvalidTrace(f"{name} has no divisor")
    return {"cycles": float(p[LATENCIES[name]][0])}


PRIMITIVES: Mapping[str, Primitive] = {
    p.name: p
    for p in (
        Primitive("barrier", "a barrier of all cores", barrier),
        Primitive("fork_join", "start and end of a team by the mapping's runtime", fork_join),
        Primitive(
            "instruction_latency", "one instruction", instruction_latency, {"instruction": None, "divisor": None}, optional=frozenset({"divisor"})
        ),
    )
}
