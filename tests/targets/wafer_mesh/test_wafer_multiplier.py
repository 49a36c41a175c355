"""L-Mul in place of the multipliers of a wafer: the joules of MACs, not those of SRAM, fabric and issue."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import single_op
from hwsim.core.report import Report

PRODUCT = {"m": 256, "k": 256, "n": 256}


def run(what: Any, **mapping: Any) -> Report:
    return hwsim.simulate(what, hwsim.load_chip("wse2"), mapping={"grid": (16, 16), "energy_mode": "activity", **mapping}, interval=False)


@pytest.mark.parametrize(("dtype", "saved"), [("fp16", 1 - 0.45 / 1.5), ("fp32", 1 - 1.0 / 4.6)])
def test_macs_alone_get_cheaper(dtype: str, saved: float) -> None:
    op = single_op("matmul", dtype=dtype, **PRODUCT)
    whole, less = (run(op, multiplier=m) for m in ("standard", "lmul"))
    before, after = whole.cost.by_component("joules"), less.cost.by_component("joules")
    assert after["mac"] == pytest.approx((1 - saved) * before["mac"])
    assert {k: v for k, v in after.items() if k != "mac"} == {k: v for k, v in before.items() if k != "mac"}
    assert less.cycles == whole.cycles and run(op).energy_j == whole.energy_j
    assert any("operand movement" in line and "lmul" in line for line in less.cost.program.assumptions)


def test_a_decode_step() -> None:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=512, layers=2)
    whole, less = (run(graph, grid=(360, 360), multiplier=m) for m in ("standard", "lmul"))
    assert less.cost.by_component("joules")["mac"] == pytest.approx(0.3 * whole.cost.by_component("joules")["mac"])
    assert less.latency_s == whole.latency_s


def test_what_it_cannot_mean_is_refused() -> None:
    product = single_op("matmul", dtype="fp16", **PRODUCT)
    with pytest.raises(InvalidMapping, match="energy_mode=activity"):
        run(product, multiplier="lmul", energy_mode="nameplate")
    with pytest.raises(InvalidMapping, match="energy_mode=activity"):
        hwsim.simulate(product, hwsim.load_chip("wse2"), mapping={"multiplier": "lmul"})
    for other in (single_op("matmul", dtype="int8", **PRODUCT), single_op("fft", points=64, dims=2)):
        with pytest.raises(InvalidMapping, match="floating-point products"):
            run(other, multiplier="lmul")
