"""The nonlinear ramp converter: one column of memristors whose steps are the differences of the inverse activation, so codes are f(x) already.

b bits, outputs a..c, n = 2^b: levels y_k = a + (c - a) k / n, thresholds x_k = f^-1(y_k) for k = 1..n - 1, steps d_k = x_(k+1) - x_k for
k = 1..n - 2, conductances G_k proportional to d_k; a column's code is the number of thresholds that its held value has reached.
Source: Yang, Basu, Li et al., Nature Communications 2025, s41467-025-56254-6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping
from hwsim.engine.jit import jit
from hwsim.targets.crossbar.functional.activation import activation

Vector = NDArray[np.float64]
Placement = Literal["clip", "several"]
MAX_BITS = 16


@dataclass(frozen=True)
class Ramp:
    """A conversion through `function` to `bits` bits over outputs `out_min`..`out_max`.

    Raises InvalidMapping when the function has no inverse at a threshold or bits are not in 1..16.

    >>> round(Ramp("sigmoid", 5, 0.0, 1.0).step_ratio, 4)
    5.7999
    """

    function: str
    bits: int
    out_min: float
    out_max: float

    def __post_init__(self) -> None:
        f = activation(self.function)
        if not 1 <= self.bits <= MAX_BITS:
            raise InvalidMapping(f"a ramp of {self.bits} bits is not in 1..{MAX_BITS}")
        if not (math.isfinite(self.out_min) and math.isfinite(self.out_max) and self.out_min < self.out_max):
            raise InvalidMapping(f"outputs from {self.out_min:g} to {self.out_max:g} are no range")
        first, last = (self.out_min + (self.out_max - self.out_min) * k / self.codes for k in (1, self.codes - 1))
        if first <= f.low or last >= f.high:
            raise InvalidMapping(
                f"{f.name} takes values between {f.low:.6g} and {f.high:.6g} only; a ramp of {self.bits} bits over "
                f"{self.out_min:g}..{self.out_max:g} has thresholds from {first:.6g} to {last:.6g}: narrow out_min and out_max"
            )

    @property
    def codes(self) -> int:
        """Output codes, 2^bits."""
        return int(2**self.bits)

    @property
    def lsb(self) -> float:
        """Output units of one code."""
        return (self.out_max - self.out_min) / self.codes

    def levels(self) -> Vector:
        """Output of each code, y_0..y_(n-1)."""
        return np.asarray(self.out_min + self.lsb * np.arange(self.codes), dtype=np.float64)

    def thresholds(self) -> Vector:
        """x_1..x_(n-1), in units of the pre-activation."""
        y: Vector = self.out_min + (self.out_max - self.out_min) * np.arange(1, self.codes) / self.codes
        x = activation(self.function).inverse(y)
        if not (np.all(np.isfinite(x)) and np.all(np.diff(x) > 0)):
            raise InvalidMapping(f"thresholds of {self.function} at {self.bits} bits fall together in double precision: take fewer bits")
        return x

    def steps(self) -> Vector:
        """d_1..d_(n-2). Raises InvalidMapping for a 1-bit ramp, which has a threshold but no step."""
        if self.bits < 2:
            raise InvalidMapping("a ramp of 1 bit has one threshold and no step")
        return np.diff(self.thresholds())

    @property
    def step_ratio(self) -> float:
        """Largest over smallest step: the conductance range that one cell per step needs."""
        d = self.steps()
        return float(d.max() / d.min())


@dataclass(frozen=True)
class RampColumn:
    """Memristors of a ramp: conductance of one cell and number of cells of each step; siemens of one unit of the pre-activation.

    `thresholds`: those that these conductances give, equal to the ramp's unless cells were clipped.
    """

    ramp: Ramp
    cell_s: Vector
    cells: NDArray[np.int64]
    siemens_per_unit: float
    calibration_cells: int

    @property
    def step_s(self) -> Vector:
        """Conductance of each step."""
        return self.cell_s * self.cells

    @property
    def thresholds(self) -> Vector:
        """Thresholds of these conductances in units of the pre-activation; the first is placed by the bias."""
        first = self.ramp.thresholds()[0]
        return np.asarray(first + np.concatenate([[0.0], np.cumsum(self.step_s)]) / self.siemens_per_unit, dtype=np.float64)

    @property
    def ramp_cells(self) -> int:
        """Memristors of the ramp: 2^bits with one cell per step (one more before the first threshold and one after the last)."""
        return int(self.cells.sum()) + 2

    @property
    def clip_error_lsb(self) -> float:
        """Largest error of a threshold in output codes that clipping has left."""
        wanted = self.ramp.thresholds()
        moved = np.interp(self.thresholds, wanted, np.arange(1.0, self.ramp.codes)) - np.arange(1.0, self.ramp.codes)
        return float(np.abs(moved).max())


def ramp_cells(bits: int) -> int:
    """Memristors of a ramp with one cell per step, 2^bits (32 for 5 bits). Raises InvalidMapping for bits outside 1..16."""
    if not 1 <= bits <= MAX_BITS:
        raise InvalidMapping(f"a ramp of {bits} bits is not in 1..{MAX_BITS}")
    return int(2**bits)


def place(
    ramp: Ramp, g_min_s: float, g_max_s: float, placement: Placement = "several", *, calibration_cells: int = 0, max_cells: int = 4096
) -> RampColumn:
    """Write the steps into cells of `g_min_s`..`g_max_s`: one cell per step, the largest at g_max_s, wherever the range allows.

    Where it does not: ``clip`` leaves one cell per step and raises the small ones to g_min_s (thresholds move); ``several`` puts the smallest
    step at g_min_s and builds each larger one from equal cells. Raises InvalidChip for an impossible range, Infeasible for too many cells.
    """
    if not 0 <= g_min_s < g_max_s < math.inf:
        raise InvalidChip(f"a cell from {g_min_s:g} to {g_max_s:g} S has no conductance range")
    if calibration_cells < 0:
        raise InvalidMapping(f"{calibration_cells} calibration cells")
    d = ramp.steps()
    unit = g_max_s / d.max()
    cells = np.ones(len(d), dtype=np.int64)
    wanted = d * unit
    if placement == "several" and wanted.min() < g_min_s:
        unit = g_min_s / d.min()
        wanted = d * unit
        cells = np.maximum(1, np.ceil(wanted / g_max_s * (1 - 1e-12))).astype(np.int64)
    elif placement not in ("clip", "several"):
        raise InvalidMapping(f"no placement '{placement}'; there are clip, several")
    column = RampColumn(ramp, np.clip(wanted / cells, g_min_s, g_max_s), cells, float(unit), calibration_cells)
    if column.ramp_cells > max_cells:
        levers = ("fewer bits", "a wider conductance range", "placement clip", "a narrower output range")
        raise Infeasible(f"ramp of {ramp.function}", demand=column.ramp_cells, bound=max_cells, unit="cells", levers=levers)
    return column


@jit
def convert(x: Vector, thresholds: Vector) -> NDArray[np.int64]:
    """Codes of held values: the number of thresholds at or below each, by binary search; `thresholds` ascending."""
    codes = np.empty(len(x), dtype=np.int64)
    for k in range(len(x)):
        low, high = 0, len(thresholds)
        while low < high:
            middle = (low + high) // 2
            if x[k] >= thresholds[middle]:
                low = middle + 1
            else:
                high = middle
        codes[k] = low
    return codes


def conversion_s(bits: int, clock_hz: float) -> float:
    """Seconds of one conversion of all columns, 2^bits clocks. Raises InvalidChip for a clock that is not positive."""
    if not 0 < clock_hz < math.inf:
        raise InvalidChip(f"a ramp cannot run at {clock_hz:g} Hz")
    return ramp_cells(bits) / clock_hz
