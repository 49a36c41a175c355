"""The crossbar target: arrays that multiply where the weights are stored, analog or digital, behind the `Target` protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.targets.crossbar import kernels, layout, spec
from hwsim.targets.crossbar.compose import composed, family_of
from hwsim.targets.crossbar.families import FAMILIES
from hwsim.targets.crossbar.mapping import parse_options
from hwsim.targets.crossbar.primitives import PRIMITIVES


class CrossbarTarget(TargetBase):
    """Crossbars and compute-in-memory macros; each chip belongs to a family (`hwsim.targets.crossbar.family`)."""

    name = "crossbar"
    reads_timesteps = True
    slots = layout.SLOTS
    primitives = PRIMITIVES
    price = staticmethod(kernels.price)
    prepare = staticmethod(kernels.prepare)

    def check(self, chip: Chip) -> None:
        """Refuse a chip that lacks a constant of its family. Raises `InvalidChip`, `MissingParameter`."""
        spec.check_chip(chip)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return those that are stated. Raises `InvalidMapping`."""
        return parse_options(mapping).stated

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """The family's own format of integers."""
        return family_of(chip).default_dtype(chip, kind)

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Lay `graph` out on the chip's arrays. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`, `InvalidChip`."""
        options = parse_options(mapping)
        whole = composed(chip, options)
        family = family_of(whole)
        made = family.plan(graph, options, whole)
        warnings = self.refuse(made.table.skipped, allow_unmodelled)
        params = spec.PARAMETERS.record(whole, {**made.numbers, "family_code": family.code, "clock_fixed": float("clock_hz" in whole.params)})
        kernels.prepare(params[0])
        program = Program(
            chip=whole, graph=made.graph, mapping={**options.stated, **made.stated}, rows=made.table.rows, row_of=made.table.row_of,
            counts=made.table.counts, params=params, slots=layout.SLOTS, resources=layout.RESOURCES, clock_hz=float(params["clock_hz"][0]),
            static_power_w=first(family.static_w(params)), area_mm2=first(family.area_mm2(params)), figures=made.figures,
            parts={**family.parts, **made.parts}, used_params=_used(whole),
            assumptions=(f"energy and area are those of the {whole.text('boundary')}", *made.assumptions,
                         *(f"left out: {label}" for label in made.table.left_out)),
            warnings=(*warnings, *made.warnings), serial=True, lower_bound=bool(made.table.skipped),
        )  # fmt: skip
        return replace(program, figures={**program.figures, **first(self.figures(program, params))})

    def figures(self, program: Program, params: Table) -> Mapping[str, NDArray[np.float64]]:
        """What the family works out from prices, one figure per record."""
        rates = family_of(program.chip).rates
        return {} if rates is None else rates(program, params)

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the family's event values, or the closed forms' where it has no loop of its own."""
        refine = family_of(program.chip).refine
        return values if refine is None else refine(program, values)

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, area in mm2) by component, one figure per parameter record; components of nothing are left out."""
        family = family_of(program.chip)
        power, area = family.static_w(params), family.area_mm2(params)
        return {n: v for n, v in power.items() if v.any()}, {n: v for n, v in area.items() if v.any()}

    def analog(self, program: Program) -> Mapping[str, Any]:
        """How far results are from digital ones (`hwsim.targets.crossbar.analog`). Raises `UnsupportedOp`, `InvalidMapping`, `InvalidChip`."""
        from hwsim.targets.crossbar.analog.report import analog  # noqa: PLC0415  (compiles much: only when asked for)

        return analog(program)

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """What any family's plan reads, the words, and constants that stated options replace."""
        options = parse_options(mapping)
        words = {c.name for c in spec.PARAMETERS.constants if not c.column}
        return frozenset({*words, *options.constants}).union(*(family.structural for family in FAMILIES.values()))


def _used(chip: Chip) -> tuple[str, ...]:
    """Constants that a price or a plan on this chip can read."""
    return tuple(c.name for c in spec.TABLES[spec.family_name(chip)].constants if c.name in chip.params and c.name != "family")


TARGET = CrossbarTarget()
