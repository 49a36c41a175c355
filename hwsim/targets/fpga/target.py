"""The FPGA target: a device, a design on it, and the design's engine behind the `Target` protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.readers.design_file import design_names
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.targets.fpga import kernels, layout, spec
from hwsim.targets.fpga.compose import composed, engine_of
from hwsim.targets.fpga.engine import Plan
from hwsim.targets.fpga.engines import ENGINES
from hwsim.targets.fpga.mapping import Options, parse_options
from hwsim.targets.fpga.power import static_power_w
from hwsim.targets.fpga.primitives import PRIMITIVES
from hwsim.tech.arithmetic import check_lmul, lmul_note, saved_numbers

BUDGET = frozenset({"dies", *spec.RESOURCES, *(f"shell_{name}" for name in spec.RESOURCES), "hbm_bytes", "ddr_bytes", "hbm_channels", "ddr_channels"})


SUMS = {"fp16": "fp16", "fp32": "fp32"}  # formats in which products are added up: adder trees of the operands' format


class FpgaTarget(TargetBase):
    """FPGA accelerators. A bare device needs ``design`` among the mapping options, or takes its ``default_design``."""

    name = "fpga"
    slots = layout.SLOTS
    primitives = PRIMITIVES
    price = staticmethod(kernels.price)
    prepare = staticmethod(kernels.prepare)

    def check(self, chip: Chip) -> None:
        """Refuse a device or a composed chip that lacks a constant. Raises `InvalidChip`, `MissingParameter`."""
        spec.check_chip(chip)

    def designs(self, chip: Chip) -> tuple[str, ...]:
        """Every shipped design, for a device; none for a chip composed already, or a table of energies."""
        return () if "design" in chip.params or "dies" not in chip.params else tuple(design_names())

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return those that are stated. Raises `InvalidMapping`."""
        return parse_options(mapping).stated

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Put the design on the device and lay `graph` out on it. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`, `InvalidChip`."""
        options = parse_options(mapping)
        whole = composed(chip, options)
        engine = engine_of(whole)
        taken = engine.resources(whole, options)
        taken.must_fit(whole)
        made = engine.plan(graph, options, whole)
        table = made.table
        warnings = self.refuse(table.skipped, allow_unmodelled)
        used = {f"{name}_used": count for name, count in taken.figures.items()}
        numbers = {"engine_code": engine.code, "clocked": engine.clocked(whole, options), **used, **made.numbers,
                   **saved_numbers(technology(ARITHMETIC), options.multiplier, SUMS)}  # fmt: skip
        params = spec.PARAMETERS.record(whole, numbers)
        kernels.prepare(params[0])
        program = Program(
            chip=whole, graph=made.graph, mapping={"design": whole.text("design"), **options.stated, **made.stated},
            rows=table.rows, row_of=table.row_of, counts=table.counts, params=params, slots=layout.SLOTS, resources=layout.RESOURCES,
            clock_hz=float(params["clock_hz"][0]), static_power_w=first(static_power_w(params)), area_mm2={},
            figures={**taken.figures, **made.figures}, used_params=_used(whole),
            assumptions=(*made.assumptions, *(f"left out: {label}" for label in table.left_out), *_lmul(options, made, numbers)),
            warnings=(*warnings, *made.warnings),
            serial=True, lower_bound=bool(table.skipped),
        )  # fmt: skip
        return replace(program, figures={**program.figures, **first(self.figures(program, params))})

    def figures(self, program: Program, params: Table) -> Mapping[str, NDArray[np.float64]]:
        """What the engine works out from prices, one figure per record."""
        rates = engine_of(program.chip).rates
        return {} if rates is None else rates(program, params)

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the engine's event values, or the closed forms' where it has no loop of its own."""
        refine = engine_of(program.chip).refine
        return values if refine is None else refine(program, values)

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, no area: die areas are not published) by component, one figure per parameter record."""
        nothing: Mapping[str, NDArray[np.float64]] = {}
        return static_power_w(params), nothing

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """The device's budget, what any engine's layout reads, and constants that stated options override."""
        options = parse_options(mapping)
        overridden = {"design_clock_hz"} if options.clock_hz is not None else set()
        for engine in ENGINES.values():
            if engine.structural_with is not None:
                overridden |= engine.structural_with(options)
            overridden |= engine.structural | {constant for option, constant in engine.overrides.items() if option in options.stated}
        return BUDGET | overridden


def _lmul(options: Options, made: Plan, numbers: Mapping[str, float]) -> tuple[str, ...]:
    """The assumption of L-Mul in place of the multipliers; none with standard ones. Raises `InvalidMapping` where it has nothing to replace."""
    if options.multiplier != "lmul":
        return ()
    formats = {layout.product_format(op) for op, row in zip(made.graph.ops, made.table.row_of, strict=True) if row >= 0} - {""}
    check_lmul(formats)
    share = "gates, not fabric: routing, hard multipliers and operand movement in a MAC's joules are scaled alike, so this is an upper bound"
    return (lmul_note(formats, numbers, SUMS, share),)


def _used(chip: Chip) -> tuple[str, ...]:
    """Constants that a price on this chip can read: the device's and the engine's."""
    return tuple(c.name for c in spec.COMPOSED[chip.text("engine")].constants if c.column and c.name in chip.params) + tuple(
        n for n in sorted(BUDGET) if n in chip.params and n not in spec.PARAMETERS.priced
    )


TARGET = FpgaTarget()
