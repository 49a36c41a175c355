"""What a flow decides about a whole network before its operators are priced: passes that are fused, and what lives in L3.

Normalisation and activation are part of the layer before. A map stays in L2 while everything that its layer needs fits there; otherwise the largest
maps of that layer live in L3. The AutoTiler of 2019 moves all of them (measured: the depthwise layers of MobileNet V1 at 224 pixels move input and
output at 0.220 B per cycle). Weights stay in L2 when all of them fit beside the largest working set; DORY loads them layer by layer in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from hwsim.core.encoding import Encoder, Fields, LeftOut
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.cluster.gating import MODES, window_rates
from hwsim.targets.cluster.kernel import encode
from hwsim.targets.cluster.machine import Machine
from hwsim.targets.cluster.mapping import CORTEX_FLOWS, NETWORK_FLOWS

FUSED = ("batch_norm", "relu", "relu6", "leaky_relu", "bias", "scale", "copy", "cast")
LAYERS = ("conv2d", "matmul", "pool")
FUSED_PASS = LeftOut("part of the layer before", deliberate=True)
CACHED, INT8 = (*LAYERS, "elementwise"), ("int8", "uint8")  # layers whose kernels read no constant of the chip
BLOCKING = ("autotiler-2019", "dory")  # flows that wait for L3
WEIGHT_SHARE = 0.5  # of L2, the most that a layer's weights take; larger ones pass through in slices
WHOLE = ("autotiler-2019",)  # flows that move all maps of a layer to L3 or none
LATER = ("autotiler-nntool", "dory")  # flows whose L3 transfers are the later, faster ones


@dataclass(frozen=True)
class NetworkPlan:
    """`fused` operators (indices) are part of others; `l3_bytes` of each layer come from L3 or go there; `blocking`: the cores wait for that.

    `runs` are executions per second of operators that a gating scheme starts; then every figure is that of one second.
    """

    fused: frozenset[int] = frozenset()
    l3_bytes: Mapping[int, float] = field(default_factory=dict)
    blocking: bool = False
    runs: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Working:
    """A layer's working set: its maps by the tensor that stands for them, weights, and maps that later layers still need."""

    at: int
    maps: dict[str, float]
    weights: float
    kept: dict[str, float]


WORK_FIELDS = (
    "passes", "counts", "barriers", "forks", "roofline", "dma_in_bytes", "dma_out_bytes", "dma_transfers", "dma_lines", "dma_first_bytes",
    "dma_last_bytes", "l3_bytes",
)  # fmt: skip


@dataclass(frozen=True)
class _Request:
    """A layer to encode; requests of equal signature and state give equal records."""

    signature: tuple[object, ...]
    state: tuple[object, ...]
    l3_bytes: float
    at: int = field(compare=False)
    op: Op = field(compare=False)
    m: Machine = field(compare=False)


def _state(m: Machine) -> tuple[object, ...]:
    """All that the kernels of network layers and the record read of the machine, but for the layer's bytes of L3."""
    own = (m.flow, m.cores, m.core, m.isa, m.data, m.l1_bytes, m.options.bn_bits, m.options.simd, m.instruction_bytes)
    return (*own, *m.peaks.values(), m.plan.blocking)


@lru_cache(maxsize=4096)
def _of_layer(request: _Request) -> Fields | LeftOut:
    return encode(request.op, replace(request.m, at=request.at))


def encoder(m: Machine) -> Encoder:
    """Return the function that encodes the operators of the machine's graph under the plan of its network.

    A fused pass has no record of its own; a gated operator has the work of a second.
    """
    plan: NetworkPlan | None = m.plan
    if plan is None:
        return lambda at, op: encode(op, replace(m, at=at))
    state = _state(m)

    def encoded(at: int, op: Op) -> Fields | LeftOut:
        if at in plan.fused:
            return FUSED_PASS
        if (times := plan.runs.get(at, 1.0)) == 0:
            return LeftOut("its sensor never starts it", deliberate=True)
        if op.kind in CACHED and op.dtype in INT8 and not plan.runs:
            return _of_layer(_Request(op.signature, state, plan.l3_bytes.get(at, 0.0), at, op, m))
        found = encode(op, replace(m, at=at))
        if isinstance(found, LeftOut) or times == 1.0:
            return found
        return {name: _times(value, times) if name in WORK_FIELDS else value for name, value in found.items()}

    return encoded


def _times(value: Any, times: float) -> Any:
    return tuple(_times(v, times) for v in value) if isinstance(value, tuple) else value * times


def plan_notes(plan: NetworkPlan) -> list[str]:
    """What a plan assumes, for the report."""
    if plan.runs:
        return ["figures are those of one second of operation: windows as the trace's events start them; sleep between windows draws nothing"]
    notes = ["normalisation and activation are part of the layer before"] if plan.fused else []
    if moved := sum(plan.l3_bytes.values()):
        waits = "the cores wait for it" if plan.blocking else "behind the arithmetic"
        notes.append(f"{moved / 1e6:.3g} MB move between L3 and L2, {waits}")
    return notes


def planned(m: Machine) -> Machine:
    """Return the machine with the flow of its network (the chip's default when the mapping names none), its buffers, runtime and plan.

    A single operator without a flow is left alone. Raises `Infeasible` when the network fits no memory, `InvalidMapping` for an instruction set
    that the flow's kernels cannot do with.
    """
    graph = m.graph
    if graph is not None and "gating" in graph.meta:
        return replace(m, plan=NetworkPlan(runs=window_rates(graph, m.options.mode or MODES[0])))
    if m.options.mode is not None:
        raise InvalidMapping(f"mode={m.options.mode} is a gating scheme; this trace has none")
    if graph is None or (not m.flow and (graph.meta.get("single_op") or not any(op.kind in LAYERS for op in graph.ops))):
        return m
    flow = m.flow or m.chip.text("default_flow")
    if flow in CORTEX_FLOWS:
        return replace(m, flow=flow, plan=_in_place(graph, m))
    if flow not in NETWORK_FLOWS:
        return m
    if not m.hardware_loops:
        raise InvalidMapping(f"isa={m.isa}: the kernels of flow={flow} are made of Xpulp's hardware loops and packed products; use isa=xpulp")
    l1, l2 = m.options.l1_bytes or m.chip.number("network_l1_bytes"), m.options.l2_bytes or m.chip.number("network_l2_bytes")
    if l2 < l1:
        raise Infeasible("tiles of the L1 buffer, which come from the L2 buffer", demand=l1, bound=l2, unit="bytes of L2",
                         levers=("a larger l2_bytes", "a smaller l1_bytes"))  # fmt: skip
    found = replace(m, flow=flow, runtime=m.options.runtime or "gap_sdk", l1_bytes=l1, l2_bytes=l2)
    return replace(found, plan=_plan(graph, flow, l2, m.chip.number("l3_bytes")))


def _fused(graph: Graph) -> tuple[frozenset[int], dict[str, str]]:
    """(indices of fused passes, the tensor that stands for each tensor behind them)."""
    fused, root = set[int](), dict[str, str]()
    for at, op in enumerate(graph.ops):
        if op.kind == "elementwise" and op.function in FUSED and op.inputs[0] in graph.producers:
            fused.add(at)
            root[op.outputs[0]] = root.get(op.inputs[0], op.inputs[0])
    return frozenset(fused), root


def _working_sets(graph: Graph, fused: frozenset[int], root: Mapping[str, str]) -> list[_Working]:
    """The working set of every layer, in order."""
    images = int(graph.meta.get("batch", 1))  # one after another
    size = {t: graph.tensors[t].bytes / images for op in graph.ops for t in (*op.inputs, *op.outputs)}
    last = {root.get(t, t): at for at, op in enumerate(graph.ops) if at not in fused for t in op.inputs}
    made: dict[str, float] = {}
    found = []
    for at, op in enumerate(graph.ops):
        if at in fused:
            continue
        maps = {root.get(t, t): size[t] for t in (*op.inputs, *op.outputs) if graph.tensors[t].role != "weight"}
        kept = {t: b for t, b in made.items() if t not in maps and last.get(t, -1) > at}
        found.append(_Working(at, maps, op.weight_bytes, kept))
        made |= maps
    return found


def _in_place(graph: Graph, m: Machine) -> NetworkPlan:
    """The plan of a microcontroller: weights stay in flash, maps in RAM. Raises `Infeasible` when either does not fit."""
    fused, root = _fused(graph)
    layers = _working_sets(graph, fused, root)
    weights = sum(layer.weights for layer in layers)
    largest = max((sum(layer.maps.values()) + sum(layer.kept.values()) for layer in layers), default=0.0)
    levers = ("another part", "a narrower network", "a smaller input")
    for what, need, bound, unit in (
        ("the weights of the network", weights, m.l2_bytes, "bytes of flash"), ("its largest working set", largest, m.l1_bytes, "bytes of RAM"),
    ):  # fmt: skip
        if need > bound:
            raise Infeasible(what, demand=need, bound=bound, unit=unit, levers=levers)
    return NetworkPlan(fused)


def _leaving(maps: Mapping[str, float], spilled: Mapping[str, float], room: float, *, whole: bool) -> dict[str, float]:
    """Maps of a layer that leave L2 when those that were there do not fit the `room`: the largest first, or as a `whole` all of them."""
    here = {t: b for t, b in maps.items() if t not in spilled}
    if sum(maps.values() if whole else here.values()) <= room:
        return {}
    if whole:
        return dict(maps)
    left = dict[str, float]()
    for name in sorted(here, key=lambda t: here[t], reverse=True):
        left[name] = here.pop(name)
        if sum(here.values()) <= room:
            break
    return left


@lru_cache(maxsize=64)
def _plan(graph: Graph, flow: str, l2_bytes: float, l3: float) -> NetworkPlan:
    """The plan of a cluster's network. Raises `Infeasible` when it fits no memory."""
    fused, root = _fused(graph)
    layers = _working_sets(graph, fused, root)
    weights = sum(layer.weights for layer in layers)
    largest = max(sum(layer.maps.values()) + sum(layer.kept.values()) for layer in layers)
    levers = ("a larger l2_bytes", "a chip with L3 memory", "a narrower network or a smaller input")
    if l3 == 0 and weights + largest > l2_bytes:
        raise Infeasible("the weights and the largest working set of the network", demand=weights + largest, bound=l2_bytes, unit="bytes of L2",
                         levers=levers)  # fmt: skip
    resident = l3 == 0 or (flow != "dory" and weights + largest <= l2_bytes)
    spilled: dict[str, float] = {}
    for layer in layers:
        own = 0.0 if resident else min(layer.weights, WEIGHT_SHARE * l2_bytes)
        kept = sum(b for t, b in layer.kept.items() if t not in spilled)
        if l3:
            spilled |= _leaving(layer.maps, spilled, l2_bytes - own - kept, whole=flow in WHOLE)
    held = weights + max(sum(b for t, b in (layer.maps | layer.kept).items() if t in spilled) for layer in layers)
    if held > l3 > 0:
        raise Infeasible("the weights and spilled maps of the network", demand=held, bound=l3, unit="bytes of L3",
                         levers=("a larger l3_bytes", *levers[::2]))  # fmt: skip
    images = int(graph.meta.get("batch", 1))
    moved = {
        layer.at: images * ((0.0 if resident else layer.weights) + sum(b for t, b in layer.maps.items() if t in spilled)) for layer in layers
    }  # fmt: skip
    return NetworkPlan(fused, moved, flow in BLOCKING)
