"""The standard-cell target: libraries and blocks through primitives and mapping options, behind the `Target` protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.engine.jit import jit
from hwsim.targets.stdcell import spec
from hwsim.targets.stdcell.mapping import parse_options
from hwsim.targets.stdcell.primitives import PRIMITIVES


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """A cell library runs no operators: `StdcellTarget.map` refuses every graph."""
    out.compute = np.nan


class StdcellTarget(TargetBase):
    """Cell libraries: areas, delays and energies of cells, and of the blocks that are synthesised, placed and timed with them."""

    name = "stdcell"
    slots = spec.SLOTS
    price = staticmethod(price)
    primitives = PRIMITIVES

    def check(self, chip: Chip) -> None:
        """Refuse a chip that states impossible constants. Raises `InvalidChip`, `MissingParameter`."""
        spec.PARAMETERS.check(chip)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return them all, defaults included. Raises `InvalidMapping`."""
        return parse_options(mapping).model_dump()

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Refuse: a cell library is no machine. Raises `InvalidMapping`."""
        raise InvalidMapping(
            f"chip '{chip.name}' is a cell library, which runs no operator graph: 'hwsim block DESIGN --chip {chip.name}' prices a gate-level "
            "block built with it; operator graphs run on chips that state a core"
        )

    def surroundings(self, program: Program, params: Table) -> Around:
        """None: no program is ever made."""
        return {}, {}


TARGET = StdcellTarget()
