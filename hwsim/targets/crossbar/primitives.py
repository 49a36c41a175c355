"""Mechanisms in isolation: those of ramps and devices run on every chip, those of a macro are its family's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, UnsupportedOp
from hwsim.core.target import Mapped, Primitive
from hwsim.targets.crossbar.adc.survey import survey
from hwsim.targets.crossbar.compose import composed, family_of
from hwsim.targets.crossbar.functional.devices import programming_error
from hwsim.targets.crossbar.functional.ramp import MAX_BITS, Ramp, place, ramp_cells
from hwsim.targets.crossbar.functional.ramp_error import CALIBRATIONS, STATISTICS, ramp_nonlinearity
from hwsim.targets.crossbar.mapping import Options, parse_options

Run = Callable[[Chip, Options, Mapped], Mapping[str, float]]


def _with_options(run: Run) -> Callable[[Chip, Mapped, Mapped], Mapping[str, float]]:
    """A primitive of the chip that the mapping options make."""

    def started(chip: Chip, arguments: Mapped, mapping: Mapped) -> Mapping[str, float]:
        options = parse_options(mapping)
        return run(composed(chip, options), options, arguments)

    return started


def _of_the_family(name: str) -> Run:
    def run(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
        family = family_of(chip)
        if name not in family.primitives:
            raise UnsupportedOp("crossbar", (f"primitive {name} (chip '{chip.name}' is of family '{family.name}': {family.about})",))
        return family.primitives[name](chip, options, arguments)

    return run


def _ramp(arguments: Mapped) -> Ramp:
    low, high = (number(arguments, name, least=-1e6) for name in ("out_min", "out_max"))
    return Ramp(str(arguments["function"]), whole(arguments, "bits", most=MAX_BITS), low, high)


def _step_ratio(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    return {"count": _ramp(arguments).step_ratio}


def _threshold(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    ramp = _ramp(arguments)
    return {"count": float(ramp.thresholds()[whole(arguments, "index", most=ramp.codes - 1) - 1])}


def _cells(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """Memristors of the ramp, or those that calibrate it (the chip's number)."""
    bits = whole(arguments, "bits", most=MAX_BITS)
    if word(arguments, "part", ("ramp", "calibration")) == "ramp":
        return {"count": float(ramp_cells(bits))}
    return {"count": chip.number("calibration_cells")}


def _inl(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    low, high = _range(arguments)
    ramp = Ramp(str(arguments["function"]), whole(arguments, "bits", least=2, most=MAX_BITS), low, high)
    sigma, most = number(arguments, "sigma_s"), number(arguments, "g_max_s", least=1e-12)
    found = ramp_nonlinearity(place(ramp, 0.0, most), sigma, word(arguments, "calibration", CALIBRATIONS))
    return {"count": found.inl(word(arguments, "statistic", STATISTICS))}


def _range(arguments: Mapped) -> tuple[float, float]:
    """Outputs of a ramp: those stated, else those that published tables use for the function."""
    usual = {"sigmoid": (0.0, 1.0), "softplus": (0.0, 4.0), "selu": (-1.758, 1.758)}.get(str(arguments["function"]), (-1.0, 1.0))
    low, high = (usual[i] if arguments[name] is None else number(arguments, name, least=-1e6) for i, name in enumerate(("out_min", "out_max")))
    return low, high


def _sigma(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    return {"count": float(programming_error(str(arguments["device_model"])).sigma_s(number(arguments, "conductance_s")))}


def _conversion(chip: Chip, options: Options, arguments: Mapped) -> Mapping[str, float]:
    """One conversion: of the survey's converters on any chip (it is only the carrier), else of the chip's own."""
    if str(arguments["adc"]) != "survey":
        return _of_the_family("adc_conversion")(chip, options, arguments)
    if missing := [n for n in ("rate_hz", "node_nm") if arguments[n] is None]:
        raise InvalidTrace(f"adc_conversion survey needs {', '.join(missing)}")
    if arguments["clock_hz"] is not None:
        raise InvalidTrace("adc_conversion survey takes rate_hz, samples per second, not clock_hz")
    bits, rate, node = number(arguments, "bits", least=1.0), number(arguments, "rate_hz", least=1.0), number(arguments, "node_nm", least=1.0)
    found = survey()
    return {"latency_s": 1.0 / rate, "energy_j": found.energy_j(bits, rate, node), "area_mm2": found.area_mm2(bits, rate, node)}


def _primitive(name: str, about: str, run: Run, args: Mapping[str, Any], *optional: str) -> Primitive:
    return Primitive(name, about, _with_options(run), args, frozenset(optional))


_RANGE = {"function": None, "bits": None, "out_min": None, "out_max": None}
_DATA = ("average_input_value", "average_weight_value", "average_output_value", "input_toggle_rate", "weight_sparsity", "weight_sets", "cores")
PRIMITIVES: dict[str, Primitive] = {
    p.name: p
    for p in (
        _primitive("ramp_step_ratio", "largest over smallest step of a nonlinear ramp", _step_ratio, _RANGE),
        _primitive("ramp_threshold", "pre-activation at one threshold of a ramp", _threshold, {**_RANGE, "index": None}),
        _primitive("ramp_cells", "memristors of a ramp", _cells, {"bits": None, "part": "ramp"}),
        _primitive("ramp_inl", "integral nonlinearity of a ramp that was written with an error", _inl,
                   {**_RANGE, "sigma_s": None, "g_max_s": None, "calibration": "one_point", "statistic": "mean_abs"}, "out_min", "out_max"),
        _primitive("programming_sigma", "error of written conductances", _sigma, {"device_model": None, "conductance_s": None}),
        _primitive("array_mvm", "one input vector through one macro or core at full utilisation", _of_the_family("array_mvm"),
                   {"input_bits": None, "weight_bits": None, "output_bits": None, "component": "", **dict.fromkeys(_DATA)}, *_DATA),
        _primitive("chip_peak", "all arrays of the chip busy", _of_the_family("chip_peak"), {"input_bits": None, "weight_bits": None}),
        _primitive("component", "area, power, energy per action of one component", _of_the_family("component"), {"component": None}),
        _primitive("clock_period", "one clock", _of_the_family("clock_period"), {"network": ""}),
        _primitive("adc_conversion", "one conversion of a converter", _conversion,
                   {"adc": None, "bits": None, "rate_hz": None, "clock_hz": None, "node_nm": None}, "rate_hz", "clock_hz", "node_nm"),
    )
}  # fmt: skip
