"""From a transformer's graph to the stages of a dataflow block: the work of a stage is entered at one of its operators, the others are part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields, LeftOut, operator_table
from hwsim.core.errors import Infeasible
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.engine import Plan
from hwsim.targets.fpga.layout import OP_DTYPE, common_fields
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.stated import too_wide
from hwsim.targets.fpga.stream import spec as S

QUERY, KEY_VALUE, JOINT, OUT = ("q",), ("k", "v"), ("qkv",), ("o", "proj")
FFN_IN, FFN_OUT = ("gate", "up", "gate_up", "fc1"), ("down", "fc2")
LINEARS = (*QUERY, *KEY_VALUE, *JOINT, *OUT, *FFN_IN, *FFN_OUT)
VECTOR_KINDS = ("norm", "elementwise", "rope", "softmax", "concat", "embedding")
Key = tuple[int | None, str]


@dataclass(frozen=True)
class Stages:
    """The linear layers and the attention of one block and pass (a step of a generation is a pass of its own)."""

    linears: Mapping[str, Op]
    attention: Op | None

    def macs(self, labels: tuple[str, ...]) -> list[float]:
        """MACs of the layers of these labels that the block has."""
        return [float(self.linears[label].macs) for label in labels if label in self.linears]

    def joint(self) -> tuple[float, float]:
        """MACs of (the query's, the keys') third of a joint query, key and value product, of unlike widths where keys are shared."""
        if self.attention is None or "qkv" not in self.linears:
            return 0.0, 0.0
        heads, shared = self.attention["heads"], self.attention["kv_heads"] or self.attention["heads"]
        whole = float(self.linears["qkv"].macs)
        return whole * heads / (heads + 2 * shared), whole * shared / (heads + 2 * shared)

    @property
    def weight_bytes(self) -> float:
        """Bytes of the block's weights."""
        return sum(op.weight_bytes for op in self.linears.values())


def _pass(op: Op) -> str:
    """The pass that an operator of a generation belongs to: its name's first parts."""
    head, _, rest = op.name.partition(".layers.")
    return head if rest else ""


def stages_of(graph: Graph) -> dict[Key, Stages]:
    """Group the layers of a graph by block and pass."""
    linears: dict[Key, dict[str, Op]] = {}
    attention: dict[Key, Op] = {}
    for op in graph.ops:
        key = (op.layer, _pass(op))
        if op.kind == "matmul" and op.label in LINEARS and op.layer is not None:
            linears.setdefault(key, {})[op.label] = op
        elif op.kind == "attention":
            attention[key] = op
    return {key: Stages(found, attention.get(key)) for key, found in linears.items()}


@dataclass(frozen=True)
class Encoder:
    """Encodes operators.

    `shared`: one kernel for all linear layers of a step; without `history` a step attends to itself alone; blocks from `blocks` on are not timed
    (0: all are). Products take operands of up to `widest` bits.
    """

    stages: Mapping[Key, Stages]
    shared: bool
    history: bool
    blocks: int
    widest: tuple[float, ...]

    def __call__(self, at: int, op: Op) -> Fields | LeftOut:
        """Return the columns of an operator, or why no kernel runs it."""
        if op.kind == "topk":
            return LeftOut("sampling by the host", deliberate=True)
        if self.blocks and op.layer is not None and op.layer >= self.blocks:
            return LeftOut("further blocks", deliberate=True)
        found = common_fields(op)
        if op.kind in VECTOR_KINDS:
            return {**found, "sd_task": S.FUSED}
        own = self.stages.get((op.layer, _pass(op)))
        if op.kind == "matmul" and (problem := too_wide(op, self.widest)):
            return LeftOut(problem)
        if op.kind == "matmul" and op.operand_role == "weight" and not op["pool"] and op["batch"] == 1:
            if own is None or op.label not in LINEARS:
                return {**found, "sd_task": S.SINGLE, "sd_all": float(op.macs), "sd_macs": float(op.macs), "sd_bytes": op.weight_bytes}
            return {**found, **(self.step(op, own) if stepwise(own) else prompt(op, own))}
        if op.kind == "attention" and own is not None:
            return {**found, **(self.step_attention(op, own) if stepwise(own) else block(op, own))}
        return LeftOut("no kernel for it")

    def step(self, op: Op, own: Stages) -> Fields:
        """A linear layer of a single token: query, key and value at once, the two first layers of a gated network at once."""
        for group in ((*QUERY, *KEY_VALUE), JOINT, OUT, FFN_IN, FFN_OUT):
            if op.label in group:
                members = [own.linears[label] for label in group if label in own.linears]
                macs = [float(m.macs) for m in members]
                widest = max(own.joint()) if group == JOINT else max(macs)
                if (group == OUT and self.shared) or op is not members[0]:
                    return {"sd_task": S.FUSED}  # the output projection runs beside attention
                feed = float(group in (FFN_IN, FFN_OUT))
                return {"sd_task": S.STEP, "sd_widest": widest, "sd_all": sum(macs), "sd_macs": sum(macs), "sd_feed": feed,
                        "sd_bytes": sum(m.weight_bytes for m in members)}  # fmt: skip
        return {"sd_task": S.FUSED}

    def step_attention(self, op: Op, own: Stages) -> Fields:
        """Attention of a single token."""
        beside = own.macs(OUT) if self.shared else []
        weights = sum(own.linears[label].weight_bytes for label in OUT if label in own.linears) if self.shared else 0.0
        found = {"sd_task": S.STEP_ATTENTION, **products(op), "sd_out": max(beside, default=0.0), "sd_bytes": cache_bytes(op) + weights,
                 "sd_macs": float(op.macs) + sum(beside)}  # fmt: skip
        if self.history:
            return found
        alone = {"sd_product": found["sd_product"] / op["kv"], "sd_bytes": found["sd_bytes"] / op["kv"], "sd_macs": op.macs / op["kv"]}
        return {**found, **alone}


def stepwise(own: Stages) -> bool:
    """True for a pass of one query per sequence."""
    return own.attention is not None and own.attention["q"] == 1


def products(op: Op) -> dict[str, float]:
    """MACs of Q K^T over all pairs (kernels compute the masked ones as well) and its scores."""
    pairs = float(op["batch"] * op["heads"] * op["q"] * op["kv"])
    return {"sd_product": pairs * op["head_dim"], "sd_scores": pairs, "sd_tokens": float(op["batch"] * op["q"])}


def cache_bytes(op: Op) -> float:
    """Bytes of keys and values read once where they come from memory."""
    found = common_fields(op)
    return 2.0 * op["batch"] * (op["kv_heads"] or op["heads"]) * op["kv"] * op["head_dim"] * found["cache_bits"] / 8


def prompt(op: Op, own: Stages) -> Fields:
    """A linear layer of a prompt: the first of key and value carries their stage, the others belong to the block."""
    keys = own.macs(KEY_VALUE) or [own.joint()[1]]
    lead = next((label for label in (*KEY_VALUE, *JOINT) if label in own.linears), "")
    if op.label != lead:
        return {"sd_task": S.FUSED}
    return {"sd_task": S.KEYS, "sd_keys": max(keys), "sd_macs": sum(keys), "sd_bytes": own.weight_bytes}


def block(op: Op, own: Stages) -> Fields:
    """The attention of a prompt carries query, attention, output projection and feed-forward network."""
    ffn = [m / (2 if label == "gate_up" else 1) for label in (*FFN_IN, *FFN_OUT) for m in own.macs((label,))]
    query = max(own.macs(QUERY), default=own.joint()[0])
    return {"sd_task": S.BLOCK, **products(op), "sd_query": query, "sd_out": max(own.macs(OUT), default=0.0), "sd_ffn": max(ffn, default=0.0),
            "sd_macs": float(op.macs) + query + sum(own.macs((*OUT, *FFN_IN, *FFN_OUT))), "sd_bytes": cache_bytes(op)}  # fmt: skip


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out on the design's kernels. Raises `Infeasible` when the design spans more dies than the device has."""
    dies, have = chip.number("dies_used"), chip.number("dies")
    if dies > have:
        raise Infeasible(f"dies of {chip.name}", demand=dies, bound=have, unit="dies", levers=("fewer slrs",))
    blocks = int(chip.number("timed_blocks")) if not graph.phase else 0
    shared, history = chip.number("shared_macs") > 0, chip.number("step_history") > 0
    table = operator_table(graph, OP_DTYPE, Encoder(stages_of(graph), shared, history, blocks, chip.vector("product_bits")))
    warnings = []
    if blocks:
        warnings.append(f"latency and energy of {blocks} block(s), as this design's published encoder figure; set timed_blocks=0 for all of them")
        timed = (op for op in graph.ops if op.layer is None or op.layer < blocks)
        graph = graph.with_meta(requested_macs=float(sum(op.macs * op.repeat for op in timed)))
    numbers = {"boards": chip.number("cards"), "sd_own_clock": float(options.clock_hz is None), "sd_attention_macs": float(options.wp_mha or 0)}
    return Plan(graph, table, numbers=numbers, warnings=tuple(warnings), assumptions=_assumptions(graph, chip))


def _assumptions(graph: Graph, chip: Chip) -> tuple[str, ...]:
    notes = ["dataflow over tokens: keys and values first, then the slowest kernel; norms, activations and residuals keep up",
             "masked (query, key) pairs are computed like the others"]  # fmt: skip
    if graph.phase == "generate" and chip.number("shared_macs"):
        notes.append("prompt and steps run on bitstreams of their own; loading them is not counted")
    if chip.number("launch_s"):
        notes.append("the host invokes the block once per layer")
    return tuple(notes)
