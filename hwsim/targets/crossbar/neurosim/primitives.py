"""Mechanisms of NeuroSim's chip in isolation: its clock, and one conversion of a column."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.param import Param
from hwsim.core.target import Mapped
from hwsim.readers.networks import is_network
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.full_macro import prepared
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.neurosim.sensing import conversion
from hwsim.targets.crossbar.neurosim.spec import ADC_CODES, CODE


def _numbers(chip: Chip, adc: str) -> dict[str, float]:
    """Mapping numbers of a chip of one array."""
    per_array = -(-chip.number("array_columns") // chip.number("columns_per_adc"))
    return {"arrays_used": 1.0, "tiles_used": 1.0, "converters_used": float(per_array), "ns_adc": ADC_CODES[adc]}


def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One clock; the densest column that an array can hold sets it, whichever `network` runs."""
    name = str(arguments["network"])
    if name and not is_network(name):
        raise InvalidTrace(f"clock_period: no network '{name}'")
    clock_hz = float(prepared(chip, CODE, _numbers(chip, chip.text("adc")))["clock_hz"][0])
    return {"latency_s": 1.0 / clock_hz, "frequency_hz": clock_hz}


def adc_conversion(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One conversion of a column of mean input density, its current included; area of one converter."""
    if named := [n for n in ("rate_hz", "clock_hz", "node_nm") if arguments[n] is not None]:
        raise InvalidTrace(f"adc_conversion: {', '.join(named)} changes nothing on chip '{chip.name}': node and conversion time are the fit's")
    kind, bits = word(arguments, "adc", tuple(ADC_CODES)), whole(arguments, "bits", most=16)
    wanted = chip.param("adc_bits").with_value(float(bits))
    changed: dict[str, Param] = {**chip.params, "adc_bits": wanted}
    record = prepared(Chip(chip.name, chip.target, changed), CODE, _numbers(chip, kind))
    density = sum(chip.vector("input_bit_density")) / len(chip.vector("input_bit_density"))
    seconds, own_j, current_j = conversion(record[0], density)
    return {"latency_s": float(seconds), "energy_j": float(own_j + current_j),
            "area_mm2": float(record["ns_adc_mm2"][0] / record["converters_used"][0])}  # fmt: skip


PRIMITIVES: dict[str, PrimitiveRun] = {"clock_period": clock_period, "adc_conversion": adc_conversion}
