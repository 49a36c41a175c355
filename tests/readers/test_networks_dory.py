"""DORY's networks: multiply-accumulates of the ONNX files (to 1 %), map sizes on the way, padding along one direction."""

from __future__ import annotations

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import single_op
from hwsim.readers.networks import read_network

PUBLISHED = {
    "dory-penguinet": 14.139e6, "dory-dronet": 41.103e6, "dory-dronet-no-pool": 53.171e6, "dory-residual-1": 15.540e6, "dory-residual-2": 15.700e6,
    "dory-smartagri": 19.289e6, "dory-dscnn": 2.657e6, "dory-tcn-t": 0.979e6, "dory-tcn-test": 18.327e6,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_work_is_the_published_one(name: str) -> None:
    assert read_network(name, dtype="int8").macs == pytest.approx(PUBLISHED[name], rel=1e-3)


@pytest.mark.parametrize(
    ("name", "features"), [("dory-penguinet", 1920), ("dory-dronet", 6272), ("dory-residual-1", 10000), ("dory-tcn-t", 1540), ("dory-tcn-test", 684)]
)
def test_the_classifier_reads_what_is_left(name: str, features: int) -> None:
    last = [op for op in read_network(name).ops if op.kind == "matmul"][-1]
    assert last["k"] == features


def test_lengths_of_the_padded_sequence() -> None:
    lengths = [op.results[0][3] for op in read_network("dory-tcn-test").ops if op.kind == "conv2d"]
    assert lengths == [256, 256, 256, 128, 134, 138, 69, 69, 18]


def test_a_flat_convolution_pads_its_width_only() -> None:
    op = single_op("conv2d", n=1, c=4, h=1, w=128, k=8, r=1, s=3, pad=4, flat=1).ops[0]
    assert op.results == ((1, 8, 1, 134),)
    assert op.macs == 8 * 134 * 4 * 3


@pytest.mark.parametrize("change", [{"h": 2}, {"r": 3, "pad": 1}, {"s": 1}, {"flat": 2}, {"same": 1, "pad": 0}])
def test_flat_is_refused_for_what_is_no_sequence(change: dict[str, int]) -> None:
    with pytest.raises(InvalidTrace, match="flat"):
        single_op("conv2d", **{"n": 1, "c": 4, "h": 1, "w": 128, "k": 8, "r": 1, "s": 3, "pad": 4, "flat": 1, **change})
