"""The FlightLLM engine: decoder language models as instruction programs on one core per die."""

from __future__ import annotations

from hwsim.targets.fpga.engine import Engine
from hwsim.targets.fpga.flightllm.loops import refine
from hwsim.targets.fpga.flightllm.plan import plan
from hwsim.targets.fpga.flightllm.primitives import PRIMITIVES
from hwsim.targets.fpga.flightllm.rates import rates
from hwsim.targets.fpga.flightllm.resources import peak_macs, resources
from hwsim.targets.fpga.flightllm.spec import CODE, CONSTANTS

ENGINE = Engine(
    name="flightllm", code=CODE, about="decoder language models on instruction queues (FlightLLM)", plan=plan, resources=resources,
    peak_macs=peak_macs,
    overrides={"cores": "cores", "qk_density": "qk_density", "decode_bucket": "decode_bucket", "prefill_bucket": "prefill_bucket"},
    options=frozenset({"timing", "core_efficiency", "hbm_efficiency", "hbm_bandwidth_bytes_per_s", "weight_bits", "overlap", "attention_mask",
                       "share_slrs", "merge_channels", "slrs"}),
    structural=frozenset({c.name for c in CONSTANTS if not c.priced} | {
        "cores", "mm_n", "mm_k", "mm_m", "mm_granule_m", "mm_granule_n", "mv_granule_n", "a_channels", "buffer_depth", "sfu_elements_per_cycle",
        "dsp_int8_macs", "hbm_channels", "hbm_bytes"}),
    primitives=PRIMITIVES, refine=refine, rates=rates,
)  # fmt: skip
