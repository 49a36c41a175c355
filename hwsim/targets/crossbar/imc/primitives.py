"""The macro in isolation: one input vector, its peak, areas of its components, its clock."""

from __future__ import annotations

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import PrimitiveRun, nothing
from hwsim.targets.crossbar.full_macro import ByComponent, Parts, prepared, priced, vector_metrics
from hwsim.targets.crossbar.imc.spec import CODE
from hwsim.targets.crossbar.macro_primitives import macro_primitives
from hwsim.targets.crossbar.operands import operand_bits

READ = ("input_toggle_rate", "weight_sparsity")


def run_primitives(parts: Parts, area_mm2: ByComponent) -> dict[str, PrimitiveRun]:
    """The family's primitives by name."""

    def vector(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
        chip = chip.replace(**{n: number(arguments, n, most=1.0) for n in READ if arguments.get(n) is not None})
        inputs = operand_bits(arguments, "input_bits", chip.number("macro_input_bits"), f"{chip.name} takes no wider inputs")
        weights = operand_bits(arguments, "weight_bits", chip.number("macro_weight_bits"), f"{chip.name} holds no wider weights")
        rows, banks = chip.number("macro_rows"), chip.number("macro_banks")
        outputs = chip.number("macro_columns") * banks / chip.number("columns_per_weight")
        fields = {"inputs": rows, "outputs": outputs, "column_parts": banks, "arrays": banks, "input_bits": inputs, "weight_bits": weights}
        p = prepared(chip, CODE)
        return vector_metrics(p, priced(p, fields), rows * outputs, component, parts, area_mm2, nothing)

    return macro_primitives(CODE, vector, parts, area_mm2, READ)
