"""The records that the price function reads and fills: operator table and slots, and the codes in them."""

from __future__ import annotations

import numpy as np

from hwsim.core.program import Slot

# kinds of operator, as this target prices them
MATMUL, ATTENTION, NORM, SOFTMAX, VECTOR, MOVE, ROUTE = 1, 2, 3, 4, 5, 6, 7
REDUCE, BROADCAST, ALLREDUCE, SHIFT, FFT = 8, 9, 10, 11, 12

# distributed products; 0 leaves the choice to the price function
MESHGEMM, MESHGEMM_T, SUMMA, CANNON, ALLGATHER = 1, 2, 3, 4, 5
MESHGEMV, GEMV_PIPELINE, GEMV_RING = 11, 12, 13
# allreduces
REDUCE_BROADCAST, RING, VENDOR = 1, 2, 3
WAFERLLM, T10, LADDER = 0, 1, 2

GEMM_CODES = {"meshgemm": MESHGEMM, "meshgemm_t": MESHGEMM_T, "summa": SUMMA, "cannon": CANNON, "allgather_gemm": ALLGATHER}
GEMV_CODES = {"meshgemv": MESHGEMV, "gemv_pipeline": GEMV_PIPELINE, "gemv_ring": GEMV_RING}
REDUCE_CODES = {"reduce_star": 1, "reduce_chain": 2, "reduce_tree": 3, "reduce_two_phase": 4}
ALLREDUCE_CODES = {"allreduce_reduce_broadcast": REDUCE_BROADCAST, "allreduce_ring": RING, "vendor_allreduce": VENDOR}
SYSTEM_CODES = {"waferllm": WAFERLLM, "t10": T10, "ladder": LADDER}

OP_FIELDS = (
    "kind", "batch", "m", "k", "n", "n2", "n3",  # products: n2, n3 are the partners fused into one allreduce
    "lead", "aligned", "share", "elements", "element_bytes", "fp32",
    "rows", "cols", "vector_calls", "transcendental", "allreduces",
    "heads", "kv_heads", "head_dim", "positions", "attended", "shifted",
    "decode", "in_graph", "handover", "relaid", "points", "dims", "mac_share", "macs", "compulsory_bytes",
    "fp16_product", "fp32_product",  # 1: its MACs multiply numbers of this format
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

SLOTS = (
    Slot("switch", "cycles", "cores", 0),
    Slot("align", "cycles", "fabric", 1),
    Slot("step", "cycles", "cores", 2),
    Slot("multiply", "cycles", "cores", 3),
    Slot("vector", "cycles", "cores", 4),
    Slot("transfer", "cycles", "fabric", 5),
    Slot("allreduce", "cycles", "fabric", 6),
    Slot("mac", "joules"),
    Slot("sram", "joules"),
    Slot("fabric", "joules"),
    Slot("issue", "joules"),
    Slot("sram_bytes", "bytes", "sram"),
    Slot("fabric_bytes", "bytes", "fabric"),
    Slot("roofline", "roofline", "cores"),
    Slot("algorithm", "note"),
    Slot("groups", "note"),
)
RESOURCES = {"cores": 1, "fabric": 1}
