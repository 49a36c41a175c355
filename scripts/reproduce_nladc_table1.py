"""Nonlinear ramp converters (Yang, Basu, Li et al., Nature Communications 2025, s41467-025-56254-6, Table 1 and Fig. 1) on chip `nladc-16nm`.

    python scripts/reproduce_nladc_table1.py

The 5-bit step of keyword spotting is what three constants are fitted to; all other figures are predictions. The second table is the claim of Fig. 1:
with another converter the activations of 512 hidden units take 2 to 5 times as long as the product. Shares of components were not published.
"""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, of_cases, within
from hwsim.core.graph import single_op
from hwsim.core.report import Report

KEYWORDS = {"input_size": 40, "hidden_size": 32}
LANGUAGE = {"input_size": 128, "hidden_size": 2016, "projection_size": 504, "bias_rows": 1}
FIG1 = {"input_size": 512, "hidden_size": 512}
TABLE = {  # keyword spotting, published by bits; time and energy follow from TOPS/W and watts
    5: {"latency_s": 160.7e-9, "energy_j": 0.5946e-9, "power_w": 3.7e-3, "area_mm2": 0.003, "tops": 0.11, "tops_per_w": 31.0, "tops_per_mm2": 39.48},
    8: {"latency_s": 1001.7e-9, "energy_j": 4.608e-9, "power_w": 4.6e-3, "tops": 0.02, "tops_per_w": 4.0, "tops_per_mm2": 6.1},
}
SHARES = {"array": ("array_energy",), "columns": ("sample_hold_energy", "adc_energy"), "drivers": ("driver_energy",), "lanes": ("digital_energy",)}


def step(sizes: dict[str, int], bits: int, adc: str = "nl_ramp") -> Report:
    """One LSTM step with inputs and codes of `bits`."""
    graph = single_op("lstm", dtype=f"int{bits}", **sizes)
    return hwsim.simulate(graph, hwsim.load_chip("nladc-16nm"), {"adc_bits": bits, "adc": adc}, interval=False)


def table1() -> None:
    """Print the steps of both networks, published figures and errors beside those that are published."""
    for name, sizes, published in (("keyword spotting", KEYWORDS, TABLE), ("PTB characters", LANGUAGE, {5: {}, 8: {}})):
        for bits, figures in published.items():
            report = step(sizes, bits)
            print(f"{name}, {bits} bit{'':8}{'model':>12}{'published':>12}{'error':>9}")
            for metric in TABLE[5]:
                got, said = report.metric(metric), figures.get(metric)
                beside = "" if said is None else f"{said:12.4g}{got / said - 1:9.1%}"
                print(f"    {metric:22}{got:12.4g}{beside}")
            shares = {part: sum(report.part("energy_j", component=slot) for slot in slots) / report.energy_j for part, slots in SHARES.items()}
            print(f"    energy: {', '.join(f'{part} {share:.1%}' for part, share in shares.items())}")
            areas = report.cost.program.area_mm2
            print(f"    area: {', '.join(f'{part} {area / report.area_mm2:.1%}' for part, area in areas.items())}\n")


def main() -> None:
    """Print both tables."""
    table1()
    print("512 hidden units, 5 bit: clocks of one step")
    print(f"{'converter':14}{'pulses':>8}{'conversion':>12}{'lanes':>8}{'of them activations':>21}{'over the product':>18}")
    rest = step(FIG1, 5).part("cycles", component="digital")
    for adc in ("nl_ramp", "linear_ramp", "sar", "mlsa"):
        report = step(FIG1, 5, adc)
        pulses, conversion, lanes = (report.part("cycles", component=part) for part in ("array", "adc", "digital"))
        print(f"{adc:14}{pulses:8.0f}{conversion:12.0f}{lanes:8.0f}{lanes - rest:21.0f}{(lanes - rest) / (pulses + conversion):18.1f}")


def claims() -> list[Claim]:
    """Table 1, and what the converter takes against others."""
    fitted, free = "three constants fitted to the 5-bit step", "constants of the 5-bit step, longer ramps"
    return of_cases("NL-ADC", {
        "nladc-kws-5b-tops-per-w": ("keyword spotting, 5 bits", "TOPS/W", fitted),
        "nladc-kws-5b-tops-per-mm2": ("the same, a square millimetre", "TOPS/mm2", fitted),
        "nladc-kws-8b-tops-per-w": ("8 bits", "TOPS/W", free),
        "nladc-kws-8b-tops-per-mm2": ("8 bits, a square millimetre", "TOPS/mm2", free),
        "nladc-kws-8b-over-5b-energy": ("joules, 8 bits over 5", "x", free),
        "nladc-kws-8b-over-5b-latency": ("time, 8 bits over 5", "x", free),
    }) + _conversion()  # fmt: skip


def _conversion() -> list[Claim]:
    """Fig. 1: activations of 512 hidden units on digital lanes behind other converters, over the product."""
    rest = step(FIG1, 5).part("cycles", component="digital")
    found = []
    for adc in ("linear_ramp", "sar"):
        report = step(FIG1, 5, adc)
        pulses, conversion, lanes = (report.part("cycles", component=part) for part in ("array", "adc", "digital"))
        share = (lanes - rest) / (pulses + conversion)
        found.append(within("NL-ADC", f"{adc}: activations over the product, 512 hidden units", (2.0, 5.0), share, "x", role="fitted",
                            carries="32 lanes, 5 bits; clocks of an activation are assumed after this same statement", source="Fig. 1",
                            tolerance=0.1))  # fmt: skip
    return found


if __name__ == "__main__":
    main()
