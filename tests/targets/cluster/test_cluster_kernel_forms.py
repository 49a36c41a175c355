"""Kernels against closed forms: published cycle equations, instruction counts per output, ceil() of the shares."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.graph import single_op
from hwsim.core.report import Report

WOLF, GAP8, OPEN = (hwsim.load_chip(name) for name in ("mr-wolf", "gap8", "pulp-open"))


def slots(report: Report) -> dict[str, float]:
    return {s.name: float(report.cost.values[0, i]) for i, s in enumerate(report.cost.program.slots)}


def run(chip: Any, kind: str, mapping: dict[str, Any], **bounds: Any) -> Report:
    return hwsim.simulate(single_op(kind, **bounds), chip, mapping, interval=False)


@pytest.mark.parametrize("n", [8, 12, 20, 28, 44, 52])
@pytest.mark.parametrize(
    ("dtype", "equation"),
    [
        ("int32", lambda n: 8 * n * (n / 2) ** 2 + 20 * (n / 2) ** 2 + 29 * (n / 2) + 84),
        ("int16", lambda n: 17 * (n / 4) * (n / 2) ** 2 + 55 * (n / 4) * (n / 2) + 60 * (n / 4) + 140),
        ("int8", lambda n: 31 * (n / 2) * (n / 4) ** 2 + 49 * (n / 2) * (n / 4) + 37 * (n / 2) + 100),
    ],
)
def test_matrix_product_on_one_core_is_the_published_equation(n: int, dtype: str, equation: Any) -> None:
    """pulp-dsp@cc5594b performance.csv: the equations are exact for multiples of four."""
    report = run(WOLF, "matmul", {"cores": 1, "flow": "pulp-dsp"}, m=n, k=n, n=n, dtype=dtype)
    assert report.cycles == pytest.approx(equation(n))


def test_columns_of_blocks_make_a_sawtooth() -> None:
    """int32, two columns a block, eight cores: 16 columns are one round, 18 and 32 two."""
    spent = {n: run(WOLF, "matmul", {"cores": 8, "flow": "pulp-dsp"}, m=32, k=32, n=n, dtype="int32").cycles for n in (14, 16, 18, 32, 34)}
    assert spent[16] == pytest.approx(spent[14], rel=0.02)
    assert spent[32] == pytest.approx(spent[18], rel=0.02)
    assert spent[18] > 1.7 * spent[16]
    assert spent[34] > 1.3 * spent[32]


POOL = {"n": 1, "c": 1, "h": 112, "w": 112, "r": 2, "s": 2, "stride": 2, "dtype": "int8"}
CONV = {"n": 1, "c": 1, "h": 100, "w": 100, "k": 1, "r": 5, "s": 5, "dtype": "int8"}
LINEAR = {"m": 1, "k": 1024, "n": 16, "dtype": "int8"}


@pytest.mark.parametrize(
    ("kind", "bounds", "simd", "outputs", "each"),
    [
        ("pool", {**POOL, "function": "max"}, False, 3136, 8),  # 4 loads, 3 maxima, store
        ("pool", {**POOL, "function": "max"}, True, 3136, 8),  # 2 loads, a stall, 4 operations, store
        ("pool", {**POOL, "function": "average"}, False, 3136, 9),  # 4 loads, 3 adds, shift, store
        ("pool", {**POOL, "function": "average"}, True, 3136, 7),  # 2 loads, a stall, shuffle, dot product, shift, store
        ("conv2d", CONV, False, 9216, 103),  # 25 x (2 loads, a stall, product), load, shift, store
        ("conv2d", CONV, True, 9216, 19.75),  # 7 dot products and what feeds them
        ("matmul", LINEAR, False, 16, 3 * 1024),  # 2 loads and a product
        ("matmul", LINEAR, True, 16, 6 * 1024 / 8),  # 4 loads and 2 dot products for eight
    ],
)
def test_byte_kernels_take_their_instructions(kind: str, bounds: dict[str, Any], simd: bool, outputs: int, each: float) -> None:
    report = run(GAP8, kind, {"cores": 1, "simd": simd, "runtime": "gap_sdk"}, **bounds)
    loops = 14 * max(56, 96, 16)  # of columns or rows: at most fourteen cycles each
    assert outputs * each <= report.cycles <= outputs * each + loops


def test_one_team_start_an_iteration() -> None:
    one, eight = (slots(run(GAP8, "pool", {"cores": n, "simd": False, "runtime": "gap_sdk"}, **POOL)) for n in (1, 8))
    assert one["fork"] == 0
    assert eight["fork"] == GAP8.number("fork_gap_sdk_cycles")
    assert eight["compute"] == pytest.approx(one["compute"] / 8)


def test_a_convolution_without_extensions_is_slower_by_its_products() -> None:
    plain, xpulp = (run(GAP8, "conv2d", {"cores": 1, "simd": False, "isa": isa}, **CONV).cycles for isa in ("rv32imc", "xpulp"))
    assert 1.25 < plain / xpulp < 1.45


@pytest.mark.parametrize("fp", ["libgcc", "rvfplib", "native"])
@pytest.mark.parametrize("cores", [1, 2, 4, 8])
def test_softmax_of_logistic_regression_is_serial(fp: str, cores: int) -> None:
    """What it costs over svm does not shrink with the team."""
    mapping = {"cores": cores, "fp": fp, "isa": "rv32imc"}
    svm, regression = (run(OPEN, kind, mapping, features=784, classes=10, dtype="fp32") for kind in ("svm", "logistic_regression"))
    published = {"libgcc": 23_500, "rvfplib": 11_200, "native": 680}[fp]
    assert regression.cycles - svm.cycles == pytest.approx(published, rel=0.25)


def test_classes_dealt_to_cores_bound_the_speed_up() -> None:
    """Ten classes on eight cores are two rounds: at most five times as fast."""
    one, eight = (run(OPEN, "svm", {"cores": n, "split": "vertical", "fp": "rvfplib"}, features=784, classes=10, dtype="fp32") for n in (1, 8))
    assert 4.8 < one.cycles / eight.cycles <= 5.0
    assert slots(eight)["imbalance"] == pytest.approx(0.6 * slots(eight)["compute"], rel=0.01)


def test_an_fft_is_its_butterflies() -> None:
    """2048 points: 11 stages of 1024 butterflies, 20.1 cycles each as published; a barrier after each stage and the reordering."""
    report = run(WOLF, "fft", {"cores": 1, "flow": "pulp-dsp"}, points=2048, function="real", dtype="fp32")
    assert report.cycles / (11 * 1024) == pytest.approx(20.1, rel=0.05)
    assert slots(run(WOLF, "fft", {"cores": 2}, points=2048, dtype="fp32"))["barrier"] == 12 * WOLF.number("barrier_cycles")


def test_operands_in_l2_cost_an_access_each() -> None:
    near, far = (run(WOLF, "dot", {"cores": 1, "flow": "pulp-dsp", "data": data}, elements=80, dtype="int32").cycles for data in ("l1", "l2"))
    assert far - near == pytest.approx(160 * (WOLF.number("l2_access_cycles") - 1), rel=0.1)
