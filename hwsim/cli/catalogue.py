"""The commands that say what there is: chips, traces, show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, plain_value, table, write_json
from hwsim.core.errors import HwsimError, InvalidTrace, nearest
from hwsim.core.units import engineering

if TYPE_CHECKING:
    from rich.console import Group

    from hwsim.core.chip import Chip
    from hwsim.core.graph import Graph
    from hwsim.core.target import Target


def chips(json: o.Json = None) -> None:
    """List the chips (title, target, how many constants and how many of them are fitted), and the designs that devices hold."""
    check_writable(json)
    from hwsim.readers.chip_file import chip_names, load_chip  # noqa: PLC0415  (heavy: only once the options are parsed)
    from hwsim.readers.design_file import design_names, design_path, read_design  # noqa: PLC0415  (as above)

    records = []
    for name in chip_names():
        chip = load_chip(name)
        records.append({"name": name, "title": chip.title, "target": chip.target, "constants": len(chip.params), "fitted": _fitted(chip)})
    if json is not None:
        write_json(records, json)
    if json != STDOUT:
        rows = [tuple(str(value) for value in r.values()) for r in records]
        console().print(table("", ("chip", "title", "target", "constants", "fitted"), rows, left=3))
        designs = [read_design(design_path(name)) for name in design_names()]
        if designs:
            made = [(d.name, d.title, d.engine) for d in designs]
            title = "\ndesigns, for devices of target fpga (--map design=NAME, or DEVICE+NAME)"
            console().print(table(title, ("design", "title", "engine"), made, left=3))


def traces(json: o.Json = None) -> None:
    """List the operator graphs that come with hwsim."""
    check_writable(json)
    from hwsim.readers.load import trace_names  # noqa: PLC0415  (as above)

    names = list(trace_names())
    if json is not None:
        write_json(names, json)
    if json != STDOUT:
        screen = console()
        for name in names:
            screen.print(name)


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A chip (DEVICE+DESIGN) or a trace, by name or path.")], json: o.Json = None
) -> None:
    """Show a chip (every constant with range, status and source) or a trace (its operators)."""
    check_writable(json)
    from hwsim.readers.chip_file import chip_names  # noqa: PLC0415  (as above)
    from hwsim.readers.load import trace_names  # noqa: PLC0415

    if name.partition("+")[0] in chip_names() or _is_chip_file(name.partition("+")[0]):
        _show_chip(name, json)
    elif name in trace_names() or "/" in name or "." in name:
        _show_trace(name, json)
    else:
        known = [*chip_names(), *trace_names()]
        raise HwsimError(f"there is no chip or trace '{name}'{nearest(name, known)}; see hwsim chips and hwsim traces")


def _is_chip_file(name: str) -> bool:
    """Tell a chip file from a trace in the same format, by its schema line."""
    path = Path(name)
    if path.name == "chip.yaml":
        return True
    return path.suffix in (".yaml", ".yml") and path.is_file() and "schema: hwsim.chip/" in path.read_text(encoding="utf-8", errors="replace")


def _fitted(chip: Chip) -> int:
    return sum(p.status == "fitted" for p in chip.params.values())


def _show_chip(name: str, json: str | None) -> None:
    from hwsim import api  # noqa: PLC0415
    from hwsim.cli.report_view import constants_table, error_text  # noqa: PLC0415  (as above)
    from hwsim.core.report import param_record  # noqa: PLC0415
    from hwsim.core.target import load_target  # noqa: PLC0415

    chip = api.load_chip(name)
    target = load_target(chip.target)
    records = [{"name": key, **param_record(param)} for key, param in chip.params.items()]
    accuracy = api.recorded_accuracy(chip.name)
    if json is not None:
        head: dict[str, Any] = {"schema": "hwsim.chip/1", "name": chip.name, "title": chip.title, "target": chip.target, "fitted": _fitted(chip)}
        write_json({**head, "accuracy": accuracy, "params": records, "primitives": primitive_records(target)}, json)
    if json == STDOUT:
        return
    screen = console()
    screen.print(f"{chip.name}: {chip.title} (target {chip.target}); {len(records)} constants, {_fitted(chip)} fitted\n")
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


def _show_trace(name: str, json: str | None) -> None:
    from hwsim.readers.load import load_graph  # noqa: PLC0415  (as above)

    graph = load_graph(name)
    records = _operators_by_label(graph)
    plain = {k: v for k, v in graph.meta.items() if isinstance(v, str | int | float | bool)}
    model = graph.meta.get("model")
    figures = {k: v for k, v in model.items() if v} if isinstance(model, dict) else {}
    if json is not None:
        head = {"schema": "hwsim.trace/1", "name": graph.name, "meta": plain, "model": figures}
        write_json({**head, "macs": graph.macs, "parameters": graph.parameters, "weight_bytes": graph.weight_bytes, "operators": records}, json)
    if json == STDOUT:
        return
    screen = console()
    screen.print(f"{graph.name}: {len(graph.ops):,} operators, {graph.macs:,} MACs, {graph.parameters:,} parameters, "
                 f"weights {engineering(graph.weight_bytes, 'B')}")
    for heading, found in (("options", plain), ("model", figures)):
        if found:
            screen.print(f"{heading}: {', '.join(f'{k} {plain_value(v)}' for k, v in found.items())}")
    rows = [(r["label"], r["kind"], f"{r['count']:,}", f"{r['macs']:,}", engineering(r["weight_bytes"], "B") if r["weight_bytes"] else "-")
            for r in records]  # fmt: skip
    screen.print()
    screen.print(table("operators", ("label", "kind", "executions", "MACs", "weights read"), rows, left=2))


def _operators_by_label(graph: Graph) -> list[dict[str, Any]]:
    """Sum executions, MACs and weight bytes read per (label, kind), in the order of first appearance."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for op in graph.ops:
        record = found.setdefault((op.label, op.kind), {"label": op.label, "kind": op.kind, "count": 0, "macs": 0, "weight_bytes": 0.0})
        record["count"] += op.repeat
        record["macs"] += op.macs * op.repeat
        record["weight_bytes"] += op.weight_bytes * op.repeat
    return list(found.values())


def export(
    trace: o.TraceName, form: Annotated[str, typer.Option("--format", help="trace, gemm, scalesim, scalesim-gemm, timeloop or chakra.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where to; '-' is standard output.")] = STDOUT,
    batch: o.Batch = None, dtype: o.Dtype = None, arg: o.TraceArgs = None,
) -> None:  # fmt: skip
    """Write an operator graph in the format of another tool."""
    check_writable(output, "-o")
    settings = o.stated(batch=batch, dtype=dtype) | o.parse_values(arg, "--arg", InvalidTrace)
    from hwsim.readers.export import export_text  # noqa: PLC0415  (as above)
    from hwsim.readers.load import load_graph  # noqa: PLC0415

    text = export_text(load_graph(trace, **settings), form)
    if output == STDOUT:
        typer.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as bad:
        raise HwsimError(f"-o {output}: {bad.strerror or bad}") from None
