"""Chips, options, primitives and costs that every family shares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import hwsim
from hwsim import api
from hwsim.core.errors import HwsimError, InvalidChip, InvalidMapping, InvalidTrace, MissingParameter, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.crossbar.families import FAMILIES
from hwsim.targets.crossbar.mapping import parse_options
from hwsim.targets.crossbar.spec import FAMILY_SPECS

CHIP = "nladc-16nm"


def run(kind: str, mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return hwsim.simulate(single_op(kind, **{"dtype": "int8", **bounds}), hwsim.load_chip(CHIP), mapping or {}, interval=False)


def test_every_family_is_declared_once() -> None:
    assert set(FAMILIES) == set(FAMILY_SPECS)
    assert len({family.code for family in FAMILIES.values()}) == len(FAMILIES)
    for name, family in FAMILIES.items():
        assert family.name == name and family.code == FAMILY_SPECS[name].CODE


def test_a_constant_by_its_name_is_an_option() -> None:
    base = run("lstm", input_size=40, hidden_size=32)
    more = run("lstm", {"read_v": 0.4}, input_size=40, hidden_size=32)
    set_in_chip = hwsim.simulate(
        single_op("lstm", input_size=40, hidden_size=32, dtype="int8"), hwsim.load_chip(CHIP).replace(read_v=0.4), interval=False
    )
    assert more.part("energy_j", component="array_energy") == pytest.approx(4 * base.part("energy_j", component="array_energy"))
    assert more.energy_j == set_in_chip.energy_j
    assert more.cost.program.mapping["read_v"] == 0.4


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"adc_bit": 5}, r"did you mean.*adc_bits"),
        ({"family": "tiled"}, "no mapping option 'family'"),
        ({"adc": 5}, "is a word"),
        ({"adc_bits": "many"}, "is a number"),
        ({"adc": "flash"}, "is one of nl_ramp"),
        ({"adc_bits": 0.5}, "at least 1"),
        ({"reprogram": True}, "no mapping option reprogram"),
        ({"duplication": "even"}, "duplication"),
        ({"duplication": "balanced"}, "state a number"),
        ({"columns_per_adc": 8}, "comparator of its own"),
        ({"input_encoding": "bit_serial"}, "partial sums"),
    ],
)
def test_options_that_mean_nothing_are_refused(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidMapping, match=message):
        run("lstm", mapping, input_size=40, hidden_size=32)


def test_options_are_normalised_once() -> None:
    stated = parse_options({"duplication": 2, "adc_bits": 5, "adc": "sar"}).stated
    assert stated == {"duplication": 2, "adc_bits": 5.0, "adc": "sar"} and parse_options(stated).stated == stated


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"family": "memory"}, InvalidChip, "no family 'memory'"),
        ({"boundary": "wafer"}, InvalidChip, "boundary is one of"),
        ({"read_v": -0.2}, InvalidChip, "read_v must be positive"),
    ],
)
def test_impossible_chips_are_refused(change: dict[str, Any], error: type[HwsimError], message: str) -> None:
    chip = hwsim.load_chip(CHIP).replace(**change)
    with pytest.raises(error, match=message):
        load_target("crossbar").check(chip)


def test_a_chip_that_lacks_a_constant_is_refused() -> None:
    chip = hwsim.load_chip(CHIP)
    bare = replace(chip, params={n: p for n, p in chip.params.items() if n != "g_mean_s"})
    with pytest.raises(MissingParameter, match="g_mean_s"):
        load_target("crossbar").check(bare)


def test_operands_that_are_no_weights_are_written_and_say_so() -> None:
    chip = hwsim.load_chip(CHIP)
    stored, written = run("matmul", m=4, k=64, n=16), run("matmul", m=4, k=64, n=16, operand_role="activation")
    extra = written.latency_s - stored.latency_s
    assert extra == pytest.approx(64 * chip.number("write_row_s"))
    assert written.part("energy_j", component="write_energy") == pytest.approx(64 * 16 * chip.number("write_cell_j"))
    assert any("crossbars suit this badly" in w for w in written.cost.program.warnings) and not stored.cost.program.warnings
    mute = replace(chip, params={n: p for n, p in chip.params.items() if not n.startswith("write_")})
    with pytest.raises(UnsupportedOp, match="must be written into cells"):
        hwsim.simulate(single_op("matmul", m=4, k=64, n=16, dtype="int8", operand_role="activation"), mute)


def test_bytes_of_weights_stay_in_the_cells() -> None:
    report = run("matmul", m=4, k=64, n=16, weight_dtype="int4")
    levels = report.cost.bytes_by_level()
    assert levels["cells"] == 64 * 16 / 2 and levels["buffer"] == 4 * (64 + 16)


def test_floats_are_refused_with_what_to_state() -> None:
    with pytest.raises(UnsupportedOp, match="state dtype and weight_dtype"):
        run("matmul", m=1, k=8, n=8, dtype="fp16")


def test_the_boundary_is_among_the_assumptions() -> None:
    assert "energy and area are those of the array" in run("matmul", m=1, k=8, n=8).cost.program.assumptions


def test_the_chip_names_the_format_of_operators_that_state_none() -> None:
    from hwsim.core.target import load_target

    target = load_target("crossbar")
    assert target.default_dtype(hwsim.load_chip(CHIP), "lstm") == "int5"
    assert target.default_dtype(hwsim.load_chip(CHIP).replace(adc_bits=7), "lstm") == "int8"


def test_primitives_of_ramps_and_devices_run_on_any_chip() -> None:
    chip = hwsim.load_chip(CHIP)
    ramp = {"function": "sigmoid", "bits": 5, "out_min": 0, "out_max": 1}
    assert api.primitive("ramp_step_ratio", chip, ramp)["count"] == pytest.approx(5.8, rel=1e-3)
    assert api.primitive("ramp_threshold", chip, {**ramp, "index": 31})["count"] == pytest.approx(3.4339872)
    assert api.primitive("ramp_cells", chip, {"bits": 5})["count"] == 32
    assert api.primitive("ramp_cells", chip, {"bits": 5, "part": "calibration"})["count"] == 5
    error = api.primitive("programming_sigma", chip, {"device_model": "rram_wan_crosssim", "conductance_s": 5e-6})
    assert error["count"] == pytest.approx(1.967e-6, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "arguments", "error", "message"),
    [
        ("ramp_threshold", {"function": "sigmoid", "bits": 5, "index": 32, "out_min": 0, "out_max": 1}, InvalidTrace, "index"),
        ("ramp_step_ratio", {"function": "swish", "bits": 5, "out_min": 0, "out_max": 1}, InvalidMapping, "falls before its minimum"),
        ("adc_conversion", {"adc": "survey", "bits": 5}, InvalidTrace, "rate_hz, node_nm"),
        ("adc_conversion", {"adc": "survey", "bits": 5, "rate_hz": 1e9, "node_nm": 16, "clock_hz": 1e9}, InvalidTrace, "rate_hz"),
        ("adc_conversion", {"adc": "sar", "bits": 5, "node_nm": 16}, InvalidTrace, "clock_hz"),
        ("adc_conversion", {"adc": "pipeline", "bits": 5}, InvalidTrace, "one of"),
        ("array_mvm", {"input_bits": 5, "weight_bits": 1, "output_bits": 5}, UnsupportedOp, "family 'ramp_array'"),
    ],
)
def test_primitives_refuse_what_has_no_answer(name: str, arguments: dict[str, Any], error: type[HwsimError], message: str) -> None:
    with pytest.raises(error, match=message):
        api.primitive(name, hwsim.load_chip(CHIP), arguments)


def test_timesteps_repeat_work_beside_the_arrays_and_the_bytes() -> None:
    once, four = (run("lif", neurons=64, dtype="int8", attrs=attrs) for attrs in ({}, {"timesteps": 4}))
    assert four.part("energy_j", component="digital_energy") == pytest.approx(4 * once.part("energy_j", component="digital_energy"))
    assert four.cost.bytes_by_level()["buffer"] == 4 * once.cost.bytes_by_level()["buffer"]
    spikes = run("matmul", m=2, k=64, n=16, attrs={"timesteps": 4, "spike_rate": 0.1})
    assert spikes.cost.bytes_by_level()["buffer"] == 4 * (2 * 64 / 8 + 2 * 16)


@pytest.mark.parametrize(
    ("chip", "own", "other"),
    [("sinangil", "pulse_count", "pwm"), ("jia", "bit_serial", "pulse_count"), ("isaac", "bit_serial", "pwm"), ("neurram", "pwm", "bit_serial")],
)
def test_how_inputs_enter_may_be_stated_and_cannot_be_exchanged(chip: str, own: str, other: str) -> None:
    clock = load_target("crossbar").primitives["clock_period"]
    loaded = hwsim.load_chip(chip)
    assert clock(loaded, {}, {"input_encoding": own}) == clock(loaded, {}, {})
    with pytest.raises(InvalidMapping, match=f"input_encoding is one of {own} on this chip"):
        clock(loaded, {}, {"input_encoding": other})


@pytest.mark.parametrize("chip", ["jia", "sinangil", "wang", "colonnade", "aimc1"])
def test_the_whole_macro_is_a_component(chip: str) -> None:
    component = load_target("crossbar").primitives["component"]
    loaded = hwsim.load_chip(chip)
    assert component(loaded, {"component": "macro"}, {})["area_mm2"] > component(loaded, {"component": "array"}, {})["area_mm2"] > 0


def test_pulses_are_not_longer_than_ramps() -> None:
    with pytest.raises(UnsupportedOp, match="inputs of 32 bits"):
        run("matmul", m=1, k=8, n=8, dtype="int32")


def test_columns_of_a_ramp_do_not_share_comparators() -> None:
    assert run("matmul", {"columns_per_adc": 1}, m=1, k=8, n=8).latency_s == run("matmul", m=1, k=8, n=8).latency_s
    with pytest.raises(InvalidMapping, match="comparator of its own"):
        run("matmul", {"columns_per_adc": 4}, m=1, k=8, n=8)
