"""Laws of the packet mesh, on random sizes, routers and message lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.engine.packet_mesh import PacketMesh, RouterConfig

stages = st.integers(1, 3)
routers = st.builds(
    RouterConfig, st.integers(1, 5), st.integers(1, 9), st.integers(0, 3), stages, stages, stages, stages, st.integers(0, 3), st.booleans()
)
meshes = st.builds(PacketMesh, st.integers(1, 6), st.integers(1, 6), routers, st.sampled_from(["xy", "yx"]))
quick = settings(max_examples=300, deadline=None)


def messages(mesh: PacketMesh, number: int, seed: int) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    return (*random.integers(0, mesh.nodes, (2, number)), random.integers(1, 7, number), random.integers(0, 60, number))


@quick
@given(meshes, st.integers(0, 120), st.integers(0, 2**31))
def test_every_message_arrives_and_none_too_early(mesh: PacketMesh, number: int, seed: int) -> None:
    sources, destinations, flits, ready = messages(mesh, number, seed)
    moved = mesh.deliver(sources, destinations, flits, ready)
    again = mesh.deliver(sources, destinations, flits, ready)
    alone = np.array([mesh.zero_load_cycles(int(a), int(b), int(n)) for a, b, n in zip(sources, destinations, flits, strict=True)], dtype=int)
    assert (moved.injected_cycles >= ready).all()
    assert (moved.arrival_cycles >= ready + alone).all()
    assert (moved.arrival_cycles == again.arrival_cycles).all()
    assert moved.makespan_cycles == max(moved.arrival_cycles, default=-1) + 1
    hops = [mesh.routers_between(int(a), int(b)) for a, b in zip(sources, destinations, strict=True)]
    assert moved.flit_hops == int(np.dot(hops, flits))
    for node in range(mesh.nodes):
        assert (np.diff(moved.injected_cycles[sources == node]) >= flits[sources == node][:-1]).all()


@quick
@given(meshes, st.integers(1, 30), st.data())
def test_a_single_message_takes_the_closed_form(mesh: PacketMesh, flits: int, data: st.DataObject) -> None:
    source, destination = (data.draw(st.integers(0, mesh.nodes - 1)) for _ in range(2))
    assert mesh.deliver([source], [destination], flits).arrival_cycles[0] == mesh.zero_load_cycles(source, destination, flits)


@quick
@given(meshes, st.sampled_from(["uniform", "neighbor"]), st.floats(0, 1), st.integers(1, 6), st.integers(0, 2**31))
def test_an_open_mesh_conserves_flits(mesh: PacketMesh, pattern: str, rate: float, flits: int, seed: int) -> None:
    run = mesh.start_traffic(pattern, rate, flits, seed)
    run.advance(150)
    assert 0 <= run.accepted_flits <= run.injected <= 150 * mesh.nodes
    assert run.in_flight[0] >= run.injected - run.accepted_flits
    assert run.flit_hops >= run.accepted_flits
