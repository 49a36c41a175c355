"""L-Mul in place of the multipliers of an FPGA design: for those that multiply floating-point numbers, an upper bound."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import single_op
from hwsim.core.report import Report


def run(chip: str, dtypes: dict[str, str], **mapping: Any) -> Report:
    graph = hwsim.load_graph("gpt2-345m", phase="decode", context=16, layers=2, **dtypes)
    return hwsim.simulate(graph, hwsim.load_chip(chip), mapping=mapping, interval=False)


def test_a_floating_point_overlay() -> None:
    whole, less = (run("u280+dfx", {"dtype": "fp16"}, multiplier=m) for m in ("standard", "lmul"))
    before, after = whole.cost.by_component("joules"), less.cost.by_component("joules")
    assert after["mac_energy"] == pytest.approx(0.3 * before["mac_energy"])
    assert {k: v for k, v in after.items() if k != "mac_energy"} == {k: v for k, v in before.items() if k != "mac_energy"}
    assert less.latency_s == whole.latency_s and run("u280+dfx", {"dtype": "fp16"}).energy_j == whole.energy_j
    assert any("not fabric" in line and "upper bound" in line for line in less.cost.program.assumptions)


def test_integer_weights_make_integer_products() -> None:
    mixed = {"dtype": "fp16", "weight_dtype": "int4"}
    whole, less = (run("u280+dfx", mixed, multiplier=m) for m in ("standard", "lmul"))
    for (op, _, _, before, _), (_, _, _, after, _) in zip(whole.cost.operators(), less.cost.operators(), strict=True):
        assert (after < before) == (op.kind == "attention")
    assert any("int4 products stay" in line for line in less.cost.program.assumptions)


def test_designs_of_integers_refuse_it() -> None:
    with pytest.raises(InvalidMapping, match="int8"):
        run("u280+dfx", {"dtype": "int8"}, multiplier="lmul")
    with pytest.raises(InvalidMapping, match="no mapping option multiplier"):
        hwsim.simulate(single_op("matmul", dtype="int8", m=8, k=8, n=8), hwsim.load_chip("u280+systolic_array"), mapping={"multiplier": "lmul"})
