"""The commands that ask questions of a design space: search, pareto, sensitivity, inverse."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, counting, metric, share, table, working, write_json
from hwsim.core.errors import HwsimError, InvalidChip, InvalidMapping

if TYPE_CHECKING:
    from hwsim.explore.pareto import Front
    from hwsim.explore.sensitivity import Sensitivity
    from hwsim.explore.space import Space

SHOWN = 20
HIDDEN = ("point", "status", "reason")
SUFFIXES = {"hz": "Hz", "s": "s", "j": "J", "w": "W"}
SpaceFile = Annotated[str, typer.Argument(metavar="SPACE.yaml", help="Trace, chips, parameters with their ranges, constraints, metrics.")]
Objective = Annotated[list[str] | None, typer.Option("--objective", metavar="METRIC", help="A metric to minimise; repeatable.", show_default=False)]
Maximise = Annotated[list[str] | None, typer.Option("--maximise", metavar="METRIC", help="A metric to maximise; repeatable.", show_default=False)]
Base = Annotated[
    list[str] | None, typer.Option("--at", metavar="NAME=VALUE", help="Set a parameter or constant of the base point: clock_hz='1 GHz'; repeatable.")
]
Seed = Annotated[int, typer.Option(min=0, help="Equal seeds give equal results.")]


def search(
    space: SpaceFile,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder of the trials; a search that was stopped goes on.", show_default=False)],
    objective: Objective = None,
    maximise: Maximise = None,
    sampler: Annotated[str, typer.Option(help="nsga2, nsga3, tpe or gp (which needs PyTorch).")] = "nsga2",
    trials: Annotated[int, typer.Option(min=1, help="Points to try in all.")] = 960,
    population: Annotated[int | None, typer.Option(min=1, help="Points asked for at once; nsga 48, tpe 12, gp 1.", show_default=False)] = None,
    seed: Seed = 0,
    json: o.Json = None,
) -> None:
    """Search a design space for the designs that nothing beats in every objective."""
    check_writable(json)
    from hwsim.explore.search import search as run  # noqa: PLC0415  (heavy: only once the options are parsed)

    with counting("trials") as progress:
        found = run(
            space, out, objective or [], maximise or [], sampler=sampler, trials=trials, population=population, seed=seed, progress=progress
        )  # fmt: skip
    if json is not None:
        write_json(found.to_dict(), json)
    if json == STDOUT:
        return
    screen = console()
    resumed = f", {found.resumed:,} of them from before" if found.resumed else ""
    screen.print(f"{found.trials:,} trials ({found.feasible:,} feasible{resumed}) of {found.points:,} points, in {out}")
    _print_front(found.front)


def pareto(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder of a sweep or a search.")],
    objective: Objective = None,
    maximise: Maximise = None,
    every: Annotated[bool, typer.Option("--all", help=f"Print the whole front, not only {SHOWN} points spread over it.")] = False,
    json: o.Json = None,
) -> None:
    """Show the designs of a sweep or a search that nothing beats in every objective."""
    check_writable(json)
    from hwsim.explore.pareto import pareto as run  # noqa: PLC0415  (as above)

    with working(f"reading {folder}"):
        found = run(folder, objective or [], maximise or [])
    if json is not None:
        write_json(found.to_dict(), json)
    if json != STDOUT:
        _print_front(found, every=every)


def _print_front(front: Front, *, every: bool = False) -> None:
    """Print the front, best in the first objective first: the objectives, then every parameter that differs along it."""
    screen = console()
    aims = ", ".join(f"{a.direction} {a.metric}" for a in front.objectives)
    if not len(front):
        screen.print(f"{aims}: no point is feasible, so there is no front")
        for reason in sorted({str(r) for r in front.columns.get("reason", ())})[:SHOWN]:
            screen.print(Padding(reason, (0, 0, 0, 2)))
        return
    goals, records = [a.metric for a in front.objectives], front.records()
    names = [n for n in records[0] if n not in (*goals, *HIDDEN)]
    varied = [n for n in names if len({str(r[n]) for r in records}) > 1]
    shown = list(range(len(records)))
    if not every and len(shown) > SHOWN:
        shown = [round(i * (len(records) - 1) / (SHOWN - 1)) for i in range(SHOWN)]
    rows = [[*(metric(g, records[i][g]) for g in goals), *(_cell(n, records[i][n]) for n in varied)] for i in shown]
    heading = f"{aims}: {len(front):,} on the front, of {front.feasible:,} feasible and {front.total:,} in all"
    screen.print(table(heading, [*goals, *varied], rows, left=0))
    if fixed := [f"{n} {_cell(n, records[0][n])}" for n in names if n not in varied and records[0][n] is not None]:
        screen.print(f"the same for all: {', '.join(fixed)}")
    if len(shown) < len(records):
        screen.print(f"{len(shown)} of them, spread over the front (--all, or --json)")


def _cell(name: str, value: Any) -> str:
    """One value of a parameter or a metric."""
    from hwsim.core.units import METRIC_UNITS, engineering  # noqa: PLC0415

    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    if name in METRIC_UNITS:
        return metric(name, value)
    unit = SUFFIXES.get(name.rpartition("_")[2]) if "_" in name else None
    return engineering(value, unit) if unit else f"{value:,.6g}"


def sensitivity(
    space: SpaceFile,
    metric_: Annotated[str, typer.Option("--metric", help="The metric in question: latency_s.", show_default=False)],
    out: Annotated[str | None, typer.Option("--out", metavar="DIR", help="Folder for sensitivity.json, for hwsim plot.", show_default=False)] = None,
    method: Annotated[str, typer.Option(help="tornado (one at a time), sobol (variance shares) or both.")] = "both",
    over: Annotated[str | None, typer.Option(help="Ranges of the space, of the chip's constants, or all.", show_default=False)] = None,
    at: Base = None,
    samples: Annotated[int, typer.Option(help="Samples for Sobol's indices, a power of two.")] = 256,
    seed: Seed = 0,
    json: o.Json = None,
) -> None:
    """Tell what to change first: which parameters move a metric around a base point, and over their ranges."""
    check_writable(json)
    from hwsim.explore.sensitivity import sensitivity as run  # noqa: PLC0415  (as above)
    from hwsim.explore.space import load_space  # noqa: PLC0415

    made = load_space(space)
    with working(f"varying the parameters of {space}"):
        found = run(made, metric_, out, method=method, over=over, base=_base(made, at), samples=samples, seed=seed)
    if json is not None:
        write_json(found.to_dict(), json)
    if json != STDOUT:
        _print_sensitivity(found)
        if out is not None:
            console().print(f"\nwritten to {Path(out) / 'sensitivity.json'}; hwsim plot {out} --kind sensitivity -o FILE draws it")


def _print_sensitivity(found: Sensitivity) -> None:
    from hwsim.explore.lever import write_figure, written  # noqa: PLC0415  (as above)

    screen = console()
    where = ", ".join(f"{k} {written(v, next((b.unit for b in found.tornado if b.parameter == k), ''))}" for k, v in found.point.items())
    screen.print(f"{found.metric} is {write_figure(found.metric, found.base)} at the base point ({where or 'the chip as stated'})\n")
    if found.tornado:
        rows = []
        for bar in found.tornado:
            swing = share(bar.swing(found.base) / abs(found.base)) if found.base else write_figure(found.metric, bar.swing(found.base))
            ends = [written(bar.low, bar.unit), written(bar.high, bar.unit), metric(found.metric, bar.at_low), metric(found.metric, bar.at_high)]
            rows.append((bar.parameter, *ends, swing))
        screen.print(table("one at a time", ("parameter", "low", "high", "at low", "at high", "swing"), rows))
        screen.print()
    if found.sobol:
        rows = [(s.parameter, _within(s.first, s.first_conf), _within(s.total, s.total_conf)) for s in found.sobol]
        screen.print(table(f"shares of the variance (Sobol, {found.samples} samples)", ("parameter", "alone", "with interactions"), rows))
        screen.print()
    screen.print(found.sentence)
    for note in found.notes:
        screen.print(Padding(note, (0, 0, 0, 2)))


def _within(value: float, half_width: float) -> str:
    return f"{value:.3f} +- {half_width:.3f}"


def inverse(
    space: SpaceFile,
    parameter: Annotated[str, typer.Option("--parameter", help="A parameter of the space, or a constant of its chip.", show_default=False)],
    metric_: Annotated[str, typer.Option("--metric", help="The metric that has a target: latency_s.", show_default=False)],
    at_most: Annotated[str | None, typer.Option("--at-most", metavar="X", help="Target: '500 us', or in the metric's own unit.")] = None,
    at_least: Annotated[str | None, typer.Option("--at-least", metavar="X", help="Target, as above.")] = None,
    largest: Annotated[bool, typer.Option("--largest", help="The largest value that meets the target, not the smallest.")] = False,
    low: Annotated[str | None, typer.Option(metavar="VALUE", help="Low end, for a constant of the chip.")] = None,
    high: Annotated[str | None, typer.Option(metavar="VALUE", help="High end, for a constant of the chip.")] = None,
    at: Base = None,
    json: o.Json = None,
) -> None:
    """Find the smallest (or largest) value of a parameter for which a metric meets a target."""
    check_writable(json)
    if (at_most is None) == (at_least is None):
        raise HwsimError("state one target: --at-most or --at-least")
    from hwsim.explore.inverse import inverse as run  # noqa: PLC0415  (as above)
    from hwsim.explore.space import load_space  # noqa: PLC0415

    made = load_space(space)
    with working(f"looking for {parameter}"):
        found = run(
            made, parameter, metric_, at_most=_target(metric_, at_most), at_least=_target(metric_, at_least),
            find="largest" if largest else "smallest", base=_base(made, at), low=_end(made, parameter, low), high=_end(made, parameter, high),
        )  # fmt: skip
    if json is not None:
        write_json(found.to_dict(), json)
    if json != STDOUT:
        screen = console()
        screen.print(found.sentence)
        if found.base:
            from hwsim.explore.lever import written  # noqa: PLC0415

            units = {axis.name: axis.unit for axis in made.axes}
            others = ", ".join(f"{k} {written(v, units.get(k, ''))}" for k, v in found.base.items())
            screen.print(f"all else as at the base point: {others}")


def _target(name: str, text: str | None) -> float | None:
    """The figure of a target: a quantity in the metric's unit, or a bare number in it."""
    if text is None:
        return None
    from hwsim.core.units import METRIC_UNITS  # noqa: PLC0415
    from hwsim.readers.quantity import quantity, split_quantity  # noqa: PLC0415

    figure, unit = split_quantity(text)
    return quantity(text, METRIC_UNITS.get(name, "")) if unit else float(figure)


def _end(space: Space, name: str, text: str | None) -> float | None:
    if text is None:
        return None
    value = _setting(space, name, text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise HwsimError(f"the ends of the range of {name} are numbers, got '{text}'")
    return float(value)


def _setting(space: Space, name: str, text: str) -> Any:
    """One value of a parameter: in its unit for a constant of the chip, as with --map for an option."""
    params = space.chips[0].params
    if name not in params:
        return o.parse_value(text, InvalidMapping)
    from hwsim.readers.quantity import parse_setting  # noqa: PLC0415

    return parse_setting(name, text, params[name].unit, InvalidChip)


def _base(space: Space, texts: list[str] | None) -> dict[str, Any]:
    return {name: _setting(space, name, text) for name, text in o.assignments(texts, "--at", HwsimError).items()}
