"""Wire length of a block before placement, as a primitive."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped, Primitive
from hwsim.readers.technology import technology
from hwsim.tech.rent import Block, random_length_um


def wirelength_estimate(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
    """Routed length of all signal nets of a block, from its size and Rent parameters alone."""
    block = Block(
        gates=number(arguments, "cells", least=2),
        nets=number(arguments, "nets", least=1),
        mean_fanout=number(arguments, "mean_fanout", least=1e-3),
        rent_p=number(arguments, "rent_p"),
        rent_k=number(arguments, "rent_k"),
        cell_area_um2=number(arguments, "cell_area_um2"),
        core_area_um2=number(arguments, "core_area_um2"),
    )
    tech = technology("wirelength")
    return {"wirelength_um": tech.number("placed_share") * random_length_um(block, tech.number("white_space"))}


LAYOUT_PRIMITIVES = (
    Primitive(
        "wirelength_estimate", "routed length of a block from its Rent parameters", wirelength_estimate,
        dict.fromkeys(("cells", "nets", "mean_fanout", "rent_p", "rent_k", "cell_area_um2", "core_area_um2")), frozenset(),
    ),
)  # fmt: skip
