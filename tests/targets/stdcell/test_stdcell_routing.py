"""Metal stacks, congestion, pin access, parasitics, buffers, clock tree and violations of a layout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdcell_blocks import CHOICE, ROWS, area_um2, grid_block, sizes, stack, technology

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.targets.stdcell.access import Access, closed_pins, crossing_load, pins_in_use
from hwsim.targets.stdcell.buffers import Repeater, best_length_um, insert_buffers, stage_load_f
from hwsim.targets.stdcell.clock_tree import clock_tree
from hwsim.targets.stdcell.congestion import demand_map, spread_out
from hwsim.targets.stdcell.floorplan import floorplan
from hwsim.targets.stdcell.layout import Layout, largest_utilisation, lay_out, plan_for, with_sides
from hwsim.targets.stdcell.mapping import parse_options
from hwsim.targets.stdcell.parasitics import SideWires, elmore_delays, side_wires
from hwsim.targets.stdcell.routing import make_stack
from hwsim.targets.stdcell.sides import BACK, FRONT, assign_sides
from hwsim.targets.stdcell.stacks import row_geometry, stacks, technology_of
from hwsim.targets.stdcell.trees import Trees

FAMILY = ("ffet-3p5t", "ffet-2p5t", "cfet-4t", "cfet-cg", "cfet-sg", "finfet")
OPEN = ("asap7", "gt2n", "nangate45", "sky130hd", "probe3-5t")


@pytest.fixture(scope="module")
def layout() -> Layout:
    n = grid_block(20)
    return lay_out(n, floorplan(ROWS, area_um2(n), 0.8), *sizes(n), technology(4, 4), front_fraction=0.5)


def line(length_um: float, pins: int = 2) -> Trees:
    """One net along x: a driver and ``pins - 1`` sinks at even distances."""
    x = np.linspace(0, length_um, pins)
    return Trees(np.array([0, pins], np.int32), x, np.zeros(pins), np.arange(-1, pins - 1, dtype=np.int32), np.arange(pins, dtype=np.int32))


# --- stacks


@pytest.mark.parametrize(
    ("mapping", "supply"),
    [
        ({"front_metals": 8, "back_metals": 1}, 163.0),
        ({"front_metals": 6, "back_metals": 2}, 199.4),
        ({"front_metals": 6, "back_metals": 2, "back_pitch_factor": 1.5}, 178.5),
        ({"front_metals": 4, "back_metals": 4}, 220.7),
    ],
)
def test_track_supply_of_the_published_stacks(mapping: dict[str, float], supply: float) -> None:
    """The sum of 1 / pitch over the signal layers of both sides (F3D table 2)."""
    front, back = stacks(hwsim.load_chip("ffet-3p5t"), parse_options(mapping))
    assert front.supply_per_um + (back.supply_per_um if back else 0) == pytest.approx(supply, abs=0.1)


@pytest.mark.parametrize("name", [*FAMILY, *OPEN])
def test_every_library_can_be_laid_out(name: str) -> None:
    t = technology_of(hwsim.load_chip(name), parse_options({}))
    assert t.front.usable_for_signals and t.rows.row_um > t.rows.site_um
    assert (t.back is not None) == name.startswith("ffet")
    assert all(layer.ohm_per_um > 0 and layer.f_per_um > 0 for layer in t.front.routing)


def test_metals_that_a_chip_has_not_are_refused() -> None:
    with pytest.raises(InvalidMapping, match="pins on the front only"):
        stacks(hwsim.load_chip("cfet-4t"), parse_options({"back_metals": 4}))
    with pytest.raises(InvalidMapping, match="routes on metals 2 to 9"):
        stacks(hwsim.load_chip("asap7"), parse_options({"front_metals": 12}))
    with pytest.raises(InvalidMapping, match="settled by a search"):
        stacks(hwsim.load_chip("ffet-3p5t"), parse_options({"front_metals": "best"}))
    with pytest.raises(InvalidMapping, match="metals 1 and 2"):
        stacks(hwsim.load_chip("ffet-3p5t"), parse_options({"front_metals": 1}))
    with pytest.raises(InvalidMapping, match="same layers"):
        make_stack(["M0", "M1"], [0.03], [1.0], [1e-15], [0.0], True, CHOICE)


def test_upper_metals_take_the_pitch_of_the_chip_file() -> None:
    chip = hwsim.load_chip("ffet-3p5t")
    front, _ = stacks(chip, parse_options({"front_metals": 12, "back_metals": 1}))
    assert [round(layer.pitch_um, 4) for layer in front.layers[-4:]] == [0.126] * 4
    assert row_geometry(chip).row_um == pytest.approx(0.105)


@given(st.lists(st.floats(0.01, 500), min_size=1, max_size=20))
def test_layer_shares_add_up_and_longer_nets_climb(lengths: list[float]) -> None:
    found = stack(8).shares(np.sort(lengths))
    assert found.sum(axis=1) == pytest.approx(np.ones(len(lengths)))
    assert (found >= -1e-12).all()
    assert (np.diff(found[:, 0]) <= 1e-12).all()


def test_layer_shares_of_the_published_nets() -> None:
    """M1 and M2 carry 98 % of nets of half a micrometre, M3 and M4 86 % of those of 7.5 (F3D fig. 7c) on rows of 105 nm."""
    front, _ = stacks(hwsim.load_chip("ffet-3p5t"), parse_options({"front_metals": 4, "back_metals": 4}))
    share = front.shares(np.array([0.5, 7.5]))
    assert share[0, 0] == pytest.approx(0.98, abs=0.01) and share[1, 1] == pytest.approx(0.86, abs=0.02)


def test_overfull_pairs_hand_wire_on() -> None:
    s = stack(4)
    length = np.full(1000, 1.0)
    plain, full = s.shares(length), s.balanced(length, length, 20.0)
    room = (1 / 0.034 + 1 / 0.030) * 20.0 * 0.8
    assert (length @ plain)[0] < room or (length @ full)[0] <= room * (1 + 1e-9)
    assert full.sum(axis=1) == pytest.approx(np.ones(1000))
    tiny = s.balanced(length, length, 1.0)
    assert (length @ tiny)[0] <= (1 / 0.034 + 1 / 0.030) * 0.8 * (1 + 1e-9)


# --- congestion and pin access


def test_demand_holds_all_wire(layout: Layout) -> None:
    for t, (_, s) in zip(layout.trees, layout.stacks, strict=True):
        c = demand_map(t, layout.placement.plan, s)
        assert c.across.sum() * c.step_x + c.upright.sum() * c.step_y == pytest.approx(t.length_um.sum(), rel=1e-6)


def test_more_metals_never_overflow_more(layout: Layout) -> None:
    found = [demand_map(layout.trees[0], layout.placement.plan, stack(m, usable=0.05)).overflow_tracks for m in (2, 3, 4, 6, 8)]
    assert found == sorted(found, reverse=True) and found[0] > 0


def test_spreading_demand_keeps_its_sum_inside() -> None:
    demand = np.zeros((11, 11))
    demand[5, 5] = 25.0
    found = spread_out(demand)
    assert found.sum() == pytest.approx(25.0) and found.max() == pytest.approx(1.0)
    assert spread_out(np.full((4, 3), 2.0)) == pytest.approx(np.full((4, 3), 2.0))  # no wire comes from outside of the core


def test_pins_in_use_are_those_with_a_wire_on_the_side(layout: Layout) -> None:
    p = layout.placement
    everything = assign_sides(p, 1.0)
    assert len(pins_in_use(p, everything, BACK)) == 0
    drivers = np.count_nonzero(p.netlist.pin_drives & (p.netlist.fanout[p.netlist.pin_net] > 0) & (p.node < p.netlist.cells))
    held = np.count_nonzero(~p.netlist.pin_drives & (p.node < p.netlist.cells))
    assert len(pins_in_use(p, everything, FRONT)) == held + drivers


def test_pins_on_two_sides_close_each_other_less_and_points_help(layout: Layout) -> None:
    p, s = layout.placement, stack(4)
    one = closed_pins(p, assign_sides(p, 1.0), FRONT, s, Access(1.6, 6))
    both = sum(closed_pins(p, layout.side, which, s, Access(1.6, 6)) for which in (FRONT, BACK))
    assert 0 < both < 0.3 * one
    assert closed_pins(p, layout.side, FRONT, s, Access(1.6, 8)) < closed_pins(p, layout.side, FRONT, s, Access(1.6, 6))


def test_crossing_load_is_pins_over_crossings(layout: Layout) -> None:
    p = layout.placement
    side = assign_sides(p, 1.0)
    mean = len(pins_in_use(p, side, FRONT)) / p.plan.area_um2 * 0.034 * 0.030
    assert crossing_load(p, side, FRONT, stack(4)).mean() == pytest.approx(mean, rel=0.5)


# --- wires


def test_one_straight_wire_in_closed_form() -> None:
    s = stack(2)
    found = side_wires(line(1.0), s, 100.0)
    flat = next(layer for layer in s.routing if layer.horizontal)
    climb = s.layers[1].via_ohm + 0.5 * s.layers[2].via_ohm
    assert found.net_f[0] == pytest.approx(flat.f_per_um)
    assert found.net_ohm[0] == pytest.approx(flat.ohm_per_um + 2 * climb)
    load = np.array([0.0, 1e-15])
    assert elmore_delays(found, load)[1] == pytest.approx(found.net_ohm[0] * (0.5 * found.net_f[0] + 1e-15))
    assert found.vias[0] == pytest.approx(2 * 1.5)


def test_elmore_of_a_ladder() -> None:
    """Three equal sections: R C (3 + 2 + 1) less half a section's own share each."""
    trees = line(3.0, 4)
    wires = SideWires(trees, np.array([0.0, 1, 1, 1]), np.array([0.0, 2, 2, 2]), np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1))
    found = elmore_delays(wires, np.array([0.0, 0, 0, 5]))
    assert found.tolist() == [0.0, 1 + 2 + 2 + 5, 10 + 1 + 2 + 5, 18 + 1 + 5]


def test_wires_of_both_sides_add_up(layout: Layout) -> None:
    n = layout.placement.netlist
    load = np.where(n.pin_drives, 0.0, 0.15e-15)
    w = layout.wires(load)
    assert w.total_um == pytest.approx(layout.wirelength_um)
    assert w.wire_f == pytest.approx(w.sides[0].net_f + w.sides[1].net_f)
    assert (w.elmore_s[n.pin_drives] == 0).all() and (w.elmore_s >= 0).all()
    assert (layout.wires(2 * load).elmore_s >= w.elmore_s).all()
    assert sum(s.pair_um.sum() for s in w.sides) == pytest.approx(w.total_um)


# --- buffers

REPEATER = Repeater(0.5e-15, 4000.0, 4e-12)


def test_best_length_is_where_wire_and_repeater_cost_alike() -> None:
    s = stack(2)
    far = best_length_um(s, REPEATER)
    ohm, farad = (s.routing[0].ohm_per_um + s.routing[1].ohm_per_um) / 2, 0.2e-15
    assert 0.5 * ohm * farad * far**2 == pytest.approx(REPEATER.own_stage_s)
    assert stage_load_f(s, REPEATER) == pytest.approx(far * farad + REPEATER.input_f)


def test_short_nets_get_no_repeater_and_keep_their_elmore_delay() -> None:
    wires = side_wires(line(1.0), stack(2), 100.0)
    load = np.array([0.0, 0.1e-15])
    found = insert_buffers(wires, load, REPEATER, 4e-15, 20.0)
    assert found.count.tolist() == [0]
    assert found.delay_s == pytest.approx(elmore_delays(wires, load))
    assert found.load_f[0] == pytest.approx(wires.net_f[0] + 0.1e-15)


@given(st.floats(1, 2000), st.integers(2, 60))
@settings(max_examples=60, deadline=None)
def test_no_stage_carries_more_than_its_share(length_um: float, pins: int) -> None:
    wires = side_wires(line(length_um, pins), stack(2), 1e6)
    load = np.r_[0.0, np.full(pins - 1, 0.2e-15)]
    most = 4e-15
    found = insert_buffers(wires, load, REPEATER, most, 20.0)
    assert found.load_f[0] <= most + 0.2e-15 + REPEATER.input_f
    assert found.total_f[0] == pytest.approx(wires.net_f[0] + found.count[0] * REPEATER.input_f)
    assert (found.count[0] + 1) * (most + 0.2e-15 + REPEATER.input_f) >= wires.net_f[0] + load.sum()


def test_repeaters_make_delay_linear_in_length() -> None:
    def delay(length_um: float) -> float:
        wires = side_wires(line(length_um), stack(2), 1e6)
        return float(insert_buffers(wires, np.array([0.0, 0.2e-15]), REPEATER, 4e-15, 20.0).delay_s[1])

    assert delay(400.0) / delay(200.0) == pytest.approx(2.0, rel=0.12)
    bare = side_wires(line(400.0), stack(2), 1e6)
    assert delay(400.0) < elmore_delays(bare, np.array([0.0, 0.2e-15]))[1]


# --- clock, violations, utilisation


def test_clock_tree_reaches_all_flip_flops(layout: Layout) -> None:
    p = layout.placement
    few, many = clock_tree(p, stack(4), 32), clock_tree(p, stack(4), 4)
    assert few.sinks == p.netlist.count_of["DFF"] == many.sinks
    assert many.buffers > few.buffers and few.wire_f == pytest.approx(few.length_um * 0.2e-15)
    still = replace(p.netlist, pin_clock=np.zeros(p.netlist.pins, np.bool_))
    assert clock_tree(replace(p, netlist=still), stack(4), 32).sinks == 0


def test_violations_add_up_and_back_pins_need_back_metals(layout: Layout) -> None:
    v = layout.violations
    assert v.total == v.overlaps + v.closed_pins + v.overflow
    with pytest.raises(InvalidMapping, match="give back_metals"):
        with_sides(layout.placement, technology(4), 0.5)


def test_largest_utilisation_is_an_outcome_of_pin_access() -> None:
    n = grid_block()
    area, size = area_um2(n), sizes(n)

    def most(closed: float) -> float:
        t = replace(technology(4), access=Access(closed, 6.0))
        u, found = largest_utilisation(lambda at: lay_out(n, plan_for(t, area, at), *size, t), t.drv_limit, steps=4)
        assert found.violations.total <= t.drv_limit
        return u

    easy, hard = most(1.6), most(4.5)
    assert hard < easy <= 1.0
    with pytest.raises(Infeasible, match="violations") as refused:
        most(50.0)
    assert "front_pin_fraction" in str(refused.value)
