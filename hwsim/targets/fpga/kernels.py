"""`price`: what one operator costs; each design's engine fills the cycles and bytes, `power.charge` the joules. `prepare` fills derived columns."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit
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


@jit
def prepare(p: Any) -> None:
    """Fill the columns that follow from constants."""
    p.clock_hz = p.design_clock_hz
    if p.engine_code == FLIGHTLLM:
        prepare_flightllm(p)
    elif p.engine_code == WEIGHT_STREAM:
        prepare_weight_stream(p)


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution on the whole design); one without a model (kind 0) only moves its compulsory bytes."""
    if op.kind > 0:
        if p.engine_code == SYSTOLIC:
            price_systolic(op, p, out)
        elif p.engine_code == FLIGHTLLM:
            price_flightllm(op, p, out)
        elif p.engine_code == DPU:
            price_dpu(op, p, out)
        elif p.engine_code == EDGE_MOE:
            price_edge_moe(op, p, out)
        elif p.engine_code == STREAM:
            price_stream(op, p, out)
        elif p.engine_code == WEIGHT_STREAM:
            price_weight_stream(op, p, out)
    charge(op, p, out)
