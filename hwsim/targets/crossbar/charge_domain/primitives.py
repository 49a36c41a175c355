"""Mechanisms of a charge-domain macro in isolation. TOPS/W and TOPS/mm2 count array and converters alone, as the published ones do."""

from __future__ import annotations

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.charge_domain.areas import PARTS, macro_area_mm2
from hwsim.targets.crossbar.charge_domain.spec import CODE
from hwsim.targets.crossbar.family import nothing
from hwsim.targets.crossbar.full_macro import prepared, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.macro_primitives import macro_primitives
from hwsim.targets.crossbar.operands import operand_bits

PUBLISHED = "array_and_adc"  # what the published TOPS/W and TOPS/mm2 count


def _vector(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
    """Metrics of a vector through a full macro: the bits of a weight take a column each. `average_input_value`: share of ones of the input bits.

    Joules, watts and area are those of the whole macro.
    """
    bits = operand_bits(arguments, "input_bits", chip.number("input_bits_most"), "the input buffer holds no more")
    weight = operand_bits(arguments, "weight_bits", chip.number("weight_bits_most"), "the datapath adds no more columns")
    if arguments.get("output_bits") is not None:
        operand_bits(arguments, "output_bits", chip.number("output_bits_most"), "the datapath's results are no wider")
    activity = UNKNOWN if arguments.get("average_input_value") is None else number(arguments, "average_input_value", most=1)
    rows, outputs = chip.number("array_rows"), chip.number("array_columns") // weight
    fields = {"inputs": rows, "outputs": outputs, "slices": weight, "macs": rows * outputs, "input_bits": bits, "weight_bits": weight,
              "input_activity": activity}  # fmt: skip
    params = prepared(chip, CODE)
    slots = priced(params, fields)
    found = vector_metrics(params, slots, rows * outputs, component, PARTS, macro_area_mm2, nothing)
    if not component:
        published = vector_metrics(params, slots, rows * outputs, PUBLISHED, PARTS, macro_area_mm2, nothing)
        found |= {name: published[name] for name in ("tops_per_w", "tops_per_mm2")}
    return found


PRIMITIVES = macro_primitives(CODE, _vector, PARTS, macro_area_mm2, ("cores", "average_input_value"))
