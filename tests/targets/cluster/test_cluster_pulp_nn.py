"""DORY's cost equations of PULP-NN against values worked out by hand, and their laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.targets.cluster.pulp_nn import convolution

COUNTS = st.integers(1, 70)


def test_a_pair_of_pixels_by_the_published_equation() -> None:
    # 32 inputs: a pair costs 27 + im2col + 127 + 8 blocks of 159 + 14 x 8; im2col of one position: 61 + 32 fs = 93 > 2 x 32 / 8
    assert convolution(32, 1, 32, 2, plain=False).cycles == 100 + 27 + 93 + 127 + 8 * (159 + 14 * 8)
    assert convolution(32, 1, 32, 2, plain=True).cycles == 62 + 27 + 135 + 8 * (159 + 14 * 8)


def test_a_single_pixel_with_channels_and_inputs_left_over() -> None:
    # 9 inputs (2 words, 1 over), 5 channels (one block, 1 over)
    expected = 100 + 20 + (38 + 16 * 9) + 94 + (82 + 9 * 2 + 12) + (28 + 3 * 2 + 5)
    assert convolution(1, 9, 5, 1, plain=False).cycles == expected


def test_long_columns_are_copied_by_words() -> None:
    # 512 inputs of one position: 2 x 512 / 8 bytes > 32, so 29 + 2 x 512 / 8
    pair = convolution(512, 1, 4, 2, plain=False).cycles - 100 - 27 - 127 - (159 + 14 * 128)
    assert pair == 29 + 2 * 512 / 8


def test_the_inner_block_bounds_the_rate() -> None:
    time = convolution(1024, 9, 256, 64, plain=False)
    rate = 1024 * 9 * 256 * 64 / time.cycles
    assert rate < 32 / 14
    assert rate == pytest.approx(32 / 14, rel=0.02)


@given(COUNTS, st.sampled_from([1, 9, 25]), COUNTS, COUNTS)
def test_more_work_never_takes_less(c: int, taps: int, k: int, pixels: int) -> None:
    base = convolution(c, taps, k, pixels, plain=False)
    assert 0 < base.accesses <= base.cycles
    for more in ((c + 4, taps, k, pixels), (c, taps, k + 4, pixels), (c, taps, k, pixels + 2)):
        assert convolution(*more, plain=False).cycles > base.cycles


@given(COUNTS, COUNTS)
def test_nothing_takes_nothing(c: int, k: int) -> None:
    assert convolution(c, 9, k, 0, plain=False).cycles == 0
