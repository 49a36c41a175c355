"""The command that evaluates a design space into a results folder."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.padding import Padding

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, metric, table, write_json

if TYPE_CHECKING:
    from hwsim.explore.sweep import Progress, Sweep

EVERY_S = 5.0
REASONS = 5


def sweep(
    space: Annotated[str, typer.Argument(metavar="SPACE.yaml", help="Traces, chips, parameters with their ranges, constraints, metrics.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder of the results; a sweep that was stopped goes on.", show_default=False)],
    jobs: Annotated[int | None, typer.Option(min=1, help="Threads, or processes at event fidelity; all cores when left out.")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Evaluate on the Dask cluster of tcp://HOST:PORT.")] = None,
    json: o.Json = None,
) -> None:
    """Evaluate every point of a design space into Parquet files; stop it when you like, and run it again to go on."""
    check_writable(json)
    from hwsim.explore import sweep as run  # noqa: PLC0415  (heavy: only once the options are parsed)

    with _progress() as progress:
        made = run.sweep(space, out, jobs=jobs, scheduler=scheduler, progress=progress)
    record = summary(made)
    if json is not None:
        write_json(record, json)
    if json != STDOUT:
        _print(record)


def summary(made: Sweep) -> dict[str, Any]:
    """Return what a finished sweep holds: its manifest, points by status, reasons, and the range of each metric over the points that are ok."""
    results = made.results
    rows = results.relation
    metrics = [str(m) for m in results.manifest["metrics"]]
    status = dict(rows.aggregate("status, count(*) AS n", "status").order("n DESC, status").fetchall())
    told = rows.filter("reason <> ''").aggregate("status, reason, count(*) AS n", "status, reason")
    reasons = told.order("n DESC, reason").limit(REASONS).fetchall()
    parts = ", ".join(f'min("{m}"), median("{m}"), max("{m}")' for m in metrics)
    figures = rows.filter("status = 'ok'").aggregate(parts).fetchall()[0]
    spread = {m: dict(zip(("min", "median", "max"), figures[3 * i : 3 * i + 3], strict=True)) for i, m in enumerate(metrics)}
    return {
        **results.manifest, "folder": str(made.folder), "evaluated": made.evaluated, "seconds": made.seconds, "status": status,
        "reasons": [{"status": s, "reason": r, "points": n} for s, r, n in reasons], "ranges": spread,
    }  # fmt: skip


def _print(record: dict[str, Any]) -> None:
    screen = console()
    rate = f"{record['evaluated']:,} now, {record['evaluated'] / max(record['seconds'], 1e-9):,.0f} a second" if record["evaluated"] else "none now"
    counts = ", ".join(f"{n:,} {status}" for status, n in record["status"].items())
    screen.print(f"{record['points']:,} points in {record['folder']} ({rate}): {counts}")
    rows = [(m, *(metric(m, v) for v in r.values())) for m, r in record["ranges"].items() if r["min"] is not None]
    if rows:
        screen.print(table("over the points that are ok", ("", "least", "median", "most"), rows))
    for one in record["reasons"]:
        screen.print(Padding(f"{one['points']:,} x {one['status']}: {one['reason']}", (0, 0, 0, 2)))


@contextmanager
def _progress() -> Iterator[Progress]:
    """Yield ``progress(done, total, before)``: a bar with rate and ETA on a terminal, else a line on stderr every few seconds."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bars, TextColumn, TimeElapsedColumn  # noqa: PLC0415, I001  (only when shown)

    columns = (TextColumn("points"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeElapsedColumn())
    with Bars(*columns, console=screen, transient=True) as bars:
        task, began = bars.add_task("points", total=None, rate=""), time.perf_counter()

        def show(done: int, total: int, before: int) -> None:
            bars.update(task, completed=done, total=total, rate=pace(done - before, total - done, time.perf_counter() - began))

        yield show


def pace(done: int, left: int, seconds: float) -> str:
    """Write rate and time to go.

    >>> pace(1000, 120000, 1.0)
    '1,000 points/s, 2:00 to go'
    """
    if not done or seconds <= 0:
        return ""
    rate = done / seconds
    ahead = math.ceil(left / rate)
    hours, minutes, rest = ahead // 3600, ahead // 60 % 60, ahead % 60
    return f"{rate:,.0f} points/s, {f'{hours}:{minutes:02}' if hours else minutes}:{rest:02} to go"


class _Lines:
    """Progress for a log: a line at most every few seconds."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()

    def __call__(self, done: int, total: int, before: int) -> None:
        now = time.perf_counter()
        if now - self.last >= EVERY_S:
            self.last = now
            typer.echo(f"{done:,} of {total:,} points, {pace(done - before, total - done, now - self.began)}", file=sys.stderr)
