"""The manycore target: lowering, price, energy and primitives behind the `Target` protocol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore import provenance, spec
from hwsim.targets.manycore.area import area_mm2
from hwsim.targets.manycore.dvfs import check_power_clock
from hwsim.targets.manycore.kernels import prepare, prepare_map, price
from hwsim.targets.manycore.lowering import lower
from hwsim.targets.manycore.machine import STRUCTURAL, machine
from hwsim.targets.manycore.mapping import check_serves, parse_options, stated
from hwsim.targets.manycore.power import POINT, at_point, power_numbers
from hwsim.targets.manycore.primitives import PRIMITIVES
from hwsim.targets.manycore.rails import slot_rails
from hwsim.targets.manycore.static import static_power_w
from hwsim.tech.arithmetic import check_lmul


class Manycore(TargetBase):
    """Shires of in-order cores with tensor units, scratchpads and a mesh; one compiled program, or a kernel per operator."""

    name = "manycore"
    slots = L.SLOTS
    primitives = PRIMITIVES
    price = staticmethod(price)
    prepare = staticmethod(prepare)

    def check(self, chip: Chip) -> None:
        """Refuse a chip that lacks a constant, or whose clock has no operating point. Raises `InvalidChip`, `MissingParameter`."""
        spec.check_chip(chip)
        points = chip.vector("dvfs_clock_hz")
        if not points[0] <= chip.number("clock_hz") <= points[-1]:
            raise InvalidChip(
                f"chip '{chip.name}': no voltage is known at a clock_hz of {chip.number('clock_hz') / 1e6:g} MHz, so no energy; operating points "
                f"lie between {points[0] / 1e6:g} and {points[-1] / 1e6:g} MHz (dvfs_clock_hz, dvfs_voltage_v: state more of them)"
            )

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return those that are stated. Raises `InvalidMapping`."""
        return parse_options(mapping).model_dump(exclude_none=True)

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Lay `graph` out on `chip`. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`."""
        options = parse_options(mapping)
        check_serves(options, graph)
        chip = at_point(chip, mapping)
        kernels = options.runtime == "kernel_per_op"
        m = machine(chip, options, kernels)
        lowered = lower(graph, m)
        warnings = self.refuse(lowered.table.skipped, allow_unmodelled)
        params = spec.PARAMETERS.record(chip, {**power_numbers(mapping), "workers": m.workers.minions})
        prepare_map(params[0], m.workers.shires)
        check_power_clock(params[0])
        table = lowered.table
        if options.multiplier == "lmul":
            check_lmul(provenance.product_formats(table))
        return Program(
            chip=chip, graph=graph, mapping=stated(options, m.workers, "kernel_per_op" if kernels else "compiled_graph"), rows=table.rows,
            row_of=table.row_of, counts=table.counts, params=params, slots=self.slots, resources=L.RESOURCES, clock_hz=float(params["clock_hz"][0]),
            static_power_w=first(static_power_w(params)), area_mm2=first(area_mm2(params)), figures=provenance.figures(lowered, m),
            rails=slot_rails(provenance.RAIL_KINDS, params[0]), used_params=spec.PARAMETERS.priced,
            assumptions=provenance.assumptions(graph, options, m, lowered), warnings=(*warnings, *provenance.warnings(graph, table)), serial=True,
            lower_bound=bool(table.skipped),
        )  # fmt: skip

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Event fidelity: lines of operators that read over the mesh are delivered packet by packet."""
        from hwsim.targets.manycore.refine import refined  # noqa: PLC0415  (the cycle loops are loaded only when asked for)

        return refined(program, values)

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, area in mm2) by component, one figure per parameter record."""
        return static_power_w(params), area_mm2(params)

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Constants that the layout depends on; clock and die temperature too where the mapping states them."""
        return STRUCTURAL | {name for name, option in POINT.items() if mapping.get(option) is not None}


TARGET = Manycore()

