"""Six in-order queues with counted tokens: one test per effect, against what can be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.targets.fpga.flightllm import tasks as T
from hwsim.targets.fpga.flightllm.queues import QUEUES, run_queues

Line = tuple[int, float, Sequence[int], Sequence[int]]  # queue, cycles, waits for, releases


def run(lines: Sequence[Line], product: float = 0.0, special: float = 0.0) -> tuple[float, np.ndarray]:
    """(makespan, busy cycles per queue)"""
    queue = np.array([line[0] for line in lines], np.int8)
    cycles = np.array([line[1] for line in lines])
    wait, release = (np.array([sum(1 << q for q in line[i]) for line in lines], np.int8) for i in (2, 3))
    busy = np.zeros(QUEUES)
    return run_queues(queue, wait, release, cycles, product, special, busy), busy


def tiles(count: int, load: float, product: float, ahead: int) -> list[Line]:
    """Loads and products of equal tiles, `ahead` of them in flight."""
    made: list[Line] = []
    for n in range(1, count + 1):
        made.append((T.LD, load, [T.MV] if n > ahead else [], [T.MV]))
        made.append((T.MV, product, [T.LD], [T.LD] if n + ahead <= count else []))
    return made


def test_a_queue_serves_in_order_and_queues_run_at_once() -> None:
    cycles, busy = run([(T.LD, 3, [], []), (T.LD, 4, [], []), (T.MISC, 5, [], [])])
    assert cycles == 7
    assert busy.tolist() == [7, 0, 0, 0, 5, 0]


def test_a_token_holds_its_instruction() -> None:
    assert run([(T.LD, 3, [], [T.MV]), (T.MV, 2, [T.LD], [])])[0] == 5


def test_tokens_are_counted() -> None:
    lines = [(T.LD, 3, [], [T.MV]), (T.LD, 3, [], [T.MV]), (T.MV, 1, [T.LD], []), (T.MV, 1, [T.LD], [])]
    assert run(lines)[0] == 7  # the second product needs the second token


def test_instructions_of_other_queues_may_stand_before_what_they_wait_for() -> None:
    assert run([(T.MV, 2, [T.LD], []), (T.LD, 3, [], [T.MV])])[0] == 5


def test_a_missing_token_is_a_deadlock() -> None:
    assert run([(T.MV, 2, [T.LD], []), (T.MV, 2, [], []), (T.LD, 3, [], [])])[0] == -1 - 2


def test_the_layer_before_has_ended() -> None:
    assert run([(T.LD, 3, [T.SYS], [])])[0] == 3


def test_latency_delays_results_but_not_buffers() -> None:
    to_store = [(T.MV, 2, [], [T.ST]), (T.ST, 1, [T.MV], [])]
    to_load = [(T.MV, 2, [], [T.LD]), (T.LD, 1, [T.MV], [])]
    assert run(to_store, product=10)[0] == 13
    assert run(to_load, product=10)[0] == 3
    assert run([(T.MISC, 2, [], [T.ST]), (T.ST, 1, [T.MISC], [])], special=7)[0] == 10


@given(st.integers(1, 12), st.floats(0.1, 10), st.floats(0.1, 10), st.integers(2, 5))
def test_equal_tiles_take_the_first_one_and_the_slower_station_for_the_rest(count: int, load: float, product: float, ahead: int) -> None:
    cycles, _ = run(tiles(count, load, product, ahead))
    assert cycles == pytest.approx(load + product + (count - 1) * max(load, product))


@given(st.integers(1, 12), st.floats(0.1, 10), st.floats(0.1, 10))
def test_one_buffer_serialises(count: int, load: float, product: float) -> None:
    assert run(tiles(count, load, product, 1))[0] == pytest.approx(count * (load + product))


STEPS = st.lists(st.tuples(st.sampled_from([T.LD, T.MV, T.MISC]), st.floats(0.1, 10)), min_size=1, max_size=20)


@given(STEPS, st.integers(0, 19), st.floats(1, 5))
def test_a_slower_instruction_never_helps(lines: list[tuple[int, float]], at: int, factor: float) -> None:
    chain: list[Line] = []
    for i, (queue, cycles) in enumerate(lines):
        before, after = lines[i - 1][0] if i else queue, lines[i + 1][0] if i + 1 < len(lines) else queue
        chain.append((queue, cycles, [before] if before != queue else [], [after] if after != queue else []))
    slow = list(chain)
    queue, cycles, waits, releases = slow[at % len(slow)]
    slow[at % len(slow)] = (queue, cycles * factor, waits, releases)
    assert run(slow)[0] >= run(chain)[0]
    assert run(chain)[0] == pytest.approx(sum(cycles for _, cycles in lines))
