"""Components, units and whole chips of tiles in isolation: figures of the published tables, added up and scaled to other widths."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.program import Table
from hwsim.core.target import Mapped
from hwsim.targets.crossbar import spec
from hwsim.targets.crossbar.adc.sar import bits_scaling, conversion_steps
from hwsim.targets.crossbar.family import PrimitiveRun
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.tiled import components
from hwsim.targets.crossbar.tiled.spec import ADC, ARRAY, CHIP, CODE, LEVEL_OF, UNIT

OPS_PER_MAC = 2.0
Metrics = Mapping[str, float]


def record(chip: Chip) -> Table:
    """The chip's constants as one record."""
    return spec.PARAMETERS.record(chip, {"family_code": CODE})


def cycle_s(p: Table) -> float:
    """One read of whole arrays with its conversions."""
    conversion = float(p["adc_conversion_s"][0] + p["adc_bits"][0] * p["adc_s_per_bit"][0])
    return max(float(p["read_s"][0]), float(p["columns_per_adc"][0]) * conversion, 1.0 / float(p["clock_hz"][0]))


def _reads(p: Table, input_bits: int) -> int:
    return -(-input_bits // int(p["bits_per_read"][0]))


def _weights_per_row(p: Table, weight_bits: int) -> int:
    """Weights that one row of an array holds. Raises `InvalidTrace` when not even one."""
    slices = -(-weight_bits // int(p["bits_per_cell"][0]))
    if not (held := int(p["array_columns"][0]) // slices):
        raise InvalidTrace(f"a weight of {weight_bits} bits takes {slices} columns; an array has {int(p['array_columns'][0])}")
    return held


def _macs(p: Table, weight_bits: int) -> float:
    """Multiply-accumulates of one unit for one input vector on each of its arrays."""
    return float(p["array_count"][0] * p["array_rows"][0]) * _weights_per_row(p, weight_bits)


def chip_peak(chip: Chip, options: Options, arguments: Mapped) -> Metrics:
    """All arrays busy, every component at full activity, the chip links on."""
    p = record(chip)
    bits, weights = (whole(arguments, name, most=64) for name in ("input_bits", "weight_bits"))
    units = float(components.levels(p)[UNIT][0])
    ops = OPS_PER_MAC * units * _macs(p, weights) / (_reads(p, bits) * cycle_s(p))
    watts, mm2 = (float(x[0] * p["chips"][0]) for x in components.total(p, CHIP))
    return {"tops": ops / 1e12, "power_w": watts, "area_mm2": mm2, "tops_per_w": ops / 1e12 / watts, "tops_per_mm2": ops / 1e12 / mm2}


def action_j(p: Table, name: str) -> float | None:
    """Joules of one action of a component, None where no action is defined: power over the time of the action, or the published figure."""
    names = ("read_s", "shift_add_j", "edram_j", "edram_bus_j", "router_j", "chip_link_j", "dac_j", "digital_hz", "clock_hz")
    at = {n: float(p[n][0]) for n in names}
    watts, hz = float(components.dynamic_w(p, name)[0]), at["clock_hz"] if math.isnan(at["digital_hz"]) else at["digital_hz"]
    per_read = watts * at["read_s"]
    found = {
        ADC: float(bits_scaling(p["adc_j"], p["adc_dac_energy_share"], p["adc_published_bits"], p["adc_bits"])[0]),
        "dac": per_read if math.isnan(at["dac_j"]) else at["dac_j"],
        ARRAY: per_read, "sample_hold": per_read, "input_register": per_read, "output_register_ima": per_read,
        "shift_add": at["shift_add_j"], "tile_shift_add": at["shift_add_j"], "edram": at["edram_j"], "edram_bus": at["edram_bus_j"],
        "router": at["router_j"], "chip_link": at["chip_link_j"], "sigmoid_unit": watts / hz, "activation_unit": watts / hz, "max_pool": watts / hz,
        "vector_unit": watts / hz,
    }  # fmt: skip
    return found.get(name)


def component(chip: Chip, options: Options, arguments: Mapped) -> Metrics:
    """One instance of a component (power at full activity with leakage, area, energy per action), or a total of a level."""
    p = record(chip)
    name = components.named(p, str(arguments["component"]))
    if name in components.TOTALS:
        watts, mm2 = components.total(p, components.TOTALS[name])
        return {"power_w": float(watts[0]), "area_mm2": float(mm2[0])}
    found = {"power_w": float((components.dynamic_w(p, name) + components.leakage_w(p, name))[0]), "area_mm2": float(components.area(p, name)[0])}
    energy = action_j(p, name)
    return found if energy is None else {**found, "energy_j": energy}


def _unit_energies(p: Table, input_bits: int) -> dict[str, float]:
    """Joules of one vector through a whole unit, by component; leakage comes on top."""
    reads, arrays = _reads(p, input_bits), float(p["array_count"][0])
    conversions = reads * arrays * float(p["array_columns"][0])
    made = {
        "array": reads * arrays * (action_j(p, ARRAY) or 0.0), "dac": reads * float(p["dac_count"][0]) * (action_j(p, "dac") or 0.0),
        "adc": conversions * (action_j(p, ADC) or 0.0), "shift_add": conversions * float(p["shift_add_j"][0]),
    }  # fmt: skip
    for name in ("sample_hold", "input_register", "output_register_ima"):
        made[name] = reads * float(components.count(p, name)[0]) * (action_j(p, name) or 0.0)
    return made


def array_mvm(chip: Chip, options: Options, arguments: Mapped) -> Metrics:
    """One input vector through every array of a unit; `cores`: units that work at once.

    Latency: the reads, one conversion and one addition; operations per second: one vector per reads, the next follows without a gap.
    """
    p = record(chip)
    for name in ("average_input_value", "average_weight_value", "average_output_value", "input_toggle_rate", "weight_sparsity", "weight_sets"):
        if arguments.get(name) is not None:
            raise InvalidTrace(f"the published powers of this chip are those of full activity: {name} changes nothing that is modelled")
    bits, weights = (whole(arguments, name, most=64) for name in ("input_bits", "weight_bits"))
    units = 1 if arguments["cores"] is None else whole(arguments, "cores", most=int(components.levels(p)[UNIT][0]))
    cycle, reads = cycle_s(p), _reads(p, bits)
    leak = sum(float((components.count(p, n) * components.leakage_w(p, n))[0]) for n, level in LEVEL_OF.items() if level == UNIT)
    parts = _unit_energies(p, bits)
    dynamic = sum(parts.values())
    if name := str(arguments["component"]):
        if name not in parts:
            raise InvalidTrace(f"a unit has no component '{name}'; it has {', '.join(parts)}")
        return {"energy_j": units * parts[name]}
    energy = units * (dynamic + leak * reads * cycle)
    macs = units * _macs(p, weights)
    tops = OPS_PER_MAC * macs / (reads * cycle) / 1e12
    mm2 = float(components.total(p, UNIT)[1][0]) * units
    return {
        "latency_s": (reads + 2) * cycle, "energy_j": energy, "energy_per_mac_j": energy / macs, "tops": tops,
        "tops_per_w": OPS_PER_MAC * macs / energy / 1e12, "tops_per_mm2": tops / mm2, "area_mm2": mm2, "power_w": energy / (reads * cycle),
    }  # fmt: skip


def clock_period(chip: Chip, options: Options, arguments: Mapped) -> Metrics:
    """One clock: ISAAC's pipeline cycle, PUMA's core clock."""
    return {"latency_s": 1.0 / chip.number("clock_hz")}


def adc_conversion(chip: Chip, options: Options, arguments: Mapped) -> Metrics:
    """One conversion of the chip's converter at other bits; at a rate, or at a clock of its steps, if one is stated."""
    word(arguments, "adc", ("sar",))
    bits, own = whole(arguments, "bits", most=16), chip.number("node_nm")
    if arguments["node_nm"] is not None and number(arguments, "node_nm", least=1.0) != own:
        raise InvalidTrace(f"the converter of {chip.name} is known at {own:g} nm: capacitors do not follow digital scaling")
    if arguments["rate_hz"] is not None and arguments["clock_hz"] is not None:
        raise InvalidTrace("a conversion has a rate_hz or a clock_hz of its steps, not both")
    if arguments["rate_hz"] is not None:
        seconds = 1.0 / number(arguments, "rate_hz", least=1.0)
    elif arguments["clock_hz"] is not None:
        seconds = conversion_steps(bits) / number(arguments, "clock_hz", least=1.0)
    else:
        seconds = chip.number("adc_conversion_s") + bits * chip.number("adc_s_per_bit")
    p = record(chip.replace(adc_bits=float(bits)))
    return {"latency_s": seconds, "energy_j": action_j(p, ADC) or 0.0, "area_mm2": float(components.area(p, ADC)[0]),
            "power_w": float((components.dynamic_w(p, ADC) + components.leakage_w(p, ADC))[0])}  # fmt: skip


PRIMITIVES: dict[str, PrimitiveRun] = {
    "array_mvm": array_mvm, "chip_peak": chip_peak, "component": component, "clock_period": clock_period, "adc_conversion": adc_conversion,
}  # fmt: skip
