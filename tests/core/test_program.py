"""Programs: slots, stages, and how operators become tasks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from toy_program import SLOTS, branched, graph_of, program_of, values_of

from hwsim.core.errors import CostError
from hwsim.core.program import Slot, Task, slot_dtype


def test_a_slot_has_one_of_five_quantities():
    for quantity in ("cycles", "joules", "bytes", "roofline", "note"):
        assert Slot("x", quantity).where == ""
    with pytest.raises(CostError, match="slot 'x': quantity 'seconds' is none of cycles, joules, bytes, roofline, note"):
        Slot("x", "seconds")


def test_the_record_has_a_float_per_slot():
    made = slot_dtype(SLOTS)
    assert made.names == ("load", "fetch", "compute", "store", "mac", "moved", "peak", "choice")
    assert made.itemsize == 8 * len(SLOTS)


def test_stages_group_cycle_slots_in_order():
    program = program_of(graph_of([[]]))
    assert program.stages == ((0, 1), (2,), (3,))
    shuffled = (Slot("b", "cycles", "array", 5), Slot("j", "joules"), Slot("a", "cycles", "link", -1))
    assert program_of(graph_of([[]]), slots=shuffled).stages == ((2,), (0,))


def test_representatives_are_the_first_of_each_row():
    graph = graph_of([[], [0], [1], [2]])
    program = program_of(graph, rows=(1, 0, 1, 0))
    assert [op.name for op in program.representatives] == ["op1", "op0"]
    left_out = program_of(graph, rows=(-1, 0, -1, 1))
    assert [op.name for op in left_out.representatives] == ["op1", "op3"]


def test_stages_follow_each_other_and_operators_their_producers():
    program = program_of(graph_of([[], [0], [0]]))
    tasks = list(program.tasks(values_of([[1, 2, 3, 0], [0, 0, 5, 6], [7, 0, 0, 0]])))
    assert tasks == [
        Task(0, 0, "link", 1.0, ()), Task(0, 1, "memory", 2.0, ()), Task(0, 2, "array", 3.0, (0, 1)),
        Task(1, 2, "array", 5.0, (2,)), Task(1, 3, "link", 6.0, (3,)), Task(2, 0, "link", 7.0, (2,)),
    ]  # fmt: skip


def test_a_serial_program_waits_for_the_previous_operator_too():
    graph = graph_of([[], [], [0]])
    values = values_of([[0, 0, 1, 0]] * 3)
    assert [t.after for t in program_of(graph).tasks(values)] == [(), (), (0,)]
    assert [t.after for t in program_of(graph, serial=True).tasks(values)] == [(), (0,), (0, 1)]


def test_repeats_lengthen_tasks():
    program = program_of(graph_of([[], [0]], repeats=(3, 1)))
    assert [t.cycles for t in program.tasks(values_of([[0, 0, 2, 0], [0, 0, 2, 0]]))] == [6, 2]
    assert program.counts.tolist() == [3, 1]


def test_an_operator_that_takes_no_time_hands_its_wait_on():
    """op1 is left out (row -1) and op2 costs nothing: op3 still waits for op0."""
    program = program_of(graph_of([[], [0], [1], [2]]), rows=(0, -1, 1, 0))
    tasks = list(program.tasks(values_of([[0, 0, 4, 0], [0, 0, 0, 0]])))
    assert [(t.op, t.after) for t in tasks] == [(0, ()), (3, (0,))]


@given(branched())
def test_tasks_come_in_an_order_that_can_run(case):
    program, values = case
    tasks = list(program.tasks(values))
    assert all(before < i for i, task in enumerate(tasks) for before in task.after)
    assert all(task.cycles > 0 and task.resource in program.resources for task in tasks)
    repeats = np.array([op.repeat for op in program.graph.ops])
    assert sum(t.cycles for t in tasks) == (values[:, :4].sum(axis=1) * repeats).sum()
