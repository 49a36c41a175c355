"""From a decoder's graph to streams: what each operator reads, and whether everything fits where it must stay."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut, operator_table, resident_bytes
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.engine import Plan
from hwsim.targets.fpga.layout import OP_DTYPE, common_fields
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import BRAM_BITS, URAM_BITS
from hwsim.targets.fpga.stated import too_wide
from hwsim.targets.fpga.weight_stream import spec as S

BY_HEAD = ("q", "k", "v", "qkv")  # products whose columns belong to heads: a card computes those of its own heads
VECTOR_KINDS = ("norm", "elementwise", "rope", "softmax", "ssm", "concat")


@dataclass(frozen=True)
class Encoder:
    """Encodes operators; `head_on_processor` gives the output head to the host. Products take operands of up to `widest` bits."""

    head_on_processor: bool
    widest: tuple[float, ...]

    def __call__(self, at: int, op: Op) -> Fields | LeftOut:
        """Return the columns of an operator, or why the design has no unit for it."""
        if op.kind == "topk":
            return LeftOut("sampling by the host", deliberate=True)
        found = common_fields(op)
        if op.kind == "matmul":
            if op.operand_role != "weight" or op["pool"] or op["batch"] > 1:
                return LeftOut("only products with the model's own weights stream")
            if problem := too_wide(op, self.widest):
                return LeftOut(problem)
            task = S.HOST_LINEAR if self.head_on_processor and op.label == "head" else S.LINEAR
            return {**found, "ws_task": task, "ws_stored_bytes": op.weight_bytes, "ws_by_head": float(op.label in BY_HEAD)}
        if op.kind == "attention":
            return {**found, "ws_task": S.ATTENTION}
        if op.kind == "embedding":
            return {**found, "ws_task": S.LOOKUP, "ws_vocabulary": float(op.name.endswith("embed_tokens"))}
        if op.kind in VECTOR_KINDS or (op.kind == "conv2d" and op["groups"] == op["c"]):
            return {**found, "ws_task": S.VECTOR, "ws_rope": float(op.kind == "rope")}
        return LeftOut("no unit for it")


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out. Raises `Infeasible` when weights and cache do not fit, `InvalidMapping` for a place that the device lacks."""
    place = chip.text("weights_in")
    on_processor = chip.text("lm_head_on") == "processor"
    if on_processor and not chip.number("host_macs_per_s"):
        raise InvalidMapping(f"design '{chip.text('design')}' states no host_macs_per_s: its output head stays on the fabric")
    if place != "on_chip" and not chip.number(f"{place}_channels"):
        raise InvalidMapping(f"{chip.name} has no {place}: weights stay elsewhere (mapping option weights)")
    ports, have = chip.number("stream_ports"), chip.number("axi_ports") * chip.number("ddr_channels")
    if place == "ddr" and have and ports > have:
        raise Infeasible(f"AXI ports of {chip.name}", demand=ports, bound=have, unit="ports", levers=("fewer axi_ports",))
    boards = _boards(graph, options, chip, place)
    table = operator_table(graph, OP_DTYPE, Encoder(on_processor, chip.vector("product_bits")))
    numbers = {"boards": boards, "ws_place": S.PLACES[place], "ws_lambda": float(options.attention_mask == "lambda")}
    return Plan(graph, table, numbers=numbers, stated={"weights": place, "cards": int(boards)},
                assumptions=_assumptions(chip, place, boards, options), figures={"memory_bytes": _resident(graph, chip)})  # fmt: skip


def _resident(graph: Graph, chip: Chip) -> float:
    """Bytes that stay: weights (without the embedding table where it stays elsewhere) at the design's density, and caches."""
    tables = 0.0
    if not chip.number("embedding_resident"):
        heads = {t for op in graph.ops if op.kind == "matmul" for t in op.inputs}
        names = {t for op in graph.ops if op.kind == "embedding" for t in op.inputs} - heads
        tables = sum(graph.tensors[n].bytes for n in names if graph.tensors[n].role == "weight")
    caches = resident_bytes(graph) - graph.weight_bytes
    return caches + (graph.weight_bytes - tables) * chip.number("stored_density")


def _boards(graph: Graph, options: Options, chip: Chip, place: str) -> float:
    """Cards at work. On-chip weights take as many cards as hold them. Raises `Infeasible`."""
    cards, needed = chip.number("cards"), _resident(graph, chip)
    if place == "on_chip":
        have = (chip.number("uram") * URAM_BITS + (chip.number("bram") - chip.number("shell_bram")) * BRAM_BITS) / 8
        least = float(math.ceil(needed / have))
        if options.cards is None:
            return max(cards, least)
    else:
        have = chip.number(f"{place}_bytes") + chip.number("added_memory_bytes")
    if needed > have * cards:
        raise Infeasible(f"weights and cache of {cards:g} {chip.name}", demand=needed, bound=have * cards, unit="bytes",
                         levers=("fewer weight bits", "a shorter context", "more cards", "weights in another memory"))  # fmt: skip
    return cards


def _assumptions(chip: Chip, place: str, boards: float, options: Options) -> tuple[str, ...]:
    notes = ["memory-bound decode: bytes over efficiency x bandwidth; scales of quantised weights are not counted"]
    order = "column-aligned DDR transfers (DDR4 timing)" if chip.number("column_aligned") else "DDR transfers of several ports, unordered"
    on_chip = f"every UltraRAM port reads each cycle; {boards:g} cards, one at a time"
    notes.append({"hbm": "long HBM streams", "ddr": order, "on_chip": on_chip}[place])
    if chip.number("stored_density") < 1:
        notes.append(f"the design's density of {chip.number('stored_density'):g} is assumed where the graph states none")
    if options.attention_mask == "lambda":
        notes.append("attention to the first tokens and a window (Lambda mask)")
    return tuple(notes)


def used_peak(chip: Chip) -> float:
    """Peak bytes per second of the memory that the design uses, all cards."""
    place = chip.text("weights_in")
    if place == "on_chip":
        return 0.0
    used = chip.number("stream_channels") or chip.number(f"{place}_channels")
    peak = min(used, chip.number(f"{place}_channels")) * chip.number(f"{place}_channel_bytes_per_s")
    return min(peak, chip.number("used_bytes_per_s") or math.inf) * chip.number("cards")


def streamed_weight_bytes(graph: Graph, chip: Chip) -> float:
    """Bytes of the weights that one token passes by, as they are stored (kept ones with their index)."""
    total, default, index = 0.0, chip.number("stored_density"), chip.number("index_bits_per_weight")
    for op in graph.ops:
        if op.kind == "matmul":
            kept = op.weight_density if op.weight_density < 1 else default
            total += op.weight_bytes / op.weight_density * kept * (1 + index / dtype(op.weight_dtype).bits if kept < 1 else 1)
    return total
