"""Mechanisms of tiles against closed formulas and limits: reads, shared converters, placement, mesh, pipeline, components that add up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace
from hwsim.core.graph import single_op
from hwsim.core.program import Table
from hwsim.core.report import Report
from hwsim.targets.crossbar.layout import OP_DTYPE
from hwsim.targets.crossbar.spec import check_chip
from hwsim.targets.crossbar.tiled import components, network, placement, timing
from hwsim.targets.crossbar.tiled.plan import lossless_bits
from hwsim.targets.crossbar.tiled.primitives import record
from hwsim.targets.crossbar.tiled.spec import LEVEL_OF

CHIPS = ("isaac", "puma")


def chip(name: str = "isaac", **changed: Any) -> Chip:
    return hwsim.load_chip(name).replace(**changed)


def constants(name: str = "isaac", **changed: Any) -> Any:
    return record(chip(name, **changed))[0]


def matrix(**columns: float) -> Any:
    """One record of the operator table: a product that fills one array unless told otherwise."""
    row = np.zeros(1, dtype=OP_DTYPE)
    usual = {"active": 1, "groups": 1, "vectors": 1, "rounds": 1, "duplication": 1, "row_parts": 1, "column_parts": 1, "arrays": 1, "slices": 8,
             "polarity": 1, "inputs": 128, "outputs": 16, "input_bits": 16, "output_bits": 16, "input_bytes": 256}  # fmt: skip
    for column, value in {**usual, **columns}.items():
        row[column] = value
    return row[0]


def product(name: str, m: int, k: int, n: int, mapping: dict[str, Any] | None = None, **changed: Any) -> Report:
    graph = single_op("matmul", m=m, k=k, n=n, dtype="int16", weight_dtype="int16")
    return hwsim.simulate(graph, chip(name, **changed), mapping=mapping or {"duplication": 1}, interval=False)


def dynamic(report: Report, part: str) -> float:
    """Joules of the slots of a part, without leakage."""
    program = report.cost.program
    members = program.parts.get(part, (part,))
    return sum(float(report.cost.values[0, i]) for i, s in enumerate(program.slots) if s.name in members and s.quantity == "joules")


# reads and converters


def test_an_input_takes_one_read_per_slice() -> None:
    assert [timing.reads(bits, 1.0) for bits in (1.0, 8.0, 16.0)] == [1, 8, 16]
    assert [timing.reads(bits, 2.0) for bits in (1.0, 8.0, 15.0)] == [1, 4, 8]


@pytest.mark.parametrize(
    ("used", "sharing", "turns"), [(128, 128, 128), (40, 128, 40), (128, 8, 8), (4, 8, 4), (128, 512, 512), (40, 512, 160)]
)
def test_columns_take_turns_on_a_converter(used: float, sharing: float, turns: float) -> None:
    """Up to a whole array on one converter; above, several arrays after each other."""
    assert timing.columns_in_turn(used, sharing, 128.0) == turns


def test_a_cycle_is_the_longer_of_read_and_conversions() -> None:
    assert timing.cycle_s(128.0, constants()) == pytest.approx(100e-9)  # 128 columns at 1.28 GS/s fill the read
    assert timing.cycle_s(128.0, constants(columns_per_adc=512.0)) == pytest.approx(400e-9)
    assert timing.cycle_s(128.0, constants(columns_per_adc=8.0)) == pytest.approx(100e-9)
    assert timing.cycle_s(128.0, constants("puma", adc_bits=12.0)) == pytest.approx(150e-9)  # 12.5 ns per bit and array


@given(st.integers(1, 128), st.sampled_from([1, 8, 64, 128, 512]))
def test_a_cycle_grows_with_sharing_and_columns(used: int, sharing: int) -> None:
    p, more = constants(columns_per_adc=float(sharing)), constants(columns_per_adc=float(2 * sharing))
    assert timing.cycle_s(float(used), p) <= timing.cycle_s(float(used), more)
    assert timing.cycle_s(float(max(1, used - 1)), p) <= timing.cycle_s(float(used), p)


def test_isaacs_converters_lose_nothing_with_eight_bits() -> None:
    """log2 128 + 1 + 2 - 1 = 9 bits, less one by flipped encoding."""
    assert lossless_bits(chip()) == 8
    assert lossless_bits(chip(array_rows=256.0)) == 9
    assert any("clip" in w for w in product("isaac", 1, 128, 16, adc_bits=6.0).cost.program.warnings)
    assert not any("clip" in w for w in product("isaac", 1, 128, 16).cost.program.warnings)


# placement


@pytest.mark.parametrize(
    ("row_parts", "column_parts", "arrays", "stack", "columns", "tiles"),
    [(1, 1, 1, 1, 1, 1), (16, 6, 96, 1, 1, 1), (16, 12, 192, 1, 2, 2), (36, 32, 1152, 1, 16, 16), (196, 2, 392, 3, 2, 6)],
)
def test_row_parts_lie_together(row_parts: float, column_parts: float, arrays: float, stack: float, columns: float, tiles: float) -> None:
    """A tile of 96 arrays holds 96 / row parts column parts whole; taller stacks reach over several tiles."""
    op, p = matrix(row_parts=row_parts, column_parts=column_parts, arrays=arrays), constants()
    assert (placement.stack_tiles(op, p), placement.column_tiles(op, p), placement.copy_tiles(op, p)) == (stack, columns, tiles)


def test_a_unit_adds_up_its_own_row_parts() -> None:
    """ISAAC's unit drives 8 x 128 rows, so 8 row parts need no adder of the tile; PUMA's 8 arrays share 128 rows."""
    assert [placement.partial_sums(matrix(row_parts=r, outputs=10), constants()) for r in (1, 8, 9, 24)] == [0, 0, 10, 20]
    assert [placement.partial_sums(matrix(row_parts=r, outputs=10), constants("puma")) for r in (1, 8)] == [0, 70]


def test_the_mesh_carries_inputs_to_every_tile_with_columns() -> None:
    p = constants()
    assert placement.mesh_bits(matrix(input_bytes=256), p) == 8 * 256
    assert placement.mesh_bits(matrix(row_parts=16, column_parts=12, arrays=192, input_bytes=256), p) == 2 * 8 * 256
    tall = matrix(row_parts=196, arrays=196, input_bytes=256, outputs=16, output_bits=16)
    assert placement.mesh_bits(tall, p) == 8 * 256 + 2 * 16 * 16  # partial sums of two further tiles


# mesh


def test_latency_by_injection_is_the_published_one_with_lines_between() -> None:
    p = constants()
    for injection, cycles in zip(p["noc_injection"], p["noc_cycles"], strict=True):
        assert network.packet_cycles(float(injection), p) == pytest.approx(cycles)
    assert network.packet_cycles(0.0, p) == 29
    assert network.packet_cycles(0.0075, p) == pytest.approx(32.5)
    assert network.packet_cycles(1.0, p) == 115
    assert network.least_s(25.0, 1e9, p) == pytest.approx(1e-6)  # 25 packets at 0.025 per cycle


@given(st.floats(0, 0.03), st.floats(0, 0.03))
def test_a_busier_mesh_is_no_faster(one: float, other: float) -> None:
    p = constants("puma")
    assert network.packet_cycles(min(one, other), p) <= network.packet_cycles(max(one, other), p)


def test_routers_passed_grow_with_the_square_of_the_layer() -> None:
    p = constants()
    assert network.routers_passed(1.0, p) == 1.0
    assert network.routers_passed(72.0, p) == pytest.approx(1 + 2 / 3 * 6)  # 36 routers of two layers
    assert network.way_share(168.0, p) == 1.0 > network.way_share(1.0, p)
    assert network.transfer_j(256.0, 3.0, p) == pytest.approx(3 * 20.74e-12)


# one product


def test_isaacs_pipeline_has_22_cycles() -> None:
    """16 reads and 6 cycles around them for one vector; every further vector takes its 16 reads."""
    assert product("isaac", 1, 128, 16).cycles == pytest.approx(22)
    assert product("isaac", 10, 128, 16).cycles == pytest.approx(16 * 10 + 6)


def test_copies_divide_the_vectors_and_leave_the_energy_of_arrays() -> None:
    alone, twice = product("isaac", 100, 128, 16), product("isaac", 100, 128, 16, {"duplication": 4})
    assert [alone.cycles, twice.cycles] == pytest.approx([1606, 406])
    for name in ("array", "adc", "dac"):
        assert twice.part("energy_j", component=name) == pytest.approx(alone.part("energy_j", component=name))


def test_without_another_wish_a_pipeline_of_layers_is_balanced() -> None:
    """One product alone gets as many copies as it has vectors; PUMA leaves the choice to the program."""
    graph = single_op("matmul", m=100, k=128, n=16, dtype="int16", weight_dtype="int16")
    assert hwsim.simulate(graph, chip(), interval=False).part("cycles", component="array") == pytest.approx(16)
    assert hwsim.simulate(graph, chip("puma"), interval=False).cycles > 100 * 1600


def test_energy_of_a_full_array_by_component() -> None:
    """One vector of 16 bits through 128 x 16 weights on 8 slices: 16 reads of one array, 128 rows, 128 conversions each."""
    got = product("isaac", 1, 128, 16)
    assert got.part("energy_j", component="array") == pytest.approx(16 * 30e-12)
    assert got.part("energy_j", component="dac") == pytest.approx(16 * 128 * 0.416667e-12)
    assert got.part("energy_j", component="adc") == pytest.approx(16 * 128 * 1.6666667e-12)
    assert got.part("energy_j", component="sample_hold") == pytest.approx(16 * 128 * 10e-6 * 100e-9 / 1024)


def test_arrays_that_share_rows_share_drivers() -> None:
    """PUMA: 128 outputs are 8 arrays of one unit behind 128 drivers; ISAAC drives the rows of each."""
    per_read = {n: product(n, 1, 128, 128).cost.values[0] for n in CHIPS}
    driver = [s.name for s in product("isaac", 1, 128, 128).cost.program.slots].index("driver_energy")
    assert per_read["isaac"][driver] == pytest.approx(16 * 8 * 128 * 0.416667e-12)
    assert per_read["puma"][driver] == pytest.approx(16 * 128 * 3.50625e-6 * 100e-9)


def test_pumas_steps_follow_each_other() -> None:
    """16 reads, the last conversion, 8 accesses in and 8 out of 2 ns, and the mesh."""
    got = product("puma", 1, 128, 128)
    by = {s.name: float(v) for s, v in zip(got.cost.program.slots, got.cost.values[0], strict=True)}
    assert [by["array"], by["adc"], by["buffer"]] == pytest.approx([1600, 100, 32])
    assert 29 <= by["interconnect"] <= 115
    double = product("puma", 2, 128, 128)
    assert double.cycles == pytest.approx(2 * got.cycles)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(CHIPS), st.integers(1, 60), st.integers(1, 700), st.integers(1, 300), st.integers(1, 3))
def test_more_work_takes_no_less_time_and_energy(name: str, m: int, k: int, n: int, grown: int) -> None:
    """A larger matrix may lie on more tiles, whose memories and adders then work at once: its reads and joules grow, not every step."""
    less = product(name, m, k, n)
    assert product(name, m + grown, k, n).cycles >= less.cycles * (1 - 1e-9)
    for more in (product(name, m + grown, k, n), product(name, m, k + 40 * grown, n), product(name, m, k, n + 40 * grown)):
        assert more.part("cycles", component="array") >= less.part("cycles", component="array")
        for part in ("array", "adc", "dac", "accumulation", "sample_hold_energy", "interconnect_energy"):
            assert dynamic(more, part) >= dynamic(less, part) * (1 - 1e-9)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from(CHIPS), st.sampled_from(["read_s", "edram_access_s", "adc_conversion_s", "adc_s_per_bit"]), st.floats(0.3, 1.0),
    st.sampled_from([(5, 700, 300), (1, 3000, 40), (40, 64, 900)]),
)  # fmt: skip
def test_a_faster_part_never_slows_the_whole(name: str, part: str, factor: float, shape: tuple[int, int, int]) -> None:
    whole = chip(name)
    if not whole.number(part):
        return
    changed: dict[str, Any] = {part: whole.number(part) * factor}
    if part == "read_s":
        changed["clock_hz"] = whole.number("clock_hz") / factor
    assert product(name, *shape, **changed).latency_s <= product(name, *shape).latency_s * (1 + 1e-9)


# components


@pytest.mark.parametrize("name", CHIPS)
def test_areas_of_components_are_the_chips(name: str) -> None:
    p: Table = record(chip(name))
    parts = sum(float(v[0]) for v in components.area_mm2(p).values())
    assert parts == pytest.approx(float(components.total(p, "chip")[1][0]))
    assert product(name, 1, 128, 16).area_mm2 == pytest.approx(parts)


@pytest.mark.parametrize("name", CHIPS)
def test_power_of_the_chip_is_that_of_its_components(name: str) -> None:
    p = record(chip(name, chips=3.0))
    watts = np.sum([components.everywhere(p, n) * (components.dynamic_w(p, n) + components.leakage_w(p, n)) for n in LEVEL_OF], axis=0)
    assert watts[0] == pytest.approx(3 * float(components.total(p, "chip")[0][0]))


def test_fewer_bits_make_converters_smaller() -> None:
    p = record(chip(adc_bits=4.0))
    assert components.area(p, "adc")[0] == pytest.approx(361.04e-6, rel=1e-4)
    assert components.dynamic_w(p, "adc")[0] == pytest.approx(2e-3 * 0.79 / 1.6666667, rel=1e-4)


def test_sharing_divides_the_converters() -> None:
    assert components.count(record(chip()), "adc")[0] == 8
    assert components.count(record(chip(columns_per_adc=512.0)), "adc")[0] == 2


def test_unknown_components_name_those_there_are() -> None:
    p = record(chip())
    assert components.named(p, "output_register") == "output_register_ima"
    assert components.named(record(chip("puma")), "sigmoid_unit") == "activation_unit"
    with pytest.raises(InvalidTrace, match=r"no component .flash.*edram"):
        components.named(p, "flash")
    with pytest.raises(InvalidTrace, match="vector_unit"):
        components.named(p, "vector_unit")


# chip files


@pytest.mark.parametrize(
    ("changed", "problem"),
    [({"columns_per_adc": 2048.0}, "columns_per_adc exceeds"), ({"dac_count": 2048.0}, "dac_count must"), ({"adc_conversion_s": 0.0}, "no time")],
)
def test_contradictions_are_refused(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidChip, match=problem):
        check_chip(chip(**changed))


def test_half_a_component_is_refused() -> None:
    whole = chip()
    params = {n: v for n, v in whole.params.items() if n != "max_pool_mm2"}
    with pytest.raises(InvalidChip, match="component max_pool needs"):
        check_chip(Chip(whole.name, whole.target, params))


def test_options_of_other_families_are_refused() -> None:
    with pytest.raises(InvalidMapping, match="phases"):
        product("isaac", 1, 128, 16, {"phases": "two"})
    assert math.isclose(product("isaac", 1, 128, 16, {"columns_per_adc": 512, "duplication": 1}).cycles, 22 * 1.28 / 1.28 * 4, rel_tol=1e-9)
