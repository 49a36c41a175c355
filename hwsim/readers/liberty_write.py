"""Writing a library as Liberty (nonlinear delay model), for synthesis and timing tools: units 1 ps, 1 fF, 1 nW, energies in fJ.

Every surface is written with its own axes. What Liberty has no words for (site width, row height, the unit inverter, widths in sites, whose
figures these are) stands in user-defined attributes that other tools skip, so that `read_liberty` gives the same library back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from hwsim.tech.cell_library import FLIP_FLOP, Arc, Cell, Check, Floats, Library, Pin, Surface

PS, FF, NW, FJ = 1e-12, 1e-15, 1e-9, 1e-15
DIGITS = 9
_DEFINED = (
    ("hwsim_cpp_um", "library", "float"), ("hwsim_row_um", "library", "float"), ("hwsim_unit_inverter", "library", "string"),
    ("hwsim_attribution", "library", "string"), ("hwsim_width_cpp", "cell", "float"), ("hwsim_rows", "cell", "float"),
)  # fmt: skip


def write_liberty(library: Library, path: str | Path, *, cells: Iterable[str] | None = None) -> None:
    """Write `library`, or only its `cells`, as a Liberty file."""
    chosen = library if cells is None else library.only(cells)
    Path(path).write_text("\n".join(_lines(chosen)) + "\n", encoding="utf-8")


def _lines(library: Library) -> Iterator[str]:
    t = library.thresholds
    yield f"library ({library.name}) {{"
    yield "  delay_model : table_lookup;"
    yield '  time_unit : "1ps";'
    yield "  capacitive_load_unit (1, ff);"
    yield '  voltage_unit : "1V";'
    yield '  current_unit : "1mA";'
    yield '  leakage_power_unit : "1nW";'
    yield '  pulling_resistance_unit : "1kohm";'
    yield f"  nom_voltage : {_figure(library.vdd_v)};"
    yield "  nom_temperature : 25;"
    yield "  nom_process : 1;"
    for edge in ("rise", "fall"):
        yield f"  slew_lower_threshold_pct_{edge} : {_figure(100 * t.slew_low)};"
        yield f"  slew_upper_threshold_pct_{edge} : {_figure(100 * t.slew_high)};"
        yield f"  input_threshold_pct_{edge} : {_figure(100 * t.delay)};"
        yield f"  output_threshold_pct_{edge} : {_figure(100 * t.delay)};"
    for name, group, kind in _DEFINED:
        yield f"  define ({name}, {group}, {kind});"
    yield f"  hwsim_cpp_um : {_figure(library.cpp_um)};"
    yield f"  hwsim_row_um : {_figure(library.row_um)};"
    yield f'  hwsim_unit_inverter : "{library.unit_inverter}";'
    notes = " ".join(library.attribution.replace('"', "'").split())
    yield f'  hwsim_attribution : "{notes}";'
    for name, axes, surfaces in _surfaces(library):
        for x, y in sorted({surface.values.shape for surface in surfaces if surface is not None}):
            yield f'  lu_table_template ({name}_{x}x{y}) {{ {axes} index_1 ("{_count(x)}"); index_2 ("{_count(y)}"); }}'
    for cell in library.cells:
        yield from _cell(cell)
    yield "}"


def _surfaces(library: Library) -> Iterator[tuple[str, str, Iterator[Surface | None]]]:
    """(name of the templates, their variables, all surfaces of that kind): some tools want a template as long as the table's own axes."""
    arcs = (surface for cell in library.cells for arc in cell.arcs for surface in arc.surfaces)
    checks = (surface for cell in library.cells for check in cell.checks for surface in (check.rise, check.fall))
    yield "delay", "variable_1 : input_net_transition; variable_2 : total_output_net_capacitance;", arcs
    yield "constraint", "variable_1 : constrained_pin_transition; variable_2 : related_pin_transition;", checks


def _count(points: int) -> str:
    return ", ".join(map(str, range(points)))


def _cell(cell: Cell) -> Iterator[str]:
    yield f"  cell ({cell.name}) {{"
    yield f"    area : {_figure(cell.area_um2)};"
    yield f"    cell_leakage_power : {_figure(cell.leakage_w / NW)};"
    yield f"    hwsim_width_cpp : {_figure(cell.width_cpp)};"
    yield f"    hwsim_rows : {_figure(cell.rows)};"
    if cell.state is not None:
        flop = cell.kind == FLIP_FLOP
        yield f"    {'ff' if flop else 'latch'} ({', '.join(cell.state.variables)}) {{"
        yield f'      {"clocked_on" if flop else "enable"} : "{cell.state.clock}";'
        yield f'      {"next_state" if flop else "data_in"} : "{cell.state.data}";'
        for name, function in (("clear", cell.state.clear), ("preset", cell.state.preset)):
            if function:
                yield f'      {name} : "{function}";'
        yield "    }"
    for pin in cell.pins:
        yield from _pin(cell, pin)
    yield "  }"


def _pin(cell: Cell, pin: Pin) -> Iterator[str]:
    yield f"    pin ({pin.name}) {{"
    yield f"      direction : {pin.direction};"
    yield f"      capacitance : {_figure(pin.capacitance_f / FF)};"
    if pin.max_capacitance_f:
        yield f"      max_capacitance : {_figure(pin.max_capacitance_f / FF)};"
    if pin.is_clock:
        yield "      clock : true;"
    for name, function in (("function", pin.function), ("three_state", pin.three_state)):
        if function:
            yield f'      {name} : "{function}";'
    joules = cell.energy_output_j if pin.direction == "output" else cell.energy_clock_j if pin.is_clock else cell.energy_input_j
    if joules:
        single = f'(scalar) {{ values ("{_figure(joules / FJ)}"); }}'
        yield f"      internal_power () {{ rise_power {single} fall_power {single} }}"
    for arc in cell.arcs:
        if arc.pin == pin.name:
            yield from _arc(arc)
    for check in cell.checks:
        if check.pin == pin.name:
            yield from _check(check)
    yield "    }"


def _arc(arc: Arc) -> Iterator[str]:
    yield "      timing () {"
    yield f'        related_pin : "{arc.related}";'
    if arc.type != "combinational":
        yield f"        timing_type : {arc.type};"
    yield f"        timing_sense : {arc.sense};"
    names = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
    for name, surface in zip(names, arc.surfaces, strict=True):
        yield from _table(name, "delay", surface, FF)
    yield "      }"


def _check(check: Check) -> Iterator[str]:
    yield "      timing () {"
    yield f'        related_pin : "{check.related}";'
    yield f"        timing_type : {check.type};"
    for name, surface in (("rise_constraint", check.rise), ("fall_constraint", check.fall)):
        yield from _table(name, "constraint", surface, PS)
    yield "      }"


def _table(name: str, template: str, surface: Surface | None, unit: float) -> Iterator[str]:
    if surface is None:
        return
    rows, columns = surface.values.shape
    yield f"        {name} ({template}_{rows}x{columns}) {{"
    yield f'          index_1 ("{_row(surface.x / PS)}");'
    yield f'          index_2 ("{_row(surface.y / unit)}");'
    values = ", ".join(f'"{_row(row / PS)}"' for row in surface.values)
    yield f"          values ({values});"
    yield "        }"


def _figure(value: float) -> str:
    return f"{value:.{DIGITS}g}"


def _row(values: Floats) -> str:
    return ", ".join(_figure(float(v)) for v in values)
