"""The wafer-scale mesh behind the Target protocol: checks, choice of grid and algorithm, operator table, parameter record."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.encoding import OperatorTable
from hwsim.core.errors import HwsimError, Infeasible, InvalidMapping, MissingParameter
from hwsim.core.graph import Graph
from hwsim.core.program import Program, Table, first, slot_dtype
from hwsim.core.target import Around, Mapped, TargetBase
from hwsim.targets.wafer_mesh import layout as L
from hwsim.targets.wafer_mesh import memory
from hwsim.targets.wafer_mesh.encode import encode
from hwsim.targets.wafer_mesh.energy import area_mm2, static_power_w
from hwsim.targets.wafer_mesh.kernels import prepare, price
from hwsim.targets.wafer_mesh.mapping import cache_policy, candidate_grids, check_grid, codes, parse_mapping
from hwsim.targets.wafer_mesh.primitives import PRIMITIVES
from hwsim.targets.wafer_mesh.provenance import assumptions, product_formats, used_params
from hwsim.targets.wafer_mesh.spec import PARAMETERS, contradictions
from hwsim.tech.arithmetic import check_lmul

Grid = tuple[int, int]
Placed = tuple[Grid, Grid, dict[str, float]]
WAVELET_BYTES = 4
CHANGE_CYCLES = frozenset(name for name in PARAMETERS.priced if "cycle" in name and not name.endswith("_j_per_cycle"))
STRUCTURAL = frozenset({"grid_usable", "sram_bytes_per_core", "reserved_bytes_per_core", "colours", "reserved_colours", "output_queues"})


class WaferMesh(TargetBase):
    """Wafer-scale mesh of cores (PLMR): MeshGEMM, MeshGEMV, collectives, and whole language models on them."""

    name = "wafer_mesh"
    slots = L.SLOTS
    price = staticmethod(price)
    prepare = staticmethod(prepare)
    primitives = PRIMITIVES

    def check(self, chip: Chip) -> None:
        """Refuse a chip that is no sound wafer. Raises `InvalidChip`."""
        PARAMETERS.check(chip, contradictions)

    def options(self, mapping: Mapped) -> Mapped:
        """Check and normalise mapping options. Raises `InvalidMapping`."""
        return parse_mapping(mapping)

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Lay `graph` out on `chip`. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`, `MissingParameter`."""
        options = dict(mapping)
        if clock := options.get("clock_hz"):
            chip = _clocked(chip, float(clock))
        paper = options.get("workload_mode") == "paper_faithful"
        table = encode(graph, paper)
        warnings = self.refuse(table.skipped, allow_unmodelled)
        check_algorithm(graph, table, options)
        if options.get("multiplier") == "lmul":
            check_lmul(product_formats(graph, table))
        params = PARAMETERS.record(chip, codes(options))
        prefill, decode, figures = self.place(graph, chip, options, table, params, paper)
        used = used_params(table, options)
        for name in used:
            if name not in chip.params:
                raise MissingParameter(name, chip.name, chip.params)
        return Program(
            chip=chip, graph=graph, mapping=resolved(options, graph, prefill, decode, self.notes(table, params)), rows=table.rows,
            row_of=table.row_of, counts=table.counts, params=params, slots=self.slots, resources=L.RESOURCES, clock_hz=float(params["clock_hz"][0]),
            static_power_w=first(static_power_w(params)), area_mm2=first(area_mm2(params)), figures=figures, used_params=used,
            assumptions=assumptions(chip, graph, table, options, paper), warnings=warnings, lower_bound=bool(warnings),
        )  # fmt: skip

    def place(self, graph: Graph, chip: Chip, options: Mapped, table: OperatorTable, params: Table, paper: bool) -> Placed:
        """Choose or check the grids of prefill and decode, write them to `params`, and check memory and colours; returns grids and figures."""
        phases = {"prefill": options.get("prefill_grid") or options.get("grid"), "decode": options.get("decode_grid") or options.get("grid")}
        present = {bool(flag) for flag in table.rows["decode"]}
        chosen: dict[str, Grid] = {}
        figures: dict[str, float] = {}
        content = 0.0
        for phase, given in phases.items():
            if (phase == "decode") not in present:
                continue
            if given:
                check_grid(chip, given)
                chosen[phase] = given
            else:
                chosen[phase] = self.best_grid(graph, chip, options, table, params, phase, paper)
            set_grid(params, phase, chosen[phase])
            found = self.fit(graph, chip, options, phase, chosen[phase], paper)
            params[f"{phase}_handovers"] = handovers(graph, found)
            content = found.get("sram_bytes_per_core", 0.0)
            for name in ("colours", "sram_bytes_per_core"):  # both phases must fit: the larger need counts
                if name in figures:
                    found[name] = max(found[name], figures[name])
            figures.update(found)
        anything = next(iter(chosen.values()), (1, 1))
        prefill, decode = chosen.get("prefill", anything), chosen.get("decode", anything)
        for phase, grid in (("prefill", prefill), ("decode", decode)):
            set_grid(params, phase, grid)
        if graph.phase == "generate" and prefill != decode and not paper:
            params["relaid_wavelets"] = max(0.0, content - chip.number("reserved_bytes_per_core")) / WAVELET_BYTES
        prepare(params[0])
        figures["cores"] = float(max(math.prod(prefill), math.prod(decode)))
        return prefill, decode, figures

    def fit(self, graph: Graph, chip: Chip, options: Mapped, phase: str, grid: Grid, paper: bool) -> dict[str, float]:
        """Check memory and colours of one phase on `grid`; returns the figures. Raises `Infeasible`."""
        if graph.meta.get("model"):
            policy = cache_policy(options)
            found = memory.residency(chip, graph, grid, paper)
            tokens = int(graph.meta.get("prompt", 0)) + int(graph.meta.get("generate", 0)) or int(graph.meta.get("context", 0))
            if not paper:
                memory.check_residency(chip, graph, found, policy, tokens)
                if phase == "prefill":
                    memory.check_scores(chip, graph, grid, found)
            used = found.weight_bytes + found.fixed_bytes + found.kv_bytes_per_token * (tokens / found.rows if policy == "shift" else tokens)
            return {
                "colours": memory.check_colours(chip, f"{phase} layer"), "sram_bytes_per_core": used, "copies": found.copies,
                "layers_per_core": found.layers_per_core, "max_tokens": float(found.max_tokens(policy)),
            }  # fmt: skip
        memory.check_weights(chip, graph)
        figures: dict[str, float] = {}
        for op in graph.ops:
            if op.kind == "matmul":
                name = product_algorithm(op["batch"] * op["m"], options)
                figures["colours"] = max(figures.get("colours", 0), memory.check_colours(chip, name))
                needed = memory.check_tile(chip, op, grid, name)
            else:
                needed = memory.check_resident(chip, op, grid)
            figures["sram_bytes_per_core"] = max(figures.get("sram_bytes_per_core", 0.0), needed)
        if "colours" not in figures and options.get("algorithm"):
            figures["colours"] = memory.check_colours(chip, options["algorithm"])
        return figures

    def best_grid(self, graph: Graph, chip: Chip, options: Mapped, table: OperatorTable, params: Table, phase: str, paper: bool) -> Grid:
        """Try the candidate grids and return the fastest that holds the work. Raises the last `Infeasible` when none does."""
        rows = np.flatnonzero((table.rows["decode"] > 0) == (phase == "decode"))
        trial = params.copy()
        best: tuple[float, Grid] | None = None
        refused: HwsimError | None = None
        for grid in candidate_grids(chip, 3 if options.get("algorithm") == "meshgemm" else 1):
            if (groups := options.get("groups")) and grid[1] % groups:
                continue
            try:
                self.fit(graph, chip, options, phase, grid, paper)
            except Infeasible as error:
                refused = error
                continue
            set_grid(trial, phase, grid)
            prepare(trial[0])
            values = price_table(table.rows[rows], trial)
            cycles = float(values[:, CYCLE_SLOTS].sum(axis=1) @ table.counts[rows])
            if best is None or cycles < best[0]:
                best = (cycles, grid)
        if best is None:
            raise refused or InvalidMapping(f"no candidate grid has a side divisible by groups={options.get('groups')}: give grid")
        return best[1]

    def notes(self, table: OperatorTable, params: Table) -> dict[str, Any]:
        """What the price function chose where it was free: the algorithms and group counts in use."""
        values = price_table(table.rows, params)
        names = {code: name for name, code in {**L.GEMM_CODES, **L.GEMV_CODES}.items()}
        algorithms = sorted({names[int(v)] for v in values[:, NOTE["algorithm"]] if v})
        groups = sorted({int(v) for v in values[:, NOTE["groups"]] if v})
        return {"algorithms": ", ".join(algorithms), "groups": groups[0] if len(groups) == 1 else tuple(groups)}

    def refine(self, program: Program, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Event fidelity: cycles of the allreduces and moves taken from the mesh's cycle loop."""
        from hwsim.targets.wafer_mesh.refine import refined  # noqa: PLC0415  (the cycle loops are loaded only when asked for)

        return refined(program, values)

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, area in mm2) by component, one figure per parameter record."""
        return static_power_w(params), area_mm2(params)

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Constants that placement depends on: fabric, memory, colours and queues; where the mapper chooses a grid, all that change cycles too.

        A clock that the mapping states takes the place of the chip's.
        """
        chosen = mapping.get("grid") or (mapping.get("prefill_grid") and mapping.get("decode_grid"))
        return STRUCTURAL | (frozenset[str]() if chosen else CHANGE_CYCLES) | ({"clock_hz"} if mapping.get("clock_hz") else frozenset[str]())


CYCLE_SLOTS = [i for i, s in enumerate(L.SLOTS) if s.quantity == "cycles"]
NOTE = {s.name: i for i, s in enumerate(L.SLOTS) if s.quantity == "note"}


def price_table(rows: Table, params: Table) -> NDArray[np.float64]:
    """Price records of the operator table; returns (rows, slots)."""
    out = np.zeros(len(rows), dtype=slot_dtype(L.SLOTS))
    for i in range(len(rows)):
        price(rows[i], params[0], out[i])
    return out.view(np.float64).reshape(len(rows), len(L.SLOTS))


def handovers(graph: Graph, figures: Mapped) -> float:
    """Share of the layers that hand the hidden state over to another copy of the grid."""
    copies = figures.get("copies", 0.0)
    layers = float(graph.meta["model"]["layers"]) if copies else 1.0
    return float(min(copies, layers) / layers) if copies > 1 else 0.0


def set_grid(params: Table, phase: str, grid: Grid) -> None:
    """Write the program rectangle of a phase into a parameter record."""
    params[f"{phase}_w"], params[f"{phase}_h"] = grid


def product_algorithm(vectors: int, options: Mapped) -> str:
    """Name of the algorithm that a product of `vectors` rows uses."""
    forced = str(options.get("algorithm") or "")
    if forced in L.GEMM_CODES or forced in L.GEMV_CODES:
        return forced
    return "meshgemv" if vectors == 1 else "meshgemm"


@lru_cache(maxsize=16)
def _clocked(chip: Chip, clock_hz: float) -> Chip:
    return chip if clock_hz == chip.number("clock_hz") else chip.replace(clock_hz=clock_hz)


SERVES: dict[str, frozenset[int]] = {
    **{name: frozenset({L.MATMUL, L.ATTENTION}) for name in (*L.GEMM_CODES, *L.GEMV_CODES)},
    **{name: frozenset({L.REDUCE, L.ALLREDUCE}) for name in L.REDUCE_CODES},
    **{name: frozenset({L.ALLREDUCE}) for name in ("allreduce_reduce_broadcast", "allreduce_ring", "vendor_allreduce")},
    "broadcast_flood": frozenset({L.BROADCAST}),
    "shift_kv": frozenset({L.SHIFT, L.ATTENTION}),
    "concat_kv": frozenset({L.ATTENTION}),
}


def check_algorithm(graph: Graph, table: OperatorTable, options: Mapped) -> None:
    """Refuse what the graph cannot honour: an algorithm or option that none of its operators uses, MeshGEMM on fewer than three cores a side."""
    algorithm, system = options.get("algorithm"), options.get("system", "waferllm")
    kinds = set(table.rows["kind"].astype(int))
    decode = set(table.rows["kind"][table.rows["decode"] > 0].astype(int))
    alone = bool((table.rows["in_graph"] == 0).any())
    present = decode if algorithm in L.GEMV_CODES and not alone else kinds  # inside a graph, prefill products are matrix by matrix
    if algorithm and not present & SERVES[algorithm]:
        raise InvalidMapping(f"algorithm={algorithm} serves none of this graph's operators ({', '.join(sorted({op.kind for op in graph.ops}))})")
    if system != "waferllm" and not graph.meta.get("model"):
        raise InvalidMapping(f"system={system} maps whole language models; for one operator give algorithm")
    if system != "waferllm" and (algorithm or options.get("groups")):
        raise InvalidMapping(f"system={system} has algorithms of its own: algorithm and groups cannot be given")
    if options.get("reduce") and not kinds & {L.REDUCE, L.ALLREDUCE}:
        raise InvalidMapping("reduce serves none of this graph's operators (reduce and allreduce use it)")
    if options.get("rounds") and L.SHIFT not in kinds:
        raise InvalidMapping("rounds serves none of this graph's operators (shift uses it)")
    check_groups(table, options, alone)
    for name in ("grid", "prefill_grid", "decode_grid"):
        if (grid := options.get(name)) and algorithm in ("meshgemm", "meshgemm_t", "cannon") and min(grid) < 3:
            raise InvalidMapping(f"algorithm={algorithm} needs at least 3 cores a side, the {name} is {grid[0]} x {grid[1]}")


def check_groups(table: OperatorTable, options: Mapped, alone: bool) -> None:
    """Refuse groups where no two-level tree runs, and groups that do not divide every line that one runs along."""
    groups, algorithm = options.get("groups"), options.get("algorithm")
    if not groups:
        return
    kind, decode = table.rows["kind"], table.rows["decode"] > 0
    products = (kind == L.MATMUL) & (decode | (alone & (algorithm == "meshgemv"))) & (algorithm not in L.GEMM_CODES)
    across = decode & (kind == L.ATTENTION)
    if algorithm in ("gemv_pipeline", "gemv_ring") or not (products | across | (decode & (table.rows["allreduces"] > 0))).any():
        raise InvalidMapping(f"groups={groups} serves none of this graph's operators (the two-level tree of meshgemv uses it)")
    grid = options.get("grid") or options.get("decode_grid" if decode.any() else "prefill_grid")
    for cores, line in ((grid[1], "column"), (grid[0] if across.any() else groups, "row")) if grid else ():
        if cores % groups:
            raise InvalidMapping(f"groups={groups} does not divide the {cores} cores of a {line}")


def resolved(options: Mapped, graph: Graph, prefill: Grid, decode: Grid, notes: Mapped) -> dict[str, Any]:
    """The mapping as used: what was asked for and what was chosen."""
    both = {"prefill_grid": prefill, "decode_grid": decode}
    grids = both if graph.phase == "generate" else {"grid": decode if graph.phase == "decode" else prefill}
    defaults = {"system": "waferllm", "workload_mode": "exact", "energy_mode": "nameplate"}
    asked = {k: v for k, v in options.items() if k not in ("grid", "prefill_grid", "decode_grid", "groups") and v is not None}
    return {**grids, **(defaults if graph.meta.get("model") else {"energy_mode": "nameplate"}), **asked, **{k: v for k, v in notes.items() if v}}


TARGET = WaferMesh()
