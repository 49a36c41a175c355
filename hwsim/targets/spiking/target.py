"""The spiking target: ties lowering, price, event loop and primitives together behind the `Target` protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.encoding import OperatorTable, operator_table
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Program, Table, first
from hwsim.core.target import Around, Mapped, Primitive, Target, TargetBase
from hwsim.engine.road import price_points
from hwsim.targets.spiking import spec
from hwsim.targets.spiking.events import run_operator, spikes_per_step
from hwsim.targets.spiking.fanout import mesh_hops
from hwsim.targets.spiking.kernels import price
from hwsim.targets.spiking.lowering import Lowering
from hwsim.targets.spiking.mapping import Options, parse_options
from hwsim.targets.spiking.primitives import PRIMITIVES

Floats = NDArray[np.float64]
NO_TIME = "this chip states the energies of operations, no machine that takes time; an event core (event-core-45nm) or a crossbar does"
HOW_TO_RATE = "state the trace's layer_rates and qkv_rates, spikes or rate, or an operator's spike_rate (rate_q, rate_k, rate_v)"
RATED = ("energy_j", "power_w", "tops_per_w", "energy_per_mac_j", "ac_ops", "ac_ops_layers", "ac_ops_attention", "cycles", "latency_s")
LEVERS = ("more cores", "larger weight_memory_bytes or state_memory_bytes", "a narrower weight_dtype", "a smaller network or image")


class SpikingTarget(TargetBase):
    """Networks of spikes: accumulations where a spike arrives, multiplications where values are real; as a convention or on event-driven cores."""

    name = "spiking"
    slots = spec.SLOTS
    price = staticmethod(price)
    primitives: Mapping[str, Primitive] = PRIMITIVES
    reads_timesteps = True

    def check(self, chip: Chip) -> None:
        """Refuse a chip that lacks a constant. Raises `InvalidChip`, `MissingParameter`."""
        spec.PARAMETERS.check(chip, spec.together)

    def options(self, mapping: Mapped) -> Mapped:
        """Check mapping options and return them all. Raises `InvalidMapping`."""
        return parse_options(mapping).model_dump()

    def map(self, graph: Graph, chip: Chip, mapping: Mapped, *, allow_unmodelled: bool = False) -> Program:
        """Count operations, memory accesses and events of `graph`. Raises `UnsupportedOp`, `Infeasible`, `InvalidMapping`."""
        options = parse_options(mapping)
        machine = (int(chip.number("cores")), int(chip.number("lanes"))) if chip.text("kind") == spec.EVENT_CORE else None
        honest = options.honest(chip)
        lowering = Lowering(options.execution == "dense", machine)
        table = operator_table(graph, spec.FIELDS, lowering.encode, by_signature=True)
        warnings = self.refuse(table.skipped, allow_unmodelled)
        held = self._fits(graph, chip, table, machine[0], lowering.dense) if machine else {}
        clock = chip.number("clock_hz") if machine else 1.0
        params = spec.PARAMETERS.record(chip, {"honest": honest, "event_core": bool(machine), "mesh_hops": mesh_hops(machine[0]) if machine else 0})
        params["clock_hz"] = clock
        around: Around = self._around(params) if machine else ({}, {})
        program = Program(
            chip=chip, graph=graph, mapping={**options.model_dump(), "energy_mode": "honest" if honest else "published"}, rows=table.rows,
            row_of=table.row_of, counts=table.counts, params=params, slots=spec.SLOTS, resources=spec.RESOURCES, clock_hz=clock,
            static_power_w=first(around[0]), area_mm2=first(around[1]), parts=spec.PARTS, unstated=_unstated(machine is None, lowering.unrated),
            unstated_rows=dict.fromkeys(RATED, frozenset(table.row_of[i] for i in lowering.unrated_at)),
            used_params=tuple(n for n in spec.PARAMETERS.priced if n in chip.params),
            warnings=(*warnings, *_unrated(lowering.unrated), *_unvalidated(honest)),
            assumptions=_assumptions(options, honest, machine is not None, graph), lower_bound=bool(warnings),
        )  # fmt: skip
        figures = {**counts_of(table, graph), **held, **first(self.figures(program, params))}
        return _with_figures(program, figures)

    def refine(self, program: Program, values: Floats) -> Floats:
        """Return the values with the cycles of every operator's events run one by one (an event core only)."""
        p = program.params[0]
        if not p["event_core"]:
            return values
        refined = values.copy()
        at = [s.name for s in program.slots].index("synapse")
        seed = int(str(program.mapping["seed"]))
        for index, (row, op) in enumerate(zip(program.rows, program.representatives, strict=True)):
            if row["used"]:
                rng = np.random.default_rng((seed, index))
                per_step = spikes_per_step(op, int(row["events"]), int(row["steps"]), rng)
                refined[index, at] = run_operator(row, p, per_step, p["lanes"], int(rng.integers(1 << 31)))
        return refined

    def surroundings(self, program: Program, params: Table) -> Around:
        """(static power in watts, area in mm2) by component; none for a chip of operations."""
        return self._around(params) if program.params["event_core"][0] else ({}, {})

    def figures(self, program: Program, params: Table) -> Mapping[str, Floats]:
        """Joules by the published convention, and with memory, whichever of the two the energy is."""
        if "energy_j" in program.unstated:
            return {}
        joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules"]
        found = {}
        for name, honest, core in (("energy_published_j", 0.0, 0.0), ("energy_honest_j", 1.0, None)):
            table = params.copy()
            table["honest"] = honest
            if core is not None:
                table["event_core"] = core
            found[name] = price_points(cast(Target, self), program, table).sums[:, joules].sum(axis=1)
        return found

    def default_dtype(self, chip: Chip, kind: str) -> str:
        """FP32 of the convention; 8-bit weights on event-driven cores."""
        return "int8" if chip.text("kind") == spec.EVENT_CORE else "fp32"

    def structural(self, mapping: Mapped) -> frozenset[str] | None:
        """Constants that mapping depends on: how outputs are dealt over cores and lanes, and the memories that a network must fit in."""
        return spec.STRUCTURAL

    def _around(self, params: Table) -> Around:
        cores = params["cores"]
        area = {
            "weight_memory": cores * params["weight_memory_bytes"] * params["sram_mm2_per_byte"],
            "state_memory": cores * params["state_memory_bytes"] * params["sram_mm2_per_byte"], "logic": cores * params["core_logic_mm2"],
        }  # fmt: skip
        return {"leakage": cores * params["core_static_w"]}, area

    def _fits(self, graph: Graph, chip: Chip, table: OperatorTable, cores: int, dense: bool) -> dict[str, float]:
        """Bytes held on all cores together. Raises `Infeasible`: nothing is fetched from outside, layers are spread evenly."""
        modelled = [(op, row) for op, row in zip(graph.ops, table.row_of, strict=True) if row >= 0]
        state = sum(float(table.rows["state_bits"][row]) / 8 * _states(op, dense) for op, row in modelled)
        for what, held, memory in (("weights", graph.weight_bytes, "weight_memory_bytes"), ("membrane potentials", state, "state_memory_bytes")):
            self.must_fit(f"{what} on {cores} cores of {chip.name}", held, cores * chip.number(memory), "bytes", LEVERS)
        return {"weight_bytes": graph.weight_bytes, "state_bytes": state}


def _states(op: Op, dense: bool) -> int:
    """Values that an operator keeps from timestep to timestep, or while it runs: potentials, partial sums of what has no neurons behind it."""
    if op.kind == "lif":
        return 0 if dense else op["neurons"]
    return op["batch"] * op["heads"] * op["head_dim"] ** 2 if op.kind == "spiking_attention" else 0


def counts_of(table: OperatorTable, graph: Graph) -> dict[str, float]:
    """Counts of the whole network: operations over all timesteps, multiply-accumulates of one, parameters."""
    total = {name: float(table.counts @ table.rows[name]) for name in spec.COUNTS}
    weights = sum(t.elements for t in graph.tensors.values() if t.role == "weight")
    return {
        **total, "ac_ops": total["ac_ops_layers"] + total["ac_ops_attention"], "dense_macs": float(graph.macs),
        "params": float(graph.meta.get("parameters", weights)), "params_conv_fc": float(graph.meta.get("parameters_conv_fc", weights)),
    }  # fmt: skip


def _with_figures(program: Program, figures: Mapping[str, float]) -> Program:
    kept = {name: value for name, value in figures.items() if name not in program.unstated and math.isfinite(value)}
    return replace(program, figures=kept)


def _unstated(timeless: bool, unrated: list[str]) -> dict[str, str]:
    """Metrics that cannot be given, with the reason."""
    found = dict.fromkeys(("cycles", "latency_s", "power_w", "frequency_hz", "bytes"), NO_TIME) if timeless else {}
    if timeless:
        found["bytes"] = "accesses are counted by joules, not by bytes"
    if unrated:
        found = {**dict.fromkeys(RATED, f"no firing rate of {_some(unrated)}; {HOW_TO_RATE}"), **found}
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _unrated(unrated: list[str]) -> tuple[str, ...]:
    return (f"no firing rate of {_some(unrated)}: operations are counted, energy and time are not given",) if unrated else ()


def _unvalidated(honest: bool) -> tuple[str, ...]:
    return ("no published figure holds the joules of memory; recorded validation errors are those of the published convention",) if honest else ()


def _assumptions(options: Options, honest: bool, core: bool, graph: Graph) -> tuple[str, ...]:
    found = []
    if options.execution == "dense":
        found.append("execution=dense: one pass, every layer multiplies and accumulates; rates are not read")
    if not honest:
        found.append("published convention: additions and multiplications only; no weight reads, membrane potentials, neuron updates, activations")
    if honest and not core:
        found.append("boundary: arithmetic and on-chip SRAM accesses of the sizes in the chip file; no control, wires, leakage or DRAM")
    if core:
        found.append("boundary: all cores with their memories and network; weights stay on chip, loading them and the input is not charged")
        found.append("layers run one after another, each over all cores by output channel; timesteps end with a token on the network")
        found.append("real-valued inputs arrive as graded events that are multiplied")
    if any(op.kind == "conv2d" and op.bounds["groups"] > 1 for op in graph.ops) and core:
        found.append("events of a grouped convolution go to the cores of their group only")
    return tuple(found)


TARGET = SpikingTarget()
