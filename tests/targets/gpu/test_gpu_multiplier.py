"""L-Mul in place of the multipliers of a GPU: joules of products only, times as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hwsim
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import single_op
from hwsim.core.report import Report

SAVED = {"fp16": 1 - 0.95 / 2.0, "fp32": 1 - 1.0 / 4.6}  # sums in fp32


def run(what: Any, chip: str = "a100", **mapping: Any) -> Report:
    return hwsim.simulate(what, hwsim.load_chip(chip), mapping=mapping, interval=False)


@pytest.mark.parametrize("dtype", ["fp16", "fp32"])
@pytest.mark.parametrize(
    ("kind", "bounds"),
    [("matmul", {"m": 512, "k": 512, "n": 512}), ("conv2d", {"n": 8, "c": 64, "h": 28, "w": 28, "k": 64, "r": 3, "s": 3, "pad": 1})],
)
def test_joules_of_products_fall_by_the_share_of_their_format(dtype: str, kind: str, bounds: dict[str, int]) -> None:
    op = single_op(kind, dtype=dtype, **bounds)
    whole, less = (run(op, multiplier=m) for m in ("standard", "lmul"))
    assert less.cost.by_component("joules")["arithmetic"] == pytest.approx((1 - SAVED[dtype]) * whole.cost.by_component("joules")["arithmetic"])
    assert less.cost.by_component("joules")["dram_traffic"] == whole.cost.by_component("joules")["dram_traffic"]
    assert less.cycles == whole.cycles and run(op).energy_j == whole.energy_j


def test_softmax_inside_attention_keeps_its_joules() -> None:
    op = single_op("attention", dtype="fp16", batch=1, heads=32, kv_heads=32, head_dim=128, q=1024, kv=1024)
    whole, less = (run(op, multiplier=m).cost.by_component("joules")["arithmetic"] for m in ("standard", "lmul"))
    assert SAVED["fp16"] * 0.5 < 1 - less / whole < SAVED["fp16"]


def test_the_clock_under_the_power_limit_stays() -> None:
    graph = hwsim.load_graph("llama2-7b", phase="prefill", prompt=2048, layers=2)
    board = hwsim.load_chip("a100", tdp_w=200.0)
    whole, less = (hwsim.simulate(graph, board, mapping={"multiplier": m}, interval=False) for m in ("standard", "lmul"))
    at = [s.name for s in whole.cost.program.slots].index("clock_scale")
    assert whole.cost.values[:, at].min() < 1, "the power limit does not bind: choose a heavier product"
    assert np.array_equal(whole.cost.values[:, at], less.cost.values[:, at]) and less.latency_s == whole.latency_s
    assert less.energy_j < whole.energy_j


def test_integer_products_stay_and_the_result_says_so() -> None:
    graph = hwsim.load_graph("llama2-7b", phase="prefill", prompt=64, layers=2, weight_dtype="int8")
    whole, less = (run(graph, system="vllm_smoothquant", multiplier=m) for m in ("standard", "lmul"))
    note = next(line for line in less.cost.program.assumptions if "lmul" in line)
    assert "int8 products stay" in note and "upper bound" in note
    assert not any("lmul" in line for line in whole.cost.program.assumptions)
    table = {True: 0.0, False: 0.0}
    for (op, _, _, before, _), (_, _, _, after, _) in zip(whole.cost.operators(), less.cost.operators(), strict=True):
        table[op.weight_dtype == "int8"] += before - after
    assert table[True] == 0 and table[False] > 0


def test_what_it_cannot_mean_is_refused() -> None:
    product = {"m": 64, "k": 64, "n": 64}
    for dtype, mapping, problem in (
        ("int8", {}, "approximates floating-point products"), ("bf16", {}, "bf16"), ("fp32", {"tf32": True}, "tf32"),
        ("fp16", {"energy_mode": "nameplate"}, "energy_mode=activity"),
    ):  # fmt: skip
        with pytest.raises(InvalidMapping, match=problem):
            run(single_op("matmul", dtype=dtype, **product), multiplier="lmul", **mapping)
    with pytest.raises(InvalidMapping, match="no products"):
        run(single_op("softmax", rows=64, cols=64), multiplier="lmul")


def test_sweeps_vary_it(tmp_path: Any) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(
        "trace: {name: llama2-7b, phase: prefill, prompt: 128, layers: 2}\nchips: [a100]\n"
        "parameters:\n  mapping.multiplier: {choices: [standard, lmul]}\n  tensor_j_per_flop: {list: [0.4 pJ/FLOP, 0.8 pJ/FLOP]}\n"
        "metrics: [energy_j, latency_s]\n"
    )
    found = hwsim.sweep(space, tmp_path / "out").results.columns
    graph, energies = hwsim.load_graph("llama2-7b", phase="prefill", prompt=128, layers=2), set()
    for multiplier, joules, swept in zip(found["mapping.multiplier"], found["tensor_j_per_flop"], found["energy_j"], strict=True):
        chip = hwsim.load_chip("a100", tensor_j_per_flop=float(joules))
        alone = hwsim.simulate(graph, chip, mapping={"multiplier": str(multiplier)}, interval=False)
        assert swept == pytest.approx(alone.energy_j, rel=1e-12)
        energies.add(float(swept))
    assert len(energies) == 4
