"""NeuRRAM (Wan et al., Nature 2022, Extended Data Fig. 12) beside hwsim: TOPS, TOPS/W, energy of word lines, neurons and input pulses by precision.

    python scripts/reproduce_neurram.py        about five seconds

The published figures are those of `models/neurram/published.yaml`, digitised. Constants were fitted on all rows but the last of each table (marked
*): one clock for every operation of the neurons, energy of an integration and of a conversion step; word lines and cell currents follow from
capacitances, voltages and conductances. Below: what one phase and two phases cost at widths in between, which were not published, and a network on
the 48 cores.
"""

from __future__ import annotations

from typing import Any

import hwsim
from hwsim.core.target import load_target
from hwsim.validate.cases import published

CHIP = hwsim.load_chip("neurram")
MVM = load_target("crossbar").primitives["array_mvm"]
CASES = [case for file in published() for case in file.cases if case.chip == "neurram" and case.workload.get("primitive") == "array_mvm"]
NETWORK = {"trace": "mlperf-tiny-ic", "dtype": "int4", "weight_dtype": "int4"}


def beside() -> None:
    """Every published row of a core, ours beside it."""
    print(f"{'in':>3s} {'out':>4s} {'phases':>7s} {'figure':22s} {'published':>11s} {'ours':>11s} {'error':>8s}")
    for case in CASES:
        asked = {name: value for name, value in case.workload.items() if name != "primitive"}
        ours = MVM(CHIP, asked, case.mapping)[case.metric]
        name = " ".join(filter(None, (case.metric, asked.get("component"))))
        mark = "*" if case.role == "predict" else ""
        print(f"{asked['input_bits']:3d} {asked['output_bits']:4d} {case.mapping['phases']:>7s} {name:22s} {case.value:11.4g} {ours:11.4g}"
              f" {ours / case.value - 1:8.1%}{mark}")  # fmt: skip


def row(bits: int, phases: str) -> dict[str, Any]:
    """Figures of all cores at inputs of `bits` and results two bits wider."""
    found = MVM(CHIP, {"input_bits": bits, "weight_bits": 4, "output_bits": bits + 2, "cores": 48}, {"phases": phases})
    return {"us": found["latency_s"] * 1e6, "TOPS": found["tops"], "TOPS/W": found["tops_per_w"]}


def between() -> None:
    """One phase against two, at every width of inputs."""
    print(f"\n{'in':>3s} {'one phase: us':>14s} {'TOPS':>7s} {'TOPS/W':>8s} {'two phases: us':>16s} {'TOPS':>7s} {'TOPS/W':>8s}")
    for bits in range(3, 8):
        one, two = row(bits, "one"), row(bits, "two")
        print(f"{bits:3d} {one['us']:14.2f} {one['TOPS']:7.3f} {one['TOPS/W']:8.2f} {two['us']:16.2f} {two['TOPS']:7.3f} {two['TOPS/W']:8.2f}")


def network() -> None:
    """An image network in 4 bits: layer after layer, and with spare cores holding copies of the layers that have most pixels."""
    graph = hwsim.load_graph(str(NETWORK["trace"]), dtype=NETWORK["dtype"], weight_dtype=NETWORK["weight_dtype"])
    print(f"\n{NETWORK['trace']}, 4-bit weights and inputs")
    for mapping in ({}, {"duplication": "balanced"}):
        report = hwsim.simulate(graph, CHIP, mapping, interval=False)
        print(f"{'copies on all cores' if mapping else 'one copy':20s} {report.metric('arrays'):3.0f} cores {report.latency_s * 1e3:8.2f} ms"
              f" {report.energy_j * 1e6:7.2f} uJ {report.metric('tops_per_w'):6.2f} TOPS/W")  # fmt: skip


def main() -> None:
    """Print the three tables."""
    beside()
    between()
    network()


if __name__ == "__main__":
    main()
