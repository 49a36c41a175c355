"""One conversion of the family's converters, and one vector through an array of stated size."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.adc.ramp import comparator_j, ramp_clocks
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.functional.ramp import MAX_BITS
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.ramp_array.price import level_converter_mm2, mlsa_j, sar_converter_mm2, sar_j
from hwsim.targets.crossbar.spec import PARAMETERS

KINDS = ("nl_ramp", "linear_ramp", "sar", "mlsa")


def adc_conversion(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One conversion by one column's converter; joules and area without the ramp that all columns share. Raises `InvalidTrace`."""
    kind, bits = word(arguments, "adc", (*KINDS, "survey")), float(whole(arguments, "bits", most=MAX_BITS))
    if strange := [n for n in ("rate_hz", "node_nm") if arguments[n] is not None]:
        raise InvalidTrace(f"adc_conversion {kind} on {chip.name} takes clock_hz, not {', '.join(strange)}")
    clock = chip.number("clock_hz") if arguments["clock_hz"] is None else number(arguments, "clock_hz", least=1.0)
    p = PARAMETERS.record(chip)[0]
    if kind == "sar":
        return {"latency_s": (bits + 1.0) / clock, "energy_j": float(sar_j(bits, p)), "area_mm2": float(sar_converter_mm2(bits, p))}
    if kind == "mlsa":
        return {"latency_s": 1.0 / clock, "energy_j": float(mlsa_j(bits, p)), "area_mm2": float(level_converter_mm2(bits, p))}
    return {"latency_s": float(ramp_clocks(bits)) / clock, "energy_j": float(comparator_j(bits, p)), "area_mm2": chip.number("column_mm2")}


PRIMITIVES: dict[str, PrimitiveRun] = {"adc_conversion": adc_conversion}
