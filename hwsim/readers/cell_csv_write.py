"""Writing characterised cells: each timing surface is fitted to the shapes that the library's cells share (`hwsim.tech.shapes`)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hwsim.readers.cell_csv import FF, FJ, KOHM, NW, PS
from hwsim.tech.cell_library import Cell, Check, Floats, Library, Surface
from hwsim.tech.fan_out import fo4_load_f, fo4_slew_s
from hwsim.tech.shapes import Shapes, drive_ohm, library_shapes

DIGITS = 6
WEIGHT_DIGITS = 5
SHAPES = (10, 10)  # of delays, of slews
CHECK_DATA, CHECK_CLOCK = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0), (0.0, 1.0, 4.0)  # nodes of constraints, in fan-out-of-4 slews
WRITTEN_CHECKS = ("setup_rising", "setup_falling")  # hold times are not used


def write_cells(library: Library, path: str | Path) -> None:
    """Characterise `library` and write it as a cells.csv. Raises `InvalidChip` for a library without timing."""
    unit_s, load_f = fo4_slew_s(library), fo4_load_f(library)
    basis = library_shapes(library, unit_s, SHAPES)
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in library.attribution.splitlines())
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(_head(library, basis))
        for cell in library.cells:
            writer.writerows(_cell(cell, basis, unit_s, load_f))


def _head(library: Library, basis: tuple[Shapes, Shapes]) -> Iterator[Sequence[object]]:
    t, delays = library.thresholds, basis[0]
    yield ("library", library.name, *_texts(library.cpp_um, library.row_um, library.vdd_v), library.unit_inverter,
           *_texts(t.slew_low, t.slew_high, t.delay))  # fmt: skip
    yield "nodes", f"{delays.unit_s / PS:.8g}", _row(delays.x), _row(delays.y)
    for kind, shapes in zip(("delay", "slew"), basis, strict=True):
        for shape in shapes.basis:
            yield "shape", kind, _row(shape)


def _cell(cell: Cell, basis: tuple[Shapes, Shapes], unit_s: float, load_f: float) -> Iterator[Sequence[object]]:
    energies = (cell.energy_output_j / FJ, cell.energy_input_j / FJ, cell.energy_clock_j / FJ)
    yield "cell", cell.name, cell.kind, *_texts(cell.area_um2, cell.width_cpp, cell.rows, cell.leakage_w / NW, *energies)
    if cell.state is not None:
        yield "state", " ".join(cell.state.variables), cell.state.clock, cell.state.data, cell.state.clear, cell.state.preset
    for pin in cell.pins:
        yield ("pin", pin.name, pin.direction, *_texts(pin.capacitance_f / FF, pin.max_capacitance_f / FF), int(pin.is_clock),
               pin.function, pin.three_state)  # fmt: skip
    for arc in cell.arcs:
        pairs = ((arc.delay_rise, arc.slew_rise), (arc.delay_fall, arc.slew_fall))
        yield "arc", arc.related, arc.pin, arc.type, arc.sense, *(_edge(delay, slew, basis, unit_s, load_f) for delay, slew in pairs)
    for check in cell.checks:
        if check.type in WRITTEN_CHECKS:
            yield _check(check, unit_s)


def _edge(delay: Surface | None, slew: Surface | None, basis: tuple[Shapes, Shapes], unit_s: float, load_f: float) -> str:
    """Drive resistance and weights of one edge, as text."""
    if delay is None or slew is None:
        return ""
    resistance = float(f"{drive_ohm(delay, unit_s):.{DIGITS}g}")
    weights = [shapes.fit(surface, resistance, unit_s, load_f) for shapes, surface in zip(basis, (delay, slew), strict=True)]
    return " ".join((f"{resistance / KOHM:.{DIGITS}g}", *(f"{w:.{WEIGHT_DIGITS}g}" for w in np.concatenate(weights))))


def _check(check: Check, unit_s: float) -> Sequence[object]:
    """A constraint on its own few nodes."""
    x, y = np.array(CHECK_DATA) * unit_s, np.array(CHECK_CLOCK) * unit_s
    surfaces = ("" if s is None else _row(s.grid(x, y) / PS) for s in (check.rise, check.fall))
    return ("check", check.related, check.pin, check.type, _row(x / PS), _row(y / PS), *surfaces)


def _texts(*values: float) -> tuple[str, ...]:
    return tuple(f"{v:.{DIGITS}g}" for v in values)


def _row(values: Floats) -> str:
    return " ".join(_texts(*values.ravel()))
