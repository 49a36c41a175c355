"""The analytic engine: pricing by row, sums of serial programs, list schedules of branched ones."""

from __future__ import annotations

import fake_target
import numpy as np
import pytest
from hypothesis import given
from toy_program import RESOURCES, branched, graph_of, program_of, values_of

from hwsim.core.chip import Chip
from hwsim.core.graph import single_op
from hwsim.core.param import Param
from hwsim.engine import analytic


def critical_path(tasks: list) -> float:
    """Cycles with as many servers as one likes."""
    ends: list[float] = []
    for task in tasks:
        ends.append(max((ends[t] for t in task.after), default=0.0) + task.cycles)
    return max(ends, default=0.0)


def test_price_rows_calls_the_price_once_a_row_with_the_record():
    seen = []

    def price(op, p, out):
        seen.append((float(op["x"]), float(p["clock_hz"])))
        out["compute"] = op["x"] * 2

    program = program_of(graph_of([[], [0], [1]]), rows=(0, 1, 0))
    program.rows["x"] = (3.0, 4.0)
    program.params["clock_hz"] = 7.0
    values = analytic.price_rows(price, program)
    assert values[:, 2].tolist() == [6.0, 8.0] and values.shape == (2, 8)
    assert seen == [(3.0, 7.0), (4.0, 7.0)]
    other = program.params.copy()
    other["clock_hz"] = 9.0
    analytic.price_rows(price, program, other)
    assert seen[2:] == [(3.0, 9.0), (4.0, 9.0)]


def test_a_serial_program_lasts_as_long_as_its_parts():
    program = program_of(graph_of([[], [0], [0]], repeats=(1, 2, 5)), serial=True, rows=(0, 1, 1))
    found = analytic.run(program, values_of([[4, 7, 10, 1], [1, 0, 2, 3]]))
    assert found.cycles == (7 + 10 + 1) + 7 * (1 + 2 + 3)  # link and memory of stage 0 run at once
    assert found.busy == {"link": 5 + 7 * 4, "memory": 7, "array": 10 + 7 * 2}


def test_an_empty_program_takes_no_time():
    program = program_of(graph_of([[]]))
    assert analytic.run(program, values_of([[0, 0, 0, 0]])).cycles == 0


def test_branches_run_at_once_on_their_own_servers_and_queue_on_one():
    cycles = [[0, 0, 10, 0], [0, 0, 10, 0], [0, 0, 10, 0]]
    graph = graph_of([[], [], [0, 1]])
    two = analytic.run(program_of(graph, resources={**RESOURCES, "array": 2}), values_of(cycles))
    one = analytic.run(program_of(graph), values_of(cycles))
    assert (two.cycles, one.cycles) == (20, 30)
    assert two.start.tolist() == [0, 0, 10] and one.end.tolist() == [10, 20, 30]


def test_a_branch_s_transfer_hides_behind_another_s_compute():
    found = analytic.run(program_of(graph_of([[], []])), values_of([[5, 0, 20, 0], [5, 0, 20, 0]]))
    assert found.cycles == 5 + 20 + 20


@given(branched())
def test_list_schedules_obey_dependencies_and_servers(case):
    program, values = case
    found = analytic.list_schedule(program, values)
    tasks = list(program.tasks(values))
    assert found.cycles >= critical_path(tasks)
    assert found.cycles <= sum(t.cycles for t in tasks)
    for i, task in enumerate(tasks):
        assert found.end[i] - found.start[i] == task.cycles
        assert found.start[i] >= max((found.end[t] for t in task.after), default=0)
    for resource, servers in program.resources.items():
        mine = [i for i, t in enumerate(tasks) if t.resource == resource]
        assert found.busy[resource] == sum(tasks[i].cycles for i in mine) <= found.cycles * servers
        assert all(sum(found.start[j] <= found.start[i] < found.end[j] for j in mine) <= servers for i in mine)
        if servers == 1:  # served in program order
            assert [found.start[i] for i in mine] == sorted(found.start[i] for i in mine)


@given(branched())
def test_with_servers_enough_only_the_critical_path_counts(case):
    program, values = case
    tasks = list(program.tasks(values))
    wide = program_of(program.graph, resources=dict.fromkeys(RESOURCES, len(tasks) + 1))
    assert analytic.list_schedule(wide, values).cycles == critical_path(tasks)


@given(branched())
def test_a_serial_program_never_beats_the_branched_one(case):
    program, values = case
    serial = program_of(program.graph, serial=True, resources=program.resources)
    assert analytic.run(serial, values).cycles >= analytic.run(program, values).cycles


def test_the_toy_target_by_hand():
    params = {n: Param(v, "1", "made up", "published") for n, v in zip(fake_target.CONSTANTS, (1e9, 100.0, 1e-12, 64.0), strict=True)}
    graph = single_op("matmul", m=10, k=20, n=30)
    program = fake_target.TARGET.map(graph, Chip("toy", "fake", params), {"arrays": 2})
    values = analytic.price_rows(fake_target.TARGET.price, program)
    moved = 2 * (10 * 20 + 20 * 30 + 10 * 30)
    assert analytic.run(program, values).cycles == pytest.approx(6000 / 200 + moved / 64)
    assert np.isfinite(values).all()
