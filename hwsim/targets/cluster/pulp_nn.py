"""Cycles of PULP-NN's int8 kernels on one core, by the cost equations that DORY's tiler uses (dory@be3d6dd, tiler_conv1d_to_up.py).

Two output pixels and four output channels form a block: 6 loads and 8 dot products of 4 in 14 cycles, 32 multiply-accumulates. Every output ends in a
normalisation of 32 bits (multiply, add, shift, clip).
"""

from __future__ import annotations

from dataclasses import dataclass

TILE, TILE_PLAIN = 100, 62  # of every tile; plain: without the im2col buffer
PAIR, PAIR_PLAIN = (27, 127), (27, 135)
SINGLE, SINGLE_PLAIN = (20, 94), (21, 94)
# four channels at once and those left over: (fixed, per word of 4 inputs, per input left over)
PAIR_BLOCK, PAIR_REST = (159, 14, 18), (52, 5, 8)
SINGLE_BLOCK, SINGLE_REST = (82, 9, 12), (28, 3, 5)
PAIR_IM2COL, SINGLE_IM2COL = (61, 32, 29, 4), (38, 16, 29, 8)  # fixed and per window position; or fixed and bytes per cycle
# TCDM accesses inside: (per word, per input left over) and per output
PAIR_ACCESS, SINGLE_ACCESS, OUTPUT_ACCESS = (6, 6), (5, 5), 3


@dataclass(frozen=True)
class CoreTime:
    """Cycles of one core, and the TCDM accesses in them."""

    cycles: float
    accesses: float


def _channels(k: int, inputs: int, block: tuple[int, int, int], rest: tuple[int, int, int]) -> int:
    """Cycles of all output channels of one pixel (or pair) over `inputs` = channels x window."""
    fours, left = divmod(k, 4)
    words, bytes_left = divmod(inputs, 4)
    whole = block[0] + block[1] * words + block[2] * bytes_left
    return fours * whole + left * (rest[0] + rest[1] * words + rest[2] * bytes_left)


def _im2col(inputs: int, taps: int, pixels: int, costs: tuple[int, int, int, int]) -> float:
    """Cycles of gathering the inputs of one or two pixels: a loop per window position, or the copying of `inputs` bytes each, whichever is longer."""
    fixed, per_tap, copying, bytes_per_cycle = costs
    copied = pixels * inputs / 8
    return fixed + per_tap * taps if per_tap * taps > copied else copying + inputs / bytes_per_cycle


def convolution(c: int, taps: int, k: int, pixels: int, *, plain: bool) -> CoreTime:
    """Cycles of `pixels` output pixels of `k` channels on one core; `plain`: 1 x 1 windows, read in place. O(1)."""
    if pixels == 0 or k == 0:
        return CoreTime(0.0, 0.0)
    inputs = c * taps
    pairs, single = divmod(pixels, 2)
    two, one = _channels(k, inputs, PAIR_BLOCK, PAIR_REST), _channels(k, inputs, SINGLE_BLOCK, SINGLE_REST)
    cycles: float
    if plain:
        cycles = TILE_PLAIN + pairs * (sum(PAIR_PLAIN) + two) + single * (sum(SINGLE_PLAIN) + one)
        gathered = 0.0
    else:
        gather_two, gather_one = _im2col(inputs, taps, 2, PAIR_IM2COL), _im2col(inputs, taps, 1, SINGLE_IM2COL)
        cycles = TILE + pairs * (sum(PAIR) + gather_two + two) + single * (sum(SINGLE) + gather_one + one)
        gathered = pixels * inputs / 2  # a load and a store of every word
    blocks = -(-k // 4)
    words, left = divmod(inputs, 4)
    inner = pairs * (PAIR_ACCESS[0] * words + PAIR_ACCESS[1] * left) + single * (SINGLE_ACCESS[0] * words + SINGLE_ACCESS[1] * left)
    return CoreTime(cycles, min(cycles, blocks * inner + gathered + OUTPUT_ACCESS * pixels * k))
