"""A matrix written into crossbars: drawn once and kept (`program`), or the mean and variance over all programmings (`ensemble`).

Order: write error, clipped to the cell's range; stuck cells; drift; reduction by the resistance of the wires. Everything is kept in units of a digit
product (`ArrayShape.unit_a`): column current = inputs @ difference + noise of variance inputs^2 @ variance.

Independent cell errors add up on a column, so one number per column with variance sum_i x_i^2 (v_ip + v_in) replaces one per cell: the same
distribution for Gaussian errors; where cells are clipped or drift, the same mean and variance, and by their number nearly the same shape. A stuck
cell is too rare and too large an error for that: stuck cells are drawn, never averaged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidMapping
from hwsim.targets.crossbar.functional.devices import Drift, ProgrammingError, StuckCells
from hwsim.targets.crossbar.functional.moments import clipped_moments
from hwsim.targets.crossbar.functional.nodal import Wires, effective_conductance, transfer_conductance
from hwsim.targets.crossbar.functional.slices import Array, ArrayShape, Integers, checked_integers, target_conductances

OPEN_CELL = 1e-6  # of g_max: stands for a cell of conductance 0 when the share of the voltage that reaches it is asked


@dataclass(frozen=True)
class Sources:
    """What is not ideal; everything off by default.

    `time_s`: since programming, for `drift`. `read_noise`: standard deviation of a cell's conductance from read to read, relative. `exact_wires`:
    the exact transfer matrix (a solve per row) instead of the approximation by one solve per array. `offset_a`: standard deviation of the
    comparators' offsets in A, one per column. Raises InvalidChip, InvalidMapping for impossible values.
    """

    programming: ProgrammingError | None = None
    stuck: StuckCells | None = None
    drift: Drift | None = None
    time_s: float | None = None
    wires: Wires | None = None
    exact_wires: bool = False
    read_noise: float = 0.0
    offset_a: float = 0.0

    def __post_init__(self) -> None:
        if (self.drift is None) != (self.time_s is None):
            raise InvalidMapping("drift needs the time since programming, and the time a drift: give both or neither")
        if not (0 <= self.read_noise < math.inf and 0 <= self.offset_a < math.inf):
            raise InvalidChip(f"read noise {self.read_noise:g} and offset {self.offset_a:g} A must be finite and not negative")


@dataclass(frozen=True)
class Written:
    """A matrix on crossbars. `difference`: (digits, inputs, outputs); `variance`: the same shape, or None when nothing varies between reads.

    `offsets`: (row parts, digits, outputs); `offset_variance`: of offsets that are new with every product.
    """

    shape: ArrayShape
    difference: Array
    variance: NDArray[np.float32] | None
    offsets: Array
    offset_variance: float

    @property
    def inputs(self) -> int:
        """Rows of the matrix."""
        return int(self.difference.shape[1])

    @property
    def outputs(self) -> int:
        """Columns of the matrix."""
        return int(self.difference.shape[2])


def written_conductances(target_s: Array, shape: ArrayShape, sources: Sources, rng: np.random.Generator) -> Array:
    """One programming of cells meant to have `target_s`, at the time of reading. Raises InvalidChip outside a device model's range."""
    g = target_s
    if sources.programming is not None:
        g = np.clip(g + sources.programming.sigma_s(target_s) * rng.standard_normal(g.shape), shape.g_min_s, shape.g_max_s)
    if sources.stuck is not None:
        g = sources.stuck.apply(g, shape.g_min_s, shape.g_max_s, rng)
    if sources.drift is not None and sources.time_s is not None:
        g = g * sources.drift.factor(target_s, sources.time_s, rng)
    return g


def conductance_moments(target_s: Array, shape: ArrayShape, sources: Sources) -> tuple[Array, Array]:
    """Mean and variance over programmings of cells meant to have `target_s`, none stuck. Raises InvalidChip outside a device model's range."""
    mean, variance = target_s, np.zeros_like(target_s)
    if sources.programming is not None:
        sigma = sources.programming.sigma_s(target_s)
        flat = clipped_moments(target_s.ravel(), sigma.ravel(), shape.g_min_s, shape.g_max_s)
        mean, variance = flat[0].reshape(target_s.shape), flat[1].reshape(target_s.shape)
    if sources.drift is not None and sources.time_s is not None:
        first, second = sources.drift.moments(target_s, sources.time_s)
        square = (variance + mean**2) * second
        mean = mean * first
        variance = np.maximum(square - mean**2, 0.0)
    return mean, variance


def behind_wires(conductance_s: Array, shape: ArrayShape, wires: Wires, *, exact: bool) -> Array:
    """Conductances (inputs, outputs, digits, 2) as they act at the ends of the wires; neighbouring columns: the pair, digits, outputs."""
    flat = conductance_s.reshape(len(conductance_s), -1)
    found = np.empty_like(flat)
    solve = transfer_conductance if exact else effective_conductance
    for rows in shape.row_parts(len(flat)):
        for start in range(0, flat.shape[1], shape.columns):
            columns = slice(start, start + shape.columns)
            found[rows, columns] = solve(flat[rows, columns], wires)
    return found.reshape(conductance_s.shape)


def _by_digit(pairs: Array) -> Array:
    """(inputs, outputs, digits) as contiguous (digits, inputs, outputs)."""
    return np.ascontiguousarray(np.moveaxis(pairs, 2, 0))


def program(weights: NDArray[np.generic], shape: ArrayShape, sources: Sources, rng: np.random.Generator) -> Written:
    """Write integers `weights` (inputs x outputs) once; errors are kept for all reads. Raises InvalidTrace, InvalidChip."""
    matrix = checked_integers(weights, shape.weight_limit, "weights")
    g = written_conductances(target_conductances(matrix, shape), shape, sources, rng)
    if sources.wires is not None:
        g = behind_wires(g, shape, sources.wires, exact=sources.exact_wires)
    g = g / shape.level_s
    variance = _by_digit(sources.read_noise**2 * (g[..., 0] ** 2 + g[..., 1] ** 2)).astype(np.float32) if sources.read_noise > 0 else None
    parts = len(shape.row_parts(len(matrix)))
    offsets = np.zeros((parts, shape.weight_digits, matrix.shape[1]))
    if sources.offset_a > 0:
        offsets = sources.offset_a / shape.unit_a * rng.standard_normal(offsets.shape)
    return Written(shape, _by_digit(g[..., 0] - g[..., 1]), variance, offsets, 0.0)


def ensemble(weights: NDArray[np.generic], shape: ArrayShape, sources: Sources) -> Written:
    """All programmings of `weights` at once: every product read from it is that of a new programming, at the price of one number per column.

    Inputs must be applied in one slice (the error of a programming is common to all slices of an input). Wires act as on the mean conductances.
    Raises InvalidTrace, InvalidChip, InvalidMapping.
    """
    if shape.input_slices > 1:
        raise InvalidMapping(
            f"inputs of {shape.input_bits} bits in {shape.input_slices} slices share a programming: draw it with program(), or apply them in one"
        )
    if sources.exact_wires:
        raise InvalidMapping("the exact transfer matrix belongs to one programming: draw it with program(), or take exact_wires off")
    if sources.stuck is not None:
        raise InvalidMapping("stuck cells are too rare and too large for one Gaussian number per column: draw them with program()")
    matrix: Integers = checked_integers(weights, shape.weight_limit, "weights")
    target = target_conductances(matrix, shape)
    if 2**shape.cell_bits <= target.size:  # moments once per level
        levels = np.rint((target - shape.g_min_s) / shape.level_s).astype(np.int64)
        mean, variance = conductance_moments(shape.g_min_s + shape.level_s * np.arange(2**shape.cell_bits), shape, sources)
        mean, variance = mean[levels], variance[levels]
    else:
        mean, variance = conductance_moments(target, shape, sources)
    variance = variance + sources.read_noise**2 * (variance + mean**2)
    if sources.wires is not None:
        seen = np.maximum(mean, OPEN_CELL * shape.g_max_s)
        share = behind_wires(seen, shape, sources.wires, exact=False) / seen
        mean, variance = mean * share, variance * share**2
    pairs = (variance[..., 0] + variance[..., 1]) / shape.level_s**2
    offsets = np.zeros((len(shape.row_parts(len(matrix))), shape.weight_digits, matrix.shape[1]))
    return Written(
        shape, _by_digit((mean[..., 0] - mean[..., 1]) / shape.level_s), _by_digit(pairs).astype(np.float32) if pairs.any() else None, offsets,
        (sources.offset_a / shape.unit_a) ** 2,
    )  # fmt: skip
