"""What must hold whatever the numbers: monotone in work and in the speed of parts, sums that add up, choices honoured."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wafer_helpers import CHIPS, chip, decode, prefill, product, run_op

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.core.graph import single_op
from hwsim.targets.wafer_mesh.mapping import candidate_grids

GEMMS = ("meshgemm", "meshgemm_t", "summa", "cannon")
GEMVS = ("meshgemv", "gemv_pipeline", "gemv_ring")
sizes = st.integers(1, 300)
sides = st.sampled_from([12, 20, 30, 64])
few = settings(max_examples=40, deadline=None)


@few
@given(st.sampled_from(CHIPS), st.sampled_from(GEMMS), sides, sides, sizes, sizes, sizes, sizes, st.sampled_from("mkn"))
def test_a_larger_product_never_takes_less(on, algorithm, w, h, m, k, n, more, which):
    grown = {"m": m, "k": k, "n": n}
    grown[which] += more
    small = product(m, k, n, on, algorithm=algorithm, grid=(w, h))
    large = product(**grown, on=on, algorithm=algorithm, grid=(w, h))
    assert large.cycles >= small.cycles and large.energy_j >= small.energy_j
    assert small.cycles * w * h * chip(on).number("fp16_mac_per_cycle") >= m * k * n


@few
@given(st.sampled_from(CHIPS), st.sampled_from(GEMVS), sides, st.integers(1, 3), st.integers(1, 4000), st.integers(1, 4000), st.integers(0, 2000))
def test_a_larger_vector_product_never_takes_less(on, algorithm, side, m, k, n, more):
    def run(m: int, k: int, n: int) -> float:
        return product(m, k, n, on, algorithm=algorithm, grid=(side, side)).cycles

    try:
        small = run(m, k, n)
        assert run(m, k, n + more) >= small and run(m, k + more, n) >= small and run(m + 1, k, n) >= small
    except Infeasible as refused:
        assert refused.demand > refused.bound


@few
@given(st.sampled_from(["reduce", "broadcast", "allreduce"]), sides, sides, st.integers(1, 4000), st.integers(0, 4000))
def test_longer_vectors_and_lines_never_take_less(kind, w, h, elements, more):
    def run(elements: int, w: int, h: int) -> float:
        return run_op(kind, {"elements": elements}, grid=(w, h)).cycles

    small = run(elements, w, h)
    assert run(elements + more, w, h) >= small
    if kind != "allreduce":  # rings of short chunks may gain from more cores
        assert run(elements, 2 * w, h) >= small and run(elements, w, 2 * h) >= small


@cache
def decode_cycles(context: int, batch: int, layers: int, mode: str) -> float:
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=context, batch=batch, layers=layers)
    return hwsim.simulate(graph, chip(), {"grid": (420, 420), "workload_mode": mode}, interval=False).cycles


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([1, 64, 1000, 4000]), st.sampled_from([1, 2, 4]), st.sampled_from([1, 8, 16]), st.sampled_from(["exact", "paper_faithful"]))
def test_more_context_sequences_or_layers_never_take_less(context, batch, layers, mode):
    small = decode_cycles(context, batch, layers, mode)
    assert decode_cycles(context * 2, batch, layers, mode) >= small
    assert decode_cycles(context, batch * 2, layers, mode) >= small
    assert decode_cycles(context, batch, layers * 2, mode) > small


def test_a_longer_prompt_or_generation_never_takes_less():
    prompts = [prefill(prompt=n, grid=(480, 480)).cycles for n in (1, 64, 500, 1024, 2048, 4096)]
    assert prompts == sorted(prompts)
    steps = []
    for generate in (1, 16, 40, 128):
        graph = hwsim.load_graph("llama3-8b", phase="generate", prompt=128, generate=generate)
        steps.append(hwsim.simulate(graph, chip(), {"prefill_grid": (480, 480), "decode_grid": (360, 360)}, interval=False).cycles)
    assert steps == sorted(steps)


@pytest.mark.parametrize("mode", ["exact", "paper_faithful"])
def test_a_generation_is_its_prefill_and_its_decode_steps(mode):
    def run(grid: tuple[int, int] | None = None, **sizes: object):
        grids = {"grid": grid} if grid else {"prefill_grid": (660, 660), "decode_grid": (360, 360)}
        return hwsim.simulate(hwsim.load_graph("llama3-8b", **sizes), chip(), {"workload_mode": mode, **grids}, interval=False)

    whole = run(phase="generate", prompt=64, generate=8)
    parts = [run((660, 660), phase="prefill", prompt=64), *(run((360, 360), phase="decode", context=65 + i) for i in range(8))]
    between = whole.part("cycles", component="sample") if mode == "exact" else 0
    if mode == "exact":  # what every core holds is laid out anew for the decode grid
        between += chip().number("call_fixed_cycles") + 2 * whole.cost.program.params["relaid_wavelets"][0] + 2 * (660 + 360)
    assert whole.cycles == pytest.approx(sum(p.cycles for p in parts) + between)
    assert whole.metric("sram_bytes_per_core") >= max(p.metric("sram_bytes_per_core") for p in parts)
    assert whole.metric("colours") == max(p.metric("colours") for p in parts)


SPEEDS = (
    "hop_cycles", "ramp_cycles", "gemv_ramp_cycles", "fmac_cycles_per_mac", "fmac_call_cycles", "gemm_per_k_cycles", "gemm_step_cycles",
    "gemv_fixed_cycles", "call_fixed_cycles", "shift_round_cycles", "operator_switch_cycles", "transcendental_cycles", "library_call_cycles",
)  # fmt: skip


@cache
def suite(name: str, value: float | None) -> tuple[float, ...]:
    """Cycles of a fixed set of programs on a WSE-2 with one constant changed."""
    on = hwsim.load_chip("wse2", **({} if value is None else {name: value}))
    runs = [
        decode(on, grid=(420, 420)), prefill(on, prompt=512, grid=(360, 360)), product(256, 256, 256, on, grid=(60, 60)),
        product(256, 256, 256, on, algorithm="summa", grid=(60, 60)), product(256, 256, 256, on, algorithm="cannon", grid=(60, 60)),
        product(1, 4096, 4096, on, algorithm="gemv_ring", grid=(240, 240)), run_op("allreduce", {"elements": 64}, on, grid=(60, 60)),
        run_op("shift", {"elements": 64}, on, grid=(60, 60), rounds=5), run_op("softmax", {"rows": 60, "cols": 600}, on, grid=(60, 60)),
    ]  # fmt: skip
    return tuple(r.cycles for r in runs)


@pytest.mark.parametrize("name", SPEEDS)
def test_a_slower_part_never_speeds_anything_up(name):
    stated = suite("", None)
    slower = suite(name, chip().number(name) * 1.5)
    assert all(b >= a * (1 - 1e-12) for a, b in zip(stated, slower, strict=True))
    assert any(b > a for a, b in zip(stated, slower, strict=True))


@settings(max_examples=15, deadline=None)
@given(st.floats(0.2e9, 3e9), st.floats(1.01, 3))
def test_a_faster_clock_shortens_time_not_cycles(clock, factor):
    slow, fast = (product(512, 512, 512, grid=(60, 60), clock_hz=c) for c in (clock, clock * factor))
    assert slow.cycles == fast.cycles and slow.latency_s == pytest.approx(fast.latency_s * factor)


@pytest.mark.parametrize("on", CHIPS)
def test_parts_add_up_to_the_whole(on):
    for report in (decode(on, grid=(420, 420), energy_mode="activity"), prefill(on, prompt=512, grid=(360, 360), energy_mode="activity")):
        rows, parts = report.table(), report.breakdown()
        assert sum(r["cycles"] for r in rows) == pytest.approx(report.cycles)
        assert sum(parts["latency_s"].values()) == pytest.approx(report.latency_s) == pytest.approx(sum(parts["latency_by_mechanism_s"].values()))
        assert sum(parts["energy_j"].values()) == pytest.approx(report.energy_j)
        assert sum(parts["area_mm2"].values()) == pytest.approx(report.area_mm2)
        assert sum(r["share"] for r in rows) == pytest.approx(1)
        busy = report.cost.utilisation()
        assert busy["cores"] + busy["fabric"] == pytest.approx(1) and 0 < busy["arithmetic"] < 1


@pytest.mark.parametrize("algorithm", ["meshgemm", "summa", "cannon"])
def test_the_mapper_s_own_product_is_no_slower_than_a_forced_one(algorithm):
    for size, p in ((64, 16), (512, 60), (2048, 360)):
        free, forced = product(size, size, size, grid=(p, p)), product(size, size, size, algorithm=algorithm, grid=(p, p))
        assert free.cycles <= forced.cycles


def fastest(run: object, on: str, smallest: int = 1) -> tuple[tuple[int, int], float]:
    found = {}
    for grid in candidate_grids(chip(on), smallest):
        try:
            found[grid] = run(grid)
        except Infeasible:
            continue
    best = min(found, key=found.get)
    return best, found[best]


@pytest.mark.parametrize("on", CHIPS)
def test_the_mapper_s_own_grid_is_the_best_candidate_that_fits(on):
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    for workload in (graph, single_op("matmul", m=1, k=16384, n=16384), single_op("matmul", m=777, k=777, n=777)):
        free = hwsim.simulate(workload, chip(on), interval=False)
        _, best = fastest(lambda g, w=workload: hwsim.simulate(w, chip(on), {"grid": g}, interval=False).cycles, on)
        assert free.cycles == pytest.approx(best)
        again = hwsim.simulate(workload, chip(on), {"grid": free.cost.program.mapping["grid"]}, interval=False)
        assert again.cycles == free.cycles


def test_forced_choices_are_honoured_and_printed_back():
    for algorithm in GEMMS:
        assert product(96, 96, 96, algorithm=algorithm, grid=(32, 16)).cost.program.mapping["algorithms"] == algorithm
    for algorithm in GEMVS:
        mapping = product(3, 96, 96, algorithm=algorithm, grid=(16, 16)).cost.program.mapping
        assert mapping["algorithms"] == algorithm and mapping["grid"] == (16, 16)
    assert decode(grid=(420, 420), groups=12).cost.program.mapping["groups"] == 12
    report = decode(system="ladder", workload_mode="paper_faithful", grid=(480, 480))
    assert report.cost.program.mapping["system"] == "ladder" and report.to_dict()["options"]["mapping"]["grid"] == [480, 480]
    graph = hwsim.load_graph("llama3-8b", phase="generate", prompt=64, generate=4)
    mapping = hwsim.simulate(graph, chip(), {"prefill_grid": (480, 480), "decode_grid": (300, 300)}, interval=False).cost.program.mapping
    assert (mapping["prefill_grid"], mapping["decode_grid"]) == ((480, 480), (300, 300))


@pytest.mark.parametrize("groups", [1, 5, 12, 60, 420])
def test_every_divisor_is_a_group_count_and_those_far_from_the_root_are_slower(groups):
    free = product(1, 4096, 4096, algorithm="meshgemv", grid=(420, 420))
    assert product(1, 4096, 4096, algorithm="meshgemv", grid=(420, 420), groups=groups).cycles >= free.cycles


def mapping_error(run: object, message: str) -> None:
    with pytest.raises(InvalidMapping) as raised:
        run()
    assert message in str(raised.value)


def test_choices_that_nothing_can_honour_are_refused():
    mapping_error(lambda: decode(grid=(480, 480), groups=7), "groups=7 does not divide the 480 cores of a column")
    mapping_error(lambda: decode(grid=(420, 480), groups=16), "groups=16 does not divide the 420 cores of a row")
    mapping_error(lambda: prefill(grid=(480, 480), groups=16), "groups=16 serves none of this graph's operators")
    mapping_error(lambda: product(1, 64, 64, algorithm="gemv_ring", groups=4), "groups=4 serves none of this graph's operators")
    mapping_error(lambda: product(64, 64, 64, algorithm="meshgemm", groups=4, grid=(8, 8)), "groups=4 serves none")
    mapping_error(lambda: prefill(grid=(480, 480), algorithm="gemv_ring"), "algorithm=gemv_ring serves none of this graph's operators (attention")
    mapping_error(lambda: product(8, 8, 8, algorithm="reduce_star"), "algorithm=reduce_star serves none of this graph's operators (matmul)")
    mapping_error(lambda: product(8, 8, 8, rounds=7), "rounds serves none of this graph's operators")
    mapping_error(lambda: product(8, 8, 8, reduce="reduce_star"), "reduce serves none of this graph's operators")
    mapping_error(lambda: product(8, 8, 8, system="t10"), "system=t10 maps whole language models")
    mapping_error(lambda: decode(system="t10", algorithm="meshgemv"), "system=t10 has algorithms of its own")
    mapping_error(lambda: product(8, 8, 8, algorithm="meshgemm", grid=(2, 8)), "algorithm=meshgemm needs at least 3 cores a side, the grid is 2 x 8")
    mapping_error(lambda: decode(algorithm="shift_kv", kv_cache="concat"), "algorithm=shift_kv contradicts kv_cache=concat")
    mapping_error(lambda: decode(grid=(9, 9), decode_grid=(9, 9)), "give either grid, or prefill_grid and decode_grid")
