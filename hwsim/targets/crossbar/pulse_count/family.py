"""The family of pulse-count macros: how graphs lie on them."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.family import Family, Plan
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import DIGITAL_WORK, Rules, stored_plan
from hwsim.targets.crossbar.pulse_count.areas import PARTS, area_mm2
from hwsim.targets.crossbar.pulse_count.primitives import PRIMITIVES
from hwsim.targets.crossbar.pulse_count.spec import CODE
from hwsim.targets.crossbar.stored import Stored

ASSUMPTIONS = (
    "partial sums of row parts and all that lies between products are outside the macro: not in time or energy",
    "inputs have the chip's mean_input unless an operator states its input_activity, weights its mean_weight; converters are ranged to full scale",
)


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """A weight on binary weighted columns; refused beyond the widths of pulses, columns and converters."""
    bits = {n: chip.number(f"{n}_bits_most") for n in ("input", "weight", "output")}

    def refuses(op: Op, matrix: Stored) -> str:
        given = {"input": matrix.input_bits, "weight": matrix.weight_bits, "output": matrix.output_bits}
        wide = [f"{name} of {given[name]:g} bits where the macro has {most:g}" for name, most in bits.items() if given[name] > most]
        return f"{', '.join(wide)}: state dtype and weight_dtype int4" if wide else ""

    def extra(op: Op, matrix: Stored | None) -> Fields:
        return {"weight_value": UNKNOWN, "output_code": UNKNOWN}

    geometry = Geometry(
        int(chip.number("array_rows")), int(chip.number("array_columns") / bits["weight"]), bits["weight"], count=int(chip.number("arrays"))
    )
    rules = Rules(geometry, extra=extra, refuses=refuses, assumptions=ASSUMPTIONS, outside=frozenset(DIGITAL_WORK))
    return stored_plan(graph, options, chip, rules)


def default_dtype(chip: Chip, kind: str) -> str:
    """Four bits everywhere."""
    return "int4"


FAMILY = Family(
    name="pulse_count",
    code=CODE,
    about="SRAM columns that word-line pulses discharge, with flash converters",
    plan=plan,
    area_mm2=area_mm2,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}),
    structural=frozenset({"arrays", "array_rows", "array_columns", "input_bits_most", "weight_bits_most", "output_bits_most"}),
    parts=PARTS,
    primitives=PRIMITIVES,
    default_dtype=default_dtype,
)
