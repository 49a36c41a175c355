"""ISAAC: peaks at other widths, totals that add up, networks on tiles, copies, chips, what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target

CHIP = hwsim.load_chip("isaac")


def primitive(name: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    return dict(load_target("crossbar").primitives[name](CHIP, arguments, mapping or {}))


def run(network: str, mapping: dict[str, Any] | None = None, **options: Any) -> Report:
    return hwsim.simulate(hwsim.load_graph(network, dtype=options.pop("dtype", "int16"), **options), CHIP, mapping=mapping or {}, interval=False)


def figure(report: Report, name: str) -> float:
    return report.cost.program.figures[name]


@pytest.mark.parametrize(("inputs", "weights"), [(16, 16), (8, 8), (8, 16), (16, 4), (1, 2), (4, 6)])
def test_peak_follows_reads_and_slices(inputs: int, weights: int) -> None:
    """168 x 12 x 8 arrays of 128 x 128 cells; a weight takes bits / 2 columns, an input one read of 100 ns per bit. The power stays."""
    per_array = 128 * (128 // -(-weights // 2))
    got = primitive("chip_peak", input_bits=inputs, weight_bits=weights)
    assert got["tops"] == pytest.approx(2 * 168 * 12 * 8 * per_array / (inputs * 100e-9) / 1e12)
    assert got["power_w"] == pytest.approx(65.8, rel=0.005)
    assert got["tops_per_w"] == pytest.approx(got["tops"] / got["power_w"])


def test_peak_of_shared_converters() -> None:
    """Four arrays on one converter: four times the cycle; a quarter of the converters' power and area."""
    alone, shared = (primitive("chip_peak", {"columns_per_adc": s}, input_bits=16, weight_bits=16) for s in (128, 512))
    assert alone["tops"] / shared["tops"] == pytest.approx(4)
    assert alone["power_w"] - shared["power_w"] == pytest.approx(0.75 * 168 * 12 * 8 * 2e-3)
    assert alone["area_mm2"] - shared["area_mm2"] == pytest.approx(0.75 * 168 * 12 * 8 * 1.2e-3)


def test_a_weight_wider_than_an_array_is_refused() -> None:
    assert primitive("chip_peak", {"array_columns": 16, "columns_per_adc": 16}, input_bits=8, weight_bits=32)["tops"] > 0
    with pytest.raises(InvalidTrace, match="takes 17 columns; an array has 16"):
        primitive("chip_peak", {"array_columns": 16, "columns_per_adc": 16}, input_bits=8, weight_bits=34)


def test_totals_are_the_sums_of_their_parts() -> None:
    ima, tile, tiles, whole = (primitive("component", component=c) for c in ("ima", "tile", "tiles", "chip"))
    link = primitive("component", component="chip_link")
    for metric in ("power_w", "area_mm2"):
        rest = 0.25 * primitive("component", component="router")[metric] + 2 * primitive("component", component="sigmoid_unit")[metric]
        rest += sum(primitive("component", component=c)[metric] for c in ("edram", "edram_bus", "max_pool", "tile_shift_add", "output_register_tile"))
        assert tile[metric] == pytest.approx(12 * ima[metric] + rest)
        assert tiles[metric] == pytest.approx(168 * tile[metric])
        assert whole[metric] == pytest.approx(tiles[metric] + link[metric])


def test_shares_of_the_published_tile() -> None:
    """Converters take 58 % of a tile's power and 31 % of its area; memory and its bus 47 % of the area."""
    tile = primitive("component", component="tile")
    converters = {m: 96 * primitive("component", component="adc")[m] for m in ("power_w", "area_mm2")}
    assert converters["power_w"] / tile["power_w"] == pytest.approx(0.58, abs=0.01)
    assert converters["area_mm2"] / tile["area_mm2"] == pytest.approx(0.31, abs=0.01)


@given(st.integers(1, 16), st.integers(1, 16))
def test_a_vector_through_a_unit(inputs: int, weights: int) -> None:
    """Products per joule fall as reads and slices grow; parts add up to the whole."""
    got = primitive("array_mvm", input_bits=inputs, weight_bits=weights, output_bits=16)
    assert got["latency_s"] == pytest.approx((inputs + 2) * 100e-9)
    parts = ("array", "dac", "adc", "shift_add", "sample_hold", "input_register", "output_register_ima")
    pieces = [primitive("array_mvm", input_bits=inputs, weight_bits=weights, output_bits=16, component=c)["energy_j"] for c in parts]
    assert sum(pieces) == pytest.approx(got["energy_j"])
    assert got["energy_j"] == pytest.approx(inputs * primitive("array_mvm", input_bits=1, weight_bits=weights, output_bits=16)["energy_j"])


def test_units_at_once() -> None:
    one, all_of_them = (primitive("array_mvm", input_bits=16, weight_bits=16, output_bits=16, cores=n) for n in (1, 2016))
    assert all_of_them["tops"] == pytest.approx(2016 * one["tops"]) == pytest.approx(primitive("chip_peak", input_bits=16, weight_bits=16)["tops"])
    with pytest.raises(InvalidTrace, match="cores"):
        primitive("array_mvm", input_bits=16, weight_bits=16, output_bits=16, cores=2017)
    with pytest.raises(InvalidTrace, match="average_input_value"):
        primitive("array_mvm", input_bits=16, weight_bits=16, output_bits=16, average_input_value=0.5)


def test_conversions() -> None:
    assert primitive("adc_conversion", adc="sar", bits=8)["latency_s"] == pytest.approx(1 / 1.28e9)
    assert primitive("adc_conversion", adc="sar", bits=8, rate_hz=1e9)["latency_s"] == pytest.approx(1e-9)
    assert primitive("adc_conversion", adc="sar", bits=8, clock_hz=9e9)["latency_s"] == pytest.approx(1e-9)  # 8 decisions and a sample
    with pytest.raises(InvalidTrace, match="not both"):
        primitive("adc_conversion", adc="sar", bits=8, clock_hz=9e9, rate_hz=1e9)
    with pytest.raises(InvalidTrace, match="adc is one of sar"):
        primitive("adc_conversion", adc="nl_ramp", bits=5)
    with pytest.raises(InvalidTrace, match="capacitors do not follow"):
        primitive("adc_conversion", adc="sar", bits=8, node_nm=16)
    assert primitive("clock_period")["latency_s"] == 100e-9


# networks


def test_resnet18_lies_on_the_arrays_that_its_weights_take() -> None:
    """Arrays by hand: a 3 x 3 convolution of 64 channels has 576 rows and 512 columns, 5 x 4 arrays; and so on over the network."""
    report = run("resnet18", {"duplication": 1})
    layers = [(147, 64, 1), (576, 64, 4), (576, 128, 1), (1152, 128, 3), (64, 128, 1), (1152, 256, 1), (2304, 256, 3), (128, 256, 1),
              (2304, 512, 1), (4608, 512, 3), (256, 512, 1), (512, 1000, 1)]  # fmt: skip
    assert figure(report, "arrays") == sum(n * -(-rows // 128) * -(-8 * columns // 128) for rows, columns, n in layers) == 5724
    assert figure(report, "tiles") == -(-5724 // 96)
    assert report.latency_s > 48e-3  # 112 x 112 and four times 56 x 56 pixels of 1.6 us, and the rest


def test_balanced_copies_share_the_arrays_by_pixels() -> None:
    alone, balanced = run("resnet18", {"duplication": 1}), run("resnet18")
    copies: Any = balanced.cost.program.mapping["copies"]
    assert copies["conv.1"] == pytest.approx(4 * copies["conv.5"], abs=2)
    assert figure(balanced, "arrays") <= 16128 and figure(balanced, "tile_share") > 0.9
    assert balanced.latency_s < alone.latency_s / 10
    assert figure(balanced, "pipelined_inferences_per_s") > 50 * figure(alone, "pipelined_inferences_per_s")
    assert balanced.part("energy_j", component="adc") == pytest.approx(alone.part("energy_j", component="adc"))


def test_layers_at_once_are_never_slower_than_one_after_another() -> None:
    for network in ("resnet18", "mlperf-tiny-ic"):
        report = run(network)
        assert figure(report, "pipelined_inferences_per_s") >= 1 / report.latency_s
        assert figure(report, "pipelined_inference_j") <= report.energy_j


def test_a_network_beyond_the_chip_needs_more_chips() -> None:
    with pytest.raises(Infeasible) as caught:
        run("vgg16")
    assert (caught.value.demand, caught.value.bound) == (67576, 16128)
    report = run("vgg16", {"chips": 5})
    assert report.area_mm2 == pytest.approx(5 * 85.38, rel=1e-3)
    assert figure(report, "arrays") <= 5 * 16128


def test_narrow_weights_and_inputs_are_faster() -> None:
    wide, narrow = run("vgg16", {"chips": 5, "duplication": 1}), run("vgg16", {"chips": 5, "duplication": 1}, dtype="int8")
    assert wide.part("cycles", component="array") == pytest.approx(2 * narrow.part("cycles", component="array"))
    assert figure(wide, "arrays") >= 1.9 * figure(narrow, "arrays")


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [("lstm", {"input_size": 64, "hidden_size": 64}), ("softmax", {"rows": 4, "cols": 64}), ("norm", {"rows": 4, "cols": 64})],
)
def test_products_of_activations_have_no_unit(kind: str, bounds: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedOp, match="nonlinear, max-pool and shift-and-add units only"):
        hwsim.simulate(single_op(kind, **bounds, dtype="int16", weight_dtype="int16"), CHIP, interval=False)


def test_units_beside_the_arrays_are_hidden_until_they_are_slower() -> None:
    """A relu right after a matrix takes no time of its own; alone, its elements pass two units of one tile at 1.2 GHz."""
    assert run("resnet18").part("cycles", component="relu") == 0
    alone = hwsim.simulate(single_op("elementwise", rows=1000, cols=1000, function="relu", dtype="int16"), CHIP, interval=False)
    assert alone.latency_s == pytest.approx(1e6 / 2 / 1.2e9)


def test_spare_adders_are_what_int8_lacks() -> None:
    """Halved reads and doubled outputs per read make the adders of the tiles the slowest part of residual sums."""
    assert run("resnet18", dtype="int8").part("cycles", component="add") > run("resnet18").part("cycles", component="add")


def test_weights_written_at_each_use_come_over_the_link() -> None:
    graph = hwsim.load_graph("bert-base", dtype="int16", sequence=64)
    with pytest.raises(UnsupportedOp):
        hwsim.simulate(graph, CHIP, mapping={"reprogram": True}, interval=False)
    small = CHIP.replace(chip_tiles=30.0)
    report = hwsim.simulate(hwsim.load_graph("resnet18", dtype="int16"), small, mapping={"reprogram": True}, interval=False)
    assert report.part("energy_j", component="write_energy") > 0
    assert "pipelined_inferences_per_s" not in report.cost.program.figures
    assert report.part("cycles", component="interconnect") / 10e6 > 8e6 * 2 / 25.6e9  # most of the weights, 2 bytes each


def test_rows_under_a_kernel_that_exceed_the_memory_are_warned_of() -> None:
    """3 rows of 224 pixels of 64 channels of 2 bytes are 84 KiB; one tile has 64, and a second one holds the other half."""
    conv: dict[str, Any] = {"n": 1, "c": 64, "h": 8, "w": 224, "k": 64, "r": 3, "s": 3, "pad": 1, "dtype": "int16", "weight_dtype": "int16"}
    alone = hwsim.simulate(single_op("conv2d", **conv), CHIP, mapping={"duplication": 1}, interval=False)
    spread = hwsim.simulate(single_op("conv2d", **conv), CHIP, mapping={"duplication": 8}, interval=False)
    assert any("exceed the 64 KiB" in w for w in alone.cost.program.warnings)
    assert not any("exceed the" in w for w in spread.cost.program.warnings)
