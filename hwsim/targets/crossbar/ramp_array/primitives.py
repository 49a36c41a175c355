"""One conversion of the family's converters; the survey's converters stand in on any chip."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import UnsupportedOp
from hwsim.core.target import Mapped
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.ramp import conversion_s

KINDS = ("nl_ramp", "sar", "mlsa")


def adc_conversion(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One conversion of one column: seconds, joules of the column alone."""
    kind, bits = word(arguments, "adc", (*KINDS, "survey")), whole(arguments, "bits", most=16)
    clock = chip.number("clock_hz") if arguments["clock_hz"] is None else number(arguments, "clock_hz", least=1.0)
    if kind != "nl_ramp":
        raise UnsupportedOp("crossbar", (f"adc_conversion {kind} on {chip.name}",))
    return {"latency_s": conversion_s(bits, clock), "energy_j": 2.0**bits * chip.number("column_j_per_clock")}


PRIMITIVES: dict[str, PrimitiveRun] = {"adc_conversion": adc_conversion}
