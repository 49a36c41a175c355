"""A matrix written into crossbars: drawn once and kept (`program`), or the mean and variance over all programmings (`ensemble`).

Order: write error, clipped to the cell's range; stuck cells; drift; reduction by the resistance of the wires. Everything is kept in units of a digit
product (`ArrayShape.unit_a`): column current = inputs @ difference + noise of variance inputs^2 @ variance.

Independent cell errors add up on a column, so one number per column with variance sum_i x_i^2 (v_ip + v_in) replaces one per cell: the same
distribution for Gaussian errors; where cells are clipped or drift, the same mean and variance, and by their number nearly the same shape. Stuck cells
are too rare and too large for that: they are drawn cell by cell, in an ensemble too (`hwsim.targets.crossbar.functional.anew`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidMapping
from hwsim.targets.crossbar.functional.devices import Drift, ProgrammingError, StuckCells
from hwsim.targets.crossbar.functional.moments import clipped_moments
from hwsim.targets.crossbar.functional.nodal import Wires, effective_conductance, transfer_conductance, wired_conductance
from hwsim.targets.crossbar.functional.slices import Array, ArrayShape, Integers, checked_integers, flips, target_conductances

OPEN_CELL = 1e-6  # of g_max: stands for a cell of conductance 0 when the share of the voltage that reaches it is asked
Method = Literal["auto", "fast", "exact"]
SOLVERS = {"auto": wired_conductance, "fast": effective_conductance, "exact": transfer_conductance}
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Sources:
    """What is not ideal; everything off by default.

    `time_s`: since programming, for `drift`. `read_noise`: standard deviation of a cell's conductance from read to read, relative. `solver`: of the
    wires: ``fast`` (one solve per array), ``exact`` (one per row), or ``auto``, exact where fast is worse than half a percent. `offset_a`: standard
    deviation of the comparators' offsets in A, one per column. Raises InvalidChip, InvalidMapping for impossible values.
    """

    programming: ProgrammingError | None = None
    stuck: StuckCells | None = None
    drift: Drift | None = None
    time_s: float | None = None
    wires: Wires | None = None
    solver: Method = "auto"
    read_noise: float = 0.0
    offset_a: float = 0.0

    def __post_init__(self) -> None:
        if (self.drift is None) != (self.time_s is None):
            raise InvalidMapping("drift needs the time since programming, and the time a drift: give both or neither")
        if not (0 <= self.read_noise < math.inf and 0 <= self.offset_a < math.inf):
            raise InvalidChip(f"read noise {self.read_noise:g} and offset {self.offset_a:g} A must be finite and not negative")
        if self.solver not in SOLVERS:
            raise InvalidMapping(f"no solver '{self.solver}' of wires; there are {', '.join(SOLVERS)}")


@dataclass(frozen=True)
class Cells:
    """Every cell of an ensemble, (digits, inputs, outputs, polarity), in levels: mean and variance over programmings of cells that are not stuck.

    A stuck cell has the mean stuck x `factor` and that squared x `spread` as variance (drift, wires).
    """

    mean: Singles
    variance: Singles
    factor: Singles
    spread: Singles
    stuck: StuckCells
    low: float
    high: float
    read_noise: float


@dataclass(frozen=True)
class Written:
    """A matrix on crossbars. `difference`: (digits, inputs, outputs); `variance`: the same shape, or None when nothing varies between reads.

    `offsets`: (row parts, digits, outputs); `offset_variance`: of offsets that are new with every product; `flips`: columns that hold complements;
    `cells`: of an ensemble whose products need more than one number per column.
    """

    shape: ArrayShape
    difference: Array
    variance: Singles | None
    offsets: Array
    offset_variance: float
    flips: NDArray[np.bool_]
    cells: Cells | None = None

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


def behind_wires(conductance_s: Array, shape: ArrayShape, wires: Wires, solver: Method = "auto") -> Array:
    """Conductances (inputs, outputs, digits, polarity) as they act at the ends of the wires; neighbouring columns: the pair, digits, outputs."""
    flat = conductance_s.reshape(len(conductance_s), -1)
    found = np.empty_like(flat)
    for rows in shape.row_parts(len(flat)):
        for start in range(0, flat.shape[1], shape.columns):
            columns = slice(start, start + shape.columns)
            found[rows, columns] = SOLVERS[solver](flat[rows, columns], wires)
    return found.reshape(conductance_s.shape)


def _by_digit(cells: Array) -> Array:
    """(inputs, outputs, digits, ...) as contiguous (digits, inputs, outputs, ...)."""
    return np.ascontiguousarray(np.moveaxis(cells, 2, 0))


def _difference(levels: Array, shape: ArrayShape) -> Array:
    """What a column reads of its cells, in levels: the difference of a pair, or a cell less its least conductance."""
    other = levels[..., 1] if shape.encoding == "pair" else shape.g_min_s / shape.level_s
    return _by_digit(levels[..., 0] - other)


def program(weights: NDArray[np.generic], shape: ArrayShape, sources: Sources, rng: np.random.Generator) -> Written:
    """Write integers `weights` (inputs x outputs) once; errors are kept for all reads. Raises InvalidTrace, InvalidChip."""
    matrix = checked_integers(weights, shape.weight_limit, "weights")
    g = written_conductances(target_conductances(matrix, shape), shape, sources, rng)
    if sources.wires is not None:
        g = behind_wires(g, shape, sources.wires, sources.solver)
    g = g / shape.level_s
    variance = _by_digit(sources.read_noise**2 * (g**2).sum(axis=-1)).astype(np.float32) if sources.read_noise > 0 else None
    parts = len(shape.row_parts(len(matrix)))
    offsets = np.zeros((parts, shape.weight_digits, matrix.shape[1]))
    if sources.offset_a > 0:
        offsets = sources.offset_a / shape.unit_a * rng.standard_normal(offsets.shape)
    return Written(shape, _difference(g, shape), variance, offsets, 0.0, flips(matrix, shape))


def _moments_by_level(target: Array, shape: ArrayShape, sources: Sources) -> tuple[Array, Array]:
    """`conductance_moments`, worked out once per level."""
    if 2**shape.cell_bits > target.size:
        return conductance_moments(target, shape, sources)
    levels = np.rint((target - shape.g_min_s) / shape.level_s).astype(np.int64)
    mean, variance = conductance_moments(shape.g_min_s + shape.level_s * np.arange(2**shape.cell_bits), shape, sources)
    return mean[levels], variance[levels]


def ensemble(weights: NDArray[np.generic], shape: ArrayShape, sources: Sources) -> Written:
    """All programmings of `weights` at once: every product read from it is that of a new programming, which all slices of its input share.

    One number per column, correlated between the slices; stuck cells are drawn one by one. Wires act as on the mean conductances.
    Raises InvalidTrace, InvalidChip, InvalidMapping.
    """
    if sources.solver == "exact" and sources.wires is not None:
        raise InvalidMapping("the exact transfer matrix belongs to one programming: draw it with program(), or take another solver")
    matrix: Integers = checked_integers(weights, shape.weight_limit, "weights")
    target = target_conductances(matrix, shape)
    mean, variance = _moments_by_level(target, shape, sources)
    share: Array | float = 1.0
    if sources.wires is not None:
        seen = np.maximum(mean, OPEN_CELL * shape.g_max_s)
        share = behind_wires(seen, shape, sources.wires, "fast") / seen
    mean, variance = mean * share / shape.level_s, variance * share**2 / shape.level_s**2
    both = _by_digit((variance + sources.read_noise**2 * (variance + mean**2)).sum(axis=-1))
    offsets = np.zeros((len(shape.row_parts(len(matrix))), shape.weight_digits, matrix.shape[1]))
    varied = both.astype(np.float32) if both.any() else None
    offset_variance = (sources.offset_a / shape.unit_a) ** 2
    cells = None
    if sources.stuck is not None or (shape.input_slices > 1 and (varied is not None or offset_variance > 0)):
        cells = _cells(target, mean, variance, share, shape, sources)
    return Written(shape, _difference(mean, shape), varied, offsets, offset_variance, flips(matrix, shape), cells)


def _cells(target: Array, mean: Array, variance: Array, share: Array | float, shape: ArrayShape, sources: Sources) -> Cells:
    """The cells of an ensemble one by one."""
    factor, spread = np.broadcast_to(np.asarray(share, dtype=np.float64), target.shape), np.zeros_like(target)
    if sources.drift is not None and sources.time_s is not None:
        first, second = sources.drift.moments(target, sources.time_s)
        factor, spread = factor * first, second / first**2 - 1.0
    a, b, c, d = (_by_digit(of).astype(np.float32) for of in (mean, variance, factor, spread))
    low, high = shape.g_min_s / shape.level_s, shape.g_max_s / shape.level_s
    return Cells(a, b, c, d, sources.stuck or StuckCells(0.0, 0.0), low, high, sources.read_noise)
