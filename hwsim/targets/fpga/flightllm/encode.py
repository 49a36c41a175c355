"""From a graph to FlightLLM's programs: one row per distinct layer program."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.compress import ACTIVATION
from hwsim.targets.fpga.flightllm.fusion import Fusions, fusions
from hwsim.targets.fpga.flightllm.masks import DENSE, heads_of, kept_totals, masked
from hwsim.targets.fpga.layout import common_fields
from hwsim.targets.fpga.mapping import Options

HOST = {"embedding": "token look-up by the host", "topk": "sampling by the host"}
FSB_BITS = 8.0  # one byte per sparse block
ROPE_PASSES, ROPE_OPERANDS = 3.0, 3.0


@dataclass(frozen=True)
class Encoder:
    """Encodes operators of one graph: `board` timing stores sparse weights with their index, the simulator charges plain density."""

    graph: Graph
    chip: Chip
    options: Options
    fused: Fusions
    mask: str
    board: bool

    @classmethod
    def of(cls, graph: Graph, chip: Chip, options: Options) -> Encoder:
        """Read the options that matter."""
        board = options.timing != "authors_simulator"
        return cls(graph, chip, options, fusions(graph), options.attention_mask or "released_block_mask", board)

    def __call__(self, at: int, op: Op) -> Fields | LeftOut:
        """Return the columns of an operator, or why it has no program."""
        if op.kind in HOST:
            return LeftOut(HOST[op.kind], deliberate=True)
        if op.dtype != ACTIVATION:
            return LeftOut(f"activations are {ACTIVATION}, not {op.dtype} (a floating-point graph is quantised)")
        found = {**common_fields(op), "mac_scale": 1.0}
        if at in self.fused.fused:
            return {**found, "fl_task": T.FUSED}
        if op.kind == "matmul":
            return self.linear(at, op, found)
        if op.kind == "attention":
            return self.attention(op, found)
        if op.kind in ("norm", "softmax"):
            source = op["source_rows"] if op.kind == "norm" else 0
            return {**found, "fl_task": T.ROWS, "fl_vectors": self.rows(op, source or op["rows"])}
        if op.kind in ("elementwise", "rope"):
            return self.elementwise(op, found)
        return LeftOut("no instruction for it")

    @property
    def batch(self) -> int:
        """Sequences of the graph."""
        return int(self.graph.meta.get("batch", 1))

    def padded(self, tokens: int, bucket: str) -> int:
        """Tokens up to the length of the program that runs them."""
        step = int(self.chip.number(bucket))
        return math.ceil(math.ceil(tokens / step) * step / 16) * 16

    def rows(self, op: Op, rows: int) -> float:
        """Rows of an operator: those of a prompt are padded to its program's length."""
        if op.phase != "prefill":
            return rows
        prompt = int(self.graph.meta.get("prompt", rows))
        whole = self.batch * prompt
        per_token = max(1, rows // whole)  # heads of a per-head norm
        return self.batch * self.padded(prompt, "prefill_bucket") * per_token

    def stored(self, op: Op) -> float:
        """Stored bytes per weight: bits x density, and on the board the index (4 bits a weight, a byte a block) unless the dense form is smaller."""
        bits = self.options.weight_bits or dtype(op.weight_dtype).bits
        plain = bits * op.weight_density
        if self.board and op.weight_density < 1:
            block = self.chip.number("sparse_block")
            plain = min(bits, op.weight_density * (bits + self.chip.number("index_bits")) + FSB_BITS / block**2)
        return plain / 8

    def linear(self, at: int, op: Op, found: dict[str, float]) -> Fields | LeftOut:
        """A product with weights: MM on the tiles of a prompt, MV on few vectors."""
        if op.operand_role != "weight":
            return LeftOut("a product of two activations outside attention has no program")
        if op["pool"] or op["batch"] > 1:
            return LeftOut("experts or batched weights have no program")
        kind = dtype(op.weight_dtype).kind
        if kind not in ("int", "uint") or dtype(op.weight_dtype).block > 1:
            return LeftOut(f"{op.weight_dtype} weights: the dequantisation unit expands integers of 2 to 8 bits")
        fuse = self.fused.behind.get(at, T.FUSE_NONE)
        found |= {"fl_fuse": fuse, "fl_ratio": self.stored(op), "fl_bias": self.biased(op), "density": op.weight_density}
        rows = int(self.rows(op, op["m"]))
        few = self.chip.number("mv_granule_n") / self.chip.number("mm_granule_n")
        if op.phase == "prefill" or rows >= few:
            tile = int(self.chip.number("mm_granule_m"))
            padded = math.ceil(rows / 16) * 16
            return {**found, "fl_task": T.MM_LINEAR, "fl_tiles": padded // tile, "fl_rest": padded % tile}
        return {**found, "fl_task": T.MV_LINEAR, "fl_vectors": rows}

    def biased(self, op: Op) -> float:
        """1 where a bias is loaded: the released program does so for Q, K, V and O, whatever the model has."""
        return 1.0 if op["bias"] or op.label in ("q", "k", "v", "qkv", "o") else 0.0

    def attention(self, op: Op, found: dict[str, float]) -> Fields | LeftOut:
        """Decode: one query per sequence, contexts of all steps that the operator stands for. Prefill: the whole prompt."""
        found |= {"fl_cache_ratio": found["cache_bits"] / 8, "kv_heads": float(op["kv_heads"] or op["heads"])}
        lambda_keys = self.chip.number("lambda_sink_tokens") + self.chip.number("lambda_window_tokens") if self.mask == "lambda" else DENSE
        window = min(float(op["window"] or DENSE), lambda_keys)
        if op["q"] == 1 and op.phase != "prefill":
            ends = 2 * op["kv"] - (2 if op.repeat % 2 == 0 else 1)  # low + high: the middle context is (low + high + 2) // 2
            low = (ends - op.repeat) // 2
            return {**found, "fl_task": T.MV_ATTENTION, "fl_first": low + 1, "fl_last": low + op.repeat,
                    "fl_bucket": self.chip.number("decode_bucket"), "fl_window": window}  # fmt: skip
        if op["q"] != op["kv"]:
            return LeftOut("several queries over a longer cache have no program")
        length = self.padded(op["q"], "prefill_bucket")
        block = int(self.chip.number("mask_block")) if masked(op) else length
        heads = heads_of(op, self.chip, self.mask)
        kept = kept_totals(heads, length, block, int(self.chip.number("mm_granule_m")), int(self.chip.number("mm_granule_n")))
        tile = int(self.chip.number("mm_granule_m"))
        return {**found, **kept.fields(), "fl_task": T.MM_ATTENTION, "fl_length": length, "fl_mask": block, "fl_tiles": length // tile,
                "fl_rest": length % tile}  # fmt: skip

    def elementwise(self, op: Op, found: dict[str, float]) -> Fields:
        """An operation that no product precedes."""
        if op.kind == "rope":
            rows, cols = self.rows(op, op["rows"]), float((op["heads"] + op["carried"]) * op["head_dim"])
            return {**found, "fl_task": T.ELEMENTWISE, "fl_passes": ROPE_PASSES, "fl_operands": ROPE_OPERANDS, "rows": rows, "cols": cols}
        rows = self.rows(op, op["rows"])
        return {**found, "fl_task": T.ELEMENTWISE, "fl_passes": 1.0, "fl_operands": float(op["operands"]), "rows": rows, "cols": float(op["cols"])}
