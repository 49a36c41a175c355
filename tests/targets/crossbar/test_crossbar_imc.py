"""SRAM macros by their gates: critical paths, energies and areas against hand counts, limits, graphs, and what they refuse."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.crossbar.gates import tree_adders

TARGET = load_target("crossbar")
CHIPS = ("aimc1", "aimc2", "aimc3", "dimc1", "dimc2", "dimc3", "dimc4")
CHIP = {name: hwsim.load_chip(name) for name in CHIPS}
GATE_S, GATE_F, GATE_MM2 = 47.8e-12, 0.7e-15, 0.614e-6
SUM, FIRST, CARRY = 2 * 2.4, 2.4 + 2, 2  # delays of a full adder, in gates
ADDER_F, ADDER_MM2 = GATE_F * (3 + 2 * 1.5), GATE_MM2 * (3 + 2 * 2.4)
BITS = {"input_bits": 8, "weight_bits": 8, "output_bits": 8}


def mvm(name: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    narrow = {"input_bits": 7, "weight_bits": 2} if name == "aimc1" else {}
    return dict(TARGET.primitives["array_mvm"](CHIP[name], {**BITS, **narrow, **arguments}, mapping or {}))


def clock_s(name: str, mapping: dict[str, Any] | None = None) -> float:
    return TARGET.primitives["clock_period"](CHIP[name], {}, mapping or {})["latency_s"]


def area(name: str, component: str, mapping: dict[str, Any] | None = None) -> float:
    return TARGET.primitives["component"](CHIP[name], {"component": component}, mapping or {})["area_mm2"]


def run(name: str, mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return hwsim.simulate(single_op("matmul", **{"dtype": "int8", **bounds}), CHIP[name], mapping or {}, interval=False)


@pytest.mark.parametrize(("inputs", "bits"), [(2, 1), (2, 8), (4, 1), (8, 16), (32, 9), (128, 4)])
def test_full_adders_of_a_tree_by_level(inputs: int, bits: int) -> None:
    """A tree adds pairs: inputs/2 adders of b bits, then inputs/4 of b + 1 ... and one more bit for the last sum."""
    by_level = sum(inputs / 2 ** (level + 1) * (bits + level) for level in range(int(math.log2(inputs))))
    assert tree_adders(inputs, bits) == pytest.approx(by_level, abs=1e-9)


def test_clock_of_an_analog_macro_is_a_gate_and_the_conversion() -> None:
    assert clock_s("aimc1") == pytest.approx(GATE_S * 22 / 28 + 6 * (0.604e-9 + 6.64e-12 * 1024))
    assert clock_s("aimc2") == pytest.approx(2 * (GATE_S + 5 * (0.604e-9 + 6.64e-12 * 16)))
    assert clock_s("aimc3") == pytest.approx((GATE_S + GATE_S * (FIRST + 5 * CARRY)) * 22 / 28 + 3 * (0.604e-9 + 6.64e-12 * 64))


def test_clock_of_a_digital_macro_is_its_cascade_of_ripple_adders() -> None:
    registered = 4 + 1
    assert clock_s("dimc2") == pytest.approx(GATE_S * (registered + 4 * SUM + FIRST + 19 * CARRY))  # the tree alone: accumulators are a stage
    assert clock_s("dimc4") == pytest.approx(GATE_S * (registered + 6 * SUM + FIRST + 9 * CARRY))
    assert clock_s("dimc3") == pytest.approx(GATE_S * (registered + 10 * SUM + FIRST + 22 * CARRY))  # 7 + 3 levels and the accumulator's 23 bits
    assert clock_s("dimc1") == pytest.approx(GATE_S * (4 + 4.4 + 5 * SUM + FIRST + 31 * CARRY))


def test_an_accumulator_wider_than_the_tree_bounds_a_pipelined_macro() -> None:
    assert clock_s("dimc4", {"macro_accumulator_bits": 64}) == pytest.approx(GATE_S * (5 + FIRST + 63 * CARRY))


def test_conversions_of_an_analog_macro() -> None:
    joules = (100e-15 * 6 + 1e-18 * 4**6) * 0.8**2
    assert mvm("aimc1", component="adc")["energy_j"] == pytest.approx(512 * joules)
    assert mvm("aimc1", component="dac")["energy_j"] == pytest.approx(1024 * 50e-15 * 7 * 0.8**2)
    # two transfers of 16 converters for each of 48 outputs
    assert mvm("aimc2", component="adc")["energy_j"] == pytest.approx(2 * 16 * 48 * (500e-15 + 1e-18 * 4**5) * 0.81)


def test_energy_of_digital_trees_follows_toggling_inputs_and_set_weights() -> None:
    toggle, sparsity = 0.3, 0.2
    tree = 64 * 4 * tree_adders(128, 2) * ADDER_F
    cross = 8 * 4 * tree_adders(8, 16) * ADDER_F
    accumulators = 8 * 4 * 23 * (ADDER_F + 3 * GATE_F)
    found = mvm("dimc3", component="accumulation", input_toggle_rate=toggle, weight_sparsity=sparsity)["energy_j"]
    assert found == pytest.approx(0.81 * ((tree + cross) * toggle * (1 - sparsity) + accumulators))
    assert mvm("dimc3", component="accumulation", weight_sparsity=1.0)["energy_j"] == pytest.approx(0.81 * accumulators)
    assert mvm("dimc3", component="array", input_toggle_rate=0.0)["energy_j"] == 0.0


def test_accumulators_before_the_tree_let_it_run_once() -> None:
    tree = 2 * tree_adders(32, 16) * ADDER_F * 0.5 * (1 - 0.9)
    accumulators = 2 * 32 * 8 * 16 * (ADDER_F + 3 * GATE_F)
    assert mvm("dimc2", component="accumulation")["energy_j"] == pytest.approx(0.81 * (tree + accumulators))


def test_areas_against_hand_counts() -> None:
    assert area("aimc1", "adc") == pytest.approx(512 * 11e-6 * 64 * 22 / 28)
    assert area("aimc3", "adc") == pytest.approx(2048 * 11e-6 * 2**7 * 22 / 28)  # laid out for 7 bits, though 3 are resolved on average
    assert area("aimc1", "array") == pytest.approx(2 * 0.24497 + 1024 * 512 * 2 * GATE_MM2 * 22 / 28)
    trees = 32 * 2 * tree_adders(128, 4) * ADDER_MM2
    assert area("dimc4", "accumulation") == pytest.approx(trees + 32 * 17 * (ADDER_MM2 + 6 * GATE_MM2))


@pytest.mark.parametrize("name", CHIPS)
def test_components_add_up_to_the_macro(name: str) -> None:
    parts = ("array", "adc", "dac", "accumulation")
    assert sum(mvm(name, component=p)["energy_j"] for p in parts) == pytest.approx(mvm(name)["energy_j"])
    assert sum(area(name, p) for p in parts) == pytest.approx(area(name, "macro"))
    assert mvm(name, component="macro") == mvm(name)


@pytest.mark.parametrize(("name", "macs"), [("aimc1", 1024 * 512), ("aimc2", 768), ("aimc3", 8 * 256 * 8), ("dimc1", 64 * 6 * 32), ("dimc3", 1024)])
def test_operations_of_one_vector(name: str, macs: int) -> None:
    found = mvm(name)
    assert found["tops"] * found["latency_s"] * 1e12 == pytest.approx(2 * macs)
    assert found["energy_per_mac_j"] * macs == pytest.approx(found["energy_j"])


@pytest.mark.parametrize(("name", "bits", "clocks"), [("aimc2", 8, 1), ("dimc1", 8, 4), ("dimc1", 5, 3), ("dimc4", 8, 8), ("dimc4", 1, 1)])
def test_clocks_of_an_input(name: str, bits: int, clocks: int) -> None:
    assert mvm(name, input_bits=bits)["latency_s"] == pytest.approx(clocks * clock_s(name))


@given(name=st.sampled_from(CHIPS), toggle=st.floats(0, 1), sparsity=st.floats(0, 1), more=st.floats(0, 1))
def test_busier_data_never_cost_less(name: str, toggle: float, sparsity: float, more: float) -> None:
    base = mvm(name, input_toggle_rate=toggle, weight_sparsity=sparsity)
    busier = mvm(name, input_toggle_rate=toggle + more * (1 - toggle), weight_sparsity=sparsity * (1 - more))
    assert busier["energy_j"] >= base["energy_j"] * (1 - 1e-12)
    assert busier["latency_s"] == base["latency_s"]


@given(name=st.sampled_from(CHIPS), low=st.floats(0.6, 1.1), high=st.floats(0.6, 1.1))
def test_a_higher_supply_costs_its_square_and_never_time(name: str, low: float, high: float) -> None:
    low, high = sorted((low, high))
    slow, fast = mvm(name, {"voltage_v": low}), mvm(name, {"voltage_v": high})
    assert fast["latency_s"] <= slow["latency_s"] * (1 + 1e-12)
    assert fast["energy_j"] / slow["energy_j"] == pytest.approx((high / low) ** 2)


def test_a_stated_clock_replaces_the_critical_path() -> None:
    assert clock_s("dimc4", {"clock_hz": 1e8}) == pytest.approx(1e-8)
    assert mvm("dimc4", {"clock_hz": 1e8})["energy_j"] == pytest.approx(mvm("dimc4")["energy_j"])


def test_a_full_matrix_takes_all_banks_at_once() -> None:
    """256 x 32 weights are two groups of words of all four banks: two passes of eight clocks for each of five vectors."""
    report = run("dimc4", m=5, k=256, n=32)
    assert report.cycles == 5 * 2 * 8
    one = mvm("dimc4")["energy_j"]
    partial = 5 * 32 * (8 + 1) * ADDER_F * 0.81  # sums of the two row parts
    assert report.energy_j == pytest.approx(5 * 2 * one + partial)
    assert report.area_mm2 == pytest.approx(area("dimc4", "macro"))


def test_pruned_weights_switch_no_adders() -> None:
    """Half of the weights zero is half of the set bits."""
    pruned = run("dimc4", m=5, k=128, n=32, weight_density=0.5)
    assert pruned.energy_j == pytest.approx(5 * mvm("dimc4", weight_sparsity=0.75)["energy_j"])
    assert pruned.cycles == run("dimc4", m=5, k=128, n=32).cycles


def test_copies_on_idle_banks_halve_the_time_and_cost_no_energy() -> None:
    once, twice = run("dimc4", m=6, k=128, n=8), run("dimc4", {"duplication": 2}, m=6, k=128, n=8)
    assert once.cycles == 2 * twice.cycles == 48
    assert twice.energy_j == pytest.approx(once.energy_j)


@given(m=st.integers(1, 9), k=st.integers(1, 300), n=st.integers(1, 60))
def test_more_vectors_never_cost_less(m: int, k: int, n: int) -> None:
    less, more = run("aimc3", m=m, k=k, n=n), run("aimc3", m=m + 1, k=k, n=n)
    assert more.cycles > less.cycles
    assert more.energy_j > less.energy_j


def test_weights_beyond_the_cells_are_refused() -> None:
    with pytest.raises(Infeasible, match="arrays"):
        run("dimc4", m=1, k=512, n=64)


def test_a_product_of_activations_is_written_at_each_use() -> None:
    report = run("dimc1", m=1, k=64, n=20, operand_role="activation")
    assert report.breakdown()["energy_j"]["write_energy"] == pytest.approx(64 * 20 * CHIP["dimc1"].number("write_cell_j"))
    assert report.cycles > run("dimc1", m=1, k=64, n=20).cycles


def test_refusals() -> None:
    with pytest.raises(InvalidTrace, match="no wider inputs"):
        mvm("aimc1", input_bits=8)
    with pytest.raises(InvalidTrace, match="no wider weights"):
        mvm("aimc1", weight_bits=3)
    with pytest.raises(InvalidTrace, match="average_input_value"):
        mvm("dimc1", average_input_value=0.5)
    with pytest.raises(InvalidTrace, match=r"no component 'adcs'.*adc"):
        mvm("aimc1", component="adcs")
    with pytest.raises(InvalidMapping, match="must lie in"):
        mvm("aimc1", {"voltage_v": 1.3})
    with pytest.raises(InvalidMapping, match="registers_per_column"):
        mvm("aimc1", {"registers_per_column": 4})
    with pytest.raises(UnsupportedOp, match="holds at most 2"):
        run("aimc1", m=1, k=8, n=8, dtype="int4")
    with pytest.raises(UnsupportedOp, match="softmax"):
        hwsim.simulate(single_op("softmax", rows=4, cols=4, dtype="int8"), CHIP["dimc1"])


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("aimc1", {"trees_per_output": 1.0}, "must be 0 in an analog macro"),
        ("aimc1", {"adcs_per_output": 0.0}, "adcs_per_output must be positive in an analog"),
        ("dimc1", {"macro_rows": 1.0}, "an adder tree adds"),
        ("dimc3", {"cross_tree_bits": 0.0}, "go together"),
        ("dimc3", {"columns_per_weight": 3.0}, "multiple of columns_per_weight"),
        ("aimc1", {"merge_carry_bits": 2.0}, "exceeds merge_adder_bits"),
        ("aimc1", {"delay_voltage_v": 0.3}, "exceed threshold_v"),
    ],
)
def test_contradictions_in_a_chip(name: str, values: dict[str, float], said: str) -> None:
    chip: Chip = CHIP[name].replace(**values)
    with pytest.raises(InvalidChip, match=said):
        TARGET.check(chip)
