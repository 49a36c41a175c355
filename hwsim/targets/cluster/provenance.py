"""What a report prints back: the mapping as it ran, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.targets.cluster.machine import Machine
from hwsim.targets.cluster.mapping import NETWORK_FLOWS, Options
from hwsim.targets.cluster.network_plan import plan_notes

EVERYWHERE = (
    "operands lie in the TCDM (or where the flow puts them), code is warm: the instruction cache's first pass is left out unless a kernel counts it",
)
MODES = {
    "platform_constant": "energy is constant platform power times time, whatever the cores do",
    "physical": "energy adds up base, leakage, active and gated cores, memory accesses and transfers",
}


def stated(options: Options, m: Machine) -> Mapping[str, object]:
    """The mapping as it ran: options that were given, and what the target chose."""
    mode = options.energy_mode or "platform_constant"
    chosen: dict[str, object] = {"cores": m.cores, "fp": m.fp, "isa": m.isa, "runtime": m.runtime, "energy_mode": mode}
    if m.flow:
        chosen |= {"flow": m.flow, "l1_bytes": m.l1_bytes, "l2_bytes": m.l2_bytes}
    return {**options.model_dump(exclude_none=True), **chosen}


def crowded(m: Machine) -> tuple[str, ...]:
    """A warning when operands that no flow tiles are larger than the memory that they are taken to lie in; what is left out (tiles) costs more."""
    if m.graph is None or m.plan is not None or m.core != "xpulp" or m.flow in NETWORK_FLOWS:
        return ()
    where, bound = ("L2", m.l2_bytes) if m.data == "l2" else ("the TCDM", m.l1_bytes)
    largest = max(m.graph.ops, key=lambda op: op.compulsory_bytes)
    if largest.compulsory_bytes <= bound:
        return ()
    return (
        f"operands of '{largest.name}' are {largest.compulsory_bytes:,.0f} bytes, {where} holds {bound:,.0f}: the figures are those of a memory that "
        "held them; bringing them in by parts is left out",
    )


def assumptions(m: Machine) -> tuple[str, ...]:
    """What the figures assume."""
    notes = [*EVERYWHERE, MODES[m.options.energy_mode or "platform_constant"]]
    if m.fp == "libgcc" and m.hardware_loops:
        notes.append("libgcc is the one of a PULP compiler (p.mac, find-first-one, hardware loops)")
    if m.plan is not None:
        notes += plan_notes(m.plan)
    return tuple(notes)
