"""The family of charge-domain macros: how graphs lie on them."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.charge_domain.areas import PARTS, area_mm2
from hwsim.targets.crossbar.charge_domain.primitives import PRIMITIVES
from hwsim.targets.crossbar.charge_domain.spec import CODE
from hwsim.targets.crossbar.family import Family, Plan
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import DIGITAL_WORK, Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored

ASSUMPTIONS = (
    "pooling, partial sums of row parts and what else lies between products belong to the chip's processor: not in time or energy of the macro",
    "inputs have the share of ones at which the macro was measured unless an operator states its input_activity",
)


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Bits of weights on neighbouring columns; refused beyond the widths of buffer and datapath."""
    most_in, most_weight = chip.number("input_bits_most"), chip.number("weight_bits_most")

    def refuses(op: Op, matrix: Stored) -> str:
        if matrix.input_bits > most_in:
            return f"inputs of {matrix.input_bits:g} bits; the input buffer holds {most_in:g} at most: state a narrower dtype"
        if matrix.weight_bits > most_weight:
            return f"weights of {matrix.weight_bits:g} bits; the datapath adds {most_weight:g} columns at most: state a narrower weight_dtype"
        return ""

    geometry = Geometry(int(chip.number("array_rows")), int(chip.number("array_columns")), 1.0, count=int(chip.number("arrays")))
    return stored_plan(graph, options, chip, Rules(geometry, refuses=refuses, assumptions=ASSUMPTIONS, outside=frozenset(DIGITAL_WORK)))


FAMILY = Family(
    name="charge_domain",
    code=CODE,
    about="SRAM columns that share charge, bit plane after bit plane",
    plan=plan,
    area_mm2=area_mm2,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}),
    structural=frozenset({"arrays", "array_rows", "array_columns", "input_bits_most", "weight_bits_most"}),
    parts=PARTS,
    primitives=PRIMITIVES,
)
