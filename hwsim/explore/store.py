"""The folder of a sweep: ``manifest.json``, ``space.yaml`` and one Parquet shard per chunk of points, each file whole or absent.

A shard holds one row per point: ``point``, ``trace``, ``chip``, the parameters, the metrics (null where there is none), ``status``, ``reason``.
Its bytes depend on the space alone, so that a sweep that was killed and resumed equals one that was not.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from hwsim import __version__
from hwsim.core.errors import HwsimError, Location
from hwsim.explore.column import Choice, Codes, written
from hwsim.explore.evaluate import STATUSES, Results
from hwsim.explore.space import Space

__all__ = ["SweepResults", "load_results"]

SCHEMA = "hwsim.sweep/1"
MANIFEST, SPACE, SHARDS, LOCK = "manifest.json", "space.yaml", "shards", ".lock"
TEMPORARY = ".tmp"
MAGIC = b"PAR1"
FORMAT = "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1000"


class StoreError(HwsimError):
    """A results folder cannot be read or written, or holds another space's results."""


@dataclass(frozen=True)
class Store:
    """The results folder of one space: which chunks of `chunk` points are finished, and how one is written."""

    folder: Path
    points: int
    chunk: int

    @property
    def chunks(self) -> int:
        """Number of chunks, finished or not."""
        return -(-self.points // self.chunk)

    def shard(self, number: int) -> Path:
        """The file of one chunk."""
        return self.folder / SHARDS / f"part-{number:06d}.parquet"

    def bounds(self, number: int) -> tuple[int, int]:
        """First point of a chunk, and the one after its last."""
        return number * self.chunk, min((number + 1) * self.chunk, self.points)

    def finished(self) -> set[int]:
        """Numbers of the chunks that are there, whole."""
        return {n for n in range(self.chunks) if _whole(self.shard(n))}

    def write(self, number: int, shard: bytes) -> None:
        """Write the shard of one chunk, whole or not at all. Raises `StoreError`."""
        write_whole(self.shard(number), shard)


def open_store(folder: str | Path, space: Space, chunk: int) -> Store:
    """Return the store of `space` in `folder`: a new one with chunks of `chunk` points, or the one that is there, to be resumed.

    Raises `StoreError` when the folder holds results of another space, or other files, or cannot be written.
    """
    where = Path(folder)
    with _reported(where):
        (where / SHARDS).mkdir(parents=True, exist_ok=True)
        for left in (*where.glob(f".*{TEMPORARY}"), *(where / SHARDS).glob(f".*{TEMPORARY}")):
            left.unlink(missing_ok=True)
    if (where / MANIFEST).exists():
        found = read_manifest(where)
        if found.get("key") != space.key:
            raise StoreError(f"holds the results of another space (key {found.get('key')}, hwsim {found.get('versions', {}).get('hwsim')}; "
                             f"this one has key {space.key}, hwsim {__version__}): choose another folder", location=Location(str(where)))  # fmt: skip
        store = Store(where, int(found["points"]), int(found["chunk"]))
    else:
        if foreign := sorted([p.name for p in where.iterdir() if p.name not in (SPACE, SHARDS, LOCK)] + [p.name for p in (where / SHARDS).iterdir()]):
            raise StoreError(f"holds files that are no sweep's ({foreign[0]}): choose an empty folder", location=Location(str(where)))
        store = Store(where, len(space), chunk)
        write_whole(where / SPACE, space.text.encode())
        write_whole(where / MANIFEST, (json.dumps(manifest(space, chunk), indent=2) + "\n").encode())
    return store


def manifest(space: Space, chunk: int) -> dict[str, Any]:
    """What ``manifest.json`` states: schema, key, versions, size, and the columns of the shards."""
    constants = space.chips[0].params
    return {
        "schema": SCHEMA, "key": space.key, "versions": {"hwsim": __version__, "numpy": np.__version__, "duckdb": duckdb.__version__,
                                                         "python": platform.python_version()},
        "points": len(space), "chunk": chunk, "fidelity": space.fidelity, "traces": list(space.trace_names),
        "chips": {c.name: c.key for c in space.chips}, "parameters": {n: constants[n].unit if n in constants else "" for n in space.parameters},
        "metrics": list(space.metrics),
    }  # fmt: skip


@contextlib.contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """Hold the results folder for one sweep at a time; a killed one lets go. Raises `StoreError` when another sweep writes there."""
    where = Path(folder)
    with _reported(where):
        where.mkdir(parents=True, exist_ok=True)
        handle = (where / LOCK).open("w")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError("another sweep is writing here", location=Location(str(where))) from None
        yield


def shard_bytes(space: Space, found: Results, start: int) -> bytes:
    """Return evaluated points as one Parquet file; `start` is the number of the first. The same points give the same bytes. O(points)."""
    data: dict[str, NDArray[Any]] = {"point": np.arange(start, start + len(found), dtype=np.int64)}
    selected = ['"point"']

    def text(name: str, words: list[Any], codes: Codes) -> None:
        if len(codes) and (codes == codes[0]).all():
            word = words[int(codes[0])]
            selected.append(f"{'NULL' if word is None else _quoted(str(word))}::VARCHAR AS {_name(name)}")
            return
        data[name] = codes
        listed = ", ".join("NULL" if w is None else _quoted(str(w)) for w in words)
        selected.append(f"list_extract([{listed}]::VARCHAR[], {_name(name)} + 1) AS {_name(name)}")

    def figures(name: str, values: NDArray[np.float64]) -> None:
        data[name] = values = np.ascontiguousarray(values)
        empty = np.isnan(values).any()
        selected.append(f"CASE WHEN isnan({_name(name)}) THEN NULL ELSE {_name(name)} END AS {_name(name)}" if empty else _name(name))

    text("trace", list(space.trace_names), found.batch.trace)
    text("chip", [c.name for c in space.chips], found.batch.chip)
    for name, column in found.parameters.items():
        if isinstance(column, Choice):
            _choice(space, name, column, text, figures, data, selected)
        else:
            figures(name, column)
    for name in space.metrics:
        figures(name, found.metrics[name])
    text("status", list(STATUSES), found.status)
    text("reason", list(found.reasons), found.reason)
    return _parquet(data, ", ".join(selected))


def _choice(space: Space, name: str, column: Choice, text: Any, figures: Any, data: dict[str, NDArray[Any]], selected: list[str]) -> None:
    """One column of choices: whole numbers, numbers or words, as the axis (not this chunk) says."""
    axis = space.axis(name)
    if axis.numbers is None:
        text(name, [written(v) for v in column.values], column.codes)
    elif axis.continuous or any(isinstance(v, float) for v in axis.values):
        figures(name, column.numbers())
    else:
        data[name] = np.array(column.values, dtype=np.int64)[column.codes]
        selected.append(_name(name))


def _parquet(data: Mapping[str, NDArray[Any]], selected: str) -> bytes:
    """Have duckdb write columns as a Parquet file, on one thread, so that the bytes are always the same."""
    with tempfile.TemporaryDirectory(prefix="hwsim-") as folder:
        path = Path(folder) / "shard.parquet"
        try:
            with _database().cursor() as connection:
                connection.register("points", dict(data))
                connection.execute(f"COPY (SELECT {selected} FROM points) TO '{path}' ({FORMAT})")
                connection.unregister("points")
            return path.read_bytes()
        except (duckdb.IOException, OSError) as bad:
            raise StoreError(f"cannot be written: {bad}", location=Location(folder)) from None


@lru_cache(maxsize=1)
def _database() -> duckdb.DuckDBPyConnection:
    """An empty database, kept: to open one takes as long as to write thirty thousand rows."""
    return duckdb.connect(":memory:", config={"threads": 1})


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then rename it. Raises `StoreError`; nothing half written stays."""
    temporary = path.parent / f".{path.name}.{os.getpid()}{TEMPORARY}"
    with _reported(path):
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as bad:
        raise StoreError(f"cannot be written: {bad.strerror or bad}", location=Location(str(path))) from None


def _whole(path: Path) -> bool:
    """True for a Parquet file with its head and its tail."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(-4, os.SEEK_END)
            return head == MAGIC and file.read(4) == MAGIC
    except OSError:
        return False


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """Return ``manifest.json`` of a results folder. Raises `StoreError` when there is none, or it is not one of ours."""
    path = Path(folder) / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError("is no results folder of a sweep (it has no manifest.json)", location=Location(str(folder))) from None
    except OSError as bad:
        raise StoreError(f"cannot be read: {bad.strerror}", location=Location(str(path))) from None
    except ValueError:
        raise StoreError("is not JSON", location=Location(str(path))) from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise StoreError(f"is not a manifest of schema {SCHEMA}", location=Location(str(path)))
    return found


@dataclass(frozen=True)
class SweepResults:
    """The results of a sweep, finished or not: its `manifest` and the rows that there are, in the order of the points."""

    folder: Path
    manifest: Mapping[str, Any]
    shards: tuple[Path, ...]

    @property
    def complete(self) -> bool:
        """True when every chunk is there."""
        return len(self.shards) == -(-int(self.manifest["points"]) // int(self.manifest["chunk"]))

    @cached_property
    def relation(self) -> duckdb.DuckDBPyRelation:
        """The rows as a duckdb relation, for SQL: ``results.relation.filter("status = 'ok'")``."""
        return duckdb.connect(":memory:").read_parquet([str(p) for p in self.shards])

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The rows as numpy columns; figures that are missing are NaN."""
        found: dict[str, NDArray[Any]] = {}
        for name, values in self.relation.fetchnumpy().items():
            if isinstance(values, np.ma.MaskedArray):
                nothing: Any = np.nan if values.dtype.kind == "f" else None
                values = np.where(np.ma.getmaskarray(values), nothing, values.data)
            found[name] = np.asarray(values)
        return found


def load_results(folder: str | Path) -> SweepResults:
    """Return the results in a folder. O(1): rows are read when asked for. Raises `StoreError` when it holds no results.

    >>> load_results("nowhere")
    Traceback (most recent call last):
        ...
    hwsim.explore.store.StoreError: ...
    >>> results = load_results("results")                                                                     # doctest: +SKIP
    >>> results.relation.aggregate("min(latency_s)").fetchall()                                               # doctest: +SKIP
    """
    stated = read_manifest(folder)
    store = Store(Path(folder), int(stated["points"]), int(stated["chunk"]))
    shards = tuple(store.shard(n) for n in sorted(store.finished()))
    if not shards:
        raise StoreError("holds no finished chunk of its sweep yet: run it again", location=Location(str(folder)))
    return SweepResults(store.folder, stated, shards)
