"""NeuRRAM: phases of inputs, its clock, energies of lines, cells and neurons, graphs on its cores, and what it refuses."""

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
from hwsim.targets.crossbar.neurram import phases as split
from hwsim.targets.crossbar.neurram.phases import AUTO, ONE, TWO

CHIP = hwsim.load_chip("neurram")
N = {name: CHIP.number(name) for name, constant in CHIP.params.items() if constant.is_number}
LINE_F = N["wl_driver_f"] + 256 * N["wl_cell_f"]


def mvm(input_bits: int = 4, output_bits: int = 6, weight_bits: int = 4, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    bits = {"input_bits": input_bits, "weight_bits": weight_bits, "output_bits": output_bits}
    return dict(load_target("crossbar").primitives["array_mvm"](CHIP, {**bits, **arguments}, mapping or {}))


def run(mapping: dict[str, Any] | None = None, *, allow: bool = False, fidelity: str = "analytic", **bounds: Any) -> Report:
    op = {"op": "matmul", "dtype": "int4", "weight_dtype": "int4", **bounds}
    return hwsim.simulate(single_op(op.pop("op"), **op), CHIP, mapping or {}, interval=False, allow_unmodelled=allow, fidelity=fidelity)


@pytest.mark.parametrize(
    ("bits", "rule", "phases", "integrations"),
    [
        (1, AUTO, 1, 1), (2, AUTO, 1, 1), (4, AUTO, 1, 7), (5, AUTO, 2, 6), (5, ONE, 1, 15), (5, TWO, 2, 6), (6, AUTO, 2, 10),
        (7, AUTO, 2, 14), (2, TWO, 1, 1),
    ],
)  # fmt: skip
def test_inputs_pass_in_phases(bits: int, rule: float, phases: int, integrations: int) -> None:
    n = split.magnitude_bits(bits)
    first = split.first_phase_bits(n, rule, 3)
    assert split.phase_count(n, first) == phases
    assert split.integration_cycles(n, first) == integrations


@pytest.mark.parametrize(("bits", "first", "output", "steps"), [(4, 4, 7, 7), (4, 2, 7, 12), (6, 3, 9, 15), (6, 3, 2, 2)])
def test_a_second_phase_resolves_what_the_first_left(bits: float, first: float, output: float, steps: float) -> None:
    assert split.conversion_steps(bits, first, output) == steps


@pytest.mark.parametrize(
    ("bits", "output", "phases", "clocks"), [(1, 3, "auto", 5), (3, 5, "auto", 9), (5, 7, "one", 23), (5, 7, "two", 20), (7, 9, "auto", 31)]
)
def test_each_operation_of_the_neurons_is_one_clock(bits: int, output: int, phases: str, clocks: int) -> None:
    assert mvm(bits, output, mapping={"phases": phases})["latency_s"] == pytest.approx(clocks / N["clock_hz"])


def test_word_lines_toggle_once_per_magnitude_bit() -> None:
    """256 (setup + n (driver + 256 cells) V^2)."""
    for bits in (2, 4, 7):
        expected = 256 * LINE_F * (0.9**2 + (bits - 1) * 1.8**2)
        assert mvm(bits, component="wl_switching")["energy_j"] == pytest.approx(expected)


def test_pulses_drive_current_through_half_of_the_cells() -> None:
    """n x 1/2 x (65536 V^2 G t + 256 lines): V = 0.5 V, G = 2.5 uS, t = 10 ns."""
    line = 256 * N["line_cell_f"] * 0.25 + N["line_driver_f"] * 1.8**2
    expected = 3 * 0.5 * (65536 * 0.25 * 2.5e-6 * 1e-8 + 256 * line)
    assert mvm(4, component="input_pulses")["energy_j"] == pytest.approx(expected)
    assert mvm(4, component="input_pulses", average_input_value=0.0)["energy_j"] == 0.0
    assert mvm(4, component="input_pulses", average_input_value=1.0)["energy_j"] == pytest.approx(2 * expected)


def test_neurons_pay_for_integrations_and_conversion_steps() -> None:
    assert mvm(5, 7, component="neuron")["energy_j"] == pytest.approx(256 * (6 * N["integration_j"] + 12 * N["adc_step_j"]))


def test_parts_add_up_to_the_core() -> None:
    parts = sum(mvm(6, 8, component=name)["energy_j"] for name in ("wl_switching", "input_pulses", "neuron"))
    assert mvm(6, 8)["energy_j"] == pytest.approx(parts)
    assert mvm(6, 8, component="core")["energy_j"] == pytest.approx(parts)


def test_cores_work_side_by_side() -> None:
    one, all_of_them = mvm(), mvm(cores=48)
    assert all_of_them["latency_s"] == one["latency_s"]
    for name in ("tops", "energy_j", "area_mm2"):
        assert all_of_them[name] == pytest.approx(48 * one[name])
    assert all_of_them["tops_per_w"] == pytest.approx(one["tops_per_w"])
    peak = load_target("crossbar").primitives["chip_peak"](CHIP, {"input_bits": 4, "weight_bits": 4}, {})
    assert peak["tops"] == pytest.approx(all_of_them["tops"])
    assert peak["power_w"] == pytest.approx(all_of_them["power_w"])


def test_areas_follow_from_cells_and_shares() -> None:
    area = {
        n: load_target("crossbar").primitives["component"](CHIP, {"component": n}, {})["area_mm2"]
        for n in ("core", "neuron", "array", "array_drivers")
    }
    assert area["array"] == pytest.approx(65536 * 125.74 * (130e-6) ** 2)
    assert [area[n] / area["core"] for n in ("neuron", "array_drivers", "array")] == pytest.approx([0.28, 0.21, 0.12], abs=0.001)


@given(bits=st.integers(1, 7), output=st.integers(1, 9))
def test_wider_operands_never_take_less(bits: int, output: int) -> None:
    here = mvm(bits, output)
    for more in (mvm(bits + 1, output), mvm(bits, output + 1)):
        assert more["latency_s"] >= here["latency_s"]
        assert more["energy_j"] >= here["energy_j"]


def test_a_full_core_in_a_graph_is_the_primitive() -> None:
    report, alone = run({"output_bits": 6}, m=1, k=256, n=128), mvm(4, 6)
    assert report.latency_s == pytest.approx(alone["latency_s"])
    assert report.energy_j == pytest.approx(alone["energy_j"])
    assert report.metric("arrays") == 1
    assert report.part("energy_j", component="neuron") == pytest.approx(mvm(4, 6, component="neuron")["energy_j"])


@given(rows=st.integers(1, 600), outputs=st.integers(1, 300), vectors=st.integers(1, 20))
def test_vectors_follow_one_another_and_parts_of_a_matrix_work_at_once(rows: int, outputs: int, vectors: int) -> None:
    one, several = run(m=1, k=rows, n=outputs), run(m=vectors, k=rows, n=outputs)
    assert several.latency_s == pytest.approx(vectors * mvm(4, 4)["latency_s"])
    assert several.energy_j == pytest.approx(vectors * one.energy_j)
    assert several.metric("arrays") == -(-rows // 256) * -(-outputs // 128)


def test_copies_share_the_vectors_at_the_same_energy() -> None:
    one, four = run(m=10, k=256, n=128), run({"duplication": 4}, m=10, k=256, n=128)
    assert four.latency_s == pytest.approx(one.latency_s * 3 / 10)
    assert four.energy_j == pytest.approx(one.energy_j)


def test_event_fidelity_agrees() -> None:
    assert run(fidelity="event", m=7, k=300, n=200).cycles == pytest.approx(run(m=7, k=300, n=200).cycles)


def test_lstm_and_convolution_run_on_the_cores() -> None:
    lstm = run(op="lstm", input_size=40, hidden_size=64, bias_rows=1)
    assert lstm.metric("arrays") == 2  # 105 rows, 256 signed columns
    assert any("elementwise" in line for line in lstm.cost.program.warnings)
    conv = run(op="conv2d", n=1, c=16, h=8, w=8, k=32, r=3, s=3, stride=1, pad=1)
    assert conv.latency_s == pytest.approx(64 * mvm(4, 4)["latency_s"])


def test_too_large_a_matrix_is_refused_or_written_at_each_use() -> None:
    with pytest.raises(Infeasible, match="arrays"):
        run(m=1, k=256 * 49, n=128)
    one = hwsim.load_graph("mlperf-tiny-ic", dtype="int4", weight_dtype="int4")
    with pytest.raises(Infeasible):
        hwsim.simulate(one, CHIP, {"arrays": 6}, interval=False)
    swapped = hwsim.simulate(one, CHIP, {"arrays": 6, "reprogram": True, "write_arrays_at_once": 6}, interval=False)
    whole = hwsim.simulate(one, CHIP, {}, interval=False)
    assert swapped.part("energy_j", component="write_energy") > 0 == whole.part("energy_j", component="write_energy")
    assert swapped.latency_s > whole.latency_s
    written = swapped.part("energy_j", component="write_energy") / N["write_cell_j"]
    assert written == pytest.approx(round(written))
    assert any("written at each use" in line for line in swapped.cost.program.warnings)


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (InvalidTrace, lambda: mvm(9)), (InvalidTrace, lambda: mvm(output_bits=11)), (InvalidTrace, lambda: mvm(weight_bits=8)),
        (InvalidTrace, lambda: mvm(average_weight_value=0.5)), (InvalidTrace, lambda: mvm(component="datapath")), (Infeasible, lambda: mvm(cores=49)),
        (InvalidMapping, lambda: mvm(mapping={"voltage_v": 1.2})), (InvalidMapping, lambda: mvm(mapping={"phases": "three"})),
        (InvalidMapping, lambda: mvm(mapping={"r_on_ohm": 2e6})), (UnsupportedOp, lambda: run(m=1, k=4, n=4, weight_dtype="int8")),
        (UnsupportedOp, lambda: run(m=1, k=4, n=4, dtype="int16")), (UnsupportedOp, lambda: run(m=1, k=4, n=4, dtype="fp16")),
    ],
)  # fmt: skip
def test_what_the_chip_cannot_do_is_refused(error: type[HwsimError], call: Any) -> None:
    with pytest.raises(error):
        call()


def test_a_smaller_cell_current_costs_less_and_changes_no_time() -> None:
    base, less = mvm(), mvm(mapping={"r_on_ohm": 500e3})
    assert less["latency_s"] == base["latency_s"]
    saved = 3 * 0.5 * 65536 * 0.25 * 1e-8 * 0.5 * (1 / 250e3 - 1 / 500e3)
    assert base["energy_j"] - less["energy_j"] == pytest.approx(saved)


def test_the_two_phase_prediction_holds() -> None:
    """9-bit results of 7-bit inputs, which no constant was fitted on: 7.75 TOPS/W and 9.15 us measured (Wan et al., Nature 2022)."""
    found = mvm(7, 9)
    assert found["tops_per_w"] == pytest.approx(7.75, rel=0.05)
    assert found["latency_s"] == pytest.approx(9.148e-6, rel=0.03)
