"""The macro in isolation: vectors through its sets of weights, its peak, areas of its components, its clock, its converter."""

from __future__ import annotations

from hwsim.core.arguments import number, whole
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.c2c.spec import CODE
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.full_macro import ByComponent, Parts, prepared, priced, vector_metrics
from hwsim.targets.crossbar.macro_primitives import macro_primitives
from hwsim.targets.crossbar.operands import operand_bits

AVERAGES = ("average_input_value", "average_weight_value")


def run_primitives(parts: Parts, area_mm2: ByComponent, static_w: ByComponent) -> dict[str, PrimitiveRun]:
    """The family's primitives by name."""

    def vectors(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
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
        return vector_metrics(p, slots, rows * outputs * sets, component, parts, area_mm2, static_w)

    return macro_primitives(CODE, vectors, parts, area_mm2, (*AVERAGES, "weight_sets", "cores"))
