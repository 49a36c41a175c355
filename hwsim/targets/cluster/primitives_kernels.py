"""Primitives of inner kernels: PULP-NN's block, the walk of a decision tree."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import whole
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.cluster.isolate import priced
from hwsim.targets.cluster.kernel import Loop, Mix, Work
from hwsim.targets.cluster.kernels_distance import LEAF, level
from hwsim.targets.cluster.numbers import resolved

Figures = Mapping[str, float]
BLOCK = Mix(load=6, sdot=8)  # two pixels by four channels, one word along k: 32 multiply-accumulates
CALL = Mix(cycle=43)  # prologue, bias, results: measured 170 cycles for four calls


def pulp_nn_block(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Cycles of the slowest core that calls the block `repeats` times over `k_words` words; every core does the whole work."""
    m, p = resolved(chip, mapping)
    if m.core != "xpulp":
        raise InvalidMapping(f"pulp_nn_block is made of Xpulp dot products; {m.chip.name} has none")
    words, repeats = whole(arguments, "k_words"), whole(arguments, "repeats")
    found = priced(Work((Loop(BLOCK, float(words * repeats)), Loop(CALL, float(repeats)))), m, p)
    return {"cycles": found["cycles"], "macs_per_cycle": 32.0 * words * repeats * m.cores / found["cycles"]}


def decision_tree_traversal(chip: Chip, arguments: Mapped, mapping: Mapped) -> Figures:
    """Busy cycles of a core that walks one complete tree `traversals` times; `features` only sizes the samples."""
    m, p = resolved(chip, mapping)
    depth, traversals = whole(arguments, "depth", most=40), whole(arguments, "traversals")
    whole(arguments, "features")
    found = priced(Work((Loop(level(m), float(depth * traversals)), Loop(LEAF, float(traversals)))), m, p)
    return {"cycles": found["cycles"]}


PRIMITIVES: Mapping[str, Primitive] = {
    p.name: p
    for p in (
        Primitive("pulp_nn_block", "PULP-NN's 4 x 2 block of int8 products", pulp_nn_block, {"k_words": None, "repeats": 1}),
        Primitive(
            "decision_tree_traversal", "walks of one decision tree by every core", decision_tree_traversal,
            {"depth": None, "traversals": 1, "features": None},
        ),
    )
}  # fmt: skip
