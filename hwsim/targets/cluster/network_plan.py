"""What a flow decides about a whole network before its operators are priced: passes that are fused, and what lives in L3.

Normalisation and activation are part of the layer before. A map stays in L2 while everything that its layer needs fits there; otherwise the largest
maps of that layer live in L3. The AutoTiler of 2019 moves all of them (measured: the depthwise layers of MobileNet V1 at 224 pixels move input and
output at 0.220 B per cycle). Weights stay in L2 when all of them fit beside the largest working set; DORY loads them layer by layer in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hwsim.core.encoding import Fields, LeftOut
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.cluster.gating import MODES, window_rates
from hwsim.targets.cluster.kernel import encode
from hwsim.targets.cluster.machine import Machine
from hwsim.targets.cluster.mapping import CORTEX_FLOWS, NETWORK_FLOWS

FUSED = ("batch_norm", "relu", "relu6", "leaky_relu", "bias", "scale", "copy", "cast")
LAYERS = ("conv2d", "matmul", "pool")
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


def encoded(op: Op, m: Machine) -> Fields | LeftOut:
    """Return the operator's record under the plan of its network: nothing for a fused pass, the work of a second for a gated one."""
    plan: NetworkPlan | None = m.plan
    if plan is None:
        return encode(op, m)
    if m.at in plan.fused:
        return LeftOut("part of the layer before", deliberate=True)
    times = plan.runs.get(m.at, 1.0)
    if times == 0:
        return LeftOut("its sensor never starts it", deliberate=True)
    found = encode(op, m)
    if isinstance(found, LeftOut) or times == 1.0:
        return found
    return {name: _times(value, times) if name in WORK_FIELDS else value for name, value in found.items()}


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

    A single operator without a flow is left alone. Raises `Infeasible` when the network fits no memory.
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
    l1, l2 = m.options.l1_bytes or m.chip.number("network_l1_bytes"), m.options.l2_bytes or m.chip.number("network_l2_bytes")
    found = replace(m, flow=flow, runtime=m.options.runtime or "gap_sdk", l1_bytes=l1, l2_bytes=l2)
    return replace(found, plan=_plan(graph, found))


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
    size = {t: graph.tensors[t].bytes for op in graph.ops for t in (*op.inputs, *op.outputs)}
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


def _plan(graph: Graph, m: Machine) -> NetworkPlan:
    fused, root = _fused(graph)
    layers = _working_sets(graph, fused, root)
    weights = sum(layer.weights for layer in layers)
    largest = max(sum(layer.maps.values()) + sum(layer.kept.values()) for layer in layers)
    l3 = m.chip.number("l3_bytes")
    levers = ("a larger l2_bytes", "a chip with L3 memory", "a narrower network or a smaller input")
    if l3 == 0 and weights + largest > m.l2_bytes:
        raise Infeasible("the weights and the largest working set of the network", demand=weights + largest, bound=m.l2_bytes, unit="bytes of L2",
                         levers=levers)  # fmt: skip
    resident = l3 == 0 or (m.flow != "dory" and weights + largest <= m.l2_bytes)
    spilled: dict[str, float] = {}
    for layer in layers:
        own = 0.0 if resident else min(layer.weights, WEIGHT_SHARE * m.l2_bytes)
        kept = sum(b for t, b in layer.kept.items() if t not in spilled)
        if l3:
            spilled |= _leaving(layer.maps, spilled, m.l2_bytes - own - kept, whole=m.flow in WHOLE)
    held = weights + max(sum(b for t, b in (layer.maps | layer.kept).items() if t in spilled) for layer in layers)
    if held > l3 > 0:
        raise Infeasible("the weights and spilled maps of the network", demand=held, bound=l3, unit="bytes of L3",
                         levers=("a larger l3_bytes", *levers[::2]))  # fmt: skip
    moved = {
        layer.at: (0.0 if resident else layer.weights) + sum(b for t, b in layer.maps.items() if t in spilled) for layer in layers
    }  # fmt: skip
    return NetworkPlan(fused, moved, m.flow in BLOCKING)
