"""Graph -> operator table: what each operator asks of the mesh, and which products share an allreduce or an alignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hwsim.core.dtype import block_format, dtype
from hwsim.core.encoding import Fields, LeftOut, OperatorTable, operator_table
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.wafer_mesh import layout as L

PRODUCTS = ("matmul", "attention")
OUTSIDE_PAPER = ("embedding", "head", "sample", "softcap", "copy")
# per element: vector instructions, scalar evaluations of exp and the like
ELEMENTWISE = {
    "relu": (1, 0), "relu6": (2, 0), "sigmoid": (2, 1), "tanh": (2, 1), "silu": (2, 1), "gelu": (3, 1), "softplus": (2, 1), "hardswish": (3, 0),
    "exp": (0, 1), "silu_mul": (2, 1), "gelu_mul": (3, 1), "batch_norm": (2, 0), "div": (0, 1),
}  # fmt: skip
NORM_CALLS = {"rms": 4, "layer": 6, "": 4}
NORM_ALLREDUCES = {"rms": 1, "layer": 2, "": 1}
SOFTMAX_CALLS = 5
ROPE_CALLS = 6


@lru_cache(maxsize=32)
def encode(graph: Graph, paper_faithful: bool) -> OperatorTable:
    """Build the operator table; operators without a model have no row. O(operators); cached per graph.

    `paper_faithful`: the simplifications of the released kernels (one head, K and V as wide as Q, no mask, layers only).
    """
    shared, in_graph = _sharing(graph), len(graph.ops) > 1
    model = graph.meta.get("model")
    relaid = graph.phase != "generate"  # a generation lays weights and cache out anew before its first decode operator

    def record(at: int, op: Op) -> Fields | LeftOut:
        nonlocal relaid
        make = ENCODERS.get(op.kind)
        if make is None:
            return LeftOut("no kernel model")
        if block_format(op.weight_dtype, str(op.attrs.get("kv_dtype", op.dtype))):
            return LeftOut("no kernel for block-quantised weights or caches")
        if op.kind == "matmul" and op["ragged"]:
            return LeftOut("no kernel for groups of uneven size")
        if paper_faithful and model and (op.label in OUTSIDE_PAPER or op.layer is None):
            return LeftOut("outside the released kernels", deliberate=True)
        fields = {
            "lead": 1, "element_bytes": dtype(op.dtype).bytes, "fp32": dtype(op.dtype).bits >= 32, "in_graph": in_graph, "mac_share": 1.0,
            "fp16_product": op.kind in PRODUCTS and op.dtype == "fp16", "fp32_product": op.kind in PRODUCTS and op.dtype == "fp32",
            "decode": op.phase == "decode", "handover": op.label == "down" and not paper_faithful,
            **make(op, shared.get(at, _ALONE), paper_faithful),
        }  # fmt: skip
        if paper_faithful and op.label.endswith("_mul") and op.phase == "decode":  # the released decode evaluates SiLU on d of the f elements
            fields["transcendental"] *= min(1.0, graph.meta["model"]["d_model"] / op["cols"])
        if not relaid and op.phase == "decode":
            fields["relaid"] = relaid = True
        return fields

    return operator_table(graph, L.OP_DTYPE, record, charge_skipped=False)


@dataclass(frozen=True)
class _Shared:
    """A product's place among those with the same input: does it lead, who the others are, and its share of what they pay together."""

    lead: bool = True
    partners: tuple[Op, ...] = ()
    share: float = 1.0


_ALONE = _Shared()


def _sharing(graph: Graph) -> dict[int, _Shared]:
    """Products of one input are fused: the first pays the allreduce (of all their results) and the alignment of X."""
    readers: dict[tuple[str, object], list[int]] = {}
    for index, op in enumerate(graph.ops):
        if op.kind == "matmul" and op.operand_role == "weight" and op.label in ("q", "k", "v", "gate", "up"):
            readers.setdefault((op.inputs[0], op.layer), []).append(index)
    found: dict[int, _Shared] = {}
    for members in readers.values():
        for position, index in enumerate(members):
            partners = tuple(graph.ops[i] for i in members[1:]) if position == 0 else ()
            found[index] = _Shared(position == 0, partners, 1 / len(members))
    return found


def _full_width(op: Op, paper: bool) -> int:
    """Columns of a product; in the released kernels K and V are as wide as the model (n_kv_heads = n_heads)."""
    if paper and op.label in ("k", "v"):
        return op["k"]
    if paper and op.label == "qkv":
        return 3 * op["k"]
    return op["n"]


def _matmul(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    widths = [_full_width(p, paper) for p in shared.partners]
    vectors = op["batch"] * op["m"]
    return {
        "kind": L.MATMUL, "batch": op["batch"], "m": op["m"], "k": op["k"], "n": _full_width(op, paper), "n2": widths[0] if widths else 0,
        "n3": sum(widths[1:]), "lead": shared.lead, "aligned": shared.lead, "share": shared.share, "rows": op["m"], "cols": op["n"],
        "decode": op.phase == "decode" or (not op.phase and vectors == 1),
    }  # fmt: skip


def _attention(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    heads, kv_heads, head_dim = op["heads"], op["kv_heads"] or op["heads"], op["head_dim"]
    positions = op["kv"] if not op["window"] else min(op["kv"], op["window"] + op["q"] - 1)
    attended = op.macs / (2 * op["batch"] * heads * head_dim * op["q"] * positions)
    decode = op.phase == "decode" or op["q"] == 1
    return {
        "kind": L.ATTENTION, "rows": op["batch"] * op["q"], "positions": positions, "decode": decode,
        "heads": 1 if paper else heads, "kv_heads": 1 if paper else kv_heads, "head_dim": heads * head_dim if paper else head_dim,
        "vector_calls": SOFTMAX_CALLS, "transcendental": 1, "allreduces": 2, "shifted": decode and not paper,
        "mac_share": 1.0 if paper else attended, "cols": heads * head_dim,
    }  # fmt: skip


def _rows(op: Op, calls: float, *, transcendental: float = 0, allreduces: float = 0, cols: int = 0) -> Mapping[str, Any]:
    return {
        "kind": L.VECTOR, "rows": op["rows"], "cols": cols or op["cols"], "vector_calls": calls, "transcendental": transcendental,
        "allreduces": allreduces,
    }  # fmt: skip


def _norm(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    return {**_rows(op, NORM_CALLS[op.function], allreduces=NORM_ALLREDUCES[op.function]), "kind": L.NORM}


def _softmax(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    return {**_rows(op, SOFTMAX_CALLS, transcendental=1, allreduces=2), "kind": L.SOFTMAX}


def _elementwise(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    calls, scalars = ELEMENTWISE.get(op.function, (1, 0))
    return _rows(op, calls, transcendental=scalars)


def _rope(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    return _rows(op, ROPE_CALLS, cols=op["heads"] * op["head_dim"] // 2)


def _embedding(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    return {"kind": L.MOVE, "rows": op["rows"], "cols": op["cols"]}


def _route(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    cols = op.bounds.get("experts", op.bounds.get("cols", 1))
    return _rows(op, 2 * op["top"], transcendental=1 if op.kind == "moe_routing" else 0, allreduces=op["top"], cols=cols)


def _expert_rows(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    return _rows(op, op["top"])


def _collective(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    kinds = {"reduce": L.REDUCE, "broadcast": L.BROADCAST, "allreduce": L.ALLREDUCE, "shift": L.SHIFT}
    return {"kind": kinds[op.kind], "elements": op["elements"]}


def _fft(op: Op, shared: _Shared, paper: bool) -> Mapping[str, Any]:
    return {"kind": L.FFT, "batch": op["batch"], "points": op["points"], "dims": op["dims"], "fp32": 1}


ENCODERS = {
    "matmul": _matmul, "attention": _attention, "norm": _norm, "softmax": _softmax, "elementwise": _elementwise, "rope": _rope,
    "embedding": _embedding, "moe_routing": _route, "topk": _route, "moe_dispatch": _expert_rows, "moe_combine": _expert_rows,
    "reduce": _collective, "broadcast": _collective, "allreduce": _collective, "shift": _collective, "fft": _fft,
}  # fmt: skip
