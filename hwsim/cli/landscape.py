"""``hwsim compare TRACE --chip all``: one workload on every chip, the refusals with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwsim.cli import options as o
from hwsim.cli.output import STDOUT, check_writable, console, metric, table, working, write_json
from hwsim.core.errors import InvalidMapping

ALL = "all"
HEADINGS = {"latency_s": "latency", "energy_j": "energy", "power_w": "power", "area_mm2": "area"}


def everywhere(
    trace: str, settings: Mapping[str, Any], maps: list[str] | None, sets: list[str] | None, json: str | None, scatter: str | None
) -> None:
    """Print who runs a trace and what it takes, then who refuses and why. Raises `InvalidMapping` for options that not every chip has."""
    check_writable(json)
    check_writable(scatter, "--scatter")
    if sets:
        raise InvalidMapping("--set names a constant of one chip; with --chip all none can be set")
    from hwsim.explore.landscape import landscape, records  # noqa: PLC0415  (heavy: only once the options are parsed)
    from hwsim.readers.chip_file import chip_names  # noqa: PLC0415

    if unprefixed := [text for text in maps or () if ":" not in text.partition("=")[0]]:
        raise InvalidMapping(f"--map {unprefixed[0]}: with --chip all a mapping option names its chip, such as wse2:grid=420x420")
    names = chip_names()
    with working(f"simulating {trace} on {len(names)} chips"):
        rows = records(landscape({"trace": trace, **settings}, names, o.split_by_chip(maps, names)))
    if scatter is not None:
        from hwsim.plot.landscape import landscape_figure  # noqa: PLC0415

        landscape_figure(rows, title=trace).savefig(Path(scatter))
    if json is not None:
        write_json({"schema": "hwsim.landscape/1", "trace": trace, "options": dict(settings), "chips": rows}, json)
    if json != STDOUT:
        _print(trace, rows)


def _print(trace: str, rows: list[dict[str, Any]]) -> None:
    from hwsim.explore.landscape import refusals  # noqa: PLC0415  (loaded by now)

    screen = console()
    ran = [r for r in rows if not r["refused"]]
    shown = [(r["chip"], r["target"], r["note"], *(metric(m, r[m]) if r[m] else "not modelled" for m in HEADINGS)) for r in ran]
    headings = ("chip", "target", "as", *HEADINGS.values())
    screen.print(table(f"{trace} on {len(ran)} of {len(rows)} chips", headings, shown, left=3))
    screen.print(table("\nrefused", ("chips", "reason"), [(", ".join(chips), reason) for reason, chips in refusals(rows).items()], left=2))
