"""Laws of the wavelet mesh, on random sizes and constants."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.engine import mesh_forms as forms
from hwsim.engine.mesh import MeshTiming, RouteTable, WaveletMesh
from hwsim.engine.mesh_lines import Lines
from hwsim.engine.mesh_programs import REDUCES, GemmSize, run_allreduce, run_broadcast, run_mesh_gemm, run_reduce

timings = st.builds(MeshTiming, st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), queue_depth=st.integers(2, 5), overlap=st.booleans())
lengths = st.integers(1, 24)
counts = st.integers(1, 40)


def slack(kind: str, p: int, timing: MeshTiming) -> int:
    """Streams that meet on a receiver's RAMP delay each other by up to one queue: trees and two phases, once per merge."""
    merges = {"reduce_tree": (p - 1).bit_length(), "reduce_two_phase": 1}.get(kind, 0)
    return merges * (timing.queue_depth + timing.ramp_in_cycles + 1)


quick = settings(max_examples=400, deadline=None)


@quick
@given(st.sampled_from(REDUCES), lengths, counts, timings, st.integers(0, 2**31))
def test_every_value_is_delivered_once(kind: str, p: int, wavelets: int, timing: MeshTiming, seed: int) -> None:
    data = np.random.default_rng(seed).integers(-1000, 1000, (p, wavelets)).astype(float)
    result = run_allreduce("allreduce_reduce_broadcast", p, wavelets, timing, reduce=kind, data=data)
    assert result.result is not None
    assert (result.result == data.sum(axis=0)).all()
    assert 0 <= result.link_mean <= result.link_max <= 1


@quick
@given(st.sampled_from(REDUCES), lengths, counts, timings)
def test_more_wavelets_never_take_less_time(kind: str, p: int, wavelets: int, timing: MeshTiming) -> None:
    assert run_reduce(kind, p, wavelets, timing).cycles <= run_reduce(kind, p, wavelets + 1, timing).cycles


@quick
@given(st.sampled_from(["reduce_star", "reduce_chain", "reduce_tree"]), lengths, counts, timings)
def test_a_longer_line_never_takes_less_time(kind: str, p: int, wavelets: int, timing: MeshTiming) -> None:
    assert run_reduce(kind, p, wavelets, timing).cycles <= run_reduce(kind, p + 1, wavelets, timing).cycles + slack(kind, p, timing)


@quick
@given(st.sampled_from(REDUCES), lengths, counts, timings)
def test_a_faster_hop_is_never_slower(kind: str, p: int, wavelets: int, timing: MeshTiming) -> None:
    slower = MeshTiming(timing.hop_cycles + 1, timing.ramp_out_cycles, timing.ramp_in_cycles, queue_depth=timing.queue_depth)
    assert run_reduce(kind, p, wavelets, timing).cycles <= run_reduce(kind, p, wavelets, slower).cycles + slack(kind, p, timing)


@quick
@given(st.integers(1, 8), st.integers(1, 8), counts, timings)
def test_the_ktree_obeys_the_same_laws(s: int, g: int, wavelets: int, timing: MeshTiming) -> None:
    cycles = run_allreduce("allreduce_ktree", s * g, wavelets, timing, groups=g).cycles
    slower = MeshTiming(timing.hop_cycles + 1, timing.ramp_out_cycles, timing.ramp_in_cycles, queue_depth=timing.queue_depth)
    assert cycles <= run_allreduce("allreduce_ktree", s * g, wavelets + 1, timing, groups=g).cycles
    queues = 2 * (timing.queue_depth + timing.ramp_in_cycles + 1)
    assert cycles <= run_allreduce("allreduce_ktree", s * g, wavelets, slower, groups=g).cycles + queues
    assert cycles <= run_allreduce("allreduce_ktree", (s + 1) * g, wavelets, timing, groups=g).cycles + queues


@quick
@given(st.integers(3, 9), st.integers(1, 3), st.integers(1, 3), st.integers(0, 30), timings)
def test_mesh_gemm_never_speeds_up_with_more_work(p: int, mt: int, nt: int, compute: int, timing: MeshTiming) -> None:
    cycles = run_mesh_gemm(GemmSize(p, mt, 2, nt, compute), timing).cycles
    assert cycles <= run_mesh_gemm(GemmSize(p, mt + 1, 2, nt, compute), timing).cycles
    assert cycles <= run_mesh_gemm(GemmSize(p, mt, 2, nt, compute + 1), timing).cycles
    assert cycles <= run_mesh_gemm(GemmSize(p + 1, mt, 2, nt, compute), timing).cycles


@quick
@given(st.integers(1, 12), st.integers(1, 12), counts, timings)
def test_exact_forms_hold_for_any_constants(width: int, height: int, wavelets: int, timing: MeshTiming) -> None:
    c = (float(timing.hop_cycles), float(timing.ramp2_cycles), float(timing.op_cycles))
    assert run_broadcast(width, height, wavelets, timing).cycles == forms.flood_cycles(width, height, wavelets, *c)
    assert run_reduce("reduce_chain", width, wavelets, timing).cycles == forms.chain_cycles(width, wavelets, *c)
    assert run_reduce("reduce_star", width, wavelets, timing).cycles == forms.star_schedule_cycles(width, wavelets, *c)


@quick
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(1, 20)), min_size=1, max_size=8), timings)
def test_random_chains_take_at_least_the_bound_of_their_links(chains: list[tuple[int, int, int]], timing: MeshTiming) -> None:
    """Messages one after the other on one line, a colour each: never faster than the longest, links never over-full."""
    lines = Lines(RouteTable(12, 1, 8))
    longest = 0
    for colour, (a, b, wavelets) in enumerate(chains):
        if a != b:
            lines.chain((a, b), (colour, colour), 0, wavelets)
            longest = max(longest, wavelets + abs(a - b) * timing.hop_cycles + timing.ramp2_cycles + timing.op_cycles)
    result = WaveletMesh(lines.program(None), timing).run()
    assert result.cycles >= longest
    assert result.link_max <= 1
    assert result.wavelet_hops == sum(abs(a - b) * n for a, b, n in chains)
