"""PUMA: published components, steps of a core, recurrent and dense networks, operands that must be written, leakage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidTrace
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target

CHIP = hwsim.load_chip("puma")
LANES = 4


def primitive(name: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    return dict(load_target("crossbar").primitives[name](CHIP, arguments, mapping or {}))


def op(kind: str, mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    graph = single_op(kind, **{"dtype": "int16", "weight_dtype": "int16", **bounds})
    return hwsim.simulate(graph, CHIP, mapping=mapping or {}, interval=False)


def slot(report: Report, row: int, name: str) -> float:
    return float(report.cost.values[row, [s.name for s in report.cost.program.slots].index(name)])


def test_peak() -> None:
    """138 tiles x 16 units of 128 x 128 weights, 16 reads of 100 ns; 8-bit weights and inputs: half the slices, half the reads."""
    got = primitive("chip_peak", input_bits=16, weight_bits=16)
    assert got["tops"] == pytest.approx(2 * 138 * 16 * 128 * 128 / 1.6e-6 / 1e12)
    assert primitive("chip_peak", input_bits=8, weight_bits=8)["tops"] == pytest.approx(4 * got["tops"])


def test_two_converters_per_unit_at_the_speed_of_one_array_each() -> None:
    slow = primitive("chip_peak", {"adc_s_per_bit": 12.5e-9 / 128}, input_bits=16, weight_bits=16)
    assert primitive("chip_peak", input_bits=16, weight_bits=16)["tops"] / slow["tops"] == pytest.approx(4)


def test_a_converter_per_array_adds_area_and_watts_but_no_speed() -> None:
    two, eight = (primitive("chip_peak", {"columns_per_adc": c}, input_bits=16, weight_bits=16) for c in (512, 128))
    assert eight["tops"] == pytest.approx(two["tops"])
    assert eight["area_mm2"] - two["area_mm2"] == pytest.approx(138 * 16 * 6 * 0.0012)


def test_converter_power_is_linear_in_bits() -> None:
    assert primitive("component", component="adc")["power_w"] == pytest.approx(2e-3)
    assert primitive("component", {"adc_bits": 4}, component="adc")["power_w"] == pytest.approx(1e-3)
    assert [primitive("adc_conversion", adc="sar", bits=b)["latency_s"] for b in (4, 8)] == pytest.approx([50e-9 / 512, 100e-9 / 512])


def test_names_of_the_authors_and_of_isaac() -> None:
    assert primitive("component", component="xbar_in_mem") == primitive("component", component="input_register")
    assert primitive("component", component="act") == primitive("component", component="sigmoid_unit")
    core, unit = primitive("component", component="core"), primitive("component", component="matrix_unit")
    rest = sum(primitive("component", component=c)["area_mm2"] for c in ("alu", "act", "data_mem", "instr_mem", "core_control"))
    lanes = 3 * primitive("component", component="alu")["area_mm2"]  # four in all
    assert core["area_mm2"] == pytest.approx(2 * unit["area_mm2"] + rest + lanes)
    with pytest.raises(InvalidTrace, match="max_pool"):
        primitive("component", component="max_pool")


def test_a_clock_is_a_nanosecond() -> None:
    assert primitive("clock_period")["latency_s"] == 1e-9
    assert primitive("clock_period", {"clock_hz": 5e8})["latency_s"] == 2e-9


# operators


def test_an_lstm_step_reads_its_gates_and_updates_its_cell_on_the_lanes() -> None:
    """256 x 512 gates: 2 row parts x 32 arrays = 64 arrays = 4 cores. Five functions and four operations per hidden unit."""
    steps, hidden = 3, 128
    report = op("lstm", input_size=128, hidden_size=hidden, steps=steps)
    gates, cell = 0, 1
    assert slot(report, gates, "array") == pytest.approx(steps * 1600)
    assert slot(report, cell, "digital") == pytest.approx(steps * (4 * hidden / (4 * LANES) + 5 * hidden / 4))
    assert slot(report, gates, "accumulation") == pytest.approx(steps * 4 * hidden / (4 * LANES))


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 4), st.sampled_from([32, 100, 256]), st.sampled_from([32, 90, 200]))
def test_steps_of_a_recurrence_add_up(steps: int, inputs: int, hidden: int) -> None:
    one, more = (op("lstm", input_size=inputs, hidden_size=hidden, steps=n) for n in (1, steps))
    assert more.cycles == pytest.approx(steps * one.cycles)
    assert more.energy_j == pytest.approx(steps * one.energy_j)


def test_copies_do_not_help_a_recurrence() -> None:
    assert op("lstm", {"duplication": 4}, input_size=64, hidden_size=64, steps=8).cycles == op("lstm", input_size=64, hidden_size=64, steps=8).cycles
    assert op("matmul", {"duplication": 4}, m=8, k=64, n=64).cycles < op("matmul", m=8, k=64, n=64).cycles


def test_a_multilayer_perceptron() -> None:
    """Ten layers, one vector each: 10 x 16 reads, and steps between them that take less than the reads."""
    report = hwsim.simulate(hwsim.load_graph("mlperf-tiny-ad", dtype="int16"), CHIP, interval=False)
    assert report.part("cycles", component="array") == 10 * 1600
    assert 16000 < report.cycles < 20000
    assert report.cost.program.figures["pipelined_inferences_per_s"] > 5 / report.latency_s


@pytest.mark.parametrize(
    ("function", "cycles"), [("relu", 100 * 100 / LANES / 8), ("sigmoid", 100 * 100 / 8), ("batch_norm", 2 * 100 * 100 / LANES / 8), ("copy", 0)]
)
def test_elementwise_work_takes_lanes_or_the_nonlinear_unit(function: str, cycles: float) -> None:
    """On the 8 cores of one tile where no matrix comes before."""
    assert slot(op("elementwise", rows=100, cols=100, function=function), 0, "digital") == pytest.approx(cycles, abs=1)


@pytest.mark.parametrize(("kind", "bounds"), [("softmax", {}), ("norm", {"function": "layer"}), ("elementwise", {"function": "gelu"})])
def test_what_transformers_need_beside_products(kind: str, bounds: dict[str, Any]) -> None:
    report = op(kind, rows=16, cols=64, **bounds)
    assert slot(report, 0, "digital") > 0 and report.energy_j > 0


def test_attention_writes_its_keys_and_values() -> None:
    """16 keys of 64 x 16 bits: 64 rows of an array for the scores and 16 for the mix, written anew; and a warning says so."""
    report = op("attention", heads=1, q=16, kv=16, head_dim=64)
    assert any("written into cells" in w for w in report.cost.program.warnings)
    written = 8 * 16 * 64
    assert report.part("energy_j", component="write_energy") == pytest.approx(2 * written * 0.229e-12)
    assert slot(report, 0, "write") == pytest.approx(351 / 32 * 1000 / 128)  # all arrays at once, one row time for at most 2208 rows


def test_a_transformer_beyond_the_chip_is_refused_or_rewritten() -> None:
    graph = hwsim.load_graph("bert-base", dtype="int16", sequence=64)
    with pytest.raises(Infeasible, match="reprogram"):
        hwsim.simulate(graph, CHIP, interval=False)
    report = hwsim.simulate(graph, CHIP, mapping={"reprogram": True}, interval=False)
    assert any("written at each use" in w for w in report.cost.program.warnings)
    missing = 43488 - 17664  # arrays
    assert report.part("latency_s", component="interconnect") > missing * 16384 * 2 / 8 / 6.4e9  # at least these weights, over the chip link


def test_leakage_flows_in_all_tiles() -> None:
    report = op("matmul", m=1, k=128, n=128)
    static = report.cost.program.static_power_w
    assert static["adc"] == pytest.approx(138 * 16 * 2 * 0.2e-3)
    assert static["edram"] == pytest.approx(138 * 0.46e-3)
    assert static["router"] == pytest.approx(138 / 4 * 0.41e-3)
    assert static["chip_link"] == 10.4
    assert report.energy_j > sum(static.values()) * report.latency_s


def test_a_slower_clock_slows_the_lanes_not_the_arrays() -> None:
    fast, slow = op("lstm", input_size=128, hidden_size=128), op("lstm", {"clock_hz": 5e8}, input_size=128, hidden_size=128)
    assert slow.part("latency_s", component="array") == pytest.approx(fast.part("latency_s", component="array"))
    assert slow.part("latency_s", component="digital") == pytest.approx(2 * fast.part("latency_s", component="digital"))
