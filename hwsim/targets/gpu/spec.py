"""What a GPU's chip file states, and the records that the price function reads and fills."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, MissingParameter
from hwsim.core.program import Slot, Table

# kinds of operator, as this target prices them
UNMODELLED, MATMUL, ATTENTION, SOFTMAX, NORM, VECTOR, ALLREDUCE, CONV = 0, 1, 2, 3, 4, 5, 6, 7
# arithmetic that a product runs on
VECTOR_FP32, TENSOR_TF32, TENSOR_16, TENSOR_INT8, TENSOR_FP8, VECTOR_FP64 = 1, 2, 3, 4, 5, 6
RATES = {
    VECTOR_FP32: "vector_fp32_macs_per_cycle", TENSOR_TF32: "tensor_tf32_macs_per_cycle", TENSOR_16: "tensor16_macs_per_cycle",
    TENSOR_INT8: "tensor_int8_macs_per_cycle", TENSOR_FP8: "tensor_fp8_macs_per_cycle", VECTOR_FP64: "vector_fp64_macs_per_cycle",
}  # fmt: skip
# dispatch
KERNEL, QUEUED, GRAPH, EAGER, GRID_SYNC, ASYNC = 0, 1, 2, 3, 4, 5
DISPATCH_CODES = {"kernel": KERNEL, "queued": QUEUED, "graph": GRAPH, "eager": EAGER, "grid_sync": GRID_SYNC, "async": ASYNC}
# all-reduce algorithms; 0 takes the faster one, as serving engines do
FASTER, RING, ONE_SHOT, IN_SWITCH = 0, 1, 2, 3
ALGORITHM_CODES = {"ring": RING, "one_shot": ONE_SHOT, "in_switch": IN_SWITCH}

OP_FIELDS = (
    "kind", "arithmetic", "dispatch", "launches",  # launches: share of one kernel launch (2 kernels: 2)
    "host", "requests",  # host: a step starts here; requests: sequences that an engine advances in it
    "batch", "m", "k", "n", "share", "element_bytes",  # sizes per GPU; share: this operator's part of a merged product of width n
    "groups", "wino_m",  # convolution: groups; 2 x 2 output tiles where Winograd's algorithm applies (else 0)
    "heads", "kv_heads", "q", "kv", "head_dim", "pairs",  # attention per GPU; pairs: (query, key) pairs per head
    "heavy", "bytes", "weight_bytes", "write_bytes", "fused_bytes", "converted_bytes",  # per GPU, each operand once; fused: in registers
    "macs", "flops",  # of all GPUs
    "compulsory_bytes", "gpus",  # gpus: on which the operator runs
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

CHIP_PARAMS = (
    "clock_hz", "sm_count", *RATES.values(), "dram_bytes_per_s", "l2_bytes", "l2_near_bytes", "l2_bytes_per_s", "l2_far_bytes_per_s", "l2_multicast",
    "gemm_fraction_framework", "gemm_fraction_serving", "sgemm_fraction", "sgemm_fraction_native", "sgemm_alone", "sgemm_least_k",
    "gemm_stream_framework", "gemm_stream_serving", "overlap_exposed", "epilogue_exposed", "fp8_fraction",
    "conv_fraction", "conv_fraction_fp32", "winograd_fraction", "grouped_fraction", "depthwise_stream", "nchw_fraction",
    "attention_fraction", "decode_attention_stream", "kv_split_tokens",
    "copy_stream", "activation_stream_framework", "activation_stream_serving", "norm_stream_framework", "norm_stream_serving", "softmax_stream",
    "gemm_ramp_s", "vector_ramp_s", "queued_launch_s", "graph_launch_s", "grid_sync_s",
    "eager_matmul_s", "eager_softmax_s", "eager_norm_s", "eager_elementwise_s", "eager_collective_s", "async_dispatch_s",
    "host_step_s", "host_request_s",
    "link_bytes_per_s", "link_fraction", "link_hop_s", "link_pipeline_s", "link_pipeline_bytes", "one_shot_s", "switch_fraction", "switch_bytes",
    "pcie_allreduce_bytes_per_s", "node_bytes_per_s", "node_hop_s",
    "dram_j_per_byte", "tensor_j_per_flop", "tensor8_j_per_flop", "vector_j_per_flop", "fp64_j_per_flop", "link_j_per_byte", "request_j",
    "active_idle_w", "tdp_w", "throttle_exponent",
    "area_cores_mm2", "area_network_mm2", "area_l2_mm2", "area_memory_phy_mm2", "area_memory_control_mm2", "area_link_phy_mm2", "area_other_mm2",
)  # fmt: skip
OTHER_PARAMS = (  # read when mapping, and by primitives
    "dram_bytes", "small_kernel_bytes_per_s", "kernel_launch_s", "chat_prompt_tokens", "bare_idle_w", "context_w",
    "stream_read", "stream_scale", "stream_triad", "stream_add", "stream_init",
    "l1_latency_s", "l2_latency_s", "l2_far_latency_s", "dram_latency_s", "threads_per_sm", "thread_bytes_in_flight",
    "host_link_bytes_per_s", "host_link_latency_s",
)  # fmt: skip
TILES = 4
TILE_PARAMS = ("tile_rows", "tile_cols", "tile_rate", "sgemm_rows", "sgemm_cols", "sgemm_rate")
MAPPING_NUMBERS = ("devices", "nodes", "serving", "split_kv", "algorithm", "activity", "pcie", "native", "nchw", "l2_resident")
PARAM_DTYPE = np.dtype([(n, np.float64) for n in CHIP_PARAMS + MAPPING_NUMBERS] + [(n, np.float64, (TILES,)) for n in TILE_PARAMS])
FRACTIONS = tuple(p for p in CHIP_PARAMS + OTHER_PARAMS if p.startswith("stream_") or "_stream" in p or "_fraction" in p)
FRACTIONS += ("sgemm_alone", "epilogue_exposed", "overlap_exposed")
MAY_BE_ZERO = (
    "gemm_ramp_s", "vector_ramp_s", "host_step_s", "host_request_s", "link_pipeline_s", "active_idle_w", "dram_j_per_byte", "tensor_j_per_flop",
    "tensor8_j_per_flop", "vector_j_per_flop", "fp64_j_per_flop", "link_j_per_byte", "request_j", "epilogue_exposed", "overlap_exposed",
    "bare_idle_w", "context_w",
    "eager_collective_s",
    "link_bytes_per_s", "tensor_tf32_macs_per_cycle", "tensor_int8_macs_per_cycle", "tensor_fp8_macs_per_cycle",  # 0: the chip has none
)  # fmt: skip

SLOTS = (
    Slot("launch", "cycles", "sm", 0),
    Slot("compute", "cycles", "sm", 1),
    Slot("memory", "cycles", "dram", 1),
    Slot("dispatch", "cycles", "host", 1),
    Slot("collective", "cycles", "link", 1),
    Slot("exposed", "cycles", "dram", 2),  # what arithmetic and memory do not hide of each other, and conversions before a product
    Slot("host_gap", "cycles", "host", 3),
    Slot("dram_traffic", "joules"),
    Slot("arithmetic", "joules"),
    Slot("link_traffic", "joules"),
    Slot("engine_work", "joules"),
    Slot("dram_bytes", "bytes", "dram"),
    Slot("on_chip_bytes", "bytes", "on chip"),  # kept in registers between fused kernels, or in L2
    Slot("link_bytes", "bytes", "link"),
    Slot("roofline", "roofline", "sm"),
    Slot("tile", "note"),  # index of the tile shape; `TILES` for Winograd's algorithm
    Slot("split_k", "note"),
    Slot("clock_scale", "note"),  # share of the stated clock that the power limit leaves
)
RESOURCES = {"sm": 1, "dram": 1, "link": 1, "host": 1}


def check_chip(chip: Chip) -> None:
    """Refuse a chip that lacks a constant of this target, or states an impossible one. Raises `MissingParameter`, `InvalidChip`."""
    for name in CHIP_PARAMS + OTHER_PARAMS:
        if name not in chip.params:
            raise MissingParameter(name, chip.name, chip.params)
        value = chip.number(name)
        if value < 0 or (value == 0 and name not in MAY_BE_ZERO and not name.startswith("area_")):
            raise InvalidChip(f"chip '{chip.name}': {name} must be positive, got {value:g}")
        if name in FRACTIONS and value > 1:
            raise InvalidChip(f"chip '{chip.name}': {name} is a fraction of a peak, got {value:g}")
    for name in TILE_PARAMS:
        sizes = chip.vector(name)
        if len(sizes) != TILES or min(sizes) <= 0 or (name.endswith("_rate") and max(sizes) > 1):
            raise InvalidChip(f"chip '{chip.name}': {name} needs {TILES} positive sizes (rates: at most 1), got {sizes}")
    for name in ("throttle_exponent", "l2_multicast"):
        if chip.number(name) < 1:
            raise InvalidChip(f"chip '{chip.name}': {name} is at least 1, got {chip.number(name):g}")


def parameter_record(chip: Chip, numbers: Mapping[str, float]) -> Table:
    """Return the record of chip constants and mapping numbers as a table of one row."""
    table = np.zeros(1, dtype=PARAM_DTYPE)
    for name in CHIP_PARAMS:
        table[name] = chip.number(name)
    for name in TILE_PARAMS:
        table[name] = chip.vector(name)
    for name, value in numbers.items():
        table[name] = value
    return table
