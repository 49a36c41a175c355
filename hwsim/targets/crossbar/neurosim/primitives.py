"""Mechanisms of NeuroSim's chip in isolation: its clock, one conversion of a column, one vector through one array."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.param import Param
from hwsim.core.target import Mapped
from hwsim.readers.networks import is_network
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.full_macro import component_names, only, prepared, priced, vector_metrics
from hwsim.targets.crossbar.layout import UNKNOWN
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.neurosim.components import PARTS, array_area_mm2, static_w
from hwsim.targets.crossbar.neurosim.sensing import conversion
from hwsim.targets.crossbar.neurosim.spec import ADC_CODES, CODE, INPUT_BITS
from hwsim.targets.crossbar.operands import component_area, of_cores, operand_bits


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


def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One vector through one full array, its converters and shift-and-add (`cores`: one through each); no buffers, no wires beyond the array.

    `average_input_value`: share of ones among the input bits, instead of the bits' own densities.
    """
    given = only(arguments, "cores", "average_input_value")
    bits = operand_bits(arguments, "input_bits", INPUT_BITS, "the accumulators are no wider")
    weight = operand_bits(arguments, "weight_bits", chip.number("weight_bits_most"), "the adders behind the converters take no more")
    slices = -(-weight // chip.number("cell_bits"))
    rows, columns = chip.number("array_rows"), chip.number("array_columns")
    weights = columns // slices
    density = number(arguments, "average_input_value", most=1) if "average_input_value" in given else UNKNOWN
    fields = {"macs": rows * weights, "positions": 1, "array_count": 1, "array_inputs": rows, "columns_on": columns, "row_fill": rows,
              "slices": slices, "input_bits": bits, "weight_bits": weight, "input_activity": density}  # fmt: skip
    params = prepared(chip, CODE, _numbers(chip, chip.text("adc")))
    slots = _of_the_array(priced(params, fields))
    found = vector_metrics(params, slots, rows * weights, str(arguments["component"]), PARTS, array_area_mm2, static_w)
    return of_cores(found, whole(arguments, "cores") if "cores" in given else 1)


def _of_the_array(slots: dict[str, float]) -> dict[str, float]:
    """Slots without those of buffers and wires; the margin shrinks with them."""
    outside = slots["buffer_energy"] + slots["interconnect_energy"]
    shown = sum(slots[n] for n in PARTS["dynamic"])
    kept = 1.0 - outside / shown if shown else 1.0
    left_out = dict.fromkeys(("buffer_energy", "interconnect_energy", "buffer", "interconnect"), 0.0)
    return {**slots, **left_out, "margin_energy": slots["margin_energy"] * kept}


def component(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """Area of a component of one array."""
    name = str(arguments["component"])
    areas = array_area_mm2(prepared(chip, CODE, _numbers(chip, chip.text("adc"))))
    return component_area((name,) if name in areas else component_names(name, PARTS), areas, name, chip)


PRIMITIVES: dict[str, PrimitiveRun] = {
    "clock_period": clock_period, "adc_conversion": adc_conversion, "array_mvm": array_mvm, "component": component,
}  # fmt: skip
