"""Communication and synchronisation in isolation: register messages and rings, barriers, credits, all-reduce, atomics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped, Primitive
from hwsim.engine.jit import jit
from hwsim.targets.manycore import sync
from hwsim.targets.manycore.dvfs import power_known
from hwsim.targets.manycore.primitives_common import hops_of, offset_of, readers, record
from hwsim.targets.manycore.primitives_energy import atomic_energy, register_transfer_energy
from hwsim.targets.manycore.shire_map import mean_offset_hops, ring_link_flows

PLACES = {"tree_edge": sync.TREE_EDGE, "shire": sync.IN_SHIRE, "mesh": sync.ACROSS_MESH}
PATTERNS = ("pair", "neighbourhood_ring", "shire_ring", "mesh_ring")
SPREAD_LINES = 32


@jit
def round_trip(where: int, hops: float, message_bytes: float, p: Any) -> float:
    """Cycles of a message there and back."""
    return sync.round_trip_cycles(where, hops, message_bytes, p)


@jit
def shire_ring(message_bytes: float, p: Any) -> float:
    """Cycles per message of a ring inside shires."""
    return sync.shire_ring_cycles(message_bytes, p)


@jit
def mesh_ring(message_bytes: float, mean_hops: float, link_flows: float, minions_per_shire: float, p: Any) -> float:
    """Cycles per message of a ring over shires."""
    return sync.mesh_ring_cycles(message_bytes, mean_hops, link_flows, minions_per_shire, p)


@jit
def allreduce_of(minions: float, message_bytes: float, p: Any) -> float:
    """Cycles of an all-reduce."""
    return sync.allreduce_cycles(minions, message_bytes, p)


@jit
def credit_over(hops: float, p: Any) -> float:
    """Cycles of a credit over the mesh."""
    return sync.credit_mesh_cycles(hops, p)


def message_bytes(p: Any, arguments: Mapped) -> float:
    """Bytes of a message, at most the register file. Raises `InvalidTrace`."""
    return number(arguments, "bytes_per_message", least=1, most=float(p["vector_registers"] * p["register_bytes"]))


def message_cycles(p: Any, arguments: Mapped, minions: int) -> float:
    """Cycles in which every minion has sent and received one message of the pattern. Raises `InvalidTrace`."""
    pattern = word(arguments, "pattern", PATTERNS)
    size = message_bytes(p, arguments)
    if pattern != "mesh_ring":
        if arguments["id_offset"] is not None:
            raise InvalidTrace(f"id_offset says which shire a mesh_ring sends to; pattern {pattern} stays inside shires")
        if minions == 1:
            raise InvalidTrace(f"pattern {pattern} needs at least two minions")
        return float(round_trip(sync.TREE_EDGE, 0.0, size, p) if pattern == "pair" else shire_ring(size, p))
    shires = int(p["shires"])
    offset = offset_of(p, arguments, shires)
    if minions < shires:
        raise InvalidTrace(f"a mesh_ring passes through all {shires} shires: at least a minion of each, got {minions}")
    flows = float(ring_link_flows(offset, shires, p).max())
    return float(mesh_ring(size, mean_offset_hops(offset, shires, p), flows, minions / shires, p))


def register_transfer(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Aggregate bandwidth of register messages when every minion sends and receives, and the energy of `bytes` sent so."""
    p = record(chip, mapping)[0]
    minions = readers(p, arguments)
    cycles = message_cycles(p, arguments, minions)
    size = message_bytes(p, arguments)
    metrics = {"bandwidth_bytes_per_s": minions * size / cycles * float(p["clock_hz"])}
    if arguments["bytes"] is None or not power_known(p):
        return metrics
    moved = number(arguments, "bytes")
    return {**metrics, **register_transfer_energy(chip, str(arguments["pattern"]), int(arguments["id_offset"] or 0), moved, mapping)}


def register_round_trip(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of a message to another minion and back."""
    p = record(chip, mapping)[0]
    where = word(arguments, "where", tuple(PLACES))
    size = number(arguments, "bytes", least=1, most=p["vector_registers"] * p["register_bytes"])
    return _timed(float(round_trip(PLACES[where], _mesh_hops(p, arguments, where), size, p)), p)


def _mesh_hops(p: Any, arguments: Mapped, where: str) -> float:
    """Hops where the mesh is crossed. Raises `InvalidTrace` when they are missing there, or stated elsewhere."""
    if where == "mesh":
        if arguments["hops"] is None:
            raise InvalidTrace("a way over the mesh needs hops (1 and more)")
        return hops_of(p, arguments, 1)
    if arguments["hops"] is not None:
        raise InvalidTrace(f"hops mean nothing for {where}: it stays inside a shire")
    return 0.0


def _timed(cycles: float, p: Any) -> Mapping[str, float]:
    return {"cycles": cycles, "latency_s": cycles / float(p["clock_hz"])}


def barrier(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of a barrier: counter and credits in a shire; one global atomic per shire and credits over the chip."""
    p = record(chip, mapping)[0]
    scope = word(arguments, "scope", ("shire", "chip"))
    least = 2
    if arguments["minions"] is not None:
        most = p["minions_per_shire"] * (p["shires"] if scope == "chip" else 1)
        whole(arguments, "minions", least=least, most=most)
    return _timed(float(p["barrier_shire_cycles"] if scope == "shire" else p["barrier_chip_cycles"]), p)


def credit(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of a credit: blocking in a shire, polled across shires."""
    p = record(chip, mapping)[0]
    scope = word(arguments, "scope", ("shire", "mesh"))
    hops = _mesh_hops(p, arguments, scope)
    return _timed(float(credit_over(hops, p)) if scope == "mesh" else float(p["credit_shire_cycles"]), p)


def allreduce(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of TensorReduce up the tree and TensorBroadcast down it; results in all `minions`, a power of two."""
    p = record(chip, mapping)[0]
    minions = whole(arguments, "minions", most=p["shires"] * p["minions_per_shire"])
    if minions & (minions - 1):
        raise InvalidTrace(f"the reduction tree pairs minions: their number must be a power of two, got {minions}")
    size = number(arguments, "bytes", least=1, most=p["vector_registers"] * p["register_bytes"])
    return _timed(float(allreduce_of(float(minions), size, p)), p)


def atomic(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Cycles of global atomics: the round trip of one, or cycles per operation chip-wide when minions contend; the energy of one.

    A bank serves one every `atomic_bank_cycles`; few minions are held by their own round trips, one outstanding each.
    """
    p = record(chip, mapping)[0]
    lines = {"none": 0, "one_line": 1, "spread_32_lines": SPREAD_LINES}[word(arguments, "contention", ("none", "one_line", "spread_32_lines"))]
    alone = float(p["atomic_remote_cycles"])
    minions = readers(p, arguments) if lines else 1
    cycles = max(float(p["atomic_bank_cycles"]) / lines, alone / minions) if lines else alone
    metrics = _timed(cycles, p)
    return {**metrics, **atomic_energy(chip, cycles * minions, mapping)} if power_known(p) else metrics


PRIMITIVES = {
    made.name: made
    for made in (
        Primitive(
            "register_transfer", "register messages when every minion sends and receives", register_transfer,
            {"pattern": None, "id_offset": None, "bytes_per_message": 1024, "minions": None, "bytes": None},
            frozenset({"id_offset", "minions", "bytes"}),
        ),
        Primitive(
            "register_round_trip", "a register message there and back", register_round_trip, {"where": None, "hops": None, "bytes": 32},
            frozenset({"hops"}),
        ),
        Primitive("barrier", "a barrier", barrier, {"scope": None, "minions": None}, frozenset({"minions"})),
        Primitive("credit", "a credit", credit, {"scope": None, "hops": None}, frozenset({"hops"})),
        Primitive("allreduce", "a reduction up the tree and a broadcast down", allreduce, {"minions": None, "bytes": 32}),
        Primitive("atomic", "global atomics", atomic, {"contention": None, "minions": None}, frozenset({"minions"})),
    )
}  # fmt: skip
