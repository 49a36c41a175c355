"""Charge-domain macro of ladders: ladders against their solved networks, phases, energy by component, sets of weights, supply, graphs, refusals."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.crossbar.c2c.ladder import draw, output_resistance_ohm

TARGET = load_target("crossbar")
CHIP = hwsim.load_chip("wang")
COMPONENTS = ("adc", "dac", "array", "other")
CONVERSION_J = 800e-15 + 1e-18 * 4**8  # at 1 V


def mvm(mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    bits = {"input_bits": 8, "weight_bits": 8, "output_bits": 8}
    return dict(TARGET.primitives["array_mvm"](CHIP, {**bits, **arguments}, mapping or {}))


def joules(component: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> float:
    return mvm(mapping, component=component, **arguments)["energy_j"]


def run(mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return hwsim.simulate(single_op("matmul", **{"dtype": "int8", **bounds}), CHIP, mapping or {}, interval=False)


def network(bits: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Conductances of a ladder's nodes in units of 1 / 2R: a bit and two neighbours at 2 each, a termination of 1 at either end."""
    nodes = np.diag(np.full(bits, 1.0))
    nodes[0, 0] += 1.0
    nodes[-1, -1] += 1.0
    for i in range(bits - 1):
        nodes[i : i + 2, i : i + 2] += np.array([[2.0, -2.0], [-2.0, 2.0]])
    return nodes


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
@pytest.mark.parametrize("mean", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_draw_of_a_ladder_over_all_codes_of_the_solved_network(bits: int, mean: float) -> None:
    inverse = np.linalg.inv(network(bits))
    expected = 0.0
    for code in product((0.0, 1.0), repeat=bits):
        b = np.array(code)
        chance = math.prod(mean if x else 1.0 - mean for x in code)
        expected += chance * float(b @ (1.0 - inverse @ b))
    assert draw(bits, mean) == pytest.approx(expected, abs=1e-12)


def test_uniform_bytes_draw_the_published_number_of_units() -> None:
    assert draw(8, 0.5) == pytest.approx(1.67, abs=0.005)
    assert output_resistance_ohm(5e3) == pytest.approx(10e3 * np.linalg.inv(network(8))[7, 7])


def test_a_cycle_is_two_phases_of_the_slower_of_settling_and_conversion() -> None:
    bit_s = 0.604e-9 * 22 / 28 * (1.0 / 0.65**1.3) / (0.9 / 0.55**1.3)
    assert mvm()["latency_s"] == pytest.approx(2 * 9 * bit_s)
    assert TARGET.primitives["clock_period"](CHIP, {}, {})["latency_s"] == pytest.approx(9 * bit_s)
    assert mvm()["tops"] == pytest.approx(2 * 64 * 16 / mvm()["latency_s"] * 1e-12)


def test_a_resistive_ladder_settles_slowly() -> None:
    slow = [mvm({"ladder_resistance_ohm": r})["latency_s"] for r in (100e3, 200e3)]
    assert slow[1] == pytest.approx(2 * slow[0])
    assert slow[0] > mvm()["latency_s"]


def test_converters_of_the_columns() -> None:
    assert joules("adc") == pytest.approx(16 * CONVERSION_J)
    assert joules("adc", {"voltage_v": 0.8}) == pytest.approx(16 * CONVERSION_J * 0.64)
    assert joules("adc", average_input_value=0.1, average_weight_value=0.9) == pytest.approx(16 * CONVERSION_J)


def test_converters_of_the_rows_draw_static_current_for_a_whole_cycle() -> None:
    clocked = {"clock_hz": 200e6}
    watts = 64 * 0.5**2 / 10e3 * draw(8, 0.5)
    assert joules("dac", clocked) == pytest.approx(watts * 10e-9)
    assert joules("dac", {"clock_hz": 100e6}) == pytest.approx(watts * 20e-9)
    assert joules("dac", average_input_value=0.0) == 0.0
    assert joules("dac", clocked, input_bits=4) == pytest.approx(64 * 0.25 / 10e3 * draw(4, 0.5) * 10e-9)


def test_ladders_of_the_cells() -> None:
    """Twice the unit capacitor, twice the charge; the wires and leakage stay."""
    here, double = (joules("array", {"unit_capacitor_f": c, "capacitor_f_per_mm2": c * 1e9}) for c in (2e-15, 4e-15))
    assert double - here == pytest.approx(1024 * draw(8, 0.5) * 2e-15 * 0.5 * 0.5**2, rel=1e-6)


def test_sets_of_weights() -> None:
    """Every further set is one more vector; those that change sets pay for lines, switches, and bits that rise."""
    one, two, eight = mvm(weight_sets=1), mvm(weight_sets=2), mvm(weight_sets=8)
    assert one == mvm()
    assert eight["latency_s"] == pytest.approx(8 * one["latency_s"])
    assert eight["tops"] == pytest.approx(one["tops"])
    assert eight["energy_j"] == pytest.approx(4 * two["energy_j"])
    assert two["energy_j"] > 2 * one["energy_j"]
    assert joules("adc", weight_sets=8) == pytest.approx(8 * joules("adc"))
    still = joules("array", weight_sets=2, average_weight_value=1.0, average_input_value=0.0) - 2 * joules("array", average_input_value=0.0)
    assert 0 < still < joules("array", weight_sets=2, average_input_value=0.0) - 2 * joules("array", average_input_value=0.0)


@pytest.mark.parametrize("volts", [0.7, 1.0, 1.1])
def test_components_add_up_to_the_macro(volts: float) -> None:
    at = {"voltage_v": volts}
    assert sum(joules(c, at) for c in COMPONENTS) == pytest.approx(mvm(at)["energy_j"])
    area = TARGET.primitives["component"]
    whole = area(CHIP, {"component": "macro"}, {})["area_mm2"]
    assert sum(area(CHIP, {"component": c}, {})["area_mm2"] for c in COMPONENTS) == pytest.approx(whole)
    assert mvm(at)["tops_per_mm2"] == pytest.approx(mvm(at)["tops"] / whole)


@given(low=st.floats(0.7, 1.1), high=st.floats(0.7, 1.1))
def test_a_higher_supply_is_faster_and_less_efficient(low: float, high: float) -> None:
    low, high = sorted((low, high))
    slow, fast = mvm({"voltage_v": low}), mvm({"voltage_v": high})
    assert fast["tops"] >= slow["tops"] * (1 - 1e-12)
    assert fast["tops_per_w"] <= slow["tops_per_w"] * (1 + 1e-12)


@given(mean=st.floats(0, 0.5), more=st.floats(0, 0.5))
def test_larger_inputs_charge_more(mean: float, more: float) -> None:
    assert joules("array", average_input_value=mean + more) >= joules("array", average_input_value=mean) * (1 - 1e-12)


def test_a_product_in_parts_runs_through_the_sets() -> None:
    """128 x 40 weights lie in 2 x 3 sets of one macro: six cycles of two clocks for each vector."""
    report = run(m=5, k=128, n=40)
    assert report.cycles == 5 * 6 * 2
    assert report.breakdown()["energy_j"]["adc_energy"] == pytest.approx(5 * 2 * 40 * CONVERSION_J)
    assert run({"arrays": 6}, m=5, k=128, n=40).cycles == 5 * 2
    assert run({"arrays": 6}, m=5, k=128, n=40).breakdown()["energy_j"]["array_energy"] < report.breakdown()["energy_j"]["array_energy"]


def test_pruned_weights_charge_fewer_capacitors() -> None:
    pruned = run(m=1, k=64, n=16, weight_density=0.5).breakdown()["energy_j"]["array_energy"]
    assert pruned == pytest.approx(joules("array", average_weight_value=0.25) - mvm()["latency_s"] * leakage_w())
    assert pruned < run(m=1, k=64, n=16).breakdown()["energy_j"]["array_energy"]


def leakage_w() -> float:
    """Of the cells: what the array costs more in a clock of half the frequency, over the time that it takes more."""
    slow, fast = ({"clock_hz": hertz} for hertz in (1e8, 2e8))
    return (joules("array", slow) - joules("array", fast)) / (mvm(slow)["latency_s"] - mvm(fast)["latency_s"])


def test_refusals() -> None:
    with pytest.raises(Infeasible, match="needs 9 arrays, has 8"):
        run(m=1, k=64, n=144)
    with pytest.raises(UnsupportedOp, match="have 8"):
        run(m=1, k=8, n=8, weight_dtype="int16")
    with pytest.raises(InvalidTrace, match=r"in 1\.\.8"):
        mvm(weight_sets=9)
    with pytest.raises(InvalidTrace, match="have 8 bits"):
        mvm(input_bits=9)
    with pytest.raises(InvalidTrace, match="average_output_value"):
        mvm(average_output_value=3)
    with pytest.raises(InvalidMapping, match=r"0\.7\.\.1\.1"):
        mvm({"voltage_v": 0.6})
    with pytest.raises(UnsupportedOp, match="adc_conversion"):
        TARGET.primitives["adc_conversion"](CHIP, {"adc": "sar", "bits": 8}, {})
