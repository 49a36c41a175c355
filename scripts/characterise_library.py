"""Characterise a cell library: from a Liberty file, or from tables as CSV, to the compact cells.csv that chips of target stdcell name.

    python scripts/characterise_library.py my.lib -o models/mine/cells.csv --cpp-um 0.054 --row-um 0.27 --inverter INVx1 --licence "BSD-3-Clause, ..."
    python scripts/characterise_library.py --tables stdcell_{cells,pins,nldm}_asap7.csv --name asap7 --cpp-um 0.054 --row-um 0.27 --vdd 0.7 \\
        --inverter INVx1 --slew 0.1 0.9 0.5 -o models/asap7/cells.csv

Timing surfaces become a drive resistance and a few weights of shapes that the library's cells share (`hwsim.tech.shapes`); the errors of that are
printed: relative errors of delays and output slews at random slews and loads in and around the range of buffered netlists.

CSV tables: one row per cell (area, width in sites, leakage in nW, internal energies in fJ, state functions), per pin (capacitance in fF, function),
and per table (axes and values in ps and fF). Lines that begin with # are notes; those of the cells' file are kept as the attribution.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hwsim.readers.cell_csv import read_cells
from hwsim.readers.cell_csv_write import write_cells
from hwsim.readers.liberty import read_liberty
from hwsim.tech.cell_library import ARC_TYPES, CHECK_TYPES, Arc, Cell, Check, Library, Pin, State, Surface, Thresholds
from hwsim.tech.fan_out import fo4_slew_s
from hwsim.tech.shapes import drive_ohm

PS, FF, NW, FJ = 1e-12, 1e-15, 1e-9, 1e-15
POINTS = 4  # per surface
RANGES = {"buffered": ((0.3, 5.0), (0.1, 5.0)), "wide": ((0.05, 15.0), (0.02, 20.0))}  # slew / FO4 slew, R C / FO4 slew
Row = Mapping[str, str]


def rows(path: Path) -> list[Row]:
    """Rows of a CSV without its notes."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def notes(path: Path) -> str:
    """The notes at the top of a CSV."""
    return "\n".join(line.lstrip("# ").rstrip() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#"))


def figure(text: str) -> float:
    """A figure; 0 where there is none."""
    return float(text) if text and not math.isnan(float(text)) else 0.0


def surface(row: Row | None, columns: float) -> Surface | None:
    """One table, in SI units."""
    if row is None:
        return None
    x, y, values = (np.array([float(v) for v in row[name].split()]) for name in ("axis1_ps", "axis2", "values_ps"))
    return Surface(x * PS, y * columns, values.reshape(len(x), len(y)) * PS)


def timing(tables: list[Row]) -> tuple[tuple[Arc, ...], tuple[Check, ...]]:
    """Arcs and constraints of one cell."""
    groups: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in tables:
        groups.setdefault((row["related_pin"], row["pin"], row["timing_type"], row["timing_sense"]), {})[row["table"]] = row
    arcs, checks = [], []
    for (related, pin, kind, sense), found in groups.items():
        if kind in CHECK_TYPES:
            checks.append(Check(related, pin, kind, surface(found.get("rise_constraint"), PS), surface(found.get("fall_constraint"), PS)))
        elif kind in ARC_TYPES:
            names = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
            arcs.append(Arc(related, pin, kind, sense or "non_unate", *(surface(found.get(name), FF) for name in names)))
    return tuple(arcs), tuple(checks)


def cell(row: Row, pins: list[Row], tables: list[Row]) -> Cell:
    """One cell of the tables."""
    made = tuple(
        Pin(p["pin"], p["direction"], figure(p["cap_ff"]) * FF, figure(p["max_cap_ff"]) * FF, p["is_clock"] == "1", p["function"], p["three_state"])
        for p in pins
    )
    state = None
    if row["kind"] != "comb":
        named = [p["state_vars"].replace(",", " ").split() for p in pins if p["state_vars"]]
        first, second = named[0] if named else ("IQ", "IQN")
        state = State((first, second), row["clocked_on"] or row["enable"], row["next_state"] or row["data_in"], row["clear"], row["preset"])
    energies = (figure(row[name]) * FJ for name in ("e_out_fj", "e_in_fj", "e_clock_fj"))
    area, width, leakage = float(row["area_um2"]), float(row["width_sites"]), figure(row["leak_nw"]) * NW
    return Cell(row["cell"], row["kind"], area, width, 1.0, leakage, made, *timing(tables), state, *energies)


def from_tables(args: argparse.Namespace) -> Library:
    """The library of three CSV files."""
    cells, pins, tables = (Path(p) for p in args.tables)
    pins_of: dict[str, list[Row]] = {}
    tables_of: dict[str, list[Row]] = {}
    for row in rows(pins):
        pins_of.setdefault(row["cell"], []).append(row)
    for row in rows(tables):
        tables_of.setdefault(row["cell"], []).append(row)
    made = tuple(cell(row, pins_of[row["cell"]], tables_of.get(row["cell"], [])) for row in rows(cells))
    note = args.licence or notes(cells)
    return Library(args.name, made, args.cpp_um, args.row_um, args.vdd, args.inverter, Thresholds(*args.slew), note)


def errors(full: Library, compact: Library, slews: tuple[float, float], loads: tuple[float, float]) -> dict[str, np.ndarray]:
    """Relative errors (of at least 0.3 FO4 slews) at random points, of delays and of output slews."""
    unit, random = fo4_slew_s(full), np.random.default_rng(0)
    found: dict[str, list[float]] = {"delay": [], "slew": []}
    for own, theirs in zip(full.cells, compact.cells, strict=True):
        for a, b in zip(own.arcs, theirs.arcs, strict=True):
            for at in (0, 1):
                delay = a.surfaces[at]
                if delay is None:
                    continue
                resistance = drive_ohm(delay, unit)
                for kind, k in (("delay", at), ("slew", at + 2)):
                    real, made = a.surfaces[k], b.surfaces[k]
                    for _ in range(POINTS if real is not None and made is not None else 0):
                        x = unit * math.exp(random.uniform(*np.log(slews)))
                        y = unit / resistance * math.exp(random.uniform(*np.log(loads)))
                        value = real.at(x, y)
                        found[kind].append((made.at(x, y) - value) / max(abs(value), 0.3 * unit))
    return {kind: np.abs(values) for kind, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("liberty", nargs="?", help="a Liberty file")
    parser.add_argument("--tables", nargs=3, metavar=("CELLS", "PINS", "TABLES"), help="three CSV files instead")
    parser.add_argument("-o", "--output", required=True, help="the cells.csv to write")
    parser.add_argument("--name", default="library")
    parser.add_argument("--cpp-um", type=float, help="width of a site")
    parser.add_argument("--row-um", type=float, help="height of a row")
    parser.add_argument("--vdd", type=float, help="supply of the tables (CSV only)")
    parser.add_argument("--inverter", help="the unit inverter")
    parser.add_argument("--slew", type=float, nargs=3, default=(0.3, 0.7, 0.5), metavar=("LOW", "HIGH", "DELAY"), help="thresholds (CSV only)")
    parser.add_argument("--licence", default="", help="attribution and licence, kept at the top of the file")
    args = parser.parse_args()
    if (args.liberty is None) == (args.tables is None):
        parser.error("give a Liberty file, or --tables")
    full = from_tables(args) if args.tables else read_liberty(args.liberty, cpp_um=args.cpp_um, row_um=args.row_um, unit_inverter=args.inverter)
    write_cells(full, args.output)
    compact = read_cells(args.output)
    print(f"{full.name}: {len(full.cells)} cells, {len(full.arrays.tables)} surfaces, {Path(args.output).stat().st_size / 1e3:.0f} kB")
    for name, (slews, loads) in RANGES.items():
        for kind, values in errors(full, compact, slews, loads).items():
            print(f"{name} {kind}: mean {values.mean():.2%}, 95 % within {np.percentile(values, 95):.2%}, worst {values.max():.2%}")


if __name__ == "__main__":
    main()
