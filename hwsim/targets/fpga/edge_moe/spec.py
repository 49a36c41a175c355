"""What an Edge-MoE design file states, and the engine's own columns."""

from __future__ import annotations

from hwsim.core.parameters import Constant

CODE = 40.0
FREE, STREAM, LINEAR, EXPERT, ATTENTION, GATE, GELU, SOFTMAX, PATCH = range(9)
CONSTANTS = (
    Constant("beat_bits", least=8),
    Constant("block_inputs", least=1),
    Constant("block_outputs", least=1),
    Constant("staged_weights", least=1, priced=False),
    Constant("parallel_queries", least=1),
    Constant("attention_lanes", least=1),
    Constant("gate_interval_cycles", least=1),
    # techniques switched off
    Constant("separate_lanes", least=1),
    Constant("naive_queries", least=1),
    Constant("softmax_passes", least=1),
    Constant("exact_function_cycles", least=1),
    # resources and power
    Constant("fixed_lut", zero=True, priced=False),
    Constant("fixed_ff", zero=True, priced=False),
    Constant("fixed_bram", zero=True, priced=False),
    Constant("fixed_dsp", zero=True, priced=False),
    Constant("linear_slices_per_mac", least=1, priced=False),
    Constant("attention_slices_per_mac", least=1, priced=False),
    Constant("host_w", zero=True),
)
NUMBERS = ("em_activation_bits", "em_by_token", "em_multi_pass", "em_exact", "em_separate", "em_naive")  # 1: that technique is off
FIELDS = (
    "em_task",
    "em_tokens", "em_in", "em_out",  # of a linear layer; rows and columns of a stream
    "em_operands",  # tensors that a stream reads
    "em_active", "em_slots",  # experts that have tokens, (token, expert) pairs
)  # fmt: skip
