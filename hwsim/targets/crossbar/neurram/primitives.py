"""Mechanisms of a NeuRRAM core in isolation."""

from __future__ import annotations

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import nothing
from hwsim.targets.crossbar.full_macro import prepared, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.macro_primitives import macro_primitives
from hwsim.targets.crossbar.neurram.areas import PARTS, core_area_mm2
from hwsim.targets.crossbar.neurram.phases import RULES
from hwsim.targets.crossbar.neurram.spec import CODE
from hwsim.targets.crossbar.operands import operand_bits


def _output_bits(chip: Chip, arguments: Mapped, inputs: int) -> float:
    """Width of the results: as stated, else the chip's, else as much wider than the inputs as at the published operating points."""
    most = chip.number("output_bits_most")
    if arguments.get("output_bits") is not None:
        return operand_bits(arguments, "output_bits", most, "the neurons resolve no more")
    return chip.number("output_bits") if "output_bits" in chip.params else min(inputs + chip.number("output_bits_more"), most)


def _vector(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
    """Metrics of a vector through a full core; a MAC is a pair of cells. `average_input_value`: share of ones among the inputs' magnitude bits."""
    inputs = operand_bits(arguments, "input_bits", chip.number("input_bits_most"), "the pulses carry no more")
    weights = operand_bits(arguments, "weight_bits", chip.number("pair_bits"), "a pair of cells holds no more")
    activity = UNKNOWN if arguments.get("average_input_value") is None else number(arguments, "average_input_value", most=1)
    rows, outputs = chip.number("array_rows"), chip.number("array_columns") / 2
    params = prepared(chip, CODE, {"phase_rule": RULES[chip.text("phases")]})
    fields = {"inputs": rows, "outputs": outputs, "polarity": 2, "macs": rows * outputs, "input_bits": inputs, "weight_bits": weights,
              "output_bits": _output_bits(chip, arguments, inputs), "input_activity": activity}  # fmt: skip
    return vector_metrics(params, priced(params, fields), rows * outputs, component, PARTS, core_area_mm2, nothing)


PRIMITIVES = macro_primitives(CODE, _vector, PARTS, core_area_mm2, ("cores", "average_input_value"))
