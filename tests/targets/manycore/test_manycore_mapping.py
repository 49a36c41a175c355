"""Mapping options: what they mean, and which combinations mean nothing."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import single_op
from hwsim.targets.manycore.machine import machine
from hwsim.targets.manycore.mapping import Options, Workers, parse_options, workers


@pytest.fixture(scope="module")
def chip():
    return hwsim.load_chip("et-soc-1")


def product(**bounds):
    return single_op("matmul", **{"m": 64, "k": 64, "n": 64, "dtype": "fp32", **bounds})


def test_the_command_line_writes_blocks_and_flags_as_words():
    options = parse_options({"unit": "simd", "register_block": "2x16", "include_launch": "true", "harts": "64"})
    assert options.register_block == (2, 16)
    assert options.include_launch is True
    assert options.harts == 64


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"unit": "vector"}, "one of scalar, simd, tensor"),
        ({"register_block": [2, 16]}, "state unit=scalar or unit=simd"),
        ({"unit": "tensor", "register_block": [16, 16]}, "the tensor unit's is 16x16"),
        ({"unit": "simd", "register_block": [2, 12]}, "multiple of 8"),
        ({"unit": "scalar", "register_block": [8, 8]}, "needs 66 of 32 registers"),
        ({"unit": "scalar", "double_buffer": True}, "choice of the tensor unit"),
        ({"unit": "simd", "k_split": 4}, "choice of the tensor unit"),
        ({"k_split": 3}, "no power of two"),
        ({"runtime": "kernel_per_op", "include_launch": True}, "queued launch already"),
        ({"runtime": "kernel_per_op", "operand_level": "l2scp"}, "passes them through memory"),
        ({"harts": 3, "minions": 1}, "neither one nor two"),
        ({"frequency_hz": -1}, "frequency_hz"),
        ({"shire": 3}, "did you mean shires"),
    ],
)
def test_what_means_nothing_is_refused(mapping, says):
    with pytest.raises(InvalidMapping, match=says):
        parse_options(mapping)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({}, Workers(32, 32, 1024, 2)),
        ({"harts": 1}, Workers(1, 1, 1, 1)),
        ({"harts": 512}, Workers(8, 32, 256, 2)),
        ({"harts": 512, "minions": 512}, Workers(16, 32, 512, 1)),
        ({"harts": 64, "shires": 1}, Workers(1, 32, 32, 2)),
        ({"unit": "tensor", "harts": 1024}, Workers(32, 32, 1024, 1)),
        ({"shires": 4}, Workers(4, 32, 128, 2)),
        ({"minions": 4, "shires": 4}, Workers(4, 1, 4, 2)),
    ],
)
def test_who_takes_part(chip, mapping, expected):
    assert workers(parse_options(mapping), chip) == expected


@pytest.mark.parametrize(
    "mapping", [{"shires": 33}, {"minions": 1025}, {"harts": 2049}, {"unit": "tensor", "harts": 1025}, {"shires": 1, "minions": 33}]
)
def test_nobody_takes_part_who_is_not_there(chip, mapping):
    with pytest.raises(InvalidMapping):
        workers(parse_options(mapping), chip)


@pytest.mark.parametrize(
    ("graph", "mapping"),
    [
        (single_op("norm", rows=4, cols=64), {"unit": "simd"}),
        (single_op("elementwise", rows=4, cols=64, function="relu"), {"operand_level": "l2scp"}),
        (product(), {"flash_attention": True}),
    ],
)
def test_an_option_that_nothing_uses_is_refused(chip, graph, mapping):
    with pytest.raises(InvalidMapping, match="serves none"):
        hwsim.simulate(graph, chip, mapping)


def test_a_launch_is_added_once(chip):
    alone = hwsim.simulate(product(), chip, {}, interval=False)
    launched = hwsim.simulate(product(), chip, {"include_launch": True}, interval=False)
    assert launched.latency_s - alone.latency_s == pytest.approx(chip.number("launch_sync_s"))
    queued = hwsim.simulate(product(), chip, {"runtime": "kernel_per_op"}, interval=False)
    assert queued.cost.by_component("cycles")["launch"] / 600e6 == pytest.approx(chip.number("launch_queued_s") + chip.number("kernel_extra_s"))


def test_the_stated_clock_is_the_clock(chip):
    report = hwsim.simulate(product(), chip, {"frequency_hz": 650e6}, interval=False)
    assert report.cost.program.clock_hz == 650e6
    with pytest.raises(InvalidMapping, match="no power or energy at 1000 MHz"):
        hwsim.simulate(product(), chip, {"frequency_hz": 1e9}, interval=False)


def test_flash_attention_is_the_default_of_a_compiled_graph_only(chip):
    assert machine(chip, Options(), kernels=False).flash
    assert not machine(chip, Options(), kernels=True).flash
    assert machine(chip, Options(flash_attention=True), kernels=True).flash


@pytest.mark.parametrize(
    ("bounds", "mapping", "says"),
    [
        ({"dtype": "bf16"}, {}, "unit=simd converts it"),
        ({"dtype": "fp16", "weight_dtype": "int8"}, {}, "operands of one format"),
        ({"dtype": "fp64"}, {}, "not fp64"),
        ({"dtype": "fp64"}, {"unit": "simd"}, "no conversion from fp64"),
        ({"dtype": "fp16"}, {"unit": "scalar"}, "scalar loops compute fp32"),
        ({"dtype": "fp32", "weight_dtype": "q8_0"}, {"unit": "tensor"}, "dequantised by the vector pipe"),
        ({"weight_density": 0.5}, {}, "no kernel skips zero weights"),
    ],
)
def test_products_without_a_model_say_why(chip, bounds, mapping, says):
    with pytest.raises(hwsim.core.errors.UnsupportedOp, match=says):
        hwsim.simulate(product(**bounds), chip, mapping)


def test_the_first_shires_sit_in_a_corner(chip):
    """Shire 0 is farther from the homes of lines than the average shire: its L3 hits take longer."""
    one, all_ = (hwsim.simulate(product(), chip, {"shires": n}, interval=False).cost.program.params[0] for n in (1, 32))
    assert one["home_hops"] == 5.0 and 3.7 < all_["home_hops"] < 3.8
    assert one["l3_cycles"] == pytest.approx(168.9, rel=0.02)
