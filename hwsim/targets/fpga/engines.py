"""All engines by name."""

from __future__ import annotations

from hwsim.targets.fpga.dpu.engine import ENGINE as DPU
from hwsim.targets.fpga.edge_moe.engine import ENGINE as EDGE_MOE
from hwsim.targets.fpga.engine import Engine
from hwsim.targets.fpga.flightllm.engine import ENGINE as FLIGHTLLM
from hwsim.targets.fpga.stream.engine import ENGINE as STREAM
from hwsim.targets.fpga.systolic.engine import ENGINE as SYSTOLIC
from hwsim.targets.fpga.weight_stream.engine import ENGINE as WEIGHT_STREAM

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (SYSTOLIC, FLIGHTLLM, DPU, EDGE_MOE, STREAM, WEIGHT_STREAM)}
