"""DSP slices and chains against closed formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidChip, InvalidTrace, UnsupportedOp
from hwsim.targets.fpga.chain import chain_cycles, chain_fill, overflow_cycles
from hwsim.targets.fpga.dsp import chain_latency, chain_segment, packing_depth, products_per_slice, sparse_imbalance, vector_unit_slices

U280, VHK158 = hwsim.load_chip("u280"), hwsim.load_chip("vhk158")


def chain(**arguments: Any) -> dict[str, float]:
    return hwsim.primitive("dsp_chain", U280, arguments)


@pytest.mark.parametrize(
    ("bits", "shared", "dsp48", "dsp58"), [(4, True, 4, 4), (8, True, 2, 3), (8, False, 1, 1), (16, True, 1, 1), (18, False, 1, 1)]
)
def test_products_per_slice(bits: int, shared: bool, dsp48: int, dsp58: int) -> None:
    assert products_per_slice(U280, bits, bits, shared=shared) == dsp48
    assert products_per_slice(VHK158, bits, bits, shared=shared) == dsp58


def test_wide_products_fit_only_the_wider_multiplier() -> None:
    assert (products_per_slice(U280, 27, 18, shared=False), products_per_slice(U280, 27, 24, shared=False)) == (1, 0)
    assert (products_per_slice(VHK158, 24, 27, shared=False), products_per_slice(VHK158, 28, 8, shared=False)) == (1, 0)


@given(lane=st.integers(10, 24), bits=st.integers(2, 8), data=st.data())
def test_as_many_products_as_the_depth_says_never_leave_the_lane(lane: int, bits: int, data: st.DataObject) -> None:
    depth = min(packing_depth(lane, 2 * bits), 64)
    if depth < 1:
        return
    a = data.draw(st.lists(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), min_size=depth, max_size=depth))
    b = data.draw(st.lists(st.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1), min_size=depth, max_size=depth))
    assert -(2 ** (lane - 1)) <= int(np.dot(a, b)) < 2 ** (lane - 1)


def test_one_product_more_overflows() -> None:
    assert packing_depth(18, 16) == 8
    assert 8 * 127 * 128 < 2**17 <= 9 * 127 * 128  # -128 x -127
    assert packing_depth(10, 16) == 0


def test_chain_segments_follow_the_clock() -> None:
    assert [chain_segment(f, 0.741e-9, 0.605e-9) for f in (225e6, 300e6, 1 / 0.741e-9, 2e9)] == [7, 5, 1, 0]
    assert (chain_latency(16, 7), chain_latency(7, 7)) == (6, 4)


def test_finn_units() -> None:
    assert vector_unit_slices(U280, 8, 16, 4) == 2 * 16 and vector_unit_slices(U280, 8, 16, 8) == 4 * 16
    assert vector_unit_slices(VHK158, 8, 16, 8) == 8 * 6


def test_imbalance_of_lanes_that_advance_together() -> None:
    assert sparse_imbalance((4.0,), (1.0,), 64) == 1
    assert sparse_imbalance((16.0, 8.0, 4.0, 2.0), (0.25,) * 4, 1) == pytest.approx(1)
    assert sparse_imbalance((16.0, 8.0, 4.0, 2.0), (0.25,) * 4, 64) == pytest.approx(16 / 7.5, rel=1e-6)  # no gain left over dense
    two = (16 * 0.75 + 8 * 0.25) / 12  # the larger of two draws of 8 and 16
    assert sparse_imbalance((8.0, 16.0), (0.5, 0.5), 2) == pytest.approx(two)
    with pytest.raises(InvalidChip, match="add up to 1"):
        sparse_imbalance((8.0, 16.0), (0.5, 0.4), 2)


@given(lanes=st.integers(1, 100), share=st.floats(0.01, 0.99))
def test_imbalance_lies_between_one_and_the_worst_block(lanes: int, share: float) -> None:
    found = sparse_imbalance((2.0, 16.0), (share, 1 - share), lanes)
    assert 1 - 1e-12 <= found <= 16 / (2 * share + 16 * (1 - share)) + 1e-9


def test_a_dense_chain_runs_at_its_peak_after_one_fill() -> None:
    found = chain(m=128, k=4096, n=4096, rows=128, chain=16, outputs=2)
    assert found["macs_per_cycle"] == 4096 and found["dsp"] == 2048
    steady = 128 * 4096 * 4096 / 4096
    fill, adjust = 3 + 16 + 8, 1  # slice registers, cascade, reduction nodes; two segments of eight exact products
    assert found["cycles"] == steady + fill + adjust


def test_a_row_alone_cannot_pack_its_products() -> None:
    assert chain(k=64, n=64, outputs=64)["dsp"] == 64 * 16
    assert chain(k=64, n=64, rows=2, outputs=64)["dsp"] == 64 * 16


def test_sparsity_helps_when_lanes_are_balanced() -> None:
    dense, even = chain(k=4096, n=4096, outputs=64), chain(k=4096, n=4096, outputs=64, kept=8)
    mixed = chain(k=4096, n=4096, outputs=64, kept=[16, 8, 4, 2], chance=[0.25, 0.25, 0.25, 0.25])
    assert even["cycles"] == pytest.approx(dense["cycles"] / 2, rel=0.01)
    assert mixed["cycles"] == pytest.approx(dense["cycles"], rel=0.01) and mixed["utilisation"] < 0.5


def test_parts_of_a_chain() -> None:
    assert chain_cycles(1.0, 17.0, 3.0, 1.0, 16.0, 2.0, 1.0) == 4
    assert chain_fill(16.0, 2.0, 4.0) == 31 and chain_fill(16.0, 0.0, 0.0) == 19
    assert [overflow_cycles(n, 8.0) for n in (1.0, 8.0, 9.0, 16.0, 17.0)] == [0, 0, 1, 1, 2]


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UnsupportedOp, match="27-bit"):
        chain(k=16, n=16, bits=27)
    with pytest.raises(InvalidTrace, match="exceeds the block"):
        chain(k=16, n=16, kept=17)
    with pytest.raises(UnsupportedOp, match="dsp48e2"):
        hwsim.primitive("dsp58_chain_segment", U280, {}, {"clock_hz": 225e6})
    with pytest.raises(InvalidTrace, match="clock_hz"):
        hwsim.primitive("dsp58_chain_segment", VHK158)
