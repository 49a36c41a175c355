"""Laws of random traffic on the packet mesh."""

from __future__ import annotations

import numpy as np
import pytest

from hwsim.core.errors import InvalidMapping
from hwsim.engine.packet_mesh import PacketMesh, RouterConfig

VC4, VC1, VC2S = RouterConfig(4, 8, 1, 1, 1), RouterConfig(1, 8, 0, 1, 1), RouterConfig(2, 4, 0, 1, 1, speculative=True)


def test_the_same_seed_gives_the_same_run_and_another_does_not() -> None:
    mesh = PacketMesh(6, 4, VC4)
    one, same, other = (mesh.run_traffic("uniform", 0.3, 3, 200, 500, seed=seed) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_a_run_in_steps_is_the_run() -> None:
    mesh = PacketMesh(5, 5, VC2S)
    whole, steps = (mesh.start_traffic("uniform", 0.4, 2, seed=3) for _ in range(2))
    whole.advance(700)
    for _ in range(70):
        steps.advance(10)
    assert (whole.arrived, whole.injected, whole.flit_hops, whole.cycle) == (steps.arrived, steps.injected, steps.flit_hops, steps.cycle)


@pytest.mark.parametrize("router", [VC4, VC1, VC2S])
def test_more_load_never_lowers_the_latency(router: RouterConfig) -> None:
    mesh = PacketMesh(6, 6, router)
    latency = [mesh.run_traffic("uniform", rate, 1, 1000, 4000).latency_cycles for rate in (0.02, 0.1, 0.15, 0.2, 0.3)]
    assert (np.diff(latency) > -0.2).all()


def test_flits_are_conserved_and_an_overloaded_mesh_does_not_stall() -> None:
    mesh = PacketMesh(8, 8, VC1)
    run = mesh.start_traffic("transpose", 1.0, 5)
    for _ in range(20):
        before = run.accepted_flits
        run.advance(500)
        assert run.accepted_flits > before
        waiting = run.in_flight[0] - (run.injected - run.accepted_flits)  # flits of the packets that sources are sending
        assert 0 <= waiting < 5 * mesh.nodes


def test_no_traffic_ends_at_once() -> None:
    result = PacketMesh(8, 8, VC4).run_traffic("uniform", 0.0, 1, 1000, 1000)
    assert result.packets == 0
    assert result.accepted == 0
    assert np.isnan(result.latency_cycles)
    assert result.stable


def test_no_traffic_on_the_shared_stream_ends_too() -> None:
    run = PacketMesh(3, 3, VC4).start_traffic("uniform", 0.0, shared_stream=True)
    run.measure()
    run.advance(100)
    assert run.drain(500.0)
    assert run.injected == 0


def test_a_full_rate_to_oneself_is_accepted() -> None:
    mesh = PacketMesh(3, 3, VC4)
    result = mesh.run_traffic(np.arange(9), 1.0, 1, 500, 500)
    assert result.accepted == 1
    assert result.latency_cycles == mesh.zero_load_cycles(0, 0, 1)


def test_a_wider_mesh_takes_longer() -> None:
    small, wide = (PacketMesh(width, 4, VC4).run_traffic("uniform", 0.05, 1, 1000, 3000).latency_cycles for width in (4, 12))
    assert wide - small == pytest.approx(5 * (143 / 36 - 15 / 12), rel=0.05)  # mean distance (w^2 - 1) / (3 w)


def test_overload_is_said_to_be_unstable() -> None:
    result = PacketMesh(8, 8, VC1).run_traffic("uniform", 0.5, 1, 2000, 3000)
    assert not result.stable
    assert result.latency_cycles > 0


def test_traffic_that_does_not_fit_is_refused() -> None:
    mesh = PacketMesh(4, 3, VC4)
    for pattern, rate, flits, seed in (("uniform", 1.1, 1, 1), ("uniform", -0.1, 1, 1), ("uniform", float("nan"), 1, 1), ("uniform", 0.1, 0, 1),
                                       ("uniform", 0.1, 1, -1), ("transpose", 0.1, 1, 1), ("unifrom", 0.1, 1, 1), ([0, 1], 0.1, 1, 1)):  # fmt: skip
        with pytest.raises(InvalidMapping, match="packet mesh"):
            mesh.start_traffic(pattern, rate, flits, seed)
    with pytest.raises(InvalidMapping, match="warm-up"):
        mesh.run_traffic("uniform", 0.1, 1, -1, 100)
