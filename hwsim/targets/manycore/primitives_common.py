"""What primitives share: the parameter record at the mapping's clock, and who takes part."""

from __future__ import annotations

import math
from typing import Any

from hwsim.core.arguments import number, whole
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.core.program import Table
from hwsim.core.target import Mapped
from hwsim.engine.jit import jit
from hwsim.targets.manycore import memory, shire_map, spec
from hwsim.targets.manycore.mapping import parse_options


@jit
def prepare_network(p: Any) -> None:
    """`set_network` as a function of its own."""
    memory.set_network(p)


def record(chip: Chip, mapping: Mapped) -> Table:
    """The chip's constants at the mapping's clock with the derived network columns, as a table of one record. Raises `InvalidMapping`."""
    options = parse_options(mapping)
    if options.runtime is not None or options.unit is not None:
        raise InvalidMapping("a primitive is one mechanism: runtime and unit choose how an operator runs, and mean nothing here")
    table = spec.PARAMETERS.record(chip)
    if options.frequency_hz is not None:
        table["clock_hz"] = options.frequency_hz
    prepare_network(table[0])
    return table


def readers(p: Any, arguments: Mapped) -> int:
    """Number of minions that take part; all of the compute shires when left out. Raises `InvalidTrace`."""
    most = int(p["shires"] * p["minions_per_shire"])
    return most if arguments["minions"] is None else whole(arguments, "minions", most=most)


def shires_of(p: Any, arguments: Mapped) -> int:
    """Number of shires that take part; all compute shires when left out. Raises `InvalidTrace`."""
    return int(p["shires"]) if arguments["shires"] is None else whole(arguments, "shires", most=p["shires"])


def per_shire(p: Any, minions: int) -> tuple[int, float]:
    """(shires that `minions` fill one after another, minions of each)."""
    shires = math.ceil(minions / p["minions_per_shire"])
    return shires, minions / shires


def hops_of(p: Any, arguments: Mapped, least: int) -> float:
    """Hops between two shires, at most those of the pair that is farthest apart. Raises `InvalidTrace`."""
    farthest = float(shire_map.longest_hops(p))
    if farthest < least:
        raise InvalidTrace(f"no shire of this chip is {least} hops from another: it has {float(p['shires']):g}")
    return number(arguments, "hops", least=least, most=farthest)


def offset_of(p: Any, arguments: Mapped, shires: int) -> int:
    """The ID offset of a ring. Raises `InvalidTrace` when it is missing or leads back to the shire itself."""
    if arguments["id_offset"] is None:
        raise InvalidTrace("a ring over the mesh needs id_offset: shire s reads from shire s + id_offset, by ID")
    offset = whole(arguments, "id_offset", least=-int(p["shires"]), most=p["shires"])
    if offset % shires == 0:
        raise InvalidTrace(f"id_offset {offset} leads every one of {shires} shires back to itself")
    return offset % shires
