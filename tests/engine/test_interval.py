"""Intervals: the ranges of constants, propagated; deterministic, and a point when nothing has a range."""

from __future__ import annotations

from dataclasses import replace

import fake_target
import numpy as np
import pytest

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op
from hwsim.core.param import Param
from hwsim.core.target import load_target
from hwsim.engine.interval import intervals, sampled_params


def toy_chip(**ranges: tuple[float, float]) -> Chip:
    """The toy's constants; those named have a range."""
    stated = dict(zip(fake_target.CONSTANTS, (1e9, 100.0, 1e-12, 64.0), strict=True))
    made = {}
    for name, value in stated.items():
        low, high = ranges.get(name, (None, None))
        made[name] = Param(value, "1", "made up", "published", low, high)
    return Chip("toy", "fake", made)


def toy_program(**ranges: tuple[float, float]):
    return fake_target.TARGET.map(single_op("matmul", m=100, k=100, n=100), toy_chip(**ranges), {"arrays": 1})


def toy_intervals(**ranges: tuple[float, float]) -> dict[str, tuple[float, float]]:
    return intervals(fake_target.TARGET, toy_program(**ranges))


CYCLES = 1e6 / 100 + 6e4 / 64


def test_without_ranges_the_interval_is_the_point():
    found = toy_intervals()
    assert found["cycles"] == pytest.approx((CYCLES, CYCLES))
    assert found["latency_s"] == pytest.approx((CYCLES / 1e9,) * 2)
    assert found["area_mm2"] == (2.0, 2.0)


def test_the_central_nine_tenths_of_one_uniform_range():
    low, high = toy_intervals(bytes_per_cycle=(32.0, 96.0))["cycles"]
    assert low == pytest.approx(1e4 + 6e4 / (32 + 0.95 * 64), rel=0.005)
    assert high == pytest.approx(1e4 + 6e4 / (32 + 0.05 * 64), rel=0.005)
    assert low < CYCLES < high


def test_a_clock_changes_seconds_and_static_joules_but_no_cycles():
    found = toy_intervals(clock_hz=(0.5e9, 1e9))
    assert found["cycles"] == pytest.approx((CYCLES, CYCLES))
    low, high = found["latency_s"]
    assert low == pytest.approx(CYCLES / 1e9) and high == pytest.approx(CYCLES / 0.525e9, rel=0.01)
    assert found["energy_j"][0] < found["energy_j"][1]


def test_a_value_at_the_end_of_its_range_is_inside_the_interval():
    for ranges in ({"clock_hz": (0.5e9, 1e9)}, {"clock_hz": (1e9, 2e9)}, {"macs_per_cycle": (50.0, 100.0)}, {"energy_per_mac_j": (1e-12, 4e-12)}):
        found = toy_intervals(**ranges)
        assert found["latency_s"][0] <= CYCLES / 1e9 * (1 + 1e-12) and found["latency_s"][1] >= CYCLES / 1e9 * (1 - 1e-12)
        joules = 1e-6 + 0.5 * CYCLES / 1e9
        assert found["energy_j"][0] <= joules * (1 + 1e-12) and found["energy_j"][1] >= joules * (1 - 1e-12)


def test_wider_ranges_make_wider_intervals():
    narrow, wide = (toy_intervals(macs_per_cycle=r)["cycles"] for r in ((95.0, 105.0), (80.0, 120.0)))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_sampling_is_a_latin_hypercube_of_the_ranged_constants_only():
    program = toy_program(macs_per_cycle=(80.0, 120.0), bytes_per_cycle=(32.0, 96.0))
    table = sampled_params(program, 64, 1)
    assert (table["clock_hz"] == 1e9).all()
    for name, low, high in (("macs_per_cycle", 80, 120), ("bytes_per_cycle", 32, 96)):
        strata = np.sort(np.floor((table[name] - low) / (high - low) * 64))
        assert strata.tolist() == list(range(64))  # one sample in every stratum
    assert abs(np.corrcoef(table["macs_per_cycle"], table["bytes_per_cycle"])[0, 1]) < 0.4
    assert (program.params["macs_per_cycle"] == 100).all()  # the program's own record is left alone


def test_the_same_seed_gives_the_same_interval():
    program = toy_program(macs_per_cycle=(80.0, 120.0))
    assert intervals(fake_target.TARGET, program) == intervals(fake_target.TARGET, program)
    assert intervals(fake_target.TARGET, program, seed=1) != intervals(fake_target.TARGET, program, seed=2)


def test_constants_that_the_price_does_not_read_do_not_widen():
    program = toy_program(macs_per_cycle=(80.0, 120.0))
    assert intervals(fake_target.TARGET, replace(program, used_params=("clock_hz",)))["cycles"] == pytest.approx((CYCLES, CYCLES))


@pytest.mark.parametrize("on", ["wse2", "wse3"])
def test_a_wafer_s_interval_holds_its_point(on):
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    for mode in ("nameplate", "activity"):
        report = hwsim.simulate(graph, hwsim.load_chip(on), {"grid": (420, 420), "energy_mode": mode})
        assert set(report.interval) >= {"cycles", "latency_s", "energy_j", "power_w", "area_mm2", "tokens_per_s"}
        for metric, (low, high) in report.interval.items():
            assert low * (1 - 1e-9) <= report.metric(metric) <= high * (1 + 1e-9), metric
        low, high = report.interval["cycles"]
        assert 0.5 * report.cycles < low < high < 2 * report.cycles
        assert report.interval["tokens_per_s"] == pytest.approx((1 / report.interval["latency_s"][1], 1 / report.interval["latency_s"][0]))


def test_a_wafer_without_ranges_has_no_interval_to_speak_of():
    chip = hwsim.load_chip("wse2")
    fixed = replace(chip, params={n: p.with_value(p.value) for n, p in chip.params.items()})
    report = hwsim.simulate(single_op("matmul", m=64, k=64, n=64), fixed, {"grid": (16, 16)})
    for metric, (low, high) in report.interval.items():
        assert low == pytest.approx(high) == pytest.approx(report.metric(metric)), metric


def test_a_constant_set_by_the_user_has_no_range_any_more():
    target = load_target("wafer_mesh")
    graph = single_op("reduce", elements=8, dtype="fp32")
    mapping = target.options({"grid": (16, 1), "algorithm": "reduce_chain"})
    free = intervals(target, target.map(graph, hwsim.load_chip("wse2"), mapping))
    fixed = intervals(target, target.map(graph, hwsim.load_chip("wse2", clock_hz=1.1e9), mapping))
    assert free["latency_s"][1] > 1.1 * free["latency_s"][0]
    assert fixed["latency_s"][1] == pytest.approx(fixed["latency_s"][0])


def test_branched_programs_are_scheduled_for_every_sample():
    program = replace(toy_program(macs_per_cycle=(80.0, 120.0)), serial=False)
    low, high = intervals(fake_target.TARGET, program)["cycles"]
    assert low < CYCLES < high


def test_a_program_that_takes_no_time_has_no_power():
    report = hwsim.simulate(single_op("reduce", elements=4), hwsim.load_chip("wse2"), {"grid": (1, 1)})
    assert report.cycles == 0 and report.interval["latency_s"] == (0, 0) == report.interval["power_w"]
