"""Issue of one core, shared floating-point units, emulation libraries: against closed formulas."""

from __future__ import annotations

import math

import pytest
from cluster_helpers import primitive
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.core import divide_cycles
from hwsim.targets.cluster.fpu import Stream, cycles_per_slot
from hwsim.targets.cluster.isolate import priced
from hwsim.targets.cluster.kernel import Loop, Mix, Work
from hwsim.targets.cluster.numbers import resolved

PULP = hwsim.load_chip("pulp-open")
COUNTS = st.fixed_dictionaries({name: st.integers(0, 40) for name in ("alu", "load", "store", "taken", "mac", "fadd", "fma", "fdiv", "i2f")})


def slots(work: Work, chip: str = "pulp-open", **mapping: object) -> dict[str, float]:
    m, p = resolved(hwsim.load_chip(chip), mapping)
    return priced(work, m, p)


def test_a_loop_is_the_sum_of_its_instructions() -> None:
    found = slots(Work((Loop(Mix(load=2, load_use=1, mul=1, mul_use=1, alu=3, taken=1), 100),)), cores=1, isa="rv32im")
    assert found["compute"] == 100 * (2 + 1 + 1 + 1 + 3 + 3)
    assert found["instructions"] == 100 * 7
    assert found["cycles"] == found["compute"]


@pytest.mark.parametrize(("divisor", "cycles"), [(1, 34), (3, 33), (2**16, 18), (2**31, 3)])
def test_a_division_takes_three_cycles_and_the_leading_zeros(divisor: int, cycles: int) -> None:
    assert divide_cycles(divisor, 3) == cycles
    assert primitive("instruction_latency", "pulp-open", instruction="divu", divisor=divisor) == cycles


def test_an_unbalanced_loop_waits_for_the_busiest_core() -> None:
    found = slots(Work((Loop(Mix(alu=1), 200, balance=0.625),)), cores=8)
    assert (found["compute"], found["imbalance"]) == (125, 75)


def test_a_sequential_part_does_not_shrink_with_the_team() -> None:
    work = Work((Loop(Mix(alu=1), 50, sequential=True),), barriers=2, forks=1)
    alone, team = slots(work, cores=1, runtime="gap_sdk"), slots(work, cores=8, runtime="gap_sdk")
    assert alone["sequential"] == team["sequential"] == 50
    assert alone["barrier"] == team["barrier"] == 2 * PULP.number("barrier_cycles")
    assert (alone["fork"], team["fork"]) == (0, PULP.number("fork_gap_sdk_cycles"))


@pytest.mark.parametrize("cores", [1, 2, 4, 5, 6, 8])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.75, 1.0])
def test_shared_units_issue_once_a_cycle(cores: int, share: float) -> None:
    expected = max(1.0, math.ceil(cores / 4) * share)
    assert cycles_per_slot([Stream(0.0, share)] * cores, 4, 1) == pytest.approx(expected)
    work = Work((Loop(Mix(fma=share * 100, alu=100 - share * 100), 10, pattern="free"),))
    found = slots(work, cores=cores)
    assert found["cycles"] == pytest.approx(1000 * expected)


@pytest.mark.parametrize("cores", [1, 2, 8])
@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_divides_of_all_cores_follow_each_other(cores: int, share: float) -> None:
    expected = max(14 * share + 1 - share, 14 * share * cores)
    assert cycles_per_slot([Stream(14.0, share)] * cores, 4, 1) == pytest.approx(expected)
    found = slots(Work((Loop(Mix(fdiv=share * 100, alu=100 - share * 100), 10),)), cores=cores)
    assert found["cycles"] == pytest.approx(1000 * expected)


def test_one_user_of_the_divider_does_not_slow_adders() -> None:
    assert cycles_per_slot([Stream(14.0, 1.0)] + [Stream(0.0, 1.0)] * 3, 4, 1) == 14.0
    assert cycles_per_slot([Stream(14.0, 0.0)] + [Stream(0.0, 1.0)] * 7, 4, 1) == 2.0


@given(COUNTS, st.integers(1, 1000), st.sampled_from([1, 2, 4, 8]), st.sampled_from(["native", "libgcc", "rvfplib", "rvfplib_size"]))
@settings(deadline=None, max_examples=40)
def test_more_instructions_never_take_less_time(counts: dict[str, int], passes: int, cores: int, fp: str) -> None:
    less = slots(Work((Loop(Mix(**counts), passes),)), cores=cores, fp=fp)["cycles"]
    for name in counts:
        assert slots(Work((Loop(Mix(**{**counts, name: counts[name] + 1}), passes),)), cores=cores, fp=fp)["cycles"] >= less
    assert slots(Work((Loop(Mix(**counts), passes + 1),)), cores=cores, fp=fp)["cycles"] >= less


def test_an_emulated_multiply_add_is_two_calls() -> None:
    m, p = resolved(PULP, {"fp": "rvfplib", "isa": "rv32imc", "cores": 1})
    mul, add, call = (float(p[n][0]) for n in ("fmul_cycles", "fadd_cycles", "call_cycles"))
    assert priced(Work((Loop(Mix(fma=1), 10),)), m, p)["compute"] == pytest.approx(10 * (mul + add + 2 * call))
    assert priced(Work((Loop(Mix(fma=1), 10),)), m, p)["fpu_stall"] == 0


@pytest.mark.parametrize(("fp", "stalls"), [("native", 0), ("rvfplib", 0), ("libgcc", 1)])
def test_only_the_large_library_leaves_the_private_cache(fp: str, stalls: int) -> None:
    found = slots(Work((Loop(Mix(fma=1, load=2, alu=4, taken=1), 100),)), cores=8, fp=fp, isa="rv32imc")
    assert (found["icache_stall"] > 0) == bool(stalls)
    assert slots(Work((Loop(Mix(fma=1), 100),)), "gap8", cores=8, fp="libgcc")["icache_stall"] == 0


def test_a_library_of_a_pulp_compiler_is_faster() -> None:
    plain, xpulp = (primitive("softfloat_op", "pulp-open", {"fp": "libgcc", "isa": isa}, operation="fmul") for isa in ("rv32imc", "xpulp"))
    assert xpulp == pytest.approx(plain * PULP.number("libgcc_xpulp_factor"), rel=1e-2)


def test_operations_that_nobody_has_are_refused() -> None:
    with pytest.raises(InvalidTrace, match=r"load_usee.*load_use"):
        Mix(load_usee=1)
    with pytest.raises(InvalidMapping, match="no floating-point unit"):
        primitive("fpu_throughput", "gap8", instruction="fadd.s")
    with pytest.raises(InvalidTrace, match="fadd"):
        primitive("fpu_throughput", "pulp-open", instruction="faddd.s")
    with pytest.raises(InvalidMapping, match="emulation library"):
        primitive("softfloat_op", "pulp-open", operation="fadd")
    with pytest.raises(InvalidTrace, match="9, pulp-open has 8"):
        primitive("fpu_mix", "pulp-open", instructions=["fadd.s", "fdiv.s"], core_counts=[8, 1])
    too_many = tuple(Loop(Mix(alu=1), 1) for _ in range(L.LOOPS + 1))
    with pytest.raises(InvalidTrace, match=f"{L.LOOPS + 1} loops"):
        slots(Work(too_many))


def test_unevenly_dealt_work_loads_the_units_evenly() -> None:
    """24 cores with 32 columns: no core has more than two, but the four units see eight each, not twelve."""
    chip = PULP.replace(cores=24.0, tcdm_banks=1024.0)
    m, p = resolved(chip, {})
    found = priced(Work((Loop(Mix(fma=50, alu=50), 2, balance=32 / 48, pattern="free"),)), m, p)
    assert found["cycles"] == pytest.approx(8 * 50)
