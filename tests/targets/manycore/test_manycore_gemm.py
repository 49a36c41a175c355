"""Products: tiles, splits and rounds against hand counts; loops on the tensor, vector and scalar pipes against closed formulas."""

from __future__ import annotations

import math

import pytest

import hwsim
from hwsim.core.graph import single_op
from hwsim.targets.manycore.gemm import Operand, Product, operations, tile
from hwsim.targets.manycore.machine import machine
from hwsim.targets.manycore.mapping import parse_options
from hwsim.targets.manycore.residency import SCRATCHPAD
from hwsim.targets.manycore.trees import tree_levels

FULL = {"fp32": 520 + 9, "fp16": 520 + 9, "int8": 261 + 9}  # cycles of a full operation in a loop


@pytest.fixture(scope="module")
def chip():
    return hwsim.load_chip("et-soc-1")


def on(chip, **mapping):
    return machine(chip, parse_options(mapping), kernels=False)


def dense(m, k, n, dtype="fp32", **rest):
    operand = Operand(SCRATCHPAD, 4.0, 4.0 * m * k)
    return Product(1, m, k, n, dtype, operand, operand, operand, **rest)


def run(chip, mapping=None, **bounds):
    return hwsim.simulate(single_op("matmul", **bounds), chip, mapping or {}, interval=False)


def parts(report):
    return report.cost.by_component("cycles")


def test_a_chip_block_is_512_by_512(chip):
    t = tile(dense(512, 512, 512), on(chip))
    assert (t.tiles, t.split, t.rounds, t.steps, t.block) == (1024, 1, 1, 32, (4, 8, 1))
    assert tile(dense(513, 512, 512), on(chip)).rounds == 2


@pytest.mark.parametrize(("n", "split"), [(16, 32), (32, 32), (512, 32), (1024, 16), (16384, 1)])
def test_k_is_split_over_idle_minions(chip, n, split):
    assert tile(dense(1, 512, n), on(chip)).split == split


def test_a_forced_split_is_honoured(chip):
    t = tile(dense(1, 512, 16), on(chip, k_split=8))
    assert (t.split, math.ceil(t.steps / t.split)) == (8, 4)


def test_remainders_of_k_are_shorter_operations(chip):
    product = dense(512, 40, 512)
    assert operations(product, tile(product, on(chip)), on(chip)) == (2.0, 1.0)
    assert tile(product, on(chip)).tail_words == 8


@pytest.mark.parametrize("dtype", FULL)
def test_a_resident_product_runs_at_the_loop_of_the_tensor_unit(chip, dtype):
    k = 512 * {"fp32": 1, "fp16": 2, "int8": 4}[dtype]
    report = run(chip, {"operand_level": "l2scp"}, m=512, k=k, n=512, dtype=dtype)
    quant = {"fp32": 0, "fp16": 1, "int8": 4}[dtype] * 2 * 16
    assert parts(report)["compute"] == pytest.approx(32 * FULL[dtype] + quant)
    assert report.cycles == pytest.approx(max(parts(report)["compute"], parts(report)["scratchpad"]) + parts(report)["exposed"])


def test_an_int8_loop_is_held_by_the_read_buffer(chip):
    report = run(chip, {"operand_level": "l2scp"}, m=512, k=65536, n=512, dtype="int8")
    assert report.cycles / (65536 / 64) == pytest.approx(280.36, rel=0.003)


def test_without_double_buffering_each_operation_waits_for_its_rows(chip):
    resident = {"operand_level": "l2scp"}
    both = run(chip, resident, m=512, k=512, n=512, dtype="fp32"), run(chip, {**resident, "double_buffer": False}, m=512, k=512, n=512, dtype="fp32")
    assert parts(both[1])["compute"] - parts(both[0])["compute"] == pytest.approx(32 * 160)


def test_a_vector_product_streams_its_weights(chip):
    report = run(chip, {"operand_level": "l2scp"}, m=1, k=4096, n=4096, dtype="fp16")
    assert report.cycles == pytest.approx(4096 * 4096 * 2 / (32 * 128), rel=0.05)  # own scratchpads at 128 B per shire and cycle
    far = run(chip, {}, m=1, k=16384, n=16384, dtype="fp16")
    assert far.latency_s == pytest.approx(2 * 16384**2 / 76e9, rel=0.01)  # 512 MB from DRAM


def test_a_plain_loop_adds_issue_and_misses(chip):
    p = run(chip, {"unit": "simd"}, m=512, k=512, n=512, dtype="fp32").cost.program.params[0]
    cycles = 512 * 512 / 8 / 2048 * 512 * (6 / p["issue_alu"] + 1 / p["issue_vector"] + (1 + 1 / 16) * (p["l3_cycles"] + p["hart1_extra_cycles"]))
    assert parts(run(chip, {"unit": "simd"}, m=512, k=512, n=512, dtype="fp32"))["compute"] == pytest.approx(cycles)


def test_a_register_block_hides_its_issue_behind_its_misses(chip):
    mapping = {"unit": "simd", "operand_level": "l2scp", "register_block": (2, 16)}
    report = run(chip, mapping, m=512, k=512, n=512, dtype="fp32")
    blocks = 512 * 512 / 32 / 2048
    assert parts(report)["compute"] == pytest.approx(blocks * 512 * (1 + 2 / 16) * (47 + 3))


def test_a_small_set_is_served_by_l2(chip):
    small = run(chip, {"unit": "scalar", "harts": 64}, m=128, k=128, n=128, dtype="fp32")
    assert small.cost.values[0, [s.name for s in small.cost.program.slots].index("mesh")] == 0


def test_block_quantised_weights_follow_llama_cpp(chip):
    """Rows of K = 2048 over minions (two a minion), K over both harts; activations from L3, weights from DRAM once and from L2 again."""
    report = run(chip, {"runtime": "kernel_per_op"}, m=4, k=2048, n=2048, dtype="fp32", weight_dtype="q8_0")
    p = report.cost.program.params[0]
    vectors, lines = 2 / 2 * 4 * 2048 / 8, 2 / 2 * 2048 * 34 / 32 / 64
    extra = p["hart1_extra_cycles"]
    expected = vectors * (5 / p["issue_alu"] + 2 / p["issue_vector"]) + (4 * 2048 / 16) * (p["l3_cycles"] + extra)
    expected += lines * (p["l3_cycles"] + extra) + 3 * lines * (p["l2_latency_cycles"] + extra) + 2 * 4 * p["credit_shire_cycles"]
    assert parts(report)["compute"] == pytest.approx(expected, rel=1e-6)


def test_a_shire_tree_is_five_levels(chip):
    found = tree_levels(32, 32.0, 2, 1, on(chip))
    assert (found["tree_edges"], found["tree_levels"], found["tree_mesh_levels"]) == (6, 4, 0)
    assert found["all_sent_edges"] == 2 * 32 * (16 + 8 + 4) and found["all_sent_shire"] == 2 * 32 * (2 + 1)
    assert tree_levels(1024, 32.0, 1, 1, on(chip))["tree_mesh_levels"] == 5


def test_the_mechanism_of_trees_is_that_of_the_primitive(chip):
    for minions in (32, 256, 1024):
        report = hwsim.simulate(single_op("allreduce", elements=8, dtype="fp32"), chip, {"minions": minions, "shires": minions // 32}, interval=False)
        assert report.cycles == pytest.approx(hwsim.primitive("allreduce", chip, {"minions": minions, "bytes": 32})["cycles"])


def test_a_convolution_of_one_tap_is_a_product(chip):
    conv = hwsim.simulate(single_op("conv2d", n=1, c=256, h=32, w=32, k=128, r=1, s=1, dtype="fp16"), chip, {}, interval=False)
    assert parts(conv)["compute"] == pytest.approx(parts(run(chip, {}, m=1024, k=256, n=128, dtype="fp16"))["compute"])


def test_a_convolution_masks_its_rows(chip):
    """Seven pixels a row: tiles of seven rows, 14 u-ops per k; two steps of 32 channels for nine taps; one quantising step."""
    conv = hwsim.simulate(single_op("conv2d", n=16, c=64, h=7, w=7, k=128, r=3, s=3, pad=1, dtype="fp16"), chip, {}, interval=False)
    assert conv.cost.values[0, -1] == 7
    assert parts(conv)["compute"] == pytest.approx(18 * (8 + 15 * 14 + 14 + 9) + 2 * 7)


def test_depthwise_convolutions_run_on_the_vector_pipe(chip):
    conv = hwsim.simulate(single_op("conv2d", n=1, c=64, h=56, w=56, k=64, r=3, s=3, pad=1, groups=64, dtype="fp16"), chip, {}, interval=False)
    assert "tensor_j" not in conv.cost.by_component("joules")
