"""Energy, power and area of mechanisms in isolation. Energies are of the board above idle, whatever the power scope; powers are in the scope."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.program import Table
from hwsim.core.target import Primitive
from hwsim.targets.manycore import spec, spec_energy
from hwsim.targets.manycore.area import area_mm2, shire_area_mm2
from hwsim.targets.manycore.energy import fill_line_j, one_atomic_j, prepare_activity, sent_j, transfer_j, waiting_w
from hwsim.targets.manycore.energy_issue import NAMES, one_instruction_j
from hwsim.targets.manycore.power import power_record
from hwsim.targets.manycore.primitives_common import hops_of
from hwsim.targets.manycore.shire_map import mean_offset_hops
from hwsim.targets.manycore.static import static_w

Mapped = Mapping[str, Any]
DATA = ("zeros", "ones", "random", "unspecified")
FILL = "l1_fill_from_own_scp"
MEDIA = ("own_scp", "remote_scp", "dram")
RELAY_LEVELS = {"own_scp": spec_energy.FROM_OWN_SCRATCHPAD, "remote_scp": spec_energy.FROM_REMOTE_SCRATCHPAD, "dram": spec_energy.FROM_DRAM}
PATTERNS = ("pair", "neighbourhood_ring", "shire_ring", "mesh_ring")


def memory_transfer(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Energy of moving bytes between a level and the minions, all of them at work."""
    level = word(arguments, "level", (*spec_energy.LEVEL_CODES, FILL))
    store = word(arguments, "access", ("load", "store")) == "store"
    path = word(arguments, "path", ("tensor", "vector", "vector_through_l1"))
    moved = number(arguments, "bytes")
    p = power_record(chip, mapping, word(arguments, "data", DATA))[0]
    hops = _hops(arguments, level, p)
    if level == FILL:
        if store:
            raise InvalidTrace(f"{FILL} is a load: a store goes to own_scp or through L1")
        return {"energy_j": fill_line_j(moved, p)}
    if level == "l1" and path == "tensor":
        raise InvalidTrace("level l1 is reached by vector loads and stores; tensor loads and stores pass by it: state path=vector")
    through_l1 = path == "vector_through_l1"
    if through_l1 and not (store and level == "dram"):
        raise InvalidTrace("path vector_through_l1 was measured for stores to dram only; others: path=tensor")
    if path == "vector" and level != "l1":
        raise InvalidTrace(f"no energy is known of vector accesses that miss L1 but that of a fill: level {FILL}; others: path=tensor")
    code = spec_energy.FROM_DRAM_BY_L1 if through_l1 else spec_energy.LEVEL_CODES[level]
    return {"energy_j": transfer_j(code, moved, hops, float(store), p)}


def _hops(arguments: Mapped, level: str, p: Any) -> float:
    """Hops of the transfer: stated for another shire's scratchpad, possible for L3 (else the mean to all homes), meaningless elsewhere."""
    if level == "remote_scp":
        if arguments["hops"] is None:
            raise InvalidTrace("another shire's scratchpad needs hops")
        return hops_of(p, arguments, 1)
    if level == "l3":
        return float(p["home_hops"]) if arguments["hops"] is None else hops_of(p, arguments, 0)
    if arguments["hops"] is not None:
        raise InvalidTrace(f"hops mean nothing for level {level}; they do for remote_scp and l3")
    return 0.0


def instruction_energy(chip: Chip, name: str, data: str, mapping: Mapped) -> Mapping[str, float]:
    """Energy of one instruction by its name; nothing for one whose energy is not known."""
    if name not in NAMES:
        return {}
    return {"energy_j": one_instruction_j(NAMES[name], power_record(chip, mapping, data)[0])}


def register_transfer_energy(chip: Chip, pattern: str, id_offset: int, moved: float, mapping: Mapped) -> Mapping[str, float]:
    """Energy of `moved` bytes sent between registers, random words. A neighbourhood's ring is charged as a shire's: few edges are tree edges."""
    p = power_record(chip, mapping, mapping.get("data") or "random")[0]
    hops = mean_offset_hops(id_offset, int(p["shires"]), p) if pattern == "mesh_ring" else 0.0
    return {"energy_j": sent_j(moved, hops, float({"pair": 2, "mesh_ring": 0}.get(pattern, 1)), p)}


def atomic_energy(chip: Chip, waiting_cycles: float, mapping: Mapped) -> Mapping[str, float]:
    """Energy of one global atomic, with the minion-cycles that are spent waiting for it."""
    return {"energy_j": one_atomic_j(waiting_cycles, power_record(chip, mapping)[0])}


def relay_energy(chip: Chip, arguments: Mapped, mapping: Mapped, seconds: float) -> Mapping[str, float]:
    """Energy of a relay that takes `seconds`: each byte read and written, the additions, and minions that wait longer than the streams have them.

    A vector of 8 elements costs a load, `adds_per_element` additions and a store in L1; the slab switches `counter_activity` unless `data` is stated.
    """
    medium = word(arguments, "medium", MEDIA)
    shires, stages, adds = whole(arguments, "shires"), whole(arguments, "stages"), whole(arguments, "adds_per_element", least=0)
    moved = shires * stages * number(arguments, "bytes_per_shire")
    table = power_record(chip, mapping)
    p = table[0]
    if not mapping.get("data"):
        prepare_activity(float(p["counter_activity"]), p)
    hops = mean_offset_hops(int(arguments["id_offset"] or 1), int(p["shires"]), p) if medium == "remote_scp" else 0.0
    store = spec_energy.FROM_DRAM if medium == "dram" else spec_energy.FROM_OWN_SCRATCHPAD
    joules = transfer_j(RELAY_LEVELS[medium], moved, hops, 0.0, p) + transfer_j(store, moved, 0.0, 1.0, p)
    vectors = moved / float(p["register_bytes"])
    for kind, count in ((spec_energy.VECTOR_LOAD, 1), (spec_energy.VECTOR_ADD, adds), (spec_energy.VECTOR_STORE, 1)):
        joules += vectors * count * one_instruction_j(kind, p)
    waiting = max(0.0, seconds - _stream_seconds(medium, moved, shires, table))
    return {"energy_j": joules + waiting * waiting_w(shires * float(p["minions_per_shire"]), 0.0, p)}


def _stream_seconds(medium: str, moved: float, shires: int, table: Table) -> float:
    """Seconds in which the energies per byte were measured: their streams alone, reading and then writing `moved` bytes."""
    p = table[0]
    if medium == "dram":
        return float(2 * moved / p["dram_bytes_per_s"])
    each = moved / (shires * float(p["energy_clock_hz"]))
    return float(each / p["shire_bytes_per_cycle"] + each / p["scp_store_bytes_per_cycle"])


def spin(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Power of minions that run an endless loop of integer additions on one or both harts."""
    harts = whole(arguments, "harts_per_minion", most=chip.number("harts_per_minion"))
    table = power_record(chip, mapping)
    most = max(chip.number("shires_on_die"), chip.number("shires")) * chip.number("minions_per_shire")
    everyone = chip.number("shires") * chip.number("minions_per_shire")
    minions = everyone if arguments["minions"] is None else whole(arguments, "minions", most=most)
    return {"power_w": waiting_w(float(minions), float(harts), table[0]) + static_w(table)}


def idle(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Power with no kernel running, by card and die temperature."""
    return {"power_w": static_w(power_record(chip, mapping))}


def block_area(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Area of the die, of a minion shire (32 minions, SRAM, mesh stop), or of a number of them."""
    table = spec.PARAMETERS.record(chip)
    block = str(arguments["block"])
    if block == "die":
        return {"area_mm2": float(sum(area[0] for area in area_mm2(table).values()))}
    shire = sum(float(area.reshape(-1)[0]) for area in shire_area_mm2(table).values())
    if several := re.fullmatch(r"minion_shires_([1-9]\d{0,3})", block):
        return {"area_mm2": int(several[1]) * shire}
    if block != "minion_shire":
        raise InvalidTrace(f"block is die, minion_shire or minion_shires_N for N of them, got '{block}'; areas of other blocks are not published")
    return {"area_mm2": shire}


PRIMITIVES = {
    made.name: made
    for made in (
        Primitive(
            "memory_transfer", "energy of moving bytes between a memory level and the minions", memory_transfer,
            {"level": None, "access": "load", "path": "tensor", "hops": None, "bytes": None, "data": "unspecified"}, frozenset({"hops"}),
        ),
        Primitive("spin", "power of minions in an endless loop of integer additions", spin, {"harts_per_minion": 2, "minions": None},
                  frozenset({"minions"})),
        Primitive("idle", "power with no kernel running", idle),
        Primitive("block_area", "area of a block of the die", block_area, {"block": "die"}),
    )
}  # fmt: skip
