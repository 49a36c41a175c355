"""nladc-16nm: phases, joules by component and area against closed formulas, and the published operating points."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim import api
from hwsim.core.graph import single_op
from hwsim.core.report import Report

CHIP = hwsim.load_chip("nladc-16nm")
P = CHIP.number
KWS = {"input_size": 40, "hidden_size": 32}
SIZES = st.integers(1, 600)


def run(kind: str, mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return hwsim.simulate(single_op(kind, **{"dtype": "int5", **bounds}), CHIP, mapping or {}, interval=False)


def clocks(bits: int, hidden: int, matrices: int) -> float:
    """Pulses and a ramp for each matrix and for the cell state, then four operations per hidden unit over the lanes."""
    return (matrices + 1) * (2**bits - 1 + 2**bits) + -(-4 * hidden // int(P("lanes"))) * P("element_clocks")


@pytest.mark.parametrize("bits", [3, 4, 5, 6, 8])
@pytest.mark.parametrize("projection", [0, 8])
def test_time_is_the_sum_of_its_phases(bits: int, projection: int) -> None:
    report = run("lstm", {"adc_bits": bits}, **KWS, projection_size=projection, dtype=f"int{bits}", steps=3)
    assert report.cycles == pytest.approx(3 * clocks(bits, 32, 2 if projection else 1))


def test_energy_is_the_sum_of_its_components() -> None:
    report = run("lstm", **KWS)
    slots, n = 31, 32
    v2 = P("read_v") ** 2 / P("clock_hz")
    ramp = n * v2 * P("ramp_g_max_s") / 2
    expected = {
        "array_energy": (72 * 128 + 32) * v2 * P("g_mean_s") * P("mean_input") * slots,
        "driver_energy": 72 * 128 * P("row_cell_f") * P("supply_v") ** 2,
        "sample_hold_energy": (128 + 32) * slots * P("column_j_per_clock"),
        "adc_energy": (128 + 32) * n * P("column_j_per_clock") + (2 + 1) * ramp,
        "digital_energy": 4 * 32 * P("element_j"),
    }
    for name, joules in expected.items():
        assert report.part("energy_j", component=name) == pytest.approx(joules), name
    assert report.energy_j == pytest.approx(sum(expected.values()))


def test_area_is_columns_of_periphery_and_cells_and_two_ramps() -> None:
    report = run("lstm", **KWS, bias_rows=1)
    expected = 128 * (P("column_mm2") + 73 * P("cell_mm2")) + 2 * (32 + P("calibration_cells")) * P("cell_mm2")
    assert report.area_mm2 == pytest.approx(expected)


@pytest.mark.parametrize(("bits", "seconds", "joules", "bound"), [(5, 160.7e-9, 0.5946e-9, 0.01), (8, 1.0017e-6, 4.608e-9, 0.06)])
def test_published_steps_of_keyword_spotting(bits: int, seconds: float, joules: float, bound: float) -> None:
    report = run("lstm", {"adc_bits": bits}, **KWS, dtype=f"int{bits}")
    assert report.latency_s == pytest.approx(seconds, rel=bound) and report.energy_j == pytest.approx(joules, rel=bound)
    assert report.macs == 72 * 128


def test_operations_are_those_of_the_gate_matrix_with_its_bias_row() -> None:
    report = run("lstm", input_size=128, hidden_size=2016, projection_size=504, bias_rows=1)
    assert report.macs == 633 * 8064
    assert report.metric("tops") == pytest.approx(2 * 633 * 8064 / report.latency_s / 1e12)


def test_state_comes_back_as_codes_of_the_converter() -> None:
    narrow, wide = run("lstm", {"adc_bits": 8}, **KWS, dtype="int5"), run("lstm", {"adc_bits": 8}, **KWS, dtype="int8")
    assert narrow.cycles == wide.cycles


def test_a_product_takes_the_pulses_of_its_own_inputs() -> None:
    report = run("matmul", {"adc_bits": 6}, m=4, k=64, n=16, dtype="int4")
    assert report.cycles == 4 * (15 + 64)
    assert report.part("energy_j", component="array_energy") == pytest.approx(
        4 * 64 * 16 * 15 * P("read_v") ** 2 * P("g_mean_s") * P("mean_input") / P("clock_hz")
    )


def test_spikes_draw_current_at_their_rate() -> None:
    def at(rate: float) -> float:
        attrs = {"timesteps": 2, "input_kind": "spike", "spike_rate": rate}
        return run("matmul", m=4, k=64, n=16, dtype="int8", attrs=attrs).part("energy_j", component="array_energy")

    assert at(0.0) == 0.0
    assert at(0.4) == pytest.approx(2 * at(0.2)) == pytest.approx(8 * 64 * 16 * P("read_v") ** 2 * P("g_mean_s") * 0.4 / P("clock_hz"))


def test_copies_shorten_time_at_the_same_energy() -> None:
    one, four = (run("matmul", mapping, m=8, k=64, n=16) for mapping in ({}, {"duplication": 4}))
    assert one.cycles == 4 * four.cycles and one.energy_j == pytest.approx(four.energy_j)
    assert four.part("area_mm2", component="columns") == pytest.approx(4 * (one.part("area_mm2", component="columns")))


@pytest.mark.parametrize(("adc", "conversion"), [("linear_ramp", 32), ("sar", 4 * 6), ("mlsa", 4)])
def test_other_converters_leave_activations_to_the_lanes(adc: str, conversion: float) -> None:
    mapping = {"adc": adc} if adc == "linear_ramp" else {"adc": adc, "columns_per_adc": 4}
    report = run("lstm", mapping, **KWS)
    digital = 4 * P("element_clocks") + 5 * P("activation_clocks")
    assert report.cycles == pytest.approx(31 + conversion + digital)


def test_activations_of_512_units_on_32_lanes_take_2_to_5_times_the_product() -> None:
    """ANCHOR Fig. 1: what a nonlinear converter saves."""
    sizes = {"input_size": 512, "hidden_size": 512}
    linear = run("lstm", {"adc": "linear_ramp"}, **sizes)
    product = linear.cycles - linear.part("cycles", component="digital")
    activations = linear.part("cycles", component="digital") - run("lstm", **sizes).part("cycles", component="digital")
    assert 2 <= activations / product <= 5


def test_bits_one_after_another_take_a_conversion_each() -> None:
    report = run("matmul", {"adc": "sar", "input_encoding": "bit_serial", "columns_per_adc": 8}, m=3, k=64, n=16, dtype="int4")
    assert report.cycles == 3 * (4 + 4 * 8 * 6 + 4)


def test_conversions_by_kind() -> None:
    def conversion(adc: str, bits: int = 5) -> dict[str, float]:
        return dict(api.primitive("adc_conversion", CHIP, {"adc": adc, "bits": bits}))

    assert conversion("nl_ramp")["latency_s"] == 32e-9 and conversion("nl_ramp", 8)["latency_s"] == 256e-9
    assert conversion("nl_ramp")["energy_j"] == pytest.approx(32 * P("column_j_per_clock"))
    assert conversion("sar")["latency_s"] == pytest.approx(6e-9) and conversion("mlsa")["latency_s"] == 1e-9
    assert conversion("sar")["area_mm2"] == pytest.approx((478 + 4 * 182) * P("transistor_mm2"))
    assert conversion("mlsa")["energy_j"] == pytest.approx(31 * P("mlsa_level_j"))


def test_activations_behind_a_product_are_free_and_others_are_not() -> None:
    report = hwsim.simulate(hwsim.load_graph("mlperf-tiny-ad", dtype="int5"), CHIP, interval=False)
    assert report.part("cycles", component="relu") == 0 and report.cycles > 0
    assert run("elementwise", rows=1, cols=64, function="relu").cycles == 2 * P("activation_clocks")


@settings(max_examples=25, deadline=None)
@given(SIZES, SIZES, st.integers(1, 8))
def test_more_work_never_takes_less(inputs: int, hidden: int, bits: int) -> None:
    base, wider, deeper, finer = (
        run("lstm", {"adc_bits": b}, input_size=i, hidden_size=h)
        for i, h, b in ((inputs, hidden, bits), (inputs, hidden + 32, bits), (inputs + 7, hidden, bits), (inputs, hidden, bits + 1))
    )
    for more in (wider, deeper, finer):
        assert more.latency_s >= base.latency_s and more.energy_j > base.energy_j and more.area_mm2 > base.area_mm2


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["clock_hz", "lanes"]), st.integers(2, 5), SIZES)
def test_a_faster_part_never_slows_the_whole(name: str, factor: int, hidden: int) -> None:
    graph = single_op("lstm", input_size=40, hidden_size=hidden, dtype="int5")
    fast = hwsim.simulate(graph, CHIP.replace(**{name: P(name) * factor}), interval=False)
    assert fast.latency_s <= hwsim.simulate(graph, CHIP, interval=False).latency_s


def test_long_columns_are_warned_of() -> None:
    short, long = run("lstm", **KWS), run("lstm", input_size=128, hidden_size=2016, projection_size=504)
    assert short.metric("ir_drop") == pytest.approx(P("wire_ohm") * P("g_mean_s") * 72**2 / 2 * P("mean_input"))
    assert long.metric("ir_drop") == pytest.approx(short.metric("ir_drop") * (2016 / 72) ** 2)
    assert not short.cost.program.warnings and any("2016 cells" in w for w in long.cost.program.warnings)
