"""Devices and wires that an SRAM array is made of at a node: capacitances, resistances, leakage, the area of gates.

Constants and forms of CACTI 7 (HewlettPackard/cacti @1ffd8df, BSD-style licence); `models/tech/sram-process.yaml`. Lengths in um. Between nodes of
the file every constant lies on a straight line, as there. Layout widths are multiples of the node's feature size F.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace, nearest

DEVICES = ("itrs-hp", "itrs-lstp", "itrs-lop")
EPSILON_0 = 8.854e-18  # F/um
COLDEST_K, KELVIN_STEP, HOTTEST_K = 300, 10, 400
CELL_HEIGHT_F = 50.0  # of peripheral gates
RAIL_F, GAP_PN_F, GAP_SAME_F, POLY_F, CONTACT_F, POLY_SPACE_F = 2.0, 5.0, 1.5, 1.0, 1.0, 1.5
FIGURES = 14  # of a device


@dataclass(frozen=True, eq=False)
class Layer:
    """A wire layer: pitch in um, ohm/um, F/um, and what a repeated wire of it needs."""

    pitch: float
    r: float
    c: float
    aspect: float
    miller: float
    sideways: float
    upward: float
    dielectric: float
    fringe: float


@dataclass(frozen=True, eq=False)
class Process:
    """A node with one class of device at one temperature; hashed by identity, for parts of arrays are kept per process."""

    f: float
    gate_c: float  # F/um: gate, overlap and fringes
    overlap: float
    fringe: float
    junction: float
    sidewall: float
    r_n: float  # ohm um
    r_p: float
    vdd: float
    vth: float
    off: float  # A/um
    gm_latch: float
    p_over_n: float
    local: Layer
    semiglobal: Layer
    cell_access: float
    cell_p: float
    cell_n: float
    cell_w: float
    cell_h: float
    sense_v: float
    stack: float
    slack: float
    repeater_rho: float
    short_circuit: float

    @property
    def w_min(self) -> float:
        """Smallest n transistor."""
        return 1.5 * self.f

    @property
    def w_max(self) -> float:
        """Largest n transistor."""
        return 100 * self.f

    @property
    def h_gate(self) -> float:
        """Height of peripheral gates."""
        return CELL_HEIGHT_F * self.f

    def r_on(self, width: float, stacked: int = 1, p: bool = False) -> float:
        """Resistance of an on transistor, or of several in series."""
        return stacked * (self.r_p if p else self.r_n) / width

    def drain(self, width: float, stacked: int = 1, p: bool = False, height: float = 0.0, fold: float = 0.0) -> float:
        """Drain capacitance of a transistor that is folded to fit a gate `height`, or at the width `fold`."""
        if not fold:
            region = height - 2 * RAIL_F * self.f - GAP_PN_F * self.f
            fold = region * (2 / 3 if p else 1 / 3)
        folds = math.ceil(width / fold)
        one = width if folds < 2 else fold
        contact = (POLY_F + 2 * CONTACT_F) * self.f
        total_w = contact + (stacked - 1) * POLY_SPACE_F * self.f
        side, against_gate, metal = one, one + 2 * one * (stacked - 1), 0.0
        if folds > 1:
            total_w += (folds - 2) * contact + (folds - 1) * (stacked - 1) * POLY_SPACE_F * self.f
            side = 0.0 if folds % 2 == 0 else side
            against_gate *= folds
            metal = self.local.c * total_w
        return self.junction * total_w * one + self.sidewall * (side + 2 * total_w) + 2 * (self.fringe + self.overlap) * against_gate + metal

    def inverter_drain(self, n: float, p: float, height: float = 0.0) -> float:
        """Drains of an inverter."""
        height = height or self.h_gate
        return self.drain(n, height=height) + self.drain(p, p=True, height=height)

    def inverter_leak(self, n: float, p: float) -> float:
        """Mean off-current of an inverter, A."""
        return self.off * (n + p) / 2

    def nand_leak(self, n: float, p: float, inputs: int) -> float:
        """Mean off-current of a NAND over its input states, A; the state of all off is weighted as CACTI counts it."""
        ways = {1: (2,), 2: (2, 3), 3: (3, 3, 4)}[inputs]
        stacked = sum(ways[k] * self.stack**k for k in range(inputs))
        return self.off * (inputs * p + n * stacked) / float(2**inputs)

    def gate_area(self, n: float, p: float, height: float, inputs: int = 1) -> float:
        """Area of an inverter or NAND whose transistors are folded into `height`, um2; 0 for one that is not there."""
        if n <= 0 or p <= 0:
            return 0.0
        region = height - (2 * RAIL_F + GAP_PN_F) * self.f
        fold_p, fold_n = region * p / (p + n), region * n / (p + n)
        folds_p, folds_n = math.ceil(p / fold_p), math.ceil(n / fold_n)
        width = max(self._diffusion(inputs, folds_n), self._diffusion(1, inputs * folds_p))
        tall = n + p + (GAP_PN_F + 2 * RAIL_F) * self.f if fold_n > n else height
        return width * tall

    def _diffusion(self, stacked: int, folds: int) -> float:
        contact = (POLY_F + 2 * CONTACT_F) * self.f
        total = 2 * contact + stacked * self.f + (stacked - 1) * POLY_SPACE_F * self.f
        if folds > 1:
            total += (folds - 2) * 2 * contact + (folds - 1) * (stacked * self.f + (stacked - 1) * POLY_SPACE_F * self.f)
        return total

    def folded(self, width: float, pitch: float) -> float:
        """Height that a transistor takes when it is folded into a column of `pitch`."""
        folds = math.ceil(width / pitch)
        return folds * self.f + (folds + 1) * (POLY_F + 2 * CONTACT_F) * self.f


def process(table: Chip, node_nm: float, device: str, temperature_k: float) -> Process:
    """Return the process of a node. Raises `InvalidTrace` for a node, device or temperature that the file does not reach."""
    if device not in DEVICES:
        raise InvalidTrace(f"device_type is one of {', '.join(DEVICES)}, got '{device}'{nearest(device, DEVICES)}")
    nodes = sorted(int(name[1:].split("_")[0]) for name in table.params if name.endswith(f"_{device}_off"))
    if not nodes[0] <= node_nm <= nodes[-1]:
        raise InvalidTrace(
            f"SRAM with {device} devices is known from {nodes[0]} to {nodes[-1]} nm, got {node_nm:g}; below, scale with node-scaling and take no "
            "less area than the bit cells of that node (bit-cells.yaml)"
        )
    if not COLDEST_K <= temperature_k <= HOTTEST_K:
        raise InvalidTrace(f"leakage is known from {COLDEST_K} to {HOTTEST_K} K, got {temperature_k:g}")
    high = min(n for n in nodes if n >= node_nm)
    low = max(n for n in nodes if n <= node_nm)
    share = 0.0 if high == low else (node_nm - low) / (high - low)

    def mixed(name: str) -> list[float]:
        return [(1 - share) * a + share * b for a, b in zip(table.vector(f"n{low}_{name}"), table.vector(f"n{high}_{name}"), strict=True)]

    f = node_nm * 1e-3
    gate, fringe, junction, sidewall, length, _, vdd, vth, vsat, _, oxide, p_over_n, mobility, gm_p = mixed(device)
    r_n = sum(w * _r_n(table.vector(f"n{n}_{device}")) for n, w in ((low, 1 - share), (high, share)))
    local, semi = (_layer([_raw(table, n, kind, f) for n in (low, high)], share) for kind in ("local", "semiglobal"))
    access, cell_p, cell_n, area_f2, tall = table.vector("cell_f")
    cell_w = math.sqrt(area_f2 / tall) * f
    gm_n = mobility / 2 * oxide * (3.75 * f / length) * vsat
    return Process(
        f, 1.2 * gate + 3 * fringe, 0.2 * gate, fringe, junction, sidewall, r_n, p_over_n * r_n, vdd, vth,
        _at_temperature(mixed(f"{device}_off"), temperature_k), gm_n * (1 + gm_p), p_over_n, local, semi, access * f, cell_p * f, cell_n * f,
        cell_w, tall * cell_w, max(0.05 * vdd, table.number("sense_v")), table.number("stack_leakage"), table.number("repeater_slack"),
        table.number("repeater_resistivity") * table.number("repeater_scatter"), table.number("short_circuit") * 1e-6,
    )  # fmt: skip


def _r_n(device: tuple[float, ...]) -> float:
    return device[5] * device[6] / device[9]


def _at_temperature(off: list[float], temperature_k: float) -> float:
    steps = (temperature_k - COLDEST_K) / KELVIN_STEP
    low = min(int(steps), len(off) - 2)
    return off[low] + (steps - low) * (off[low + 1] - off[low])


def _raw(table: Chip, node: int, kind: str, f: float) -> list[float]:
    """Pitch, R, C and the shape of a wire layer: plates above, below and beside, and a fringe."""
    pitch_f, barrier, dishing, scatter, aspect, miller, sideways, upward, dielectric, fringe, rho = table.vector(f"n{node}_{kind}")
    width = pitch_f * f / 2
    tall = aspect * width
    r = scatter * rho / ((tall - barrier - dishing) * (width - 2 * barrier))
    c = 2 * EPSILON_0 * (upward * width / dielectric + miller * sideways * tall / width) + fringe
    return [pitch_f * f, r, c, aspect, miller, sideways, upward, dielectric, fringe]


def _layer(ends: list[list[float]], share: float) -> Layer:
    return Layer(*((1 - share) * a + share * b for a, b in zip(*ends, strict=True)))
