"""From a graph to the operator table: the loop nest of every operator, what a runtime merges, and what an inference keeps in the caches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hwsim.core.dtype import block_format, dtype
from hwsim.core.encoding import Fields, LeftOut, OperatorTable, operator_table, resident_bytes
from hwsim.core.graph import Graph
from hwsim.core.kept import Kept
from hwsim.core.op import Op
from hwsim.core.operators import attended_pairs, conv_output
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.mapping import Options

PASSES = (
    "elementwise", "softmax", "norm", "rope", "embedding", "pool", "concat", "topk", "moe_routing", "moe_dispatch", "moe_combine",
)  # fmt: skip
PRODUCTS = ("matmul", "conv2d", "attention", "lstm", "gru")
ARITHMETIC = {"fp32": spec.FP32, "fp16": spec.FP16, "bf16": spec.WIDENED, "int8": spec.INT8, "fp64": spec.FP64}
NARROW = ("int8", "int4", "q8_0", "q4_0")  # weights under floating-point activations
FOLDED = ("batch_norm", "bias", "scale")  # into the weights of the product before
HEAVY = 4  # elementary operations per element from which an elementwise function is a transcendental one
PIECE_BYTES = 16384.0  # least part of an elementwise pass that a thread is given
INDEX_BYTES = 2.0  # position of a stored connection
MULTIPLIER = 8  # outputs a group up to which a convolution of one input channel a group is depthwise


@dataclass(frozen=True)
class Lowered:
    """An encoded graph: its operator table, the bytes that stay in memory, and whether products run on widened or narrow formats."""

    table: OperatorTable
    memory_bytes: float
    arithmetic: frozenset[float]


_KEPT: Kept[tuple[str, bool], Lowered] = Kept()


def lower(graph: Graph, options: Options) -> Lowered:
    """Return the encoded graph; the last ones are kept."""
    return _KEPT.get((graph.key, options.fused), lambda: encode(graph, options))


def encode(graph: Graph, options: Options) -> Lowered:
    """Encode every distinct operator. O(operators)."""
    merged = fused(graph) if options.fused else frozenset()
    stays = resident_bytes(graph)
    widest = max(kept_bytes(op)[0] for op in graph.ops)
    known: dict[object, Fields | LeftOut] = {}

    def record(at: int, op: Op) -> Fields | LeftOut:
        key = (op.signature, at in merged)
        if key not in known:
            reason = unmodelled(op)
            known[key] = LeftOut(reason) if reason else _record(op, at in merged, stays + widest, options)
        return known[key]

    table = operator_table(graph, spec.OP_DTYPE, record, by_signature=True)
    return Lowered(table, stays, frozenset(float(a) for a in table.rows["arithmetic"]))


def fused(graph: Graph) -> frozenset[int]:
    """Indices of the passes of one operand that are applied to a product's result before it is stored: nobody else reads that."""
    readers: dict[str, int] = {}
    for op in graph.ops:
        for tensor in op.inputs:
            readers[tensor] = readers.get(tensor, 0) + 1
    held: set[str] = set()
    found = set()
    for at, op in enumerate(graph.ops):
        single = op.kind == "elementwise" and op["operands"] == 1 and op.inputs[0] in held and readers[op.inputs[0]] == 1
        if single:
            found.add(at)
        if single or op.kind in ("matmul", "conv2d"):
            held.update(op.outputs)
    return frozenset(found)


def arithmetic_of(op: Op) -> float:
    """The arithmetic of a product; 0 where there is none for its formats."""
    if op.weight_dtype != op.dtype and op.kind != "attention" and op.operand_role == "weight":
        quantised = op.kind == "matmul" and op.weight_dtype in NARROW and op.dtype in ("fp32", "fp16", "bf16")
        return float(spec.QUANTISED) if quantised else 0.0
    return float(ARITHMETIC.get(op.dtype, 0))


def depthwise(op: Op) -> bool:
    """True for a convolution of one input channel a group."""
    return op.kind == "conv2d" and op["groups"] > 1 and op["groups"] == op["c"] and op["k"] // op["groups"] <= MULTIPLIER


def unmodelled(op: Op) -> str:
    """Why an operator has no model; empty when it has one."""
    if op.kind in PASSES:
        return "" if dtype(op.dtype).bytes >= 1 else f"no pass over packed {op.dtype}"
    if op.kind not in PRODUCTS:
        return "no kernel model"
    if not arithmetic_of(op):
        return f"no kernel for {op.weight_dtype} weights with {op.dtype} activations" if op.weight_dtype != op.dtype else f"no {op.dtype} arithmetic"
    cache = str(op.attrs.get("kv_dtype", op.dtype))
    if op.kind == "attention" and (block_format(cache) or cache != op.dtype):
        return f"no kernel for a {cache} cache with {op.dtype} activations"
    if op.weight_density < 1 and not _gathered(op):
        return "sparse kernels are modelled for floating-point products and 1 x 1 convolutions only"
    return ""


def _gathered(op: Op) -> bool:
    """True where a sparse kernel is modelled."""
    plain = op.kind == "matmul" or (op.kind == "conv2d" and (op["r"], op["s"], op["groups"]) == (1, 1, 1))
    return plain and arithmetic_of(op) in (spec.FP32, spec.FP16, spec.WIDENED, spec.FP64)


def kept_bytes(op: Op) -> tuple[float, float]:
    """(activations read and written, weights and caches) of one execution."""
    caches = sum(o.elements * dtype(op.dtype_of(o)).bytes for o in op.operands if o.role == "kv_cache")
    lasting = op.weight_bytes + caches
    return op.compulsory_bytes - lasting, lasting


def _record(op: Op, merged: bool, resident: float, options: Options) -> dict[str, float]:
    activations, lasting = kept_bytes(op)
    heavy = op.kind == "softmax" or op.spec.functions.get(op.function, 0) >= HEAVY
    found = {
        "kind": spec.VECTOR, "calls": 1, "activation_bytes": activations, "weight_bytes": lasting, "resident_bytes": resident,
        "elementary": 0 if heavy else op.elementary, "functions": op.elementary if heavy else 0, "element_bytes": dtype(op.dtype).bytes,
        "pieces": max(1.0, op.compulsory_bytes / PIECE_BYTES), "batch": 1, "macs": op.macs,
    }  # fmt: skip
    if merged:
        return {**found, "kind": spec.FUSED, "calls": 0, "elementary": 0 if op.function in FOLDED else found["elementary"]}
    if op.kind not in PRODUCTS:
        return found
    found["arithmetic"] = arithmetic_of(op)
    if found["arithmetic"] == spec.QUANTISED:
        found["element_bytes"] = dtype(op.weight_dtype).bytes
    if op.weight_density < 1:
        connections = op.weight_density * _weights(op)
        found.update(connections=connections, weight_bytes=lasting + connections * INDEX_BYTES)
    return {**found, "kind": spec.PRODUCT, **LOOPS[op.kind](op, options)}


def _weights(op: Op) -> float:
    """Weights of a product, zeros included."""
    return float(op["c"] * op["k"]) if op.kind == "conv2d" else float(op["batch"] // op["shared"] * op["k"] * op["n"])


def _matmul(op: Op, options: Options) -> dict[str, float]:
    """Rows of a ragged product spread evenly over its parts; parts that share weights are rows of one product."""
    shared = op["shared"] if op.operand_role != "kv_cache" else 1
    parts = op["batch"] / shared
    rows = op["ragged"] / op["batch"] if op["ragged"] else float(op["m"])
    return {"batch": parts, "m": rows * shared, "k": op["k"], "n": op["n"]}


def _conv(op: Op, options: Options) -> dict[str, float]:
    """The implicit product of every group, or a depthwise loop."""
    high, wide, groups = conv_output(op["h"], op["r"], op.bounds), conv_output(op["w"], op["s"], op.bounds), op["groups"]
    pixels, taps = float(op["n"] * high * wide), op["r"] * op["s"]
    if depthwise(op):
        return {"kind": spec.DEPTHWISE, "m": pixels, "n": op["k"], "window": taps, "pieces": op["n"] * high}
    return {"batch": groups, "m": pixels, "k": op["c"] // groups * taps, "n": op["k"] // groups}


def _attention(op: Op, options: Options) -> dict[str, float]:
    """Scores and values: query rows of the heads that share keys, against the keys that a query sees on average."""
    kv_heads = op["kv_heads"] or op["heads"]
    rows, keys = op["q"] * op["heads"] // kv_heads, attended_pairs(op.bounds) / op["q"]
    loops = {"batch": op["batch"] * kv_heads, "m": rows, "k": op["head_dim"], "n": keys, "m2": rows, "k2": keys, "n2": op["head_dim"]}
    return {**loops, "elementary": 0, "functions": op.elementary}


def _recurrent(op: Op, options: Options) -> dict[str, float]:
    """One product a step, of the input and the state that comes back; later steps read the weights again. A framework calls every step."""
    steps, deep = op["steps"], op["input_size"] + (op.bounds.get("projection_size", 0) or op["hidden_size"])
    again = (steps - 1) * op.weight_bytes
    called = 1 if options.fused else steps
    return {"batch": steps, "m": op["batch"], "k": deep, "n": op.macs / (steps * op["batch"] * deep), "reread_bytes": again, "calls": called,
            "elementary": 0, "functions": op.elementary}  # fmt: skip


LOOPS: dict[str, Callable[[Op, Options], dict[str, float]]] = {
    "matmul": _matmul, "conv2d": _conv, "attention": _attention, "lstm": _recurrent, "gru": _recurrent,
}  # fmt: skip
