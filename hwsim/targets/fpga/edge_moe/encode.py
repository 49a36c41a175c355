"""From a graph to Edge-MoE's units: each operator's task and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut, operator_table
from hwsim.core.errors import UnsupportedOp
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.edge_moe import spec as S
from hwsim.targets.fpga.engine import Plan
from hwsim.targets.fpga.layout import OP_DTYPE, common_fields
from hwsim.targets.fpga.mapping import Options

TECHNIQUES = {  # option: (value that is on, value that is off, number that says off)
    "expert_order": ("by_expert", "by_token", "em_by_token"),
    "softmax": ("single_pass", "multi_pass", "em_multi_pass"),
    "gelu": ("table", "exact", "em_exact"),
    "linear": ("unified", "separate", "em_separate"),
    "attention": ("reordered", "naive", "em_naive"),
}
FOLDED = {  # done by another unit on its way
    "moe_routing": "top experts are inserted while the gate computes", "moe_dispatch": "a queue of token numbers per expert",
    "moe_combine": "weighted sums are accumulated by the linear unit", "concat": "the class token is written in front of the patches",
}  # fmt: skip


@dataclass(frozen=True)
class Encoder:
    """Encodes operators for the units; activations are fixed point."""

    beat_bits: float

    def __call__(self, at: int, op: Op) -> Fields | LeftOut:
        """Return the columns of an operator, or why no unit runs it."""
        if dtype(op.dtype).kind not in ("int", "uint"):
            return LeftOut(f"the units compute in fixed point, not in {op.dtype} (load the graph with dtype fx32 and weight_dtype int16)")
        found = common_fields(op)
        if op.kind in FOLDED:
            return {**found, "em_task": S.FREE}
        if op.kind == "matmul":
            return self.linear(op, found)
        if op.kind == "attention":
            return self.attention(op, found)
        if op.kind == "conv2d":
            return self.patches(op, found)
        if op.kind in ("norm", "softmax") or (op.kind == "elementwise" and op.function != "gelu"):
            task = S.SOFTMAX if op.kind == "softmax" else S.STREAM
            return {**found, "em_task": task, "em_tokens": op["rows"], "em_in": op["cols"], "em_operands": op.bounds.get("operands", 1)}
        if op.kind == "elementwise":
            return {**found, "em_task": S.GELU, "em_tokens": op["rows"], "em_in": op["cols"]}
        return LeftOut("no unit for it")

    def linear(self, op: Op, found: dict[str, float]) -> Fields | LeftOut:
        """A linear layer, the gate, or one layer of the experts (rows routed to several sets of weights)."""
        if op.operand_role != "weight":
            return LeftOut("a product of two activations outside attention")
        sizes = {"em_in": float(op["k"]), "em_out": float(op["n"])}
        if op["pool"]:
            slots = op["ragged"] or op["batch"] * op["m"]
            return {**found, **sizes, "em_task": S.EXPERT, "em_active": float(op["batch"]), "em_slots": float(slots)}
        if op["batch"] > 1:
            return LeftOut("batched weights that no gate chooses")
        return {**found, **sizes, "em_task": S.GATE if op.label == "gate" else S.LINEAR, "em_tokens": float(op["m"])}

    def attention(self, op: Op, found: dict[str, float]) -> Fields | LeftOut:
        """Every query attends to every key; keys and values stream from memory."""
        if op["causal"] or op["window"] or op["kv_heads"] not in (0, op["heads"]):
            return LeftOut("the attention unit streams all keys of all heads past every query: no mask, no shared keys")
        return {**found, "em_task": S.ATTENTION}

    def patches(self, op: Op, found: dict[str, float]) -> Fields | LeftOut:
        """A convolution whose windows do not overlap: one row of the linear unit per patch."""
        if op["stride"] != op["r"] or op["r"] != op["s"] or op["groups"] > 1 or op["pad"]:
            return LeftOut("only patch embeddings (stride = window, no padding)")
        tokens = op["n"] * found["out_h"] * found["out_w"]
        return {**found, "em_task": S.PATCH, "em_tokens": tokens, "em_in": float(op["c"] * op["r"] * op["s"]), "em_out": float(op["k"])}


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out; techniques not stated are on."""
    stated = options.stated
    chosen = {name: stated.get(name, on) for name, (on, _, _) in TECHNIQUES.items()}
    numbers = {number: float(chosen[name] == off) for name, (_, off, number) in TECHNIQUES.items()}
    widths = {dtype(op.dtype).bits for op in graph.ops if op.kind != "conv2d"}
    if len(widths) > 1:
        raise UnsupportedOp("fpga", (f"activations of several widths ({', '.join(f'{w:g}' for w in sorted(widths))} bits): the units have one",))
    numbers["em_activation_bits"] = next(iter(widths), 32.0)
    table = operator_table(graph, OP_DTYPE, Encoder(chip.number("beat_bits")))
    return Plan(graph, table, numbers=numbers, stated=chosen, assumptions=_assumptions(chosen))


def _assumptions(chosen: dict[str, str]) -> tuple[str, ...]:
    notes = ["closed forms of the published HLS loops; an expert's weights load while the expert before it computes, other layers' loads are exposed"]
    if any(chosen[name] != on for name, (on, _, _) in TECHNIQUES.items()):
        notes.append("parallelism of units without a technique is not published: exact functions are fitted to the all-off latency, which fixes the "
                     "sum of the steps, not each step")  # fmt: skip
    return tuple(notes)
