"""The macro in isolation: one input vector, its peak, areas of its components, its clock."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import PrimitiveRun, nothing
from hwsim.targets.crossbar.full_macro import WHOLE, ByComponent, Parts, clock, component_names, only, prepared, priced, vector_metrics
from hwsim.targets.crossbar.imc.spec import CODE
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.operands import operand_bits


def run_primitives(parts: Parts, area_mm2: ByComponent) -> dict[str, PrimitiveRun]:
    """The family's primitives by name."""

    def vector(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
        given = only(arguments, "input_toggle_rate", "weight_sparsity")
        if given:
            chip = chip.replace(**{n: number(arguments, n, most=1.0) for n in given})
        inputs = operand_bits(arguments, "input_bits", chip.number("macro_input_bits"), f"{chip.name} takes no wider inputs")
        weights = operand_bits(arguments, "weight_bits", chip.number("macro_weight_bits"), f"{chip.name} holds no wider weights")
        rows, banks = chip.number("macro_rows"), chip.number("macro_banks")
        outputs = chip.number("macro_columns") * banks / chip.number("columns_per_weight")
        fields = {"inputs": rows, "outputs": outputs, "column_parts": banks, "arrays": banks, "input_bits": inputs, "weight_bits": weights}
        p = prepared(chip, CODE)
        return vector_metrics(p, priced(p, fields), rows * outputs, component, parts, area_mm2, nothing)

    def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        return vector(chip, arguments, str(arguments["component"] or ""))

    def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        return vector(chip, arguments, "")

    def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        areas = {n: float(v[0]) for n, v in area_mm2(prepared(chip, CODE)).items()}
        name = str(arguments["component"])
        names = tuple(areas) if name in WHOLE else component_names(name, parts)
        return {"area_mm2": sum(areas.get(n, 0.0) for n in names)}

    def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        return clock(chip, CODE)

    return {"array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period}
