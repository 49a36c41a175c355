"""CARMA (arXiv 2306.15748): what switching the branches of a sensor-fusion network by context saves on a DPU, beside the abstract's figures.

    python scripts/reproduce_carma.py [--proposals N]

HydraFusion on 1 to 3 B4096 cores of a ZCU102, driven by the shipped trace of contexts on SimPy: all branches without clock gating against the
context's branches with gated clocks. The paper compares with other systems on a platform that it does not describe in its abstract.
"""

from __future__ import annotations

import argparse

import hwsim
from hwsim.claims import Claim, of_cases
from hwsim.targets.fpga.dpu.carma import read_contexts
from hwsim.targets.fpga.dpu.carma_run import Drive, drive, platform

PUBLISHED_SPEEDUP, PUBLISHED_SAVING = 1.3, 0.73
CORES = (1, 2, 3)
SWITCHES = ("none", "model_switch", "bitstream_reload")


def line(label: str, ours: Drive, every: Drive) -> str:
    """One line of the table: means of a frame, and ratios to running all branches."""
    board = 1 - ours.energy_j / every.energy_j
    whole = 1 - (ours.energy_j + ours.sensor_j) / (every.energy_j + every.sensor_j)
    return (f"{label:34s} {1e3 * ours.latency_s:9.1f} {1e3 * ours.switch_s:8.2f} {ours.energy_j:8.2f} {ours.sensor_j:9.2f}"
            f" {every.latency_s / ours.latency_s:8.2f}x {board:8.1%} {whole:8.1%}")  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proposals", type=int, default=1000, help="regions per branch that its detection head looks at")
    graph = hwsim.load_graph("hydrafusion", dtype="int8", proposals=parser.parse_args().proposals)
    chip, contexts = hwsim.load_chip("zcu102"), read_contexts()
    plain, gated = (platform(graph, chip, clock_gating=gating) for gating in (False, True))
    print(f"{contexts.frames} frames, {len(contexts.stretches) - 1} changes of context; means of a frame; against all branches on as many cores")
    print(f"{'':34s} {'ms':>9s} {'switch':>8s} {'board J':>8s} {'sensors J':>9s} {'faster':>9s} {'board':>8s} {'+sensors':>8s}")
    for cores in CORES:
        every = drive(graph, plain, contexts, "all_branches", "none", cores)
        print(line(f"{cores} cores, all branches", every, every))
        print(line(f"{cores} cores, all branches, gated", drive(graph, gated, contexts, "all_branches", "none", cores), every))
        for switch in SWITCHES:
            print(line(f"{cores} cores, context, {switch}", drive(graph, gated, contexts, "context_gated", switch, cores), every))
    print(f"{'published, best case':34s} {'':9s} {'':8s} {'':8s} {'':9s} {PUBLISHED_SPEEDUP:8.2f}x {'':8s} {PUBLISHED_SAVING:8.1%}")


def claims() -> list[Claim]:
    """The headlines: joules and time of context-gated branches against all branches."""
    carries = "the trace of contexts, two cores and ideal gating; the abstract compares with other systems on a platform it does not describe"
    return of_cases("CARMA", {
        "zcu102-carma-energy-ratio": ("joules, gated over all branches (-73 %)", "x", carries),
        "zcu102-carma-latency-ratio": ("time, gated over all branches (1.3x)", "x", carries),
    })  # fmt: skip


if __name__ == "__main__":
    main()
