"""Pulse-count macro of Sinangil et al.: one cycle a vector, energy by the data, supply, graphs, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import HwsimError, Infeasible, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.crossbar.pulse_count.price import busy_share

CHIP = hwsim.load_chip("sinangil")
N = {name: CHIP.number(name) for name, constant in CHIP.params.items() if constant.is_number}
SHARES = st.floats(0, 1)


def mvm(mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    return dict(
        load_target("crossbar").primitives["array_mvm"](CHIP, {"input_bits": 4, "weight_bits": 4, "output_bits": 4, **arguments}, mapping or {})
    )


def data(x: float, w: float, code: float) -> dict[str, Any]:
    return {"average_input_value": x, "average_weight_value": w, "average_output_value": code}


def run(mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    op = {"dtype": "int4", "weight_dtype": "int4", **bounds}
    return hwsim.simulate(single_op("matmul", **op), CHIP, mapping or {}, interval=False)


@given(x=SHARES, w=SHARES, code=st.floats(0, 15))
def test_energy_is_its_equation(x: float, w: float, code: float) -> None:
    """idle + 64 busy rows + 16 outputs (charge of bit lines and capacitors, comparators that trip)."""
    busy = 64 * (1 - (1 - x) ** 15) * N["row_clock_j"]
    charge = x * w * 0.64 * (4 * N["bit_line_f"] + 16 * N["weighting_unit_f"])
    expected = N["idle_vector_j"] + busy + 16 * (charge + code * N["comparator_trip_j"])
    assert mvm(**data(x, w, code))["energy_j"] == pytest.approx(expected)


@given(x=SHARES, w=SHARES, code=st.floats(0, 14))
def test_more_data_never_costs_less(x: float, w: float, code: float) -> None:
    here = mvm(**data(x, w, code))["energy_j"]
    for more in (data(min(1.0, x + 0.1), w, code), data(x, min(1.0, w + 0.1), code), data(x, w, code + 1)):
        assert mvm(**more)["energy_j"] >= here * (1 - 1e-12)


def test_zeros_leave_what_runs_anyway() -> None:
    found = mvm(**data(0, 0, 0))
    assert found["energy_j"] == N["idle_vector_j"]
    assert mvm(component="weighting_capacitors", **data(0, 0, 0))["energy_j"] == 0


def test_parts_add_up() -> None:
    parts = [mvm(component=n, **data(0.3, 0.6, 5))["energy_j"] for n in ("adc", "array", "drivers", "weighting_capacitors", "idle")]
    assert sum(parts) == pytest.approx(mvm(**data(0.3, 0.6, 5))["energy_j"])
    assert parts[0] == pytest.approx(16 * 5 * N["comparator_trip_j"])


def test_rows_of_zeros_are_rare_unless_inputs_are_small() -> None:
    assert busy_share(0.0, 4) == 0.0
    assert busy_share(0.25, 4) == pytest.approx(1 - 0.75**15)
    assert busy_share(0.25, 1) == 0.25
    assert busy_share(1.0, 4) == 1.0


@pytest.mark.parametrize("code", [1, 2, 4, 8, 10, 12])
def test_measured_energies_between_the_fitted_codes(code: int) -> None:
    """Fitted at codes 0, 6 and 15 (Sinangil et al., JSSC 2021, at 0.8 V)."""
    measured = {1: 4.563, 2: 5.033, 4: 5.443, 8: 6.285, 10: 6.657, 12: 7.044}[code]
    assert mvm(**data(0.25 * code**0.5, 0.25 * code**0.5, code))["energy_j"] == pytest.approx(measured * 1e-12, rel=0.05)


@pytest.mark.parametrize("volts", [0.65, 0.8, 1.0])
def test_supply(volts: float) -> None:
    base, here = mvm(), mvm({"voltage_v": volts})
    assert here["energy_j"] == pytest.approx(base["energy_j"] * (volts / 0.8) ** 2)
    assert here["latency_s"] == pytest.approx(5.5e-9 * (0.6 + 0.4 * (0.8 / volts) ** 2.75))
    assert here["tops"] == pytest.approx(2 * 64 * 16 / here["latency_s"] / 1e12)


def test_narrow_inputs_take_the_same_cycle_and_fewer_pulses() -> None:
    narrow, wide = mvm(input_bits=1, **data(0.1, 0.5, 1)), mvm(**data(0.1, 0.5, 1))
    assert narrow["latency_s"] == wide["latency_s"]
    assert narrow["energy_j"] < wide["energy_j"]


def test_means_that_are_not_stated_are_the_chips() -> None:
    assert mvm()["energy_j"] == pytest.approx(mvm(**data(0.5, 0.5, 4))["energy_j"])


@given(rows=st.integers(1, 64), outputs=st.integers(1, 16), vectors=st.integers(1, 9))
def test_graphs_take_a_cycle_a_vector(rows: int, outputs: int, vectors: int) -> None:
    report = run(m=vectors, k=rows, n=outputs)
    assert report.latency_s == pytest.approx(vectors * 5.5e-9)
    assert report.energy_j <= vectors * mvm()["energy_j"] * (1 + 1e-9)
    assert report.energy_j == pytest.approx(vectors * run(m=1, k=rows, n=outputs).energy_j)
    assert report.energy_j > vectors * N["idle_vector_j"]


def test_a_full_macro_in_a_graph_is_the_primitive() -> None:
    report, alone = run(m=1, k=64, n=16), mvm()
    assert (report.latency_s, report.energy_j) == pytest.approx((alone["latency_s"], alone["energy_j"]))


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (InvalidTrace, lambda: mvm(input_bits=8)), (InvalidTrace, lambda: mvm(weight_bits=8)), (InvalidTrace, lambda: mvm(output_bits=5)),
        (InvalidTrace, lambda: mvm(average_output_value=16)), (InvalidTrace, lambda: mvm(average_input_value=1.5)),
        (InvalidTrace, lambda: mvm(weight_sparsity=0.5)), (Infeasible, lambda: mvm(cores=2)), (InvalidMapping, lambda: mvm({"voltage_v": 0.5})),
        (InvalidMapping, lambda: mvm({"voltage_v": 1.1})), (InvalidMapping, lambda: mvm({"mean_input": 2})),
        (UnsupportedOp, lambda: run(m=1, k=4, n=4, dtype="int8")), (Infeasible, lambda: run(m=1, k=65, n=16)),
    ],
)  # fmt: skip
def test_what_the_macro_cannot_do_is_refused(error: type[HwsimError], call: Any) -> None:
    with pytest.raises(error):
        call()
