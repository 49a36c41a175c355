"""The packet mesh against closed forms and BookSim 2's makespans."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hwsim.core.errors import InvalidMapping
from hwsim.engine.packet_mesh import PacketMesh, RouterConfig
from hwsim.engine.packet_messages import EXCHANGES, exchange

DATA = Path(__file__).resolve().parents[2] / "scripts" / "data"
VC4, VC1, VC2S = RouterConfig(4, 8, 1, 1, 1), RouterConfig(1, 8, 0, 1, 1), RouterConfig(2, 4, 0, 1, 1, speculative=True)
ROUTERS = {"vc4": VC4, "vc1": VC1, "vc2s": VC2S}
CYCLES = {"vc4": 5, "vc1": 4, "vc2s": 3}  # BookSim's law: c H + 2 + flits - 1


def makespan_rows() -> list[dict[str, str]]:
    with (DATA / "booksim_makespans_8x8.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


@pytest.mark.parametrize("config", list(ROUTERS))
@pytest.mark.parametrize("order", ["xy", "yx"])
def test_single_messages_take_the_zero_load_law(config: str, order: str) -> None:
    mesh = PacketMesh(5, 3, ROUTERS[config], order)
    for source in range(mesh.nodes):
        for destination in range(mesh.nodes):
            routers = mesh.routers_between(source, destination)
            for flits in (1, 2, 4):
                cycles = CYCLES[config] * routers + 2 + flits - 1
                assert mesh.zero_load_cycles(source, destination, flits) == cycles
                assert mesh.deliver([source], [destination], flits, 7).arrival_cycles[0] == 7 + cycles


@pytest.mark.parametrize("row", makespan_rows(), ids=lambda r: f"{r['config']}-{r['pattern']}")
def test_makespans_are_those_of_booksim(row: dict[str, str]) -> None:
    """Also the latencies: BookSim creates the i-th message of a source in cycle i."""
    name, _, length = row["pattern"].rpartition("_L")
    sources, destinations = exchange(name, 8, 8, int(length))
    moved = PacketMesh(8, 8, ROUTERS[row["config"]]).deliver(sources, destinations, 1)
    by_source = np.argsort(sources, kind="stable")
    start = np.searchsorted(sources[by_source], sources[by_source])
    latency = moved.arrival_cycles[by_source] - (np.arange(len(sources)) - start)
    assert len(sources) == int(row["messages_flits_total"])
    assert moved.makespan_cycles == int(row["makespan_cycles"])
    assert latency.max() == int(row["max_pkt_latency"])
    assert latency.mean() == pytest.approx(float(row["avg_pkt_latency"]), rel=1e-5)


def test_one_vc_moves_a_one_flit_packet_in_two_cycles() -> None:
    moved = PacketMesh(2, 1, VC1).deliver(np.zeros(50, dtype=int), np.ones(50, dtype=int), 1)
    assert (np.diff(moved.arrival_cycles) == 2).all()


def test_four_vcs_or_long_packets_fill_a_link() -> None:
    moved = PacketMesh(2, 1, VC4).deliver(np.zeros(50, dtype=int), np.ones(50, dtype=int), 1)
    assert (np.diff(moved.arrival_cycles)[2:] == 1).all()  # the round-robin pointers find their places first
    assert PacketMesh(2, 1, VC1).deliver([0], [1], 500).makespan_cycles == 4 * 2 + 2 + 499 + 1


def test_a_short_buffer_limits_a_packet_to_its_credit_loop() -> None:
    """Two flits per loop: two cycles of traversal and link each way, and one that the credit takes to count."""
    router = RouterConfig(1, 2, 1, 1, 1)
    moved = PacketMesh(3, 1, router).deliver([0], [2], 41)
    assert moved.arrival_cycles[0] == router.zero_load_cycles(3, 41) == 5 * 3 + 2 + 20 * 6


def test_messages_of_a_source_keep_their_order_and_wait_for_their_time() -> None:
    mesh = PacketMesh(4, 4, VC4)
    moved = mesh.deliver([5, 5, 5], [0, 15, 6], [3, 1, 2], [100, 0, 1_000_000_000])
    assert moved.injected_cycles.tolist() == [100, 103, 1_000_000_000]
    assert moved.arrival_cycles[2] == 1_000_000_000 + mesh.zero_load_cycles(5, 6, 2)
    assert moved.makespan_cycles == moved.arrival_cycles[2] + 1
    assert moved.flit_hops == 3 * 3 + 1 * 5 + 2 * 2


def test_nothing_to_send_takes_no_time() -> None:
    moved = PacketMesh(3, 3, VC4).deliver([], [], [])
    assert moved.makespan_cycles == 0
    assert moved.arrival_cycles.shape == (0,)


def test_the_route_order_decides_which_links_meet() -> None:
    """(0, 0) to (1, 1) and (1, 0) to (1, 2) meet on the link from (1, 0) to (1, 1) if x comes first, and nowhere if y does."""
    sources, destinations = [0] * 20 + [1] * 20, [3] * 20 + [5] * 20
    for order, meet in (("xy", True), ("yx", False)):
        mesh = PacketMesh(2, 3, VC1, order)
        both = mesh.deliver(sources, destinations, 1).arrival_cycles
        alone = [mesh.deliver(sources[part], destinations[part], 1).arrival_cycles for part in (slice(20), slice(20, 40))]
        assert (both > np.concatenate(alone)).any() == meet


def test_a_longer_stage_or_link_adds_its_cycles_per_router() -> None:
    slow = RouterConfig(2, 16, 2, 3, 2, traversal_cycles=2, link_cycles=3, credit_cycles=2)
    mesh = PacketMesh(4, 1, slow)
    assert mesh.deliver([0], [3], 1).arrival_cycles[0] == 4 * (2 + 3 + 2 + 2) + 3 * 3 + 3 == mesh.zero_load_cycles(0, 3, 1)


@pytest.mark.parametrize("name", list(EXCHANGES))
def test_exchanges_deliver_every_message_no_earlier_than_alone(name: str) -> None:
    sources, destinations = exchange(name, 6, 6, 3)
    mesh = PacketMesh(6, 6, VC2S)
    moved = mesh.deliver(sources, destinations, 2)
    alone = [mesh.zero_load_cycles(int(a), int(b), 2) for a, b in zip(sources, destinations, strict=True)]
    assert (moved.arrival_cycles - moved.injected_cycles >= alone).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [("virtual_channels", 13), ("virtual_channels", 0), ("buffer_flits", 0), ("vc_cycles", 0), ("link_cycles", 65), ("route_cycles", -1)],
)
def test_router_constants_out_of_range_are_refused(field: str, value: int) -> None:
    with pytest.raises(InvalidMapping, match=field):
        RouterConfig(**{"virtual_channels": 4, "buffer_flits": 8, "route_cycles": 1, "vc_cycles": 1, "switch_cycles": 1, field: value})


def test_what_does_not_fit_is_refused() -> None:
    mesh = PacketMesh(4, 3, VC4)
    for sources, destinations, flits, ready in (([0], [12], 1, 0), ([-1], [0], 1, 0), ([0], [1], 0, 0), ([0], [1], 1, -1), ([0, 1], [1], 1, 0)):
        with pytest.raises(InvalidMapping, match="packet mesh"):
            mesh.deliver(sources, destinations, flits, ready)
    with pytest.raises(InvalidMapping, match="integers"):
        mesh.deliver([0.5], [1], 1)
    with pytest.raises(InvalidMapping, match="flits"):
        mesh.zero_load_cycles(0, 1, 0)
    with pytest.raises(InvalidMapping, match="node 12"):
        mesh.zero_load_cycles(0, 12, 1)
    with pytest.raises(InvalidMapping, match="0 x 3"):
        PacketMesh(0, 3, VC4)
    with pytest.raises(InvalidMapping, match="order"):
        PacketMesh(4, 3, VC4, "zigzag")
    with pytest.raises(InvalidMapping, match="did you mean"):
        exchange("transposed", 4, 4)
    with pytest.raises(InvalidMapping, match="square"):
        exchange("transpose", 4, 3)
    with pytest.raises(InvalidMapping, match="rounds"):
        exchange("transpose", 4, 4, 0)
