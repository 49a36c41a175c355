"""`price`: what one operator costs; each design's engine fills the cycles and bytes, `power.charge` the joules. `prepare` fills derived columns."""

from __future__ import annotations

from typing import Any

from hwsim.engine.kinds import ByKind, nothing
from hwsim.targets.fpga.dpu.price import price_dpu
from hwsim.targets.fpga.dpu.spec import CODE as DPU
from hwsim.targets.fpga.edge_moe.price import price_edge_moe
from hwsim.targets.fpga.edge_moe.spec import CODE as EDGE_MOE
from hwsim.targets.fpga.flightllm.price import price_flightllm
from hwsim.targets.fpga.flightllm.spec import CODE as FLIGHTLLM
from hwsim.targets.fpga.flightllm.timing import prepare_flightllm
from hwsim.targets.fpga.power import charge
from hwsim.targets.fpga.stream.price import price_stream
from hwsim.targets.fpga.stream.spec import CODE as STREAM
from hwsim.targets.fpga.systolic.price import price_systolic
from hwsim.targets.fpga.systolic.spec import CODE as SYSTOLIC
from hwsim.targets.fpga.weight_stream.price import prepare_weight_stream, price_weight_stream
from hwsim.targets.fpga.weight_stream.spec import CODE as WEIGHT_STREAM

prepare_engine: Any = nothing  # stand-ins: each engine's functions take these names
price_engine: Any = nothing


def _prepare(p: Any) -> None:
    """Fill the columns that follow from constants."""
    p.clock_hz = p.design_clock_hz
    prepare_engine(p)


def _price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution on the whole design); one without a model (kind 0) only moves its compulsory bytes."""
    if op.kind > 0:
        price_engine(op, p, out)
    charge(op, p, out)


prepare = ByKind(
    _prepare, 0, "engine_code", "prepare_engine",
    {SYSTOLIC: nothing, FLIGHTLLM: prepare_flightllm, DPU: nothing, EDGE_MOE: nothing, STREAM: nothing, WEIGHT_STREAM: prepare_weight_stream},
)  # fmt: skip
price = ByKind(
    _price, 1, "engine_code", "price_engine",
    {SYSTOLIC: price_systolic, FLIGHTLLM: price_flightllm, DPU: price_dpu, EDGE_MOE: price_edge_moe, STREAM: price_stream,
     WEIGHT_STREAM: price_weight_stream},
)  # fmt: skip
