"""Cutting a layer into tiles that fit the L1 buffer, in the manner of DORY's tiler (dory@be3d6dd, tiler_conv2d.py).

A layer whose input, output, weights, normalisation constants and im2col buffer fit runs as one tile. Otherwise every tensor has two buffers, so that
the DMA fills one while the cores work on the other. Tiles of convolutions hold all input channels; those of depthwise layers, pools and additions
hold as many channels of input as of output.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import Infeasible

Sizes = NDArray[np.float64]

DEPTHWISE_WHOLE = 32  # depthwise maps of up to 32 x 32 are cut along their channels only
ROW_UNIT, CHANNEL_UNIT = 8, 4  # preferred multiples of output rows and output channels
ROW_MIX = 2  # output columns come in pairs
SAME_CHANNELS = ("depthwise", "pool", "add")


@dataclass(frozen=True)
class Layer:
    """A layer as the tiler sees it: `c` x `h` x `w` in, `k` x `oh` x `ow` out, window `r` x `s`.

    `kind`: convolution, pointwise, depthwise, linear, pool or add (of `operands` maps). `constant_bytes` are those of normalisation per channel.
    `channels_last`: maps are stored position by position, otherwise channel by channel.
    """

    kind: str
    c: int
    h: int
    w: int
    k: int
    oh: int
    ow: int
    r: int = 1
    s: int = 1
    stride: int = 1
    dilation: int = 1
    operands: int = 1
    constant_bytes: int = 0
    channels_last: bool = True

    @property
    def taps(self) -> int:
        """Positions of the window."""
        return self.r * self.s

    @property
    def weight_bytes_per_channel(self) -> int:
        """Weights and constants of one output channel, bytes of int8."""
        weights = {"depthwise": self.taps, "pool": 0, "add": 0}.get(self.kind, self.c * self.taps)
        return weights + self.constant_bytes

    def rows_in(self, rows: int) -> int:
        """Input rows that so many output rows read."""
        return min(self.h, (rows - 1) * self.stride + self.dilation * (self.r - 1) + 1)

    def columns_in(self, columns: int) -> int:
        """Input columns that so many output columns read."""
        return min(self.w, (columns - 1) * self.stride + self.dilation * (self.s - 1) + 1)


@dataclass(frozen=True)
class Piece:
    """Equal tiles: how many, and the output rows, columns and channels of one."""

    count: int
    rows: int
    columns: int
    channels: int


@dataclass(frozen=True)
class Tiling:
    """A layer cut into tiles of at most `rows` x `columns` x `channels` of output; `doubled` when there are two buffers per tensor."""

    layer: Layer
    rows: int
    columns: int
    channels: int
    doubled: bool
    used_bytes: float

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The tiles, equal ones together: full ones and those at the edges."""
        cuts = [_cut(whole, part) for whole, part in ((self.layer.oh, self.rows), (self.layer.ow, self.columns), (self.layer.k, self.channels))]
        return tuple(
            Piece(a * b * c, rows, columns, channels)
            for a, rows in cuts[0] for b, columns in cuts[1] for c, channels in cuts[2]
        )  # fmt: skip

    @cached_property
    def tiles(self) -> int:
        """Number of tiles."""
        return sum(p.count for p in self.pieces)

    @cached_property
    def plane_tiles(self) -> int:
        """Tiles of one plane of the map."""
        return -(-self.layer.oh // self.rows) * -(-self.layer.ow // self.columns)

    def input_bytes(self, rows: int, columns: int, channels: int) -> float:
        """Bytes of the input of one tile."""
        layer = self.layer
        deep = channels if layer.kind in SAME_CHANNELS else layer.c
        return float(layer.operands * deep * layer.rows_in(rows) * layer.columns_in(columns))

    @cached_property
    def moved_in_bytes(self) -> float:
        """Bytes from L2: weights once, the input once per group of output channels unless one tile holds the whole map; halos are read again."""
        layer = self.layer
        weights = float(layer.weight_bytes_per_channel * layer.k)
        if self.plane_tiles == 1 and layer.kind not in SAME_CHANNELS:
            return weights + self.input_bytes(layer.oh, layer.ow, layer.k)
        return weights + sum(p.count * self.input_bytes(p.rows, p.columns, p.channels) for p in self.pieces)

    @property
    def moved_out_bytes(self) -> float:
        """Bytes of the output."""
        return float(self.layer.k * self.layer.oh * self.layer.ow)

    @cached_property
    def first_bytes(self) -> float:
        """Bytes of the first tile's input and weights: nothing hides them."""
        return self.input_bytes(self.rows, self.columns, self.channels) + self.layer.weight_bytes_per_channel * self.channels

    @property
    def last_bytes(self) -> float:
        """Bytes of the last tile's output."""
        last = self.pieces[-1]
        return float(last.rows * last.columns * last.channels)

    @cached_property
    def transfers(self) -> int:
        """DMA commands: input, weights and output of every tile."""
        return self.tiles * (3 if self.layer.weight_bytes_per_channel else 2)

    @cached_property
    def lines(self) -> float:
        """Further lines of 2D transfers: what a tile takes of a map is contiguous row by row, position by position or channel by channel."""
        layer = self.layer
        found = 0.0
        for p in self.pieces:
            deep = p.channels if layer.kind in SAME_CHANNELS else layer.c
            inputs = self._stretches(layer.rows_in(p.rows), layer.columns_in(p.columns), deep, layer.h, layer.w, layer.c)
            outputs = self._stretches(p.rows, p.columns, p.channels, layer.oh, layer.ow, layer.k)
            found += p.count * (layer.operands * (inputs - 1) + outputs - 1)
        return found

    def _stretches(self, rows: int, columns: int, channels: int, all_rows: int, all_columns: int, all_channels: int) -> int:
        """Contiguous stretches of memory that a box of a map covers."""
        if self.layer.channels_last:
            return rows * columns if channels < all_channels else rows if columns < all_columns else 1
        return rows * channels if columns < all_columns else channels if rows < all_rows else 1


def _cut(whole: int, part: int) -> tuple[tuple[int, int], ...]:
    """(count, size) of the full parts and of the rest.

    >>> _cut(10, 4)
    ((2, 4), (1, 2))
    """
    full, rest = divmod(whole, part)
    return ((full, part), (1, rest)) if rest else ((full, part),)


@lru_cache(maxsize=4096)
def tile(layer: Layer, l1_bytes: float, cores: int) -> Tiling:
    """Cut `layer` for an L1 buffer of `l1_bytes`. Raises `Infeasible` when not even one position of a few channels fits.

    Of the tiles that fit, the largest is taken, weighed by how well it fills the cores: output rows in multiples of 8, an even width, output channels
    in multiples of 4 (depthwise: of the cores, which take a channel each). O(rows x widths x channels) candidates.
    """
    whole = float(_bytes(layer, cores, 1, *(np.asarray(float(v)) for v in (layer.oh, layer.ow, layer.k))))
    if whole <= l1_bytes:
        return Tiling(layer, layer.oh, layer.ow, layer.k, False, whole)
    rows, columns, channels = _candidates(layer)
    need = _bytes(layer, cores, 2, rows, columns, channels)
    fits = need <= l1_bytes
    if not fits.any():
        raise Infeasible(
            f"a tile of a {layer.kind} layer ({layer.c} channels in, {layer.k} out, window {layer.r} x {layer.s})", demand=float(need.min()),
            bound=l1_bytes, unit="bytes of L1", levers=("a larger l1_bytes (tcdm_bytes)", "fewer cores (im2col buffers)", "fewer input channels"),
        )  # fmt: skip
    unit = cores if layer.kind == "depthwise" else CHANNEL_UNIT
    filled = rows / (ROW_UNIT * np.ceil(rows / ROW_UNIT)) * columns / (ROW_MIX * np.ceil(columns / ROW_MIX))
    score = np.where(fits, rows * columns * channels * filled * channels / (unit * np.ceil(channels / unit)), -1.0)
    best = np.unravel_index(int(np.argmax(score)), score.shape)
    y, x, k = (int(np.broadcast_to(a, score.shape)[best]) for a in (rows, columns, channels))
    return Tiling(layer, y, x, k, True, float(need[best]))


def _candidates(layer: Layer) -> tuple[Sizes, Sizes, Sizes]:
    """Output rows, columns and channels to try, as arrays that span a grid; the largest first, so that ties go to few tiles."""
    rows = np.arange(layer.oh, 0, -1, dtype=np.float64)
    columns = np.array(sorted({layer.ow, *range(2, layer.ow, 2), 1}, reverse=True), dtype=np.float64)
    few = {*range(CHANNEL_UNIT, layer.k, CHANNEL_UNIT), *range(1, min(CHANNEL_UNIT, layer.k))}
    channels = np.array(sorted({layer.k, *few}, reverse=True), dtype=np.float64)
    if layer.kind == "depthwise" and max(layer.oh, layer.ow) <= DEPTHWISE_WHOLE:
        rows, columns = rows[:1], columns[:1]
    return rows[:, None, None], columns[None, :, None], channels[None, None, :]


def _bytes(layer: Layer, cores: int, buffers: int, rows: Sizes, columns: Sizes, channels: Sizes) -> Sizes:
    """L1 bytes of tiles: `buffers` of input, output, weights and constants, and the im2col buffers of the cores."""
    rows_in = np.minimum(layer.h, (rows - 1) * layer.stride + layer.dilation * (layer.r - 1) + 1)
    columns_in = np.minimum(layer.w, (columns - 1) * layer.stride + layer.dilation * (layer.s - 1) + 1)
    deep = channels if layer.kind in SAME_CHANNELS else np.asarray(float(layer.c))
    tensors = layer.operands * deep * rows_in * columns_in + channels * rows * columns + layer.weight_bytes_per_channel * channels
    if layer.kind == "convolution":
        return np.asarray(buffers * tensors + 2 * cores * layer.taps * layer.c)
    if layer.kind == "depthwise":
        return np.asarray(buffers * tensors + cores * (layer.r * (rows_in + layer.r - 1) + layer.r))
    return np.asarray(buffers * tensors)
