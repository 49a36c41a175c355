"""The records that engines read and fill: columns of the operator table, and slots.

An engine's own columns are the ``FIELDS`` of its ``spec``; the joined record holds those of all engines, so that one price function serves all.
"""

from __future__ import annotations

import numpy as np

from hwsim.core.dtype import dtype
from hwsim.core.op import Op
from hwsim.core.operators import attended_pairs, conv_output
from hwsim.core.program import Slot
from hwsim.targets.fpga.spec import ENGINE_SPECS
from hwsim.tech.arithmetic import SAVED

UNMODELLED = 0
KINDS = ("matmul", "conv2d", "attention", "softmax", "norm", "elementwise", "rope", "embedding", "pool", "concat", "topk", "moe_dispatch",
         "moe_combine", "lstm", "gru", "rnn", "ssm", "allreduce")  # fmt: skip
KIND_CODES = {name: float(code) for code, name in enumerate(KINDS, start=1)}
MATMUL, CONV, ATTENTION, SOFTMAX, NORM, ELEMENTWISE, ROPE, EMBEDDING, POOL, CONCAT = range(1, 11)

PRODUCTS = ("matmul", "conv2d", "attention")
COMMON_FIELDS = (
    "kind", "macs", "compulsory_bytes",
    "mac_scale",  # bits x bits of one product over 8 x 8
    "fp16_product", "fp32_product",  # 1: its MACs multiply numbers of this format
    "batch", "m", "k", "n",  # matmul; a convolution has n images and k output channels
    "c", "h", "w", "r", "s", "stride", "pad", "groups", "out_h", "out_w",  # convolution and pool
    "heads", "kv_heads", "q", "kv", "head_dim", "pairs",  # attention; pairs: (query, key) pairs per head
    "rows", "cols", "elementary",
    "density",  # kept share of the weights
    "weight_bits", "input_bits", "cache_bits", "weight_bytes", "input_bytes", "output_bytes",
)  # fmt: skip
OP_FIELDS = tuple(dict.fromkeys((*COMMON_FIELDS, *(f for module in ENGINE_SPECS.values() for f in module.FIELDS))))
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

SLOTS = (
    # at once, each on its own resource: the longest counts
    Slot("load", "cycles", "memory", 0),  # reads from HBM or DDR
    Slot("compute", "cycles", "dsp", 0),  # the multiplier arrays
    Slot("special", "cycles", "sfu", 0),  # softmax, norms, elementwise
    Slot("store", "cycles", "write", 0),  # writes to HBM or DDR
    # after that
    Slot("exposed", "cycles", "issue", 1),  # first loads, fills, tails that nothing hides
    Slot("sync", "cycles", "sync", 2),  # dies or cores waiting for each other, the host
    Slot("mac_energy", "joules"),
    Slot("hbm_energy", "joules"),
    Slot("ddr_energy", "joules"),
    Slot("on_chip_energy", "joules"),
    Slot("hbm_bytes", "bytes", "hbm"),
    Slot("ddr_bytes", "bytes", "ddr"),
    Slot("on_chip_bytes", "bytes", "on chip"),
    Slot("roofline", "roofline", "dsp"),
    Slot("choice", "note"),  # what an engine wants to say about its mapping
)
RESOURCES = {"memory": 1, "dsp": 1, "sfu": 1, "write": 1, "issue": 1, "sync": 1}


def product_format(op: Op) -> str:
    """The format that a product's operands share; the integer one of the two where they differ, the narrower float. Empty for other operators."""
    if op.kind not in PRODUCTS:
        return ""
    second = str(op.attrs.get("kv_dtype", op.dtype)) if op.kind == "attention" else op.weight_dtype if op.operand_role == "weight" else op.dtype
    return min((dtype(op.dtype), dtype(second)), key=lambda kind: (kind.kind == "float", kind.bits)).name


def common_fields(op: Op) -> dict[str, float]:
    """Return the generic columns of an operator: its bounds by their names, formats and bytes. An engine adds its own and may override."""
    found: dict[str, float] = {bound: float(value) for bound, value in op.bounds.items() if bound in COMMON_FIELDS}
    weight_bits, input_bits = dtype(op.weight_dtype).bits, dtype(op.dtype).bits
    second = weight_bits if op.operand_role == "weight" and op.kind != "attention" else input_bits
    found |= {
        "kind": KIND_CODES.get(op.kind, 0.0), "mac_scale": input_bits * second / 64.0, "elementary": float(op.elementary),
        "density": op.weight_density, "weight_bits": weight_bits, "input_bits": input_bits,
        "cache_bits": dtype(str(op.attrs.get("kv_dtype", op.dtype))).bits,
        "weight_bytes": op.weight_bytes, "input_bytes": op.input_bytes, "output_bytes": op.output_bytes,
    }  # fmt: skip
    found |= {f"{name}_product": float(product_format(op) == name) for name in SAVED}
    if op.kind in ("conv2d", "pool"):
        found |= {"out_h": float(conv_output(op["h"], op["r"], op.bounds)), "out_w": float(conv_output(op["w"], op["s"], op.bounds))}
    if op.kind == "attention":
        found |= {"pairs": float(attended_pairs(op.bounds)), "kv_heads": float(op["kv_heads"] or op["heads"])}
    return found
