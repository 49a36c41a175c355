"""Distributed GEMMs on the wavelet mesh: numpy's product on every grid, cycles against the closed forms."""

import numpy as np
import pytest

from hwsim.core.errors import InvalidMapping
from hwsim.engine import mesh_forms as forms
from hwsim.engine.mesh import MeshRun, MeshTiming
from hwsim.engine.mesh_programs import GemmSize, ring_order, run_allgather_gemm, run_cannon, run_mesh_gemm, run_summa

WSE2 = MeshTiming(1, 2, 2)
WSE3 = MeshTiming(2, 5, 4)
OVERLAP = MeshTiming(1, 2, 2, overlap=True)
TIMINGS = pytest.mark.parametrize("timing", [WSE2, WSE3, OVERLAP], ids=["wse2", "wse3", "overlap"])
TILES = pytest.mark.parametrize("tile", [(1, 1, 1, 0), (2, 2, 2, 8), (2, 3, 1, 40), (1, 2, 3, 300)], ids=str)


def constants(timing: MeshTiming) -> tuple[float, float, float]:
    return float(timing.hop_cycles), float(timing.ramp2_cycles), float(timing.op_cycles)


def operands(size: GemmSize) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(size.p)
    x = rng.integers(-9, 9, (size.p * size.mt, size.p * size.kt)).astype(float)
    return x, rng.integers(-9, 9, (size.p * size.kt, size.p * size.nt)).astype(float)


def right(run: MeshRun, data: tuple[np.ndarray, np.ndarray]) -> bool:
    return run.result is not None and bool((run.result == data[0] @ data[1]).all())


@pytest.mark.parametrize(("p", "order"), [(3, [0, 2, 1]), (4, [0, 2, 3, 1]), (7, [0, 2, 4, 6, 5, 3, 1]), (8, [0, 2, 4, 6, 7, 5, 3, 1])])
def test_the_ring_of_the_interleave(p: int, order: list[int]) -> None:
    assert ring_order(p) == order
    assert max(abs(a - b) for a, b in zip(order, order[1:] + order[:1], strict=True)) <= 2


@TIMINGS
@TILES
@pytest.mark.parametrize("p", [3, 4, 5, 6, 8, 13, 24])
def test_mesh_gemm(p: int, tile: tuple[int, int, int, int], timing: MeshTiming) -> None:
    """Within 2 % of the form from P = 9 on; below, the one-hop moves at both ends of the ring save up to two hops in all."""
    size = GemmSize(p, *tile)
    data = operands(size)
    run = run_mesh_gemm(size, timing, data=data)
    assert right(run, data)
    form = forms.mesh_gemm_cycles(p, *size.moved, size.compute_cycles, *constants(timing), timing.overlap)
    assert form - 2 * timing.hop_cycles <= run.cycles <= form
    if p > 8:
        assert run.cycles == pytest.approx(form, rel=0.02)
    assert run_mesh_gemm(size, timing).cycles == run.cycles


@pytest.mark.parametrize(("tile", "timing"), [((1, 1, 1), WSE2), ((2, 2, 2), WSE3), ((1, 2, 2), WSE2)])
def test_mesh_gemm_on_64_by_64(tile: tuple[int, int, int], timing: MeshTiming) -> None:
    size = GemmSize(64, *tile, compute_cycles=10, step_overhead=3, round_overhead=5)
    data = operands(size)
    run = run_mesh_gemm(size, timing, data=data)
    assert right(run, data)
    form = forms.mesh_gemm_cycles(64, *size.moved, 10, *constants(timing), False) + 64 * 3 + 32 * 5
    assert run.cycles == pytest.approx(form, rel=0.02)


def test_no_link_of_the_interleave_is_contended() -> None:
    """Every directed link carries at most one tile per step and axis (and per alignment round)."""
    size = GemmSize(12, 2, 2, 2, 0)
    run = run_mesh_gemm(size, WSE2)
    assert int(run.links.max()) <= size.p * 4 + size.p // 2 * 4
    assert (run.ramp_in == run.ramp_out).all()


def test_moves_add_to_the_product_or_hide_behind_it() -> None:
    size = GemmSize(9, 2, 4, 2, 400)
    hidden, added = run_mesh_gemm(size, OVERLAP).cycles, run_mesh_gemm(size, WSE2).cycles
    rounds = 4 * (8 + 2 + 4 + 1)
    assert hidden == pytest.approx(9 * 400 + rounds, abs=2)
    assert added == pytest.approx(9 * (400 + 16 + 7) + rounds, abs=2)


@TIMINGS
@TILES
@pytest.mark.parametrize("p", [2, 3, 5, 8, 13, 24])
def test_cannon(p: int, tile: tuple[int, int, int, int], timing: MeshTiming) -> None:
    """The form is an upper one: when a step is longer than a neighbour move, part of the wrap hides behind it."""
    size = GemmSize(p, *tile)
    data = operands(size)
    run = run_cannon(size, timing, data=data)
    assert right(run, data)
    assert right(run_cannon(size, timing, data=data, preskewed=False), data)
    form = forms.cannon_cycles(p, *size.moved, size.compute_cycles, *constants(timing), timing.overlap)
    assert 0.92 * form <= run.cycles <= form
    if tile[3] == 0:
        assert run.cycles == form
    assert run.cycles <= forms.cannon_synchronous_cycles(p, *size.moved, size.compute_cycles, *constants(timing), timing.overlap) + 2 * p


@TIMINGS
@TILES
@pytest.mark.parametrize("p", [2, 3, 5, 8, 13, 24])
def test_summa(p: int, tile: tuple[int, int, int, int], timing: MeshTiming) -> None:
    size = GemmSize(p, *tile)
    data = operands(size)
    run = run_summa(size, timing, data=data)
    assert right(run, data)
    form = forms.summa_cycles(p, *size.moved, size.compute_cycles, *constants(timing))
    if p >= 8:
        assert run.cycles == pytest.approx(form, rel=0.02)
        assert run.cycles <= forms.summa_synchronous_cycles(p, *size.moved, size.compute_cycles, *constants(timing))
    if tile[:3] == (1, 1, 1) and p >= 5:
        assert run.cycles == form


def test_summa_is_the_dependency_recurrence() -> None:
    """One-wavelet panels: a core starts a step when its row's and its column's roots have started theirs, and the panels came."""
    for timing, drain in ((WSE2, 4), (WSE3, 7)):
        p, hop, latency = 12, timing.hop_cycles, timing.ramp2_cycles + timing.op_cycles
        start = np.zeros((p, p), dtype=int)
        at = np.arange(p)
        for i in range(p):
            x = np.where(at == i, start + drain, start[:, [i]] + 1 + hop * abs(at - i) + latency)
            w = np.where(at[:, None] == i, start + drain, start[[i], :] + 1 + hop * abs(at[:, None] - i) + latency)
            start = np.maximum(x, w) + ((x == w) & (at != i) & (at[:, None] != i))
        assert run_summa(GemmSize(p, 1, 1, 1, 0), timing).cycles == start.max()


@TIMINGS
@TILES
@pytest.mark.parametrize("p", [2, 3, 5, 8, 13, 24])
def test_allgather(p: int, tile: tuple[int, int, int, int], timing: MeshTiming) -> None:
    """Relays and streaming overlap in part: between the slower of both and their sum."""
    size = GemmSize(p, *tile)
    data = operands(size)
    run = run_allgather_gemm(size, timing, data=data)
    assert right(run, data)
    sizes = (p, *size.moved, size.compute_cycles, *constants(timing))
    assert forms.allgather_bound_cycles(*sizes) <= run.cycles <= forms.allgather_cycles(*sizes)


def test_bad_requests_are_refused() -> None:
    with pytest.raises(InvalidMapping, match="3 x 3"):
        run_mesh_gemm(GemmSize(2, 1, 1, 1, 0), WSE2)
    for other in (run_cannon, run_summa, run_allgather_gemm):
        with pytest.raises(InvalidMapping, match="2 x 2"):
            other(GemmSize(1, 1, 1, 1, 0), WSE2)
    with pytest.raises(InvalidMapping, match="impossible"):
        GemmSize(4, 0, 1, 1, 0)
    with pytest.raises(InvalidMapping, match="negative"):
        GemmSize(4, 1, 1, 1, 0, step_overhead=-1)
    size = GemmSize(4, 2, 2, 2, 0)
    with pytest.raises(InvalidMapping, match="operands"):
        run_mesh_gemm(size, WSE2, data=(np.ones((8, 9)), np.ones((8, 8))))
    with pytest.raises(InvalidMapping, match="one element"):
        run_mesh_gemm(GemmSize(4, 2, 2, 2, 0, x_wavelets=2), WSE2, data=(np.ones((8, 8)), np.ones((8, 8))))
