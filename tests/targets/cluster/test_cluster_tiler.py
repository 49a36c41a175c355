"""Tiles cover the layer once, fit the buffer, and their transfers count what they say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.core.errors import Infeasible
from hwsim.targets.cluster.tiler import Layer, Tiling, tile

CORES = 8
LAYERS = st.builds(
    lambda kind, c, k, size, r, stride: Layer(
        kind, c, size, size, k if kind in ("convolution", "pointwise", "linear") else c, -(-size // stride), -(-size // stride),
        1 if kind in ("pointwise", "linear", "add") else r, 1 if kind in ("pointwise", "linear", "add") else r, stride, constant_bytes=8,
    ),
    st.sampled_from(["convolution", "pointwise", "depthwise", "pool", "linear", "add"]),
    st.integers(1, 64), st.integers(1, 96), st.integers(4, 60), st.sampled_from([2, 3, 5]), st.sampled_from([1, 2]),
)  # fmt: skip


def used(cut: Tiling) -> float:
    """Bytes of one tile's tensors."""
    weights = cut.layer.weight_bytes_per_channel * cut.channels
    return cut.input_bytes(cut.rows, cut.columns, cut.channels) + cut.rows * cut.columns * cut.channels + weights


@settings(max_examples=60, deadline=None)
@given(LAYERS, st.sampled_from([9000.0, 20000.0, 38000.0, 60000.0]))
def test_tiles_cover_the_output_once_and_fit(layer: Layer, l1_bytes: float) -> None:
    try:
        cut = tile(layer, l1_bytes, CORES)
    except Infeasible as refused:
        assert "l1_bytes" in str(refused)
        return
    assert sum(p.count * p.rows * p.columns * p.channels for p in cut.pieces) == layer.k * layer.oh * layer.ow
    assert used(cut) * (2 if cut.doubled else 1) <= cut.used_bytes + 1e-6 <= l1_bytes + 1e-6
    assert cut.moved_out_bytes == layer.k * layer.oh * layer.ow
    assert cut.tiles == sum(p.count for p in cut.pieces)
    assert cut.lines >= 0


@settings(max_examples=30, deadline=None)
@given(LAYERS)
def test_more_l1_never_needs_more_tiles_than_one(layer: Layer) -> None:
    assert tile(layer, 1e9, CORES).tiles == 1


def test_a_layer_that_fits_is_one_tile_and_moves_each_byte_once() -> None:
    layer = Layer("convolution", 16, 8, 8, 16, 8, 8, 3, 3, constant_bytes=8)
    cut = tile(layer, 38000.0, CORES)
    assert (cut.tiles, cut.doubled, cut.lines) == (1, False, 0)
    assert cut.moved_in_bytes == 16 * 64 + 16 * (16 * 9 + 8)
    assert cut.used_bytes == cut.moved_in_bytes + 16 * 64 + 2 * CORES * 9 * 16  # im2col buffers


def test_halos_are_read_again() -> None:
    layer = Layer("convolution", 8, 100, 100, 4, 100, 100, 3, 3)
    cut = tile(layer, 20000.0, CORES)
    assert cut.plane_tiles > 1
    assert cut.moved_in_bytes > 8 * 100 * 100 + layer.weight_bytes_per_channel * 4


def test_small_depthwise_maps_are_cut_along_channels_only() -> None:
    cut = tile(Layer("depthwise", 256, 16, 16, 256, 16, 16, 3, 3, constant_bytes=8), 20000.0, CORES)
    assert (cut.rows, cut.columns) == (16, 16)
    assert cut.channels < 256


def test_part_of_the_channels_is_one_line_a_position_where_they_are_stored_last() -> None:
    last, first = (Layer("depthwise", 64, 20, 20, 64, 20, 20, 3, 3, channels_last=flag) for flag in (True, False))
    many, few = tile(last, 20000.0, CORES), tile(first, 20000.0, CORES)
    assert (many.rows, many.channels) == (few.rows, few.channels)
    assert many.lines == many.tiles * 2 * (20 * 20 - 1)
    assert few.lines == 0  # whole planes


def test_a_layer_that_cannot_be_tiled_says_what_it_needs() -> None:
    with pytest.raises(Infeasible, match="fewer cores"):
        tile(Layer("convolution", 512, 14, 14, 512, 14, 14, 3, 3), 38000.0, CORES)
