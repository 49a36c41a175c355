"""From a graph to the operator table: what is launched on each GPU, and how large it is there. Encodings are kept per graph and options."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from hwsim.core.dtype import block_format, dtype
from hwsim.core.encoding import Fields, LeftOut, OperatorTable, operator_table, resident_bytes
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.kept import Kept
from hwsim.core.op import Op
from hwsim.core.operators import attended_pairs, conv_output
from hwsim.core.recurrent import stepwise
from hwsim.targets.gpu import sharding, spec
from hwsim.targets.gpu.autocast import Extra, extras
from hwsim.targets.gpu.decompose import PARTS, unfused
from hwsim.targets.gpu.mapping import Options

VECTOR_KINDS = ("elementwise", "rope", "embedding", "topk", "pool", "concat")
PRODUCTS = ("matmul", "attention", "conv2d")
KIND_CODES = {"matmul": spec.MATMUL, "attention": spec.ATTENTION, "softmax": spec.SOFTMAX, "norm": spec.NORM, "allreduce": spec.ALLREDUCE,
              "conv2d": spec.CONV}  # fmt: skip
KIND_CODES |= dict.fromkeys(VECTOR_KINDS, spec.VECTOR)
ARITHMETIC = {"fp16": spec.TENSOR_16, "bf16": spec.TENSOR_16, "int8": spec.TENSOR_INT8, "fp8": spec.TENSOR_FP8, "fp32": spec.VECTOR_FP32,
              "tf32": spec.TENSOR_TF32, "fp64": spec.VECTOR_FP64}  # fmt: skip
EXPANDED = ("int8", "int4", "q8_0", "q4_0")
HEAVY = 4  # elementary operations per element from which an elementwise function counts as an activation
SECTOR_BYTES = 32  # what a load moves at least; a strided row of a map uses a part of it
ONE_BY_ONE = ("cuda-8",)  # libraries that launch a grouped convolution group by group (cuDNN before 7)
LONGEST_ROW = 65536  # elements; longer rows are cut by kernels of one block per row
_STAGE = re.compile(r"^(prefill\.|decode\.\d+\.)?")


@dataclass(frozen=True)
class Lowered:
    """An encoded graph: the graph with its all-reduces, its operator table, bytes per GPU that stay in memory, and how operators are dispatched."""

    graph: Graph
    table: OperatorTable
    memory_bytes: float
    dispatches: frozenset[str]


@dataclass(frozen=True)
class Launch:
    """What an operator's neighbours make of it: `width` and `share` of a merged product, kernel `launches`, `host` 1 where a step starts.

    `kept` is the share of its operands and results that never leaves the registers of the kernel before it.
    """

    width: int
    share: float
    launches: float
    host: int
    kept: float = 0.0


_KEPT: Kept[tuple[str, Options], Lowered] = Kept()


def lower(graph: Graph, options: Options) -> Lowered:
    """Return the encoded graph; the last pairs of graph and options are kept. Raises `InvalidMapping`."""
    return _KEPT.get((graph.key, options), lambda: encode(graph, options))


def arithmetic_of(op: Op, options: Options) -> float:
    """Return the arithmetic of a product; 0 when there is none for its formats.

    Weights in fp8 under 16-bit activations run on fp8 tensor cores (activations are quantised on the fly), int8 weights on int8 ones where
    SmoothQuant maps the model. Other weights of `EXPANDED` formats are expanded to 16 bits as they are read. Tensors of 16 bits accumulate in fp32 at
    the tensor cores' rate (attribute ``math_dtype``).
    """
    if op.kind == "matmul" and op.operand_role == "weight" and op.weight_dtype != op.dtype:
        if op.weight_dtype == "fp8" and op.dtype in ("fp16", "bf16"):
            return spec.TENSOR_FP8
        if op.weight_dtype == "int8" and options.software == "vllm_smoothquant":
            return spec.TENSOR_INT8
        return spec.TENSOR_16 if expanded(op, options) else 0
    if op.dtype == "fp32" and options.tf32:
        return spec.TENSOR_TF32
    return ARITHMETIC.get(op.dtype, 0)


def expanded(op: Op, options: Options) -> bool:
    """True when a product's kernel reads weights of 4 or 8 bits and expands them to its activations' 16."""
    held = op.kind == "matmul" and op.operand_role == "weight" and op.dtype in ("fp16", "bf16") and op.weight_dtype in EXPANDED
    return held and not (op.weight_dtype == "int8" and options.software == "vllm_smoothquant")


def unmodelled(op: Op, options: Options) -> str:
    """Return why this target has no model for an operator; empty when it has one."""
    if op.kind not in KIND_CODES:
        return "no kernel model"
    if (form := block_format(op.weight_dtype)) and not expanded(op, options) and not _gathered(op):
        return f"no kernel for {form} weights with {op.dtype} activations"
    if form := block_format(str(op.attrs.get("kv_dtype", op.dtype))):
        return f"no kernel for a {form} cache with {op.dtype} activations"
    if op.kind in PRODUCTS and not arithmetic_of(op, options):
        if op.weight_dtype != op.dtype and op.kind == "matmul":
            return f"no kernel for {op.weight_dtype} weights with {op.dtype} activations"
        return f"no {op.dtype} arithmetic"
    if op.kind == "conv2d" and (op.weight_density < 1 or op.weight_dtype != op.dtype):
        return "no kernel for sparse or mixed-format convolution weights"
    if op.kind == "matmul" and op.operand_role == "weight":
        if op.weight_density < 1:
            return "no kernel for sparse weights"
        if op["pool"]:
            return "no kernel for a pool of experts"
    if op.kind == "matmul" and op["ragged"]:
        return "no kernel for groups of uneven size"
    return ""


def _gathered(op: Op) -> bool:
    """True when a kernel gathers rows of a table in blocks and expands them to 16 bits."""
    return op.kind == "embedding" and op.weight_dtype in EXPANDED and op.dtype in ("fp16", "bf16")


def encode(graph: Graph, options: Options) -> Lowered:
    """Spread a graph over the GPUs and encode every distinct operator; nothing is kept. O(operators). Raises `InvalidMapping`."""
    graph = stepwise(graph, fused=True)  # recurrent layers: a product and a pointwise kernel a step
    _check_devices(graph, options)
    spread, parted = graph, (sharding.REPLICATED,) * len(graph.ops)
    if options.devices > 1:
        parted = sharding.shardings(graph)
        spread = sharding.with_allreduces(graph, parted)
    by_name = {op.name: how for op, how in zip(graph.ops, parted, strict=True)}
    if options.unfused_attention:
        by_name |= {f"{op.name}.{part}": by_name[op.name] for op in graph.ops if op.kind == "attention" for part in PARTS}
        spread = unfused(spread)
    launches = _launches(spread, options)
    single = len(graph.ops) == 1
    mixed = extras(spread) if options.mixed(graph.phase, graph.ops[0].dtype, single) else {}
    batch = int(graph.meta.get("batch", 1))
    known: dict[object, Fields | LeftOut] = {}

    def record(at: int, op: Op) -> Fields | LeftOut:
        how, launch, extra = by_name.get(op.name, sharding.REPLICATED), launches[at], mixed.get(op.name, Extra())
        key = (op.signature, how, launch, extra)
        if key not in known:
            reason = unmodelled(op, options)
            known[key] = LeftOut(reason) if reason else _widened(_record(op, how, launch, batch, options, single=single), extra)
        return known[key]

    table = operator_table(spread, spec.OP_DTYPE, record, by_signature=True)
    return Lowered(spread, table, resident_bytes(graph) / options.devices, frozenset(options.dispatch_of(op.phase, single) for op in spread.ops))


def _check_devices(graph: Graph, options: Options) -> None:
    for op in graph.ops:
        if op.kind == "allreduce" and options.devices == 1:
            raise InvalidMapping(f"operator '{op.name}': an all-reduce needs devices of at least 2")
        if op.kind == "attention" and op["heads"] < options.devices:
            raise InvalidMapping(f"operator '{op.name}': {op['heads']} heads cannot be split over {options.devices} devices")


def _launches(graph: Graph, options: Options) -> list[Launch]:
    """Launches of each operator, and what a serving engine merges: products of one input, rotations of one attention, sums read by a norm."""
    readers: dict[str, list[Op]] = {}
    for op in graph.ops:
        for tensor in op.inputs:
            readers.setdefault(tensor, []).append(op)
    found, started = [], set()
    behind: set[str] = set()  # results that a convolution's kernel still holds
    for op in graph.ops:
        width, share, launches, kept = op.bounds.get("n", 0), 1.0, 1.0, 0.0
        if options.fused and op.kind == "matmul" and op.operand_role == "weight":
            width = sum(o["n"] for o in readers[op.inputs[0]] if _mergeable(op, o))
            share = launches = op["n"] / width
        elif options.fused and op.kind == "rope":
            launches = 1 / max(1, sum(_rotations(graph, r) for r in readers.get(op.outputs[0], ())))
        elif options.fused and op.function == "add" and any(r.kind == "norm" for r in readers.get(op.outputs[0], ())):
            launches = 0.0
        elif options.fused and op.kind == "elementwise" and op.inputs[0] in behind and len(readers[op.inputs[0]]) == 1:
            launches, kept = 0.0, 2 / (len(op.inputs) + 1)
        elif op.kind == "attention" and op["q"] == 1 and options.split_kv:
            launches = 2.0  # the parts of the sequence, then their combination
        match = _STAGE.match(op.name)
        stage = match[0] if match else ""
        host = int(options.engine and bool(op.phase) and stage not in started)
        started.add(stage)
        if op.kind == "conv2d" or kept:
            behind.update(op.outputs)
        found.append(Launch(width, share, launches, host, kept))
    return found


def _rotations(graph: Graph, reader: Op) -> int:
    """Rotations that an attention reads; a serving engine launches them together."""
    made = [graph.producers[t] for t in reader.inputs if t in graph.producers]
    return sum(graph.ops[i].kind == "rope" for i in made) if reader.kind == "attention" else 0


def _mergeable(op: Op, other: Op) -> bool:
    alike = ("batch", "m", "k", "shared", "pool")
    same = other.kind == "matmul" and other.operand_role == "weight" and other.dtype == op.dtype
    return same and all(other[b] == op[b] for b in alike) and other.inputs[0] == op.inputs[0]


def _record(op: Op, how: int, launch: Launch, requests: int, options: Options, *, single: bool) -> dict[str, float]:
    """Return the record of one operator; a decode step advances `requests` sequences."""
    parts = options.devices if how != sharding.REPLICATED else 1
    width = dtype(op.dtype).bytes
    moved = op.compulsory_bytes / parts
    record: dict[str, float] = {
        "kind": KIND_CODES[op.kind], "flops": op.elementary, "gpus": options.devices, "host": launch.host, "launches": launch.launches,
        "share": launch.share, "dispatch": spec.DISPATCH_CODES[options.dispatch_of(op.phase, single)], "element_bytes": width, "batch": 1,
        "groups": 1, "bytes": moved, "weight_bytes": op.weight_bytes / parts, "write_bytes": op.output_bytes / parts,
        "fused_bytes": launch.kept * moved, "requests": launch.host * requests if op.phase == "decode" else 0,
    }  # fmt: skip
    record["arithmetic"] = arithmetic_of(op, options) if op.kind in PRODUCTS else 0
    if op.kind == "matmul":
        record.update(_matmul(op, how, parts, launch, expands=expanded(op, options)))
    elif op.kind == "attention":
        record.update(_attention(op, parts))
    elif op.kind == "conv2d":
        record.update(_conv(op, launch, options))
    elif op.kind == "allreduce":
        record["bytes"] = op["elements"] * width
    else:
        record["heavy"] = int(op.kind == "rope" or op.spec.functions.get(op.function, 0) >= HEAVY)
        record["rows"] = op.bounds.get("rows", 0) * math.ceil(op.bounds.get("cols", 0) / LONGEST_ROW)
    return record


def _widened(record: Fields, extra: Extra) -> Fields:
    """Add what mixed precision moves and converts (networks run on one GPU: nothing is split)."""
    more = {"bytes": record["bytes"] + extra.surplus, "converted_bytes": extra.converted, "launches": record["launches"] + extra.conversions}
    return {**record, **more}


def _conv(op: Op, launch: Launch, options: Options) -> dict[str, float]:
    """Sizes of the implicit product of one group, and the 2 x 2 output tiles where Winograd's algorithm applies (3 x 3, stride 1, dense)."""
    high, wide, groups = conv_output(op["h"], op["r"], op.bounds), conv_output(op["w"], op["s"], op.bounds), op["groups"]
    plain = (op["r"], op["s"], op["stride"], op["dilation"], groups) == (3, 3, 1, 1, 1)
    width = dtype(op.dtype).bytes
    skipped = 1 if options.layout == "nhwc" else min(op["stride"], SECTOR_BYTES / width)
    together = 1 if options.library in ONE_BY_ONE else groups
    return {
        "m": op["n"] * high * wide, "k": op["c"] // groups * op["r"] * op["s"], "n": op["k"] // groups, "groups": groups, "batch": together,
        "c": op["c"] // groups, "element_bytes": width * skipped, "weight_element_bytes": width,
        "launches": launch.launches * groups / together,
        "wino_m": op["n"] * math.ceil(high / 2) * math.ceil(wide / 2) if plain else 0,
    }  # fmt: skip


def _matmul(op: Op, how: int, parts: int, launch: Launch, *, expands: bool) -> dict[str, float]:
    batch, m, k, n, merged = op["batch"], op["m"], op["k"], op["n"], launch.width
    stored = batch // op["shared"]
    if how == sharding.COLUMNS:
        n, merged = math.ceil(n / parts), math.ceil(merged / parts)
    elif how == sharding.ROWS:
        k = math.ceil(k / parts)
    elif how == sharding.SPLIT:
        batch, stored = math.ceil(batch / parts), math.ceil(stored / parts)
    width, right = dtype(op.dtype).bytes, dtype(op.weight_dtype if op.operand_role == "weight" else op.dtype).bytes
    written = batch * m * n * width
    moved = batch * m * k * width + (stored * k * n + op["bias"] * n) * right + written
    found = {"batch": batch, "m": m, "k": k, "n": merged, "bytes": max(moved, op.compulsory_bytes / parts), "write_bytes": written}
    left = width if expands else right  # quantised activations take the weights' format
    return {**found, "element_bytes": left, "weight_element_bytes": right, "expanded": int(expands)}


def _attention(op: Op, parts: int) -> dict[str, float]:
    kv_heads = op["kv_heads"] or op["heads"]
    mine = math.ceil(kv_heads / parts)
    cache = sum(o.elements * dtype(op.dtype_of(o)).bytes for o in op.operands if o.role == "kv_cache")
    seen = min(op["kv"], op["window"] + op["q"] - 1) if op["window"] else op["kv"]
    moved = (op.compulsory_bytes - cache) / parts + cache * mine / kv_heads
    return {
        "batch": op["batch"], "heads": math.ceil(op["heads"] / parts), "kv_heads": mine, "q": op["q"], "kv": seen, "head_dim": op["head_dim"],
        "pairs": attended_pairs(op.bounds), "bytes": moved,
    }  # fmt: skip
