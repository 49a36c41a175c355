"""Inputs that a cluster refuses, and what it says."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import InvalidMapping, UnsupportedOp
from hwsim.core.graph import single_op

SVM = {"features": 784, "classes": 10, "dtype": "fp32"}


def run(chip: str, mapping: dict[str, Any], kind: str = "svm", **bounds: Any) -> Any:
    return hwsim.simulate(single_op(kind, **(bounds or SVM)), hwsim.load_chip(chip), mapping, interval=False)


@pytest.mark.parametrize(
    ("chip", "mapping", "words"),
    [
        ("pulp-open", {"multiplier": "lmul"}, "whatever it computes"),
        ("pulp-open", {"cores": 9}, "pulp-open has 8"),
        ("gap8", {"fp": "native"}, "no floating-point unit; use libgcc or rvfplib"),
        ("gap8", {"voltage_v": 0.2}, "does not run at 0.2 V"),
        ("gap8", {"frequency_hz": 100e6, "voltage_v": 1.0}, "at most at 90 MHz at 1 V"),
        ("gap8", {"flow": "x-cube-ai"}, "a stack for Cortex-M"),
        ("cortex-m4", {"fp": "libgcc"}, "emulation library for RISC-V"),
        ("cortex-m4", {"part": "stm32u575"}, "stands for stm32l4r5, stm32l476"),
    ],
)
def test_options_that_a_chip_cannot_serve(chip: str, mapping: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidMapping, match=words):
        run(chip, mapping)


@pytest.mark.parametrize("flow", ["dory", "autotiler-nntool", None])
def test_networks_need_packed_products(flow: str | None) -> None:
    graph = hwsim.load_graph("mlperf-tiny-kws", dtype="int8")
    with pytest.raises(InvalidMapping, match="Xpulp"):
        hwsim.simulate(graph, hwsim.load_chip("gap8"), {"isa": "rv32imc"} | ({"flow": flow} if flow else {}), interval=False)


def test_operands_beyond_the_memory_are_warned_of() -> None:
    chip = hwsim.load_chip("pulp-open")
    for features, data, words in ((1400, "l1", ""), (5000, "l1", "the TCDM holds 65,536"), (5000, "l2", ""), (50_000, "l2", "L2 holds")):
        report = hwsim.simulate(single_op("svm", features=features, classes=10, dtype="fp32"), chip, {"data": data}, interval=False)
        found = " ".join(report.cost.program.warnings)
        assert words in found
        assert bool(words) == bool(found)


def test_standard_multipliers_change_nothing() -> None:
    assert run("pulp-open", {"multiplier": "standard"}).energy_j == run("pulp-open", {}).energy_j


def test_a_dtype_of_other_chips_is_not_offered_as_the_way_out() -> None:
    with pytest.raises(UnsupportedOp, match="no kernel for fp16 with xpulp that serves its sizes on pulp-open"):
        run("pulp-open", {}, "dot", elements=64, dtype="fp16")
    assert run("gap9", {}, "dot", elements=64, dtype="fp16").cycles > 0


def test_a_microcontroller_has_no_dma_of_a_cluster() -> None:
    with pytest.raises(InvalidMapping, match="loads its operands itself"):
        hwsim.primitive("dma_transfer", hwsim.load_chip("cortex-m4"), {"direction": "l2_to_l1", "bytes": 64})
