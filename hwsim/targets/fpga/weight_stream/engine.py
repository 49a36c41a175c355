"""The weight-streaming engine: memory-bound decoders (Hummingbird, LlamaF, DFX, TerEffic, TeLLMe, ...)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.cost import operator_cycles, weighted
from hwsim.core.program import Program, Table
from hwsim.core.target import load_target
from hwsim.engine.analytic import price_rows
from hwsim.engine.road import price_points
from hwsim.targets.fpga.engine import Engine
from hwsim.targets.fpga.flightllm.rates import rates as generation_rates
from hwsim.targets.fpga.stated import stated_resources
from hwsim.targets.fpga.stated_counts import STATED_NAMES
from hwsim.targets.fpga.weight_stream.encode import plan, streamed_weight_bytes, used_peak
from hwsim.targets.fpga.weight_stream.spec import CODE

OVER_TOTAL = "dfx"  # publishes generated tokens over the total time


def peak_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle of all cores of one card; matrix x vector is what they are built for."""
    return chip.number("cores") * chip.number("macs_per_core")


def rates(program: Program, params: Table) -> Mapping[str, NDArray[np.float64]]:
    """Decode: ``utilisation`` = tokens/s x weight bytes / peak bandwidth. Generation: tokens over decode time, except where published over all."""
    if program.graph.phase == "generate":
        return {} if program.chip.text("design") == OVER_TOTAL else generation_rates(program, params)
    peak = used_peak(program.chip)
    if program.graph.phase != "decode" or not peak:
        return {}
    target = load_target("fpga")
    if len(params) > 1:
        cycles = price_points(target, program, params).cycles
    else:
        cycles = np.array([weighted(program.counts, operator_cycles(price_rows(target.price, program, params), program.stages))])
    return {"utilisation": streamed_weight_bytes(program.graph, program.chip) / (cycles / params["clock_hz"]) / peak}


ENGINE = Engine(
    name="weight_stream", code=CODE, about="decoders that stream their weights from memory", plan=plan, resources=stated_resources,
    peak_macs=peak_macs,
    overrides={
        "cores": "cores", "cards": "cards", "axi_ports": "stream_ports", "port_bits": "axi_port_bits", "column_aligned": "column_aligned",
        "bytes_per_transfer": "transfer_bytes", "weights": "weights_in", "lm_head": "lm_head_on", "ddr_channels": "stream_channels",
        "mem_bandwidth_bytes_per_s": "used_bytes_per_s",
    },
    options=frozenset({"dsp", "attention_mask", "multiplier"}),
    structural=STATED_NAMES | {
        "cores", "cards", "stream_ports", "axi_ports", "weights_in", "lm_head_on", "host_macs_per_s", "stored_density", "index_bits_per_weight",
        "added_memory_bytes", "embedding_resident", "stream_channels", "used_bytes_per_s", "column_aligned",
        "hbm_channel_bytes_per_s", "ddr_channel_bytes_per_s"},
    rates=rates,
)  # fmt: skip
