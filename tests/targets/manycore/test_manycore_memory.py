"""Shire map, latencies, bandwidths of reader sets, residency in L3: closed formulas, limits, properties, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.targets.manycore import memory, shire_map, spec
from hwsim.targets.manycore.primitives import PRIMITIVES
from hwsim.targets.manycore.primitives_common import prepare_network, record

CHIP = load_chip("et-soc-1")
P = record(CHIP, {})[0]
RING = [0, 24, 9, 25, 2, 11, 19, 27, 18, 10, 17, 14, 22, 26, 15, 23, 31, 7, 6, 30, 29, 5, 28, 20, 12, 21, 13, 1, 16, 4, 3, 8]
SHIRES = st.integers(0, 31)


def latency(mapping: dict[str, Any] | None = None, **arguments: Any) -> float:
    return float(PRIMITIVES["memory_latency"](CHIP, arguments, mapping or {})["cycles"])


def rate(chip: Any = CHIP, **arguments: Any) -> float:
    return float(PRIMITIVES["memory_bandwidth"](chip, arguments, {})["bandwidth_bytes_per_s"])


def sized(**constants: float) -> Any:
    return record(CHIP.replace(**constants), {})[0]


def test_the_map_has_one_shire_per_cell_and_its_ring_of_single_hops() -> None:
    cells = {(shire_map.shire_column(s, P), shire_map.shire_row(s, P)) for s in range(32)}
    assert len(cells) == 32
    assert not cells & {(0, 3), (0, 4), (0, 5), (5, 3)}
    assert [shire_map.shire_hops(a, b, P) for a, b in zip(RING, RING[1:] + RING[:1], strict=True)] == [1] * 32


@pytest.mark.parametrize(("offset", "mean", "longest"), [(1, 3.5, 10), (2, 4.5, 7), (4, 3.6875, 8), (8, 1.625, 7), (16, 2.125, 6), (6, 4.6875, 8)])
def test_hand_offs_of_rings_by_id(offset: int, mean: float, longest: float) -> None:
    assert shire_map.mean_offset_hops(offset, 32, P) == mean
    assert shire_map.longest_offset_hops(offset, 32, P) == longest
    assert shire_map.longest_offset_hops(32 - offset, 32, P) == longest


@given(a=SHIRES, b=SHIRES, c=SHIRES)
def test_hops_are_a_distance(a: int, b: int, c: int) -> None:
    assert shire_map.shire_hops(a, b, P) == shire_map.shire_hops(b, a, P)
    assert (shire_map.shire_hops(a, b, P) == 0) == (a == b)
    assert shire_map.shire_hops(a, c, P) <= shire_map.shire_hops(a, b, P) + shire_map.shire_hops(b, c, P)


@pytest.mark.parametrize("shires", [1, 2, 5, 16, 31, 32, 33, 64, 100])
def test_mean_hops_equal_the_mean_over_all_pairs(shires: int) -> None:
    p = sized(shires=float(shires))
    pairs = [shire_map.shire_hops(a, b, p) for a in range(shires) for b in range(shires)]
    assert shire_map.mean_home_hops(p) == pytest.approx(np.mean(pairs))
    assert p["home_hops"] == pytest.approx(np.mean(pairs))
    assert np.mean([shire_map.mean_home_hops_from(a, p) for a in range(shires)]) == pytest.approx(np.mean(pairs))


def test_a_square_grid_has_the_closed_mean() -> None:
    assert sized(shires=64.0)["home_hops"] == pytest.approx(2 * (8**2 - 1) / (3 * 8))


def test_memory_shires_of_the_drawn_map_take_the_low_bits_of_the_home() -> None:
    at = [(1, -1), (2, -1), (3, -1), (4, -1), (1, 6), (2, 6), (3, 6), (4, 6)]
    for home in range(32):
        x, y = at[home % 8]
        assert shire_map.memory_hops_of(home, P) == abs(shire_map.shire_column(home, P) - x) + abs(shire_map.shire_row(home, P) - y)


def test_links_of_a_ring_carry_every_hop_once() -> None:
    flows = shire_map.ring_link_flows(8, 32, P)
    assert flows.max() == 1  # rings of four shires that share no link
    assert [int(shire_map.ring_link_flows(k, 32, P).max()) for k in (1, 2, 4, 6)] == [3, 4, 4, 4]


@given(hops=st.integers(1, 10), clock=st.floats(300e6, 800e6))
def test_mesh_latency_keeps_its_seconds(hops: int, clock: float) -> None:
    at = {"frequency_hz": clock}
    assert latency(at, level="remote_scp", hops=hops) == pytest.approx(65.95 + (56.48e-9 + 20e-9 * hops) * clock)
    assert latency(at, level="l3", hops=hops) == pytest.approx(72.2 + (61.4e-9 + 20e-9 * hops) * clock)
    assert latency(at, level="l2") == 47


@given(clock=st.floats(300e6, 800e6), shire=SHIRES)
def test_levels_are_in_order_and_a_faster_clock_is_never_slower(clock: float, shire: int) -> None:
    at = {"frequency_hz": clock}
    levels = [latency(at, level="l1"), latency(at, level="l2_read_buffer"), latency(at, level="l2"), latency(at, level="l3", shire=shire),
              latency(at, level="dram", shire=shire)]  # fmt: skip
    assert levels == sorted(levels)
    faster = {"frequency_hz": clock * 1.1}
    assert latency(faster, level="dram", shire=shire) / (clock * 1.1) < latency(at, level="dram", shire=shire) / clock


def test_a_load_waits_for_refreshes_in_proportion_to_the_square_of_their_length() -> None:
    def dram(**constants: float) -> float:
        return float(PRIMITIVES["memory_latency"](CHIP.replace(**constants), {"level": "dram"}, {})["latency_s"])

    none = dram(refresh_s=0.0)
    assert dram() - none == pytest.approx(280.7e-9**2 / (2 * 3.875e-6))
    assert dram(refresh_s=2 * 280.7e-9) - none == pytest.approx(4 * (dram() - none))


def test_hart_1_waits_longer_on_misses_only() -> None:
    assert latency(level="l1", hart=1) == latency(level="l1")
    for level in ("l2", "l3", "dram"):
        assert latency(level=level, hart=1) == latency(level=level) + 3


def test_the_working_set_chooses_the_level() -> None:
    found = [latency(working_set_bytes=size) for size in (512, 2**19, 2**25, 2**28)]
    assert found == [latency(level=level) for level in ("l1", "l2", "l3", "dram")]


def test_latency_from_a_shire_averages_to_the_chip() -> None:
    assert np.mean([latency(level="l3", shire=s) for s in range(32)]) == pytest.approx(latency(level="l3"))


@given(size=st.floats(1, 2**27), capacity=st.floats(2**10, 2**25))
def test_residency_is_a_share_that_falls_with_the_working_set(size: float, capacity: float) -> None:
    share = memory.resident_share(size, capacity, 4.0)
    assert 0 <= share <= 1
    assert memory.resident_share(size * 1.01, capacity, 4.0) <= share
    assert share == 1 or size > capacity
    assert memory.resident_share(1.25 * capacity, capacity, 4.0) == pytest.approx(0, abs=1e-12)


def test_own_shire_bandwidth_is_the_banks() -> None:
    assert rate(level="own_scp") == 32 * 128 * 600e6 == rate(level="l2")
    assert rate(level="own_scp", minions=1) == pytest.approx(4 * 64 / 40 * 600e6)
    assert rate(level="own_scp", bytes_per_load=64, stride_bytes=256) == 32 * 32 * 600e6
    assert rate(level="own_scp", bytes_per_load=64, stride_bytes=64) == pytest.approx(1024 * 64 / 34 * 600e6)
    assert rate(level="own_scp", access="store") == 32 * 64 * 600e6
    assert rate(level="own_scp", access="store", minions=1) == 32 * 600e6


@given(shires=st.integers(1, 32), each=st.integers(1, 32), level=st.sampled_from(["l1", "l2", "own_scp", "l3", "dram"]))
def test_more_readers_never_draw_less(shires: int, each: int, level: str) -> None:
    path = "vector" if level == "l1" else "tensor"
    now = rate(level=level, path=path, shires=shires, minions_per_shire=each)
    assert rate(level=level, path=path, shires=min(32, shires + 1), minions_per_shire=each) >= now
    assert rate(level=level, path=path, shires=shires, minions_per_shire=min(32, each + 1)) >= now * (1 - 1e-12)
    assert rate(level=level, path=path, shires=shires, minions_per_shire=each, report="per_shire") == pytest.approx(now / shires)


@given(hops=st.integers(1, 5), lines=st.integers(1, 8))
def test_remote_bandwidth_is_lines_in_flight_over_latency(hops: int, lines: int) -> None:
    found = rate(level="remote_scp", hops=hops, bytes_per_load=64 * lines, report="per_shire")
    flying = 4 * 64 / latency(level="remote_scp", hops=hops) * 600e6
    assert found == pytest.approx(32 * min(flying, rate(level="own_scp", minions=1, bytes_per_load=64 * lines)))


def test_a_ring_of_readers_is_its_flows_together_and_busy_links_share() -> None:
    hops = [shire_map.shire_hops(s, (s + 8) % 32, P) for s in range(32)]
    assert rate(level="remote_scp", id_offset=8) == pytest.approx(sum(rate(level="remote_scp", hops=h, shires=1) for h in hops))
    narrow = CHIP.replace(mesh_link_bytes_per_noc_cycle=64.0)
    assert rate(narrow, level="remote_scp", id_offset=2) < rate(level="remote_scp", id_offset=2)


def test_dram_and_l3_share_time_by_what_stays() -> None:
    near, far = rate(level="l3", working_set_bytes=2**24), rate(level="dram", working_set_bytes=2**28)
    assert far == pytest.approx(16 * 7.46875e9 * 0.636)
    assert far < rate(level="l3", working_set_bytes=36 * 2**20) < near
    assert rate(level="dram", minions=1) == pytest.approx(4 * 64 / latency(level="dram") * 600e6)
    assert rate(level="dram", access="store", path="vector_through_l1") < rate(level="dram", access="store") == far
    assert rate(CHIP.replace(dram_channels=32.0), level="dram") == pytest.approx(2 * far)


def test_l1_is_bound_by_issue() -> None:
    both, alone = (rate(level="l1", path="vector", harts_per_minion=h) for h in (2, 1))
    assert both == pytest.approx(1024 * 32 * 2 * 0.3607 * 600e6)
    assert alone == pytest.approx(1024 * 32 * 0.62 * 600e6)


def test_vector_loads_have_two_lines_in_flight() -> None:
    assert rate(level="own_scp", path="vector", minions=1) == pytest.approx(2 * 64 / 47 * 600e6)
    assert rate(level="l2", path="vector") <= rate(level="l2")


@pytest.mark.parametrize(
    "arguments",
    [
        {"level": "remote_scp"}, {"level": "remote_scp", "hops": 2, "id_offset": 1}, {"level": "remote_scp", "hops": 10}, {"level": "l2", "hops": 1},
        {"level": "remote_scp", "id_offset": 32}, {"level": "remote_scp", "hops": 11, "shires": 1}, {"level": "l1"},
        {"level": "l2", "access": "store"},
        {"level": "remote_scp", "hops": 1, "access": "store"}, {"level": "own_scp", "stride_bytes": 100}, {"level": "l3", "stride_bytes": 128},
        {"level": "dram", "minions": 4, "shires": 2}, {"level": "dram", "shires": 33}, {"level": "dram", "report": "each"},
        {"level": "dram", "minions_per_shire": 8, "neighbourhoods_per_shire": 1},
        {"level": "dram", "working_set_bytes": 1, "working_set_bytes_per_shire": 1},
    ],
)  # fmt: skip
def test_bandwidths_that_mean_nothing_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTrace):
        rate(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"level": "l2", "hops": 3}, {"level": "remote_scp"}, {"level": "l3", "hops": 2, "shire": 1}, {"level": "l3", "shire": 32},
     {"level": "dram", "hart": 2}, {"level": "l4"}],
)  # fmt: skip
def test_latencies_that_mean_nothing_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidTrace):
        latency(**arguments)


def test_working_sets_that_do_not_fit_are_refused() -> None:
    with pytest.raises(Infeasible, match="own_scp"):
        rate(level="own_scp", working_set_bytes_per_shire=3 * 2**20)
    with pytest.raises(Infeasible, match="l2"):
        latency(level="l2", working_set_bytes=2**20)


def test_operator_options_mean_nothing_for_a_primitive() -> None:
    with pytest.raises(InvalidMapping, match="runtime"):
        latency({"runtime": "compiled_graph"}, level="l2")


def test_network_columns_follow_the_clock() -> None:
    table = spec.PARAMETERS.record(CHIP)
    table["clock_hz"] = 800e6
    prepare_network(table[0])
    assert table["dram_bytes_per_cycle"][0] == pytest.approx(76.002e9 / 800e6)
    assert table["l3_cycles"][0] > P["l3_cycles"]
    assert table["dram_bytes_per_s"][0] == P["dram_bytes_per_s"]
