"""One micro-test per mechanism, against its closed formula and its limits."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hwsim.targets.gpu import spec
from hwsim.targets.gpu.attention import attention_blocks, attention_compute, attention_memory
from hwsim.targets.gpu.collectives import allreduce_seconds, in_switch_seconds, one_shot_seconds, pipeline_seconds, ring_seconds
from hwsim.targets.gpu.gemm import gemm_compute, overlapped, sm_rate, stream_cycles, tile_cycles_per_k
from hwsim.targets.gpu.kernels import dispatch_gap, launch_seconds


def tensor_gemm(batch: float, m: float, k: float, n: float, element_bytes: float, rate: float, p: Any) -> tuple[float, float, float]:
    """A product on tensor cores: every tile shape, splits of K of any length."""
    found: tuple[float, float, float] = gemm_compute(
        batch, m, k, n, element_bytes, element_bytes, rate, 0.0, p.tile_rows, p.tile_cols, p.tile_rate, 8.0, 1.0, 1.0, p
    )
    return found


def test_a_tile_is_bound_by_its_macs_or_by_its_operands() -> None:
    assert tile_cycles_per_k(128, 128, 4096, 4096, 2, 2, 1024, 1e9, 0) == 128 * 128 / 1024
    assert tile_cycles_per_k(128, 128, 4096, 4096, 2, 2, 1e9, 35.0, 0) == pytest.approx(256 * 2 / 35)
    assert tile_cycles_per_k(128, 128, 1, 4096, 2, 2, 1e9, 35.0, 0) == pytest.approx(129 * 2 / 35)  # one row is all there is to load
    edge, whole = (tile_cycles_per_k(128, 128, size, size, 2, 2, 1024, 1e9, 0) for size in (1, 128))
    assert edge == whole  # an edge tile costs a whole one


def test_weights_are_expanded_once_a_tile() -> None:
    plain, expanded = (tile_cycles_per_k(128, 64, 4096, 4096, 2, 0.5, 1024, 1e9, expand) for expand in (0, 0.03))
    assert expanded - plain == pytest.approx(64 * 0.03)
    assert tile_cycles_per_k(128, 64, 5, 4096, 2, 0.5, 1024, 1e9, 0.03) == pytest.approx(16 * 64 / 1024 + 64 * 0.03)  # few rows
    assert tile_cycles_per_k(128, 64, 4096, 4096, 2, 0.5, 1e9, 35.0, 0) == pytest.approx((128 * 2 + 64 * 0.5) / 35)


def test_waves_step_when_the_sms_are_full(p: Any) -> None:
    p.l2_bytes_per_s, p.tile_rows, p.tile_cols = 1e18, [128] * 4, [128] * 4
    one = 128 * 128 * 4096 / 1024

    def cycles(tiles: int) -> float:
        return tensor_gemm(tiles, 128, 4096, 128, 2, 1024.0, p)[0]

    assert cycles(108) == pytest.approx(one)
    assert cycles(216) == pytest.approx(2 * one)
    assert one < cycles(109) <= 2 * one  # the tail is split over K where that helps


def test_splitting_k_fills_idle_sms_and_pays_for_its_partial_sums(p: Any) -> None:
    cycles, _, split = tensor_gemm(1, 128, 65536, 128, 2, 1024.0, p)
    assert split == 8
    assert tensor_gemm(1, 8192, 64, 8192, 2, 1024.0, p)[2] == 1  # all SMs are busy: partial sums would only cost
    assert cycles < 128 * 128 * 65536 / 1024


def test_large_products_approach_the_rate_of_a_tile(p: Any) -> None:
    p.l2_bytes_per_s = 1e18
    cycles, _, _ = tensor_gemm(1, 32768, 8192, 32768, 2, 1024.0, p)
    assert cycles == pytest.approx(32768**2 * 8192 / (108 * 1024), rel=0.01)
    assert cycles >= 32768**2 * 8192 / (108 * 1024)


@pytest.mark.parametrize(("compute", "memory"), [(1.0, 1.0), (3.0, 4.0), (0.0, 5.0), (5.0, 0.0), (0.0, 0.0)])
def test_overlap_lies_between_max_and_sum(compute: float, memory: float) -> None:
    assert overlapped(compute, memory, 1.0) == pytest.approx(compute + memory)
    assert overlapped(compute, memory, 0.0) == pytest.approx(max(compute, memory))
    assert max(compute, memory) * (1 - 1e-12) <= overlapped(compute, memory, 0.03) <= compute + memory
    assert overlapped(2.0, 2.0, 0.04) == pytest.approx(2.4)


def test_a_stream_takes_its_bytes_over_the_achieved_bandwidth(p: Any) -> None:
    assert stream_cycles(1.02e12, 0.5, p) == pytest.approx(p.clock_hz)


@pytest.mark.parametrize(
    ("arithmetic", "peak"),
    [(spec.TENSOR_16, 312e12), (spec.TENSOR_INT8, 624e12), (spec.TENSOR_TF32, 156e12), (spec.VECTOR_FP32, 19.5e12)],
)
def test_peaks_are_the_data_sheets(p: Any, arithmetic: int, peak: float) -> None:
    assert 2 * sm_rate(arithmetic, p) * p.sm_count * p.clock_hz == pytest.approx(peak, rel=0.002)


def attention(op: Any, batch: int, q: int, kv: int, heads: int = 32, kv_heads: int = 8) -> Any:
    op.kind, op.arithmetic, op.batch, op.heads, op.kv_heads = spec.ATTENTION, spec.TENSOR_16, batch, heads, kv_heads
    op.q, op.kv, op.head_dim, op.element_bytes = q, kv, 128, 2
    op.pairs = q * (2 * kv - q + 1) / 2
    op.bytes = batch * kv * kv_heads * 128 * 2 * 2
    return op


def test_decode_without_a_split_keeps_one_sm_per_key_head(p: Any, op: Any) -> None:
    p.split_kv = 0
    assert attention_blocks(attention(op, 1, 1, 4096), p) == (8, 8)
    assert attention_compute(op, p) == pytest.approx(op.bytes / (8 / 108 * p.l2_bytes_per_s) * p.clock_hz)
    p.split_kv = 1
    assert attention_blocks(op, p) == (8, 108)
    assert attention_compute(op, p) < attention_memory(op, p)


def test_decode_attention_is_its_cache_over_the_achieved_bandwidth(p: Any, op: Any) -> None:
    assert attention_memory(attention(op, 16, 1, 8192), p) == pytest.approx(op.bytes / (p.decode_attention_stream * p.dram_bytes_per_s) * p.clock_hz)


def test_a_long_prefill_runs_at_the_achieved_rate(p: Any, op: Any) -> None:
    attention(op, 8, 8192, 8192)
    ideal = 2 * 8 * 32 * 128 * op.pairs / (108 * 1024 * p.attention_fraction)
    assert ideal <= attention_compute(op, p) <= 1.01 * ideal


def test_launch_by_dispatch(p: Any, op: Any) -> None:
    op.kind, op.launches = spec.MATMUL, 1
    times = {}
    for name, code in spec.DISPATCH_CODES.items():
        op.dispatch = code
        times[name] = launch_seconds(op, p)
    assert times["kernel"] == p.gemm_ramp_s
    assert times["kernel"] <= times["graph"] <= times["grid_sync"] < times["queued"] == times["async"] < times["eager"] == p.eager_matmul_s
    assert dispatch_gap(spec.QUEUED, p) == pytest.approx(p.queued_launch_s - p.vector_ramp_s)
    op.dispatch, op.launches = spec.EAGER, 0.25  # a quarter of a merged product
    assert launch_seconds(op, p) == pytest.approx(times["eager"] / 4)


@pytest.mark.parametrize("devices", [2, 4, 8])
def test_ring_limits_are_hops_and_bandwidth(p: Any, devices: int) -> None:
    assert ring_seconds(0.0, devices, 1, p) == pytest.approx(2 * (devices - 1) * p.link_hop_s)
    per_byte = 2 * (devices - 1) / devices / (p.link_fraction * p.link_bytes_per_s)
    assert ring_seconds(1e13, devices, 1, p) == pytest.approx(1e13 * per_byte, rel=1e-4)
    middle = ring_seconds(1e6, devices, 1, p) - ring_seconds(0.0, devices, 1, p) - 1e6 * per_byte
    assert middle == pytest.approx(p.link_pipeline_s * math.sqrt(1e6 / (1e6 + p.link_pipeline_bytes)))


def test_a_second_node_adds_its_hops_and_its_bandwidth(p: Any) -> None:
    assert ring_seconds(0.0, 16, 2, p) == pytest.approx(14 * p.link_hop_s + 2 * p.node_hop_s)
    p.node_bytes_per_s = 1e9
    assert ring_seconds(1e12, 16, 2, p) > 100 * ring_seconds(1e12, 16, 1, p)


def test_the_switch_moves_every_byte_once(p: Any) -> None:
    assert in_switch_seconds(1e5, 8, p) == ring_seconds(1e5, 8, 1, p)  # short messages go by rings
    start = 14 * p.link_hop_s + pipeline_seconds(1e9, p)
    assert in_switch_seconds(1e9, 8, p) == pytest.approx(start + 1e9 / (p.switch_fraction * p.link_bytes_per_s))
    p.algorithm, p.devices = spec.IN_SWITCH, 8
    assert allreduce_seconds(1e9, p) == in_switch_seconds(1e9, 8, p)


def test_pcie_replaces_the_links(p: Any) -> None:
    p.pcie = 1
    assert ring_seconds(1e12, 8, 1, p) == pytest.approx(2 * 7 / 8 * 1e12 / p.pcie_allreduce_bytes_per_s, rel=1e-4)


def test_the_faster_all_reduce_is_taken_when_left_open(p: Any) -> None:
    p.devices = 8
    assert allreduce_seconds(8192.0, p) == one_shot_seconds(8192.0, 8, p)
    assert allreduce_seconds(1e9, p) == ring_seconds(1e9, 8, 1, p)
    p.algorithm = spec.RING
    assert allreduce_seconds(8192.0, p) == ring_seconds(8192.0, 8, 1, p)
    p.devices = 1
    assert allreduce_seconds(8192.0, p) == 0
