"""Mechanisms of a charge-domain macro in isolation. TOPS/W and TOPS/mm2 count array and converters alone, as the published ones do."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar import spec
from hwsim.targets.crossbar.charge_domain.areas import PARTS, macro_area_mm2
from hwsim.targets.crossbar.charge_domain.spec import CODE
from hwsim.targets.crossbar.family import nothing
from hwsim.targets.crossbar.full_macro import component_names, only, prepared, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.operands import component_area, cores_at_work, of_cores, operand_bits

PUBLISHED = "array_and_adc"  # what the published TOPS/W and TOPS/mm2 count


def _macro(chip: Chip, arguments: Mapped, activity: float = UNKNOWN) -> dict[str, float]:
    """Metrics of a vector through a full macro at the stated widths: the bits of a weight take a column each."""
    bits = operand_bits(arguments, "input_bits", chip.number("input_bits_most"), "the input buffer holds no more")
    weight = operand_bits(arguments, "weight_bits", chip.number("weight_bits_most"), "the datapath adds no more columns")
    rows, outputs = chip.number("array_rows"), chip.number("array_columns") // weight
    fields = {"inputs": rows, "outputs": outputs, "slices": weight, "macs": rows * outputs, "input_bits": bits, "weight_bits": weight,
              "input_activity": activity}  # fmt: skip
    params, component = prepared(chip, CODE), str(arguments.get("component", ""))
    slots = priced(params, fields)
    found = vector_metrics(params, slots, rows * outputs, component, PARTS, macro_area_mm2, nothing)
    if not component:
        published = vector_metrics(params, slots, rows * outputs, PUBLISHED, PARTS, macro_area_mm2, nothing)
        found |= {name: published[name] for name in ("tops_per_w", "tops_per_mm2")}
    return found


def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One vector through one macro (`cores`: one through each). `average_input_value`: share of ones among the input bits.

    Joules, watts and area are those of the whole macro.
    """
    given = only(arguments, "cores", "average_input_value")
    activity = number(arguments, "average_input_value", most=1) if "average_input_value" in given else UNKNOWN
    operand_bits(arguments, "output_bits", chip.number("output_bits_most"), "the datapath's results are no wider")
    return of_cores(_macro(chip, arguments, activity), cores_at_work(arguments, chip))


def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """All macros busy; watts and area are those of whole macros."""
    found = of_cores(_macro(chip, arguments), int(chip.number("arrays")))
    return {name: found[name] for name in ("tops", "tops_per_w", "tops_per_mm2", "power_w", "area_mm2")}


def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """Area of a component of one macro."""
    name = str(arguments["component"])
    areas = macro_area_mm2(spec.PARAMETERS.record(chip))
    return component_area((name,) if name in areas else component_names(name, PARTS), areas, name, chip)


def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One clock at the supply."""
    return {"latency_s": 1 / float(prepared(chip, CODE)["clock_hz"][0])}


PRIMITIVES = {"array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period}
