"""How commands write: consoles, tables, JSON files that are whole or absent, and progress."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from hwsim.core.errors import HwsimError
from hwsim.core.units import METRIC_UNITS, write_metric

STDOUT = "-"
WIDTH, SHORT = 120, 18


def console() -> Console:
    """Return the console of standard output: as wide as the terminal, or 120 columns without colours when there is none."""
    made = Console(highlight=False, soft_wrap=False, emoji=False, markup=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> Group:
    """Return a plain table under its title; the first `left` columns are words, which wrap, the others figures, aligned right."""
    made, lines = Table(box=None, pad_edge=False, header_style="dim"), list(rows)
    for i, column in enumerate(columns):
        words = i < left and max((len(line[i]) for line in lines), default=0) > SHORT
        made.add_column(column, justify="left" if i < left else "right", overflow="fold", no_wrap=not words)
    for line in lines:
        made.add_row(*line)
    return Group(Text(title, style="bold"), made) if title else Group(made)


def check_writable(path: str | None, option: str = "--json") -> None:
    """Refuse, before any work, a path that cannot be written (`option` names it). Raises `HwsimError`."""
    if path is None or path == STDOUT:
        return
    folder = Path(path).parent
    if not folder.is_dir():
        raise HwsimError(f"{option} {path}: there is no folder '{folder}'")
    if Path(path).is_dir():
        raise HwsimError(f"{option} {path}: is a folder")
    if not os.access(folder, os.W_OK):
        raise HwsimError(f"{option} {path}: the folder '{folder}' cannot be written")


def write_json(data: Any, path: str) -> None:
    """Write `data` to a file, whole or not at all (a temporary file is renamed), or to stdout for ``-``. Raises `HwsimError`."""
    text = json.dumps(data, indent=2, allow_nan=False, default=_plain)
    if path == STDOUT:
        typer.echo(text)
        return
    target = Path(path)
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text + "\n")
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as bad:
        raise HwsimError(f"--json {path}: {bad.strerror or bad}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _plain(value: Any) -> Any:
    """Turn numpy scalars and mappings into what JSON knows."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr that work is going on (only on a terminal)."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    with screen.status(what):
        yield


@contextmanager
def counting(what: str) -> Iterator[Any]:
    """Yield ``progress(done, total)``, shown on stderr as a bar (only on a terminal)."""
    screen = Console(stderr=True)
    if not screen.is_terminal:
        yield lambda done, total: None
        return
    from rich.progress import Progress  # noqa: PLC0415  (only when a bar is shown)

    with Progress(console=screen, transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def share(value: float | None) -> str:
    """Write a fraction as a percentage; nothing for None.

    >>> share(0.0312)
    '3.1 %'
    """
    if value is None:
        return "-"
    return f"{value * 100:.1f} %".replace("-0.0 %", "0.0 %") if abs(value) < 10 else f"{value * 100:,.0f} %"


def plain_value(value: Any) -> str:
    """Write a mapping option or a constant as it could be typed."""
    if isinstance(value, tuple | list):
        numbers = all(isinstance(v, int) and not isinstance(v, bool) for v in value)
        return "x".join(str(v) for v in value) if numbers and len(value) > 1 else "[" + ", ".join(plain_value(v) for v in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def metric(name: str, value: float) -> str:
    """Write one metric under a heading that names it: a unit only where the heading has none."""
    if name.startswith("tops"):
        return f"{value:,.4g} {METRIC_UNITS[name]}"
    if METRIC_UNITS.get(name) in ("cycles", "tokens/s", "inferences/s", "MAC"):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return write_metric(name, value)
