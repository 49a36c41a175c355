"""NeuroSim's chip as a whole: components add up, trends of its levers, refusals, primitives."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim import api
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import Graph, single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target

CHIP = "neurosim-rram-22nm"


@cache
def vgg8() -> Graph:
    return hwsim.load_graph("vgg8_cifar10", batch=1, dtype="int8")


def run(graph: Graph | None = None, chip: str = CHIP, **mapping: Any) -> Report:
    return hwsim.simulate(graph or vgg8(), hwsim.load_chip(chip), mapping, interval=False)


def small(**bounds: Any) -> Graph:
    return single_op("matmul", **{"m": 4, "k": 300, "n": 70, "dtype": "int8", **bounds})


def joules(report: Report, component: str, layer: int | None = None) -> float:
    return report.part("energy_j", component=component, layer=layer)


@pytest.mark.parametrize("chip", ["neurosim-rram-22nm", "neurosim-rram-65nm", "neurosim-rram-14nm"])
@pytest.mark.parametrize("factors", [0.0, 1.0])
def test_components_add_up(chip: str, factors: float) -> None:
    report = run(chip=chip, post_layout_factors=factors)
    dynamic = sum(joules(report, n) for n in ("adc", "accumulation", "other"))
    assert joules(report, "dynamic") == pytest.approx(dynamic)
    shown = dynamic + joules(report, "leakage")
    assert report.energy_j == pytest.approx(shown * (1.22 if factors else 1.0))
    area = sum(report.part("area_mm2", component=n) for n in ("array", "adc", "accumulation", "interconnect", "other"))
    assert report.area_mm2 == pytest.approx(area)
    latency = sum(report.part("latency_s", component=n) for n in ("adc", "accumulation", "other"))
    assert report.latency_s == pytest.approx(latency)
    layers = sum(joules(report, "dynamic", layer) for layer in range(1, 9))
    assert joules(report, "dynamic") == pytest.approx(layers)


def test_efficiency_counts_padded_operations_and_the_margin() -> None:
    report = run()
    shown = joules(report, "dynamic") + joules(report, "leakage")
    assert report.metric("tops_per_w") == pytest.approx(1.2318e9 / (1.22 * shown) / 1e12, rel=1e-3)
    assert report.part("power_w", component="leakage") == pytest.approx(joules(report, "leakage") / report.latency_s)


def test_array_current_is_charged_once() -> None:
    """The column's current is in the converter's fit; nothing else depends on the conductance, but for word lines."""
    low, high = run(), run(access_share=0.5)
    assert joules(high, "adc_energy") == pytest.approx(joules(low, "adc_energy"))
    assert joules(high, "array_energy") < joules(low, "array_energy")
    assert joules(high, "other") == pytest.approx(joules(low, "other"))


def test_factors_touch_what_they_name() -> None:
    with_them, without = run(), run(post_layout_factors=0.0)
    assert joules(with_them, "accumulation") < joules(without, "accumulation") < 4 * joules(with_them, "accumulation")
    assert joules(with_them, "driver_energy") == pytest.approx(joules(without, "driver_energy"))
    assert with_them.part("area_mm2", component="adc") == without.part("area_mm2", component="adc")
    assert with_them.part("area_mm2", component="other") > 2 * without.part("area_mm2", component="other")


def test_a_slow_converter_slows_the_whole_chip() -> None:
    bank, sar = run(), run(adc="sar")
    assert sar.part("latency_s", component="buffer") / bank.part("latency_s", component="buffer") == pytest.approx(4.34, rel=0.01)
    assert sar.area_mm2 < bank.area_mm2 and joules(sar, "adc") > 3 * joules(bank, "adc")


@settings(deadline=None, max_examples=20)
@given(bits=st.integers(2, 8), adc=st.sampled_from(["mlsa", "sar"]))
def test_more_bits_never_cost_less(bits: int, adc: str) -> None:
    few, more = (run(small(), adc=adc, adc_bits=b) for b in (bits, bits + 1))
    assert more.latency_s > few.latency_s and more.energy_j > few.energy_j and more.area_mm2 > few.area_mm2


@settings(deadline=None, max_examples=20)
@given(columns=st.sampled_from([1, 2, 4, 8, 16, 32, 64]))
def test_sharing_converters_trades_time_for_area(columns: int) -> None:
    few, many = (run(small(), columns_per_adc=c) for c in (columns, 2 * columns))
    assert many.latency_s > few.latency_s
    assert many.area_mm2 < few.area_mm2
    assert joules(many, "adc") > joules(few, "adc")  # word lines are charged once for each group of columns


@settings(deadline=None, max_examples=20)
@given(r_on=st.floats(1e3, 1e6), ratio=st.floats(2, 200), factor=st.floats(1.1, 10))
def test_higher_resistance_never_takes_more_energy(r_on: float, ratio: float, factor: float) -> None:
    low, high = (run(small(), r_on_ohm=r, r_off_ohm=r * ratio) for r in (r_on, r_on * factor))
    assert joules(high, "dynamic") <= joules(low, "dynamic")


@settings(deadline=None, max_examples=20)
@given(m=st.integers(1, 200), k=st.integers(1, 3000), n=st.integers(1, 2000))
def test_more_vectors_never_take_less(m: int, k: int, n: int) -> None:
    one, more = run(small(m=m, k=k, n=n)), run(small(m=m + 1, k=k, n=n))
    assert more.latency_s > one.latency_s and more.energy_j > one.energy_j and more.area_mm2 == one.area_mm2


def test_spikes_are_inputs_of_one_bit_of_their_rate() -> None:
    rare, often = (run(small(attrs={"timesteps": 8, "input_kind": "spike", "spike_rate": r})) for r in (0.1, 0.3))
    assert joules(often, "array_energy") == pytest.approx(3 * joules(rare, "array_energy"))
    assert often.latency_s == rare.latency_s
    assert rare.part("cycles", component="adc") == run(small()).part("cycles", component="adc")


def test_a_stated_clock_replaces_the_critical_path() -> None:
    slow = run(small(), clock_hz=1e8)
    assert slow.cost.program.clock_hz == 1e8 and slow.cycles == run(small()).cycles


def test_inputs_of_other_widths_take_their_bits() -> None:
    four, eight = run(small(dtype="int4", weight_dtype="int8")), run(small())
    assert four.part("cycles", component="adc") == eight.part("cycles", component="adc") / 2


def test_recurrence_runs_and_attention_is_refused() -> None:
    graph = single_op("lstm", input_size=16, hidden_size=8, dtype="int8")
    assert run(graph).latency_s > 0
    with pytest.raises(UnsupportedOp, match="written into cells"):
        run(single_op("attention", heads=2, q=4, kv=4, head_dim=16, dtype="int8"))


def test_refusals() -> None:
    with pytest.raises(UnsupportedOp, match="weights of 16 bits"):
        run(small(dtype="int16"))
    with pytest.raises(UnsupportedOp, match="no unit"):
        run(single_op("softmax", rows=4, cols=4, dtype="int8"))
    with pytest.raises(InvalidMapping, match="adc is one of mlsa, sar"):
        run(adc="nl_ramp")
    with pytest.raises(InvalidMapping, match="no mapping option duplication"):
        run(duplication=2)
    with pytest.raises(InvalidMapping, match="r_on_ohm reaches r_off_ohm"):
        run(r_on_ohm=1e6)
    with pytest.raises(InvalidMapping, match="columns_per_adc exceeds"):
        run(columns_per_adc=256)
    with pytest.raises(InvalidMapping, match="known at 65 nm only"):
        run(mlsa_fixed_s=0.0)
    with pytest.raises(InvalidMapping, match="cell_bits must be 2"):
        run(cell_bits=1)


def test_a_chip_whose_levels_do_not_add_up_is_refused() -> None:
    with pytest.raises(InvalidChip, match="does not add up"):
        load_target("crossbar").check(hwsim.load_chip(CHIP).replace(cell_level_share=(0.5, 0.5, 0.5, 0.5)))


def test_primitives() -> None:
    chip = hwsim.load_chip(CHIP)
    period = api.primitive("clock_period", chip, {"network": "vgg8_cifar10"}, {})
    assert period["latency_s"] == pytest.approx(1 / run().cost.program.clock_hz)
    with pytest.raises(InvalidTrace, match="no network"):
        api.primitive("clock_period", chip, {"network": "vgg0"}, {})
    bank, sar = (api.primitive("adc_conversion", chip, {"adc": kind, "bits": 5}, {}) for kind in ("mlsa", "sar"))
    assert bank["area_mm2"] == pytest.approx(31 * 12.22e-6, rel=1e-3) and sar["area_mm2"] == pytest.approx(124.2e-6, rel=1e-3)
    assert sar["latency_s"] == pytest.approx(6e-9) and sar["energy_j"] > bank["energy_j"]
    with pytest.raises(InvalidTrace, match="changes nothing"):
        api.primitive("adc_conversion", chip, {"adc": "sar", "bits": 5, "rate_hz": 1e9}, {})


def test_one_vector_through_one_array() -> None:
    chip = hwsim.load_chip(CHIP)
    full = {"input_bits": 8, "weight_bits": 8, "output_bits": 8}
    found = api.primitive("array_mvm", chip, full, {})
    assert found["latency_s"] * run().cost.program.clock_hz == pytest.approx(8 * 8 + 8 * 8 + 16)  # conversions, their shifts, slices
    assert found["tops"] == pytest.approx(2 * 128 * 32 / found["latency_s"] / 1e12)
    half, bright = (api.primitive("array_mvm", chip, {**full, "component": "adc", "average_input_value": a}, {})["energy_j"] for a in (0.25, 0.5))
    dark = api.primitive("array_mvm", chip, {**full, "component": "adc", "average_input_value": 0.0}, {})["energy_j"]
    assert bright - dark == pytest.approx(2 * (half - dark))
    assert api.primitive("array_mvm", chip, {**full, "cores": 3}, {})["tops"] == pytest.approx(3 * found["tops"])
    assert api.primitive("component", chip, {"component": "array"}, {})["area_mm2"] == pytest.approx(16384 * 48 * 22**2 * 1e-12)
    areas = sum(api.primitive("component", chip, {"component": n}, {})["area_mm2"] for n in ("array", "adc", "accumulation", "other"))
    assert found["area_mm2"] == pytest.approx(areas)
    with pytest.raises(InvalidTrace, match="no wider"):
        api.primitive("array_mvm", chip, {**full, "input_bits": 9}, {})
    with pytest.raises(UnsupportedOp, match="chip_peak"):
        api.primitive("chip_peak", chip, {"input_bits": 8, "weight_bits": 8}, {})
