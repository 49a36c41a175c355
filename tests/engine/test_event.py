"""The event engine agrees with the closed forms where nothing contends, and with the list schedule always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from toy_program import RESOURCES, branched, graph_of, program_of, values_of

import hwsim
from hwsim.core.graph import single_op
from hwsim.core.target import load_target
from hwsim.engine import analytic, event


def both(program, values):
    return analytic.run(program, values), event.run(program, values)


@given(branched())
def test_contended_programs_run_as_they_are_listed(case):
    program, values = case
    listed, ran = analytic.list_schedule(program, values), event.run(program, values)
    assert ran.cycles == listed.cycles and ran.busy == listed.busy
    assert ran.start.tolist() == listed.start.tolist() and ran.end.tolist() == listed.end.tolist()


@given(branched())
def test_no_run_beats_its_busiest_resource_or_its_longest_chain(case):
    program, values = case
    found = event.run(program, values)
    assert all(found.cycles * servers >= found.busy[name] for name, servers in program.resources.items())
    longest: dict[int, float] = {}
    for i, task in enumerate(program.tasks(values)):
        longest[i] = task.cycles + max((longest[t] for t in task.after), default=0)
    assert found.cycles >= max(longest.values(), default=0)


@given(branched())
def test_serial_programs_agree_with_the_sum_of_their_parts(case):
    program, values = case
    serial = program_of(program.graph, serial=True, resources=program.resources)
    summed, ran = both(serial, values)
    assert ran.cycles == summed.cycles and ran.busy == summed.busy


def test_a_queue_forms_on_a_shared_link():
    cycles = [[4, 0, 1, 0]] * 5
    free = event.run(program_of(graph_of([[]] * 5), resources={**RESOURCES, "link": 5}), values_of(cycles))
    queued = event.run(program_of(graph_of([[]] * 5)), values_of(cycles))
    assert free.cycles == 4 + 5 and queued.cycles == 5 * 4 + 1
    assert queued.start[::2].tolist() == [0, 4, 8, 12, 16]


def test_a_head_of_line_task_blocks_its_queue():
    """op1 waits for op0's compute; op2's link task comes after op1's in program order and waits too, as in a command queue."""
    found = event.run(program_of(graph_of([[], [0], []])), values_of([[0, 0, 10, 0], [3, 0, 0, 0], [3, 0, 0, 0]]))
    assert found.start.tolist() == [0, 10, 13]


def test_nothing_to_do():
    found = event.run(program_of(graph_of([[]])), values_of([[0, 0, 0, 0]]))
    assert found.cycles == 0 and found.start.size == 0


DECODE = {"trace": "llama3-8b", "phase": "decode", "context": 4096}
GRAPHS = {
    "decode": (DECODE, {"grid": (420, 420)}),
    "decode as published": (DECODE, {"grid": (420, 420), "workload_mode": "paper_faithful"}),
    "prefill": ({"trace": "llama3-8b", "phase": "prefill", "prompt": 1024}, {"grid": (480, 480)}),
    "generate": ({"trace": "llama3-8b", "phase": "generate", "prompt": 64, "generate": 20}, {"prefill_grid": (480, 480), "decode_grid": (360, 360)}),
    "t10": (DECODE, {"grid": (420, 420), "system": "t10"}),
}


@pytest.mark.parametrize("on", ["wse2", "wse3"])
@pytest.mark.parametrize("name", GRAPHS)
def test_whole_models_agree_to_the_cycle(name, on):
    if name == "t10" and on == "wse3":
        on = "wse2"
    trace, mapping = GRAPHS[name]
    target = load_target("wafer_mesh")
    program = target.map(hwsim.load_graph(**trace), hwsim.load_chip(on), target.options(mapping))
    values = analytic.price_rows(target.price, program)
    summed, ran = both(program, values)
    assert ran.cycles == pytest.approx(summed.cycles, rel=1e-12) and abs(ran.cycles - summed.cycles) < 1
    assert ran.busy == pytest.approx(summed.busy)
    assert (np.diff(ran.start) >= 0).all() and ran.end[-1] == ran.cycles


OPS = {
    "matmul": {"m": 64, "k": 64, "n": 64}, "norm": {"rows": 8, "cols": 64, "function": "rms"}, "allreduce": {"elements": 8},
    "shift": {"elements": 8}, "attention": {"heads": 4, "q": 16, "kv": 16, "head_dim": 8}, "fft": {"points": 64, "dtype": "complex64"},
}  # fmt: skip


@pytest.mark.parametrize("kind", OPS)
def test_single_operators_agree_to_the_cycle(kind):
    target = load_target("wafer_mesh")
    program = target.map(single_op(kind, **OPS[kind]), hwsim.load_chip("wse2"), target.options({"grid": (16, 16)}))
    summed, ran = both(program, analytic.price_rows(target.price, program))
    assert ran.cycles == pytest.approx(summed.cycles, rel=1e-12) and ran.cycles > 0
