"""What a kernel may know: the team, the choices of the mapping, and the chip's structure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.graph import Graph
from hwsim.targets.cluster.mapping import Options


@dataclass(frozen=True)
class Share:
    """Units of work over a team: those of the busiest core, and mean over busiest."""

    busiest: float
    balance: float


def share(units: float, cores: int) -> Share:
    """Deal whole `units` to `cores`: the busiest has ceil(units / cores). With no unit everything is 0 and balanced.

    >>> share(10, 8)
    Share(busiest=2.0, balance=0.625)
    """
    busiest = float(math.ceil(units / cores))
    return Share(busiest, units / (cores * busiest) if busiest else 1.0)


@dataclass(frozen=True)
class Machine:
    """A chip at a mapping, as kernels see it.

    `cores` of the team; `core` is the chip's instruction set family (xpulp or thumb2), `isa` what the compiler may use of it; `fp` native or the
    emulation library; `native` says which; `simd` packed integers (None: the kernel's default); `data` l1 or l2. `l1_bytes` and `l2_bytes` are the
    buffers of the flow or the whole memories. `graph` is the whole graph and `at` the index of the operator in it, for decisions about the network.
    `plan` is what a flow decided about the network before its operators are encoded.
    """

    chip: Chip
    options: Options
    cores: int
    core: str
    isa: str
    fp: str
    flow: str
    runtime: str
    data: str
    l1_bytes: float
    l2_bytes: float
    instruction_bytes: float
    peaks: Mapping[str, float]
    graph: Graph | None = None
    at: int = 0
    plan: Any = field(default=None, compare=False)

    @property
    def native(self) -> bool:
        """True when floating-point operations are instructions."""
        return self.fp == "native"

    @property
    def hardware_loops(self) -> bool:
        """True when the compiler may use hardware loops, post-increment and packed arithmetic."""
        return self.isa.startswith("xpulp")

    @property
    def split(self) -> str:
        """What is dealt to the cores; horizontal when the mapping does not say."""
        return self.options.split or "horizontal"

    @property
    def simd(self) -> bool:
        """Packed integers: as the mapping says, otherwise where the instruction set has them."""
        return self.options.simd if self.options.simd is not None else self.hardware_loops

    def share(self, units: float) -> Share:
        """Whole units over the team."""
        return share(units, self.cores)

    def macs_per_cycle(self, name: str) -> float:
        """Arithmetic peak of one core for a dtype (the next wider one of its kind where the chip has none)."""
        bits = dtype(name).bits
        floating = dtype(name).kind in ("float", "complex")
        if floating:
            return self.peaks["fp16" if bits <= 16 else "fp32"]
        return self.peaks["int1" if bits <= 1 else "int8" if bits <= 8 else "int16" if bits <= 16 else "int32"]


def machine(chip: Chip, options: Options, graph: Graph | None = None) -> Machine:
    """Resolve the options on a chip that is already at the mapping's operating point."""
    core = chip.text("core_isa")
    riscv = core == "xpulp"
    return Machine(
        chip=chip, options=options, cores=options.cores or int(chip.number("cores")), core=core,
        isa=options.isa or core, fp=options.fp or ("native" if chip.number("fpu_units") or not riscv else "rvfplib"),
        flow=options.flow or "", runtime=options.runtime or ("pulp_runtime" if options.flow == "pulp-dsp" else "spmd"), data=options.data or "l1",
        l1_bytes=options.l1_bytes or chip.number("tcdm_bytes"), l2_bytes=options.l2_bytes or chip.number("l2_bytes"),
        instruction_bytes=chip.number("instruction_bytes"),
        peaks={d: chip.number(f"macs_per_cycle_{d}") for d in ("int8", "int16", "int32", "fp32", "fp16", "int1")}, graph=graph,
    )  # fmt: skip
