"""L-Mul in place of the multipliers of a manycore: what a product costs above sequencing and addition."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import single_op
from hwsim.core.report import Report

PRODUCT = {"m": 256, "k": 256, "n": 256}


def run(what: Any, **mapping: Any) -> Report:
    return hwsim.simulate(what, hwsim.load_chip("et-soc-1"), mapping=mapping, interval=False)


def joules(what: Any, slot: str, **mapping: Any) -> float:
    return run(what, **mapping).cost.by_component("joules").get(slot, 0.0)


@pytest.mark.parametrize(("dtype", "saved"), [("fp32", 1 - 1.0 / 4.6), ("fp16", 1 - 0.95 / 2.0)])
@pytest.mark.parametrize("data", ["ones", "random", "unspecified"])
def test_the_tensor_unit_saves_of_what_is_above_zeros(dtype: str, saved: float, data: str) -> None:
    op = single_op("matmul", dtype=dtype, **PRODUCT)
    whole, less = (joules(op, "tensor_j", data=data, multiplier=m) for m in ("standard", "lmul"))
    zeros = joules(op, "tensor_j", data="zeros")
    assert whole - less == pytest.approx(saved * (whole - zeros)) and less > zeros
    assert joules(op, "tensor_j", data=data) == whole


def test_zeros_gate_the_multipliers_already() -> None:
    op = single_op("matmul", dtype="fp32", **PRODUCT)
    assert run(op, data="zeros", multiplier="lmul").energy_j == run(op, data="zeros").energy_j


@pytest.mark.parametrize(("unit", "lanes", "add", "fma"), [("simd", 8, "fadd.ps", "fmadd.ps"), ("scalar", 1, "fadd.s", "fmadd.s")])
def test_the_vector_pipe_saves_of_a_multiply_add_over_an_add(unit: str, lanes: int, add: str, fma: str) -> None:
    op = single_op("matmul", dtype="fp32", **PRODUCT)
    whole, less = (run(op, unit=unit, data="random", multiplier=m) for m in ("standard", "lmul"))
    chip = hwsim.load_chip("et-soc-1")
    each = [hwsim.primitive("instruction", chip, {"name": name, "data": "random"})["energy_j"] for name in (fma, add)]
    saved = whole.cost.by_component("joules")["instructions_j"] - less.cost.by_component("joules")["instructions_j"]
    assert saved == pytest.approx((1 - 0.1 / 3.7) * (each[0] - each[1]) * op.macs / lanes)
    assert less.cycles == whole.cycles


def test_dequantised_weights_and_depthwise_convolutions_are_products_too() -> None:
    depthwise = single_op("conv2d", dtype="fp32", n=1, c=64, h=16, w=16, k=64, r=3, s=3, pad=1, groups=64)
    for what in (single_op("matmul", dtype="fp32", weight_dtype="q8_0", **PRODUCT), depthwise):
        less, whole = (joules(what, "instructions_j", multiplier=m) for m in ("lmul", "standard"))
        assert 0.5 * whole < less < whole


def test_a_tensor_loop_in_isolation_follows() -> None:
    chip, loop = hwsim.load_chip("et-soc-1"), {"dtype": "fp32", "m": 16, "n": 16, "k": 16, "data": "random"}
    whole, less, zeros = (
        hwsim.primitive("tensor_fma", chip, {**loop, "data": data}, {"multiplier": m})["energy_per_mac_j"]
        for m, data in (("standard", "random"), ("lmul", "random"), ("standard", "zeros"))
    )
    assert whole - less == pytest.approx((1 - 1.0 / 4.6) * (whole - zeros))
    with pytest.raises(InvalidMapping, match="int8"):
        hwsim.primitive("tensor_fma", chip, {**loop, "dtype": "int8", "k": 64}, {"multiplier": "lmul"})


def test_softmax_is_no_product_and_integers_stay() -> None:
    for what in (single_op("matmul", dtype="int8", **PRODUCT), single_op("softmax", dtype="fp32", rows=64, cols=64)):
        with pytest.raises(InvalidMapping, match="floating-point products"):
            run(what, multiplier="lmul")
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=64, layers=2)
    whole, less = (run(graph, multiplier=m) for m in ("standard", "lmul"))
    assert less.latency_s == whole.latency_s and less.energy_j < whole.energy_j
    assert less.cost.by_component("joules")["instructions_j"] == whole.cost.by_component("joules")["instructions_j"]
    assert any("upper bound" in line and "lmul" in line for line in less.cost.program.assumptions)
