"""The command that prices gate-level blocks: block; and what ``compare`` does with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, metric, table, working, write_json
from hwsim.core.errors import HwsimError, InvalidChip, InvalidTrace

if TYPE_CHECKING:
    from hwsim.core.chip import Chip
    from hwsim.targets.stdcell.block_report import BlockReport

Design = Annotated[str, typer.Argument(metavar="DESIGN", help="A core (picorv32), a shipped block (rv32i_single), Verilog, a Yosys netlist.")]
Picture = Annotated[str | None, typer.Option("--picture", metavar="FILE", help="Draw the placement, and the demand for tracks (NAME-tracks).")]
Path = Annotated[bool, typer.Option("--path", help="Print the critical path.")]
ROWS = (
    ("area_mm2", "core area"), ("utilisation", "utilisation"), ("frequency_hz", "clock"), ("latency_s", "period"), ("power_w", "power"),
    ("energy_j", "energy per cycle"), ("edp_js", "energy-delay product"), ("wirelength_um", "wire"), ("drv_count", "violations"),
    ("repeaters", "repeaters"),
)  # fmt: skip
RATIOS = ("area_mm2", "utilisation", "frequency_hz", "power_w", "energy_j", "edp_js", "wirelength_um")


def block(
    design: Design, chip: o.ChipName, map_: o.Maps = None, set_: o.Sets = None, json: o.Json = None, picture: Picture = None, path: Path = False
) -> None:
    """Synthesise, place, route and time a block of logic: its area, clock and power."""
    check_writable(json)
    check_writable(picture, "--picture")
    from hwsim import api  # noqa: PLC0415  (heavy: only once the options are parsed)

    silicon = api.load_chip(chip, **o.assignments(set_, "--set", InvalidChip))
    report = run(design, silicon, o.parse_values(map_, "--map"))
    if json is not None:
        write_json(report.to_dict(), json)
    if picture is not None:
        _draw(report, picture)
    if json != STDOUT:
        show(report, path)


def run(design: str, chip: Chip, mapping: Mapping[str, Any]) -> BlockReport:
    """Run one block. Raises `InvalidChip` for a chip that is no cell library."""
    from hwsim.targets.stdcell.block_report import block_report  # noqa: PLC0415  (as above)

    if chip.target != "stdcell":
        raise InvalidChip(f"chip '{chip.name}' is no cell library (target {chip.target}): blocks are built with chips of target stdcell")
    with working(f"laying out {design} on {chip.name}"):
        return block_report(design, chip, mapping)


def show(report: BlockReport, path: bool) -> None:
    """Print a report."""
    screen = console()
    rows = [(word, _text(key, report.metrics[key]), _span(key, report.interval[key])) for key, word in ROWS]
    screen.print(table(f"{report.name} on {report.chip.name}", ["", "mean", "least .. most"], rows))
    netlist = report.block.design.netlist
    screen.print(f"{netlist.cells:,} cells; {report.comparison_point}")
    target = metric("frequency_hz", report.block.target_hz)
    screen.print(f"target clock {target}; wires and repeaters take {report.wire_share():.0%} of the critical path")
    if report.stands_for:
        screen.print(report.stands_for)
    screen.print("energy: " + ", ".join(f"{name} {part:.0%}" for name, part in report.shares().items()))
    if path:
        steps = [(s.cell, s.type, s.pin, s.edge, metric("latency_s", s.arrival_s), metric("latency_s", s.slew_s)) for s in report.path]
        screen.print(table("critical path", ["cell", "type", "pin", "edge", "arrival", "slew"], steps, left=4))


def _text(key: str, value: float) -> str:
    if key == "utilisation":
        return f"{value:.1%}"
    if key == "area_mm2":
        return f"{value * 1e6:,.2f} um2"
    if key == "edp_js":
        return f"{value:.4g} J s"
    if key == "wirelength_um":
        return f"{value:,.0f} um"
    return metric(key, value) if key.endswith(("_hz", "_s", "_w", "_j")) else f"{value:,.3g}"


def _span(key: str, span: tuple[float, float]) -> str:
    return f"{_text(key, span[0])} .. {_text(key, span[1])}"


def wants_blocks(design: str, chips: Mapping[str, Chip]) -> bool:
    """True when every chip is a cell library and the trace names a block."""
    if any(chip.target != "stdcell" for chip in chips.values()):
        return False
    from hwsim.targets.stdcell.block_report import is_block  # noqa: PLC0415  (as above)

    return is_block(design)


def compare_blocks(design: str, chips: Mapping[str, Chip], mappings: Mapping[str, Mapping[str, Any]], json: str | None) -> None:
    """Compare one netlist on several libraries, at the same utilisation and, for power, at equal frequency as well."""
    from hwsim.targets.stdcell.block_report import equal_clock_hz  # noqa: PLC0415  (as above)

    reports = {name: run(design, chip, mappings[name]) for name, chip in chips.items()}
    clock = equal_clock_hz(reports.values())
    metrics = {name: r.metrics | {f"equal_{k}": v for k, v in r.at_clock(clock).items()} for name, r in reports.items()}
    first = next(iter(reports))
    keys = (*RATIOS, "equal_power_w")
    ratios = {name: {k: m[k] / metrics[first][k] for k in keys if metrics[first][k]} for name, m in metrics.items()}
    if json is not None:
        write_json({"schema": "hwsim.block-comparison/1", "reports": [r.to_dict() for r in reports.values()], "equal_clock_hz": clock,
                    "equal_power_w": {name: m["equal_power_w"] for name, m in metrics.items()}, "ratios": ratios}, json)  # fmt: skip
    if json == STDOUT:
        return
    columns = ["", *(f for name in reports for f in ((name,) if name == first else (name, f"/ {first}")))]
    rows = []
    for key, word in (*ROWS, ("equal_power_w", f"power at {metric('frequency_hz', clock)}")):
        row = [word]
        for name in reports:
            row.append(_text(key, metrics[name][key]))
            if name != first:
                row.append(f"{ratios[name][key]:.4g}x" if key in ratios[name] else "")
        rows.append(row)
    screen = console()
    screen.print(table(design, columns, rows))
    for name, report in reports.items():
        screen.print(f"{name}: {report.comparison_point}")


def _draw(report: BlockReport, file: str) -> None:
    from pathlib import Path as File  # noqa: PLC0415  (the option is called so too)

    from hwsim.plot.block import congestion_figure, placement_figure  # noqa: PLC0415  (matplotlib: only when a picture is drawn)

    target, layout = File(file), report.middle.layout
    if not target.suffix:
        raise InvalidTrace(f"--picture {file}: name a file with a suffix, such as .png, .svg or .pdf")
    library, netlist = report.block.design.library, report.block.design.netlist
    kinds = [library.cell(netlist.types[k]).kind for k in netlist.cell_type]
    try:
        placement_figure(layout, kinds).savefig(target)
        congestion_figure(layout).savefig(target.with_name(f"{target.stem}-tracks{target.suffix}"))
    except OSError as bad:
        raise HwsimError(f"--picture {file}: {bad.strerror or bad}") from None
