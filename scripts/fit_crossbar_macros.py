"""The fitted constants of NeuRRAM and Sinangil's macro, solved anew from their calibration cases, beside those of the chip files.

    python scripts/fit_crossbar_macros.py        about five seconds

Least squares of relative errors. NeuRRAM: one clock from four latencies; energies of an integration and a conversion step from three energies of
neurons and, for one phase at 5 bits, from what its TOPS/W leaves beside word lines and pulses. Sinangil: clocked rows and tripping
comparators from the energies at mean codes 0, 6 and 15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import hwsim
from hwsim.core.target import load_target
from hwsim.targets.crossbar.neurram import phases
from hwsim.targets.crossbar.pulse_count.price import busy_share
from hwsim.validate.cases import published

CASES = {case.id: case for file in published() for case in file.cases if case.chip in ("neurram", "sinangil")}
MVM = load_target("crossbar").primitives["array_mvm"]
ROWS = (("o3-i1", "one", 1, 3), ("o5-i3", "one", 3, 5), ("o7-i5", "one", 5, 7), ("o7-i5", "two", 5, 7))
RULES = {"one": phases.ONE, "two": phases.TWO}


def relative(columns: Any, measured: Any) -> Any:
    """Coefficients x that make columns @ x closest to `measured`, relatively."""
    known = np.asarray(measured, dtype=float)
    return np.linalg.lstsq(np.asarray(columns, dtype=float) / known[:, None], np.ones(len(known)), rcond=None)[0]


def operations(bits: int, output: int, rule: str) -> tuple[float, float, float]:
    """(integrations, conversion steps, phases) of a vector."""
    n = phases.magnitude_bits(float(bits))
    first = phases.first_phase_bits(n, RULES[rule], 3.0)
    return phases.integration_cycles(n, first), phases.conversion_steps(n, first, float(output)), phases.phase_count(n, first)


def neurram() -> Mapping[str, float]:
    """Clock, integration and conversion step."""
    chip = hwsim.load_chip("neurram")
    counts = [operations(bits, output, rule) for _, rule, bits, output in ROWS]
    period = relative([[sum(c)] for c in counts], [CASES[f"neurram-{name}-{rule}-latency"].value for name, rule, *_ in ROWS])[0]

    def part(bits: int, component: str) -> float:
        asked = {"input_bits": bits, "weight_bits": 4, "output_bits": bits + 2, "component": component}
        return float(MVM(chip, asked, {})["energy_j"])

    names = ("neurram-o3-i1", "neurram-o5-i3", "neurram-o7-i5")
    whole = 65536 / (CASES["neurram-o7-i5-one-tops-per-w"].value * 1e12)
    neurons = [CASES[f"{name}-energy-neuron"].value for name in names]
    measured = [*neurons, whole - part(5, "wl_switching") - part(5, "input_pulses")]
    rows = [operations(1, 3, "one"), operations(3, 5, "one"), operations(5, 7, "two"), operations(5, 7, "one")]
    integration, step = relative([[256 * i, 256 * s] for i, s, _ in rows], measured)
    return {"clock_hz": 1 / period, "integration_j": integration, "adc_step_j": step}


def sinangil() -> Mapping[str, float]:
    """What a clocked row and a comparator that trips take: the energies at codes 6 and 15 above that at 0."""
    chip = hwsim.load_chip("sinangil").replace(row_clock_j=0.0, comparator_trip_j=0.0)
    known, left = [], []
    for code in (6, 15):
        case = CASES[f"sinangil-0p8v-out{code}-energy"]
        asked = {name: value for name, value in case.workload.items() if name != "primitive"}
        left.append(case.value - float(MVM(chip, asked, case.mapping)["energy_j"]))
        known.append([64 * busy_share(asked["average_input_value"], 4.0), 16 * code])
    row, trip = np.linalg.solve(np.array(known), np.array(left))
    return {"row_clock_j": row, "comparator_trip_j": trip}


def main() -> None:
    """Print both."""
    for name, fitted in (("neurram", neurram()), ("sinangil", sinangil())):
        chip = hwsim.load_chip(name)
        for constant, value in fitted.items():
            print(f"{name:10s} {constant:20s} fitted {value:12.5g}   in the chip file {chip.number(constant):12.5g}")


if __name__ == "__main__":
    main()
