"""Mechanisms of a pulse-count macro in isolation."""

from __future__ import annotations

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import nothing
from hwsim.targets.crossbar.full_macro import prepared, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.macro_primitives import macro_primitives
from hwsim.targets.crossbar.operands import operand_bits
from hwsim.targets.crossbar.pulse_count.areas import PARTS, macro_area_mm2
from hwsim.targets.crossbar.pulse_count.spec import CODE

AVERAGES = ("average_input_value", "average_weight_value", "average_output_value")


def _value(arguments: Mapped, name: str, most: float) -> float:
    return UNKNOWN if arguments.get(name) is None else number(arguments, name, most=most)


def _vector(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
    """Metrics of a vector through a full macro; means that are not stated are the chip's."""
    bits = operand_bits(arguments, "input_bits", chip.number("input_bits_most"), "a cycle has no time for more pulses")
    weight = operand_bits(arguments, "weight_bits", chip.number("weight_bits_most"), "an output has no more weighted columns")
    if arguments.get("output_bits") is not None:
        operand_bits(arguments, "output_bits", chip.number("output_bits_most"), "the flash converters resolve no more")
    rows, outputs = chip.number("array_rows"), chip.number("array_columns") / chip.number("weight_bits_most")
    fields = {
        "inputs": rows, "outputs": outputs, "macs": rows * outputs, "input_bits": bits, "weight_bits": weight,
        "input_activity": _value(arguments, AVERAGES[0], 1.0), "weight_value": _value(arguments, AVERAGES[1], 1.0),
        "output_code": _value(arguments, AVERAGES[2], 2.0 ** chip.number("output_bits_most") - 1),
    }  # fmt: skip
    params = prepared(chip, CODE)
    return vector_metrics(params, priced(params, fields), rows * outputs, component, PARTS, macro_area_mm2, nothing)


PRIMITIVES = macro_primitives(CODE, _vector, PARTS, macro_area_mm2, ("cores", *AVERAGES))
