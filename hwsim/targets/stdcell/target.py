"""The standard-cell target: libraries and blocks through primitives and mapping options, behind the `Target` protocol."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.targets.stdcell import core_spec, spec
from hwsim.targets.stdcell.core_chip import map_graph
from hwsim.targets.stdcell.core_energy import surroundings
from hwsim.targets.stdcell.core_layout import SLOTS
from hwsim.targets.stdcell.core_mapping import stated_options
from hwsim.targets.stdcell.core_price import prepare, price
from hwsim.targets.stdcell.primitives import PRIMITIVES


class StdcellTarget(TargetBase):
    """Cell libraries: areas, delays and energies of cells, and of the blocks that are synthesised, placed and timed with them.

    A chip that states `core` is made of such a block, and runs operator graphs.
    """

    name = "stdcell"
    slots = SLOTS
    price = staticmethod(price)
    prepare = staticmethod(prepare)
    primitives = PRIMITIVES

    def check(self, chip: Chip) -> None:
        """Refuse a chip that states impossible constants. Raises `InvalidChip`, `MissingParameter`."""
        if core_spec.runs_graphs(chip):
            core_spec.check_chip(chip)
        else:
            spec.PARAMETERS.check(chip)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return those that are stated. Raises `InvalidMapping`."""
        return stated_options(mapping)

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """Networks are quantised to bytes: cores and arrays compute in integers."""
        return "int8"

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Lay `graph` out on a core or an array. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping` (also for a library, which is no machine)."""
        if core_spec.runs_graphs(chip):
            return map_graph(graph, chip, mapping, self.refuse, allow_unmodelled)
        raise InvalidMapping(
            f"chip '{chip.name}' is a cell library, which runs no operator graph: 'hwsim block DESIGN --chip {chip.name}' prices a gate-level "
            "block built with it; operator graphs run on chips that state a core"
        )

    def surroundings(self, program: Program, params: Table) -> Around:
        """(leakage in watts, area in mm2) by component, one figure per parameter record."""
        return surroundings(params)

    def structural(self, mapping: Mapped) -> frozenset[str]:
        """Words and sizes: what the mapping reads."""
        return core_spec.STRUCTURAL


TARGET = StdcellTarget()
