"""The spatial engine: transformers as a dataflow block of one kernel per layer type (FlexLLM, Spatial LLM, StreamTensor, CODO, LoopLynx)."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.targets.fpga.engine import Engine
from hwsim.targets.fpga.flightllm.rates import rates
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.stated import stated_resources
from hwsim.targets.fpga.stated_counts import STATED_NAMES
from hwsim.targets.fpga.stream.encode import plan
from hwsim.targets.fpga.stream.primitives import PRIMITIVES
from hwsim.targets.fpga.stream.spec import CODE

KERNELS = {"linear": 4, "attention": 2, "ffn": 2}  # query, key, value, output; Q K^T, A V; two layers of the feed-forward network


def peak_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle of all kernels of a prompt (mm), or of those that one token keeps busy (mv)."""
    common = chip.number("kernel_macs")
    if mode == "mv" and chip.number("shared_macs"):
        return chip.number("shared_macs") + 2 * (chip.number("step_attention_macs") or common)
    return chip.number("tokens_at_once") * sum(count * (chip.number(f"{name}_macs") or common) for name, count in KERNELS.items())


def running_w(chip: Chip, options: Options) -> float:
    """Watts of the products of a decode step's kernels when they never wait, and of the weights and keys that they read."""
    clock, common = chip.number("step_clock_hz") or chip.number("design_clock_hz"), chip.number("kernel_macs")
    acting, weight, cache = chip.vector("product_bits")
    linear, attention = chip.number("shared_macs") or common, 2 * (chip.number("step_attention_macs") or common)
    products = (linear * acting * weight + attention * cache * cache) / 64
    read = linear * weight / 8 + attention * cache / 8
    return clock * (products * chip.number("mac_j") + read * chip.number("hbm_j_per_byte"))


ENGINE = Engine(
    name="stream", code=CODE, about="transformers as a dataflow block of one kernel per layer type", plan=plan, resources=stated_resources,
    peak_macs=peak_macs, running_w=running_w,
    overrides={"tp": "tokens_at_once", "wp_kqvo": "linear_macs", "wp_ffn": "ffn_macs", "wp_int4": "shared_macs",
               "macs_per_kernel": "kernel_macs", "slrs": "dies_used", "cards": "cards",
               "mem_bandwidth_bytes_per_s": "used_bytes_per_s"},
    options=frozenset({"dsp", "wp_mha", "bp"}),
    structural=STATED_NAMES | {"cards", "dies_used", "timed_blocks", "shared_macs", "step_history", "product_bits"},
    primitives=PRIMITIVES, rates=rates,
)  # fmt: skip
