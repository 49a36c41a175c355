"""The cost tree: sums, and the laws that it checks when made."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from toy_program import branched, graph_of, program_of, values_of

from hwsim.core.cost import Cost, Schedule, operator_cycles
from hwsim.core.errors import CostError
from hwsim.engine import analytic

CYCLES = [[4, 7, 10, 1], [1, 0, 2, 3]]


def serial(cycles=CYCLES, repeats=(1, 5), fields=None):
    program = program_of(graph_of([[]] + [[i] for i in range(len(cycles) - 1)], repeats), serial=True, **(fields or {}))
    values = values_of(cycles)
    return program, values, analytic.run(program, values)


def cost_of(change=None, **rest) -> Cost:
    program, values, schedule = serial(**rest)
    if change:
        change(values)
    return Cost(program, values, schedule)


def test_cycles_of_an_operator_are_the_longest_slot_of_each_stage():
    stages = ((0, 1), (2,), (3,))
    assert operator_cycles(np.array([[4.0, 7, 10, 1], [0, 0, 0, 0]]), stages).tolist() == [18, 0]
    assert operator_cycles(np.ones((5, 3, 4)), stages).shape == (5, 3)
    assert operator_cycles(np.ones((2, 4)), ()).tolist() == [0, 0]


def test_totals_are_sums_over_executions():
    cost = cost_of()
    assert cost.cycles == 18 + 5 * 6 and cost.latency_s == pytest.approx(48e-9)
    assert cost.dynamic_j == 6 and cost.static_j == pytest.approx(2 * 48e-9) and cost.energy_j == pytest.approx(6 + 96e-9)
    assert cost.total("bytes") == 6000 and cost.bytes_by_level() == {"memory": 6000}
    assert cost.by_component("cycles") == {"load": 9, "fetch": 7, "compute": 20, "store": 16}
    assert cost.by_component("joules") == {"mac": 6}


def test_items_are_the_leaves_that_are_not_zero():
    cost = cost_of()
    items = list(cost.items())
    assert all(item.value for item in items)
    assert sum(i.value for i in items if i.quantity == "joules") == cost.dynamic_j
    assert {i.component for i in items if i.op.name == "op1" and i.quantity == "cycles"} == {"load", "compute", "store"}
    assert {i.where for i in items if i.component == "fetch"} == {"memory"}


def test_operators_carry_their_parts():
    (first, second) = cost_of().operators()
    assert (first[0].name, first[1], first[2], first[3]) == ("op0", 1, 18, 1)
    assert (second[1], second[2], second[4]) == (5, 30, {"load": 5, "compute": 10, "store": 15})


def test_utilisation_is_busy_over_whole():
    cost = cost_of(lambda v: v.__setitem__((slice(None), 6), 5.0))
    found = cost.utilisation()
    assert found["array"] == pytest.approx(20 / 48) and found["link"] == pytest.approx(25 / 48)
    assert found["arithmetic"] == pytest.approx(6 * 5 / 48)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
@pytest.mark.parametrize("slot", [(0, 2, "compute"), (1, 4, "mac"), (0, 5, "moved")])
def test_every_figure_is_finite_and_not_negative(bad, slot):
    row, column, name = slot
    program, values, schedule = serial()
    values[row, column] = bad
    with pytest.raises(CostError, match=rf"operator 'op{row}', slot '{name}': .* is no cost"):
        Cost(program, values, schedule)


def test_no_operator_beats_its_roofline():
    cost_of(lambda v: v.__setitem__((1, 6), 6.0))
    with pytest.raises(CostError, match=r"operator 'op1' takes 6.0 cycles, its roofline 6.1"):
        cost_of(lambda v: v.__setitem__((1, 6), 6.1))


def test_compulsory_bytes_are_moved():
    """An elementwise operator of one fp16 operand of four moves sixteen bytes at least."""
    cost_of(lambda v: v.__setitem__((1, 5), 16.0))
    with pytest.raises(CostError, match=r"operator 'op1' moves 15 bytes, at least 16 are compulsory"):
        cost_of(lambda v: v.__setitem__((1, 5), 15.0))


def test_the_parts_of_a_serial_program_add_up_to_the_whole():
    program, values, schedule = serial()
    with pytest.raises(CostError, match=r"the parts take 48\.0+ cycles, the whole 49\.0+"):
        Cost(program, values, Schedule(49.0, schedule.busy))
    Cost(program, values, Schedule(48.0 * (1 + 1e-12), schedule.busy))


def test_no_resource_is_busy_for_longer_than_the_whole():
    program, values, schedule = serial()
    with pytest.raises(CostError, match=r"resource 'array' is busy for 48\.1 of 48\.0 cycles"):
        Cost(program, values, Schedule(48.0, {**schedule.busy, "array": 48.1}))
    two = program_of(program.graph, serial=True, resources={"link": 1, "memory": 1, "array": 2})
    assert Cost(two, values, Schedule(48.0, {**schedule.busy, "array": 48.1})).utilisation()["array"] < 1


RAILS = {"mac": {"core": 0.75, "sram": 0.25}, "idle": {"core": 0.5, "board": 0.5}}


def test_joules_divide_over_the_rails():
    cost = cost_of(fields={"rails": RAILS})
    static = 2 * 48e-9
    assert cost.joules_by_rail() == pytest.approx({"core": 6 * 0.75 + static / 2, "sram": 1.5, "board": static / 2})
    assert sum(cost.joules_by_rail().values()) == pytest.approx(cost.energy_j)
    assert cost_of().joules_by_rail() == {}


@pytest.mark.parametrize("shares", [{"core": 0.5}, {"core": 1.5, "sram": -0.5}, {}])
def test_shares_of_rails_add_up_to_one(shares):
    with pytest.raises(CostError, match="the rails' shares of 'mac' must add up to 1"):
        cost_of(fields={"rails": {**RAILS, "mac": shares}})


@settings(max_examples=50)
@given(branched())
def test_every_scheduled_program_is_a_sound_cost(case):
    program, values = case
    cost = Cost(program, values, analytic.run(program, values))
    assert sum(i.value for i in cost.items() if i.quantity == "joules") == pytest.approx(cost.dynamic_j)
    assert sum(row[2] for row in cost.operators()) == pytest.approx(float(cost.cycles_by_row @ program.counts))
    assert all(0 <= share <= 1 for share in cost.utilisation().values())
    assert cost.energy_j == pytest.approx(cost.dynamic_j + 2.0 * cost.latency_s)
