"""A network as a table of DPU layers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields, LeftOut, OperatorTable, operator_table
from hwsim.core.errors import Infeasible
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.dpu.carma import Schedule, scheduled
from hwsim.targets.fpga.dpu.contention import ddr_load
from hwsim.targets.fpga.dpu.host import around, processor_work
from hwsim.targets.fpga.dpu.layers import GATES, Buffers, Layer, Lowered, parts_of, quantised
from hwsim.targets.fpga.dpu.parts import EACH, PROCESSOR
from hwsim.targets.fpga.dpu.spec import CODE, CONSTANTS
from hwsim.targets.fpga.dpu.twins import dealt_graph, is_beside
from hwsim.targets.fpga.engine import Plan
from hwsim.targets.fpga.layout import OP_DTYPE, common_fields
from hwsim.targets.fpga.mapping import Options

MULTI = "multi"
KEPT = 32  # layouts that are kept for other constants and options
CONTENDING = frozenset({"design_clock_hz", "ddr_channel_bytes_per_s", "ddr_efficiency"})  # what the share of DDR follows from, besides CONSTANTS


def structural(options: Options) -> frozenset[str]:
    """Constants that the layout reads; with several threads also those that the cores' shares of DDR follow from."""
    if options.threads != MULTI:
        return frozenset()
    return CONTENDING | {c.name for c in CONSTANTS if c.column and not c.name.startswith(("host_", "softmax_", "bitstream_"))}


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a network out on one core; `threads` multi: a frame on each of them at once. Raises `Infeasible`, `InvalidMapping`."""
    schedule = scheduled(graph, options, chip)
    graph, cores = schedule.graph, int(chip.number("cores")) if options.threads == MULTI else 1
    was = {dtype for op in graph.ops for dtype in (op.dtype, op.weight_dtype)}
    graph = _prepared(graph, cores)
    rest = (schedule.frames, schedule.switch_bytes, schedule.bitstreams, chip.number("dpu_mac_energy_factor"))
    lowered, table = _laid_out(graph, Buffers.of(chip), *rest)
    if graph.weight_bytes > (room := chip.number("ddr_bytes")):
        raise Infeasible(f"weights of '{graph.name}'", demand=graph.weight_bytes, bound=room, unit="B", levers=("a board with more DDR",))
    load = _load(table, chip) if options.threads == MULTI else 0.0
    own = [layer for layer in lowered.layers.values() if not is_beside(layer.op)]
    kept = sum(layer.made in lowered.kept for layer in own)
    return Plan(
        graph, table, numbers={"dpu_ddr_load": load}, stated={"threads": options.threads or "single", **schedule.stated},
        figures={"maps_on_chip": float(kept), "dpu_layers": float(len(own))},
        assumptions=(*_threads(chip, options, cores), *_assumptions(lowered, was, schedule)),
    )  # fmt: skip


@lru_cache(maxsize=KEPT)
def _prepared(graph: Graph, cores: int) -> Graph:
    """The graph in INT8, a frame of it on each of `cores`."""
    whole = quantised(graph)
    return dealt_graph(whole, lambda _: 1, lambda _: cores - 1) if cores > 1 else whole


@lru_cache(maxsize=KEPT)
def _laid_out(
    graph: Graph, buffers: Buffers, frames: int, switch_bytes: float, bitstreams: int, energy: float
) -> tuple[Lowered, OperatorTable]:
    """Layers and their table; `frames` of a trace of contexts (0: a plain pass) and what its changes load."""
    lowered = Lowered(graph, buffers)
    last = max((at for at, layer in lowered.layers.items() if not is_beside(layer.op)), default=-1)
    alone = bool(graph.meta.get("single_op"))
    host = {at: processor_work(layer) for at, layer in lowered.layers.items()} if alone else around(graph, lowered.layers)
    if last >= 0 and not alone:  # once a frame, or at a change of context: with the last layer
        repeat = graph.ops[last].repeat
        started = max(1, frames) * float(graph.meta.get("batch", 1))
        each = {"host_frames": started / repeat, "switch_read": switch_bytes / repeat, "switch_bitstreams": bitstreams / repeat}
        host[last] = {**host.get(last, {}), **each}

    def encode(at: int, op: Op) -> Fields | LeftOut:
        if at in lowered.folded:
            return LeftOut(lowered.folded[at], deliberate=True)
        if at in lowered.refused:
            return LeftOut(lowered.refused[at])
        return {**_fields(lowered, at), **host.get(at, {}), "mac_scale": energy, "beside": float(is_beside(op))}

    return lowered, operator_table(graph, OP_DTYPE, encode)


def _fields(lowered: Lowered, at: int) -> dict[str, float]:
    layer: Layer = lowered.layers[at]
    op = layer.op
    found = {**common_fields(op), "dpu_part": layer.part}
    if layer.part == PROCESSOR:
        return found
    read, written = lowered.traffic(at)
    gated = op.function in GATES
    found |= {
        "images": float(layer.images), "map_h": float(layer.height), "map_w": float(layer.width), "passes": 2.0 if gated else 1.0,
        "ddr_read": read, "ddr_write": written,
    }  # fmt: skip
    if layer.part == EACH:
        found |= {"c": float(layer.channels), "operands": float(max(1, len(layer.sources))) * (2.0 if gated else 1.0)}
    return found


def _load(table: OperatorTable, chip: Chip) -> float:
    from hwsim.targets.fpga.spec import PARAMETERS  # noqa: PLC0415  (spec joins the engines' declarations)

    p = PARAMETERS.record(chip, {"engine_code": CODE})
    return float(ddr_load(table.rows, np.asarray(table.counts, dtype=float), p[0], chip.number("cores")))


def _threads(chip: Chip, options: Options, busy: int) -> tuple[str, ...]:
    have = chip.number("cores")
    if busy > 1:
        return (f"{busy} cores run a frame each at once: joules, bytes and MACs are those of {busy} frames",)
    if have > 1 and options.policy is None:
        return (f"one frame at a time on one of {have:g} cores; threads multi keeps all of them busy",)
    return ()


def _assumptions(lowered: Lowered, was: set[str], schedule: Schedule) -> tuple[str, ...]:
    said = ["operators left out are folded into layers in front, or write maps side by side"]
    if was - {"int8", "int32"}:
        said.append(f"a DPU computes in INT8: the network ({', '.join(sorted(was))}) is quantised after training")
    functions = {op.function for op in lowered.graph.ops}
    if "mish" in functions:
        said.append("mish is replaced by a leaky ReLU, as in the networks that are published for the DPU")
    if functions & {"sigmoid", "silu", *GATES}:
        said.append("sigmoid and swish are replaced by their hard forms; a swish takes two passes")
    if PROCESSOR in parts_of(lowered.layers):
        said.append("operators that a DPU lacks (softmax, sampling of regions) run on the processor, after the layers that they wait for")
    return (*said, *schedule.assumptions)
