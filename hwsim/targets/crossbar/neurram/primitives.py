"""Mechanisms of a NeuRRAM core in isolation."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar import spec
from hwsim.targets.crossbar.family import nothing
from hwsim.targets.crossbar.full_macro import component_names, only, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.neurram.areas import PARTS, core_area_mm2
from hwsim.targets.crossbar.neurram.phases import RULES
from hwsim.targets.crossbar.neurram.spec import CODE
from hwsim.targets.crossbar.operands import component_area, cores_at_work, of_cores, operand_bits


def _core(chip: Chip, arguments: Mapped, output_bits: float, activity: float = UNKNOWN) -> dict[str, float]:
    """Metrics of a vector through a full core; a MAC is a pair of cells."""
    inputs = operand_bits(arguments, "input_bits", chip.number("input_bits_most"), "the pulses carry no more")
    weights = operand_bits(arguments, "weight_bits", chip.number("pair_bits"), "a pair of cells holds no more")
    rows, outputs = chip.number("array_rows"), chip.number("array_columns") / 2
    params = spec.PARAMETERS.record(chip, {"family_code": CODE, "clock_fixed": 1.0, "phase_rule": RULES[chip.text("phases")]})
    fields = {"inputs": rows, "outputs": outputs, "polarity": 2, "macs": rows * outputs, "input_bits": inputs, "weight_bits": weights,
              "output_bits": output_bits, "input_activity": activity}  # fmt: skip
    component = str(arguments.get("component", ""))
    return vector_metrics(params, priced(params, fields), rows * outputs, component, PARTS, core_area_mm2, nothing)


def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One vector through one core (`cores`: one through each). `average_input_value`: share of ones among the inputs' magnitude bits."""
    given = only(arguments, "cores", "average_input_value")
    activity = number(arguments, "average_input_value", most=1) if "average_input_value" in given else UNKNOWN
    outputs = operand_bits(arguments, "output_bits", chip.number("output_bits_most"), "the neurons resolve no more")
    return of_cores(_core(chip, arguments, outputs, activity), cores_at_work(arguments, chip))


def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """All cores busy; results of `output_bits`, else as much wider than the inputs as at the published operating points."""
    wider = number(arguments, "input_bits", least=1) + chip.number("output_bits_more")
    outputs = chip.number("output_bits") if "output_bits" in chip.params else min(wider, chip.number("output_bits_most"))
    found = of_cores(_core(chip, arguments, outputs), int(chip.number("arrays")))
    return {name: found[name] for name in ("tops", "tops_per_w", "tops_per_mm2", "power_w", "area_mm2")}


def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """Area of a component of one core."""
    name = str(arguments["component"])
    areas = core_area_mm2(spec.PARAMETERS.record(chip))
    return component_area((name,) if name in areas else component_names(name, PARTS), areas, name, chip)


def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One operation of the neurons."""
    return {"latency_s": 1 / chip.number("clock_hz")}


PRIMITIVES = {"array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period}
