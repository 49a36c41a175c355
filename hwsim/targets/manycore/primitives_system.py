"""Relays over scratchpads or DRAM, instruction issue, kernel launches and host copies in isolation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.engine.jit import jit
from hwsim.targets.manycore import host, issue, relay
from hwsim.targets.manycore.dvfs import power_known
from hwsim.targets.manycore.primitives_common import offset_of, readers, record, shires_of
from hwsim.targets.manycore.primitives_energy import instruction_energy, relay_energy
from hwsim.targets.manycore.shire_map import longest_offset_hops
from hwsim.targets.manycore.spec_energy import DATA_CODES

MEDIA = {"own_scp": relay.OWN_SCRATCHPAD, "remote_scp": relay.REMOTE_SCRATCHPAD, "dram": relay.DRAM}
ALU = ("add", "addi", "sub", "xor", "and", "or", "sll", "srl", "sra", "slt", "nop")
VECTOR = ("fadd.s", "fsub.s", "fmul.s", "fmadd.s", "fadd.ps", "fsub.ps", "fmul.ps", "fmadd.ps", "fadd.pi", "fsub.pi", "fmul.pi")
ISSUE = {
    **dict.fromkeys(ALU, "issue_alu"), **dict.fromkeys(VECTOR, "issue_vector"), **dict.fromkeys(("ld", "lw", "flw.ps", "fsw.ps"), "issue_load"),
    **dict.fromkeys(("fexp.ps", "flog.ps"), "issue_transcendental"), "frcp.ps": "issue_reciprocal",
    **dict.fromkeys(("fmv.x.w", "feq.s", "flt.s", "fle.s", "fcvt.w.s"), "issue_move"),
    "mul": "issue_mul", "mulw": "issue_mulw", "div": "issue_div", "divw": "issue_divw",
}  # fmt: skip
WAITED = {"branch": "issue_branch", "taken_branch": "issue_branch", "jal": "issue_branch", "flwl.ps": "issue_bypass_load", "atomic": "issue_atomic"}


@jit
def issued(rate: float, harts: float, p: Any) -> float:
    """Minion-cycles per instruction of a shared issue slot or unit."""
    return issue.instruction_cycles(rate, harts, p)


@jit
def stage_cycles(medium: int, longest: float, bytes_per_shire: float, shires: float, adds: float, p: Any) -> float:
    """Cycles of one stage of a relay."""
    return relay.relay_stage_cycles(medium, longest, p.home_hops, bytes_per_shire, shires, adds, p)


@jit
def copied(moved_bytes: float, rate: float, p: Any) -> float:
    """Seconds of one DMA copy."""
    return host.copy_s(moved_bytes, rate, p)


def relay_over(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bytes read and written per second by a relay of `stages` stages, its time and its energy."""
    p = record(chip, mapping)[0]
    medium = word(arguments, "medium", tuple(MEDIA))
    word(arguments, "dtype", ("fp32", "int32"))
    shires = shires_of(p, arguments)
    stages, adds = whole(arguments, "stages"), whole(arguments, "adds_per_element", least=0)
    held = number(arguments, "bytes_per_shire", least=float(p["line_bytes"]))
    longest = 0.0
    if medium == "remote_scp":
        longest = float(longest_offset_hops(offset_of(p, arguments, shires), shires, p))
    elif arguments["id_offset"] is not None:
        raise InvalidTrace(f"id_offset says which shire's scratchpad is read; medium {medium} has none")
    _must_hold(p, medium, held, shires)
    cycles = float(stage_cycles(MEDIA[medium], longest, held, float(shires), float(adds), p))
    seconds = stages * cycles / float(p["clock_hz"])
    metrics = {"bandwidth_bytes_per_s": 2.0 * held * shires * stages / seconds, "latency_s": seconds, "cycles": stages * cycles}
    return {**metrics, **relay_energy(chip, {**arguments, "shires": shires}, mapping, seconds)} if power_known(p) else metrics


def _must_hold(p: Any, medium: str, held: float, shires: int) -> None:
    """Refuse slabs whose two buffers do not fit their medium. Raises `Infeasible`."""
    need = relay.BUFFERS * held
    if medium != "dram" and need > p["scratchpad_bytes"]:
        levers = ("a smaller bytes_per_shire", "medium dram")
        raise Infeasible("two buffers of a relay in a shire's scratchpad", demand=need, bound=float(p["scratchpad_bytes"]), unit="B", levers=levers)
    if medium == "dram" and need * shires > p["dram_bytes"]:
        raise Infeasible("two buffers of a relay in DRAM", demand=need * shires, bound=float(p["dram_bytes"]), unit="B")


def kernel_launch(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Seconds per kernel launch: launch and wait (sync), or each of many queued ones; the same for any number of shires."""
    p = record(chip, mapping)[0]
    shires_of(p, arguments)
    queued = word(arguments, "mode", ("sync", "queued")) == "queued"
    return {"latency_s": float(p["launch_queued_s"] if queued else p["launch_sync_s"])}


def host_transfer(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Bandwidth of one DMA copy over the host link: ``bytes / ((bytes + half-rate bytes) / rate)``."""
    p = record(chip, mapping)[0]
    direction = word(arguments, "direction", ("host_to_card", "card_to_host"))
    word(arguments, "mode", ("dma",))
    moved = number(arguments, "bytes", least=1)
    if moved > p["dram_bytes"]:
        levers = ("several copies of fewer bytes",)
        raise Infeasible("bytes of one copy in the card's memory", demand=moved, bound=float(p["dram_bytes"]), unit="B", levers=levers)
    seconds = float(copied(moved, float(p[f"{direction}_bytes_per_s"]), p))
    return {"bandwidth_bytes_per_s": moved / seconds, "latency_s": seconds}


def instruction(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Minion-cycles per instruction, hits in L1 included, and joules of one."""
    p = record(chip, mapping)[0]
    name = word(arguments, "name", (*ISSUE, *WAITED, "fence"))
    harts = whole(arguments, "harts_per_minion", most=p["harts_per_minion"])
    readers(p, arguments)
    metrics: dict[str, float] = {}
    if name in ISSUE:
        metrics["cycles"] = float(issued(float(p[ISSUE[name]]), float(harts), p))
    elif name in WAITED:
        metrics["cycles"] = 1.0 / (harts * float(p[WAITED[name]]))
    data = word(arguments, "data", tuple(DATA_CODES))
    return {**metrics, **instruction_energy(chip, name, data, mapping)} if power_known(p) else metrics


PRIMITIVES = {
    made.name: made
    for made in (
        Primitive(
            "relay", "slabs read, added to and written where the next stage reads", relay_over,
            {"medium": None, "id_offset": None, "shires": None, "bytes_per_shire": None, "stages": 8, "adds_per_element": 1, "dtype": "fp32"},
            frozenset({"id_offset", "shires"}),
        ),
        Primitive("kernel_launch", "one kernel launch", kernel_launch, {"mode": "sync", "shires": None}, frozenset({"shires"})),
        Primitive("host_transfer", "one DMA copy over the host link", host_transfer, {"direction": None, "mode": "dma", "bytes": None}),
        Primitive(
            "instruction", "one instruction, issued again and again", instruction,
            {"name": None, "harts_per_minion": 2, "minions": None, "data": "unspecified"}, frozenset({"minions"}),
        ),
    )
}  # fmt: skip
