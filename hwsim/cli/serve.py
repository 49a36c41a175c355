"""The command ``serve``: a stream of requests to a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, metric, table, working, write_json
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace

if TYPE_CHECKING:
    from hwsim.serve.outcome import Limits, Serving
    from hwsim.serve.requests import Requests

File = Annotated[str | None, typer.Option("--requests", metavar="FILE", help="CSV: arrival_s,prompt_tokens,generated_tokens.", show_default=False)]
Rate = Annotated[float | None, typer.Option(help="Requests a second, when no file gives them.", show_default=False)]
Count = Annotated[int, typer.Option(help="Requests to make.")]
Spread = Annotated[float, typer.Option(help="Coefficient of variation of the lengths (lognormal; 0: all alike).")]
Arrivals = Annotated[str, typer.Option(help="poisson, constant, bursty or together.")]
Burst = Annotated[float, typer.Option(help="Coefficient of variation of bursty gaps.")]
Seed = Annotated[int, typer.Option(help="Seed of the requests made.")]
Clip = Annotated[int | None, typer.Option(metavar="TOKENS", help="Cut requests to so many tokens, prompt and generation.", show_default=False)]
Concurrency = Annotated[int, typer.Option(help="Keep so many requests in the system, whenever they arrive (0: they come at their times).")]
MaxBatch = Annotated[int, typer.Option(help="Sequences that decode together on a machine.")]
Machines = Annotated[int, typer.Option(help="Alike machines behind one line.")]
Paged = Annotated[bool, typer.Option("--paged", help="Take requests while the cache has room, preempt the newest when it is full.")]
Chunk = Annotated[int, typer.Option(metavar="TOKENS", help="Most tokens of a step; prompts go in pieces beside decoding (0: alone, whole).")]
Batching = Annotated[str, typer.Option(help="continuous, or static: the next batch when all of this one has ended.")]
PrefillMachines = Annotated[int, typer.Option(help="Machines that only prefill; the others then only decode.")]
PrefillChip = Annotated[str | None, typer.Option(metavar="CHIP", help="Their chip, when it is another one.", show_default=False)]
PrefillMaps = Annotated[list[str] | None, typer.Option("--prefill-map", metavar="OPTION=VALUE", help="A mapping option of theirs.")]
Link = Annotated[str | None, typer.Option(metavar="RATE", help="Link from a prefill machine to the others: '50 GB/s'.", show_default=False)]
First = Annotated[str | None, typer.Option("--ttft-limit", metavar="TIME", help="Limit on the time to first token: '200 ms'.", show_default=False)]
Per = Annotated[str | None, typer.Option("--tpot-limit", metavar="TIME", help="Limit on a request's mean time per token.", show_default=False)]
Warmup = Annotated[int, typer.Option(help="First requests that times and limits leave out.")]
Idle = Annotated[str | None, typer.Option("--idle-power", metavar="POWER", help="Of a waiting machine, where you know better.", show_default=False)]
Interval = Annotated[bool, typer.Option("--interval", help="Serve twice more, at both ends of the constants' ranges.")]
Save = Annotated[str | None, typer.Option(metavar="FILE", help="Write the requests made as a CSV file.", show_default=False)]
Log = Annotated[str | None, typer.Option(metavar="FILE", help="Write the times of each request as a CSV file.", show_default=False)]
Timeline = Annotated[str | None, typer.Option(metavar="FILE", help="Write what each machine does as a Chrome trace.", show_default=False)]
MADE = {"count": 100, "spread": 0.0, "arrivals": "poisson", "burst": 4.0, "seed": 0}  # of requests that no file gives
TOTALS = {  # figures, and the metric whose unit they have
    "duration_s": "latency_s", "requests_per_s": "count", "tokens_per_s": "count", "energy_j": "energy_j", "energy_per_token_j": "energy_j",
    "power_w": "power_w", "mean_in_system": "count", "longest_line": "count", "preemptions": "count", "capacity_tokens": "count",
}  # fmt: skip


def serve(
    trace: o.TraceName, chip: o.ChipName, requests: File = None, rate: Rate = None, prompt: o.Prompt = None, generate: o.Generate = None,
    count: Count = 100, spread: Spread = 0.0, arrivals: Arrivals = "poisson", burst: Burst = 4.0, seed: Seed = 0, clip: Clip = None,
    concurrency: Concurrency = 0, save_requests: Save = None, max_batch: MaxBatch = 32, machines: Machines = 1, paged: Paged = False,
    chunk: Chunk = 0, batching: Batching = "continuous", prefill_machines: PrefillMachines = 0, prefill_chip: PrefillChip = None,
    prefill_map: PrefillMaps = None, link: Link = None, ttft_limit: First = None, tpot_limit: Per = None, warmup: Warmup = 0,
    idle_power: Idle = None, dtype: o.Dtype = None, weight_dtype: o.WeightDtype = None, kv_dtype: o.KvDtype = None, layers: o.Layers = None,
    max_context: o.MaxContext = None, set_: o.Sets = None, map_: o.Maps = None, interval: Interval = False, log: Log = None,
    timeline: Timeline = None, json: o.Json = None,
) -> None:  # fmt: skip
    """Serve a stream of requests: throughput, times to first token and between tokens, energy per token."""
    for path, option in ((json, "--json"), (save_requests, "--save-requests"), (log, "--log"), (timeline, "--timeline")):
        check_writable(path, option)
    made = {"count": count, "spread": spread, "arrivals": arrivals, "burst": burst, "seed": seed}
    stream = _requests(requests, rate, prompt, generate, made, concurrency)
    stream = stream if clip is None else stream.clipped(clip)
    if save_requests is not None:
        from hwsim.serve.request_file import write_requests  # noqa: PLC0415  (heavy: only once the options are parsed)

        write_requests(stream, save_requests)
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.serve.serving import serve as run  # noqa: PLC0415

    settings = o.stated(dtype=dtype, weight_dtype=weight_dtype, kv_dtype=kv_dtype, layers=layers, max_context=max_context)
    silicon = api.load_chip(chip, **o.assignments(set_, "--set", InvalidChip))
    first = api.load_chip(prefill_chip) if prefill_chip is not None else None
    if prefill_map and first is None:
        raise InvalidMapping("--prefill-map is for the machines of a --prefill-chip")
    with working(f"serving {len(stream)} requests to {trace} on {silicon.name}"):
        done = run(
            trace, silicon, stream, o.parse_values(map_, "--map"), max_batch=max_batch, machines=machines, paged=paged, chunk=chunk,
            batching=batching, prefill_machines=prefill_machines, prefill_chip=first, prefill_mapping=o.parse_values(prefill_map, "--prefill-map"),
            link_bytes_per_s=_link(link, prefill_machines), concurrency=concurrency, warmup=warmup, limits=_limits(ttft_limit, tpot_limit),
            idle_power_w=_quantity("--idle-power", idle_power, "W"), interval=interval, timeline=timeline is not None,
            **settings,
        )  # fmt: skip
    if log is not None:
        done.write_log(log)
    if timeline is not None:
        _write_timeline(done, f"{trace} on {silicon.name}", timeline)
    if json is not None:
        names = {"trace": trace, "chip": silicon.name, **({"prefill_chip": first.name} if first is not None else {})}
        write_json({**done.to_dict(), **names}, json)
    if json != STDOUT:
        _print(done, trace, silicon.name)


def _write_timeline(done: Serving, title: str, path: str) -> None:
    """Write one track per machine: prefills, stretches of decode steps, mixed steps, changes of the layout."""
    from hwsim.plot.data import Span  # noqa: PLC0415  (as above)
    from hwsim.plot.timeline import chrome_trace  # noqa: PLC0415

    tracks = [f"{m['role']} {i}" for i, m in enumerate(done.machines)]
    spans = [Span(what, phase, phase, track, at, length) for track, kept in zip(tracks, done.spans, strict=True) for phase, what, at, length in kept]
    write_json(chrome_trace(spans, process=title), path)


def _requests(file: str | None, rate: float | None, prompt: int | None, generate: int | None, made: dict[str, object], concurrency: int) -> Requests:
    from hwsim.serve.request_file import read_requests  # noqa: PLC0415  (as above)
    from hwsim.serve.requests import synthetic  # noqa: PLC0415

    if file is not None:
        given = [f"--{n}" for n, v in (("rate", rate), ("prompt", prompt), ("generate", generate)) if v is not None]
        given += [f"--{name}" for name, value in made.items() if value != MADE[name]]
        if given:
            raise InvalidTrace(f"{', '.join(given)}: requests come from '{file}'")
        return read_requests(file)
    if concurrency and rate is None:
        rate, made = 1.0, {**made, "arrivals": "together"}
    missing = [f"--{n}" for n, v in (("rate", rate), ("prompt", prompt), ("generate", generate)) if v is None]
    if rate is None or prompt is None or generate is None:
        raise InvalidTrace(f"state --requests FILE, or {', '.join(missing)} of requests to make")
    return synthetic(rate_per_s=rate, prompt=prompt, generate=generate, **made)  # type: ignore[arg-type]


def _quantity(option: str, text: str | None, unit: str) -> float | None:
    """The figure of a text in `unit`. Raises `InvalidMapping` for none, or one of another dimension."""
    if text is None:
        return None
    from hwsim.readers.quantity import quantity  # noqa: PLC0415  (as above)

    try:
        return quantity(text, unit, InvalidMapping)
    except InvalidMapping as bad:
        raise InvalidMapping(f"{option}: {bad.problem}") from None


def _limits(first: str | None, per: str | None) -> Limits:
    from hwsim.serve.outcome import Limits  # noqa: PLC0415  (as above)

    stated = {"first_token_s": _quantity("--ttft-limit", first, "s"), "per_token_s": _quantity("--tpot-limit", per, "s")}
    return Limits(**{name: value for name, value in stated.items() if value is not None})


def _link(text: str | None, prefill_machines: int) -> float:
    """Bytes per second of the link. Raises `InvalidMapping` when one of the two options stands without the other."""
    if (text is None) != (prefill_machines == 0):
        raise InvalidMapping("--prefill-machines and --link go together")
    return _quantity("--link", text, "B/s") or 0.0


def _ends(done: Serving, name: str, unit: str) -> tuple[str, ...]:
    """The interval of a figure, an empty one where it has none; nothing when no intervals were asked for."""
    return (_between(unit, done.interval.get(name)),) if done.interval else ()


def _between(unit: str, ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{metric(unit, ends[0])} .. {metric(unit, ends[1])}"


def _print(done: Serving, trace: str, chip: str) -> None:
    from hwsim.cli.report_view import bullets  # noqa: PLC0415  (as above)

    screen = console()
    screen.print(f"{len(done.requests)} requests to {trace} on {chip}")
    ends = ("", "value", *(("90 % interval",) if done.interval else ()))
    screen.print(table("", ends, [(name, metric(unit, done.figures[name]), *_ends(done, name, unit)) for name, unit in TOTALS.items()]))
    times = done.percentiles()
    columns = list(next(iter(times.values())))
    rows = [(name, *(metric("latency_s", found[c]) if c in found else "" for c in columns)) for name, found in times.items()]
    screen.print(table("times", ("", *columns), rows))
    if done.interval:
        rows = [(name, *(_between("latency_s", found[c]) for c in ("p50", "p99"))) for name, found in done.interval["times"].items()]
        screen.print(table("their 90 % intervals", ("", "p50", "p99"), rows))
    if limits := done.goodput():
        screen.print(table("limits", ("", "value"), [(n, f"{v:,.4g}" if n.endswith("_per_s") else f"{v:.1%}") for n, v in limits.items()]))
    rows = [
        (str(m["role"]), f"{m['busy']:.1%}", f"{m['mean_batch']:.1f}", f"{m['widest_batch']:.0f}", f"{m['cached_tokens_most']:,.0f}")
        for m in done.machines
    ]  # fmt: skip
    screen.print(table("machines", ("role", "busy", "mean batch", "widest", "cached tokens, most"), rows))
    bullets(screen, "warnings", done.warnings)
    bullets(screen, "assumptions", done.assumptions)
