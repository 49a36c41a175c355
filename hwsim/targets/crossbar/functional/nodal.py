"""Wire resistance of a crossbar: the node equations solved exactly, and a fast approximation.

Geometry: row i is driven at its left end by V_i, column j is read at its bottom end at 0 V; every cell lies between its row and its column, and every
wire segment between neighbouring cells, from the source to the first column and from the last row to the ground has the same resistance.

Cell currents I_ij as unknowns turn Kirchhoff's laws into R_ij I_ij + drop_row + drop_column = V_i, where the drop along row i up to column j is
r_row sum_k<=j sum_l>=k I_il and that down column j from row i is r_column sum_k>=i sum_l<=k I_lj. With S = diag(sqrt(1 / R)) and I = S y this is
(1 + S A S) y = S V, symmetric with no eigenvalue below 1, which conjugate gradients solve in few steps and without cancellation for any r >= 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidChip, InvalidTrace
from hwsim.engine.jit import jit

Array = NDArray[np.float64]
TOLERANCE = 1e-13  # of the residual's norm, relative to the right-hand side's
FAST_TOLERANCE = 1e-5
FAST_LIMIT = 0.12  # drop up to which the approximation is within `fast_error` of half a percent
MOST_SOLVES = 2e9  # cells x solves that an exact matrix may take


@dataclass(frozen=True)
class Wires:
    """Resistance of one segment of a row and of a column, ohm. Raises InvalidChip when negative or not finite."""

    row_ohm: float
    column_ohm: float

    def __post_init__(self) -> None:
        if not (0 <= self.row_ohm < math.inf and 0 <= self.column_ohm < math.inf):
            raise InvalidChip(f"wires of {self.row_ohm:g} and {self.column_ohm:g} ohm per cell: give finite resistances, 0 for ideal wires")


@jit
def _drops(current: Array, row_ohm: float, column_ohm: float, drop: Array, line: Array, column: Array) -> None:
    """Voltage lost between source and ground on the wires of each cell, into `drop` (rows x columns); `line`, `column`: scratch of one row."""
    rows, columns = current.shape
    for i in range(rows):
        total = 0.0
        for j in range(columns - 1, -1, -1):
            total += current[i, j]
            line[j] = total
        fallen = 0.0
        for j in range(columns):
            fallen += line[j]
            drop[i, j] = row_ohm * fallen
    # each column: a segment below row i carries the sum of rows 0..i; the drop from row i adds the segments below it
    for j in range(columns):
        line[j] = column[j] = 0.0
    for i in range(rows):
        for j in range(columns):
            line[j] += current[i, j]
            column[j] += line[j]
    for j in range(columns):
        line[j] = 0.0
    for i in range(rows):
        for j in range(columns):
            drop[i, j] += column_ohm * column[j]
            line[j] += current[i, j]
            column[j] -= line[j]


@jit
def _solve(g: Array, v: Array, row_ohm: float, column_ohm: float, tolerance: float, most: int) -> tuple[Array, int, float]:
    """Cell currents, iterations, and relative norm of the residual reached, by conjugate gradients."""
    rows, columns = g.shape
    s = np.sqrt(g)
    y, residual, q = np.zeros((rows, columns)), np.empty((rows, columns)), np.empty((rows, columns))
    line, column = np.empty(columns), np.empty(columns)
    norm = 0.0
    for i in range(rows):
        for j in range(columns):
            residual[i, j] = s[i, j] * v[i]
            norm += residual[i, j] * residual[i, j]
    p = residual.copy()
    current = np.empty((rows, columns))
    left, count, target = norm, 0, tolerance * tolerance * norm
    while left > target and count < most:
        for i in range(rows):
            for j in range(columns):
                current[i, j] = s[i, j] * p[i, j]
        _drops(current, row_ohm, column_ohm, q, line, column)
        curvature = 0.0
        for i in range(rows):
            for j in range(columns):
                q[i, j] = p[i, j] + s[i, j] * q[i, j]
                curvature += p[i, j] * q[i, j]
        step, before = left / curvature, left
        left = 0.0
        for i in range(rows):
            for j in range(columns):
                y[i, j] += step * p[i, j]
                residual[i, j] -= step * q[i, j]
                left += residual[i, j] * residual[i, j]
        turn = left / before
        for i in range(rows):
            for j in range(columns):
                p[i, j] = residual[i, j] + turn * p[i, j]
        count += 1
    for i in range(rows):
        for j in range(columns):
            current[i, j] = s[i, j] * y[i, j]
    return current, count, math.sqrt(left / norm) if norm > 0 else 0.0


def _checked(conductance_s: Array, voltage_v: Array) -> tuple[Array, Array]:
    """Contiguous arrays of the right shape. Raises InvalidTrace."""
    g, v = np.ascontiguousarray(conductance_s, dtype=np.float64), np.ascontiguousarray(voltage_v, dtype=np.float64)
    if g.ndim != 2 or g.size == 0:
        raise InvalidTrace(f"conductances of shape {g.shape}: give rows x columns")
    if v.shape != (g.shape[0],):
        raise InvalidTrace(f"voltages of shape {v.shape} for {g.shape[0]} rows: give one per row")
    if not (np.all(np.isfinite(g)) and np.all(g >= 0)):
        raise InvalidTrace("conductances must be finite and not negative (0 is an open cell)")
    if not np.all(np.isfinite(v)):
        raise InvalidTrace("voltages must be finite")
    return g, v


def cell_currents(conductance_s: Array, voltage_v: Array, wires: Wires, tolerance: float = TOLERANCE) -> Array:
    """Current of every cell in A, rows x columns; `conductance_s` rows x columns, `voltage_v` one per row.

    Raises InvalidTrace for arrays that fit no crossbar, or when the equations do not converge (wires far more resistive than the cells).
    """
    g, v = _checked(conductance_s, voltage_v)
    most = 1000 + 20 * sum(g.shape)
    current, count, residual = _solve(g, v, wires.row_ohm, wires.column_ohm, tolerance, most)
    if residual > 10 * tolerance:
        raise InvalidTrace(
            f"the node equations of {g.shape[0]} x {g.shape[1]} cells did not converge in {count} steps (residual {residual:.1e}): "
            f"wires of {wires.row_ohm:g} and {wires.column_ohm:g} ohm are too resistive for cells of up to {g.max():.3g} S"
        )
    return current


def column_currents(conductance_s: Array, voltage_v: Array, wires: Wires) -> Array:
    """Current of every column in A, exact. Raises InvalidTrace as `cell_currents`."""
    found: Array = cell_currents(conductance_s, voltage_v, wires).sum(axis=0)
    return found


def transfer_conductance(conductance_s: Array, wires: Wires) -> Array:
    """The exact matrix M in S, rows x columns, with column currents V @ M for every V: one solve per row. Raises InvalidTrace."""
    rows = np.asarray(conductance_s).shape[0] if np.ndim(conductance_s) == 2 else 0
    return np.array([column_currents(conductance_s, unit, wires) for unit in np.eye(rows)]) if rows else _checked(conductance_s, np.empty(0))[0]


def effective_conductance(conductance_s: Array, wires: Wires, drive: Array | None = None) -> Array:
    """Fast approximation of `transfer_conductance`, rows x columns: each cell as far reduced as when rows are driven as in `drive`.

    Default drive: all rows alike. One solve instead of one per row; exact for inputs proportional to `drive`, which must be positive (relative
    scale). Raises InvalidTrace.
    """
    g = np.ascontiguousarray(conductance_s, dtype=np.float64)
    v = np.ones(g.shape[0] if g.ndim == 2 else 0) if drive is None else np.asarray(drive, dtype=np.float64)
    if not np.all(v > 0):
        raise InvalidTrace("the drive of the fast approximation must be positive in every row")
    if wires.row_ohm == wires.column_ohm == 0:
        return _checked(g, v)[0]
    found: Array = cell_currents(g, v, wires, FAST_TOLERANCE) / v[:, None]
    return found


def worst_drop_estimate(wire_ohm: float, mean_s: float, size: int, activity: float = 1.0) -> float:
    """Rule of thumb for the worst relative error of a column of `size` x `size` cells: r G N^2 / 2 times the share of driven rows.

    It holds to first order for the drop along one direction; useful as a warning only: above a few percent, solve.
    """
    return 0.5 * wire_ohm * mean_s * size**2 * activity


def drop_share(conductance_s: Array, effective_s: Array) -> float:
    """Share of the current that wires take when all rows are driven alike; `effective_s` from `effective_conductance`."""
    ideal = float(np.sum(conductance_s))
    return 1.0 - float(np.sum(effective_s)) / ideal if ideal > 0 else 0.0


def fast_error(drop: float) -> float:
    """Relative rms error of columns by the fast approximation at this drop, however few rows are driven: drop^2 / 3.

    An envelope found against the exact equations: 64 and 128 rows and columns, cells of 0 to 40 uS, 0.05 to 10 ohm, one row to all rows driven.
    """
    return drop * drop / 3.0


def wired_conductance(conductance_s: Array, wires: Wires) -> Array:
    """The fast approximation where its error is below 0.5 %, else the exact matrix, rows x columns. Raises InvalidTrace (arrays too large)."""
    found = effective_conductance(conductance_s, wires)
    drop = drop_share(conductance_s, found)
    if drop <= FAST_LIMIT:
        return found
    rows, columns = found.shape
    if float(rows) * rows * columns > MOST_SOLVES:
        raise InvalidTrace(
            f"wires take {drop:.0%} of the current of {rows} x {columns} cells: the fast approximation errs by up to {fast_error(drop):.1%} there, "
            "and an exact matrix needs a solve per row: take smaller arrays or less resistive wires, or ask for the fast approximation"
        )
    return transfer_conductance(conductance_s, wires)
