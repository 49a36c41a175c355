"""Sides of pins, and the trees of each side."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdcell_blocks import ROWS, area_um2, grid_block, sizes

from hwsim.core.errors import InvalidMapping
from hwsim.targets.stdcell.floorplan import floorplan
from hwsim.targets.stdcell.placement import Placement, place
from hwsim.targets.stdcell.sides import BACK, BOTH, FRONT, POLICIES, assign_sides
from hwsim.targets.stdcell.trees import Trees, grow_trees, steiner_length

points = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=9)


@pytest.fixture(scope="module")
def placed() -> Placement:
    n = grid_block(20)
    return place(n, floorplan(ROWS, area_um2(n), 0.7), *sizes(n))


def sinks(p: Placement) -> np.ndarray:
    return ~p.netlist.pin_drives & (p.node < p.netlist.cells)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_fraction_is_kept_and_drivers_are_on_both_sides(placed: Placement, policy: str, fraction: float) -> None:
    side = assign_sides(placed, fraction, policy, seed=3)
    assert (side[sinks(placed)] == FRONT).mean() == pytest.approx(fraction, abs=0.06)
    assert (side[placed.netlist.pin_drives] == BOTH).all()
    assert set(side[~placed.netlist.pin_drives]) <= {FRONT, BACK}


def test_unknown_policies_and_fractions_are_refused(placed: Placement) -> None:
    with pytest.raises(InvalidMapping, match="did you mean geometric"):
        assign_sides(placed, 0.5, "geometrical")  # type: ignore[arg-type]
    with pytest.raises(InvalidMapping, match=r"0\.\.1"):
        assign_sides(placed, 1.5)


def length(p: Placement, fraction: float, policy: str) -> tuple[float, float]:
    side = assign_sides(p, fraction, policy)
    return tuple(float(grow_trees(p, side, which).length_um.sum()) for which in (FRONT, BACK))  # type: ignore[return-value]


def test_one_side_is_one_tree_and_two_sides_cost_wire(placed: Placement) -> None:
    alone, none = length(placed, 1.0, "geometric")
    assert none == 0.0
    assert length(placed, 0.0, "geometric") == (pytest.approx(0.0), pytest.approx(alone, rel=0.02))
    totals = {policy: sum(length(placed, 0.5, policy)) / alone for policy in POLICIES}
    assert 1.0 - 1e-9 <= totals["optimised"] <= totals["geometric"] <= totals["random"] <= 2.0
    assert totals["optimised"] < 1.03


def test_more_pins_on_the_back_put_more_wire_there(placed: Placement) -> None:
    back = [length(placed, fraction, "geometric")[1] for fraction in (1.0, 0.9, 0.7, 0.5, 0.2)]
    assert back == sorted(back)


def test_trees_reach_every_sink_of_their_side(placed: Placement) -> None:
    n = placed.netlist
    side = assign_sides(placed, 0.5, "random", seed=1)
    clock = np.isin(n.pin_net, n.clock_nets)
    for which in (FRONT, BACK):
        t = grow_trees(placed, side, which)
        reached = np.sort(t.pin[(t.pin >= 0) & (t.parent >= 0)])
        assert np.array_equal(reached, np.flatnonzero((side == which) & ~clock))
        check(t, placed)


def check(t: Trees, p: Placement) -> None:
    """Parents come before children, drivers first, pins lie where their cells are."""
    inner = t.parent >= 0
    assert (t.parent[inner] < np.flatnonzero(inner)).all()
    starts = t.start[:-1][np.diff(t.start) > 0]
    assert (t.parent[starts] == -1).all() and p.netlist.pin_drives[t.pin[starts]].all()
    at = t.pin >= 0
    assert np.allclose(t.x[at], p.x[p.node[t.pin[at]]]) and np.allclose(t.y[at], p.y[p.node[t.pin[at]]])
    assert t.net_length_um.sum() == pytest.approx(t.length_um.sum())
    assert (t.reach_um <= t.net_length_um + 1e-9).all()


def spanning(found: list[tuple[int, int]]) -> float:
    graph = nx.Graph()
    for (i, a), (j, b) in itertools.combinations(enumerate(found), 2):
        graph.add_edge(i, j, weight=abs(a[0] - b[0]) + abs(a[1] - b[1]))
    return float(sum(d["weight"] for _, _, d in nx.minimum_spanning_edges(graph)))


@given(points)
@settings(deadline=None)
def test_a_steiner_tree_lies_between_the_box_and_the_spanning_tree(found: list[tuple[int, int]]) -> None:
    x, y = (np.array(v, dtype=float) for v in zip(*found, strict=True))
    tree = steiner_length(x, y)
    assert np.ptp(x) + np.ptp(y) - 1e-9 <= tree <= spanning(found) + 1e-9


def test_a_cross_needs_one_branching_point() -> None:
    assert steiner_length(np.array([0.0, 2.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.0, 2.0])) == pytest.approx(4.0)
