"""Logic across nodes and supplies: a fan-out-of-4 inverter's delay, energy and power, and ratios of them.

Source: Stillmaker and Baas, Integration 58 (2017): polynomials in the supply, one per node and class of device (`models/tech/node-scaling.yaml`).
At 45 nm and 7 nm they are anchored at the measured inverters of the paper's table 2; the correction of the nodes between lies on the line through
these two on logarithmic axes. Bulk nodes (65 nm and above) and low-power devices have no measured anchor: their polynomials stand as they are.

The polynomials of the delay turn upward just below the nominal supply of some nodes, where no transistor gets slower: from the minimum on,
the value of the minimum is kept.

High-performance (hp) and low-power (lp) rows are never mixed. A table that takes 45 and 32 nm from the lp rows and 20 nm and below from the hp rows,
as Accelergy's technology scaling does, finds 10.6 times less energy from 45 to 7 nm at 0.8 V, where these rows give 8.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace

__all__ = ["Node", "area", "factor", "inverter", "nominal_v", "scale"]

KINDS = ("delay", "energy", "power", "area")
DEVICES = ("hp", "lp")
SI = {"delay": 1e-12, "energy": 1e-15, "power": 1e-9}  # units of the polynomials
PLANAR_LEAST_NM = 20.0  # planar devices down to here, FinFETs below
FINFET_MOST_NM = 16.0
BULK_LEAST_NM = 65.0
ANCHORS_NM = (45, 7)


@dataclass(frozen=True)
class Node:
    """A node in nm, its supply in volts, and the class of device: hp (high performance) or lp (low power)."""

    nm: float
    vdd_v: float
    device: str = "hp"


def inverter(table: Chip, node: Node, kind: str) -> float:
    """Delay (s), energy (J) or power (W) of the fan-out-of-4 inverter of a node, on the line between its neighbours on logarithmic axes.

    Interpolation stays within planar or FinFET devices. Raises `InvalidTrace` outside the fitted nodes and supplies.

    >>> from hwsim.readers.technology import technology
    >>> round(inverter(technology("node-scaling"), Node(45, 1.1), "delay") * 1e12, 1)  # ps
    10.9
    """
    if kind not in SI:
        raise InvalidTrace(f"an inverter has delay, energy and power, not {kind}")
    if node.device not in DEVICES:
        raise InvalidTrace(f"device is one of {', '.join(DEVICES)}, got '{node.device}'")
    _check_supply(table, node)
    low, high = _neighbours(table, node.nm)
    at_low, at_high = (_at_node(table, nm, node, kind) for nm in (low, high))
    return SI[kind] * (at_low if low == high else _between(low, at_low, high, at_high, node.nm))


def area(table: Chip, nm: float) -> float:
    """Logic area of a node over that of 7 nm; between nodes as `inverter`. Raises `InvalidTrace`.

    >>> from hwsim.readers.technology import technology
    >>> area(technology("node-scaling"), 45)
    17.0
    """
    low, high = _neighbours(table, nm)
    known = dict(zip(table.vector("area_nm"), table.vector("area_relative"), strict=True))
    return known[low] if low == high else _between(low, known[low], high, known[high], nm)


def factor(table: Chip, kind: str, source: Node, target: Node) -> float:
    """Ratio of a quantity at `target` over that at `source`. Raises `InvalidTrace` outside the ranges, and between hp and lp devices.

    >>> from hwsim.readers.technology import technology
    >>> round(factor(technology("node-scaling"), "energy", Node(45, 1.1), Node(7, 0.8)), 4)
    0.1057
    """
    if source.device != target.device:
        raise InvalidTrace("hp and lp devices follow different lines: scale within one class of device")
    if kind == "area":
        return area(table, target.nm) / area(table, source.nm)
    return inverter(table, target, kind) / inverter(table, source, kind)


def scale(table: Chip, value: float, kind: str, source: Node, target: Node) -> float:
    """Return `value`, known at `source`, at `target`: delay, energy, power or area of digital logic. Raises `InvalidTrace`.

    Not for analogue parts, memories or wires, which do not follow logic.

    >>> from hwsim.readers.technology import technology
    >>> joules = scale(technology("node-scaling"), 1e-12, "energy", Node(45, 1.1), Node(7, 0.8))
    >>> round(joules * 1e15, 1)  # fJ
    105.7
    """
    return value * factor(table, kind, source, target)


def nominal_v(table: Chip, nm: float) -> float:
    """Nominal supply of a node, volts; between nodes on a line. Raises `InvalidTrace`.

    >>> from hwsim.readers.technology import technology
    >>> nominal_v(technology("node-scaling"), 45)
    1.1
    """
    low, high = _neighbours(table, nm)
    known = dict(zip(table.vector("nominal_nm"), table.vector("nominal_vdd_v"), strict=True))
    return known[low] if low == high else _between(low, known[low], high, known[high], nm)


def _check_supply(table: Chip, node: Node) -> None:
    most = nominal_v(table, node.nm) * (1 + table.number("supply_margin"))
    least = table.number("least_vdd_v")
    if not least <= node.vdd_v <= most + 1e-9:
        raise InvalidTrace(f"the fits of {node.nm:g} nm hold from {least:g} to {most:.3g} V, got {node.vdd_v:g} V")


def _neighbours(table: Chip, nm: float) -> tuple[float, float]:
    nodes = sorted(table.vector("area_nm"))
    if nm in nodes:
        return nm, nm
    if not nodes[0] < nm < nodes[-1]:
        raise InvalidTrace(f"node scaling is known from {nodes[0]:g} to {nodes[-1]:g} nm, got {nm:g}: below, take figures of that node")
    if FINFET_MOST_NM < nm < PLANAR_LEAST_NM:
        raise InvalidTrace(f"{nm:g} nm lies between planar devices (20 nm and above) and FinFETs (16 nm and below), which follow different lines")
    return max(n for n in nodes if n < nm), min(n for n in nodes if n > nm)


def _between(low: float, at_low: float, high: float, at_high: float, nm: float) -> float:
    share = math.log(nm / low) / math.log(high / low)
    return math.exp((1 - share) * math.log(at_low) + share * math.log(at_high))


def _at_node(table: Chip, nm: float, node: Node, kind: str) -> float:
    raw = _polynomial(table, nm, node.device, node.vdd_v, kind)
    if node.device == "lp" or nm >= BULK_LEAST_NM:
        return raw
    fixes = {at: _correction(table, at, kind) for at in ANCHORS_NM}
    high, low = ANCHORS_NM
    return raw * _between(low, fixes[low], high, fixes[high], nm)


def _flat(cubic: tuple[float, ...]) -> list[float]:
    """Where a cubic neither rises nor falls."""
    a, b, c = 3 * cubic[0], 2 * cubic[1], cubic[2]
    if a == 0:
        return [-c / b] if b else []
    inside = b * b - 4 * a * c
    return [] if inside < 0 else [(-b + sign * math.sqrt(inside)) / (2 * a) for sign in (1, -1)]


def _correction(table: Chip, nm: int, kind: str) -> float:
    vdd, *measured = table.vector(f"measured_{nm}")
    return measured[("delay", "energy", "power").index(kind)] / _polynomial(table, nm, "hp", vdd, kind)


def _polynomial(table: Chip, nm: float, device: str, vdd: float, kind: str) -> float:
    name = f"n{nm:g}_{'bulk' if nm >= BULK_LEAST_NM else device}_{kind}"
    powers = table.vector(name)

    def at(v: float) -> float:
        total = 0.0
        for c in powers:
            total = total * v + c
        return total

    value = at(vdd)
    if kind == "delay":  # never slower at a higher supply
        value = min(value, *(at(v) for v in (table.number("least_vdd_v"), *_flat(powers)) if table.number("least_vdd_v") <= v <= vdd))
    if value <= 0:
        raise InvalidTrace(f"the fit of the {kind} at {nm:g} nm has no positive value at {vdd:g} V: the supply is too low")
    return value
