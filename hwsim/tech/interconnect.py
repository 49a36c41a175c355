"""Energy of on-chip wires by node, and the area of SRAM macros from their bit cell, for nodes that no array model reaches.

``E = C V^2 (1 + 1.07 x)`` a rise, x the share of the full repeaters that is used (1: fastest). Sources: Ho (JSSC 2008), Banerjee and Mehrotra;
`models/tech/interconnect.yaml`, `models/tech/bit-cells.yaml`.
"""

from __future__ import annotations

import math

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace

__all__ = ["macro_mm2", "wire_f_per_mm", "wire_j_per_bit_mm"]

RISING_SHARE = 0.25  # of the bits of random data


def wire_f_per_mm(table: Chip, node_nm: float) -> float:
    """Farads per mm of a wire, on the line between nodes on logarithmic axes. Raises `InvalidTrace` outside 13 to 180 nm.

    >>> from hwsim.readers.technology import technology
    >>> round(wire_f_per_mm(technology("interconnect"), 45) * 1e12, 3)  # pF
    0.336
    """
    nodes, values = table.vector("node_nm"), table.vector("wire_pf_per_mm")
    if not min(nodes) <= node_nm <= max(nodes):
        raise InvalidTrace(f"wires are known from {min(nodes):g} to {max(nodes):g} nm, got {node_nm:g}: below, take R and C from the pitch (wire_rc)")
    at = next(i for i in range(1, len(nodes)) if nodes[i] <= node_nm)
    share = math.log(node_nm / nodes[at]) / math.log(nodes[at - 1] / nodes[at])
    return float(1e-12 * math.exp((1 - share) * math.log(values[at]) + share * math.log(values[at - 1])))


def wire_j_per_bit_mm(table: Chip, node_nm: float, vdd_v: float, repeaters: float = 0.0) -> float:
    """Joules a mm of one bit of random data; `repeaters` 0 (none) to 1 (fastest). Raises `InvalidTrace`.

    >>> from hwsim.readers.technology import technology
    >>> round(wire_j_per_bit_mm(technology("interconnect"), 45, 1.0) * 1e12, 3)  # pJ
    0.084
    """
    if vdd_v <= 0 or not 0 <= repeaters <= 1:
        raise InvalidTrace(f"a wire needs a positive supply and a share of repeaters in 0..1, got {vdd_v:g} V and {repeaters:g}")
    rise = wire_f_per_mm(table, node_nm) * vdd_v**2 * (1 + table.number("repeater_energy") * repeaters)
    return RISING_SHARE * rise


def macro_mm2(table: Chip, cells: Chip, bits: float, node_nm: int) -> float:
    """Area of an SRAM macro from its bit cell: ``bits x cell / efficiency``. Raises `InvalidTrace` for a node whose cell is not known.

    >>> from hwsim.readers.technology import technology
    >>> macro_mm2(technology("interconnect"), technology("bit-cells"), 8 * 65536, 45) < 0.5
    True
    """
    name = f"n{node_nm}_mm2"
    if name not in cells.params:
        known = ", ".join(n[1:].removesuffix("_mm2") for n in cells.params if not n.endswith("transistors_per_mm2"))
        raise InvalidTrace(f"no bit cell of {node_nm} nm; there are {known}")
    return bits * cells.number(name) / table.number("macro_efficiency")
