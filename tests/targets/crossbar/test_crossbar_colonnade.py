"""Bit-serial digital array: weights of a row, clocks, critical path, energy by component, graphs, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.crossbar.bitserial.array import weights_per_row

TARGET = load_target("crossbar")
CHIP = hwsim.load_chip("colonnade")
SCALE, VOLTS = 65 / 28, CHIP.number("voltage_v")
GATE_S, GATE_F = 47.8e-12 * SCALE, 0.7e-15 * SCALE
SUM, FIRST, CARRY = 4.8, 4.4, 2.0
COMPONENTS = ("bit_cells", "adders", "registers", "drivers", "control_register", "decoder")
FIXED = {"clock_hz": 100e6}


def mvm(inputs: int = 1, weights: int = 1, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    bits = {"input_bits": inputs, "weight_bits": weights, "output_bits": 16}
    return dict(TARGET.primitives["array_mvm"](CHIP, {**bits, **arguments}, mapping or {}))


def joules(component: str, inputs: int = 1, weights: int = 1, mapping: dict[str, Any] | None = None, **arguments: Any) -> float:
    return mvm(inputs, weights, mapping or FIXED, component=component, **arguments)["energy_j"]


def run(mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return hwsim.simulate(single_op("matmul", **{"dtype": "int8", **bounds}), CHIP, mapping or {}, interval=False)


WEIGHTS = {1: 16, 2: 14, 3: 12, 4: 11, 5: 10, 7: 9, 8: 8, 9: 8, 11: 7, 14: 6, 15: 5, 16: 5}


@pytest.mark.parametrize(("bits", "weights"), WEIGHTS.items())
def test_weights_of_a_row(bits: int, weights: int) -> None:
    """floor(128 / (w + 7)): the sum of 128 rows grows by seven bits."""
    assert weights_per_row(bits, 128, 128) == weights
    assert mvm(1, bits)["tops"] * mvm(1, bits)["latency_s"] * 1e12 == pytest.approx(2 * 128 * weights)


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
@pytest.mark.parametrize("registers", [1, 4, 16])
def test_clocks_of_a_vector(bits: int, registers: int) -> None:
    """One clock per input bit in a pipeline; every group's clock and one more when it is emptied."""
    fast = {**FIXED, "registers_per_column": registers, "bit_pipelined": True}
    assert mvm(bits, 8, fast)["latency_s"] == pytest.approx(bits * 10e-9)
    assert mvm(bits, 8, {**fast, "bit_pipelined": False})["latency_s"] == pytest.approx((registers + 1) * bits * 10e-9)


@pytest.mark.parametrize(("bits", "registers"), [(1, 16), (8, 16), (16, 16), (8, 1), (8, 4)])
def test_critical_path(bits: int, registers: int) -> None:
    """Carries over w + 7 columns, sums over the rows of a group, and two adders for the register."""
    path = GATE_S * (FIRST + (bits + 7 - 1) * CARRY + (128 / registers + 2) * SUM)
    assert mvm(1, bits, {"registers_per_column": registers})["latency_s"] == pytest.approx(path)


def test_best_number_of_registers_without_a_pipeline_lies_inside() -> None:
    """Few registers make long paths, many make many clocks."""
    tops = {k: mvm(8, 8, {"registers_per_column": k, "bit_pipelined": False})["tops"] for k in (1, 2, 4, 8, 16)}
    assert max(tops, key=lambda k: tops[k]) == 4


def test_energy_by_component_against_hand_counts() -> None:
    square = VOLTS**2
    adder, xor, register = GATE_F * 6, GATE_F * 1.5, GATE_F * 3
    assert joules("adders", 4, 8, FIXED, input_toggle_rate=0.4) - leak("adder") * 40e-9 == pytest.approx(4 * 128 * 8 * 15 * adder * square * 0.4)
    assert joules("bit_cells", 4, 8) - leak("cell") * 40e-9 == pytest.approx(4 * 128 * 8 * 8 * 0.5 * xor * square * 0.5)
    assert joules("registers", 4, 8) - leak("register") * 40e-9 == pytest.approx(4 * 128 * 16 * register * square)
    assert joules("control_register") - leak("control") * 10e-9 == pytest.approx(128 * 4 * register * square)
    assert joules("decoder") == pytest.approx(leak("decoder") * 10e-9)


def leak(name: str) -> float:
    """Watts: a gate's current for every gate's worth of area."""
    component = {"adder": "adders", "cell": "bit_cells", "register": "registers", "control": "control_register"}.get(name, name)
    area = TARGET.primitives["component"](CHIP, {"component": component}, {})["area_mm2"]
    return area / (0.614e-6 * SCALE) * 5e-9 * VOLTS


def test_row_drivers_reach_all_columns_whatever_weights_are_stored() -> None:
    """So their energy per product steps up where a row holds one weight less."""
    assert joules("drivers", 1, 8) == pytest.approx(joules("drivers", 1, 1))
    per_mac = [mvm(1, w, FIXED, component="drivers")["energy_per_mac_j"] for w in (8, 9, 10)]
    assert per_mac[0] == pytest.approx(per_mac[1])
    assert per_mac[2] / per_mac[1] == pytest.approx(8 / 7)


@pytest.mark.parametrize("bits", [1, 4, 16])
def test_components_and_leakage_add_up_to_the_macro(bits: int) -> None:
    whole = mvm(bits, bits, FIXED)["energy_j"]
    assert sum(joules(c, bits, bits) for c in COMPONENTS) == pytest.approx(whole)
    assert joules("dynamic", bits, bits) + joules("leakage", bits, bits) == pytest.approx(whole)
    assert joules("array", bits, bits) == pytest.approx(sum(joules(c, bits, bits) for c in ("bit_cells", "adders", "registers")))
    area = TARGET.primitives["component"]
    areas = [area(CHIP, {"component": c}, {})["area_mm2"] for c in COMPONENTS]
    assert sum(areas) == pytest.approx(area(CHIP, {"component": "macro"}, {})["area_mm2"])


def test_leakage_lasts_as_long_as_the_clock() -> None:
    assert joules("leakage", mapping={"clock_hz": 50e6}) == pytest.approx(2 * joules("leakage"))
    assert joules("dynamic", mapping={"clock_hz": 50e6}) == pytest.approx(joules("dynamic"))


def test_mean_of_the_inputs_sets_how_often_they_change() -> None:
    assert mvm(8, 8, average_input_value=0.5) == mvm(8, 8, input_toggle_rate=0.5)
    assert mvm(8, 8, average_input_value=0.9)["energy_j"] == pytest.approx(mvm(8, 8, input_toggle_rate=0.18)["energy_j"])
    assert mvm(8, 8, average_weight_value=0.1) == mvm(8, 8)


@given(inputs=st.integers(1, 15), weights=st.integers(1, 15), volts=st.floats(0.5, 1.2))
def test_wider_operands_never_cost_less(inputs: int, weights: int, volts: float) -> None:
    at = {"voltage_v": volts}
    base, deeper, wider = mvm(inputs, weights, at), mvm(inputs + 1, weights, at), mvm(inputs, weights + 1, at)
    assert deeper["energy_per_mac_j"] > base["energy_per_mac_j"]
    assert deeper["latency_s"] > base["latency_s"]
    assert wider["energy_per_mac_j"] > base["energy_per_mac_j"]
    assert wider["tops"] < base["tops"]


@given(low=st.floats(0.5, 1.2), high=st.floats(0.5, 1.2))
def test_supply(low: float, high: float) -> None:
    low, high = sorted((low, high))
    slow, fast = mvm(8, 8, {"voltage_v": low}), mvm(8, 8, {"voltage_v": high})
    assert fast["latency_s"] <= slow["latency_s"] * (1 + 1e-12)
    ratio = joules("dynamic", mapping={**FIXED, "voltage_v": high}) / joules("dynamic", mapping={**FIXED, "voltage_v": low})
    assert ratio == pytest.approx((high / low) ** 2)


def test_a_product_on_the_array() -> None:
    """Vectors follow each other bit by bit, and the pipeline of sixteen groups is emptied once."""
    report = run(m=5, k=128, n=8)
    assert report.cycles == 5 * 8 + 16
    assert run({"bit_pipelined": False}, m=5, k=128, n=8).cycles == 5 * 8 * 17
    dynamic = mvm(8, 8, component="dynamic")["energy_j"]
    assert sum(v for n, v in report.breakdown()["energy_j"].items() if n.endswith("_energy")) == pytest.approx(5 * dynamic)


def test_the_clock_is_set_for_the_widest_weights_of_the_graph() -> None:
    assert run(m=1, k=128, n=8).cost.program.clock_hz == pytest.approx(8 / mvm(8, 8)["latency_s"])
    assert run(m=1, k=128, n=8, weight_dtype="int4").cost.program.clock_hz == pytest.approx(8 / mvm(8, 4)["latency_s"])


def test_a_clock_beyond_the_critical_path_is_warned_of() -> None:
    assert not run({"clock_hz": 1e8}, m=1, k=128, n=8).cost.program.warnings
    (warning,) = run({"clock_hz": 1e8}, m=1, k=128, n=5, weight_dtype="int16").cost.program.warnings
    assert "beyond the critical path, 93.48 MHz" in warning


def test_more_arrays_hold_more_and_work_side_by_side() -> None:
    with pytest.raises(Infeasible, match="needs 6 arrays"):
        run(m=3, k=300, n=16)
    assert run({"arrays": 6}, m=3, k=300, n=16).cycles == run(m=3, k=128, n=8).cycles
    assert run({"arrays": 6}, m=3, k=300, n=16).area_mm2 == pytest.approx(6 * run(m=3, k=128, n=8).area_mm2)
    assert mvm(8, 8, {"arrays": 3}, cores=3)["tops"] == pytest.approx(3 * mvm(8, 8)["tops"])


def test_refusals() -> None:
    with pytest.raises(InvalidTrace, match="no wider weights"):
        mvm(8, 17)
    with pytest.raises(InvalidTrace, match="weight_sparsity"):
        mvm(weight_sparsity=0.5)
    with pytest.raises(Infeasible, match="cores"):
        mvm(cores=2)
    with pytest.raises(InvalidMapping, match="at most 16"):
        mvm(mapping={"registers_per_column": 17})
    with pytest.raises(InvalidMapping, match=r"0\.5\.\.1\.2"):
        mvm(mapping={"voltage_v": 1.3})
    with pytest.raises(UnsupportedOp, match="at most 16"):
        run(m=1, k=8, n=2, weight_dtype="int32")


@pytest.mark.parametrize(
    ("values", "said"),
    [({"cell_columns": 16.0}, "do not fit cell_columns"), ({"driver_fanout": 1.0}, "exceed 1"), ({"cell_rows": 8.0}, "exceeds cell_rows")],
)
def test_contradictions_in_a_chip(values: dict[str, float], said: str) -> None:
    with pytest.raises(InvalidChip, match=said):
        TARGET.check(CHIP.replace(**values))
