"""Non-neural kernels on octa-core clusters (Tabanelli et al., arXiv 2107.09448) beside hwsim: cycles by cores, where they go, headlines.

    python scripts/reproduce_pulp_nonneural.py        about ten seconds

The study publishes averages and best cases only; the cycles in brackets are GVSoC's, for re-implementations of its kernels with sizes of their own.
The headline ratios are formed per kernel over six kernels with these sizes: read them as wide. The best case of the native FPU comes out too high:
GVSoC's FPU, to which PULP-OPEN is held, makes a dependent instruction wait no cycle, and a distance takes four cycles a feature; one stage in the
FPU's pipeline, as other clusters of the family have and the study's RTL may, would bring 50 to about 42.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hwsim
from hwsim.claims import Claim, of_cases
from hwsim.core.graph import single_op
from hwsim.readers.suite import members
from hwsim.validate.cases import Case, published
from hwsim.validate.run import Runner

CASES = [case for file in published() if file.target == "cluster" for case in file.cases]
TEAMS = (1, 2, 4, 8)
LIBRARIES = ("libgcc", "rvfplib", "native")
PARTS = ("compute", "imbalance", "tcdm_stall", "fpu_stall", "icache_stall", "sequential", "barrier")


def run(kind: str, chip: str, mapping: dict[str, Any], **sizes: Any) -> Any:
    """The report of one kernel."""
    return hwsim.simulate(single_op(kind, **sizes), hwsim.load_chip(chip), mapping, interval=False)


def measured(kind: str, fp: str, split: str, cores: int) -> Case | None:
    """The measured cycles of a kernel, if there are any."""
    wanted = {"fp": fp, "split": split, "cores": cores}
    for case in CASES:
        if case.group == "nonneural-cycles" and case.workload["op"] == kind and all(case.mapping.get(k) == v for k, v in wanted.items()):
            return case
    return None


def scaling() -> None:
    """Cycles over the team's size on PULP-OPEN without Xpulp, [GVSoC] and the speed-up on eight cores."""
    print(f"{'rv32imc, PULP-OPEN':32s}", *(f"{f'{n} cores':>22s}" for n in TEAMS), "  speed-up")
    for workload in members("nonneural-suite"):
        kind, sizes = workload["op"], {k: v for k, v in workload.items() if k != "op"}
        for split in ("horizontal", "vertical") if kind == "svm" else ("horizontal",):
            for fp in LIBRARIES:
                cells, cycles = [], []
                for cores in TEAMS:
                    report = run(kind, "pulp-open", {"cores": cores, "fp": fp, "split": split, "isa": "rv32imc"}, **sizes)
                    case = measured(kind, fp, split, cores)
                    cycles.append(report.cycles)
                    cells.append(f"{report.cycles:11.0f}{f'[{case.value:.0f}]' if case else '':>11s}")
                print(f"{kind:20s} {split[:4]} {fp:7s}", *cells, f"{cycles[0] / cycles[-1]:10.2f}")


def spent(chip: str, fp: str) -> None:
    """Where the cycles of eight cores go, with Xpulp."""
    print(f"\n{chip}, xpulp, {fp}, 8 cores: share of the cycles", *(f"{name:>13s}" for name in PARTS))
    for workload in members("nonneural-suite"):
        sizes = {k: v for k, v in workload.items() if k != "op"}
        report = run(workload["op"], chip, {"cores": 8, "fp": fp, "isa": "xpulp"}, **sizes)
        slots = report.cost.program.slots
        values = {slot.name: float(report.cost.values[0, i]) for i, slot in enumerate(slots) if slot.quantity == "cycles"}
        print(f"{workload['op']:20s} {report.cycles:12.0f} cycles  ", *(f"{values[name] / report.cycles:13.1%}" for name in PARTS))


def headlines() -> None:
    """The study's figures."""
    print("\nheadline", " " * 38, "hwsim   published")
    runner = Runner()
    for case in CASES:
        if case.group == "headline" and "aggregate" in case.workload:
            print(f"{case.id:44s} {runner.got(case, Path()):9.3f}   {case.value:9g}  {case.note}")


def claims() -> list[Claim]:
    """The study's headlines."""
    kernels = "sizes of the kernels (not published)"
    return of_cases("DNN is not all", {
        "headline-emulation-library-runtime": ("cycles, libgcc over RVfplib on GAP8", "x", kernels),
        "headline-emulation-library-energy": ("joules, RVfplib over libgcc (-37 %)", "x", kernels),
        "headline-parallel-speedup-gap8": ("eight cores over one, GAP8", "x", kernels),
        "headline-parallel-speedup-pulp-open": ("eight cores over one, PULP-OPEN", "x", kernels),
        "headline-parallel-latency-best": ("best time of eight cores over one (-87 %)", "x", kernels),
        "headline-parallel-energy-best": ("best joules of eight cores over one (-87 %)", "x", kernels),
        "headline-native-fpu-runtime": ("best kernel, native FPU over emulation (32.09x)", "x", "a dependent FPU instruction waits no cycle (GVSoC)"),
        "headline-native-fpu-energy": ("the same, joules (-99 %)", "x", kernels),
    }) + _cortex_m4()  # fmt: skip


def _cortex_m4() -> list[Claim]:
    """Cycles and joules of PULP-OPEN's eight cores with native FPU against a Cortex-M4, over the kernels that both run."""
    cycles, joules = [], []
    for workload in members("nonneural-suite"):
        kind, sizes = workload["op"], {k: v for k, v in workload.items() if k != "op"}
        slow = run(kind, "cortex-m4", {}, **sizes)
        quick = run(kind, "pulp-open", {"cores": 8, "fp": "native", "isa": "xpulp"}, **sizes)
        cycles.append(slow.cycles / quick.cycles)
        joules.append(quick.energy_j / slow.energy_j)
    text = "PULP-OPEN, eight cores, against Cortex-M4"
    carries = "best of six kernels of our sizes; which cluster, clock and kernel are meant is not stated"
    return [Claim("DNN is not all", f"{text}: cycles of the best kernel", 12.87, max(cycles), "x", carries, "abstract", 0.3),
            Claim("DNN is not all", f"{text}: best joules (-98 %)", 0.02, min(joules), "x", carries, "abstract", 0.5)]  # fmt: skip


if __name__ == "__main__":
    scaling()
    spent("pulp-open", "native")
    spent("gap8", "rvfplib")
    headlines()
