"""The operator graph: operators and tensors, stored plainly, checked when made."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from hwsim.core.dtype import dtype
from hwsim.core.errors import InvalidTrace
from hwsim.core.op import Op, Operand

if TYPE_CHECKING:
    import networkx as nx

TWO_OPERANDS = ("add", "sub", "mul", "div", "silu_mul", "gelu_mul")  # elementwise functions that read two tensors unless bounds say otherwise
ROLES = ("input", "weight", "activation", "kv_cache", "state")
Meta = Mapping[str, Any]


@dataclass(frozen=True)
class Tensor:
    """A tensor: `shape` in elements, `role` one of `ROLES`. Inputs, weights, caches and states need no producer; an activation does."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    role: str = "activation"

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise InvalidTrace(f"tensor '{self.name}': role '{self.role}' is none of {', '.join(ROLES)}")
        if any(type(s) is not int or s < 1 for s in self.shape):
            raise InvalidTrace(f"tensor '{self.name}': shape {self.shape} must hold positive whole numbers")
        object.__setattr__(self, "dtype", dtype(self.dtype).name)

    def twin(self, name: str) -> Tensor:
        """Return the same tensor under another name; nothing is checked again."""
        made = object.__new__(Tensor)
        made.__dict__.update(self.__dict__)
        made.__dict__["name"] = name
        return made

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> float:
        """Bytes of the whole tensor."""
        return self.elements * dtype(self.dtype).bytes


@dataclass(frozen=True)
class Graph:
    """Operators in a topological order, the tensors that join them, and `meta` (trace name, phase, batch, model figures).

    Construction sorts and checks: unique names, every tensor known and produced at most once, no dangling activation, operand counts,
    element counts and dtypes that agree, no cycle. Raises `InvalidTrace`. O(operators + tensors).
    """

    ops: tuple[Op, ...]
    tensors: Mapping[str, Tensor] = field(hash=False)
    meta: Meta = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        producer = _producers(self.ops, self.tensors)
        for op in self.ops:
            _check_operands(op, self.tensors)
        object.__setattr__(self, "ops", _topological(self.ops, producer, self.tensors))

    def __hash__(self) -> int:
        return self._names_hash

    @cached_property
    def _names_hash(self) -> int:
        return hash(tuple(op.name for op in self.ops))

    @property
    def name(self) -> str:
        """The trace's name."""
        return str(self.meta.get("trace", "graph"))

    @property
    def phase(self) -> str:
        """prefill, decode, generate, or the empty string for a graph with a single pass."""
        return str(self.meta.get("phase", ""))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one pass, repeats counted."""
        return sum(op.macs * op.repeat for op in self.ops)

    @property
    def weight_bytes(self) -> float:
        """Bytes of all weight tensors."""
        return sum(t.bytes for t in self.tensors.values() if t.role == "weight")

    @property
    def parameters(self) -> int:
        """Learned numbers: those that the meta states (of a language model, or counted in a file), else all weights, and two for each channel of
        a batch normalisation, which is no tensor here."""
        model = self.meta.get("model")
        stated = model.get("parameters") if isinstance(model, Mapping) else self.meta.get("parameters")
        if isinstance(stated, int):
            return stated
        normalised = sum(2 * op["cols"] for op in self.ops if op.function == "batch_norm")
        return normalised + sum(t.elements for t in self.tensors.values() if t.role == "weight")

    @cached_property
    def unique(self) -> tuple[tuple[Op, ...], tuple[int, ...], tuple[int, ...]]:
        """(representatives, index of each op's representative, executions of each representative): equal operators are priced once."""
        index: dict[tuple[object, ...], int] = {}
        members: list[Op] = []
        counts: list[int] = []
        of_op: list[int] = []
        for op in self.ops:
            at = index.setdefault(op.signature, len(members))
            if at == len(members):
                members.append(op)
                counts.append(0)
            counts[at] += op.repeat
            of_op.append(at)
        return tuple(members), tuple(of_op), tuple(counts)

    @cached_property
    def producers(self) -> Mapping[str, int]:
        """Index of the operator that makes each tensor."""
        return {t: i for i, op in enumerate(self.ops) for t in op.outputs}

    @cached_property
    def predecessors(self) -> tuple[tuple[int, ...], ...]:
        """For each operator, the indices of the operators whose results it reads."""
        made = self.producers
        return tuple(tuple(sorted({made[t] for t in op.inputs if t in made})) for op in self.ops)

    @cached_property
    def key(self) -> str:
        """Content key of operators, tensors and meta."""
        text = repr((self.ops, sorted(self.tensors.items()), sorted(self.meta.items(), key=lambda kv: kv[0])))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def nx(self) -> nx.MultiDiGraph:
        """Return the networkx view: a node per operator (attribute ``op``), an edge per tensor that joins two (attribute ``tensor``)."""
        import networkx  # noqa: PLC0415

        view = networkx.MultiDiGraph(**dict(self.meta))
        view.add_nodes_from((op.name, {"op": op}) for op in self.ops)
        for op in self.ops:
            for name in op.inputs:
                if (at := self.producers.get(name)) is not None:
                    view.add_edge(self.ops[at].name, op.name, key=name, tensor=self.tensors[name])
        return view

    def with_meta(self, **meta: Any) -> Graph:
        """Return the same graph with further meta entries."""
        return replace(self, meta={**self.meta, **meta})


def _producers(ops: Sequence[Op], tensors: Mapping[str, Tensor]) -> dict[str, int]:
    names: set[str] = set()
    producer: dict[str, int] = {}
    for i, op in enumerate(ops):
        if op.name in names:
            raise InvalidTrace(f"operator name '{op.name}' is used twice")
        names.add(op.name)
        for tensor in (*op.inputs, *op.outputs):
            if tensor not in tensors:
                raise InvalidTrace(f"operator '{op.name}': unknown tensor '{tensor}'")
        for tensor in op.outputs:
            if tensor in producer:
                raise InvalidTrace(f"tensor '{tensor}' is made twice: by '{ops[producer[tensor]].name}' and '{op.name}'")
            if tensors[tensor].role in ("input", "weight"):
                raise InvalidTrace(f"operator '{op.name}' writes '{tensor}', which is a {tensors[tensor].role}")
            producer[tensor] = i
    used = {t for op in ops for t in (*op.inputs, *op.outputs)}
    for name, tensor_ in tensors.items():
        if name not in used:
            raise InvalidTrace(f"dangling tensor '{name}': no operator reads or writes it")
        if tensor_.role == "activation" and name not in producer:
            raise InvalidTrace(f"dangling tensor '{name}': an activation that no operator makes (is it an input?)")
    return producer


def _check_operands(op: Op, tensors: Mapping[str, Tensor]) -> None:
    if len(op.inputs) != len(op.operands):
        wanted = ", ".join(o.name for o in op.operands)
        raise InvalidTrace(f"operator '{op.name}': {op.kind} takes {len(op.operands)} operand(s) ({wanted}), got {len(op.inputs)}")
    for operand, name in zip(op.operands, op.inputs, strict=True):
        _check_operand(op, operand, tensors[name])
    if len(op.outputs) != len(op.results):
        raise InvalidTrace(f"operator '{op.name}': {op.kind} makes {len(op.results)} result(s), got {len(op.outputs)}")
    for shape, name in zip(op.results, op.outputs, strict=True):
        if tensors[name].elements != math.prod(shape):
            raise InvalidTrace(f"operator '{op.name}': makes {shape}, but tensor '{name}' is {tensors[name].shape}")


def _check_operand(op: Op, operand: Operand, tensor: Tensor) -> None:
    if tensor.elements != math.prod(operand.shape):
        raise InvalidTrace(f"operator '{op.name}': {operand.name} should be {operand.shape}, but tensor '{tensor.name}' is {tensor.shape}")
    wanted = op.dtype_of(operand)
    if (tensor.role == "weight" or operand.role != "weight") and tensor.dtype != wanted:
        raise InvalidTrace(f"operator '{op.name}': {operand.name} should be {wanted}, but tensor '{tensor.name}' is {tensor.dtype}")
    if operand.name == "weight" and (tensor.role == "weight") != (op.operand_role == "weight"):
        raise InvalidTrace(f"operator '{op.name}': tensor '{tensor.name}' is a {tensor.role}, but operand_role says {op.operand_role}")


def _topological(ops: tuple[Op, ...], producer: Mapping[str, int], tensors: Mapping[str, Tensor]) -> tuple[Op, ...]:
    """Kahn's order, stable; a cache that an operator both reads and writes is state, not a dependency on itself."""
    waits: list[set[int]] = []
    for i, op in enumerate(ops):
        before = {producer[t] for t in op.inputs if t in producer}
        waits.append({j for j in before if j != i or tensors[ops[i].outputs[0]].role == "activation"})
    if all(max(w, default=-1) < i for i, w in enumerate(waits)):
        return ops
    readers: list[list[int]] = [[] for _ in ops]
    for i, before in enumerate(waits):
        for j in before:
            readers[j].append(i)
    ready = [i for i, before in enumerate(waits) if not before]
    order: list[int] = []
    while ready:
        order.append(heappop(ready))
        for i in readers[order[-1]]:
            waits[i].discard(order[-1])
            if not waits[i]:
                heappush(ready, i)
    if len(order) < len(ops):
        stuck = [ops[i].name for i in sorted(set(range(len(ops))) - set(order))]
        raise InvalidTrace(f"the graph has a cycle through {', '.join(stuck[:6])}{' ...' if len(stuck) > 6 else ''}")
    return tuple(ops[i] for i in order)


class GraphBuilder:
    """Builds a graph operator by operator: weights and results are made from the operators' bounds.

    >>> b = GraphBuilder(dtype="fp16")
    >>> x = b.tensor("x", (1, 64), role="input")
    >>> y = b.op("matmul", "fc", [x], m=1, k=64, n=10)
    >>> b.graph(trace="tiny").macs
    640
    """

    def __init__(self, dtype: str = "fp16", weight_dtype: str = "") -> None:
        self.dtype, self.weight_dtype = dtype, weight_dtype or dtype
        self.ops: list[Op] = []
        self.tensors: dict[str, Tensor] = {}
        self.common: dict[str, Any] = {}

    def tensor(self, name: str, shape: Iterable[int], *, role: str = "activation", dtype: str = "") -> str:
        """Declare a tensor (once; the same declaration again is no error) and return its name."""
        made = Tensor(name, tuple(shape), dtype or (self.weight_dtype if role == "weight" else self.dtype), role)
        if self.tensors.setdefault(name, made) != made:
            raise InvalidTrace(f"tensor '{name}' is declared twice, as {self.tensors[name].shape} and {made.shape}")
        return name

    def op(self, kind: str, name: str, inputs: Sequence[str], *, output: str = "", **rest: Any) -> str:
        """Add an operator and return the name of its (first) result.

        Keywords that are fields of `Op` set them, the others are loop bounds. Weights missing from `inputs` are declared as
        ``NAME.weight``, ``NAME.bias``; the result is ``NAME.out`` or `output`.
        """
        fields = {**self.common, **{k: rest.pop(k) for k in list(rest) if k in Op.__dataclass_fields__}}
        fields.setdefault("dtype", self.dtype)
        fields.setdefault("weight_dtype", self.weight_dtype)
        probe = Op(name, kind, rest, **fields)
        names = list(inputs)
        for operand in probe.operands[len(names) :]:
            role = probe.operand_role if operand.name == "weight" else operand.role
            role = "input" if role == "activation" else role
            names.append(self.tensor(f"{name}.{operand.name}", operand.shape, role=role, dtype=probe.dtype_of(operand)))
        outs = []
        for i, shape in enumerate(probe.results):
            out = (output or f"{name}.out") if i == 0 else f"{name}.out{i}"
            outs.append(out if out in self.tensors else self.tensor(out, shape, dtype=probe.dtype))
        self.ops.append(probe.twin(name, tuple(names), tuple(outs), probe.layer))
        return outs[0]

    def graph(self, **meta: Any) -> Graph:
        """Return the checked graph. Raises `InvalidTrace`."""
        return Graph(tuple(self.ops), dict(self.tensors), meta)


def single_op(kind: str, *, dtype: str = "fp16", weight_dtype: str = "", **rest: Any) -> Graph:
    """Return the graph of one operator in isolation, its operands made from its bounds. Raises `InvalidTrace` for bad bounds."""
    builder = GraphBuilder(dtype, weight_dtype)
    if kind == "elementwise" and rest.get("function") in TWO_OPERANDS:
        rest.setdefault("operands", 2)
    builder.op(kind, kind, [], **rest)
    return builder.graph(trace=kind, single_op=True)
