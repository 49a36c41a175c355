"""Liberty files (nonlinear delay model) -> `Library`: a user's own cells, with their full tables.

Arcs that depend on the state of other inputs (`when`) are merged by their element-wise maximum, as in timing without conditions. Energies are taken
at the fan-out-of-4 point, in the file's unit of internal power (capacitance unit x V^2). Cells that cannot be timed or placed as one standard cell
(buses, banks, state tables, no outputs) are left out and named in the library's attribution.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from hwsim.core.errors import HwsimError, InvalidChip, Location
from hwsim.readers.liberty_tables import Tables, mean_figure, merged
from hwsim.readers.liberty_text import Group, parse_liberty
from hwsim.readers.yaml_file import changed_at
from hwsim.tech import cell_library as tech
from hwsim.tech.cell_library import Arc, Cell, Check, Library, Pin, State, Surface, Thresholds
from hwsim.tech.fan_out import fo4_load_f, fo4_slew_s

__all__ = ["read_liberty"]

UNTIMED = ("bus", "bundle", "ff_bank", "latch_bank", "statetable", "memory")
ARC_KINDS = {  # Liberty's timing types -> (ours, edges that they cause)
    "combinational": ("combinational", (0, 1)), "combinational_rise": ("combinational", (0,)), "combinational_fall": ("combinational", (1,)),
    "rising_edge": ("rising_edge", (0, 1)), "falling_edge": ("falling_edge", (0, 1)), "preset": ("preset", (0, 1)), "clear": ("clear", (0, 1)),
}  # fmt: skip
EDGES = (("cell_rise", "cell_fall"), ("rise_transition", "fall_transition"))
OWN = ("hwsim_cpp_um", "hwsim_row_um", "hwsim_unit_inverter", "hwsim_width_cpp", "hwsim_rows", "hwsim_attribution")


def read_liberty(path: str | Path, *, cpp_um: float | None = None, row_um: float | None = None, unit_inverter: str | None = None) -> Library:
    """Return the library of a Liberty file; unchanged files are read once.

    `cpp_um` is the width of a placement site and `row_um` the height of a row, which Liberty does not state (files that hwsim wrote do);
    `unit_inverter` is the cell that loads are counted in (default: the smallest inverter). Raises `InvalidChip` with file and line.

    >>> read_liberty("nowhere.lib")
    Traceback (most recent call last):
        ...
    hwsim.core.errors.InvalidChip: ...
    """
    where = Path(path)
    return _read(where, changed_at(where), cpp_um, row_um, unit_inverter)


@lru_cache(maxsize=8)
def _read(path: Path, stamp: int, cpp_um: float | None, row_um: float | None, unit_inverter: str | None) -> Library:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        raise InvalidChip(f"no such Liberty file: {path}") from None
    return _Builder(parse_liberty(text, str(path)), str(path)).library(cpp_um, row_um, unit_inverter)


@dataclass(frozen=True)
class _Powers:
    """Groups of internal power of one cell: at outputs, at other inputs, at clock pins."""

    output: tuple[Group, ...]
    input: tuple[Group, ...]
    clock: tuple[Group, ...]


class _Builder:
    def __init__(self, root: Group, file: str) -> None:
        self.root, self.file = root, file
        self.tables = Tables(root, file)

    def fail(self, group: Group, problem: str) -> InvalidChip:
        return InvalidChip(problem, location=Location(self.file, group.line, f"{group.name}({group.argument})"))

    def number(self, group: Group, name: str, default: float | None = None) -> float:
        """A simple attribute as a figure."""
        text = group.simple.get(name)
        if text is None:
            if default is None:
                raise self.fail(group, f"states no {name}")
            return default
        try:
            return float(text)
        except ValueError:
            raise self.fail(group, f"{name} is a figure, got '{text}'") from None

    def library(self, cpp_um: float | None, row_um: float | None, unit_inverter: str | None) -> Library:
        root = self.root
        own = {name: root.simple[name] for name in OWN if name in root.simple}
        cpp = cpp_um or float(own.get("hwsim_cpp_um", 0))
        row = row_um or float(own.get("hwsim_row_um", 0))
        if cpp <= 0 or row <= 0:
            raise self.fail(root, "states neither the width of a site nor the height of a row: give cpp_um and row_um (a chip's cpp_m, row_height_m)")
        cells, powers, left_out = [], [], []
        for group in root.all("cell"):
            if any(True for _ in group.all(*UNTIMED)) or not any(p.simple.get("direction") == "output" for p in group.all("pin")):
                left_out.append(group.argument)
                continue
            try:
                cell, power = self.cell(group, cpp, row)
            except HwsimError as bad:
                if bad.location is not None:
                    raise
                raise self.fail(group, bad.problem) from None
            cells.append(cell)
            powers.append(power)
        inverter = unit_inverter or own.get("hwsim_unit_inverter") or self.smallest_inverter(cells)
        notes = own.get("hwsim_attribution", f"read from {Path(self.file).name}")
        note = f"{notes}\nleft out (no timing as one standard cell): {', '.join(left_out)}" if left_out else notes
        vdd = self.number(root, "nom_voltage")
        bare = Library(root.argument, tuple(cells), cpp, row, vdd, inverter, self.thresholds(), note)
        return self.with_energies(bare, powers)

    def thresholds(self) -> Thresholds:
        """Where slews and delays are measured, as fractions of the supply; those of rising edges."""
        low = self.number(self.root, "slew_lower_threshold_pct_rise", 20.0)
        high = self.number(self.root, "slew_upper_threshold_pct_rise", 80.0)
        return Thresholds(low / 100, high / 100, self.number(self.root, "input_threshold_pct_rise", 50.0) / 100)

    def smallest_inverter(self, cells: Iterable[Cell]) -> str:
        """The inverter of the least area (of those, the least input capacitance)."""
        found = [c for c in cells if len(c.inputs) == 1 == len(c.outputs) and _inverts(c.outputs[0].function, c.inputs[0].name)]
        if not found:
            raise self.fail(self.root, "no inverter: name the unit_inverter")
        return min(found, key=lambda c: (c.area_um2, c.inputs[0].capacitance_f)).name

    def cell(self, group: Group, cpp: float, row: float) -> tuple[Cell, _Powers]:
        """One cell without its energies, and the groups that state them."""
        area = self.number(group, "area")
        pins: list[Pin] = []
        arcs: list[Arc] = []
        checks: list[Check] = []
        powers: dict[str, list[Group]] = {"output": [], "input": [], "clock": []}
        for made in group.all("pin"):
            for name in made.arguments:
                pin = self.pin(made, name)
                pins.append(pin)
                powers["output" if pin.direction == "output" else "clock" if pin.is_clock else "input"] += made.all("internal_power")
                for timing in made.all("timing"):
                    for related in timing.simple.get("related_pin", "").split():
                        self.timing(timing, name, related, arcs, checks)
        names = {p.name for p in pins}
        kept = [a for a in _merged_arcs(arcs) if a.related in names]
        rows = self.number(group, "hwsim_rows", 1.0)
        width = self.number(group, "hwsim_width_cpp", area / (rows * row * cpp))
        state, kind = self.state(group)
        cell = Cell(group.argument, kind, area, width, rows, self.leakage(group), tuple(pins), tuple(kept), tuple(_merged_checks(checks)), state)
        return cell, _Powers(*(tuple(powers[k]) for k in ("output", "input", "clock")))

    def leakage(self, group: Group) -> float:
        """Leakage in watts: the mean over the states that the cell states, or its single figure."""
        states = [self.number(g, "value") for g in group.all("leakage_power") if "related_pg_pin" not in g.simple or "when" in g.simple]
        value = self.number(group, "cell_leakage_power") if "cell_leakage_power" in group.simple else float(np.mean(states)) if states else 0.0
        return value * self.tables.leakage_w

    def pin(self, group: Group, name: str) -> Pin:
        direction = group.simple.get("direction", "")
        if direction not in tech.DIRECTIONS:
            raise self.fail(group, f"direction is one of {', '.join(tech.DIRECTIONS)}, got '{direction}'")
        farads = self.tables.load_f
        edges = [self.number(group, f"{edge}_capacitance") for edge in ("rise", "fall") if f"{edge}_capacitance" in group.simple]
        capacitance = self.number(group, "capacitance", float(np.mean(edges)) if edges else 0.0) * farads
        return Pin(name, direction, capacitance, self.number(group, "max_capacitance", 0.0) * farads, group.simple.get("clock") == "true",
                   group.simple.get("function", ""), group.simple.get("three_state", ""))  # fmt: skip

    def state(self, group: Group) -> tuple[State | None, str]:
        """What a flip-flop or latch does, and the kind of the cell."""
        for name, kind, clock, data in (("ff", tech.FLIP_FLOP, "clocked_on", "next_state"), ("latch", tech.LATCH, "enable", "data_in")):
            found = group.first(name)
            if found is not None:
                if len(found.arguments) < 2:
                    raise self.fail(found, "needs two state variables")
                words = (found.simple.get(k, "") for k in (clock, data, "clear", "preset"))
                return State((found.arguments[0], found.arguments[1]), *words), kind
        return None, tech.COMBINATIONAL

    def timing(self, group: Group, pin: str, related: str, arcs: list[Arc], checks: list[Check]) -> None:
        """Add the arc or constraint of one timing group; other kinds (recovery, pulse widths, tri-state control) are not used."""
        kind = group.simple.get("timing_type", "combinational")
        if kind in tech.CHECK_TYPES:
            rise, fall = (self.tables.surface(group, name, constraint=True) for name in ("rise_constraint", "fall_constraint"))
            checks.append(Check(related, pin, kind, rise, fall))
        elif kind in ARC_KINDS:
            ours, caused = ARC_KINDS[kind]
            sense = group.simple.get("timing_sense", "non_unate")
            if sense not in tech.SENSES:
                raise self.fail(group, f"timing_sense is one of {', '.join(tech.SENSES)}, got '{sense}'")
            made = [self.tables.surface(group, EDGES[t][e]) if e in caused else None for t in (0, 1) for e in (0, 1)]
            if any(s is not None for s in made):
                arcs.append(Arc(related, pin, ours, sense, *made))

    def with_energies(self, library: Library, powers: list[_Powers]) -> Library:
        """The library with internal energies per transition, at its fan-out-of-4 point."""
        slew, load = fo4_slew_s(library), fo4_load_f(library)

        def joules(groups: Iterable[Group]) -> float:
            found = [s for g in groups for s in (self.tables.surface(g, "rise_power", power=True), self.tables.surface(g, "fall_power", power=True))]
            return mean_figure(found, slew, load)

        cells = tuple(
            replace(cell, energy_output_j=joules(p.output), energy_input_j=joules(p.input), energy_clock_j=joules(p.clock))
            for cell, p in zip(library.cells, powers, strict=True)
        )
        return replace(library, cells=cells)


def _inverts(function: str, name: str) -> bool:
    """True for the logic function of an inverter."""
    return function.replace(" ", "").replace("(", "").replace(")", "") in (f"!{name}", f"~{name}", f"{name}'")


def _merged_arcs(arcs: list[Arc]) -> list[Arc]:
    """One arc per pins, type and sense."""
    found: dict[tuple[str, ...], Arc] = {}
    for arc in arcs:
        key = (arc.pin, arc.related, arc.type, arc.sense)
        before = found.get(key)
        found[key] = arc if before is None else Arc(arc.related, arc.pin, arc.type, arc.sense, *_pairwise(before.surfaces, arc.surfaces))
    return list(found.values())


def _merged_checks(checks: list[Check]) -> list[Check]:
    found: dict[tuple[str, ...], Check] = {}
    for check in checks:
        key = (check.pin, check.related, check.type)
        before = found.get(key)
        if before is not None:
            check = Check(check.related, check.pin, check.type, *_pairwise((before.rise, before.fall), (check.rise, check.fall)))
        found[key] = check
    return list(found.values())


def _pairwise(left: Iterable[Surface | None], right: Iterable[Surface | None]) -> list[Surface | None]:
    return [merged(a, b) for a, b in zip(left, right, strict=True)]
