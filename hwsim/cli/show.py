"""The command ``show``: chips, designs, traces, and any constant explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, metric, plain_value, table, working, write_json
from hwsim.core.errors import HwsimError, InvalidTrace, nearest
from hwsim.core.units import constant_text, engineering

if TYPE_CHECKING:
    from rich.console import Console, Group

    from hwsim.core.chip import Chip
    from hwsim.core.graph import Graph
    from hwsim.core.report import Report
    from hwsim.core.target import Target
    from hwsim.explore.explain import Constant

IN_FULL, SOME = 4, 8
WORDS = {"latency_s": "latency", "energy_j": "energy", "area_mm2": "area"}


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A chip (DEVICE+DESIGN), a design, a trace, by name or path; or a constant.",
                            autocompletion=o.complete_name),
    ],
    constant: Annotated[
        list[str] | None, typer.Argument(metavar="CONSTANT", help="Constants of the chip to explain; 'hop*' for several.")
    ] = None,
    trace: Annotated[str | None, typer.Option(help="Say which figures of this trace on the chip each constant moves.", show_default=False)] = None,
    phase: o.Phase = None, prompt: o.Prompt = None, generate: o.Generate = None, context: o.Context = None, batch: o.Batch = None,
    dtype: o.Dtype = None, map_: o.Maps = None, arg: o.TraceArgs = None, json: o.Json = None,
) -> None:  # fmt: skip
    """Show a chip or a design (every constant), a trace (its operators), or what a constant means and moves."""
    check_writable(json)
    from hwsim.explore import explain  # noqa: PLC0415  (heavy: only once the options are parsed)
    from hwsim.readers.chip_file import chip_names  # noqa: PLC0415
    from hwsim.readers.design_file import design_names  # noqa: PLC0415
    from hwsim.readers.load import trace_names  # noqa: PLC0415

    settings = o.stated(phase=phase, prompt=prompt, generate=generate, context=context, batch=batch, dtype=dtype)
    settings |= o.parse_values(arg, "--arg", InvalidTrace)
    device = name.partition("+")[0]
    if device in chip_names() or _is_file(device, "chip"):
        if constant or trace:
            _show_constants(name, constant or ["*"], trace, settings, o.parse_values(map_, "--map"), json)
        else:
            _show_chip(name, json)
        return
    if trace or map_:
        raise HwsimError(f"--trace and --map say how a constant of a chip moves figures: '{name}' is no chip")
    if name in design_names() or _is_file(name, "design"):
        _show_design(name, constant or [], json)
    elif constant:
        raise HwsimError(f"there is no chip or design '{name}'{nearest(name, [*chip_names(), *design_names()])}; see hwsim chips")
    elif name in trace_names() or "/" in name or "." in name:
        _show_trace(name, settings, json)
    elif found := explain.everywhere(name):
        _show_everywhere(found, json)
    else:
        known = [*chip_names(), *design_names(), *trace_names()]
        near = nearest(name, known) or nearest(name, explain.constant_names())
        raise HwsimError(f"there is no chip, design, trace or constant '{name}'{near}; see hwsim chips and hwsim traces")


def _is_file(name: str, kind: str) -> bool:
    """Tell a chip or design file from a trace in the same format, by its schema line."""
    path = Path(name)
    if kind == "chip" and path.name == "chip.yaml":
        return True
    return path.suffix in (".yaml", ".yml") and path.is_file() and f"schema: hwsim.{kind}/" in path.read_text(encoding="utf-8", errors="replace")


def _show_chip(name: str, json: str | None) -> None:
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.cli.report_view import constants_table, error_text  # noqa: PLC0415
    from hwsim.core.meanings import meanings  # noqa: PLC0415
    from hwsim.core.report import param_record  # noqa: PLC0415
    from hwsim.core.target import load_target  # noqa: PLC0415

    chip = api.load_chip(name)
    target, said = load_target(chip.target), meanings(chip.target)
    records = [{"name": key, "about": said.get(key, ""), **param_record(param)} for key, param in chip.params.items()]
    fitted = sum(p.status == "fitted" for p in chip.params.values())
    accuracy = api.recorded_accuracy(chip.name)
    if json is not None:
        head: dict[str, Any] = {"schema": "hwsim.chip/1", "name": chip.name, "title": chip.title, "target": chip.target, "fitted": fitted}
        write_json({**head, "accuracy": accuracy, "params": records, "primitives": primitive_records(target)}, json)
    if json == STDOUT:
        return
    screen = console()
    screen.print(f"{chip.name}: {chip.title} (target {chip.target}); {len(records)} constants, {fitted} fitted")
    if records:
        screen.print(f"what one means and moves: hwsim show {name} {records[-1]['name']} (or 'a*', with --trace TRACE)\n")
        screen.print(constants_table("constants", records))
    if accuracy:
        screen.print()
        rows = [(metric, error_text(found)) for metric, found in accuracy.items()]
        screen.print(table("accuracy against published cases", ("metric", "mean |error|, worst"), rows))
    screen.print()
    screen.print(primitives_table(target))


def primitive_records(target: Target) -> list[dict[str, Any]]:
    """Return the primitives of a target as plain data; a required argument has the default None."""
    return [{"name": p.name, "about": p.about, "args": dict(p.args)} for p in target.primitives.values()]


def primitives_table(target: Target) -> Group:
    """Return the table of a target's primitives and their arguments."""
    rows = [
        (p.name, ", ".join(k if v is None else f"{k}={plain_value(v)}" for k, v in p.args.items()) or "-", p.about)
        for p in target.primitives.values()
    ]
    return table(f"primitives of {target.name} (hwsim primitive NAME --chip CHIP --arg k=v ...)", ("primitive", "arguments", "about"), rows, left=3)


def _show_design(name: str, patterns: Sequence[str], json: str | None) -> None:
    """A design by itself: its engine, its constants, and those that differ by device."""
    from hwsim.core.chip import Chip  # noqa: PLC0415  (as above)
    from hwsim.core.meanings import meanings  # noqa: PLC0415
    from hwsim.core.report import param_record  # noqa: PLC0415
    from hwsim.explore.explain import matching  # noqa: PLC0415
    from hwsim.readers.design_file import design_path, read_design  # noqa: PLC0415

    design, said = read_design(design_path(name)), meanings("fpga")
    names = matching(Chip(design.name, "fpga", design.params), patterns or ["*"])
    records = [{"name": key, "about": said.get(key, ""), **param_record(design.params[key])} for key in names]
    devices = {device: {key: param_record(p) for key, p in own.items()} for device, own in design.devices.items()}
    if json is not None:
        head = {"schema": "hwsim.design/1", "name": design.name, "title": design.title, "engine": design.engine}
        write_json({**head, "params": records, "devices": devices}, json)
    if json == STDOUT:
        return
    from hwsim.cli.report_view import constants_table  # noqa: PLC0415

    screen = console()
    screen.print(f"{design.name}: {design.title} (design, engine {design.engine}); {len(design.params)} constants")
    screen.print(f"on a device: --map design={design.name}, or --chip DEVICE+{design.name}\n")
    screen.print(_meanings_table(records) if patterns else constants_table("constants", records))
    for device, own in design.devices.items():
        values = ", ".join(f"{key} {constant_text(p.value, p.unit)}" for key, p in own.items() if key in names)
        if values:
            screen.print(f"\non {device}: {values}")


def _meanings_table(records: Sequence[Mapping[str, Any]]) -> Group:
    rows = [(r["name"], constant_text(r["value"], r["unit"], most=4), r["status"], r["about"]) for r in records]
    return table("constants", ("constant", "value", "status", "meaning"), rows, left=4)


def _show_constants(
    name: str, patterns: Sequence[str], trace: str | None, settings: Mapping[str, Any], mapping: Mapping[str, Any], json: str | None
) -> None:
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.cli.simulation import graph_for  # noqa: PLC0415
    from hwsim.explore.explain import explain, matching  # noqa: PLC0415

    if trace is None and (settings or mapping):
        raise HwsimError("options of a run need one: add --trace TRACE")
    chip = api.load_chip(name)
    names = matching(chip, patterns)
    graph = None if trace is None else graph_for(trace, chip, dict(settings))
    with working(f"explaining {len(names)} constants of {chip.name}"):
        found, report = explain(chip, names, graph, mapping)
    if json is not None:
        record: dict[str, Any] = {"schema": "hwsim.constants/1", "chip": chip.name, "target": chip.target}
        if report is not None:
            record |= {"trace": report.cost.program.graph.name, "mapping": dict(mapping), "metrics": report.metrics()}
        write_json({**record, "constants": [c.to_dict() for c in found]}, json)
    if json != STDOUT:
        _print_constants(console(), chip, found, report)


def _print_constants(screen: Console, chip: Chip, found: Sequence[Constant], report: Report | None) -> None:
    if report is not None:
        from hwsim.cli.report_view import title  # noqa: PLC0415  (as above)

        figures = report.metrics()
        base = ", ".join(f"{word} {metric(key, figures[key])}" for key, word in WORDS.items() if figures.get(key))
        screen.print(f"{title(report).rpartition(',')[0]}: {base}\n")
        if len(found) > IN_FULL:
            screen.print(_moves_table(found))
            return
    if len(found) > IN_FULL:
        screen.print(_meanings_table([c.to_dict() for c in found]))
        return
    for i, constant in enumerate(found):
        if i:
            screen.print()
        _print_constant(screen, chip, constant)


def _print_constant(screen: Console, chip: Chip, constant: Constant) -> None:
    """One constant in full."""
    param = constant.param
    screen.print(f"{chip.name} {constant.name} = {constant_text(param.value, param.unit)}", style="bold")
    lines = [("means", constant.about or "the target states no meaning"), ("status", param.status)]
    if param.low is not None and param.high is not None:
        lines.append(("range", f"{constant_text(param.low, param.unit)} .. {constant_text(param.high, param.unit)}"))
    if param.fitted_on:
        lines.append(("fitted on", f"{', '.join(param.fitted_on)} (cases or groups of hwsim validate)"))
    lines.append(("source", param.source))
    if param.table:
        lines.append(("table", f"technology table {param.table}"))
    if constant.shared:
        lines.append(("the same in", ", ".join(constant.shared)))
    if constant.elsewhere:
        values = [f"{chip_name} {constant_text(value, param.unit)}" for chip_name, value in constant.elsewhere.items()]
        lines.append(("elsewhere", "; ".join(values[:SOME]) + (f"; {len(values) - SOME} more in --json" if len(values) > SOME else "")))
    if (moved := constant.moves) is not None:
        if moved.refused:
            lines.append(("moves", f"not known: {moved.refused}"))
        lines += [("moves", _sentence(word, moved.metric[key])) for key, word in WORDS.items() if abs(moved.metric.get(key, 0.0)) >= 5e-5]
        if parts := [f"{part} {share:+.2g} %" for part, share in moved.mechanism.items() if abs(share) >= 5e-4]:
            lines.append(("", "in latency's mechanisms, of the whole: " + ", ".join(parts)))
        if not moved.refused and not any(abs(v) >= 5e-5 for v in moved.metric.values()):
            lines.append(("moves", "nothing here: latency, energy and area stay as they are"))
    from rich.table import Table  # noqa: PLC0415  (as above)

    made = Table.grid(padding=(0, 2))
    for label, text in lines:
        made.add_row(label, text)
    screen.print(made)


def _sentence(word: str, elasticity: float) -> str:
    return f"{word} by {elasticity:+.3g} % for 1 % more of it"


def _moves_table(found: Sequence[Constant]) -> Group:
    """Constants ranked by how far they move latency (energy where there is no latency), those that move nothing counted."""
    def most(c: Constant) -> float:
        return max((abs(v) for v in c.moves.metric.values()), default=0.0) if c.moves else 0.0

    ranked = sorted((c for c in found if most(c) >= 5e-5), key=lambda c: -most(c))
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("constant", "value", *WORDS.values(), "meaning"):
        figure = column in WORDS.values()
        made.add_column(column, justify="right" if figure else "left", overflow="fold", no_wrap=figure or column == "constant")
    for c in ranked:
        moved = [f"{c.moves.metric[m]:+.3f}" if c.moves and m in c.moves.metric else "" for m in WORDS]
        made.add_row(c.name, constant_text(c.param.value, c.param.unit, most=4), *moved, c.about)
    unknown = [c.name for c in found if c.moves and c.moves.refused]
    rest = len(found) - len(ranked) - len(unknown)
    notes = f"{rest} more move nothing here" + (f"; no derivative: {', '.join(unknown)}" if unknown else "")
    return Group(Text("d ln metric / d ln constant (per cent for 1 % more of it)", style="bold"), made, Text(notes))


def _show_everywhere(found: Mapping[tuple[str, str], Mapping[str, Any]], json: str | None) -> None:
    """A constant (or several, by pattern) of all chips: its meaning per target, its values."""
    from hwsim.core.meanings import meanings  # noqa: PLC0415
    from hwsim.core.report import param_record  # noqa: PLC0415

    records = [
        {"name": name, "target": target, "about": meanings(target).get(name, ""), "chips": {c: param_record(p) for c, p in chips.items()}}
        for (target, name), chips in found.items()
    ]
    if json is not None:
        write_json({"schema": "hwsim.constants/1", "constants": records}, json)
    if json == STDOUT:
        return
    screen = console()
    for i, ((target, name), chips) in enumerate(found.items()):
        if i:
            screen.print()
        screen.print(f"{name} ({target}): {records[i]['about']}")
        rows = [(chip, constant_text(p.value, p.unit, most=4), p.status, p.source) for chip, p in chips.items()]
        screen.print(table("", ("chip", "value", "status", "source"), rows, left=4))


def _show_trace(name: str, settings: Mapping[str, Any], json: str | None) -> None:
    from hwsim.readers.load import load_graph  # noqa: PLC0415  (as above)

    graph = load_graph(name, **settings)
    records = _operators_by_label(graph)
    plain = {k: v for k, v in graph.meta.items() if isinstance(v, str | int | float | bool)}
    model = graph.meta.get("model")
    figures = {k: v for k, v in model.items() if v} if isinstance(model, dict) else {}
    moved = sum(op.compulsory_bytes * op.repeat for op in graph.ops)
    if json is not None:
        head = {"schema": "hwsim.trace/1", "name": graph.name, "meta": plain, "model": figures}
        totals = {"macs": graph.macs, "parameters": graph.parameters, "weight_bytes": graph.weight_bytes, "compulsory_bytes": moved}
        write_json({**head, **totals, "operators": records}, json)
    if json == STDOUT:
        return
    screen = console()
    screen.print(f"{graph.name}: {len(graph.ops):,} operators, {graph.macs:,} MACs, {graph.parameters:,} parameters, "
                 f"weights {engineering(graph.weight_bytes, 'B')}, at least {engineering(moved, 'B')} moved")
    for heading, found in (("options", plain), ("model", figures)):
        if found:
            screen.print(f"{heading}: {', '.join(f'{k} {plain_value(v)}' for k, v in found.items())}")
    rows = [(r["label"], r["kind"], f"{r['count']:,}", f"{r['macs']:,}", _bytes(r["weight_bytes"]), _bytes(r["compulsory_bytes"])) for r in records]
    screen.print()
    screen.print(table("operators", ("label", "kind", "executions", "MACs", "weights read", "least moved"), rows, left=2))


def _bytes(count: float) -> str:
    return engineering(count, "B") if count else "-"


def _operators_by_label(graph: Graph) -> list[dict[str, Any]]:
    """Sum executions, MACs, weight bytes read and the least bytes moved per (label, kind), in the order of first appearance."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    zero = {"count": 0, "macs": 0, "weight_bytes": 0.0, "compulsory_bytes": 0.0}
    for op in graph.ops:
        record = found.setdefault((op.label, op.kind), {"label": op.label, "kind": op.kind, **zero})
        record["count"] += op.repeat
        record["macs"] += op.macs * op.repeat
        record["weight_bytes"] += op.weight_bytes * op.repeat
        record["compulsory_bytes"] += op.compulsory_bytes * op.repeat
    return list(found.values())
