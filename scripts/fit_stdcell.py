"""Fit the constants of target stdcell to their calibration cases again, and print them beside those in the chip files (a few seconds; needs scipy).

    python scripts/fit_stdcell.py            # device and parasitics (ring oscillators), gates to cells

Only cases of role `calibrate` are used: rings at 0.5 and 0.7 V, and three mapped designs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import least_squares

from hwsim.core.chip import Chip
from hwsim.readers.chip_file import load_chip
from hwsim.readers.technology import technology
from hwsim.targets.stdcell.cells import load_library, usable_cells
from hwsim.targets.stdcell.gate_count import TECHNOLOGY, smallest_flop
from hwsim.targets.stdcell.generic import find_cell
from hwsim.targets.stdcell.ring import ring_of
from hwsim.validate.cases import Case, published

SHARED = (
    "device_k_ohm", "degeneration_ohm", "drain_f_per_fin", "miller_inputs", "delay_share", "short_circuit_per_v2", "beol_typical_f", "device_vt_v",
)  # fmt: skip
OWN = ("input_c_mol_f", "device_drive", "device_vt_v")  # of the FinFET, whose parasitics are not published
STUDY = ("f3d_vt_v", "f3d_drive", "f3d_short_circuit_per_v2", "f3d_access_f")
FLIP, PEERS = "ffet-3p5t", ("ffet-3p5t", "cfet-4t")
RING = {"load_um_front": None, "load_um_back": None, "iso_power_of": None, "iso_frequency_of": None}


def cases(group: str) -> list[Case]:
    """Calibration cases of a group."""
    return [case for file in published() for case in file.cases if case.group == group and case.role == "calibrate"]


def ring_error(chip: Chip, case: Case) -> float:
    """log(model / published) of one ring."""
    arguments = {**RING, **case.workload}
    ring = ring_of(chip, arguments, str(case.mapping.get("beol_case", "I")))
    vdd = float(case.workload["vdd_v"])
    return math.log((ring.power_w(vdd) if case.metric == "power_w" else ring.frequency_hz(vdd)) / case.value)


def fit(errors: Callable[[Sequence[float]], list[float]], start: Sequence[float], names: Sequence[str]) -> None:
    """Least squares in units of the start values; prints what was found."""
    scale = np.array(start)
    found = least_squares(lambda z: errors(list(z * scale)), np.ones(len(scale)))
    for name, before, after in zip(names, start, found.x * scale, strict=True):
        print(f"  {name:28} {before:12.5g} -> {after:12.5g}  ({after / before - 1:+.2%})")
    print(f"  {len(found.fun)} cases: mean error {np.abs(found.fun).mean():.2%}, worst {np.abs(found.fun).max():.2%}")


def device() -> None:
    """The device, its parasitics and the wire that loads VLSI24's rings; gate_f_per_fin is not fitted."""
    chips = {name: load_chip(name) for name in (*PEERS, "finfet")}
    rows = cases("ring_oscillator")
    start = [chips[FLIP].number(n) for n in SHARED] + [chips["finfet"].number(n) for n in OWN]

    def errors(z: Sequence[float]) -> list[float]:
        shared, own = dict(zip(SHARED, z, strict=False)), dict(zip(OWN, z[len(SHARED) :], strict=True))
        made = {name: chip.replace(**shared) if name in PEERS else chip.replace(**{**shared, **own}) for name, chip in chips.items()}
        return [ring_error(made[case.chip], case) for case in rows]

    print("device, middle of line, wire (ring_oscillator)")
    fit(errors, start, [*SHARED, *(f"finfet {n}" for n in OWN)])


def study() -> None:
    """F3D's process and loads."""
    chip, rows = load_chip(FLIP), cases("ring_oscillator_beol")
    print("F3D (ring_oscillator_beol)")
    fit(lambda z: [ring_error(chip.replace(**dict(zip(STUDY, z, strict=True))), c) for c in rows], [chip.number(n) for n in STUDY], STUDY)


def mapping() -> None:
    """Cells and area of generic gates: shares of all libraries, and those of each."""
    tech = technology(TECHNOLOGY)
    rows = cases("gate_mapping")
    names = sorted({c.chip for c in rows})
    chips = {name: load_chip(name) for name in names}
    flops, nands = {}, {}
    for name, chip in chips.items():
        library = load_library(chip)
        flops[name] = smallest_flop(library, usable_cells(chip, library), False).area_um2
        nands[name] = find_cell(library, "NAND2D1").area_um2

    def counted(z: Sequence[float]) -> list[float]:
        found = []
        for case in rows:
            if case.metric == "count":
                gates, at = case.workload["gates"], 1 + 2 * names.index(case.chip)
                found.append((gates["dff"] + z[0] * gates["and"] + z[at] * gates["xor"] + z[at + 1] * gates["mux"]) / case.value - 1)
        return found

    def spread(z: Sequence[float]) -> list[float]:
        found = [float(np.mean(z[3:]) - 1) * 1e-3]  # shares and factors could trade: the factors are 1 on average
        for case in rows:
            if case.metric == "area_mm2":
                gates, factor = case.workload["gates"], z[3 + names.index(case.chip)]
                equal = sum(z[k] * gates[kind] for k, kind in enumerate(("and", "xor", "mux")))
                found.append((gates["dff"] * flops[case.chip] + factor * nands[case.chip] * equal) * 1e-6 / case.value - 1)
        return found

    print("gates to cells (gate_mapping)")
    pairs = [(name, kind) for name in names for kind in ("mapped_cells_per_xor", "mapped_cells_per_mux")]
    fit(counted, [tech.number("cells_per_and"), *(chips[n].number(k) for n, k in pairs)], ["cells_per_and", *(f"{n} {k[7:]}" for n, k in pairs)])
    shares = [f"nands_per_{kind}" for kind in ("and", "xor", "mux")]
    start = [*(tech.number(n) for n in shares), *(chips[n].number("mapped_area_factor") for n in names)]
    fit(spread, start, [*shares, *(f"{n} area_factor" for n in names)])


if __name__ == "__main__":
    device()
    study()
    mapping()
