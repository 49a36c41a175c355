"""Speed of the packet mesh's cycle loop: ``pytest tests/benchmarks/bench_packet_mesh.py``.

Budget (one core): 5 M flit-hops per second on a loaded 8 x 8 mesh.
"""

import time
from typing import Any

import pytest

from hwsim.engine.packet_mesh import Deliveries, PacketMesh, RouterConfig, TrafficRun
from hwsim.engine.packet_messages import exchange

ROUTERS = {"vc4": RouterConfig(4, 8, 1, 1, 1), "vc1": RouterConfig(1, 8, 0, 1, 1), "vc2s": RouterConfig(2, 4, 0, 1, 1, speculative=True)}


@pytest.fixture(autouse=True, scope="module")
def compiled() -> None:
    """Compile before anything is timed."""
    PacketMesh(2, 2, ROUTERS["vc4"]).run_traffic("uniform", 0.1, 1, 10, 10)


@pytest.mark.parametrize(("config", "side", "rate"), [("vc4", 8, 0.4), ("vc1", 8, 0.18), ("vc2s", 8, 0.34), ("vc4", 32, 0.1), ("vc4", 64, 0.001)])
def test_uniform_traffic(benchmark: Any, config: str, side: int, rate: float) -> None:
    cycles = 20_000 * 64 // side**2 + 2000

    def setup() -> tuple[tuple[TrafficRun, int], dict[str, Any]]:
        return (PacketMesh(side, side, ROUTERS[config]).start_traffic("uniform", rate), cycles), {}

    hops: list[int] = []
    seconds: list[float] = []  # of this process: the budget is one core's

    def advance(run: TrafficRun, cycles: int) -> None:
        start = time.process_time()
        run.advance(cycles)
        seconds.append(time.process_time() - start)
        hops.append(run.flit_hops)

    benchmark.pedantic(advance, setup=setup, rounds=5)
    speed = hops[-1] / min(seconds)
    benchmark.extra_info["flit_hops_per_s"] = speed
    benchmark.extra_info["router_cycles_per_s"] = cycles * side**2 / min(seconds)
    if (side, config) == (8, "vc4"):
        assert speed > 5e6


def test_message_list(benchmark: Any) -> None:
    sources, destinations = exchange("row_alltoall", 16, 16, 50)

    def deliver() -> Deliveries:
        return PacketMesh(16, 16, ROUTERS["vc4"]).deliver(sources, destinations, 1)

    moved = benchmark.pedantic(deliver, rounds=3)
    benchmark.extra_info["flit_hops_per_s"] = moved.flit_hops / benchmark.stats.stats.min
