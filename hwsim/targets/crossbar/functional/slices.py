"""Numbers on a crossbar: quantised inputs and weights, input slices, and digits of weights on pairs of cells or with an offset.

Pairs: a signed weight of b bits has a magnitude of b - 1 bits, in digits of `cell_bits` bits, one pair of cells each: positive weights on the first
cell, negative ones on the second, the other cell of the pair at its least conductance. Offset: w + 2^(b - 1) in digits of b bits on single cells;
2^(b - 1) sum(x) is subtracted digitally, the current of the cells' least conductance by a reference without error. With `flipped` a column whose
digits are more than half of their largest sum holds the complements (ISAAC), which saves the converter one bit.
Inputs: sign and magnitude drive a row with either polarity; two's complement is applied bit by bit, the top one with a negative weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
MAX_BITS = 24


@dataclass(frozen=True)
class ArrayShape:
    """An array of `rows` x `columns` cells of `g_min_s`..`g_max_s` read at `read_v`, and the number formats on it.

    `input_bits`: magnitude of an input, applied `input_slice_bits` at a time (as pulse width or voltage); `weight_bits` with sign, in cells of
    `cell_bits`. `complement`: inputs in two's complement, bit by bit. Raises InvalidChip, InvalidMapping for values that fit no array.
    """

    rows: int
    columns: int
    g_min_s: float
    g_max_s: float
    read_v: float
    input_bits: int
    input_slice_bits: int
    weight_bits: int
    cell_bits: int
    encoding: Literal["pair", "offset"] = "pair"
    complement: bool = False
    flipped: bool = False

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise InvalidChip(f"an array of {self.rows} x {self.columns} cells")
        if not 0 <= self.g_min_s < self.g_max_s < math.inf:
            raise InvalidChip(f"a cell from {self.g_min_s:g} to {self.g_max_s:g} S has no conductance range")
        if not 0 < self.read_v < math.inf:
            raise InvalidChip(f"a read voltage of {self.read_v:g} V")
        if not (1 <= self.input_slice_bits <= self.input_bits <= MAX_BITS):
            raise InvalidMapping(f"inputs of {self.input_bits} bits in slices of {self.input_slice_bits}: need 1 <= slice <= bits <= {MAX_BITS}")
        if not (2 <= self.weight_bits <= MAX_BITS and 1 <= self.cell_bits <= self.digit_bits):
            raise InvalidMapping(
                f"signed weights of {self.weight_bits} bits in cells of {self.cell_bits}: need 2..{MAX_BITS} bits, cells of 1 to {self.digit_bits}"
            )
        if self.complement and self.input_slice_bits > 1:
            raise InvalidMapping(f"inputs in two's complement are applied bit by bit, not {self.input_slice_bits} bits at a time")
        if self.flipped and (self.encoding == "pair" or not self.complement):
            raise InvalidMapping("complements are held by columns of offset weights behind inputs of one bit and no sign")

    @property
    def digit_bits(self) -> int:
        """Bits of a weight that its digits hold: the magnitude on pairs, all with an offset."""
        return self.weight_bits - (self.encoding == "pair")

    @property
    def polarity(self) -> int:
        """Cells per digit."""
        return 2 if self.encoding == "pair" else 1

    @property
    def weight_offset(self) -> int:
        """What is added to a weight before it is stored."""
        return 0 if self.encoding == "pair" else int(2 ** (self.weight_bits - 1))

    @property
    def input_slices(self) -> int:
        """Reads per input vector."""
        return self.input_bits + 1 if self.complement else -(-self.input_bits // self.input_slice_bits)

    def slice_weight(self, index: int) -> float:
        """What a product of slice `index` counts."""
        return -(2.0**index) if self.complement and index == self.input_bits else 2.0 ** (index * self.input_slice_bits)

    @property
    def weight_digits(self) -> int:
        """Cells, or pairs of cells, per weight."""
        return -(-self.digit_bits // self.cell_bits)

    @property
    def input_limit(self) -> int:
        """Largest input magnitude."""
        return int(2**self.input_bits) - 1

    @property
    def weight_limit(self) -> int:
        """Largest weight magnitude."""
        return int(2 ** (self.weight_bits - 1)) - 1

    @property
    def level_s(self) -> float:
        """Conductance between two levels of a cell."""
        return (self.g_max_s - self.g_min_s) / int(2**self.cell_bits - 1)

    @property
    def unit_a(self) -> float:
        """Current of one digit product: one level of a cell times one level of an input slice."""
        return self.level_s * self.read_v / int(2**self.input_slice_bits - 1)

    def row_parts(self, inputs: int) -> list[slice]:
        """Rows of the matrix in each array."""
        return [slice(start, min(start + self.rows, inputs)) for start in range(0, inputs, self.rows)]


def quantise(values: Array, limit: int, full_scale: float | None = None) -> tuple[Integers, float]:
    """Nearest integers in -limit..limit and the value of one: value = integer x scale. `full_scale`: of the limit; default the largest magnitude.

    Values beyond the full scale saturate. Raises InvalidTrace for values that are not finite, or a full scale or limit not above 0.
    """
    found = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(found)):
        raise InvalidTrace("values to be quantised must be finite")
    top = float(np.abs(found).max(initial=0.0)) if full_scale is None else full_scale
    if full_scale is None and top == 0:
        top = 1.0
    if limit < 1 or not 0 < top < math.inf:
        raise InvalidTrace(f"a full scale of {top:g} in {limit} levels")
    scale = top / limit
    return np.clip(np.rint(found / scale), -limit, limit).astype(np.int64), scale


def checked_integers(values: NDArray[np.generic], limit: int, what: str) -> Integers:
    """A matrix of integers within +-limit. Raises InvalidTrace."""
    found = np.asarray(values)
    if found.ndim != 2 or found.size == 0:
        raise InvalidTrace(f"{what} of shape {found.shape}: give a matrix")
    if not np.issubdtype(found.dtype, np.integer):
        raise InvalidTrace(f"{what} of type {found.dtype}: quantise them to integers first")
    if found.max() > limit or found.min() < -limit:
        raise InvalidTrace(f"{what} from {found.min()} to {found.max()} do not fit +-{limit}")
    return found.astype(np.int64, copy=False)


def input_slice(inputs: Integers, shape: ArrayShape, index: int) -> Array:
    """Slice `index` (0: least significant) of inputs, with their sign; bits of two's complement."""
    if shape.complement:
        return np.asarray((inputs >> index) & 1, dtype=np.float64)
    if shape.input_slices == 1:
        return inputs.astype(np.float64)
    digit = (np.abs(inputs) >> (index * shape.input_slice_bits)) & (2**shape.input_slice_bits - 1)
    return np.asarray(np.sign(inputs) * digit, dtype=np.float64)


def flips(weights: Integers, shape: ArrayShape) -> NDArray[np.bool_]:
    """Columns that hold complements, (row parts, digits, outputs)."""
    parts = shape.row_parts(len(weights))
    if not shape.flipped:
        return np.zeros((len(parts), shape.weight_digits, weights.shape[1]), dtype=np.bool_)
    digits, most = _digits(weights + shape.weight_offset, shape), 2**shape.cell_bits - 1
    return np.stack([(2 * digits[rows].sum(axis=0) > most * len(digits[rows])).T for rows in parts])


def target_conductances(weights: Integers, shape: ArrayShape) -> Array:
    """Conductances in S to be written, (inputs, outputs, digits, 2 or 1): digit 0 least significant, positive cell of a pair first."""
    if shape.encoding == "offset":
        digits = _digits(weights + shape.weight_offset, shape)
        for rows, turned in zip(shape.row_parts(len(weights)), flips(weights, shape), strict=True):
            digits[rows] = np.where(turned.T, 2**shape.cell_bits - 1 - digits[rows], digits[rows])
        return np.asarray(shape.g_min_s + shape.level_s * digits[..., None], dtype=np.float64)
    digits = _digits(np.abs(weights), shape)
    pairs = np.stack([np.where(weights[..., None] > 0, digits, 0), np.where(weights[..., None] < 0, digits, 0)], axis=-1)
    return np.asarray(shape.g_min_s + shape.level_s * pairs, dtype=np.float64)


def _digits(values: Integers, shape: ArrayShape) -> Integers:
    """Digits of numbers that are not negative, (inputs, outputs, digits)."""
    mask = 2**shape.cell_bits - 1
    return np.stack([(values >> (k * shape.cell_bits)) & mask for k in range(shape.weight_digits)], axis=-1)
