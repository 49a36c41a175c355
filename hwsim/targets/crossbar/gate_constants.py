"""Constants of unit gates and of macro converters: what chips state whose digital blocks are counted in gates."""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, constants

GATES = (
    *constants("gate_node_nm gate_area_mm2 gate_delay_s gate_cap_f xor_area_gates xor_delay_gates xor_cap_gates dff_area_gates dff_cap_gates"),
    Constant("dff_delay_gates", zero=True),
    Constant("node_nm"),
)
SUPPLY = (
    Constant("voltage_v"),
    Constant("delay_voltage_v"),  # supply at which the stated delays hold
    Constant("threshold_v"),
    Constant("velocity_exponent", least=1, most=2),
    *constants("voltage_low_v voltage_high_v", priced=False),  # supplies that the chip is known at
)
CONVERTERS = constants("adc_bit_f adc_code_f adc_bit_s")


def supply_problems(chip: Chip) -> Iterator[str]:
    """What is wrong with the supply: outside the chip's range, or one at which its transistors do not switch."""
    low, high, threshold = (chip.number(n) for n in ("voltage_low_v", "voltage_high_v", "threshold_v"))
    if not low <= chip.number("voltage_v") <= high:
        yield f"voltage_v must lie in {low:g}..{high:g} V, got {chip.number('voltage_v'):g}"
    for name in ("voltage_v", "delay_voltage_v"):
        if chip.number(name) <= threshold:
            yield f"{name} must exceed threshold_v"
