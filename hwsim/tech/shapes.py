"""Timing surfaces of a library as sums of a few shapes that all its cells share.

A gate of drive resistance R behaves alike at every scale: its delay and output slew over a time unit s0 depend on x = input slew / s0 and
y = R C / s0 only, nearly the same function for all gates. So each surface is R and a few weights, ``t(s, C) = s0 sum_k w_k phi_k(s / s0, R C / s0)``,
with shapes phi_k from a singular value decomposition over the library; s0 is the slew of a fan-out-of-4 chain. The weights are a least-squares fit
that passes exactly through one point, the fan-out-of-4 point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwsim.core.errors import InvalidChip
from hwsim.tech.cell_library import Arc, Floats, Library, Surface, interpolation_weights

X_NODES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 18.0, 40.0)
Y_NODES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0, 40.0)
CORE_X, CORE_Y = 6.0, 6.0  # slews and loads of buffered netlists; errors further out count less
FAR_WEIGHT = 0.2
LEAST = 0.3  # values below this share of s0 are fitted to an absolute error, larger ones to a relative error


@dataclass(frozen=True, eq=False)
class Shapes:
    """The shapes of one kind of surface: time unit `unit_s`, nodes `x` and `y`, and `basis`, (k, len(x), len(y))."""

    unit_s: float
    x: Floats
    y: Floats
    basis: Floats

    def surface(self, resistance_ohm: float, weights: Floats) -> Surface:
        """The surface of a gate of drive `resistance_ohm` with `weights` (k,); a larger load never makes it faster."""
        values = np.maximum.accumulate(np.tensordot(weights, self.basis, axes=1), axis=1) * self.unit_s
        return Surface(self.x * self.unit_s, self.y * (self.unit_s / resistance_ohm), values)

    def normalised(self, surface: Surface, resistance_ohm: float) -> Floats:
        """A surface on the nodes, in units of `unit_s`: (len(x), len(y))."""
        found: Floats = surface.grid(self.x * self.unit_s, self.y * (self.unit_s / resistance_ohm)) / self.unit_s
        return found

    def fit(self, surface: Surface, resistance_ohm: float, slew_s: float, load_f: float) -> Floats:
        """Weights (k,) of the least-squares fit to `surface` that passes through its value at (slew, load)."""
        target = self.normalised(surface, resistance_ohm).ravel()
        importance = node_importance(self.x, self.y).ravel() / np.maximum(np.abs(target), LEAST)
        matrix = self.basis.reshape(len(self.basis), -1).T
        at_x = interpolation_weights(self.x, np.array([slew_s / self.unit_s]))
        at_y = interpolation_weights(self.y, np.array([load_f * resistance_ohm / self.unit_s]))
        through = np.einsum("i,kij,j->k", at_x[0], self.basis, at_y[0])
        return _constrained(matrix * importance[:, None], target * importance, through, surface.at(slew_s, load_f) / self.unit_s)


def _constrained(matrix: Floats, target: Floats, row: Floats, value: float) -> Floats:
    """Least squares of ``matrix w = target`` under ``row w = value``, by its Lagrange system."""
    k = matrix.shape[1]
    system = np.zeros((k + 1, k + 1))
    system[:k, :k] = matrix.T @ matrix
    system[:k, k] = system[k, :k] = row
    found: Floats = np.linalg.lstsq(system, np.append(matrix.T @ target, value), rcond=None)[0][:k]
    return found


def node_importance(x: Floats, y: Floats) -> Floats:
    """How much an error at each node counts: 1 in the core, less further out."""
    return np.where((x[:, None] <= CORE_X) & (y[None, :] <= CORE_Y), 1.0, FAR_WEIGHT)


def drive_ohm(delay: Surface, slew_s: float) -> float:
    """Drive resistance of a gate: the slope of its delay over the upper half of its loads. Raises `InvalidChip` for a delay that does not grow."""
    high = float(delay.y[-1])
    slope = (delay.at(slew_s, high) - delay.at(slew_s, high / 2)) / (high / 2)
    if slope <= 0:
        raise InvalidChip("a delay that does not grow with load has no drive resistance")
    return slope


def library_shapes(library: Library, unit_s: float, counts: tuple[int, int]) -> tuple[Shapes, Shapes]:
    """The shapes of the delays and of the slews of a library, `counts` of them. O(surfaces x nodes^2). Raises `InvalidChip` without arcs."""
    x, y = np.array(X_NODES), np.array(Y_NODES)
    none = Shapes(unit_s, x, y, np.zeros((0, len(x), len(y))))
    found: tuple[list[Floats], list[Floats]] = ([], [])
    for cell in library.cells:
        for arc in cell.arcs:
            for delay, slew in edges(arc):
                resistance = drive_ohm(delay, unit_s)
                found[0].append(none.normalised(delay, resistance).ravel())
                found[1].append(none.normalised(slew, resistance).ravel())
    if not found[0]:
        raise InvalidChip(f"library '{library.name}' has no timing arcs")
    delays, slews = (_principal(np.array(rows), x, y, unit_s, count) for rows, count in zip(found, counts, strict=True))
    return delays, slews


def edges(arc: Arc) -> list[tuple[Surface, Surface]]:
    """(delay, slew) of the edges that the arc can cause."""
    pairs = ((arc.delay_rise, arc.slew_rise), (arc.delay_fall, arc.slew_fall))
    return [(delay, slew) for delay, slew in pairs if delay is not None and slew is not None]


def _principal(rows: Floats, x: Floats, y: Floats, unit_s: float, count: int) -> Shapes:
    importance = node_importance(x, y).ravel() / np.maximum(np.abs(rows), LEAST).mean(axis=0)
    size = np.maximum(np.abs(rows @ importance), 1e-6)  # equal say for slow and fast cells
    directions = np.linalg.svd(rows * importance / size[:, None], full_matrices=False)[2][:count]
    return Shapes(unit_s, x, y, (directions / importance).reshape(count, len(x), len(y)))
