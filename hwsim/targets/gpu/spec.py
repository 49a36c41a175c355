"""What a GPU's chip file states, and the records that the price function reads and fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.core.program import Slot
from hwsim.tech.arithmetic import SAVED_NUMBERS

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
    "batch", "m", "k", "n", "share",  # sizes per GPU; share: this operator's part of a merged product of width n
    "element_bytes", "weight_element_bytes", "expanded",  # expanded: the kernel expands weights to 16 bits before it multiplies
    "groups", "c", "wino_m",  # convolution: groups, input channels of one; 2 x 2 output tiles where Winograd's algorithm applies (else 0)
    "heads", "kv_heads", "q", "kv", "head_dim", "pairs",  # attention per GPU; pairs: (query, key) pairs per head
    "rows", "heavy", "bytes", "weight_bytes", "write_bytes", "fused_bytes", "converted_bytes",  # per GPU, each operand once; fused: in registers
    "macs", "flops",  # of all GPUs
    "compulsory_bytes", "gpus",  # gpus: on which the operator runs
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

TILES = 4
NUMBERS = ("devices", "nodes", "serving", "split_kv", "algorithm", "activity", "pcie", "native", "nchw", "l2_resident",
           "vllm", "transformers", *SAVED_NUMBERS)  # fmt: skip


def _fractions(names: str, **bounds: Any) -> tuple[Constant, ...]:
    """Achieved fractions of a peak."""
    return constants(names, most=1, **bounds)


PARAMETERS = ParameterTable(
    (
        *constants("clock_hz sm_count"),
        *(Constant(name, zero=code in (TENSOR_TF32, TENSOR_INT8, TENSOR_FP8)) for code, name in RATES.items()),  # 0: the chip has none
        *constants("dram_bytes_per_s l2_bytes l2_near_bytes l2_bytes_per_s l2_far_bytes_per_s"),
        *constants("l2_multicast", least=1),
        *_fractions("gemm_fraction_framework gemm_fraction_serving sgemm_fraction sgemm_fraction_native sgemm_alone"),
        *constants("sgemm_least_k conv_least_k expand_instructions"),
        *_fractions("gemm_stream_framework gemm_stream_serving"),
        *_fractions("overlap_exposed epilogue_exposed", zero=True),
        *_fractions("fp8_fraction conv_fraction conv_fraction_fp32 winograd_fraction depthwise_fraction depthwise_stream nchw_fraction"),
        *constants("group_cols group_channels group_channels_native"),
        *constants("group_fill_k", zero=True),
        *_fractions("attention_fraction decode_attention_stream"),
        *constants("kv_split_tokens"),
        *_fractions("copy_stream activation_stream_framework norm_stream_framework softmax_stream"),
        *constants("activation_bytes_per_cycle norm_bytes_per_cycle"),
        *constants("l2_hot_gain", least=1),
        *constants("threads_per_sm"),
        *constants("gemm_ramp_s vector_ramp_s", zero=True),
        *constants("queued_launch_s graph_launch_s grid_sync_s eager_matmul_s eager_softmax_s eager_norm_s eager_elementwise_s"),
        *constants("eager_collective_s", zero=True),
        *constants("async_dispatch_s transformers_dispatch_s"),
        *constants("host_step_s vllm_step_s host_request_s link_bytes_per_s", zero=True),  # no link: 0
        *_fractions("link_fraction"),
        *constants("link_hop_s"),
        *constants("link_pipeline_s", zero=True),
        *constants("link_pipeline_bytes one_shot_s"),
        *_fractions("switch_fraction"),
        *constants("switch_bytes pcie_allreduce_bytes_per_s node_bytes_per_s node_hop_s"),
        *constants("dram_j_per_byte tensor_j_per_flop tensor8_j_per_flop vector_j_per_flop fp64_j_per_flop link_j_per_byte request_j", zero=True),
        *constants("active_idle_w", zero=True),
        *constants("tdp_w"),
        *constants("throttle_exponent", least=1),
        *constants("area_cores_mm2 area_network_mm2 area_l2_mm2 area_memory_phy_mm2 area_memory_control_mm2", zero=True),
        *constants("area_link_phy_mm2 area_other_mm2", zero=True),
        *constants("tile_rows tile_cols", size=TILES),
        *_fractions("tile_rate", size=TILES),
        *constants("sgemm_rows sgemm_cols", size=TILES),
        *_fractions("sgemm_rate", size=TILES),
        # read when mapping, and by primitives
        *constants("dram_bytes small_kernel_bytes_per_s kernel_launch_s chat_prompt_tokens", priced=False),
        *constants("bare_idle_w context_w", zero=True, priced=False),
        *_fractions("stream_read stream_scale stream_triad stream_add stream_init", priced=False),
        *constants("l1_latency_s l2_latency_s l2_far_latency_s dram_latency_s thread_bytes_in_flight", priced=False),
        *constants("host_link_bytes_per_s host_link_latency_s", priced=False),
    ),
    NUMBERS,
)

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
