"""Messages, rings, trees, barriers, atomics, relays, issue, launches and host copies: closed formulas, limits, properties, refusals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import Infeasible, InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.targets.manycore import issue, sync
from hwsim.targets.manycore.primitives import PRIMITIVES
from hwsim.targets.manycore.primitives_common import record
from hwsim.targets.manycore.shire_map import shire_hops

CHIP = load_chip("et-soc-1")
P = record(CHIP, {})[0]


def run(name: str, /, mapping: dict[str, Any] | None = None, chip: Any = CHIP, **arguments: Any) -> Any:
    return PRIMITIVES[name](chip, arguments, mapping or {})


def cycles(name: str, /, **arguments: Any) -> float:
    return float(run(name, **arguments)["cycles"])


def ring(**arguments: Any) -> float:
    return float(run("register_transfer", **arguments)["bandwidth_bytes_per_s"])


def relay(chip: Any = CHIP, **arguments: Any) -> Any:
    full = {"medium": "own_scp", "bytes_per_shire": 2**20, **arguments}
    return run("relay", chip=chip, **full)


@pytest.mark.parametrize(("where", "hops", "base"), [("tree_edge", None, 68), ("shire", None, 114), ("mesh", 1, 162), ("mesh", 5, 210)])
def test_round_trips_by_distance_class(where: str, hops: int | None, base: float) -> None:
    assert cycles("register_round_trip", where=where, hops=hops) == pytest.approx(base, abs=0.1)


def test_long_messages_pay_more_for_far_hops() -> None:
    far = [cycles("register_round_trip", where="mesh", hops=h, bytes=1024) for h in (4, 5, 6, 7)]
    assert [b - a for a, b in pairwise(far)] == pytest.approx([12, 36, 36], abs=0.1)
    short = [cycles("register_round_trip", where="mesh", hops=h, bytes=32) for h in (5, 6)]
    assert short[1] - short[0] == pytest.approx(12)


@given(size=st.integers(1, 992), hops=st.integers(1, 9))
def test_longer_messages_and_ways_never_take_less_time(size: int, hops: int) -> None:
    now = cycles("register_round_trip", where="mesh", hops=hops, bytes=size)
    assert cycles("register_round_trip", where="mesh", hops=hops, bytes=size + 32) >= now
    assert cycles("register_round_trip", where="mesh", hops=hops + 1, bytes=size) > now


def test_pairs_exchange_a_message_per_round_trip() -> None:
    trip = cycles("register_round_trip", where="tree_edge", bytes=1024)
    assert ring(pattern="pair", bytes_per_message=1024) == pytest.approx(1024 * 1024 / trip * 600e6)


def test_the_busiest_link_sets_a_mesh_ring_and_the_round_trip_where_links_are_free() -> None:
    shared, free = ring(pattern="mesh_ring", id_offset=2), ring(pattern="mesh_ring", id_offset=8)
    assert shared == pytest.approx(32 * 11.6e9 / 4)  # four flows on it
    assert free > shared
    wide = CHIP.replace(send_link_bytes_per_s=1e12)
    trips = run("register_transfer", chip=wide, pattern="mesh_ring", id_offset=8)["bandwidth_bytes_per_s"]
    latency = cycles("memory_latency", level="remote_scp", hops=1.625)
    assert trips == pytest.approx(1024 * 32 / latency * 600e6)


@given(size=st.integers(1, 16), offset=st.integers(1, 31))
def test_longer_messages_never_have_less_bandwidth(size: int, offset: int) -> None:
    for pattern, k in (("pair", None), ("shire_ring", None), ("mesh_ring", offset)):
        now = ring(pattern=pattern, id_offset=k, bytes_per_message=32 * size)
        assert ring(pattern=pattern, id_offset=k, bytes_per_message=64 * size) >= now * (1 - 1e-12)


def test_the_tree_adds_its_levels() -> None:
    found = [cycles("allreduce", minions=2**h, bytes=32) for h in range(11)]
    assert found[0] == 0
    steps = [b - a for a, b in pairwise(found)]
    assert steps[:5] == [68, 68, 68, 114, 114]
    assert min(steps[5:]) >= 161.9  # one hop
    assert sync.level_hops(1, 32, P) == max(shire_hops(s, s + 1, P) for s in range(0, 32, 2))
    assert sync.level_hops(16, 32, P) == shire_hops(0, 16, P)  # the root's pair alone


@given(level=st.integers(0, 9), size=st.integers(1, 992))
def test_more_minions_or_bytes_never_reduce_faster(level: int, size: int) -> None:
    now = cycles("allreduce", minions=2**level, bytes=size)
    assert cycles("allreduce", minions=2 ** (level + 1), bytes=size) > now
    assert cycles("allreduce", minions=2**level, bytes=size + 32) >= now


def test_barriers_credits_and_atomics() -> None:
    assert cycles("barrier", scope="shire", minions=32) < cycles("barrier", scope="chip", minions=1024)
    assert cycles("credit", scope="mesh", hops=4) - cycles("credit", scope="mesh", hops=3) == pytest.approx(14.43)
    assert cycles("atomic", contention="one_line") == 32 * cycles("atomic", contention="spread_32_lines")
    assert cycles("atomic", contention="one_line", minions=1) == cycles("atomic", contention="none")


@given(adds=st.integers(0, 256), kib=st.integers(64, 1024), medium=st.sampled_from(["own_scp", "remote_scp", "dram"]))
def test_more_additions_or_bytes_never_take_less_time(adds: int, kib: int, medium: str) -> None:
    offset = 1 if medium == "remote_scp" else None
    now = relay(medium=medium, id_offset=offset, adds_per_element=adds, bytes_per_shire=kib * 1024)
    assert relay(medium=medium, id_offset=offset, adds_per_element=adds + 1, bytes_per_shire=kib * 1024)["latency_s"] >= now["latency_s"]
    assert relay(medium=medium, id_offset=offset, adds_per_element=adds, bytes_per_shire=kib * 1024 + 4096)["latency_s"] >= now["latency_s"]
    assert now["energy_j"] > 0


def test_hand_offs_wait_for_the_longest() -> None:
    found = {k: relay(medium="remote_scp", id_offset=k)["bandwidth_bytes_per_s"] for k in (1, 2, 4, 8)}
    assert found[2] == pytest.approx(found[8])  # 7 hops both
    assert found[1] < found[4] < found[2] < relay()["bandwidth_bytes_per_s"]


def test_the_dram_route_falls_off_when_two_buffers_leave_l3() -> None:
    fits, beyond = (relay(medium="dram", bytes_per_shire=size)["bandwidth_bytes_per_s"] for size in (2**19, 2**20))
    assert fits > 5 * beyond
    assert beyond == pytest.approx(76.002e9 * 2 / 3, rel=0.01)


def test_stages_are_alike_and_end_in_a_barrier() -> None:
    one, eight = relay(stages=1), relay(stages=8)
    assert eight["latency_s"] == pytest.approx(8 * one["latency_s"])
    line = relay(bytes_per_shire=64, stages=1)["cycles"]  # a thirty-second of a line a minion
    assert P["barrier_chip_cycles"] < line < P["barrier_chip_cycles"] + 10


@given(rate=st.floats(0.001, 0.5))
def test_two_harts_never_issue_slower_than_one(rate: float) -> None:
    assert issue.instruction_cycles(rate, 2.0, P) <= issue.instruction_cycles(rate, 1.0, P)
    assert issue.loop_instruction_cycles(rate, P) > issue.instruction_cycles(rate, 2.0, P)


def test_instructions_by_unit() -> None:
    assert cycles("instruction", name="xor") == cycles("instruction", name="add") == pytest.approx(1 / (2 * 0.374))
    assert cycles("instruction", name="add", harts_per_minion=1) == pytest.approx(1 / 0.62)
    assert cycles("instruction", name="flwl.ps", harts_per_minion=1) == pytest.approx(45, rel=0.02)
    assert set(run("instruction", name="fence")) == {"energy_j"}
    assert set(run("instruction", {"frequency_hz": 1.2e9}, name="add")) == {"cycles"}


@given(size=st.floats(1, 1e9))
def test_larger_copies_come_nearer_to_the_link_rate(size: float) -> None:
    now, more = (run("host_transfer", direction="host_to_card", bytes=b)["bandwidth_bytes_per_s"] for b in (size, 2 * size))
    assert now < more < 12.61e9


def test_a_copy_of_the_half_rate_size_has_half_the_rate() -> None:
    assert run("host_transfer", direction="card_to_host", bytes=2.1e6)["bandwidth_bytes_per_s"] == pytest.approx(10.53e9 / 2)
    assert run("kernel_launch", mode="queued")["latency_s"] < run("kernel_launch", mode="sync")["latency_s"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("register_round_trip", {"where": "mesh"}), ("register_round_trip", {"where": "shire", "hops": 1}),
        ("register_round_trip", {"where": "chip"}),
        ("register_round_trip", {"where": "shire", "bytes": 2048}), ("register_transfer", {"pattern": "mesh_ring"}),
        ("register_transfer", {"pattern": "pair", "id_offset": 1}), ("register_transfer", {"pattern": "pair", "minions": 1}),
        ("register_transfer", {"pattern": "mesh_ring", "id_offset": 32}),
        ("register_transfer", {"pattern": "mesh_ring", "id_offset": 1, "minions": 8}),
        ("register_transfer", {"pattern": "pair", "bytes_per_message": 2048}), ("allreduce", {"minions": 48}), ("allreduce", {"minions": 2048}),
        ("barrier", {"scope": "shire", "minions": 64}), ("barrier", {"scope": "grid"}),
        ("credit", {"scope": "mesh"}), ("credit", {"scope": "shire", "hops": 1}),
        ("atomic", {"contention": "some"}), ("relay", {"medium": "own_scp", "bytes_per_shire": 1024, "id_offset": 1}),
        ("relay", {"medium": "remote_scp", "bytes_per_shire": 1024}), ("relay", {"medium": "dram", "bytes_per_shire": 1024, "dtype": "fp16"}),
        ("instruction", {"name": "fdiv.s"}), ("instruction", {"name": "add", "harts_per_minion": 3}), ("kernel_launch", {"mode": "lazy"}),
        ("host_transfer", {"direction": "host_to_card", "bytes": 1, "mode": "staged"}),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTrace):
        run(name, **arguments)


def test_slabs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(Infeasible, match="scratchpad"):
        relay(bytes_per_shire=2 * 2**20)
    with pytest.raises(Infeasible, match="DRAM"):
        relay(medium="dram", bytes_per_shire=2**30)
