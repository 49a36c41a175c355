"""Distributed products against sums written out step by step, and against published fits of device runs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wafer_helpers import chip, product, run_op, slots

from hwsim.targets.wafer_mesh import gemm as G


@given(st.integers(1, 400))
def test_farthest_sum_is_the_sum_of_the_farthest_distances(p):
    assert G.farthest_sum(float(p)) == sum(max(i, p - 1 - i) for i in range(p))


@given(st.integers(1, 900), st.integers(1, 900))
def test_virtual_side_is_the_least_common_multiple(w, h):
    assert G.virtual_side(float(w), float(h)) == math.lcm(w, h)


@given(st.integers(0, 4096), st.sampled_from([1.0, 2.0, 4.0, 8.0]))
def test_tiles_travel_in_whole_wavelets(elements, element_bytes):
    words = G.wavelets(float(elements), element_bytes)
    assert words == int(words) and 0 <= 4 * words - elements * element_bytes < 4


def test_local_products_count_k_calls_and_macs():
    for mt, kt, nt in ((1, 1, 1), (8, 8, 8), (3, 5, 7)):
        cycles = sum(10.0 + sum(2.0 + mt * 0.5 for _ in range(nt)) for _ in range(kt))
        assert G.multiply_cycles(float(mt), float(kt), float(nt), 10.0, 2.0, 0.5) == pytest.approx(cycles)
        assert G.gemv_local_cycles(float(kt), float(nt), 2.0, 0.5) == pytest.approx(sum(2.0 + nt * 0.5 for _ in range(kt)))


def test_summa_waits_for_the_farthest_core_in_every_step():
    for p, wx, ww in ((4, 3, 9), (16, 32, 8), (33, 5, 5)):
        steps = sum(300 + 2 * max(i, p - 1 - i) + max(wx, ww) + 2 * 4.5 for i in range(p))
        assert G.summa_transfer(float(p), float(wx), float(ww), 2.0, 10.0, 300.0) == pytest.approx(steps)


def test_cannon_pays_the_wrap_in_every_step():
    for p in (4, 16, 720):
        steps = sum(max(6, 8) + 1 * (p - 1) + 2 * 2 for _ in range(p))
        assert G.cannon_transfer(float(p), 6.0, 8.0, 1.0, 5.0) == pytest.approx(steps)


def test_allgather_relays_every_other_tile():
    relays = sum(1 + 19.3 for _ in range(63))
    assert G.allgather_transfer(64.0, 6.0, 8.0, 1.0, 19.3) == pytest.approx(relays + 63 * 8)


def test_alignment_takes_half_the_side_in_rounds_and_one_to_drain():
    for p in (3, 4, 144, 721):
        assert G.alignment_cycles(float(p), 7.0, 77.0) == (p // 2 + 1) * (77 + 2 * 7)


def test_the_cache_shift_saves_only_beyond_its_own_columns():
    def one(rounds: int) -> float:
        return G.shift_cycles(16.0, float(rounds), 4.0, 45.5, 77.0, 20.8)

    assert one(1) == pytest.approx(45.5 + 77 + 8)
    assert one(16) - one(15) == pytest.approx(85)
    assert one(18) - one(17) == pytest.approx(85 - 20.8)


def test_a_transpose_is_bound_by_the_middle_link():
    p = 16
    crossing = sum(1 for a in range(p // 2) for b in range(p // 2, p) if a < b)
    assert G.transpose_cycles(float(p), 3.0, 1.0) == 3 * crossing + p - 1


def test_a_transform_counts_butterflies():
    assert G.fft_cycles(8.0, 0.5, 0.0) == 12 * 10 * 0.5
    assert G.fft_cycles(8.0, 0.0, 1.0) == 12


def test_step_parts_of_meshgemm_add_up_from_the_constants():
    c = chip("wse2")
    number = c.number
    for p, (m, k, n) in ((16, (64, 48, 32)), (60, (600, 601, 77))):
        mt, kt, nt = (math.ceil(x / p) for x in (m, k, n))
        report = product(m, k, n, algorithm="meshgemm", grid=(p, p))
        parts = slots(report)
        per_step = kt * number("gemm_per_k_cycles") + kt * nt * number("fmac_call_cycles") + mt * kt * nt * number("fmac_cycles_per_mac")
        assert parts["multiply"] == pytest.approx(p * per_step)
        assert parts["step"] == pytest.approx(number("call_fixed_cycles") + p * number("gemm_step_cycles"))
        assert parts["align"] == pytest.approx((p // 2 + 1) * (number("shift_round_cycles") + 2 * math.ceil(mt * kt / 2)))
        assert report.cycles == pytest.approx(sum(parts.values())) and "transfer" not in parts


@pytest.mark.parametrize("algorithm", ["summa", "cannon", "meshgemm_t", "allgather_gemm"])
def test_rivals_multiply_alike_and_differ_in_transfer(algorithm):
    size, p = 128, 16
    mesh, other = (slots(product(size, size, size, algorithm=a, grid=(p, p))) for a in ("meshgemm", algorithm))
    assert other["multiply"] == mesh["multiply"]
    assert "transfer" not in mesh and other["transfer"] > 0
    tile, number = 32.0, chip("wse2").number
    expected = {
        "summa": G.summa_transfer(16.0, tile, tile, 1.0, 5.0, number("library_call_cycles")),
        "cannon": G.cannon_transfer(16.0, tile, tile, 1.0, 5.0),
        "meshgemm_t": 16 * tile + 6 * 16,
        "allgather_gemm": G.allgather_transfer(16.0, tile, tile, 1.0, number("software_relay_cycles")),
    }
    assert other["transfer"] == pytest.approx(expected[algorithm])
    assert ("align" in other) == (algorithm == "cannon")


def test_a_rectangle_works_on_as_many_virtual_columns_as_its_least_common_multiple():
    number = chip("wse2").number
    parts = slots(product(96, 96, 96, algorithm="meshgemm", grid=(8, 12)))
    mt, kt, nt = 8, 4, 12
    per_step = kt * number("gemm_per_k_cycles") + kt * nt * number("fmac_call_cycles") + mt * kt * nt * number("fmac_cycles_per_mac")
    assert parts["multiply"] == pytest.approx(24 * per_step)


def test_a_batch_is_that_many_products():
    one = run_op("matmul", {"m": 64, "k": 64, "n": 64}, algorithm="meshgemm", grid=(16, 16))
    four = run_op("matmul", {"batch": 4, "m": 64, "k": 64, "n": 64}, algorithm="meshgemm", grid=(16, 16))
    assert four.cycles == pytest.approx(4 * one.cycles)


def test_gemv_is_a_local_product_and_one_allreduce():
    c = chip("wse2")
    p, k, n = 360, 4096, 14336
    kt, nt = math.ceil(k / p), math.ceil(n / p)
    parts = slots(product(1, k, n, algorithm="meshgemv", grid=(p, p), groups=18))
    assert parts["multiply"] == pytest.approx(kt * c.number("fmac_call_cycles") + kt * nt * c.number("fmac_cycles_per_mac"))
    assert parts["step"] == c.number("gemv_fixed_cycles")
    stage = c.number("hop_cycles") + 2 * c.number("gemv_ramp_cycles") + 1
    s = p // 18
    far = 9 * s + s // 2
    tree = stage * (s // 2) + (stage - 1) * 9 + 9 * s + far + 5 * math.ceil(nt / 2) + stage - 1
    assert parts["allreduce"] == pytest.approx(tree)


@pytest.mark.parametrize("p", [16, 80, 144, 208])
def test_wse3_meshgemm_follows_the_published_fit(p):
    """T = P (123.2 + 37.6 Kt + 2.39 Kt Nt + 0.114 Mt Kt Nt + 0.456 Mt Kt) + 91, device runs of November 2025; worst error of the fit 4.6 %."""
    for mt, kt, nt in ((1, 1, 1), (2, 2, 2), (4, 4, 4), (8, 8, 8), (8, 4, 2)):
        fit = p * (123.2 + 37.6 * kt + 2.39 * kt * nt + 0.114 * mt * kt * nt + 0.456 * mt * kt) + 91
        assert product(mt * p, kt * p, nt * p, "wse3", algorithm="meshgemm", grid=(p, p)).cycles == pytest.approx(fit, rel=0.06), (mt, kt, nt)


@pytest.mark.parametrize(("p", "g"), [(16, 2), (80, 2), (80, 8), (144, 8), (208, 8), (208, 2)])
def test_wse3_meshgemv_follows_the_published_fit(p, g):
    """T = 144.8 + 12 st1 + 10.8 st2 + 2 (hops2 + hopsB) + 2.97 Kt + 1.54 Nt, worst error of the fit 3.0 %."""
    s = p // g
    r1 = s // 2
    r2 = g // 2 * s + r1
    hops = max(r2 - r1, p - s + r1 - r2) + max(r2, p - 1 - r2)
    for kt, nt in ((1, 1), (4, 4), (8, 8)):
        fit = 144.8 + 12 * max(r1, s - 1 - r1) + 10.8 * max(g // 2, g - 1 - g // 2) + 2 * hops + 2.97 * kt + 1.54 * nt
        got = product(1, kt * p, nt * p, "wse3", algorithm="meshgemv", grid=(p, p), groups=g).cycles
        assert got == pytest.approx(fit, rel=0.06), (kt, nt)


@pytest.mark.parametrize("rounds", [1, 4, 16])
def test_wse3_shift_follows_the_published_fit(rounds):
    """T = 43 + 55.5 L + 2.09 L w + 20.7 min(L, P) + 0.26 w, worst error of the fit 6.5 %."""
    for p in (16, 112):
        for words in (1, 8, 32):
            fit = 43 + 55.5 * rounds + 2.09 * rounds * words + 20.7 * min(rounds, p) + 0.26 * words
            got = run_op("shift", {"elements": 2 * words}, "wse3", algorithm="shift_kv", grid=(p, p), rounds=rounds).cycles
            assert got == pytest.approx(fit, rel=0.08), (p, words)


def test_wse3_steps_do_not_depend_on_the_grid():
    """Two hops a step at most: cycles per step of 8 x 8 x 8 tiles are the same from 16 to 208 cores a side."""
    per_step = [product(8 * p, 8 * p, 8 * p, "wse3", algorithm="meshgemm", grid=(p, p)).cycles / p for p in (16, 80, 144, 208)]
    assert max(per_step) / min(per_step) < 1.05
    for found in per_step:
        assert found == pytest.approx(665, rel=0.04)


def test_the_simulator_splits_into_compute_and_communication():
    """Products and moves add up: a second product costs more than the first one adds to the moves, by 9 to 28 hidden cycles a step."""
    import hwsim

    def loop(repeats: int, moves: bool) -> float:
        arguments = {"p": 3, "mt": 1, "kt": 8, "nt": 8, "compute_repeats": repeats, "communication": moves}
        return hwsim.primitive("meshgemm_loop", chip("wse3"), arguments)["cycles"]

    published = {(0, False): 215, (1, False): 1846, (2, False): 3469, (0, True): 524, (1, True): 2096, (2, True): 3716}
    for key, cycles in published.items():
        assert loop(*key) == pytest.approx(cycles, rel=0.02), key
    alone = loop(2, False) - loop(1, False)
    assert 9 <= (alone - (loop(1, True) - loop(0, True))) / 3 <= 28
