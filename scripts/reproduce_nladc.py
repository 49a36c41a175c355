"""Nonlinear ramp converters (Yang, Basu, Li et al., Nature Communications 2025, s41467-025-56254-6, Table 1 and Fig. 1) on chip `nladc-16nm`.

    python scripts/reproduce_nladc.py

The 5-bit step of keyword spotting is what three constants are fitted to; all other figures are predictions. The second table is the claim of Fig. 1:
with another converter the activations of 512 hidden units take 2 to 5 times as long as the product.
"""

from __future__ import annotations

import hwsim
from hwsim.core.graph import single_op

KEYWORDS = {"input_size": 40, "hidden_size": 32}
LANGUAGE = {"input_size": 128, "hidden_size": 2016, "projection_size": 504, "bias_rows": 1}
FIG1 = {"input_size": 512, "hidden_size": 512}
STEPS = (  # network, bits, published: seconds, joules, mm2 (derived from TOPS, TOPS/W, TOPS/mm2 and watts)
    ("keyword spotting", KEYWORDS, 5, (160.7e-9, 0.5946e-9, 0.002905)),
    ("keyword spotting", KEYWORDS, 8, (1001.7e-9, 4.608e-9, None)),
    ("PTB characters", LANGUAGE, 5, (None, None, None)),
    ("PTB characters", LANGUAGE, 8, (None, None, None)),
)


def beside(value: float, published: float | None, factor: float) -> str:
    """The figure, and the published one beside it."""
    return f"{value * factor:9.4g} {'' if published is None else f'({published * factor:.4g})':10}"


def main() -> None:
    """Print both tables."""
    chip = hwsim.load_chip("nladc-16nm")
    columns = "".join(f"{unit:>9} {'published':10}" for unit in ("ns", "nJ", "mm2"))
    print(f"{'one LSTM step':24}{columns}{'TOPS':>9}{'TOPS/W':>9}{'TOPS/mm2':>10}")
    for name, sizes, bits, (seconds, joules, area) in STEPS:
        report = hwsim.simulate(single_op("lstm", dtype=f"int{bits}", **sizes), chip, {"adc_bits": bits}, interval=False)
        rates = "".join(f"{report.metric(m):{w}.4g}" for m, w in (("tops", 9), ("tops_per_w", 9), ("tops_per_mm2", 10)))
        print(f"{name + f', {bits} bit':24}{beside(report.latency_s, seconds, 1e9)}{beside(report.energy_j, joules, 1e9)}"
              f"{beside(report.area_mm2, area, 1.0)}{rates}")  # fmt: skip
    print("\n512 hidden units, 5 bit: clocks of one step")
    print(f"{'converter':14}{'pulses':>8}{'conversion':>12}{'lanes':>8}{'of them activations':>21}{'over the product':>18}")
    ramp = hwsim.simulate(single_op("lstm", dtype="int5", **FIG1), chip, interval=False)
    for adc in ("nl_ramp", "linear_ramp", "sar", "mlsa"):
        report = hwsim.simulate(single_op("lstm", dtype="int5", **FIG1), chip, {"adc": adc}, interval=False)
        pulses, conversion, lanes = (report.part("cycles", component=part) for part in ("array", "adc", "digital"))
        functions = lanes - ramp.part("cycles", component="digital")
        print(f"{adc:14}{pulses:8.0f}{conversion:12.0f}{lanes:8.0f}{functions:21.0f}{functions / (pulses + conversion):18.1f}")


if __name__ == "__main__":
    main()
