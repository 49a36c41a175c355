"""The command ``serve``: a stream of requests to a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, metric, table, working, write_json
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace

if TYPE_CHECKING:
    from hwsim.serve.requests import Requests
    from hwsim.serve.serving import Serving

File = Annotated[str | None, typer.Option("--requests", metavar="FILE", help="CSV: arrival_s,prompt_tokens,generated_tokens.", show_default=False)]
Rate = Annotated[float | None, typer.Option(help="Requests a second, when no file gives them.", show_default=False)]
Count = Annotated[int, typer.Option(help="Requests to make.")]
Spread = Annotated[float, typer.Option(help="Coefficient of variation of the lengths (lognormal; 0: all alike).")]
Arrivals = Annotated[str, typer.Option(help="poisson, constant, bursty or together.")]
Burst = Annotated[float, typer.Option(help="Coefficient of variation of bursty gaps.")]
Seed = Annotated[int, typer.Option(help="Seed of the requests made.")]
MaxBatch = Annotated[int, typer.Option(help="Sequences that decode together on a machine.")]
Machines = Annotated[int, typer.Option(help="Alike machines behind one line.")]
Paged = Annotated[bool, typer.Option("--paged", help="Take requests while the cache has room, preempt the newest when it is full.")]
PrefillMachines = Annotated[int, typer.Option(help="Machines that only prefill; the others then only decode.")]
Link = Annotated[str | None, typer.Option(metavar="RATE", help="Link from prefill to decode machines: '50 GB/s'.", show_default=False)]
Save = Annotated[str | None, typer.Option(metavar="FILE", help="Write the requests made as a CSV file.", show_default=False)]
MADE = {"count": 100, "spread": 0.0, "arrivals": "poisson", "burst": 4.0, "seed": 0}  # of requests that no file gives
TOTALS = {  # figures, and the metric whose unit they have
    "duration_s": "latency_s", "requests_per_s": "count", "tokens_per_s": "count", "energy_j": "energy_j", "energy_per_token_j": "energy_j",
    "power_w": "power_w", "longest_line": "count", "preemptions": "count", "capacity_tokens": "count",
}  # fmt: skip


def serve(
    trace: o.TraceName, chip: o.ChipName, requests: File = None, rate: Rate = None, prompt: o.Prompt = None, generate: o.Generate = None,
    count: Count = 100, spread: Spread = 0.0, arrivals: Arrivals = "poisson", burst: Burst = 4.0, seed: Seed = 0, save_requests: Save = None,
    max_batch: MaxBatch = 32, machines: Machines = 1, paged: Paged = False, prefill_machines: PrefillMachines = 0, link: Link = None,
    dtype: o.Dtype = None, weight_dtype: o.WeightDtype = None, kv_dtype: o.KvDtype = None, layers: o.Layers = None, max_context: o.MaxContext = None,
    set_: o.Sets = None, map_: o.Maps = None, json: o.Json = None,
) -> None:  # fmt: skip
    """Serve a stream of requests: throughput, times to first token and between tokens, energy per token."""
    check_writable(json)
    check_writable(save_requests, "--save-requests")
    made = {"count": count, "spread": spread, "arrivals": arrivals, "burst": burst, "seed": seed}
    stream = _requests(requests, rate, prompt, generate, made)
    if save_requests is not None:
        from hwsim.serve.requests import write_requests  # noqa: PLC0415  (heavy: only once the options are parsed)

        write_requests(stream, save_requests)
    from hwsim import api  # noqa: PLC0415  (as above)
    from hwsim.serve.serving import serve as run  # noqa: PLC0415

    settings = o.stated(dtype=dtype, weight_dtype=weight_dtype, kv_dtype=kv_dtype, layers=layers, max_context=max_context)
    silicon = api.load_chip(chip, **o.assignments(set_, "--set", InvalidChip))
    with working(f"serving {len(stream)} requests to {trace} on {silicon.name}"):
        done = run(
            trace, silicon, stream, o.parse_values(map_, "--map"), max_batch=max_batch, machines=machines, paged=paged,
            prefill_machines=prefill_machines, link_bytes_per_s=_link(link, prefill_machines), **settings,
        )  # fmt: skip
    if json is not None:
        write_json({**done.to_dict(), "trace": trace, "chip": silicon.name}, json)
    if json != STDOUT:
        _print(done, trace, silicon.name)


def _requests(file: str | None, rate: float | None, prompt: int | None, generate: int | None, made: dict[str, object]) -> Requests:
    from hwsim.serve.requests import read_requests, synthetic  # noqa: PLC0415  (as above)

    if file is not None:
        given = [f"--{n}" for n, v in (("rate", rate), ("prompt", prompt), ("generate", generate)) if v is not None]
        given += [f"--{name}" for name, value in made.items() if value != MADE[name]]
        if given:
            raise InvalidTrace(f"{', '.join(given)}: requests come from '{file}'")
        return read_requests(file)
    missing = [f"--{n}" for n, v in (("rate", rate), ("prompt", prompt), ("generate", generate)) if v is None]
    if rate is None or prompt is None or generate is None:
        raise InvalidTrace(f"state --requests FILE, or {', '.join(missing)} of requests to make")
    return synthetic(rate_per_s=rate, prompt=prompt, generate=generate, **made)  # type: ignore[arg-type]


def _link(text: str | None, prefill_machines: int) -> float:
    """Bytes per second of the link. Raises `InvalidMapping` when one of the two options stands without the other."""
    if (text is None) != (prefill_machines == 0):
        raise InvalidMapping("--prefill-machines and --link go together")
    if text is None:
        return 0.0
    value = o.parse_value(text, InvalidMapping)
    if isinstance(value, bool) or not isinstance(value, float):
        raise InvalidMapping(f"--link '{text}': write a rate with its unit, such as '50 GB/s'")
    return value


def _print(done: Serving, trace: str, chip: str) -> None:
    from hwsim.cli.report_view import bullets  # noqa: PLC0415  (as above)

    screen = console()
    screen.print(f"{len(done.requests)} requests to {trace} on {chip}")
    screen.print(table("", ("", "value"), [(name, metric(unit, done.figures[name])) for name, unit in TOTALS.items()]))
    times = done.percentiles()
    columns = list(next(iter(times.values())))
    screen.print(table("times", ("", *columns), [(name, *(metric("latency_s", found[c]) for c in columns)) for name, found in times.items()]))
    rows = [
        (str(m["role"]), f"{m['busy']:.1%}", f"{m['mean_batch']:.1f}", f"{m['widest_batch']:.0f}", f"{m['cached_tokens_most']:,.0f}")
        for m in done.machines
    ]  # fmt: skip
    screen.print(table("machines", ("role", "busy", "mean batch", "widest", "cached tokens, most"), rows))
    bullets(screen, "assumptions", done.assumptions)
