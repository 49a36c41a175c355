"""TCDM, instruction cache, L2 and DMA: closed forms against the cycle loop, formulas and limits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from cluster_helpers import primitive
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.icache import icache_stalls
from hwsim.targets.cluster.isolate import priced
from hwsim.targets.cluster.kernel import Loop, Mix, Transfers, Work
from hwsim.targets.cluster.memory import l2_cycles, transfer_cycles
from hwsim.targets.cluster.numbers import resolved
from hwsim.targets.cluster.tcdm import bank_stalls, stalls
from hwsim.targets.cluster.tcdm_loop import NO_ACCESS, loop

PULP = hwsim.load_chip("pulp-open")
P = resolved(PULP, {})[1][0]
BANKS = 16


def walked(cores: int, words: list[int], moved: int, passes: int) -> tuple[float, float]:
    """(busy, stalls) of cores that walk the same words."""
    run = loop(np.tile(np.array(words, np.int64), (cores, 1)), np.full(len(words), moved, np.int64), 0, passes, BANKS)
    return float(run.busy.mean()), float(run.stalls.mean())


def test_one_core_never_waits() -> None:
    rng = np.random.default_rng(1)
    run = loop(rng.integers(0, 999, (1, 24)), np.ones(24, np.int64), 4, 50, BANKS)
    assert run.stalls.tolist() == [0] and run.busy.tolist() == [50 * 28]


@pytest.mark.parametrize("cores", [2, 4, 8, 16])
def test_the_same_word_serves_one_core_at_a_time(cores: int) -> None:
    busy, waited = walked(cores, [5] * 10, 0, 100)
    assert busy == pytest.approx(1000 * cores, rel=0.02)
    assert waited / 1000 == pytest.approx(stalls(cores, 1.0, L.STRIDE, 0.0, P), rel=0.02)


@pytest.mark.parametrize(("cores", "stride"), list(itertools.product([2, 4, 8], [1, 2, 4, 8, 16, 32])))
def test_cores_in_step_share_the_banks_of_their_stride(cores: int, stride: int) -> None:
    words = [stride * i for i in range(4)]
    busy, waited = walked(cores, words, 4 * stride, 100)
    expected = stalls(cores, 1.0, L.STRIDE, float(stride), P)
    assert waited / 400 == pytest.approx(expected, abs=0.03)
    assert busy == pytest.approx(400 * (1 + expected), rel=0.03)


@pytest.mark.parametrize("cores", [2, 4, 8])
def test_walks_of_own_words_stagger_once(cores: int) -> None:
    base = np.arange(cores, dtype=np.int64)[:, None] * 128
    body = np.concatenate([base, 1024 + base, np.full((cores, 2), NO_ACCESS)], axis=1)
    run = loop(body, np.ones(4, np.int64), 0, 128, BANKS)
    closed = bank_stalls(256.0, 512.0, float(cores), L.WALK, 0.0, P)
    assert closed == 2 * (cores - 1)
    assert run.stalls.max() < 30 and run.stalls.max() == pytest.approx(closed, abs=12)


def test_sparse_accesses_and_private_banks_do_not_wait() -> None:
    assert stalls(8, 0.25, L.SPREAD, 0.0, P) == 0
    assert stalls(8, 1.0, L.FREE, 0.0, P) == 0
    assert primitive("tcdm_stalls", "pulp-open", {"cores": 8}, pattern="own_bank") == 0


def test_random_banks_wait_as_memoryless_masters_do() -> None:
    found = primitive("tcdm_stalls", "pulp-open", {"cores": 8}, pattern="random", footprint_words=256, loads=512, iterations=4)
    memoryless = 8 / (BANKS * (1 - (1 - 1 / BANKS) ** 8)) - 1
    assert found == pytest.approx(memoryless, rel=0.15)


@given(st.integers(1, 32), st.floats(0.01, 1.0), st.sampled_from([L.SPREAD, L.FREE, L.STRIDE]), st.integers(0, 64))
@settings(deadline=None)
def test_stalls_grow_with_the_masters_and_shrink_with_the_banks(masters: int, density: float, pattern: int, stride: int) -> None:
    few = stalls(masters, density, pattern, stride, P)
    assert 0 <= few <= stalls(masters + 1, density, pattern, stride, P) + 1e-12
    wide = resolved(PULP.replace(tcdm_banks=32.0), {})[1][0]
    assert stalls(masters, density, pattern, stride, wide) <= few + 1e-12


@pytest.mark.parametrize(("code", "missing"), [(512, 0), (528, 5), (560, 15), (640, 40), (1024, 64)])
def test_a_loop_beyond_the_private_cache_misses_in_its_full_sets(code: int, missing: int) -> None:
    stall = icache_stalls(float(code), float(code), 0.0, P)
    assert stall == pytest.approx(missing * P["icache_shared_stall_cycles"][0])


@pytest.mark.parametrize(("code", "missing"), [(4096, 0), (4096 + 16, 5), (4096 + 160, 50), (4096 + 2048, 384)])
def test_a_loop_beyond_the_shared_cache_fetches_its_full_sets_from_l2(code: int, missing: int) -> None:
    lines, near = code // 16, P["icache_shared_stall_cycles"][-1]
    assert icache_stalls(float(code), float(code), 0.0, P) == pytest.approx(missing * P["icache_miss_cycles"] + (lines - missing) * near)


def test_beyond_the_shared_cache_every_line_comes_from_l2() -> None:
    assert icache_stalls(8192.0, 8192.0, 0.0, P) == pytest.approx(512 * P["icache_miss_cycles"])


@given(st.floats(16, 20000), st.floats(1, 1.5))
@settings(deadline=None)
def test_larger_code_never_stalls_less(code: float, factor: float) -> None:
    assert icache_stalls(1e4, code * factor, 0.0, P) >= icache_stalls(1e4, code, 0.0, P) * (1 - 1e-9)


@pytest.mark.parametrize("moved", [4, 64, 1000, 65536])
def test_a_transfer_is_programmed_then_streamed_then_polled(moved: int) -> None:
    straight = 10 + 7 + moved / 8
    seen = transfer_cycles(float(moved), False, P)
    assert max(23, straight) <= seen < max(23, straight) + 6
    assert transfer_cycles(float(moved), True, P) >= seen


def test_l2_waits_grow_with_the_cores() -> None:
    waits = [l2_cycles(float(n), P) for n in (1, 2, 4, 8, 32)]
    assert waits[0] == P["l2_access_cycles"] and waits == sorted(waits)
    assert waits[-1] >= 32  # one port


def test_transfers_hide_under_the_loops_but_for_their_ends() -> None:
    m, p = resolved(PULP, {"cores": 1})
    loops = (Loop(Mix(alu=1), 10000),)
    fixed = float(p["dma_program_cycles"][0] + p["dma_latency_cycles"][0])
    moved = Transfers(in_bytes=8000, transfers=2, first_bytes=800)
    assert priced(Work(loops, transfers=moved), m, p)["dma"] == pytest.approx(fixed + 100)
    long = Transfers(in_bytes=800000, transfers=2, first_bytes=800)
    assert priced(Work(loops, transfers=long), m, p)["dma"] == pytest.approx(2 * fixed + 100000 - 10000)
    blocking = Transfers(in_bytes=8000, transfers=2, blocking=True)
    assert priced(Work(loops, transfers=blocking), m, p)["dma"] == pytest.approx(2 * fixed + 1000)


def test_what_cannot_run_cycle_by_cycle_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="limited"):
        primitive("tcdm_access", "pulp-open", {"cores": 8}, pattern="random", loads=60000, iterations=40_000_000)
    with pytest.raises(InvalidTrace, match="shared_walk"):
        primitive("tcdm_access", "pulp-open", pattern="shared_wlk")
