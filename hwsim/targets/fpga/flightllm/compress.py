"""The model as the design runs it: INT8 activations and cache, quantised linear weights, N:M sparse Q and K projections."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hwsim.core.chip import Chip
from hwsim.core.dtype import DTYPES, dtype
from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op
from hwsim.targets.fpga.mapping import Options

ACTIVATION = "int8"
LOOKED_UP = ("embedding",)


@dataclass(frozen=True)
class Formats:
    """Number formats of the compiled model. `weight_bits` 0: as the graph states them."""

    weight_bits: float
    linear_bits: float
    cache_bits: float
    qk_density: float


def formats(options: Options, chip: Chip) -> Formats:
    """Read the design's formats, with the option ``weight_bits`` in place."""
    return Formats(options.weight_bits or 0.0, chip.number("linear_bits"), chip.number("cache_bits"), chip.number("qk_density"))


def narrowest(bits: float) -> str:
    """Return the widest integer format of at most `bits` (mixed widths are stored between formats)."""
    fits = [d for d in DTYPES.values() if d.kind == "int" and d.block == 1 and d.bits <= bits]
    return max(fits, key=lambda d: d.bits).name if fits else "binary"


def quantised(op: Op) -> bool:
    """True for an operator in a floating-point format: the design's compiler quantises it."""
    return dtype(op.dtype).kind == "float"


def _density(op: Op, share: float) -> float:
    if op.weight_density < 1 or op.kind != "matmul":
        return op.weight_density
    if op.label in ("q", "k"):
        return share
    if op.label == "qkv":  # queries and keys of a fused projection: n = q + 2 k with q = k_in where heads fill the width
        keys = max(0.0, (op["n"] - op["k"]) / 2)
        return 1 - (1 - share) * (op["n"] - keys) / op["n"]
    return 1.0


def compress_op(op: Op, how: Formats) -> Op:
    """Return the operator in the design's formats; what is integer already keeps its own."""
    made = op.dtype
    linear = op.kind in ("matmul", *LOOKED_UP) and op.operand_role == "weight"  # a token table may also be the output head
    weights, cache = op.weight_dtype, str(op.attrs.get("kv_dtype", op.dtype))
    if quantised(op):
        made = ACTIVATION
        if dtype(weights).kind == "float":
            weights = narrowest(how.linear_bits) if linear else ACTIVATION
        if dtype(cache).kind == "float":
            cache = narrowest(how.cache_bits)
    if how.weight_bits and linear:
        weights = narrowest(how.weight_bits)
    attrs = {**op.attrs, "kv_dtype": cache} if cache != made and op.kind == "attention" else {k: v for k, v in op.attrs.items() if k != "kv_dtype"}
    density = _density(op, how.qk_density)
    if (made, weights, density, attrs) == (op.dtype, op.weight_dtype, op.weight_density, dict(op.attrs)):
        return op
    return replace(op, dtype=made, weight_dtype=weights, weight_density=density, attrs=attrs)


def compressed(graph: Graph, how: Formats) -> Graph:
    """Return the graph in the design's formats. O(operators)."""
    made: dict[tuple[object, ...], Op] = {}
    ops = []
    for op in graph.ops:
        like = made.get(op.signature)
        if like is None:
            like = made[op.signature] = compress_op(op, how)
        ops.append(op if like is op else _twin(like, op))
    if all(new is old for new, old in zip(ops, graph.ops, strict=True)):
        return graph
    tensors: dict[str, Tensor] = dict(graph.tensors)
    for new, old in zip(ops, graph.ops, strict=True):
        if new is old:
            continue
        for operand, name in zip(new.operands, new.inputs, strict=True):
            _retype(tensors, name, new.dtype_of(operand))
        for name in new.outputs:
            if tensors[name].dtype == old.dtype:
                _retype(tensors, name, new.dtype)
    return Graph(tuple(ops), tensors, graph.meta)


def _twin(like: Op, op: Op) -> Op:
    made = like.twin(op.name, op.inputs, op.outputs, op.layer)
    made.__dict__.update(repeat=op.repeat)
    return made


def _retype(tensors: dict[str, Tensor], name: str, wanted: str) -> None:
    if tensors[name].dtype != wanted:
        tensors[name] = replace(tensors[name], dtype=wanted)
