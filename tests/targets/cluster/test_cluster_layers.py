"""Instruction mixes of network layers and signal processing against counts worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import hwsim
from hwsim.core.errors import UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.targets.cluster import kernels as _registered  # noqa: F401
from hwsim.targets.cluster.kernel import Work, find
from hwsim.targets.cluster.kernels_cortex import STACKS, block, loads
from hwsim.targets.cluster.machine import machine
from hwsim.targets.cluster.mapping import parse_options

M4, GAP8, OPEN = (hwsim.load_chip(name) for name in ("cortex-m4", "gap8", "pulp-open"))
CONV: dict[str, Any] = {"n": 1, "c": 64, "h": 8, "w": 8, "k": 64, "r": 3, "s": 3, "pad": 1}


def work_of(kind: str, chip: Any, dtype: str, mapping: dict[str, Any], **bounds: Any) -> Work:
    (op,) = single_op(kind, dtype=dtype, **bounds).ops
    m = machine(chip, parse_options(mapping))
    make = find(op, m)
    assert make is not None
    return make(op, m)


def total(work: Work, name: str) -> float:
    """Count of one class over all loops of the busiest core."""
    return sum(loop.mix.counts.get(name, 0.0) * loop.passes for loop in work.loops)


def test_loads_behind_one_another_take_an_issue_slot() -> None:
    assert loads(4).counts == {"load": 1.0, "alu": 3.0, "access": 3.0}
    assert loads(1).counts["load"] == 1.0


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (4, 2), (2, 1)])
def test_a_block_multiplies_two_at_a_time(rows: int, columns: int) -> None:
    for stack in STACKS.values():
        assert block(stack, rows, columns, widened=True).counts["mac"] == 4 * rows * columns / 2
    packed = replace(STACKS["x-cube-ai"], packed=True)
    saved = block(STACKS["x-cube-ai"], rows, columns, widened=True).instructions - block(packed, rows, columns, widened=True).instructions
    assert saved == 2 * rows  # two packs a word of weights


@pytest.mark.parametrize(("flow", "per_issue"), [("x-cube-ai", 2), ("plumerai", 2), ("microtvm-native", 1)])
def test_multiply_accumulates_of_a_convolution_on_a_microcontroller(flow: str, per_issue: int) -> None:
    work = work_of("conv2d", M4, "int8", {"flow": flow}, **CONV)
    assert total(work, "mac") == 64 * 64 * 64 * 9 / per_issue
    assert total(work, "flash") == 64 * 64 * 9
    assert total(work, "mulh") == 64 * 64  # one requantisation an output


def test_autotiler_products_of_four() -> None:
    work = work_of("conv2d", GAP8, "int8", {"flow": "autotiler-nntool", "cores": 1}, **CONV)
    assert total(work, "sdot") == 64 * 64 * 64 * 9 / 4
    assert total(work, "output") == 64 * 64
    eight = work_of("conv2d", GAP8, "int8", {"flow": "autotiler-nntool"}, **CONV)
    assert total(eight, "sdot") == total(work, "sdot") / 8  # whole rows of channels


def test_depthwise_windows_of_both_flows() -> None:
    depthwise = {**CONV, "groups": 64}
    autotiler = work_of("conv2d", GAP8, "int8", {"flow": "autotiler-nntool", "cores": 1}, **depthwise)
    assert total(autotiler, "sdot") == 64 * 64 * 3  # a row of three a dot product
    dory = work_of("conv2d", GAP8, "int8", {"flow": "dory", "cores": 1}, **depthwise)
    assert (total(dory, "sdot"), total(dory, "mac")) == (64 * 64 * 2, 64 * 64)  # nine taps: two words and one


def test_rows_of_a_convolution_and_pixels_of_a_pointwise_are_dealt() -> None:
    def busiest(**bounds: Any) -> float:
        one, team = (work_of("conv2d", GAP8, "int8", {"flow": "dory", "cores": n}, **{**CONV, **bounds}).loops[0] for n in (1, 8))
        return one.mix.counts["cycle"] / team.mix.counts["cycle"]

    assert busiest(h=4, w=4) == pytest.approx(4, rel=0.05)  # four rows keep four cores
    assert busiest(h=4, w=4, r=1, s=1, pad=0) == pytest.approx(8, rel=0.05)


def test_groups_of_several_channels_are_refused() -> None:
    with pytest.raises(UnsupportedOp, match="no kernel"):
        hwsim.simulate(single_op("conv2d", dtype="int8", **{**CONV, "groups": 4}), GAP8, {"flow": "dory"}, interval=False)


def test_butterflies_of_an_fft() -> None:
    work = work_of("fft", M4, "fp32", {}, points=1024, function="complex")
    assert total(work, "fmul") == 4 * 512 * 10
    assert total(work, "fadd") == 6 * 512 * 10
    real = work_of("fft", M4, "fp32", {}, points=1024, function="real")
    assert total(real, "fmul") == 4 * (256 * 10 + 512)  # half the points, and a pass that takes them apart


def test_passes_over_vectors() -> None:
    work = work_of("elementwise", OPEN, "fp32", {"cores": 8}, rows=10, cols=80, function="add", operands=2)
    assert total(work, "load") == 2 * 100
    assert total(work, "store") == 100
    stats = work_of("norm", OPEN, "fp32", {"cores": 4}, rows=10, cols=80, function="layer")
    assert total(stats, "fdiv") == 2 * 3  # a root and a division for each of ceil(10 / 4) rows
