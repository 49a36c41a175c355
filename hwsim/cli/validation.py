"""The command that holds the models against published figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, counting, share, table, write_json
from hwsim.core.errors import InvalidCase

if TYPE_CHECKING:
    from rich.console import Console

    from hwsim.validate.score import Score, Validation

COLUMNS = ("group", "role", "n", "ref.", "mean", "worst", "bias", "rank", "in tol.", "p/c")
LEGEND = (
    "n: cases that ran; ref.: refused; mean, worst: of |error|; bias: mean signed error; rank: correlation of got with expected; "
    "in tol.: share within tolerance; p/c: mean |error| of predicted over calibrated cases"
)


def validate(
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Case files, as with --cases.")] = None,
    target: Annotated[str | None, typer.Option(help="Only the cases of this target.", show_default=False)] = None,
    cases: Annotated[list[str] | None, typer.Option("--cases", metavar="FILE", help="Run the cases of this file instead; repeatable.")] = None,
    group: Annotated[list[str] | None, typer.Option("--group", metavar="PATTERN", help="Only groups like 'block_*' ('!block_*': others).")] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the accuracy of each chip beside its chip file.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Print every case, not only those outside their tolerance.")] = False,
    json: o.Json = None,
) -> None:
    """Run published and measured cases; print the error per target, group and role."""
    check_writable(json)
    chosen = [*(cases or []), *(files or [])]
    if record and (chosen or group):
        raise InvalidCase("--record takes all published cases of the shipped chips, not --cases or --group")
    from hwsim.validate.record import record_accuracy  # noqa: PLC0415  (heavy: only once the options are parsed)
    from hwsim.validate.score import validate as run_cases  # noqa: PLC0415

    with counting("cases") as progress:
        found = run_cases(target, chosen or None, groups=group or ('*',), progress=progress)
    written = record_accuracy(found) if record else []
    if json is not None:
        write_json(found.to_dict(), json)
    if json == STDOUT:
        return
    screen = console()
    _print_scores(screen, found)
    _print_cases(screen, found, every=every)
    for path in written:
        screen.print(f"recorded {path}")


def _print_scores(screen: Console, found: Validation) -> None:
    for target, whole in found.targets.items():
        rows = []
        for name, score in found.groups.items():
            if name.startswith(f"{target}/"):
                rows += list(_score_rows(found, name, name.removeprefix(f"{target}/"), score))
        rows += [("",) * len(COLUMNS), *_score_rows(found, target, "whole target", whole)]
        screen.print(table(target, COLUMNS, rows, left=2))
        screen.print()
    screen.print(LEGEND)


def _score_rows(found: Validation, name: str, shown: str, score: Score) -> Iterator[tuple[str, ...]]:
    """One row for a group whose cases have one role; else one for all and one for each role."""
    roles = found.roles.get(name, {})
    ratio = found.ratio(name)
    yield (shown, "all" if len(roles) > 1 else next(iter(roles), ""), *_figures(score), "" if ratio is None else f"{ratio:.2f}")
    if len(roles) > 1:
        for role, part in roles.items():
            yield ("", role, *_figures(part), "")


def _figures(score: Score) -> tuple[str, ...]:
    rank = "-" if score.spearman is None else f"{score.spearman:.3f}"
    refused = str(score.refused) if score.refused else ""
    return (str(score.n), refused, share(score.mape), share(score.worst), share(score.bias), rank, share(score.within_tolerance))


def _print_cases(screen: Console, found: Validation, *, every: bool) -> None:
    shown = [r for r in found.results if r.error is not None and (every or not r.within)]
    if shown:
        shown.sort(key=lambda r: -abs(r.error or 0.0))
        limit = len(shown) if every else 15
        heading = "cases" if every else f"outside their tolerance: {len(shown)} of {len(found.results)} cases"
        rows = [
            (r.case.id, r.case.metric, f"{r.case.value:,.6g}", f"{r.got:,.6g}", share(r.error), share(r.case.tolerance), r.case.role)
            for r in shown[:limit]
        ]
        screen.print()
        screen.print(table(heading, ("case", "metric", "expected", "got", "error", "tolerance", "role"), rows, left=2))
        if len(shown) > limit:
            screen.print(f"... and {len(shown) - limit} more (--all, or --json)")
    if found.refused:
        reasons: dict[str, list[str]] = {}
        for result in found.refused:
            reasons.setdefault(result.refused or "", []).append(result.case.id)
        screen.print(f"\nrefused: {len(found.refused)} of {len(found.results)} cases")
        for reason, ids in sorted(reasons.items(), key=lambda kv: -len(kv[1])):
            more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
            screen.print(Padding(f"{reason}: {', '.join(ids[:3])}{more}", (0, 0, 0, 2)))
    if not every and not shown and not found.refused:
        screen.print(f"\nall {len(found.results)} cases are within their tolerance")
