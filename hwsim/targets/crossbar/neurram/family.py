"""The family of NeuRRAM: how graphs lie on its cores, its areas, and its components by their published names."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.family import Family, Plan
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.neurram.areas import PARTS, area_mm2
from hwsim.targets.crossbar.neurram.phases import RULES
from hwsim.targets.crossbar.neurram.primitives import PRIMITIVES
from hwsim.targets.crossbar.neurram.spec import CODE
from hwsim.targets.crossbar.plan import DIGITAL_WORK, Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored

ASSUMPTIONS = (
    "partial sums of row parts, recurrent cell updates and what else lies between products belong to the board's FPGA: not in time or energy",
    "magnitude bits of inputs are ones half of the time unless an operator states its input_activity",
    "cells lie at mid-range conductance on average",
    "area is that of all cores, without pads and what lies between the cores",
)


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Weights on pairs of columns of the cores, refused beyond the widths that a pair and a neuron have."""
    pair, most_in, most_out = (chip.number(n) for n in ("pair_bits", "input_bits_most", "output_bits_most"))
    given = chip.number("output_bits") if "output_bits" in chip.params else 0.0

    def refuses(op: Op, matrix: Stored) -> str:
        if matrix.weight_bits > pair:
            return f"a pair of cells holds a weight of {pair:g} bits, not {matrix.weight_bits:g}: state weight_dtype int4"
        if matrix.input_bits > most_in:
            return f"inputs of {matrix.input_bits:g} bits; the pulses carry {most_in:g} at most: state a narrower dtype"
        if (given or matrix.output_bits) > most_out:
            return f"results of {given or matrix.output_bits:g} bits; the neurons resolve {most_out:g} at most: state output_bits"
        return ""

    def extra(op: Op, matrix: Stored | None) -> Fields:
        return {"output_bits": given} if given and matrix is not None else {}

    geometry = Geometry(int(chip.number("array_rows")), int(chip.number("array_columns")), pair, polarity=2, count=int(chip.number("arrays")))
    rules = Rules(geometry, extra=extra, refuses=refuses, assumptions=ASSUMPTIONS, outside=frozenset(DIGITAL_WORK))
    made = stored_plan(graph, options, chip, rules)
    return Plan(made.graph, made.table, {**made.numbers, "phase_rule": RULES[chip.text("phases")]}, made.stated, made.figures, made.parts,
                made.assumptions, made.warnings)  # fmt: skip


def default_dtype(chip: Chip, kind: str) -> str:
    """Four bits: what a pair of cells holds."""
    return "int4"


FAMILY = Family(
    name="neurram",
    code=CODE,
    about="RRAM cores with voltage-mode neurons that integrate bit after bit",
    plan=plan,
    area_mm2=area_mm2,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}),
    structural=frozenset({"arrays", "array_rows", "array_columns", "input_bits_most", "output_bits_most"}),
    parts=PARTS,
    primitives=PRIMITIVES,
    default_dtype=default_dtype,
)
