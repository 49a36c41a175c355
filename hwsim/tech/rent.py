"""Wire length without a netlist: Rent's rule, Donath's and Davis' estimates, and the routed length of a block.

Lengths are in gate pitches unless the name says otherwise: a gate pitch is the side of the square that a gate takes of the area.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.errors import InvalidTrace

__all__ = ["davis_density", "davis_mean", "davis_wires", "donath_mean"]

STEPS_PER_OCTAVE = 256
CUTS = 256  # parts of the finest cut (16 x 16) that Rent's parameters are measured on


def donath_mean(gates: float, p: float) -> float:
    """Mean length of two-pin connections in a square of `gates` with Rent exponent `p` (Donath, IEEE Trans. CAS 1979).

    ``(2/9) [7 (N^(p-1/2) - 1)/(4^(p-1/2) - 1) - (1 - N^(p-3/2))/(1 - 4^(p-3/2))] (1 - 4^(p-1))/(1 - N^(p-1))``; at p = 1/2 the first fraction is
    ``log_4 N``. Raises `InvalidTrace`.

    >>> round(donath_mean(1e6, 0.6), 2)  # in gate pitches
    13.19
    """
    _check(gates, p)
    half = math.log(gates, 4) if abs(p - 0.5) < 1e-9 else (gates ** (p - 0.5) - 1) / (4 ** (p - 0.5) - 1)
    rest = (1 - gates ** (p - 1.5)) / (1 - 4 ** (p - 1.5))
    mean: float = 2 / 9 * (7 * half - rest) * (1 - 4 ** (p - 1)) / (1 - gates ** (p - 1))
    return mean


def davis_density(length: float, gates: float, p: float) -> float:
    """Davis' distribution of point-to-point wires over their length, not normalised (Davis, De, Meindl, IEEE Trans. ED 1998).

    ``(l^3/3 - 2 sqrt(N) l^2 + 2 N l) l^(2p-4)`` up to sqrt(N), ``(2 sqrt(N) - l)^3 / 3  l^(2p-4)`` up to 2 sqrt(N), 0 beyond.

    >>> davis_density(250.0, 1e4, 0.6)  # beyond twice the side
    0.0
    """
    side = math.sqrt(gates)
    if not 1.0 <= length <= 2 * side:
        return 0.0
    pairs = length**3 / 3 - 2 * side * length**2 + 2 * gates * length if length < side else (2 * side - length) ** 3 / 3
    return float(pairs * length ** (2 * p - 4))


def davis_mean(gates: float, p: float) -> float:
    """Mean length of Davis' distribution, integrated by Simpson's rule on a logarithmic axis. k and the fan-out cancel. Raises `InvalidTrace`.

    >>> round(davis_mean(1e6, 0.6), 2)  # in gate pitches
    9.76
    """
    _check(gates, p)
    side = math.sqrt(gates)
    wires = length = 0.0
    for low, high in ((1.0, side), (side, 2 * side)):
        steps = max(2, 2 * math.ceil(math.log2(high / low) * STEPS_PER_OCTAVE / 2))
        width = math.log(high / low) / steps
        for i in range(steps + 1):
            at = min(low * math.exp(i * width), high)
            # the density is continuous at sqrt(N); both branches give the same value there
            value = davis_density(at, gates, p) * at * width / 3 * (1 if i in (0, steps) else 4 if i % 2 else 2)
            wires += value
            length += value * at
    return length / wires


def davis_wires(gates: float, p: float, k: float, mean_fanout: float) -> float:
    """Number of point-to-point wires: ``a k N (1 - N^(p-1))`` with ``a = fanout / (fanout + 1)``. Raises `InvalidTrace`.

    >>> round(davis_wires(1e4, 0.6, 3.0, 2.0))
    19498
    """
    _check(gates, p)
    if k <= 0 or mean_fanout <= 0:
        raise InvalidTrace(f"a Rent coefficient and a fan-out must be positive, got {k:g} and {mean_fanout:g}")
    wires: float = mean_fanout / (mean_fanout + 1) * k * gates * (1 - gates ** (p - 1))
    return wires


@dataclass(frozen=True)
class Block:
    """A block before placement: `gates`, `nets` and their mean fan-out, Rent's exponent and coefficient from placements, areas in um2."""

    gates: float
    nets: float
    mean_fanout: float
    rent_p: float
    rent_k: float
    cell_area_um2: float
    core_area_um2: float

    def terminals(self, gates: float) -> float:
        """Terminals of a part of `gates` gates.

        Rent's rule ``k B^p`` holds from the smallest part that placements were cut into (a 256th of the block); below, the line to the pins of one
        gate on logarithmic axes.
        """
        smallest = self.gates / CUTS
        if gates >= smallest or smallest <= 1.0:
            return float(self.rent_k * gates**self.rent_p)
        one = self.nets * (self.mean_fanout + 1) / self.gates
        exponent = math.log(self.rent_k * smallest**self.rent_p / one) / math.log(smallest)
        return float(one * gates**exponent)


def random_length_um(block: Block, white_space: float) -> float:
    """Wire of a block whose parts keep to Rent's rule but lie at random within their parent part, um.

    Donath's hierarchy: when four parts of B gates make one of 4 B, ``f/(f+1) (4 T(B) - T(4 B))`` connections are closed, of mean length
    ``14/9 sqrt(B)``
    gate pitches; ``f/(f+1) T(N)`` leave the block, ``5/6`` of the core's side long. Cells lie at the density ``u + white_space (1 - u)``, u the
    utilisation, for placers do not spread a loose block evenly over its core. Raises `InvalidTrace`.
    """
    _check(block.gates, block.rent_p)
    if min(block.nets, block.mean_fanout, block.rent_k, block.cell_area_um2) <= 0 or block.core_area_um2 < block.cell_area_um2:
        raise InvalidTrace("a block needs positive counts and areas, and a core that holds its cells")
    levels = max(1, round(math.log(block.gates, 4)))
    step = block.gates ** (1 / levels)
    edges = block.mean_fanout / (block.mean_fanout + 1)
    pitches = 0.0
    for level in range(levels):
        part = step**level
        closed = step * block.terminals(part) - block.terminals(step * part)
        pitches += block.gates / (step * part) * edges * max(closed, 0.0) * 14 / 9 * math.sqrt(part)
    used = block.cell_area_um2 / block.core_area_um2
    pitch_um = math.sqrt(block.cell_area_um2 / block.gates / (used + white_space * (1 - used)))
    outside = edges * block.terminals(block.gates) * 5 / 6 * math.sqrt(block.core_area_um2)
    return pitches * pitch_um + outside


def _check(gates: float, p: float) -> None:
    if not gates > 1:
        raise InvalidTrace(f"a wire needs two gates or more, got {gates:g}")
    if not 0 < p < 1:
        raise InvalidTrace(f"a Rent exponent lies between 0 and 1, got {p:g}")
