"""The kernels' instruction mixes count what the NumPy references really do, on the busiest core and on core 0 alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.core.graph import Graph, single_op
from hwsim.core.op import Op
from hwsim.targets.cluster import kernels as _registered  # noqa: F401
from hwsim.targets.cluster import reference as ref
from hwsim.targets.cluster.kernel import Work, find
from hwsim.targets.cluster.machine import Machine, machine
from hwsim.targets.cluster.mapping import parse_options

RNG = np.random.default_rng(3)
FLOATS = ("fadd", "fsub", "fmul", "fcmp", "fdiv", "i2f", "f2i")
CHIP, WOLF = hwsim.load_chip("pulp-open"), hwsim.load_chip("mr-wolf")
TEAMS = st.sampled_from([1, 2, 4, 8])
SIZES = st.integers(1, 40)


def work_of(kind: str, cores: int, chip: Chip = CHIP, dtype: str = "fp32", mapping: dict[str, Any] | None = None, **bounds: Any) -> Work:
    op, m = described(kind, cores, chip, dtype, mapping, **bounds)
    make = find(op, m)
    assert make is not None
    return make(op, m)


def described(kind: str, cores: int, chip: Chip, dtype: str, mapping: dict[str, Any] | None, **bounds: Any) -> tuple[Op, Machine]:
    (op,) = single_op(kind, dtype=dtype, **bounds).ops
    return op, machine(chip, parse_options({"cores": cores, **(mapping or {})}))


def counted(work: Work, sequential: bool) -> Counter[str]:
    """Floating-point operations of the busiest core between barriers, or of core 0 alone."""
    total: Counter[str] = Counter()
    for loop in work.loops:
        if loop.sequential == sequential:
            total.update({("fmac" if n == "fma" else n): c * loop.passes for n, c in loop.mix.counts.items() if n == "fma" or n in FLOATS})
    return +total


def agree(work: Work, truth: ref.Work) -> None:
    busiest = Counter({n: max(c[n] for c in truth.cores) for n in (*FLOATS, "fmac")})
    assert counted(work, sequential=False) == +busiest
    alone = Counter({n: c for n, c in truth.alone.items() if n in (*FLOATS, "fmac")})
    assert counted(work, sequential=True) == +alone
    assert work.barriers == truth.barriers


@settings(max_examples=25, deadline=None)
@given(cores=TEAMS, features=SIZES, classes=SIZES, isa=st.sampled_from(["rv32imc", "xpulp"]), split=st.sampled_from(["horizontal", "vertical"]))
def test_svm(cores: int, features: int, classes: int, isa: str, split: str) -> None:
    truth = ref.svm(RNG.normal(size=features), RNG.normal(size=(classes, features)), np.zeros(classes), cores, split)[2]
    work = work_of("svm", cores, mapping={"isa": isa, "split": split}, features=features, classes=classes)
    if split == "vertical":  # a bias is an add of the class's own core in the reference, the first summand in the kernel
        for core in truth.cores:
            del core["fadd"]
    agree(work, truth)


@settings(max_examples=15, deadline=None)
@given(cores=TEAMS, features=SIZES, classes=SIZES)
def test_logistic_regression(cores: int, features: int, classes: int) -> None:
    truth = ref.logistic_regression(RNG.normal(size=features), RNG.normal(size=(classes, features)), np.zeros(classes), cores)[2]
    agree(work_of("logistic_regression", cores, features=features, classes=classes), truth)


@settings(max_examples=15, deadline=None)
@given(cores=TEAMS, features=SIZES, classes=SIZES, isa=st.sampled_from(["rv32imc", "xpulp"]))
def test_gaussian_nb(cores: int, features: int, classes: int, isa: str) -> None:
    pairs = np.ones((classes, features))
    truth = ref.gaussian_nb(RNG.normal(size=features), pairs, pairs, np.zeros(classes), cores)[2]
    agree(work_of("gaussian_nb", cores, mapping={"isa": isa}, features=features, classes=classes), truth)


@settings(max_examples=15, deadline=None)
@given(cores=TEAMS, samples=st.integers(16, 60), features=SIZES, neighbours=st.integers(1, 2), isa=st.sampled_from(["rv32imc", "xpulp"]))
def test_knn(cores: int, samples: int, features: int, neighbours: int, isa: str) -> None:
    truth = ref.knn(RNG.normal(size=features), RNG.normal(size=(samples, features)), neighbours, cores)[1]
    agree(work_of("knn", cores, mapping={"isa": isa}, samples=samples, features=features, neighbours=neighbours), truth)


@settings(max_examples=15, deadline=None)
@given(cores=TEAMS, samples=st.integers(8, 60), features=SIZES, clusters=st.integers(1, 12))
def test_kmeans(cores: int, samples: int, features: int, clusters: int) -> None:
    truth = ref.kmeans(RNG.normal(size=(samples, features)), RNG.normal(size=(clusters, features)), cores)[1]
    agree(work_of("kmeans", cores, samples=samples, features=features, clusters=clusters), truth)


@settings(max_examples=15, deadline=None)
@given(cores=TEAMS, trees=st.integers(1, 20), depth=st.integers(1, 6))
def test_random_forest(cores: int, trees: int, depth: int) -> None:
    index, leaf = RNG.integers(0, 5, size=(trees, 2**depth - 1)), RNG.integers(0, 3, size=(trees, 2**depth))
    truth = ref.random_forest(RNG.normal(size=5), index, RNG.normal(size=index.shape), leaf, 3, cores)[1]
    agree(work_of("random_forest", cores, trees=trees, depth=depth, features=5, classes=3), truth)


def test_emulated_sums_are_calls() -> None:
    native = counted(work_of("svm", 1, features=16, classes=2), sequential=False)
    emulated = counted(work_of("svm", 1, mapping={"fp": "libgcc"}, features=16, classes=2), sequential=False)
    assert native == Counter({"fmac": 32.0})
    assert emulated["fmul"] == 32
    assert emulated["fadd"] == pytest.approx(32 * CHIP.number("soft_accumulate"))


@pytest.mark.parametrize("dtype", ["int32", "int16", "int8", "fp32"])
@settings(max_examples=15, deadline=None)
@given(rows=SIZES, cols=SIZES, depth=SIZES)
def test_a_matrix_product_on_one_core_does_each_of_its_products_once(dtype: str, rows: int, cols: int, depth: int) -> None:
    """Blocks, and the depths, rows and columns left over."""
    work = work_of("matmul", 1, WOLF, dtype, {"flow": "pulp-dsp"}, m=rows, k=depth, n=cols)
    packed = {"int32": 1, "int16": 2, "int8": 4, "fp32": 1}[dtype]
    done = sum(loop.passes * (loop.mix.counts.get("mac", 0) + loop.mix.counts.get("fma", 0) + packed * loop.mix.counts.get("sdot", 0))
               for loop in work.loops)  # fmt: skip
    assert done == rows * cols * depth


def cycles_of(graph: Graph, cores: int, chip: Chip = WOLF) -> float:
    return float(hwsim.simulate(graph, chip, {"cores": cores, "flow": "pulp-dsp"}, interval=False).cycles)


@settings(max_examples=20, deadline=None)
@given(dtype=st.sampled_from(["int32", "int16", "int8", "fp32"]), rows=SIZES, cols=SIZES, depth=SIZES, cores=st.sampled_from([2, 3, 5, 8]))
def test_a_team_is_at_most_as_many_times_faster_as_it_has_cores(dtype: str, rows: int, cols: int, depth: int, cores: int) -> None:
    graph = single_op("matmul", m=rows, k=depth, n=cols, dtype=dtype)
    assert cycles_of(graph, cores) * cores >= cycles_of(graph, 1)


@pytest.mark.parametrize("kind", ["matmul", "convolve", "dot", "fft"])
@pytest.mark.parametrize("cores", [1, 8])
def test_more_work_takes_longer(kind: str, cores: int) -> None:
    sizes = {"matmul": ("m", "k", "n"), "convolve": ("len_a", "len_b"), "dot": ("elements",), "fft": ("points",)}[kind]
    dtype = "fp32" if kind == "fft" else "int32"
    small, large = (single_op(kind, dtype=dtype, **dict.fromkeys(sizes, size)) for size in (64, 128))
    assert cycles_of(small, cores) < cycles_of(large, cores)


@pytest.mark.parametrize("dtype", ["int32", "int16", "int8"])
def test_a_convolution_does_all_its_products(dtype: str) -> None:
    work = work_of("convolve", 1, WOLF, dtype, {"flow": "pulp-dsp"}, len_a=64, len_b=160)
    packed = {"int32": 1, "int16": 2, "int8": 4}[dtype]
    done = sum(loop.passes * (loop.mix.counts.get("mac", 0) + packed * loop.mix.counts.get("sdot", 0)) for loop in work.loops)
    assert done == 64 * 160


@pytest.mark.parametrize("kind", ["knn", "kmeans", "random_forest"])
def test_what_has_no_classes_to_deal_is_not_split_by_them(kind: str) -> None:
    sizes = {"knn": {"samples": 8, "features": 4, "neighbours": 2}, "kmeans": {"samples": 8, "features": 4, "clusters": 2},
             "random_forest": {"trees": 2, "depth": 3, "features": 4, "classes": 2}}[kind]  # fmt: skip
    with pytest.raises(InvalidMapping, match="horizontal"):
        work_of(kind, 2, mapping={"split": "vertical"}, **sizes)


def test_an_fft_of_another_radix_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="radix 4"):
        work_of("fft", 1, points=64, radix=4)
