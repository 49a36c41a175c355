"""The Edge-MoE engine: vision transformers with experts in fixed point, five techniques on or off."""

from __future__ import annotations

from hwsim.targets.fpga.edge_moe.encode import TECHNIQUES, plan
from hwsim.targets.fpga.edge_moe.primitives import PRIMITIVES
from hwsim.targets.fpga.edge_moe.resources import peak_macs, resources
from hwsim.targets.fpga.edge_moe.spec import CODE, CONSTANTS
from hwsim.targets.fpga.engine import Engine

ENGINE = Engine(
    name="edge_moe", code=CODE, about="vision transformers with a mixture of experts (Edge-MoE)", plan=plan, resources=resources,
    peak_macs=peak_macs, overrides={"port_bits": "axi_port_bits"}, options=frozenset(TECHNIQUES),
    structural=frozenset({c.name for c in CONSTANTS if not c.priced} | {"beat_bits", "block_inputs", "block_outputs", "parallel_queries",
                                                                        "attention_lanes"}),
    primitives=PRIMITIVES,
)  # fmt: skip
