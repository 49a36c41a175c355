"""Kernels without a library behind them: plain convolutions, half precision, and the flow that serves a lone operator."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report

CONV = {"n": 1, "c": 16, "h": 16, "w": 16, "k": 32, "r": 3, "s": 3, "pad": 1}


def run(chip: str, kind: str, bounds: dict[str, Any], **mapping: object) -> Report:
    return hwsim.simulate(single_op(kind, **bounds), hwsim.load_chip(chip), mapping, interval=False)


def test_a_plain_byte_costs_what_one_core_of_gap8_was_measured_at() -> None:
    """729.4 ms for 100 passes over 96 x 96 outputs of 25 products at 175 MHz."""
    report = run("gap8", "conv2d", {**CONV, "dtype": "int8"}, cores=1, isa="rv32imc")
    assert report.cycles / report.macs == pytest.approx(0.007294 * 175e6 / (96 * 96 * 25), rel=0.1)


def test_packed_bytes_are_tens_of_times_faster_than_one_plain_core() -> None:
    """PULP-NN's abstract: up to 63 times; a small layer reaches less."""
    plain = run("pulp-open", "conv2d", {**CONV, "dtype": "int8"}, cores=1, isa="rv32imc")
    packed = run("pulp-open", "conv2d", {**CONV, "dtype": "int8"}, cores=8)
    assert 25 < plain.cycles / packed.cycles < 63


@pytest.mark.parametrize("dtype", ["fp16", "bf16"])
def test_half_precision_does_two_products_an_instruction(dtype: str) -> None:
    mapping: dict[str, object] = {"cores": 1, "isa": "xpulp"}
    half, single = (run("gap9", "dot", {"elements": 8192, "dtype": d}, **mapping) for d in (dtype, "fp32"))
    assert single.cycles / half.cycles == pytest.approx(2, rel=0.01)
    both = [run("gap9", "matmul", {"m": 32, "k": 64, "n": 32, "dtype": d}, cores=8).cycles for d in (dtype, "fp32")]
    assert 1.2 < both[1] / both[0] < 2
    with pytest.raises(UnsupportedOp, match=dtype):
        run("pulp-open", "dot", {"elements": 8192, "dtype": dtype})


@pytest.mark.parametrize("chip", ["gap8", "cortex-m7"])
def test_a_lone_operator_that_only_flows_serve_says_which_one_it_got(chip: str) -> None:
    report = run(chip, "matmul" if chip == "cortex-m7" else "elementwise", {"gap8": {"rows": 8, "cols": 64, "operands": 2, "function": "add"},
                 "cortex-m7": {"m": 1, "k": 64, "n": 16}}[chip] | {"dtype": "int8"})  # fmt: skip
    assert report.cost.program.mapping["flow"] == hwsim.load_chip(chip).text("default_flow")


def test_plain_code_never_gets_a_flow_of_packed_kernels() -> None:
    plain, packed = (run("gap8", "matmul", {"m": 16, "k": 64, "n": 16, "dtype": "int8"}, isa=isa) for isa in ("rv32imc", "xpulp"))
    assert "flow" not in plain.cost.program.mapping
    assert plain.cycles > 3 * packed.cycles
