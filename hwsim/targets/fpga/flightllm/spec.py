"""What a FlightLLM design file states, and the engine's own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant

CODE = 10.0
QUEUES = ("ld", "st", "mm", "mv", "misc", "sys")
CONSTANTS = (
    Constant("cores", least=1),
    Constant("core_efficiency", most=1),
    Constant("simulator_core_efficiency", most=1),
    Constant("simulator_hbm_efficiency", most=1),
    Constant("simulator_cross_efficiency", most=1),
    Constant("ld_gap_s", zero=True),
    # matrix engine: products a core makes per cycle, and columns and rows of one instruction
    Constant("mm_n", least=1),
    Constant("mm_k", least=1),
    Constant("mm_m", least=1),
    Constant("mm_granule_m", least=16),
    Constant("mm_granule_n", least=1),
    Constant("mv_n", least=1),
    Constant("mv_k", least=1),
    Constant("mv_granule_n", least=16),
    Constant("fill_cycles", zero=True),
    # special function unit
    Constant("sfu_elements_per_cycle", least=1),
    Constant("sfu_row_passes", least=1),
    Constant("sfu_latency_cycles", zero=True),
    # buffers: (channels, banks, bytes wide, depth); the others (bytes wide, depth)
    Constant("a_channels", least=1),
    Constant("a_banks", least=1, priced=False),
    Constant("a_bank_bytes", least=1, priced=False),
    Constant("a_channel_bytes_per_cycle", least=1),
    Constant("buffer_depth", least=256),
    Constant("b_buffer_bytes_wide", least=1, priced=False),
    Constant("global_depth", least=1, priced=False),
    Constant("meta_bytes_wide", least=1, priced=False),
    Constant("bias_bytes_wide", least=1, priced=False),
    Constant("port_fifo_depth", zero=True, priced=False),
    Constant("ports_per_core", least=1, priced=False),
    # programs
    Constant("max_length", least=1, priced=False),
    Constant("decode_bucket", least=1, priced=False),
    Constant("prefill_bucket", least=1, priced=False),
    Constant("instruction_bytes", size=6, priced=False),
    Constant("merged_share", zero=True, most=1, priced=False),
    # the compressed model
    Constant("linear_bits", priced=False),
    Constant("cache_bits", priced=False),
    Constant("qk_density", most=1, priced=False),
    Constant("index_bits", zero=True, priced=False),
    Constant("sparse_block", least=1, priced=False),
    Constant("mask_block", least=16, priced=False),
    Constant("mask_row_blocks", size=32, priced=False),
    Constant("lambda_sink_tokens", least=1, priced=False),
    Constant("lambda_window_tokens", least=1, priced=False),
    # resources
    Constant("mpe_lut_per_dsp", zero=True, priced=False),
    Constant("mpe_ff_per_dsp", zero=True, priced=False),
    Constant("sfu_dsp_per_lane", zero=True, priced=False),
    Constant("sfu_lut_per_lane", zero=True, priced=False),
    Constant("port_lut", zero=True, priced=False),
    Constant("scheduler_lut", zero=True, priced=False),
)
NUMBERS = (
    # filled by `Engine.plan` from mapping options; 0 = not stated
    "fl_board", "fl_core_efficiency", "fl_hbm_efficiency", "fl_hbm_bytes_per_s", "fl_serial",
    # derived by `prepare_flightllm`
    "fl_scale",  # 1 / (cores x efficiency)
    "fl_byte",  # cycles per byte on one HBM channel, of all cores together
    "fl_cross",  # the same across channels
    "fl_gap",  # cycles that every LD and ST loses
    "fl_zero",  # cycles per byte of zero fill
    "fl_fill", "fl_sfu",  # cycles from the last operand of a product, of a special function, to its result
)  # fmt: skip
FIELDS = (
    "fl_task",  # which program; `tasks`
    "fl_fuse",  # what is fused behind a product
    "fl_ratio",  # stored bytes of a weight (with its index) over one byte
    "fl_bias",
    "fl_vectors",  # vectors of a decode pass; rows of a norm or softmax
    "fl_tiles",  # full tiles of rows of a prefill
    "fl_rest",  # rows of the last, partial tile, a multiple of 16
    "fl_passes",  # passes of an elementwise operation, operands read
    "fl_operands",
    "fl_cache_ratio",
    "fl_first", "fl_last", "fl_bucket",  # contexts first..last of the decode steps, each in the program of its bucket
    "fl_window",  # keys attended at most
    # attention of a prefill: mask block, length, totals of `masks.Kept`
    "fl_mask", "fl_length", "fl_columns", "fl_kept", "fl_runs", "fl_zero_bytes", "fl_first_columns", "fl_last_kept", "fl_last_rows",
)  # fmt: skip
