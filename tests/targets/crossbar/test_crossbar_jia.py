"""Charge-domain macro of Jia et al.: bit planes, the input buffer, supply, weights of several bits, graphs, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import HwsimError, Infeasible, InvalidMapping, InvalidTrace, MissingParameter, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target

CHIP = hwsim.load_chip("jia")
PLANE_S = 54 * 25e-9


def mvm(input_bits: int = 1, weight_bits: int = 1, output_bits: int = 1, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    bits = {"input_bits": input_bits, "weight_bits": weight_bits, "output_bits": output_bits}
    return dict(load_target("crossbar").primitives["array_mvm"](CHIP, {**bits, **arguments}, mapping or {}))


def run(mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    op = {"dtype": "int4", "weight_dtype": "int4", **bounds}
    return hwsim.simulate(single_op("matmul", **op), CHIP, mapping or {}, interval=False)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_planes_follow_one_another_while_the_buffer_hides_the_loads(bits: int) -> None:
    assert mvm(bits)["latency_s"] == pytest.approx(bits * PLANE_S)


def test_bits_beyond_half_of_the_buffer_are_loaded_while_the_array_waits() -> None:
    """8 planes and the loads of four planes of 2304 bits through 128 bits a clock."""
    assert mvm(8)["latency_s"] == pytest.approx((8 * 54 + 4 * 18) * 25e-9)
    assert mvm(8, mapping={"buffered_bits": 8})["latency_s"] == pytest.approx(8 * PLANE_S)
    assert mvm(8)["latency_s"] / mvm(1)["latency_s"] == pytest.approx(9.375, rel=0.01)


def test_a_slow_port_bounds_every_plane() -> None:
    """32 bits a clock: 72 clocks to load a plane that the array takes in 54."""
    assert mvm(2, mapping={"port_bits_per_clock": 32})["latency_s"] == pytest.approx(2 * 72 * 25e-9)


@pytest.mark.parametrize("volts", [0.85, 1.0, 1.2])
def test_charge_moves_at_cv2_and_the_clock_follows_the_published_exponent(volts: float) -> None:
    base, here = mvm(), mvm(mapping={"voltage_v": volts})
    assert here["energy_j"] == pytest.approx(base["energy_j"] * (volts / 0.85) ** 2)
    assert base["latency_s"] / here["latency_s"] == pytest.approx((volts / 0.85) ** 2.66)


def test_a_stated_clock_does_not_follow_the_supply() -> None:
    clock = load_target("crossbar").primitives["clock_period"]
    assert clock(CHIP, {}, {"voltage_v": 1.2, "clock_hz": 50e6})["latency_s"] == pytest.approx(20e-9)
    assert clock(CHIP, {}, {"voltage_v": 1.2})["latency_s"] == pytest.approx(25e-9 * (0.85 / 1.2) ** 2.66)


def test_published_energies_by_column_are_reached_at_the_nominal_supply() -> None:
    for component, column in (("adc", 1.79e-12), ("array", 9.7e-12), ("datapath", 8.3e-12)):
        assert mvm(component=component)["energy_j"] == pytest.approx(256 * column, rel=1e-3)


def test_efficiency_counts_array_and_converters_and_the_whole_macro_more() -> None:
    found = mvm()
    parts = {n: mvm(component=n)["energy_j"] for n in ("adc", "array", "datapath")}
    assert found["energy_j"] == pytest.approx(sum(parts.values()))
    assert found["tops_per_w"] == pytest.approx(2 * 2304 * 256 / (parts["adc"] + parts["array"]) / 1e12)
    assert mvm(component="macro")["tops_per_w"] == pytest.approx(2 * 2304 * 256 / found["energy_j"] / 1e12)


@given(weight=st.integers(1, 8))
def test_bits_of_a_weight_take_columns(weight: int) -> None:
    found = mvm(4, weight)
    assert found["tops"] == pytest.approx(2 * 2304 * (256 // weight) / (4 * PLANE_S) / 1e12)


def test_zeros_spare_the_array_alone() -> None:
    idle = mvm(average_input_value=0.0)
    assert idle["energy_j"] == pytest.approx(mvm(component="adc")["energy_j"] + mvm(component="datapath")["energy_j"])
    assert mvm(average_input_value=1.0, component="array")["energy_j"] == pytest.approx(2 * mvm(component="array")["energy_j"])


@given(rows=st.integers(1, 2304), outputs=st.integers(1, 64), vectors=st.integers(1, 9))
def test_graphs_take_the_time_and_energy_of_their_vectors(rows: int, outputs: int, vectors: int) -> None:
    one, several = run(m=1, k=rows, n=outputs), run(m=vectors, k=rows, n=outputs)
    assert several.latency_s == pytest.approx(vectors * 4 * PLANE_S)
    assert several.energy_j == pytest.approx(vectors * one.energy_j)
    assert one.energy_j <= mvm(4, 4)["energy_j"] * (1 + 1e-9)


def test_a_full_macro_in_a_graph_is_the_primitive() -> None:
    report = run({"voltage_v": 1.0}, m=1, k=2304, n=64)
    alone = mvm(4, 4, mapping={"voltage_v": 1.0})
    assert (report.latency_s, report.energy_j) == pytest.approx((alone["latency_s"], alone["energy_j"]))
    assert report.part("area_mm2", component="sparsity_controller") == pytest.approx(0.392)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (InvalidTrace, lambda: mvm(9)), (InvalidTrace, lambda: mvm(weight_bits=9)), (InvalidTrace, lambda: mvm(weight_sets=8)),
        (InvalidTrace, lambda: mvm(component="neuron")), (Infeasible, lambda: mvm(cores=2)),
        (InvalidMapping, lambda: mvm(mapping={"voltage_v": 0.6})),
        (InvalidMapping, lambda: mvm(mapping={"voltage_v": 1.3})), (InvalidMapping, lambda: mvm(mapping={"phases": "one"})),
        (UnsupportedOp, lambda: run(m=1, k=4, n=4, dtype="int16", weight_dtype="int16")), (Infeasible, lambda: run(m=1, k=2305, n=64)),
        (Infeasible, lambda: run({"reprogram": True}, m=1, k=2305, n=64)),
    ],
)  # fmt: skip
def test_what_the_macro_cannot_do_is_refused(error: type[HwsimError], call: Any) -> None:
    with pytest.raises(error):
        call()


def test_swapping_weights_needs_constants_of_writing() -> None:
    graph = hwsim.load_graph("mlperf-tiny-ic", dtype="int4", weight_dtype="int4")
    with pytest.raises(Infeasible):
        hwsim.simulate(graph, CHIP, {}, interval=False)
    with pytest.raises(MissingParameter, match="write"):
        hwsim.simulate(graph, CHIP, {"reprogram": True}, interval=False)
