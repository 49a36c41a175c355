"""The commands that say what there is (chips, traces), and that write graphs for other tools (export)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, table, write_json
from hwsim.core.errors import HwsimError, InvalidTrace

if TYPE_CHECKING:

    pass


def chips(json: o.Json = None) -> None:
    """List the chips (title, target, how many constants and how many of them are fitted), and the designs that devices hold."""
    check_writable(json)
    from hwsim.readers.chip_file import chip_names, load_chip  # noqa: PLC0415  (heavy: only once the options are parsed)
    from hwsim.readers.design_file import design_names, design_path, read_design  # noqa: PLC0415  (as above)

    records = []
    for name in chip_names():
        chip = load_chip(name)
        fitted = sum(p.status == "fitted" for p in chip.params.values())
        records.append({"name": name, "title": chip.title, "target": chip.target, "constants": len(chip.params), "fitted": fitted})
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


def export(
    trace: o.TraceName, form: Annotated[str, typer.Option("--format", help="trace, gemm, scalesim, scalesim-gemm, timeloop or chakra.")],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Where to; '-' is standard output.")] = STDOUT,
    batch: o.Batch = None, dtype: o.Dtype = None, arg: o.TraceArgs = None, json: o.Json = None,
) -> None:  # fmt: skip
    """Write an operator graph in the format of another tool; --json says what was written (with --json -, the text itself)."""
    check_writable(json)
    check_writable(output, "-o")
    settings = o.stated(batch=batch, dtype=dtype) | o.parse_values(arg, "--arg", InvalidTrace)
    from hwsim.readers.export import export_text  # noqa: PLC0415  (as above)
    from hwsim.readers.load import load_graph  # noqa: PLC0415

    graph = load_graph(trace, **settings)
    text = export_text(graph, form)
    if json is not None:
        record = {"schema": "hwsim.export/1", "trace": graph.name, "format": form, "file": None if output == STDOUT else output}
        write_json({**record, "operators": len(graph.ops), "macs": graph.macs, **({"text": text} if output == STDOUT else {})}, json)
    if output == STDOUT:
        if json != STDOUT:
            typer.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as bad:
        raise HwsimError(f"-o {output}: {bad.strerror or bad}") from None
