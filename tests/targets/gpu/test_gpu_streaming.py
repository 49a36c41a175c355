"""Kernels without products: streams from DRAM and L2, and rows dealt out to the SMs."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim.targets.gpu import spec
from hwsim.targets.gpu.streaming import NORM_THREADS, hot_gain, hot_share, norm_passes, row_cycles, vector_fraction


def test_every_kind_of_streaming_kernel_has_its_own_bandwidth(p: Any, op: Any) -> None:
    op.kind, op.heavy = spec.VECTOR, 0
    assert vector_fraction(op, p) == p.copy_stream
    op.heavy = 1
    assert vector_fraction(op, p) == p.copy_stream  # a serving engine's: bound by rows besides
    p.serving = 0
    assert vector_fraction(op, p) == p.activation_stream_framework
    op.kind = spec.NORM
    assert vector_fraction(op, p) == p.norm_stream_framework
    op.kind = spec.SOFTMAX
    assert vector_fraction(op, p) == p.softmax_stream


@pytest.mark.parametrize(("kind", "heavy", "rate"), [(spec.NORM, 0, "norm_bytes_per_cycle"), (spec.VECTOR, 1, "activation_bytes_per_cycle")])
def test_rows_go_to_the_sms_in_whole_waves(p: Any, op: Any, kind: int, heavy: int, rate: str) -> None:
    op.kind, op.heavy, op.weight_bytes = kind, heavy, 0
    row = 4096 * 4.0
    for rows, waves in ((1, 1), (p.sm_count, 1), (p.sm_count + 1, 2), (10 * p.sm_count, 10)):
        op.rows = rows
        assert row_cycles(op, rows * row, p) == pytest.approx(waves * row / p[rate])
    p.serving = 0
    assert row_cycles(op, row, p) == 0


def test_sums_and_copies_have_no_rows(p: Any, op: Any) -> None:
    op.kind, op.heavy = spec.VECTOR, 0
    assert row_cycles(op, 1e6, p) == 0


def test_what_fits_in_l2_is_still_there(p: Any, op: Any) -> None:
    op.kind, op.heavy = spec.VECTOR, 0
    between = (p.l2_near_bytes + p.l2_bytes) / 2
    assert (hot_share(p.l2_near_bytes, p), hot_share(between, p), hot_share(p.l2_bytes, p)) == (1.0, pytest.approx(0.5), 0.0)
    assert hot_gain(op, p.l2_near_bytes, p) == p.l2_hot_gain
    assert hot_gain(op, 2 * p.l2_bytes, p) == 1.0
    op.heavy = 1
    assert hot_gain(op, p.l2_near_bytes, p) == 1.0


def test_few_rows_take_as_long_as_one_for_each_sm(a100: Any, simulate: Any) -> None:
    kernel = {"dispatch": "kernel"}
    times = [simulate("elementwise", kernel, function="silu_mul", rows=rows, cols=14336, dtype="fp16").latency_s for rows in (1, 108, 109)]
    assert times[0] == pytest.approx(times[1])
    assert times[2] > 1.7 * times[1]
    assert a100.number("sm_count") == 108
    whole = simulate("elementwise", kernel, function="gelu", rows=1, cols=16 * 2**20, dtype="fp16").latency_s
    assert whole < 3e-4  # no row of a model: cut over the SMs


def test_norms_read_their_rows_again_when_l2_does_not_hold_them(p: Any, op: Any) -> None:
    op.kind, p.serving = spec.NORM, 0
    blocks = p.sm_count * p.threads_per_sm / NORM_THREADS
    for row, rows, passes in ((p.l2_bytes / blocks, 1e6, 1.0), (1.01 * p.l2_bytes / blocks, 1e6, 1.5), (1.01 * p.l2_bytes / blocks, blocks / 2, 1.0)):
        op.rows = rows
        assert norm_passes(op, 2 * row * rows, p) == passes
    p.serving = 1
    assert norm_passes(op, 1e12, p) == 1.0


def test_what_is_read_again_is_moved_and_charged(simulate: Any) -> None:
    held, long = (simulate("norm", {"dispatch": "eager"}, rows=4096, cols=cols, dtype="fp16") for cols in (8192, 16384))
    moved = [report.cost.bytes_by_level()["dram"] / (4 * 4096 * cols) for report, cols in ((held, 8192), (long, 16384))]
    assert moved == pytest.approx([1.0, 1.5], rel=1e-3)
    joules = [report.cost.by_component("joules")["dram_traffic"] for report in (held, long)]
    assert joules[1] / joules[0] == pytest.approx(3.0, rel=1e-3)
