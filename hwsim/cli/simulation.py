"""The commands that simulate: run, compare, op, primitive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwsim.cli import block as blocks
from hwsim.cli import landscape
from hwsim.cli import options as o
from hwsim.cli import plot as drawing
from hwsim.cli.output import STDOUT, check_writable, console, metric, table, working, write_json
from hwsim.core.errors import InvalidChip, InvalidTrace

if TYPE_CHECKING:
    from hwsim.core.chip import Chip
    from hwsim.core.graph import Graph
    from hwsim.core.report import Report

Sources = Annotated[bool, typer.Option("--sources", help="Print every constant used, with its source.")]
Scatter = Annotated[str | None, typer.Option("--scatter", metavar="FILE", help="With --chip all: draw energy against latency.", show_default=False)]
RATIOS = ("latency_s", "tokens_per_s", "energy_j", "power_w", "area_mm2")


def run(
    trace: o.TraceName, chip: o.ChipName, phase: o.Phase = None, prompt: o.Prompt = None, generate: o.Generate = None, context: o.Context = None,
    batch: o.Batch = None, dtype: o.Dtype = None, weight_dtype: o.WeightDtype = None, kv_dtype: o.KvDtype = None, logits: o.Logits = None,
    layers: o.Layers = None, max_context: o.MaxContext = None, set_: o.Sets = None, map_: o.Maps = None, fidelity: o.Fidelity = "analytic",
    no_interval: o.NoInterval = False, allow_unmodelled: o.AllowUnmodelled = False, sources: Sources = False, json: o.Json = None,
    html: drawing.Html = None, timeline: drawing.Timeline = None, arg: o.TraceArgs = None, accuracy: o.Accuracy = False,
) -> None:  # fmt: skip
    """Simulate an operator graph on a chip: latency, energy, area, and how sure."""
    check_writable(json)
    drawing.check_outputs(html, timeline, fidelity)
    settings = o.stated(
        phase=phase, prompt=prompt, generate=generate, context=context, batch=batch, dtype=dtype, weight_dtype=weight_dtype, kv_dtype=kv_dtype,
        logits=logits, layers=layers, max_context=max_context,
    )  # fmt: skip
    settings |= o.parse_values(arg, "--arg", InvalidTrace)
    from hwsim import api  # noqa: PLC0415  (heavy: only once the options are parsed)

    silicon = api.load_chip(chip, **o.assignments(set_, "--set", InvalidChip))
    graph = graph_for(trace, silicon, settings)
    report = _simulate_and_show(graph, silicon, o.parse_values(map_, "--map"), fidelity, no_interval, allow_unmodelled, sources, json, accuracy)
    drawing.write_outputs([report], html, timeline)


def graph_for(trace: str, chip: Chip, settings: dict[str, Any]) -> Graph:
    """Load a trace; a network by name that states no number format has the chip's own."""
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.readers.networks import is_network  # noqa: PLC0415
    from hwsim.readers.networks_spiking import is_spiking  # noqa: PLC0415

    if "dtype" not in settings and (is_network(trace) or is_spiking(trace)):
        settings = settings | _own_dtype(chip, "")
    return api.load_graph(trace, **settings)


def op(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="matmul, conv2d, allreduce, softmax ...")], chip: o.ChipName, arg: o.Args = None,
    set_: o.Sets = None, map_: o.Maps = None, fidelity: o.Fidelity = "analytic", no_interval: o.NoInterval = False, sources: Sources = False,
    json: o.Json = None,
) -> None:  # fmt: skip
    """Simulate one operator in isolation; its bounds and attributes are the --arg."""
    check_writable(json)
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.readers.load import graph_of_workload  # noqa: PLC0415

    silicon = api.load_chip(chip, **o.assignments(set_, "--set", InvalidChip))
    graph = graph_of_workload({"op": kind, **_own_dtype(silicon, kind), **o.parse_values(arg, "--arg", InvalidTrace)})
    _simulate_and_show(graph, silicon, o.parse_values(map_, "--map"), fidelity, no_interval, False, sources, json)


def _own_dtype(chip: Chip, kind: str) -> dict[str, str]:
    """The number format that the chip's target takes for what states none; nothing when it has none of its own."""
    from hwsim.core.target import load_target  # noqa: PLC0415  (as above)

    own = load_target(chip.target).default_dtype(chip, kind)
    return {"dtype": own} if own else {}


def _simulate_and_show(
    graph: Graph, chip: Chip, mapping: Mapping[str, Any], fidelity: str, no_interval: bool, allow_unmodelled: bool, sources: bool, json: str | None,
    accuracy: bool = False,
) -> Report:
    from hwsim import api  # noqa: PLC0415  (as above)

    with working(f"simulating {graph.name} on {chip.name}"):
        report = api.simulate(
            graph, chip, mapping, fidelity=fidelity, interval=not no_interval, allow_unmodelled=allow_unmodelled, accuracy=accuracy
        )
        _ = report.interval
    if json is not None:
        write_json(report.to_dict(), json)
    if json != STDOUT:
        from hwsim.cli.report_view import print_report  # noqa: PLC0415  (as above)

        print_report(report, sources=sources)
    return report


def compare(
    trace: o.TraceName, chip: o.ChipNames, phase: o.Phase = None, prompt: o.Prompt = None, generate: o.Generate = None, context: o.Context = None,
    batch: o.Batch = None, dtype: o.Dtype = None, weight_dtype: o.WeightDtype = None, kv_dtype: o.KvDtype = None, logits: o.Logits = None,
    layers: o.Layers = None, max_context: o.MaxContext = None, set_: o.ChipSets = None, map_: o.ChipMaps = None, fidelity: o.Fidelity = "analytic",
    no_interval: o.NoInterval = False, allow_unmodelled: o.AllowUnmodelled = False, json: o.Json = None,
    html: drawing.Html = None, arg: o.TraceArgs = None, scatter: Scatter = None,
) -> None:  # fmt: skip
    """Simulate one operator graph on several chips: one table, with ratios to the first; --chip all: on every chip, refusals with their reasons.

    A network by name without --dtype takes each chip's own number format; a row says which where they differ.
    """
    check_writable(json)
    drawing.check_outputs(html, None, fidelity)
    if repeated := next((c for i, c in enumerate(chip) if c in chip[:i]), None):
        raise InvalidChip(f"chip '{repeated}' is given twice")
    settings = o.stated(
        phase=phase, prompt=prompt, generate=generate, context=context, batch=batch, dtype=dtype, weight_dtype=weight_dtype, kv_dtype=kv_dtype,
        logits=logits, layers=layers, max_context=max_context,
    )  # fmt: skip
    settings |= o.parse_values(arg, "--arg", InvalidTrace)
    if chip == [landscape.ALL]:
        landscape.everywhere(trace, settings, map_, set_, json, scatter)
        return
    if scatter is not None:
        raise InvalidTrace("--scatter is for --chip all")
    mappings, constants = o.split_by_chip(map_, chip), o.texts_by_chip(set_, "--set", chip)
    from hwsim import api  # noqa: PLC0415  (as above)

    silicon = {name: api.load_chip(name, **o.assignments(constants[name], "--set", InvalidChip)) for name in chip}
    if blocks.wants_blocks(trace, silicon):
        if settings or html is not None or fidelity != "analytic":
            raise InvalidTrace(f"'{trace}' is a gate-level block: it takes --map, --set and --json only")
        blocks.compare_blocks(trace, silicon, mappings, json)
        return
    graphs = {name: graph_for(trace, made, settings) for name, made in silicon.items()}
    with working(f"simulating {trace} on {len(chip)} chips"):
        reports = {
            name: api.simulate(graphs[name], made, mappings[name], fidelity=fidelity, interval=not no_interval, allow_unmodelled=allow_unmodelled)
            for name, made in silicon.items()
        }
    drawing.write_outputs(list(reports.values()), html, None)
    if json is not None:
        write_json({"schema": "hwsim.comparison/1", "reports": [r.to_dict() for r in reports.values()], "ratios": _ratios(reports)}, json)
    if json != STDOUT:
        _print_comparison(reports)


def _ratios(reports: Mapping[str, Report]) -> dict[str, dict[str, float]]:
    """Return metric / the first chip's metric, per chip; metrics that are missing or zero are left out."""
    first = next(iter(reports.values())).metrics()
    found: dict[str, dict[str, float]] = {}
    for name, report in reports.items():
        mine = report.metrics()
        found[name] = {m: mine[m] / first[m] for m in RATIOS if mine.get(m) and first.get(m)}
    return found


def _print_comparison(reports: Mapping[str, Report]) -> None:
    from hwsim.cli.output import plain_value  # noqa: PLC0415
    from hwsim.cli.report_view import HEADLINE, bullets, error_text, title  # noqa: PLC0415  (as above)

    screen = console()
    formats = {name: str(report.meta.get("dtype", "")) for name, report in reports.items()}
    alike = len(set(formats.values())) == 1
    screen.print(title(next(iter(reports.values())), dtype=alike).rsplit(" on ", 1)[0])
    ratios, metrics = _ratios(reports), {name: r.metrics() for name, r in reports.items()}
    first = next(iter(reports))
    columns = ["", *(f for name in reports for f in ((name,) if name == first else (name, f"/ {first}")))]
    rows = [] if alike else [["number format", *(f for name in reports for f in ((formats[name],) if name == first else (formats[name], "")))]]
    for key, word in HEADLINE:
        if not any(m.get(key) for m in metrics.values()) or (key == "inferences_per_s" and "tokens_per_s" in metrics[first]):
            continue
        row = [word]
        for name, found in metrics.items():
            row.append(metric(key, found[key]) if found.get(key) else "not modelled")
            if name != first:
                row.append(f"{ratios[name][key]:.4g}x" if key in ratios[name] else "")
        rows.append(row)
    screen.print(table("", columns, rows))
    for name, report in reports.items():
        program = report.cost.program
        used = ", ".join(f"{k}={plain_value(v)}" for k, v in program.mapping.items() if v is not None)
        screen.print(f"\n{name}: {program.chip.title or program.chip.target}; mapping {used or 'without options'}")
        for key in ("latency_s", "energy_j", "tokens_per_s"):
            if text := error_text(report.accuracy.get(key)):
                screen.print(f"  validation error of {key}: {text}")
        if program.lower_bound:
            screen.print("  A LOWER BOUND: some operators have no model and are left out")
        bullets(screen, "  warnings", program.warnings)
    modes = {name: str(r.cost.program.mapping.get("energy_mode", "")) for name, r in reports.items()}
    if len(set(modes.values())) > 1:
        counted = ", ".join(f"{name} by {mode or 'its own model'}" for name, mode in modes.items())
        screen.print(f"\nenergy and power are not counted alike: {counted} (--map energy_mode=nameplate or activity sets one for all)")


def primitive(
    chip: o.ChipName, name: Annotated[str | None, typer.Argument(metavar="NAME", help="Leave out to list them.")] = None, arg: o.Args = None,
    set_: o.Sets = None, map_: o.Maps = None, json: o.Json = None,
) -> None:  # fmt: skip
    """Run one mechanism of a chip in isolation, or list those that it has."""
    check_writable(json)
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.core.target import load_target  # noqa: PLC0415

    silicon = api.load_chip(chip, **o.assignments(set_, "--set", InvalidChip))
    if name is None:
        from hwsim.cli.show import primitive_records, primitives_table  # noqa: PLC0415

        target = load_target(silicon.target)
        if json is not None:
            write_json(primitive_records(target), json)
        if json != STDOUT:
            console().print(primitives_table(target))
        return
    arguments, mapping = o.parse_values(arg, "--arg", InvalidTrace), o.parse_values(map_, "--map")
    found = api.primitive(name, silicon, arguments, mapping)
    if json is not None:
        record = {"schema": "hwsim.primitive/1", "primitive": name, "chip": silicon.name, "target": silicon.target}
        write_json({**record, "arguments": arguments, "mapping": mapping, "metrics": found}, json)
    if json != STDOUT:
        console().print(table(f"{name} on {silicon.name}", ("", "value"), [(k, metric(k, v)) for k, v in found.items()]))
