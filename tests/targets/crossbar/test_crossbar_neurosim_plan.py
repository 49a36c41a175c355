"""NeuroSim's floor plan: elements, tiles, copies, and the clocks that follow from them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

import hwsim
from hwsim.core.graph import Graph, single_op
from hwsim.core.report import Report
from hwsim.targets.crossbar.neurosim.floor_plan import power_of_two

NODE = "neurosim-rram-{}nm"


@cache
def vgg8() -> Graph:
    return hwsim.load_graph("vgg8_cifar10", batch=1, dtype="int8")


def run(graph: Graph, node: int = 22, **mapping: Any) -> Report:
    return hwsim.simulate(graph, hwsim.load_chip(NODE.format(node)), mapping, interval=False)


def of_layers(report: Report, component: str) -> list[float]:
    return [report.part("cycles", component=component, layer=layer) for layer in range(1, 9)]


def rows_of(report: Report, name: str) -> list[float]:
    program = report.cost.program
    return [float(r[name]) for r in program.rows if r["array_count"] > 0]


def test_floor_plan_of_vgg8_is_the_simulators() -> None:
    report = run(vgg8())
    program = report.cost.program
    assert rows_of(report, "tiles") == [1, 1, 2, 2, 4, 4, 32, 1]
    assert rows_of(report, "duplication") == [16, 4, 4, 2, 2, 1, 1, 8]
    assert rows_of(report, "novel") == [0, 1, 1, 1, 1, 1, 0, 0]
    assert rows_of(report, "positions") == [900, 900, 196, 196, 36, 36, 1, 1]
    assert program.figures["arrays"] == 34 * 64 + 13 * 144
    assert program.figures["tiles"] == 47
    assert 2 * report.macs == pytest.approx(1.2318e9, rel=1e-4)


def test_arrays_of_one_copy_hold_its_weights() -> None:
    report = run(vgg8())
    assert rows_of(report, "array_count") == [4, 36, 72, 144, 288, 576, 2048, 8]


def test_conversion_clocks_are_exact() -> None:
    assert of_layers(run(vgg8()), "adc") == [3600, 14400, 3136, 6272, 1152, 2304, 64, 8]


def test_accumulation_clocks_at_22_nm() -> None:
    found = of_layers(run(vgg8()), "accumulation")
    assert found[:6] == [4500, 32400, 7056, 11368, 2088, 3744]
    assert found[6:] == pytest.approx([224, 15], rel=0.02)


def test_slower_adders_take_more_clocks_at_65_nm() -> None:
    small, large = of_layers(run(vgg8()), "accumulation"), of_layers(run(vgg8(), 65), "accumulation")
    assert small[0] == large[0] == 4500  # a layer without adder trees
    assert large[1:] == pytest.approx([66600, 14504, 19600, 3600, 5688, 600, 25], rel=0.17)
    assert all(b > a for a, b in zip(small[1:], large[1:], strict=True))


def test_buffer_clocks_do_not_depend_on_the_configuration() -> None:
    base = of_layers(run(vgg8()), "buffer")
    assert of_layers(run(vgg8(), adc="sar"), "buffer") == base
    wider = of_layers(run(vgg8(), adc="sar", adc_bits=7), "buffer")  # results carry the converter's bits
    assert all(more > less for more, less in zip(wider, base, strict=True) if less > 0)
    assert of_layers(run(vgg8(), 65), "buffer") == base


def test_padded_positions_can_be_processed_too() -> None:
    valid, padded = run(vgg8()), run(vgg8(), positions="padded")
    assert rows_of(padded, "positions") == [1024, 1024, 256, 256, 64, 64, 1, 1]
    assert padded.latency_s > valid.latency_s and padded.macs == valid.macs
    assert not any("padding" in line for line in padded.cost.program.assumptions)
    assert any("padding" in line for line in valid.cost.program.assumptions)


def test_kernel_positions_on_elements_of_their_own_or_unrolled() -> None:
    graph = single_op("conv2d", n=1, c=128, h=16, w=16, k=128, r=3, s=3, pad=1, dtype="int8")
    shifted, unrolled = run(graph), run(graph, conv_mapping="im2col")
    assert rows_of(shifted, "array_count") == rows_of(unrolled, "array_count") == [9 * 4]
    assert rows_of(shifted, "novel") == [1] and rows_of(unrolled, "novel") == [0]
    assert rows_of(run(single_op("conv2d", n=1, c=16, h=16, w=16, k=128, r=3, s=3, dtype="int8"), conv_mapping="kernel_shifted"), "novel") == [1]


def test_groups_share_tiles_and_are_not_copied() -> None:
    report = run(single_op("conv2d", n=1, c=64, h=8, w=8, k=64, r=3, s=3, groups=64, pad=1, dtype="int8"))
    assert rows_of(report, "array_count") == [64] and rows_of(report, "duplication") == [1]
    assert report.cost.program.figures["arrays"] >= 64


def test_a_matrix_of_many_tiles() -> None:
    report = run(single_op("matmul", m=3, k=5000, n=700, dtype="int8"))
    assert rows_of(report, "array_count") == [-(-5000 // 128) * -(-700 * 4 // 128)]
    assert rows_of(report, "chip_parts") == [-(-40 // 8)]
    assert rows_of(report, "tiles") == [5 * 3]


@pytest.mark.parametrize(("count", "power"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 4), (5, 8), (64, 64)])
def test_power_of_two(count: int, power: int) -> None:
    assert power_of_two(count) == power
