"""Properties of whole operators: cores, memories and units only ever help; parts add up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.graph import single_op

PULP = hwsim.load_chip("pulp-open")
KERNELS = {
    "dot": {"elements": 4096, "dtype": "int8"},
    "kmeans": {"samples": 240, "features": 16, "clusters": 8, "dtype": "fp32"},
    "svm": {"features": 784, "classes": 10, "dtype": "fp32"},
    "knn": {"samples": 480, "features": 16, "neighbours": 4, "dtype": "fp32"},
    "random_forest": {"trees": 16, "depth": 8, "features": 200, "classes": 4, "dtype": "fp32"},
    "gaussian_nb": {"features": 784, "classes": 5, "dtype": "fp32"},
}


def cycles(kind: str, chip: hwsim.Chip = PULP, **mapping: object) -> float:
    return hwsim.simulate(single_op(kind, **KERNELS[kind]), chip, mapping, interval=False).cycles


@pytest.mark.parametrize("kind", KERNELS)
def test_speed_up_lies_between_one_and_the_cores(kind: str) -> None:
    one = cycles(kind, cores=1)
    for cores in (2, 4, 8):
        assert 0.5 * cores < one / cycles(kind, cores=cores) <= cores * (1 + 1e-9)


@pytest.mark.parametrize("kind", KERNELS)
@pytest.mark.parametrize("fp", ["native", "libgcc"])
@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("tcdm_banks", 64.0), ("fpu_units", 8.0), ("barrier_cycles", 1.0), ("taken_cycles", 2.0),
        ("icache_private_bytes", 4096.0), ("fdiv_cycles", 5.0),
    ],
)
def test_a_better_part_never_slows_the_whole(kind: str, fp: str, name: str, better: float) -> None:
    assert cycles(kind, PULP.replace(**{name: better}), fp=fp) <= cycles(kind, fp=fp) * (1 + 1e-12)


@given(st.integers(1, 32), st.integers(1, 5000))
@settings(deadline=None, max_examples=60)
def test_more_work_never_takes_less_time(cores: int, elements: int) -> None:
    chip = PULP.replace(cores=32.0, tcdm_banks=64.0)
    less, more = (
        hwsim.simulate(single_op("dot", elements=n, dtype="fp32"), chip, {"cores": cores}, interval=False) for n in (elements, elements + 7)
    )
    assert less.cycles <= more.cycles * (1 + 1e-12) and less.energy_j <= more.energy_j * (1 + 1e-12)


def test_shared_units_show_only_where_floating_point_is_dense() -> None:
    dense = hwsim.simulate(single_op("dot", elements=8192, dtype="fp32"), PULP, {"isa": "xpulp_unroll2"}, interval=False)
    assert dense.breakdown()["latency_s"]
    parts = {name: float(v) for name, v in zip([s.name for s in dense.cost.program.slots], dense.cost.values[0], strict=True)}
    assert parts["fpu_stall"] == 0  # one in three issue slots
    two = hwsim.simulate(single_op("dot", elements=8192, dtype="fp32"), PULP.replace(fpu_units=1.0), {"isa": "xpulp_unroll2"}, interval=False)
    assert two.cycles > 2 * dense.cycles


def test_shares_go_up_in_whole_units() -> None:
    """The sawtooth: a unit more than a multiple of the cores costs a whole round."""
    chip = PULP
    times = [hwsim.simulate(single_op("dot", elements=4 * n, dtype="int8"), chip, {"cores": 8}, interval=False).cycles for n in (800, 801, 808)]
    assert times[0] < times[1] == times[2]


def test_the_event_engine_takes_conflicts_cycle_by_cycle() -> None:
    graph = single_op("kmeans", **KERNELS["kmeans"])
    for cores in (1, 8):
        closed, event = (hwsim.simulate(graph, PULP, {"cores": cores}, fidelity=f, interval=False).cycles for f in ("analytic", "event"))
        assert event >= closed
        assert event == pytest.approx(closed, rel=1e-12 if cores == 1 else 0.05)
