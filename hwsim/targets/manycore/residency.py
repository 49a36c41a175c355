"""Where the tensors of a graph live: in the scratchpads, in L3, or in DRAM. The chip keeps no memory coherent, so places are planned.

Compiled graphs run again and again (a token after a token, an image after an image): weights stay in the scratchpads as far as they fit, in graph
order, beside the activations of the largest operator; the rest streams every pass. A kernel per operator, and an operator alone, find their operands
in memory: in L3 when everything fits it, otherwise in DRAM. L3 is all or nothing: a stream larger than it evicts itself before it returns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hwsim.core.encoding import resident_bytes
from hwsim.core.errors import Infeasible
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.manycore.machine import Machine

_STAGE = re.compile(r"^(prefill\.|decode\.\d+\.)?")  # a generation names each cache once a stage
LEVERS = ("a narrower dtype or weight_dtype", "a shorter context or smaller batch", "fewer layers (layers=N)", "more dram_bytes")
SCRATCHPAD_LEVERS = ("operand_level dram", "more shires or scratchpad_bytes", "smaller operands")


@dataclass(frozen=True)
class Place:
    """Shares of a tensor in the scratchpads, in L3 and in DRAM; they add up to 1."""

    scratchpad: float = 0.0
    l3: float = 0.0
    dram: float = 0.0


SCRATCHPAD, CACHED, MEMORY = Place(scratchpad=1.0), Place(l3=1.0), Place(dram=1.0)


@dataclass(frozen=True)
class Residency:
    """The place of every tensor by name; those not named lie in `rest`. `figures` are bytes by what they hold."""

    places: Mapping[str, Place]
    rest: Place
    figures: Mapping[str, float] = field(default_factory=dict)

    def of(self, tensor: str) -> Place:
        """The place of a tensor."""
        return self.places.get(tensor, self.rest)


def place(graph: Graph, m: Machine) -> Residency:
    """Plan the places. Raises `Infeasible` when weights and caches exceed DRAM, or operands asked into the scratchpads do not fit them."""
    demand = resident_bytes(graph)
    if demand > m.dram:
        raise Infeasible("weights and caches in DRAM", demand=demand, bound=m.dram, unit="bytes", levers=LEVERS)
    level = m.options.operand_level
    if len(graph.ops) == 1 and not graph.meta.get("model"):
        return _alone(graph, m, level == "l2scp", demand)
    if m.kernels:
        return _in_memory(graph, m, demand)
    return _planned(graph, m, demand, level)


def _alone(graph: Graph, m: Machine, resident: bool, demand: float) -> Residency:
    """One operator: its operands are where `operand_level` says."""
    total = sum(t.bytes for t in graph.tensors.values())
    if resident:
        if total > m.on_chip:
            raise Infeasible("operands and results in the scratchpads", demand=total, bound=m.on_chip, unit="bytes", levers=SCRATCHPAD_LEVERS)
        return Residency({}, SCRATCHPAD, {"resident_bytes": total, "dram_demand_bytes": demand})
    return Residency({}, CACHED if total <= m.l3 else MEMORY, {"resident_bytes": 0.0, "dram_demand_bytes": demand})


def _in_memory(graph: Graph, m: Machine, demand: float) -> Residency:
    """A kernel per operator: activations pass through L3 when an operator's fit it; weights and caches stay there only if all of it fits."""
    live = max(activation_bytes(op, graph) for op in graph.ops)
    places = {name: CACHED if activation_bytes(op, graph) <= m.l3 else MEMORY for op in graph.ops for name in _activations(op, graph)}
    return Residency(places, CACHED if demand + live <= m.l3 else MEMORY, {"resident_bytes": 0.0, "dram_demand_bytes": demand})


def _planned(graph: Graph, m: Machine, demand: float, level: str | None) -> Residency:
    """A compiled graph: activations first, then weights in graph order, then caches."""
    live = {op.name: activation_bytes(op, graph) for op in graph.ops}
    fits = {op.name: live[op.name] <= m.on_chip for op in graph.ops}
    places: dict[str, Place] = {}
    outside = {name for op in graph.ops if not fits[op.name] for name in _activations(op, graph)}
    for op in graph.ops:
        for name in _activations(op, graph):
            places[name] = SCRATCHPAD if name not in outside else CACHED if graph.tensors[name].bytes <= m.l3 else MEMORY
    left = m.on_chip - max((live[op.name] for op in graph.ops if fits[op.name]), default=0.0)
    weights = _streamed(graph)
    total = sum(weights.values())
    if level == "l2scp" and total > left:
        raise Infeasible("weights in the scratchpads beside the activations", demand=total, bound=left, unit="bytes", levers=SCRATCHPAD_LEVERS)
    kept: dict[str, float] = {}
    caches: dict[str, float] = {}
    stages: dict[str, str] = {name: _STAGE.sub("", name) for name, t in graph.tensors.items() if t.role == "kv_cache"}
    for name, cache in stages.items():
        caches[cache] = max(caches.get(cache, 0.0), graph.tensors[name].bytes)
    sizes = {**weights, **caches}
    for name, size in sizes.items() if level != "dram" else ():
        kept[name] = min(size, left)
        left -= kept[name]
    streamed = sum(sizes.values()) - sum(kept.values())
    behind_l3 = streamed <= m.l3 - sum(graph.tensors[n].bytes for n in outside if places[n] is CACHED)
    for name, source in {**dict(zip(weights, weights, strict=True)), **stages}.items():
        share = kept.get(source, 0.0) / sizes[source] if kept else 0.0
        places[name] = Place(share, 1 - share, 0.0) if behind_l3 else Place(share, 0.0, 1 - share)
    figures = {"resident_bytes": sum(kept.values()), "dram_demand_bytes": demand, "activation_bytes": max(live.values())}
    return Residency(places, MEMORY, figures)


def _activations(op: Op, graph: Graph) -> list[str]:
    return [name for name in (*op.inputs, *op.outputs) if name and graph.tensors[name].role == "activation"]


def activation_bytes(op: Op, graph: Graph) -> float:
    """Bytes of the activations that an operator reads and writes."""
    return sum(graph.tensors[name].bytes for name in _activations(op, graph))


def _streamed(graph: Graph) -> dict[str, float]:
    """Weights read whole in every pass, in graph order; a table of which rows are gathered is none, unless a product reads it too."""
    found: dict[str, float] = {}
    for op in graph.ops:
        if op.kind == "embedding":
            continue
        for operand, name in zip(op.operands, op.inputs, strict=True):
            if name and operand.role == "weight" and graph.tensors[name].role == "weight":
                found.setdefault(name, graph.tensors[name].bytes)
    return found
