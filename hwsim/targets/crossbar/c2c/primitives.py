"""The macro in isolation: vectors through its sets of weights, its peak, areas of its components, its clock, its converter."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number, whole
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.c2c.spec import CODE
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.full_macro import WHOLE, ByComponent, Parts, clock, component_names, only, prepared, priced, vector_metrics
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.operands import component_area, cores_at_work, of_cores, operand_bits

AVERAGES = ("average_input_value", "average_weight_value")


def run_primitives(parts: Parts, area_mm2: ByComponent, static_w: ByComponent) -> dict[str, PrimitiveRun]:
    """The family's primitives by name."""

    def vectors(chip: Chip, arguments: Mapped, component: str, arrays: int) -> dict[str, float]:
        """As many vectors as `weight_sets`, each through the next set."""
        means = {n: number(arguments, n, most=1.0) for n in AVERAGES if arguments.get(n) is not None}
        bits = chip.number("ladder_bits")
        inputs = operand_bits(arguments, "input_bits", bits, f"the ladders of {chip.name} have {bits:g} bits")
        weights = operand_bits(arguments, "weight_bits", bits, f"the ladders of {chip.name} have {bits:g} bits")
        sets = 1 if arguments.get("weight_sets") is None else whole(arguments, "weight_sets", most=chip.number("stored_sets"))
        p = prepared(chip.replace(arrays=1.0, **means), CODE)
        rows, outputs = chip.number("ladder_rows"), chip.number("ladder_columns")
        slots = priced(p, {"inputs": rows, "outputs": outputs, "groups": sets, "active": sets, "arrays": sets,
                           "input_bits": inputs, "weight_bits": weights})  # fmt: skip
        return of_cores(vector_metrics(p, slots, rows * outputs * sets, component, parts, area_mm2, static_w), arrays)

    def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        only(arguments, *AVERAGES, "weight_sets", "cores")
        return vectors(chip, arguments, str(arguments["component"] or ""), cores_at_work(arguments, chip))

    def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        return vectors(chip, arguments, "", int(chip.number("arrays")))

    def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        areas = area_mm2(prepared(chip, CODE))
        name = str(arguments["component"])
        return component_area(tuple(areas) if name in WHOLE else component_names(name, parts), areas, name, chip)

    def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        return clock(chip, CODE)

    return {"array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period}
