"""Request traces in files.

The format is CSV (UTF-8, with or without a byte-order mark) with a header and one request per line, in the order of arrival::

    # lines that begin with '#' and empty lines are left alone, and so are further columns
    arrival_s,prompt_tokens,generated_tokens
    0.0,374,44
    0.31,396,109

`arrival_s` is a time in seconds, 0 or more; `prompt_tokens` and `generated_tokens` are whole numbers, 1 or more. Columns may stand in any order.
Headers of public traces are known too (`LAYOUTS`): Azure's inference traces (`TIMESTAMP`, a date and time; `ContextTokens`, `GeneratedTokens`),
BurstGPT (`Timestamp`, `Request tokens`, `Response tokens`), Vidur (`arrived_at`, `num_prefill_tokens`, `num_decode_tokens`) and splitwise-sim
(`arrival_timestamp`, `prompt_size`, `token_size`). Dates count from the first request.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from hwsim.core.errors import InvalidTrace, Location, nearest
from hwsim.readers.yaml_file import read_text
from hwsim.serve.requests import MOST_TOKENS, Requests

__all__ = ["read_requests", "write_requests"]

COLUMNS = ("arrival_s", "prompt_tokens", "generated_tokens")
LAYOUTS = (
    COLUMNS,
    ("TIMESTAMP", "ContextTokens", "GeneratedTokens"),
    ("Timestamp", "Request tokens", "Response tokens"),
    ("arrived_at", "num_prefill_tokens", "num_decode_tokens"),
    ("arrival_timestamp", "prompt_size", "token_size"),
)


def read_requests(path: str | Path) -> Requests:
    """Read a request trace (the module says how it looks). Raises `InvalidTrace` with file, line and column.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "requests.csv"
    ...     size = path.write_text("arrival_s,prompt_tokens,generated_tokens" + chr(10) + "0.5,100,20" + chr(10))
    ...     len(read_requests(path))
    1
    """
    file = Path(path)
    if not file.is_file():
        raise InvalidTrace(f"there is no request file '{file}'")
    text = read_text(file, InvalidTrace).removeprefix("\ufeff")
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise InvalidTrace(f"no header; the first line names the columns {', '.join(COLUMNS)}", location=Location(file.name))
    rows: list[list[str]] = []
    for number, line in lines:
        try:
            rows += csv.reader([line.rstrip("\r")], strict=True)
        except csv.Error as bad:
            raise InvalidTrace(f"no line of CSV: {bad}", location=Location(file.name, number)) from None
    if len(rows) == 1:
        raise InvalidTrace("no request under the header", location=Location(file.name, lines[0][0]))
    columns = _layout([name.strip() for name in rows[0]], Location(file.name, lines[0][0]))
    header = [name.strip() for name in rows[0]]
    where = [header.index(name) for name in columns]
    found = [_row(row, columns, where, len(header), Location(file.name, lines[i][0])) for i, row in enumerate(rows[1:], start=1)]
    for i, (before, after) in enumerate(pairwise(found), start=2):
        if after[0] < before[0]:
            place = Location(file.name, lines[i][0], columns[0])
            raise InvalidTrace(f"arrives {before[0] - after[0]:g} s before the request above; sort the file by arrival", location=place)
    arrivals, prompts, generated = zip(*found, strict=True)
    times = np.array(arrivals, dtype=np.float64)
    if columns[0] == "TIMESTAMP":
        times -= times[0]
    return Requests(times, np.array(prompts, dtype=np.int64), np.array(generated, dtype=np.int64))


def _layout(header: Sequence[str], place: Location) -> tuple[str, str, str]:
    """The columns of the layout that a header has. Raises `InvalidTrace` for a missing or repeated one."""
    columns = max(LAYOUTS, key=lambda names: sum(name in header for name in names))
    for name in columns:
        if name not in header:
            raise InvalidTrace(f"no column '{name}'{nearest(name, header)}; the header has {', '.join(header)}", location=place)
        if header.count(name) > 1:
            raise InvalidTrace(f"column '{name}' stands twice in the header", location=place)
    return columns


def _row(row: Sequence[str], columns: Sequence[str], where: Sequence[int], width: int, place: Location) -> tuple[float, int, int]:
    if len(row) != width:
        raise InvalidTrace(f"{len(row)} values under {width} columns", location=place)
    values: list[float] = []
    for column, index in zip(columns, where, strict=True):
        time = column == columns[0]
        value = _time(row[index]) if time else _number(row[index])
        least = 0.0 if time else 1.0
        if not math.isfinite(value) or value < least or (not time and (value != int(value) or value > MOST_TOKENS)):
            kind = "a time in seconds" if time else f"a whole number in 1..{MOST_TOKENS}"
            raise InvalidTrace(f"'{row[index].strip()}' is not {kind}", location=Location(place.file, place.line, column))
        values.append(value)
    return values[0], int(values[1]), int(values[2])


def _number(text: str) -> float:
    """The number that a text writes, NaN for none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _time(text: str) -> float:
    """Seconds: a number, or a date and time (taken as UTC where no zone is named); NaN for neither."""
    value = _number(text)
    if not math.isnan(value) or text.strip().lower() == "nan":
        return value
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        return math.nan
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def write_requests(requests: Requests, path: str | Path) -> Path:
    """Write a stream in the form that `read_requests` reads; arrivals to the last bit. Returns the path.

    >>> from tempfile import TemporaryDirectory
    >>> from hwsim.serve.requests import synthetic
    >>> with TemporaryDirectory() as folder:
    ...     len(read_requests(write_requests(synthetic(5, 1.0, 100, 10), f"{folder}/requests.csv")))
    5
    """
    lines = zip(requests.arrival_s.tolist(), requests.prompt_tokens.tolist(), requests.generated_tokens.tolist(), strict=True)
    Path(path).write_text("\n".join((",".join(COLUMNS), *(f"{a!r},{p},{g}" for a, p, g in lines))) + "\n", encoding="utf-8")
    return Path(path)
