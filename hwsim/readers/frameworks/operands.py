"""What only lays out the operands of an attention becomes part of it: transposes, scales, keys repeated for heads that share them, a projection cut
in three. Fused kernels read with strides and take the scale and the groups of heads as arguments (FlashAttention-2, arXiv 2307.08691; ONNX Runtime,
docs/ContribOperators.md, MultiHeadAttention and GroupQueryAttention).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op
from hwsim.readers.frameworks.values import Origin

LAYOUT = ("copy",)  # elementwise functions that only move
GATED = ("silu_mul", "gelu_mul")
CARRIED = ("rope", "norm")  # operators between a projection and the attention that read with strides too


@dataclass
class _Source:
    """Where an operand comes from: the tensor before what the attention takes over, the results that are not made then, how often keys repeat."""

    tensor: str
    gone: list[str] = field(default_factory=list)
    repeats: int = 1
    behind: Op | None = None  # an operator that now reads `tensor` in place of its own input


class _Operands:
    def __init__(self, graph: Graph, origins: Mapping[str, Origin], outputs: set[str]) -> None:
        self.graph, self.origins = graph, origins
        self.makers = {op.outputs[0]: op for op in graph.ops}
        self.readers: dict[str, int] = dict.fromkeys(outputs, 2)
        for op in graph.ops:
            for name in op.inputs:
                self.readers[name] = self.readers.get(name, 0) + 1
        self.tensors = dict(graph.tensors)
        self.changed: dict[str, Op | None] = {}

    def _own(self, tensor: str) -> Op | None:
        """The operator that makes a tensor for one reader alone."""
        return self.makers.get(tensor) if self.readers.get(tensor) == 1 else None

    def _source(self, tensor: str, heads: int, *, scales: bool, repeats: bool) -> _Source:
        found = _Source(tensor)
        while (op := self._own(found.tensor)) is not None:
            if op.kind == "elementwise" and (op.function in LAYOUT or (scales and self._scale(op))):
                pass
            elif op.kind == "embedding" and op.label == "repeat" and repeats and self._repeat(op, heads):
                found.repeats *= math.prod(op.results[0]) // self.tensors[op.inputs[1]].elements
                found.gone.append(found.tensor)
                found.tensor = op.inputs[1]
                continue
            else:
                found.behind = self._carried(op)
                break
            found.gone.append(found.tensor)
            found.tensor = op.inputs[0]
        return found

    def _carried(self, op: Op) -> Op | None:
        """The first of the operators on the way to an attention that reads a copy which only lays it out."""
        while op.kind in CARRIED and (before := self._own(op.inputs[0])) is not None:
            if before.function in LAYOUT:
                return op
            op = before
        return None

    def _scale(self, op: Op) -> bool:
        origin = self.origins.get(op.outputs[0])
        return op.function == "scale" and origin is not None and all(v.elements == 1 for v in origin.reads if v.constant) and origin.shape != ()

    def _repeat(self, op: Op, heads: int) -> bool:
        before = self.tensors[op.inputs[1]].elements
        times = math.prod(op.results[0]) / before
        return times == int(times) and heads % int(times) == 0

    def run(self) -> Graph:
        for op in self.graph.ops:
            if op.kind == "attention" and len(op.inputs) == 3:
                self._attention(op)
            elif op.function in GATED and op["operands"] == 2 and not op["fused"]:
                self._gated(op)
        if not self.changed:
            return self.graph
        ops = tuple(made for op in self.graph.ops if (made := self.changed.get(op.name, op)) is not None)
        used = {t for op in ops for t in (*op.inputs, *op.outputs)}
        return Graph(ops, {name: tensor for name, tensor in self.tensors.items() if name in used}, self.graph.meta)

    def _attention(self, op: Op) -> None:
        shared = op["kv_heads"] or op["heads"]
        sources = [self._source(t, shared, scales=i < 2, repeats=i > 0) for i, t in enumerate(op.inputs)]
        if sources[1].repeats != sources[2].repeats:
            sources = [self._source(t, shared, scales=i < 2, repeats=False) for i, t in enumerate(op.inputs)]
        bounds, inputs = dict(op.bounds), tuple(s.tensor for s in sources)
        if sources[1].repeats > 1:
            bounds["kv_heads"] = shared // sources[1].repeats
        for source in sources:
            self.changed |= {self.makers[t].name: None for t in source.gone}
            if source.behind is not None:
                self._rewire(source.behind)
        if (joint := self._joint(op, inputs, bounds)) is not None:
            inputs, bounds = joint
        outs = self._result(op)
        self.changed[op.name] = replace(op, inputs=inputs, outputs=outs, bounds=bounds)

    def _gated(self, op: Op) -> None:
        """A gate and what it gates, cut from one projection, read where they lie."""
        cuts = [self._own(t) for t in op.inputs]
        if (whole := self._cut(cuts)) is not None:
            self.changed |= {cut.name: None for cut in cuts if cut is not None}
            self.changed[op.name] = replace(op, inputs=(whole,), bounds={**op.bounds, "fused": 1})

    def _cut(self, cuts: Sequence[Op | None]) -> str | None:
        """The tensor of which all are parts, and which holds nothing else; the one before a copy that only lays it out for them."""
        if any(cut is None or cut.kind != "embedding" or self._function(cut) != "slice" for cut in cuts):
            return None
        whole = {cut.inputs[1] for cut in cuts if cut is not None}
        elements = sum(math.prod(cut.results[0]) for cut in cuts if cut is not None)
        if len(whole) != 1 or self.tensors[(tensor := whole.pop())].elements != elements:
            return None
        copy = self.makers.get(tensor)
        if copy is not None and copy.kind == "elementwise" and copy.function in LAYOUT and self.readers[tensor] == len(cuts):
            self.changed[copy.name] = None
            return copy.inputs[0]
        return tensor

    def _rewire(self, op: Op) -> None:
        """Let an operator read what its copied input was copied from."""
        tensor = op.inputs[0]
        while (copy := self._own(tensor)) is not None and copy.function in LAYOUT:
            self.changed[copy.name] = None
            tensor = copy.inputs[0]
        self.changed[op.name] = self.makers[op.outputs[0]] = replace(op, inputs=(tensor, *op.inputs[1:]))

    def _joint(self, op: Op, inputs: tuple[str, ...], bounds: dict[str, int]) -> tuple[tuple[str, ...], dict[str, int]] | None:
        """Queries, keys and values cut from one tensor that holds nothing else, read where they lie."""
        made_by = [self._own(t) for t in inputs]
        ropes = [m for m in made_by[:2] if m is not None and m.kind == "rope"]
        cuts = [self._own(m.inputs[0]) if m is not None and m.kind == "rope" else m for m in made_by]
        if len(ropes) == 1 or op["q"] != op["kv"] or (tensor := self._cut(cuts)) is None:
            return None
        self.changed |= {cut.name: None for cut in cuts if cut is not None}
        if ropes:
            tensor = self._rotated(op, bounds, tensor, ropes)
        fused = {**bounds, "new": op["q"], "fused": 1}
        made = []
        for operand in replace(op, bounds=fused).operands[1:]:
            made.append(f"{op.name}.{operand.name}")
            self.tensors[made[-1]] = Tensor(made[-1], operand.shape, op.dtype, "kv_cache")
        return (tensor, *made), fused

    def _rotated(self, op: Op, bounds: Mapping[str, int], tensor: str, ropes: Sequence[Op]) -> str:
        """One rotation of queries and keys, beside which the values pass."""
        first, second = ropes
        kv_heads = bounds["kv_heads"] or op["heads"]
        sizes = {"rows": op["batch"] * op["q"], "heads": op["heads"] + kv_heads, "head_dim": op["head_dim"], "carried": kv_heads}
        made = f"{first.name}.joint"
        self.tensors[made] = Tensor(made, self.tensors[tensor].shape, op.dtype)
        self.changed |= {first.name: replace(first, inputs=(tensor,), outputs=(made,), bounds=sizes), second.name: None}
        return made

    def _function(self, op: Op) -> str:
        origin = self.origins.get(op.outputs[0])
        return origin.function if origin else ""

    def _result(self, op: Op) -> tuple[str, ...]:
        """The attention's result, or that of the copy which transposes it."""
        out = op.outputs[0]
        if self.readers.get(out) != 1:
            return op.outputs
        reader = next((r for r in self.graph.ops if out in r.inputs), None)
        if reader is None or reader.kind != "elementwise" or reader.function not in LAYOUT:
            return op.outputs
        self.changed[reader.name] = None
        return reader.outputs


def joined(graph: Graph, origins: Mapping[str, Origin], outputs: set[str]) -> Graph:
    """Return the graph with what only lays out the operands of attentions as part of them."""
    return _Operands(graph, origins, outputs).run()


def indices(graph: Graph) -> Graph:
    """Return the graph with indices that enter it read as they come: no pass that shortens them ahead of a lookup."""
    readers: dict[str, list[Op]] = {}
    for op in graph.ops:
        for name in op.inputs:
            readers.setdefault(name, []).append(op)
    tensors, gone = dict(graph.tensors), {}
    for op in graph.ops:
        source = op.inputs[0] if op.function == "cast" else ""
        if not source or tensors[source].role != "input" or not all(r.function == "cast" for r in readers[source]):
            continue
        if all(r.kind == "embedding" and r.inputs[0] == op.outputs[0] for r in readers.get(op.outputs[0], ())) and op.outputs[0] in readers:
            gone[op.outputs[0]] = source
    sources = {s for s in gone.values() if all(r.outputs[0] in gone for r in readers[s])}
    gone = {out: s for out, s in gone.items() if s in sources}
    if not gone:
        return graph
    ops = tuple(replace(op, inputs=tuple(gone.get(t, t) for t in op.inputs)) for op in graph.ops if op.outputs[0] not in gone)
    tensors |= {s: replace(tensors[s], dtype="int32") for s in sources}
    return Graph(ops, {name: tensor for name, tensor in tensors.items() if name not in gone}, graph.meta)
