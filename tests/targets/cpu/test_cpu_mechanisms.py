"""Each mechanism against its closed formula and its limits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hwsim.core.chip import Chip
from hwsim.core.program import slot_dtype
from hwsim.targets.cpu import spec
from hwsim.targets.cpu.cores import prepare
from hwsim.targets.cpu.kernels import price
from hwsim.targets.cpu.mapping import Options
from hwsim.targets.cpu.memory import beyond, missed
from hwsim.targets.cpu.products import depthwise_seconds, product_seconds, resolved, sparse_seconds, tiled, vector_seconds
from hwsim.targets.cpu.record import record_of


def record(chip: Chip, **options: Any) -> Any:
    return record_of(chip, Options(**options)).view(np.recarray)[0]


def priced(op: Any, p: Any) -> Any:
    out = np.zeros(1, dtype=slot_dtype(spec.SLOTS)).view(np.recarray)
    price(op, p, out[0])
    return out[0]


def test_whole_tiles_run_at_the_sustained_peak(p: Any) -> None:
    p.tile_start_cycles = 0.0
    m, k, n = 600.0, 500.0, 800.0
    assert tiled(1.0, m, k, n, spec.FP32, 4.0, 0.0, p) == pytest.approx(m * k * n / (8 * 2.84e9) / p.product_fraction)
    assert tiled(1.0, m, k, n, spec.FP64, 8.0, 0.0, p) == pytest.approx(m * k * n / (4 * 2.84e9) / p.product_fraction)
    assert tiled(3.0, m, k, n, spec.FP32, 4.0, 0.0, p) == pytest.approx(3 * tiled(1.0, m, k, n, spec.FP32, 4.0, 0.0, p))


def test_tiles_start_once_each(p: Any) -> None:
    with_starts = tiled(1.0, 13.0, 64.0, 17.0, spec.FP32, 4.0, 0.0, p)
    starts = math.ceil(13 / p.tile_rows) * math.ceil(17 / (4 * p.tile_vectors)) * p.tile_start_cycles / 2.84e9
    p.tile_start_cycles = 0.0
    assert with_starts - tiled(1.0, 13.0, 64.0, 17.0, spec.FP32, 4.0, 0.0, p) == pytest.approx(starts)


def test_thin_channels_are_padded_to_a_vector(p: Any) -> None:
    cost = [tiled(1.0, 6000.0, 64.0, float(n), spec.FP32, 4.0, 0.0, p) for n in (1, 4, 5, 8)]
    assert cost[0] == cost[1] < cost[2] == cost[3]
    deep = [tiled(1.0, 6000.0, float(k), 64.0, spec.INT8, 1.0, 0.0, p) for k in (1, 4, 5, 8)]
    assert deep[0] == deep[1] < deep[2] == deep[3]


def test_a_vector_times_a_matrix_is_bound_by_its_loads(p: Any) -> None:
    p.tile_start_cycles, p.product_fraction = 0.0, 1.0
    k, n = 1024.0, 4096.0
    loads = k * (n / 8 + n) * 4 / (32 * 2.84e9)  # one row of A per tile, every weight once
    assert tiled(1.0, 1.0, k, n, spec.FP32, 4.0, 0.0, p) == pytest.approx(loads)


def test_fp16_without_arithmetic_is_converted_as_it_is_loaded(board: Chip, phone: Chip) -> None:
    narrow, wide = record(board, threads=1), record(phone)
    assert resolved(spec.FP16, narrow) == spec.WIDENED
    assert resolved(spec.FP16, wide) == spec.FP16
    narrow.tile_start_cycles = 0.0
    m, k, n = 60.0, 64.0, 80.0
    converted = k * (m * n / 8 + n * m / 6) / (4 * 1.5e9)
    plain = m * k * n / (4 * 1.5e9) / narrow.product_fraction
    assert tiled(1.0, m, k, n, spec.WIDENED, 2.0, 0.0, narrow) == pytest.approx(plain + converted)


def test_one_tile_has_one_core(phone: Chip) -> None:
    alone, together = record(phone, cores="big", threads=1), record(phone, cores="big")
    small, large = (6.0, 64.0, 8.0), (6000.0, 64.0, 800.0)
    assert product_seconds(1.0, *small, spec.FP32, 4.0, together) == product_seconds(1.0, *small, spec.FP32, 4.0, alone)
    ratio = product_seconds(1.0, *large, spec.FP32, 4.0, alone) / product_seconds(1.0, *large, spec.FP32, 4.0, together)
    assert ratio == pytest.approx(3)


def test_a_depthwise_convolution_is_bound_by_loads(p: Any, op: Any) -> None:
    op.m, op.n, op.window, op.pieces, op.element_bytes = 56.0 * 56, 64.0, 9.0, 56.0, 4.0
    macs = 56 * 56 * 64 * 9
    loads = (2 * macs * 4 + 56 * 56 * 9 * 16) / (32 * 2.84e9)  # input and weight a MAC, a pointer a tap
    assert depthwise_seconds(op, spec.FP32, p) == pytest.approx(loads / p.product_fraction)
    p.depthwise_loads, p.load_rate, p.lead_load_rate = 1.0, 1e15, 1e15
    assert depthwise_seconds(op, spec.FP32, p) == pytest.approx(macs / (8 * 2.84e9) / p.product_fraction)
    op.n = 61.0
    assert depthwise_seconds(op, spec.FP32, p) == pytest.approx(macs / (8 * 2.84e9) / p.product_fraction)  # whole vectors
    one_row = record_of_rows(op, p, 1.0)
    assert one_row == pytest.approx(depthwise_seconds(op, spec.FP32, p))  # one thread: rows do not matter


def record_of_rows(op: Any, p: Any, rows: float) -> float:
    op.pieces = rows
    return float(depthwise_seconds(op, spec.FP32, p))


def test_a_sparse_vector_product_takes_a_connection_per_few_cycles(p: Any, op: Any) -> None:
    op.m, op.n, op.connections, op.element_bytes = 1.0, 1000.0, 13000.0, 4.0
    seconds = sparse_seconds(op, spec.FP32, p)
    vector = 4 * max(1 / (8 * 2.84e9), 4 / (32 * 2.84e9))  # one padded vector of rows
    assert seconds == pytest.approx(13000 * (3 / 2.84e9 + vector))
    assert 3 < seconds * 2.84e9 / 13000 < 4


def test_sparse_rows_share_a_gather(p: Any, op: Any) -> None:
    op.n, op.connections, op.element_bytes = 1000.0, 13000.0, 4.0
    op.m = 32.0
    block = sparse_seconds(op, spec.FP32, p)
    op.m = 64.0
    assert sparse_seconds(op, spec.FP32, p) == pytest.approx(2 * block)
    op.m = 1.0
    assert block < 32 * sparse_seconds(op, spec.FP32, p)


def test_what_a_cache_misses() -> None:
    assert missed(100.0, 100.0) == 0
    assert missed(100.0, 50.0) == 0
    assert missed(100.0, 400.0) == 0.75
    assert missed(0.0, 7.0) == 1


def test_bytes_beyond_caches_by_what_they_compete_with(p: Any, op: Any) -> None:
    op.activation_bytes, op.weight_bytes, op.reread_bytes, op.resident_bytes = 60.0, 40.0, 400.0, 1000.0
    assert beyond(0.0, op, p) == 500
    assert beyond(50.0, op, p) == pytest.approx((60 + 400) / 2 + 40 * 0.95)
    assert beyond(100.0, op, p) == pytest.approx(40 * 0.9)  # the operator fits, the inference does not
    assert beyond(1000.0, op, p) == 0
    p.cold = 1.0
    assert beyond(1000.0, op, p) == 100  # all of it once, later steps hit
    assert beyond(0.0, op, p) == 500


def test_transcendental_functions_cost_more_than_sums(p: Any, op: Any) -> None:
    op.elementary, op.pieces = 1e6, 10.0
    plain = vector_seconds(op, 0.0, p)
    assert plain == pytest.approx(1e6 / (8 * 2.84e9))
    op.elementary, op.functions = 0.0, 1e6
    assert vector_seconds(op, 0.0, p) == pytest.approx(p.function_cost * plain)
    assert vector_seconds(op, 1e9, p) == pytest.approx(1e9 / (32 * 2.84e9))


def test_rates_add_over_clusters(phone: Chip) -> None:
    whole = record(phone, cores="all")
    assert whole.threads == 8
    assert whole.clock_hz == 2.84e9
    assert 2 * whole.fp32_rate == pytest.approx(45.44e9 + 116.16e9 + 57.6e9)
    assert whole.l2_held_bytes == (512 + 3 * 256 + 4 * 128) * 1024
    small = record(phone, cores="little")
    assert (small.clock_hz, small.lead_power_w) == (1.8e9, pytest.approx(0.15))
    assert small.active_power_w == pytest.approx(4 * 0.15)
    first = record(phone, cores="all", threads=2)
    assert (first.prime_threads, first.big_threads, first.little_threads) == (1, 1, 0)


def test_fp16_counts_where_every_core_has_it(phone: Chip) -> None:
    mixed = record(phone.replace(little_fp16_macs_per_cycle=0.0), cores="all")
    assert mixed.fp16_rate == 0
    assert record(phone.replace(little_fp16_macs_per_cycle=0.0), cores="big").fp16_rate > 0


def test_watts_follow_the_clock(p: Any) -> None:
    full = p.lead_power_w
    p.prime_clock_hz /= 2
    prepare(p)
    assert p.lead_power_w == pytest.approx(full / 2**p.power_exponent)
    assert p.clock_hz == 1.42e9


def test_arithmetic_and_memory_hide_each_other_but_for_a_share(p: Any, op: Any) -> None:
    op.kind, op.calls, op.pieces, op.batch, op.m, op.k, op.n = spec.PRODUCT, 1.0, 1.0, 1.0, 64.0, 4096.0, 4096.0
    op.arithmetic, op.element_bytes = spec.FP32, 4.0
    op.weight_bytes = op.resident_bytes = op.compulsory_bytes = 4 * 4096 * 4096.0
    op.macs = op.m * op.k * op.n
    out = priced(op, p)
    assert out.exposed == pytest.approx(p.exposed * min(out.compute, max(out.l2, out.shared_cache, out.dram)))
    assert out.dram_bytes == pytest.approx(op.weight_bytes - 7 * 2**20)  # what L3 and the system's cache do not hold
    beyond_l3 = (op.weight_bytes - 4 * 2**20) / 15e9  # one core's misses in flight
    assert out.dram == pytest.approx(beyond_l3 * 2.84e9)
    assert out.dispatch == pytest.approx(3e-6 * 2.84e9)
    assert out.fork == 0
    p.threads = 2.0
    assert priced(op, p).fork == pytest.approx(5e-6 * 2.84e9)


def test_joules_follow_busy_cores_work_and_bytes(p: Any, op: Any) -> None:
    op.kind, op.calls, op.pieces, op.batch, op.m, op.k, op.n = spec.PRODUCT, 1.0, 1.0, 1.0, 64.0, 4096.0, 4096.0
    op.arithmetic, op.element_bytes = spec.FP32, 4.0
    op.weight_bytes = op.resident_bytes = op.compulsory_bytes = 4 * 4096 * 4096.0
    op.macs = op.m * op.k * op.n
    out = priced(op, p)
    cycles = out.dispatch + max(out.compute, out.dram) + out.exposed
    assert out.cores == pytest.approx(1.6 * cycles / 2.84e9)
    assert out.arithmetic == pytest.approx(op.macs * 5e-12)
    assert out.dram_traffic == pytest.approx(out.dram_bytes * 72e-12)
    op.element_bytes, op.arithmetic = 2.0, spec.FP16
    assert priced(op, p).arithmetic == pytest.approx(op.macs * 2.5e-12)
    op.arithmetic = spec.WIDENED
    assert priced(op, p).arithmetic == pytest.approx(op.macs * 5e-12)  # fp32 lanes
    op.element_bytes, op.arithmetic = 0.5625, spec.QUANTISED
    assert priced(op, p).arithmetic == pytest.approx(op.macs * 1.25e-12)  # lanes of bytes


def test_a_fused_pass_costs_its_arithmetic_alone(p: Any, op: Any) -> None:
    op.kind, op.elementary, op.pieces, op.activation_bytes, op.compulsory_bytes = spec.FUSED, 1e6, 10.0, 8e6, 8e6
    out = priced(op, p)
    assert out.compute == pytest.approx(1e6 / 8)
    assert (out.dispatch, out.dram, out.l2, out.register_bytes) == (0, 0, 0, 8e6)
    op.elementary = 0.0
    assert priced(op, p).compute == 0
