"""Speed of the wavelet mesh's cycle loop: ``pytest tests/benchmarks/bench_mesh.py``.

Budgets (one core): 100 M router-cycles per second on static routes; the whole-wafer MeshGEMV, routes and all, in 30 s.
"""

from typing import Any

import pytest

from hwsim.engine.mesh import MeshRun, MeshTiming, RouteTable, WaveletMesh
from hwsim.engine.mesh_isa import recv, send
from hwsim.engine.mesh_lines import Lines
from hwsim.engine.mesh_programs import GemmSize, run_mesh_gemm, run_mesh_gemv

WSE2 = MeshTiming(1, 2, 2)


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Compile before anything is timed."""
    run_mesh_gemv(2, 4, 1, 1, WSE2, groups=2)


def note(benchmark: Any, run: MeshRun) -> None:
    seconds = benchmark.stats.stats.min
    benchmark.extra_info["router_cycles_per_s"] = run.router_cycles / seconds
    benchmark.extra_info["events_per_s"] = run.events / seconds
    benchmark.extra_info["cycles"] = run.cycles


@pytest.mark.parametrize(("side", "wavelets"), [(64, 20000), (256, 2000), (720, 1000)])
def test_every_link_east_busy(benchmark: Any, side: int, wavelets: int) -> None:
    """The worst case: every router forwards a wavelet in every cycle."""

    def setup() -> tuple[tuple[WaveletMesh], dict[str, Any]]:
        lines = Lines(RouteTable(side, side, 1))
        lines.message(0, 0, side - 1)
        lines.bodies[0].append(send(0, 0, wavelets))
        lines.bodies[-1].append(recv(0, 0, wavelets))
        return (WaveletMesh(lines.program(None), WSE2),), {}

    note(benchmark, benchmark.pedantic(WaveletMesh.run, setup=setup, rounds=3))


@pytest.mark.parametrize("wavelets", [11, 22])
def test_whole_wafer_mesh_gemv(benchmark: Any, wavelets: int) -> None:
    """750 x 994 cores, 14 groups; routes, programs and all."""

    def whole() -> MeshRun:
        return run_mesh_gemv(750, 994, 17, 2 * wavelets, WSE2, groups=14, wavelets=wavelets, compute_cycles=400)

    run = benchmark.pedantic(whole, rounds=2)
    note(benchmark, run)
    assert benchmark.stats.stats.min < 30


def test_mesh_gemm_64(benchmark: Any) -> None:
    note(benchmark, benchmark.pedantic(lambda: run_mesh_gemm(GemmSize(64, 8, 8, 8, 600), WSE2), rounds=2))
