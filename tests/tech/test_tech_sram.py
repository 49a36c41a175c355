"""SRAM arrays: against closed forms of their parts, limits, and properties over sizes, ports, nodes and devices."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.readers.technology import technology
from hwsim.tech.sram import Partition, _assembled, _bound, _partitions, sram
from hwsim.tech.sram_gates import BEST_EFFORT, chain, decoder, horowitz, predecoder
from hwsim.tech.sram_process import Process, process
from hwsim.tech.sram_wires import extent, repeated, tree

TABLE = technology("sram-process")
P45, P22 = process(TABLE, 45, "itrs-hp", 350), process(TABLE, 22, "itrs-hp", 350)


def test_cell_is_146_squares() -> None:
    assert P45.cell_w * P45.cell_h == pytest.approx(146 * 0.045**2)
    assert P45.cell_h / P45.cell_w == pytest.approx(1.46)


def test_horowitz_of_a_step_is_the_half_time_of_an_rc() -> None:
    assert horowitz(0.0, 1.0) == pytest.approx(math.log(2))
    assert horowitz(1.0, 1.0) > horowitz(0.0, 1.0)


@given(st.floats(1e-16, 1e-12))
def test_chains_are_even_and_grow_towards_their_load(load: float) -> None:
    widths = [n for n, _ in chain(P45, 1, load, plain=True)]
    assert len(widths) % 2 == 0
    assert widths[1:] == sorted(widths[1:])
    assert max(widths) <= P45.w_max * (1 + 1e-9)
    stages = math.log(load / (P45.gate_c * P45.w_min * (1 + P45.p_over_n))) / math.log(BEST_EFFORT)
    assert len(widths) <= max(2, stages + 2)


def test_a_decoder_below_16_outputs_is_its_predecoder() -> None:
    small = decoder(P45, 8, 1e-14, 10.0)
    assert not small.there and small.energy_j == 0
    found = predecoder(P45, 8, small, 1, 0.0, 0.0)
    assert found.delay > 0 and found.energy_j > 0
    assert predecoder(P45, 1, decoder(P45, 1, 0.0, 0.0), 1, 0.0, 0.0) == (0.0, 0.0, 0.0, 0.0, 0.0)


def test_repeaters_give_up_their_share_of_speed() -> None:
    wire, eager = repeated(P45), repeated(process_with(P45, slack=0.0))
    assert eager.delay < wire.delay <= 1.3 * eager.delay
    assert wire.energy < eager.energy


def process_with(p: Process, **values: float) -> Process:
    return replace(p, **values)


def test_tree_of_one_mat_is_nothing() -> None:
    assert tree(P45, 100.0, 100.0, 1, 1, True).delay == 0
    assert extent(P45, 30.0, 40.0, 1, 1, 12, 129) == (30.0, 40.0)


def test_bounds_never_exceed_the_cost() -> None:
    for part in list(_partitions(65536, 64))[::97]:
        made = _assembled(P45, part, 64)
        assert _bound(P45, part, 64) <= made.access_s**2 * made.read_j


def test_search_finds_the_least_cost() -> None:
    best = sram(P22, 2048, 64)
    made = [_assembled(P22, part, 64) for part in _partitions(2048, 64)]
    assert best.access_s**2 * best.read_j == min(m.access_s**2 * m.read_j for m in made)


@pytest.mark.parametrize("size", [2048, 16384, 131072])
def test_array_holds_the_memory(size: int) -> None:
    part = sram(P45, size, 64).partition
    assert isinstance(part, Partition)
    assert part.shape.rows * part.shape.cols * part.across * part.down == 8 * size


def test_calibration_row_of_cacti() -> None:
    made = sram(P45, 32768, 64)
    assert made.access_s == pytest.approx(0.408e-9, rel=0.005)
    assert made.read_j == pytest.approx(14.925e-12, rel=0.001)
    assert made.write_j == pytest.approx(12.690e-12, rel=0.001)
    assert made.leak_w == pytest.approx(32.861e-3, rel=0.001)
    assert made.area_mm2 == pytest.approx(0.09492, rel=0.001)
    assert made.efficiency == pytest.approx(0.817, abs=0.001)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from((2048, 4096, 8192)), st.sampled_from((64, 128)), st.sampled_from((90, 65, 45, 40, 32, 28, 22)))
def test_larger_memories_leak_more_and_take_more_area(size: int, port: int, node: int) -> None:
    p = process(TABLE, node, "itrs-hp", 350)
    small, large = sram(p, size, port), sram(p, 4 * size, port)
    assert large.leak_w > 3 * small.leak_w
    assert large.area_mm2 > 3 * small.area_mm2
    assert large.access_s > small.access_s


def test_cell_type_moves_leakage_by_orders_and_temperature_by_less() -> None:
    hp = sram(P22, 8192, 64)
    cold = sram(process(TABLE, 22, "itrs-hp", 300), 8192, 64)
    standby = sram(process(TABLE, 22, "itrs-lstp", 300), 8192, 64)
    assert 1.5 < hp.leak_w / cold.leak_w < 2
    assert cold.leak_w / standby.leak_w > 1000
    assert cold.read_j == hp.read_j and standby.access_s > 3 * cold.access_s


def test_between_nodes_lies_between_them() -> None:
    areas = [sram(process(TABLE, node, "itrs-hp", 350), 8192, 64).area_mm2 for node in (22, 28, 32)]
    assert areas == sorted(areas)


@pytest.mark.parametrize(
    ("node", "device", "kelvin", "why"),
    [(16, "itrs-hp", 350, "22 to 180"), (180, "itrs-lstp", 350, "22 to 90"), (45, "finfet", 350, "device_type"), (45, "itrs-hp", 450, "300 to 400")],
)
def test_unknown_processes_are_refused(node: float, device: str, kelvin: float, why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        process(TABLE, node, device, kelvin)


def test_a_memory_too_small_for_its_port_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="no SRAM of 128 bytes"):
        sram(P45, 128, 512)
