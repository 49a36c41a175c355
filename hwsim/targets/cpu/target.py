"""The processor target: lowering, price, energy and primitives behind the `Target` protocol."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.cores import prepare
from hwsim.targets.cpu.encode import Lowered, lower
from hwsim.targets.cpu.energy import static_power_w
from hwsim.targets.cpu.kernels import price
from hwsim.targets.cpu.mapping import Options, check_supply, parse_options, threads_of
from hwsim.targets.cpu.primitives import PRIMITIVES
from hwsim.targets.cpu.record import record_of


class Cpu(TargetBase):
    """Application processors: clusters of cores with vector units behind caches, operators called one after another by a runtime."""

    name = "cpu"
    slots = spec.SLOTS
    price = staticmethod(price)
    prepare = staticmethod(prepare)
    primitives = PRIMITIVES

    def check(self, chip: Chip) -> None:
        """Refuse a chip that lacks a constant or states an impossible one. Raises `InvalidChip`, `MissingParameter`."""
        spec.check_chip(chip)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return them all, defaults included. Raises `InvalidMapping`."""
        return parse_options(mapping).model_dump()

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Encode `graph` for the threads that take part. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`."""
        options = parse_options(mapping)
        check_supply(options, chip)
        threads = threads_of(options, chip)
        lowered = lower(graph, options)
        warnings = self.refuse(lowered.table.skipped, allow_unmodelled)
        levers = ("a board with more memory (--set dram_bytes=...)", "narrower weights (--weight-dtype q4_0)", "a shorter context or smaller batch")
        free = chip.number("dram_bytes") - chip.number("system_bytes")
        self.must_fit(f"weights and KV cache beside the system on {chip.name}", lowered.memory_bytes, free, "bytes", levers)
        params = record_of(chip, options)
        stated = {**options.model_dump(), "cores": options.cores or spec.clusters_of(chip)[0], "threads": sum(threads.values()),
                  "fusion": "passes of one operand" if options.fused else "none"}  # fmt: skip
        return Program(
            chip=chip, graph=graph, mapping=stated, rows=lowered.table.rows, row_of=lowered.table.row_of, counts=lowered.table.counts, params=params,
            slots=spec.SLOTS, resources=spec.RESOURCES, clock_hz=float(params["clock_hz"][0]), static_power_w=first(static_power_w(params)),
            area_mm2={}, figures={"threads": float(sum(threads.values())), "memory_bytes": lowered.memory_bytes},
            unstated={"area_mm2": f"no die area of {chip.name} is stated"}, used_params=used_params(chip, threads),
            assumptions=_assumptions(options, lowered, params), warnings=warnings, lower_bound=bool(warnings),
        )  # fmt: skip

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, no area: die areas are not published) by component, one figure per parameter record."""
        return static_power_w(params), {}

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Constants that mapping depends on: cores a cluster, and the memory that a model must fit in."""
        return spec.STRUCTURAL


def used_params(chip: Chip, threads: Mapped) -> tuple[str, ...]:
    """Constants that the price reads: those of clusters without a thread are not, and a supply may be unstated."""
    idle = tuple(f"{cluster}_" for cluster in spec.CLUSTERS if not threads.get(cluster))
    priced = [name for name in spec.PARAMETERS.priced if name in chip.params and not name.startswith(idle or ("\0",))]
    return (*priced, *sorted(spec.STRUCTURAL - {*priced}))


def _assumptions(options: Options, lowered: Lowered, params: Table) -> tuple[str, ...]:
    threads = int(params["threads"][0])
    found = [
        f"calls of the {options.runtime} class; operators run one after another, each on {f'all {threads} threads' if threads > 1 else 'one thread'}",
        "clocks are held: no thermal throttling, no migration between clusters",
        "products are blocked for the caches: operands pass once; private caches of all threads add up",
    ]
    if options.caches == "warm":
        found.append("caches hold what the inference before left; weights compete with all that an inference touches")
    widened = spec.WIDENED in lowered.arithmetic or (spec.FP16 in lowered.arithmetic and params["fp16_rate"][0] <= 0)
    if widened:
        found.append("16-bit formats without arithmetic of their own are converted to fp32 as they are loaded")
    if spec.QUANTISED in lowered.arithmetic:
        found.append("activations are quantised on the fly: products of narrow weights run at a fraction of the integer rate")
    if (lowered.table.rows["connections"] > 0).any():
        found.append("sparse weights: a stored connection is gathered for every block of rows")
    if options.power_scope == "above_idle":
        found.append("power above the idle board: idle watts are left out")
    return tuple(found)


TARGET = Cpu()
