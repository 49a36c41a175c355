"""Floorplans, placement, legal rows and detailed moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdcell_blocks import ROWS, area_um2, grid_block, sizes

from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.targets.stdcell.detailed import improve
from hwsim.targets.stdcell.floorplan import Rows, floorplan, floorplan_of_area, port_slots
from hwsim.targets.stdcell.legalise import legalise
from hwsim.targets.stdcell.placement import Effort, Placement, place, placement_density
from hwsim.targets.stdcell.quadratic import edges, half_perimeters, solve
from hwsim.targets.stdcell.spreading import spread


def overlaps(p: Placement) -> int:
    """Sites that two cells claim, or that lie outside of the core."""
    g = p.plan.geometry
    site = np.rint(p.x[: p.netlist.cells] / g.site_um - p.width_sites / 2).astype(int)
    row = np.rint(p.y[: p.netlist.cells] / g.row_um - p.rows / 2).astype(int)
    taken = np.zeros((p.plan.rows, p.plan.sites), int)
    for column in p.plan.tap_columns:
        taken[:, column : column + g.tap_sites] += 1
    for i in range(p.netlist.cells):
        assert row[i] >= 0 and site[i] >= 0 and row[i] + p.rows[i] <= p.plan.rows and site[i] + p.width_sites[i] <= p.plan.sites
        taken[row[i] : row[i] + p.rows[i], site[i] : site[i] + p.width_sites[i]] += 1
    return int((taken > 1).sum())


@given(u=st.floats(0.2, 1.0), area=st.floats(5, 500), aspect=st.floats(0.5, 2))
def test_a_floorplan_holds_its_cells_on_whole_rows(u: float, area: float, aspect: float) -> None:
    plan = floorplan(ROWS, area, u, aspect=aspect)
    assert area / plan.area_um2 <= u * (1 + 1e-9)
    assert plan.area_um2 == pytest.approx(area / u, rel=0.1)
    assert plan.height_um == pytest.approx(plan.rows * 0.1)


def test_taps_take_columns_and_cells_that_do_not_fit_are_refused() -> None:
    plan = floorplan(Rows(0.1, 0.05, 2, 20), 50.0, 0.8)
    taken = sum(last - first for first, last in plan.segments())
    assert taken + 2 * len(plan.tap_columns) == plan.sites
    assert plan.free_share == pytest.approx(0.9, abs=0.02)
    with pytest.raises(Infeasible, match="tap_pitch_cpp"):
        floorplan(Rows(0.1, 0.05, 2, 20), 50.0, 0.95)
    with pytest.raises(InvalidMapping, match=r"in 0\.\.1"):
        floorplan(ROWS, 50.0, 1.2)
    assert floorplan_of_area(ROWS, 50.0, 100.0).utilisation == pytest.approx(0.5, abs=0.01)


def test_port_slots_lie_on_the_edge() -> None:
    plan = floorplan(ROWS, 30.0, 0.5)
    x, y = port_slots(plan, 40)
    on = np.isclose(x, 0) | np.isclose(y, 0) | np.isclose(x, plan.width_um) | np.isclose(y, plan.height_um)
    assert on.all() and len(set(zip(x, y, strict=True))) == 40


def test_one_cell_between_two_ports_lies_in_the_middle_and_a_chain_is_even() -> None:
    start, node = np.array([0, 2, 4], np.int32), np.array([1, 0, 2, 0], np.int32)
    at, hold = np.array([0.3, 0.0, 8.0]), np.zeros(1)
    assert solve(*edges(start, node, np.ones(2), np.array([4.0, 0.0, 8.0]), 0.1), at, 1, hold, hold, 1e-9, 50) == pytest.approx(4.0)
    chain = np.array([0, 2, 4, 6, 8], np.int32)
    ends = np.array([3, 0, 0, 1, 1, 2, 2, 4], np.int32)
    at = np.array([0.0, 0.0, 0.0, 0.0, 8.0])
    even = solve(*edges(chain, ends, np.ones(4), at + np.arange(5), 100.0), at, 3, np.zeros(3), np.zeros(3), 1e-9, 50)
    assert even == pytest.approx([2.0, 4.0, 6.0])


def test_an_anchor_holds_a_cell() -> None:
    start, node = np.array([0, 2], np.int32), np.array([1, 0], np.int32)
    at = np.array([3.0, 0.0])
    one, two, pull = edges(start, node, np.ones(1), at, 0.1)
    found = solve(one, two, pull, at, 1, np.array([6.0]), pull, 1e-9, 50)
    assert found == pytest.approx(3.0)  # equal pulls from 0 and from 6


@given(st.integers(0, 1000), st.floats(0.3, 1.0))
@settings(max_examples=25, deadline=None)
def test_spreading_keeps_every_half_below_the_density(seed: int, density: float) -> None:
    random = np.random.default_rng(seed)
    x, y = 5 + random.normal(0, 0.3, 400), 5 + random.normal(0, 0.3, 400)
    area = np.full(400, 100 * density / 400 * 0.95)
    nx, ny = spread(x, y, area, 10.0, 10.0, density, 0.5)
    assert nx.min() >= 0 and ny.min() >= 0 and nx.max() <= 10 and ny.max() <= 10
    for half in (nx < 5, nx > 5, ny < 5, ny > 5):  # cells on the cut belong to either
        assert area[half].sum() <= 50 * density + 3 * area[0]


def test_spreading_leaves_loose_cells_alone() -> None:
    random = np.random.default_rng(1)
    x, y = random.uniform(0, 10, 50), random.uniform(0, 10, 50)
    nx, ny = spread(x, y, np.full(50, 1e-3), 10.0, 10.0, 1.0, 1.0)
    assert np.array_equal(nx, x) and np.array_equal(ny, y)


@pytest.mark.parametrize("tall", [False, True])
@pytest.mark.parametrize(("utilisation", "taps"), [(0.5, 0), (0.75, 2), (0.9, 0)])
def test_placed_cells_are_legal(tall: bool, utilisation: float, taps: int) -> None:
    n = grid_block()
    rows = Rows(0.1, 0.05, taps, 40 if taps else 0)
    p = place(n, floorplan(rows, area_um2(n, tall), utilisation), *sizes(n, tall))
    assert len(p.overlapping) == 0
    assert overlaps(p) == 0


def test_a_full_core_is_counted_not_hidden() -> None:
    n = grid_block()
    p = place(n, floorplan(ROWS, area_um2(n, True), 0.999), *sizes(n, True))
    assert len(p.overlapping) > 0


def test_placement_beats_chance_and_nears_the_best_known() -> None:
    """A shuffled grid, placed: a net spans a few cell pitches, while at random it would span the core."""
    n = grid_block(20)
    p = place(n, floorplan(ROWS, area_um2(n), 0.7), *sizes(n))
    random = np.random.default_rng(0).permutation(n.cells)
    shuffled = replace(p, x=np.r_[p.x[: n.cells][random], p.x[n.cells :]], y=np.r_[p.y[: n.cells][random], p.y[n.cells :]])
    assert p.hpwl_um < 0.25 * shuffled.hpwl_um
    pitch = np.sqrt(p.plan.area_um2 / n.cells)
    nets = np.flatnonzero((p.weight > 0) & (n.fanout < 10))
    assert p.net_hpwl_um[nets].mean() < 2.6 * pitch  # two sinks, at right angles: 2 pitches if the grid were undisturbed


def test_same_seed_same_placement_and_another_seed_another() -> None:
    n = grid_block()
    plan = floorplan(ROWS, area_um2(n), 0.7)
    one, two, three = (place(n, plan, *sizes(n), seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.x, two.x) and np.array_equal(one.y, two.y)
    assert not np.array_equal(one.x, three.x)
    assert three.hpwl_um == pytest.approx(one.hpwl_um, rel=0.3)


def test_detailed_moves_never_lengthen_wires() -> None:
    n = grid_block()
    plan = floorplan(ROWS, area_um2(n, True), 0.8)
    p = place(n, plan, *sizes(n, True), effort=Effort(iterations=3, detailed=0))
    for _ in range(3):
        better = improve(p, 1)
        assert better.hpwl_um <= p.hpwl_um + 1e-9
        assert overlaps(better) == 0
        p = better


def test_half_perimeters_of_a_box() -> None:
    start, node = np.array([0, 3], np.int32), np.array([0, 1, 2], np.int32)
    assert half_perimeters(start, node, np.array([0.0, 2.0, 1.0]), np.array([5.0, 1.0, 3.0])).tolist() == [6.0]


def test_cells_on_legal_places_stay_there() -> None:
    plan = floorplan(ROWS, 1.0, 0.5)
    width, rows = np.array([4, 3, 5], np.int32), np.ones(3, np.int32)
    x, y = (np.array([2.0, 9.5, 4.5])) * 0.05, np.array([0.05, 0.05, 0.25])
    found_x, found_y, lost = legalise(plan, x, y, width, rows)
    assert found_x == pytest.approx(x) and found_y == pytest.approx(y) and not len(lost)


@given(st.floats(0.05, 1.0))
def test_placement_density_lies_between_utilisation_and_one(u: float) -> None:
    assert u <= placement_density(u) <= 1.0
