"""What a spatial design file states, and the engine's own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant
from hwsim.targets.fpga.stated_counts import STATED

CODE = 50.0
FUSED, KEYS, BLOCK, SINGLE, STEP, STEP_ATTENTION = range(6)
CONSTANTS = (
    Constant("cards", least=1, whole=True),
    # prompt: tokens and weights that each kernel takes per cycle
    Constant("tokens_at_once", least=1),
    Constant("kernel_macs", least=1),  # of every kernel that states no width of its own (0)
    Constant("linear_macs", zero=True),
    Constant("attention_macs", zero=True),
    Constant("ffn_macs", zero=True),
    Constant("stage_scores_per_cycle", zero=True),  # 0: keeps up with the products
    Constant("stage_efficiency", most=1),
    # one token at a time
    Constant("shared_macs", zero=True),  # one kernel for all linear layers; 0: the kernels above, one after another
    Constant("step_attention_macs", zero=True),
    Constant("step_history", zero=True, most=1, priced=False),  # a step attends to its context
    Constant("step_clock_hz", zero=True),  # of another bitstream for decoding; 0: the same
    Constant("module_fill_cycles", zero=True),
    Constant("launch_s", zero=True),
    Constant("exchange_s", zero=True),
    Constant("used_bytes_per_s", zero=True),  # of memory; 0: what its channels give
    Constant("dies_used", least=1, priced=False),
    Constant("timed_blocks", zero=True, priced=False),  # of an encoder; 0: all
    *STATED,
)
NUMBERS = ("boards", "sd_own_clock", "sd_attention_macs")  # a clock of its own: none stated; stated width of attention kernels, 0: none
FIELDS = (
    "sd_task",
    "sd_keys",  # MACs of the widest of the key and value kernels, which end before attention begins
    "sd_query", "sd_out", "sd_ffn",  # MACs of one kernel each: query, output projection, widest layer of the feed-forward network
    "sd_product",  # MACs of Q K^T, all pairs
    "sd_scores",  # (query, key, head) triples
    "sd_tokens",
    "sd_widest", "sd_all",  # of a step's layers that run at once: the widest, and all
    "sd_feed",  # 1: a layer of the feed-forward network
    "sd_bytes",  # weights and cache of the stage
    "sd_macs",  # MACs of the stage in all
)  # fmt: skip
