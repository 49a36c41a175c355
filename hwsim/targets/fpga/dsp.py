"""DSP slices: products per slice, exact accumulations in a packed lane, chain segments, cascades, fill."""

from __future__ import annotations

import math
from itertools import pairwise

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip

MVU_CYCLES = 5  # pipeline of a matrix-vector unit on DSP48E2, Xilinx FINN


def products_per_slice(chip: Chip, input_bits: float, weight_bits: float, *, shared: bool) -> float:
    """Products of one DSP slice per cycle: packed ones share an operand; 0 when a product does not fit a slice.

    Two 8-bit products per DSP48E2 (WP486) or three in a DSP58's dot product, four of 4 bits (WP521); one when no operand is shared, or for up to
    27 x 18 bits (DSP58: 27 x 24).
    """
    wide, narrow = chip.vector("dsp_mult_bits")
    if max(input_bits, weight_bits) > wide or min(input_bits, weight_bits) > narrow:
        return 0.0
    if shared and max(input_bits, weight_bits) <= 4:
        return chip.number("dsp_int4_macs")
    if shared and max(input_bits, weight_bits) <= 8:
        return chip.number("dsp_int8_macs")
    return 1.0


def packing_depth(lane_bits: int, product_bits: int) -> int:
    """Products of `product_bits` that always sum exactly in a lane of `lane_bits`: ``2^(lane - 1) / 2^(product - 2)``.

    A signed product of that width is at most ``2^(product - 2)`` (8 x 8 bits: 2^14, reached by -128 x -128 alone, which symmetric operands exclude);
    the lane holds up to ``2^(lane - 1)``. Source: WP486; FlightLLM arXiv 2401.03868.
    """
    return int(2 ** (lane_bits - product_bits + 1)) if lane_bits >= product_bits - 1 else 0


def chain_segment(clock_hz: float, first_s: float, next_s: float) -> int:
    """DSP58 slices that fit in one cycle without a register between them: ``floor((T - first) / next + 1)``. Source: Xilinx FINN."""
    return max(0, math.floor((1 / clock_hz - first_s) / next_s + 1 + 1e-9))


def chain_latency(length: int, segment: int, stages: int = 3) -> int:
    """Cycles through a chain of `length` slices, a register after each `segment` of them, and the slices' own `stages`."""
    return math.ceil(length / segment) + stages


def clock_limit(chip: Chip) -> float:
    """Highest clock of a fully registered DSP slice, Hz; routed designs close far below it."""
    return chip.number("dsp_fmax_hz")


def vector_unit_slices(chip: Chip, outputs: int, inputs: int, bits: int) -> int:
    """DSP slices of a matrix-vector unit of `outputs` x `inputs` products a cycle: ``ceil(PE / packed) SIMD``.

    On DSP58 ``PE ceil(SIMD / 3)`` up to 8 bits. Four 4-bit, two 8-bit products or one wider share a DSP48E2's operand. Source: Xilinx FINN.
    """
    if chip.text("dsp_type") == "dsp58" and bits <= 8:
        return outputs * math.ceil(inputs / chip.number("dsp_int8_macs"))
    return math.ceil(outputs / max(1.0, products_per_slice(chip, bits, bits, shared=True))) * inputs


def sparse_imbalance(kept: tuple[float, ...], chance: tuple[float, ...], lanes: int) -> float:
    """E[max] / E[mean] of the kept rows N of `lanes` blocks that advance together, each drawn from `kept` with `chance`.

    An N:M-sparse step costs the most of its lanes: ``E[max] = sum_i N_i (F_i^lanes - F_(i-1)^lanes)``, F the distribution of N; 1 when all are alike.
    Raises `InvalidChip` when the chances do not add up to 1.
    """
    if len(kept) != len(chance) or not math.isclose(sum(chance), 1.0, rel_tol=1e-9) or min(chance, default=-1) < 0:
        raise InvalidChip(f"chances {chance} of the kept rows {kept} must be shares that add up to 1")
    pairs = sorted(zip(kept, chance, strict=True))
    below = [0.0]
    for _, share in pairs:
        below.append(below[-1] + share)
    most = sum(n * (after**lanes - before**lanes) for (n, _), (before, after) in zip(pairs, pairwise(below), strict=True))
    return most / sum(n * share for n, share in pairs)
