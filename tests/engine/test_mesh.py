"""The wavelet mesh itself: latencies, contention that emerges, routes, programs, refusals."""

import numpy as np
import pytest

from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.engine.mesh import MeshDeadlockError, MeshProgram, MeshRun, MeshTiming, RouteTable, WaveletMesh
from hwsim.engine.mesh_isa import (
    E_BIT,
    RAMP_BIT,
    S_BIT,
    W_BIT,
    Instr,
    copy,
    delay,
    inc,
    matmul,
    recv,
    recv_add,
    reg,
    relay,
    repeat,
    send,
    set_route,
    swap,
    wait,
)
from hwsim.engine.mesh_lines import Lines, colour_intervals

WSE2 = MeshTiming(1, 2, 2)
WSE3 = MeshTiming(2, 5, 4)
BOTH = pytest.mark.parametrize("timing", [WSE2, WSE3], ids=["wse2", "wse3"])


def run(routes: RouteTable, bodies: dict[tuple[int, int], list[Instr]], timing: MeshTiming, *, words: int = 0, threads: int = 0) -> MeshRun:
    """Run programs given by (x, y); the other cores have nothing to do. Memory holds 1000 y + 100 x + i at word i."""
    shape = (routes.height, routes.width)
    which = np.zeros(shape, dtype=np.int32)
    programs: list[list[Instr]] = [[]]
    for (x, y), body in bodies.items():
        which[y, x] = len(programs)
        programs.append(body)
    memory = None
    if words:
        y, x, i = np.mgrid[0 : shape[0], 0 : shape[1], 0:words]
        memory = (1000.0 * y) + 100 * x + i
    return WaveletMesh(MeshProgram(routes, tuple(programs), which, np.zeros((*shape, 4), np.int32), memory, threads), timing).run()


@BOTH
@pytest.mark.parametrize("hops", [1, 2, 7])
@pytest.mark.parametrize("wavelets", [1, 5, 40])
def test_a_message_takes_its_length_its_hops_and_both_ramps(timing: MeshTiming, hops: int, wavelets: int) -> None:
    lines = Lines(RouteTable(hops + 1, 1, 1))
    lines.message(0, 0, hops)
    result = run(lines.routes, {(0, 0): [send(0, 0, wavelets)], (hops, 0): [recv(0, 0, wavelets)]}, timing, words=wavelets)
    assert result.cycles == wavelets + hops * timing.hop_cycles + timing.ramp2_cycles + 1
    assert result.memory is not None
    assert (result.memory[0, hops] == np.arange(wavelets)).all()
    assert result.wavelet_hops == hops * wavelets
    assert result.finish[0, 0] == wavelets


def merge(colours: tuple[int, int], timing: MeshTiming, wavelets: int) -> MeshRun:
    """Cores (0,0) and (1,1) send to (3,0) over the link from router (1,0) east."""
    routes = RouteTable(4, 2, 2)
    a, b = colours
    routes.add(a, 0, 0, RAMP_BIT, E_BIT)
    routes.add(a, 0, 1, W_BIT, E_BIT)
    routes.add(b, 1, 1, RAMP_BIT, 1)
    routes.add(b, 0, 1, S_BIT, E_BIT)
    for c in {a, b}:
        routes.add(c, 0, 2, W_BIT, E_BIT)
        routes.add(c, 0, 3, W_BIT, RAMP_BIT)
    take = [recv(a, 0, 2 * wavelets)] if a == b else [recv(a, 0, wavelets, asynchronous=True), recv(b, 0, wavelets, asynchronous=True)]
    return run(routes, {(0, 0): [send(a, 0, wavelets)], (1, 1): [send(b, 0, wavelets)], (3, 0): take}, timing, threads=2)


@BOTH
@pytest.mark.parametrize("colours", [(0, 0), (0, 1)])
def test_two_flows_on_one_link_take_twice_the_time(timing: MeshTiming, colours: tuple[int, int]) -> None:
    result = merge(colours, timing, 200)
    assert result.links[0, 1, 2] == 400
    assert result.cycles == pytest.approx(400 + 3 * timing.hop_cycles + timing.ramp2_cycles, abs=6)
    assert result.link_max > 0.95
    one, other = int(result.finish[0, 0]), int(result.finish[1, 1])
    assert abs(one - other) < 40  # they take turns


def test_a_blocked_colour_does_not_block_another() -> None:
    """Colour 0 is never read until late; colour 1 passes it on the same links."""
    lines = Lines(RouteTable(4, 1, 2))
    lines.message(0, 0, 3)
    lines.message(1, 1, 3)
    bodies = {(0, 0): [send(0, 0, 50)], (1, 0): [send(1, 0, 50)], (3, 0): [recv(1, 0, 50), delay(500), recv(0, 0, 50)]}
    result = run(lines.routes, bodies, WSE2)
    assert 600 <= result.cycles < 700
    assert result.finish[0, 1] < 120


@BOTH
def test_x_and_y_streams_into_one_core_share_its_ramp(timing: MeshTiming) -> None:
    routes = RouteTable(2, 2, 2)
    routes.add(0, 0, 1, RAMP_BIT, W_BIT)
    routes.add(0, 0, 0, E_BIT, RAMP_BIT)
    routes.add(1, 1, 0, RAMP_BIT, 1)
    routes.add(1, 0, 0, S_BIT, RAMP_BIT)
    a, b = 150, 90
    take = [recv(0, 0, a, asynchronous=True), recv(1, 0, b, asynchronous=True)]
    result = run(routes, {(1, 0): [send(0, 0, a)], (0, 1): [send(1, 0, b)], (0, 0): take}, timing, threads=2)
    assert result.ramp_in[0, 0] == a + b
    assert result.cycles == pytest.approx(a + b + timing.hop_cycles + timing.ramp2_cycles + 1, abs=2)


@BOTH
def test_two_sends_of_one_core_share_its_ramp(timing: MeshTiming) -> None:
    lines = Lines(RouteTable(3, 1, 2))
    lines.message(0, 1, 0)
    lines.message(1, 1, 2)
    sends = [send(0, 0, 70, asynchronous=True), send(1, 0, 30, asynchronous=True), wait()]
    result = run(lines.routes, {(1, 0): sends, (0, 0): [recv(0, 0, 70)], (2, 0): [recv(1, 0, 30)]}, timing, threads=2)
    assert result.finish[0, 1] == 100
    assert result.ramp_out[0, 1] == 100


@BOTH
def test_multicast_is_free(timing: MeshTiming) -> None:
    """A fan-out to all reaches the farthest core when a plain message would."""
    lines = Lines(RouteTable(9, 1, 1))
    lines.flood(4, 0, 0, 30)
    result = WaveletMesh(lines.program(None), timing).run()
    assert result.cycles == 30 + 4 * timing.hop_cycles + timing.ramp2_cycles + 1
    assert (result.finish[0, :4] == result.finish[0, :4:-1]).all()


def test_a_blocking_send_then_a_receive_takes_two_cycles_per_wavelet() -> None:
    lines = Lines(RouteTable(2, 1, 2))
    lines.message(0, 0, 1)
    lines.message(1, 1, 0)
    n = 300
    bodies = {(0, 0): [send(0, 0, n), recv(1, 0, n)], (1, 0): [recv(0, 0, n), send(1, 0, n)]}
    assert run(lines.routes, bodies, WSE2).cycles == 2 * (n + 6)


@pytest.mark.parametrize(("overlap", "cycles"), [(True, 500), (False, 600)])
def test_moves_add_to_a_computation_unless_they_overlap(overlap: bool, cycles: int) -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    timing = MeshTiming(1, 2, 2, overlap=overlap)
    bodies = {(0, 0): [send(0, 0, 100)], (1, 0): [recv(0, 0, 100, asynchronous=True), matmul(0, 0, 0, (1, 1, 1), 500), wait()]}
    assert run(lines.routes, bodies, timing, threads=1).cycles == cycles


@pytest.mark.parametrize("cycles", [1, 4095, 4096, 4097, 10000])
def test_delays_of_any_length_are_exact(cycles: int) -> None:
    assert run(RouteTable(1, 1, 1), {(0, 0): [delay(cycles), delay(3)]}, WSE2).cycles == cycles + 3


def test_loops_registers_and_memory() -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    twice = repeat(2, [*repeat(3, [send(0, reg(0), 1), inc(0, 1)]), inc(0, 2)])
    result = run(lines.routes, {(0, 0): [*repeat(0, [delay(9)]), *twice], (1, 0): [recv_add(0, 0, 6)]}, WSE2, words=16)
    assert result.memory is not None
    assert result.memory[0, 1, :6].tolist() == [100, 102, 104, 108, 110, 112]


def test_relay_keeps_a_copy_and_streams() -> None:
    lines = Lines(RouteTable(3, 1, 2))
    lines.message(0, 0, 1)
    lines.message(1, 1, 2)
    bodies = {(0, 0): [send(0, 3, 4, step=-1)], (1, 0): [relay(0, 1, 0, 4)], (2, 0): [recv(1, 0, 4)]}
    result = run(lines.routes, bodies, WSE2, words=4)
    assert result.memory is not None
    assert result.memory[0, 1].tolist() == result.memory[0, 2].tolist() == [3, 2, 1, 0]
    assert result.cycles == 4 + 2 * 6


@pytest.mark.parametrize("messages", [[(i, i + 2) for i in range(9)], [(i, (i + 1) % 8) for i in range(8)], [(5, 0), (1, 2), (2, 4)]])
def test_interval_colours_never_meet_and_are_as_few_as_possible(messages: list[tuple[int, int]]) -> None:
    colours = colour_intervals(messages)
    routers = range(12)
    seen = [[c for c, m in zip(colours, messages, strict=True) if min(m) <= r <= max(m)] for r in routers]
    assert all(len(set(here)) == len(here) for here in seen)
    assert max(colours) + 1 == max(len(here) for here in seen)


def test_a_deadlock_is_named() -> None:
    lines = Lines(RouteTable(3, 1, 2))
    lines.message(0, 0, 1)
    lines.message(1, 1, 0)
    with pytest.raises(MeshDeadlockError, match=r"\(0, 0\) in 1 out -; \(1, 0\) in 0 out -") as caught:
        run(lines.routes, {(0, 0): [recv(1, 0, 1), send(0, 0, 1)], (1, 0): [recv(0, 0, 1), send(1, 0, 1)]}, WSE2)
    assert caught.value.unfinished == 2


def test_a_send_nobody_takes_fills_its_queues_and_is_a_deadlock() -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    with pytest.raises(MeshDeadlockError, match=r"\(0, 0\) in - out 0"):
        run(lines.routes, {(0, 0): [send(0, 0, 100)]}, WSE2)
    with pytest.raises(InvalidMapping, match="2 wavelets were never received"):
        run(lines.routes, {(0, 0): [send(0, 0, 2)], (1, 0): [delay(50)]}, WSE2)


def test_waiting_for_a_route_nobody_sets_is_a_deadlock() -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    lines.routes.rx[0, 0, 1] = lines.routes.tx[0, 0, 1] = 0
    body = [delay(20), set_route(0, W_BIT, RAMP_BIT), recv(0, 0, 3)]
    assert run(lines.routes, {(0, 0): [send(0, 0, 3)], (1, 0): body}, WSE2).cycles == 20 + 3 + 2
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    with pytest.raises(MeshDeadlockError, match="1 cores blocked"):
        run(lines.routes, {(0, 0): [send(0, 0, 3)], (1, 0): [set_route(0, S_BIT, RAMP_BIT), recv(0, 0, 3)]}, WSE2)


def off_the_mesh() -> RouteTable:
    routes = RouteTable(2, 1, 1)
    routes.add(0, 0, 1, RAMP_BIT, E_BIT)
    return routes


def unheard() -> RouteTable:
    routes = RouteTable(2, 1, 1)
    routes.add(0, 0, 0, RAMP_BIT, E_BIT)
    return routes


@pytest.mark.parametrize(
    ("routes", "bodies", "match"),
    [
        (off_the_mesh(), {}, "off the mesh"),
        (unheard(), {}, "where no input takes it"),
        (RouteTable(2, 1, 1), {(0, 0): [send(0, 0, 1)]}, "no RAMP route"),
        (RouteTable(2, 1, 1), {(1, 0): [recv(0, 0, 1)]}, r"core \(1, 0\) moves data on colour 0"),
        (RouteTable(2, 1, 1), {(1, 0): [recv(3, 0, 1)]}, "a colour outside"),
        (RouteTable(1, 1, 1), {(0, 0): repeat(2, [])[:1]}, "not closed"),
        (RouteTable(1, 1, 1), {(0, 0): repeat(2, [])[1:]}, "never begun"),
    ],
)
def test_impossible_programs_are_refused(routes: RouteTable, bodies: dict[tuple[int, int], list[Instr]], match: str) -> None:
    with pytest.raises(InvalidMapping, match=match):
        run(routes, bodies, WSE2)


def test_too_few_threads_or_two_readers_are_refused() -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    bodies = {(0, 0): [delay(9), send(0, 0, 4)], (1, 0): [recv(0, 0, 2, asynchronous=True), recv(0, 0, 2, asynchronous=True)]}
    with pytest.raises(InvalidMapping, match="more asynchronous moves than threads"):
        run(lines.routes, bodies, WSE2, threads=1)
    with pytest.raises(InvalidMapping, match=r"core \(1, 0\): two receives at once"):
        run(lines.routes, bodies, WSE2, threads=2)


@pytest.mark.parametrize("body", [[send(0, 5, 4)], [send(0, 2, 4, step=-1)], [matmul(6, 0, 0, (1, 2, 3), 0)], [copy(0, 5, 4, 0)]], ids=repr)
def test_addresses_outside_the_memory_are_refused(body: list[Instr]) -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    with pytest.raises(InvalidMapping, match=r"core \(0, 0\): an address outside"):
        run(lines.routes, {(0, 0): body, (1, 0): []}, WSE2, words=8)


def test_limits_are_refused() -> None:
    with pytest.raises(Infeasible, match="colours"):
        WaveletMesh(Lines(RouteTable(2, 1, 25)).program(None), WSE2)
    with pytest.raises(InvalidMapping, match="hop_cycles"):
        MeshTiming(0, 2, 2)
    with pytest.raises(InvalidMapping, match="colours"):
        MeshTiming(1, 2, 2, colours=64)
    with pytest.raises(InvalidMapping, match="0 x 4"):
        RouteTable(0, 4, 1)
    with pytest.raises(InvalidMapping, match="axis"):
        Lines(RouteTable(2, 2, 1), "z")
    program = MeshProgram(RouteTable(1, 1, 1), ([delay(100)],), np.zeros((1, 1), np.int32), np.zeros((1, 1, 1), np.int32))
    with pytest.raises(Infeasible, match="mesh cycles"):
        WaveletMesh(program, WSE2).run(max_cycles=50)
    with pytest.raises(InvalidMapping, match="shape"):
        WaveletMesh(MeshProgram(RouteTable(2, 1, 1), ([],), np.zeros((1, 1), np.int32), np.zeros((1, 1, 1), np.int32)), WSE2)
    with pytest.raises(InvalidMapping, match="numbered outside"):
        WaveletMesh(MeshProgram(RouteTable(1, 1, 1), ([],), np.ones((1, 1), np.int32), np.zeros((1, 1, 1), np.int32)), WSE2)


@pytest.mark.parametrize("depth", [2, 3, 8, 40])
def test_uncontended_time_does_not_depend_on_the_queue_depth(depth: int) -> None:
    lines = Lines(RouteTable(6, 1, 2))
    lines.chain(range(5, -1, -1), (0, 1), 0, 64)
    assert WaveletMesh(lines.program(None), MeshTiming(2, 5, 4, queue_depth=depth)).run().cycles == 64 + 5 * 12


def test_swap_exchanges_registers() -> None:
    lines = Lines(RouteTable(2, 1, 1))
    lines.message(0, 0, 1)
    body = [inc(0, 5), swap(0, 1), send(0, reg(1), 1), send(0, reg(0), 1)]
    result = run(lines.routes, {(0, 0): body, (1, 0): [recv(0, 0, 2)]}, WSE2, words=8)
    assert result.memory is not None
    assert result.memory[0, 1, :2].tolist() == [5, 0]
