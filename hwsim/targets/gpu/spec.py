"""What a GPU's chip file states, and the records that the price function reads and fills."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, MissingParameter
from hwsim.core.program import Slot, Table

# kinds of operator, as this target prices them
UNMODELLED, MATMUL, ATTENTION, SOFTMAX, NORM, VECTOR, ALLREDUCE = 0, 1, 2, 3, 4, 5, 6
# arithmetic that a matrix product runs on
VECTOR_FP32, TENSOR_TF32, TENSOR_16, TENSOR_INT8 = 1, 2, 3, 4
# dispatch
KERNEL, QUEUED, GRAPH, EAGER = 0, 1, 2, 3
DISPATCH_CODES = {"kernel": KERNEL, "queued": QUEUED, "graph": GRAPH, "eager": EAGER}
# all-reduce algorithms; 0 takes the faster one, as serving engines do
FASTER, RING, ONE_SHOT = 0, 1, 2
ALGORITHM_CODES = {"ring": RING, "one_shot": ONE_SHOT}

OP_FIELDS = (
    "kind", "arithmetic", "dispatch", "launches", "host",  # launches: share of one kernel launch (2 kernels: 2); host: a step starts here
    "batch", "m", "k", "n", "share", "element_bytes",  # sizes per GPU; share: this operator's part of a merged product of width n
    "heads", "kv_heads", "q", "kv", "head_dim", "pairs",  # attention per GPU; pairs: (query, key) pairs per head
    "heavy", "bytes", "macs", "flops",  # bytes: per GPU, each operand once; macs, flops: of all GPUs
    "compulsory_bytes", "gpus",  # gpus: on which the operator runs
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

CHIP_PARAMS = (
    "clock_hz", "sm_count", "tensor16_macs_per_cycle", "tensor_tf32_macs_per_cycle", "tensor_int8_macs_per_cycle", "vector_fp32_macs_per_cycle",
    "dram_bytes_per_s", "l2_bytes_per_s",
    "gemm_fraction_framework", "gemm_fraction_serving", "sgemm_fraction", "gemm_stream_framework", "gemm_stream_serving", "overlap_exponent",
    "attention_fraction", "decode_attention_stream", "kv_split_tokens",
    "copy_stream", "activation_stream_framework", "activation_stream_serving", "norm_stream_framework", "norm_stream_serving", "softmax_stream",
    "gemm_ramp_s", "vector_ramp_s", "queued_launch_s", "graph_launch_s",
    "eager_matmul_s", "eager_softmax_s", "eager_norm_s", "eager_elementwise_s", "host_step_s",
    "link_bytes_per_s", "link_fraction", "link_hop_s", "link_pipeline_s", "link_pipeline_bytes", "one_shot_s", "node_bytes_per_s", "node_hop_s",
    "dram_j_per_byte", "tensor_j_per_flop", "vector_j_per_flop", "link_j_per_byte", "active_idle_w", "tdp_w",
    "area_cores_mm2", "area_network_mm2", "area_l2_mm2", "area_memory_phy_mm2", "area_memory_control_mm2", "area_link_phy_mm2", "area_other_mm2",
)  # fmt: skip
OTHER_PARAMS = ("dram_bytes", "small_kernel_bytes_per_s")  # read when mapping, and by primitives
TILES = 4
TILE_PARAMS = ("tile_rows", "tile_cols")
MAPPING_NUMBERS = ("devices", "nodes", "serving", "split_kv", "algorithm", "activity")
PARAM_DTYPE = np.dtype([(n, np.float64) for n in CHIP_PARAMS + MAPPING_NUMBERS] + [(n, np.float64, (TILES,)) for n in TILE_PARAMS])
FRACTIONS = tuple(p for p in CHIP_PARAMS if "_stream" in p or "_fraction" in p)
MAY_BE_ZERO = ("gemm_ramp_s", "vector_ramp_s", "host_step_s", "link_pipeline_s", "active_idle_w", "dram_j_per_byte", "tensor_j_per_flop",
               "vector_j_per_flop", "link_j_per_byte")  # fmt: skip

SLOTS = (
    Slot("launch", "cycles", "sm", 0),
    Slot("compute", "cycles", "sm", 1),
    Slot("memory", "cycles", "dram", 1),
    Slot("overlap_loss", "cycles", "sm", 2),
    Slot("collective", "cycles", "link", 3),
    Slot("host_gap", "cycles", "host", 4),
    Slot("dram_traffic", "joules"),
    Slot("arithmetic", "joules"),
    Slot("link_traffic", "joules"),
    Slot("dram_bytes", "bytes", "dram"),
    Slot("link_bytes", "bytes", "link"),
    Slot("roofline", "roofline", "sm"),
    Slot("tile", "note"),
    Slot("split_k", "note"),
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
        if len(sizes := chip.vector(name)) != TILES or min(sizes) < 1:
            raise InvalidChip(f"chip '{chip.name}': {name} needs {TILES} positive sizes, got {sizes}")
    if chip.number("overlap_exponent") < 1:
        raise InvalidChip(f"chip '{chip.name}': overlap_exponent is at least 1 (1: no overlap), got {chip.number('overlap_exponent'):g}")


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
