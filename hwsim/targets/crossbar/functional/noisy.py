"""Products of a crossbar as its converters deliver them: noise, converters, shift and add, or a nonlinear ramp.

Per read of an input slice: column currents in digit products, one normal number per column for the noise of its cells, offset of the comparator,
conversion. Slices, digits and row parts are then added with their weights. With every source off and no converter the result is the integer product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping, InvalidTrace
from hwsim.engine.jit import jit
from hwsim.targets.crossbar.functional.anew import add_errors
from hwsim.targets.crossbar.functional.programming import Written
from hwsim.targets.crossbar.functional.ramp import Ramp, convert
from hwsim.targets.crossbar.functional.slices import Array, ArrayShape, checked_integers, input_slice


@dataclass(frozen=True)
class LinearConverter:
    """Codes of `bits` bits, `signed` for differential currents; `full_scale` in digit products is the largest code. Raises InvalidMapping."""

    bits: int
    full_scale: float
    signed: bool = True

    def __post_init__(self) -> None:
        if not 1 + self.signed <= self.bits <= 32:
            raise InvalidMapping(f"a converter has 1 to 32 bits, of differential currents 2 to 32 with sign, not {self.bits}")
        if not 0 < self.full_scale < math.inf:
            raise InvalidMapping(f"a full scale of {self.full_scale:g} digit products")

    @property
    def most(self) -> int:
        """Largest code."""
        return int(2 ** (self.bits - self.signed)) - 1

    @property
    def least(self) -> int:
        """Smallest code."""
        return -self.most if self.signed else 0

    @property
    def step(self) -> float:
        """Digit products of one code."""
        return self.full_scale / self.most


def lossless_converter(shape: ArrayShape, inputs: int) -> LinearConverter:
    """The smallest converter that has a code for every digit product sum of an array: steps of exactly 1."""
    largest = min(shape.rows, inputs) * (2**shape.input_slice_bits - 1) * (2**shape.cell_bits - 1) // (2 if shape.flipped else 1)
    signed = shape.encoding == "pair" or not shape.complement
    bits = max(math.ceil(math.log2(largest + 1)), 1) + signed
    return LinearConverter(bits, float(2 ** (bits - signed) - 1), signed)


@jit
def _noise(current: Array, variance: NDArray[np.float32], offset: Array, offset_variance: float, rng: np.random.Generator) -> None:
    """Add one normal number per column and read, and the offset of each column, in place; `variance` of no rows: none."""
    varies = variance.shape[0] > 0 or offset_variance > 0.0
    for b in range(current.shape[0]):
        for j in range(current.shape[1]):
            if varies:
                v = offset_variance + (variance[b, j] if variance.shape[0] > 0 else 0.0)
                current[b, j] += math.sqrt(v) * rng.standard_normal()
            current[b, j] += offset[j]


@jit
def _collect(
    total: Array, current: Array, step: float, least: float, most: float, weight: float, turned: NDArray[np.bool_], applied: Array
) -> None:
    """Convert currents and add them with their weight; `step` 0: no converter. A turned column counts what is missing to `applied` of the read."""
    for b in range(current.shape[0]):
        for j in range(current.shape[1]):
            value = current[b, j]
            if step > 0.0:
                value = step * min(max(np.rint(value / step), least), most)
            total[b, j] += weight * (applied[b] - value if turned[j] else value)


def _currents(written: Written, x: Array, part: int, rows: slice, digit: int, rng: np.random.Generator) -> Array:
    """Noisy column currents in digit products, (slices, reads, outputs), of inputs `x` (slices, reads, inputs of the row part)."""
    current: Array = x @ written.difference[digit, rows]
    if written.cells is not None:
        add_errors(written.cells, digit, rows, x, written.offset_variance, rng, current)
        return current
    for applied, read in zip(x, current, strict=True):
        variance: NDArray[np.float32] = np.empty((0, 0), np.float32)
        if written.variance is not None:
            single = applied.astype(np.float32)  # half the time, and a variance needs no more digits
            variance = np.asarray((single * single) @ written.variance[digit, rows], dtype=np.float32)
        _noise(read, variance, written.offsets[part, digit], written.offset_variance, rng)
    return current


def _inputs(written: Written, inputs: NDArray[np.generic]) -> NDArray[np.int64]:
    """Checked inputs (reads x inputs). Raises InvalidTrace."""
    found = checked_integers(inputs, written.shape.input_limit, "inputs")
    if found.shape[1] != written.inputs:
        raise InvalidTrace(f"inputs of shape {found.shape} for a matrix of {written.inputs} rows: give (reads, {written.inputs})")
    return found


def products(
    written: Written, inputs: NDArray[np.generic], converter: LinearConverter | None, rng: np.random.Generator, *, gain: float = 1.0
) -> Array:
    """inputs @ weights as read, (reads, outputs), in units of the integers; `inputs`: integers, reads x inputs. Raises InvalidTrace.

    `gain`: read voltage over the one that the converter's reference was set for; a converter that is no ramp does not follow it.
    """
    x, shape = _inputs(written, inputs), written.shape
    total = np.zeros((len(x), written.outputs))
    limits = (converter.step, float(converter.least), float(converter.most)) if converter is not None else (0.0, 0.0, 0.0)
    slices = np.stack([input_slice(x, shape, t) for t in range(shape.input_slices)])
    full = slices.sum(axis=-1)
    for part, rows in enumerate(shape.row_parts(written.inputs)):
        applied = np.ascontiguousarray(slices[:, :, rows])
        largest = (2**shape.cell_bits - 1) * applied.sum(axis=-1)
        for k in range(shape.weight_digits):
            current = gain * _currents(written, applied, part, rows, k, rng)
            for t in range(shape.input_slices):
                _collect(total, current[t], *limits, shape.slice_weight(t) * 2.0 ** (k * shape.cell_bits), written.flips[part, k], largest[t])
    if shape.weight_offset:
        weights = np.array([shape.slice_weight(t) for t in range(shape.input_slices)])
        total -= shape.weight_offset * (weights @ full)[:, None]
    return total


def held_values(written: Written, inputs: NDArray[np.generic], scale: float, rng: np.random.Generator) -> Array:
    """scale x inputs @ weights as each column holds it for a ramp, (reads, outputs), in pre-activations; `scale`: of one integer product.

    A ramp ends the computation of a column, so the whole product must be one read of one array. Raises InvalidMapping, InvalidTrace.
    """
    x, shape = _inputs(written, inputs), written.shape
    parts = shape.row_parts(written.inputs)
    if shape.input_slices > 1 or shape.weight_digits > 1 or len(parts) > 1 or shape.encoding != "pair":
        raise InvalidMapping(
            f"a nonlinear ramp cannot add {shape.input_slices} input slices, {shape.weight_digits} weight digits and {len(parts)} row parts, "
            "nor subtract an offset: apply inputs in one slice, hold a weight in one pair of cells, and take an array with a row for every input"
        )
    if not 0 < scale < math.inf:
        raise InvalidTrace(f"a scale of {scale:g} per integer product")
    return np.asarray(scale * _currents(written, input_slice(x, shape, 0)[None], 0, parts[0], 0, rng)[0], dtype=np.float64)


def ramp_outputs(held: Array, ramp: Ramp, thresholds: Array) -> Array:
    """Output levels that a ramp converts held values to; `thresholds`: `ramp.thresholds()`, `RampColumn.thresholds` or `written_thresholds`.

    Raises InvalidTrace for another number of thresholds, or falling ones.
    """
    if len(thresholds) != ramp.codes - 1 or np.any(np.diff(thresholds) < 0):
        raise InvalidTrace(f"a ramp of {ramp.bits} bits takes {ramp.codes - 1} ascending thresholds")
    codes = convert(np.ascontiguousarray(held, dtype=np.float64).ravel(), np.ascontiguousarray(thresholds, dtype=np.float64))
    return np.asarray(ramp.levels()[codes].reshape(held.shape), dtype=np.float64)


def activations(
    written: Written, inputs: NDArray[np.generic], scale: float, ramp: Ramp, thresholds: Array, rng: np.random.Generator
) -> Array:
    """f(scale x inputs @ weights) as one ramp converts all columns, (reads, outputs). Raises InvalidMapping, InvalidTrace."""
    return ramp_outputs(held_values(written, inputs, scale, rng), ramp, thresholds)


def calibrated_full_scale(written: Written, inputs: NDArray[np.generic], quantile: float = 1.0) -> float:
    """Full scale of a converter from data: this quantile of the magnitudes of all column currents without noise, in digit products.

    Raises InvalidMapping for a quantile outside 0..1, InvalidTrace for inputs that drive nothing.
    """
    if not 0 < quantile <= 1:
        raise InvalidMapping(f"a quantile of {quantile:g} is not above 0 and at most 1")
    x, shape = _inputs(written, inputs), written.shape
    seen = [
        np.abs(input_slice(x, shape, t)[:, rows] @ written.difference[:, rows])
        for t in range(shape.input_slices)
        for rows in shape.row_parts(written.inputs)
    ]
    found = float(np.quantile(np.stack(seen), quantile))
    if found <= 0:
        raise InvalidTrace("these inputs drive no column current: calibrate with other data or a larger quantile")
    return found
