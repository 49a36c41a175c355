"""Adders and multipliers of three families of figures, kept apart: Horowitz (45 nm, 0.9 V), Jouppi (7 nm), Aladdin (40 nm).

A family is scaled from its own node and supply (`hwsim.tech.scaling`); without a family, the one whose node is asked for answers, else Horowitz.
Logic scales further than real operators did: Horowitz's fp32 multiplication scaled from 45 nm to 7 nm is a third of the one Jouppi published.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.errors import InvalidTrace
from hwsim.tech.arithmetic import operation_j
from hwsim.tech.scaling import Node, factor

OPERATIONS = {"add": "add", "multiply": "mul"}
ALADDIN = {
    ("add", "int32"): "adder", ("multiply", "int32"): "multiplier", ("add", "fp32"): "fp_sp_adder", ("multiply", "fp32"): "fp_sp_multiplier",
    ("add", "fp64"): "fp_dp_adder", ("multiply", "fp64"): "fp_dp_multiplier",
}  # fmt: skip
FAMILIES = ("horowitz", "jouppi", "aladdin")


@dataclass(frozen=True)
class Tables:
    """The technology files that hold the figures."""

    horowitz: Chip
    jouppi: Chip
    aladdin: Chip
    areas: Chip
    scaling: Chip

    def home(self, family: str) -> Node:
        """Node and supply of a family's figures."""
        table = {"horowitz": self.areas, "jouppi": self.jouppi, "aladdin": self.aladdin}[family]
        return Node(table.number("node_nm"), table.number("vdd_v"))


@dataclass(frozen=True)
class Operator:
    """Joules of one operation, area in mm2 (None: no figure), and the family it is from."""

    energy_j: float
    area_mm2: float | None
    family: str


def operator(tables: Tables, operation: str, dtype_name: str, node: Node, family: str | None = None, clock_ns: float = 1.0) -> Operator:
    """Energy and area of an `add` or `multiply`. Raises `InvalidTrace` for an operation, format or node that the family does not reach."""
    if operation not in OPERATIONS:
        raise InvalidTrace(f"operation is one of {', '.join(OPERATIONS)}, got '{operation}'")
    if family is None:
        family = "jouppi" if node.nm == tables.home("jouppi").nm else "horowitz"
    if family not in FAMILIES:
        raise InvalidTrace(f"family is one of {', '.join(FAMILIES)}, got '{family}'")
    energy, area_mm2 = _at_home(tables, operation, dtype(dtype_name).name, family, clock_ns)
    home = tables.home(family)
    if node == home:
        return Operator(energy, area_mm2, family)
    if area_mm2 is not None and node.nm != home.nm:
        area_mm2 *= factor(tables.scaling, "area", home, node)
    return Operator(energy * factor(tables.scaling, "energy", home, node), area_mm2, family)


def _at_home(tables: Tables, operation: str, name: str, family: str, clock_ns: float) -> tuple[float, float | None]:
    if family == "aladdin":
        if (operation, name) not in ALADDIN:
            raise InvalidTrace(f"Aladdin has no {operation} of {name}; it has {', '.join(sorted({d for _, d in ALADDIN}))}")
        key = f"{ALADDIN[operation, name]}_{clock_ns:g}".replace(".", "p") + "ns"
        if key not in tables.aladdin.params:
            raise InvalidTrace(f"Aladdin has no {operation} of {name} at {clock_ns:g} ns: it states 0.5, 1, 2, 3, 4, 5, 6 and 10 ns")
        _, dynamic_pj, _, area_um2 = tables.aladdin.vector(key)
        return dynamic_pj * 1e-12, area_um2 * 1e-6 if area_um2 else None
    short = OPERATIONS[operation]
    if family == "jouppi":
        return operation_j(tables.jouppi, short, name), None
    area = f"{short}_{name}_mm2"
    return operation_j(tables.horowitz, short, name), tables.areas.number(area) if area in tables.areas.params else None
