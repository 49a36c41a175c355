"""The array in isolation: one input vector, its peak, areas of its components, its clock."""

from __future__ import annotations

from hwsim.core.arguments import number
from hwsim.core.chip import Chip
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.bitserial.array import weights_per_row
from hwsim.targets.crossbar.bitserial.spec import CODE
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.full_macro import ByComponent, Parts, prepared, priced, vector_metrics
from hwsim.targets.crossbar.macro_primitives import macro_primitives
from hwsim.targets.crossbar.operands import operand_bits

# An exclusive nor toggles with its input whatever the weight, so the weights' mean is taken and changes nothing.
READ = ("input_toggle_rate", "average_input_value", "average_weight_value", "cores")


def toggle_rate(arguments: Mapped) -> float | None:
    """Share of clocks in which an input bit changes: as stated, or ``2 p (1 - p)`` for independent bits of mean p; None where nothing is stated."""
    if arguments.get("input_toggle_rate") is not None:
        return number(arguments, "input_toggle_rate", most=1.0)
    if arguments.get("average_input_value") is None:
        return None
    mean = number(arguments, "average_input_value", most=1.0)
    return 2.0 * mean * (1.0 - mean)


def run_primitives(parts: Parts, area_mm2: ByComponent, static_w: ByComponent) -> dict[str, PrimitiveRun]:
    """The family's primitives by name."""

    def vector(chip: Chip, arguments: Mapped, component: str) -> dict[str, float]:
        toggle = toggle_rate(arguments)
        one = chip.replace(arrays=1.0, **({} if toggle is None else {"input_toggle_rate": toggle}))
        inputs = operand_bits(arguments, "input_bits", chip.number("serial_input_bits"), f"{chip.name} takes no wider inputs")
        weights = operand_bits(arguments, "weight_bits", chip.number("serial_weight_bits"), f"{chip.name} takes no wider weights")
        rows = chip.number("cell_rows")
        outputs = weights_per_row(weights, rows, chip.number("cell_columns"))
        p = prepared(one, CODE, {"serial_clock_bits": weights})
        slots = priced(p, {"inputs": rows, "outputs": outputs, "input_bits": inputs, "weight_bits": weights})
        return vector_metrics(p, slots, rows * outputs, component, parts, area_mm2, static_w)

    return macro_primitives(CODE, vector, parts, area_mm2, READ)
