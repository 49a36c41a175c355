"""Mechanisms of a pulse-count macro in isolation."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar import spec
from hwsim.targets.crossbar.family import nothing
from hwsim.targets.crossbar.full_macro import component_names, only, prepared, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.operands import component_area, cores_at_work, of_cores, operand_bits
from hwsim.targets.crossbar.pulse_count.areas import PARTS, macro_area_mm2
from hwsim.targets.crossbar.pulse_count.spec import CODE

AVERAGES = ("average_input_value", "average_weight_value", "average_output_value")


def _value(arguments: Mapped, name: str, most: float) -> float:
    return UNKNOWN if arguments.get(name) is None else number(arguments, name, most=most)


def _macro(chip: Chip, arguments: Mapped) -> dict[str, float]:
    """Metrics of a vector through a full macro; means that are not stated are the chip's."""
    bits = operand_bits(arguments, "input_bits", chip.number("input_bits_most"), "a cycle has no time for more pulses")
    weight = operand_bits(arguments, "weight_bits", chip.number("weight_bits_most"), "an output has no more weighted columns")
    rows, outputs = chip.number("array_rows"), chip.number("array_columns") / chip.number("weight_bits_most")
    fields = {
        "inputs": rows, "outputs": outputs, "macs": rows * outputs, "input_bits": bits, "weight_bits": weight,
        "input_activity": _value(arguments, AVERAGES[0], 1.0), "weight_value": _value(arguments, AVERAGES[1], 1.0),
        "output_code": _value(arguments, AVERAGES[2], 2.0 ** chip.number("output_bits_most") - 1),
    }  # fmt: skip
    params, component = prepared(chip, CODE), str(arguments.get("component", ""))
    return vector_metrics(params, priced(params, fields), rows * outputs, component, PARTS, macro_area_mm2, nothing)


def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One vector through one macro (`cores`: one through each)."""
    only(arguments, "cores", *AVERAGES)
    operand_bits(arguments, "output_bits", chip.number("output_bits_most"), "the flash converters resolve no more")
    return of_cores(_macro(chip, arguments), cores_at_work(arguments, chip))


def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """All macros busy with operands of the chip's mean_input and mean_weight."""
    found = of_cores(_macro(chip, arguments), int(chip.number("arrays")))
    return {name: found[name] for name in ("tops", "tops_per_w", "tops_per_mm2", "power_w", "area_mm2")}


def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """Area of a component of one macro."""
    name = str(arguments["component"])
    areas = macro_area_mm2(spec.PARAMETERS.record(chip))
    return component_area((name,) if name in areas else component_names(name, PARTS), areas, name, chip)


def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One cycle at the supply: a complete vector."""
    return {"latency_s": 1 / float(prepared(chip, CODE)["clock_hz"][0])}


PRIMITIVES = {"array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period}
