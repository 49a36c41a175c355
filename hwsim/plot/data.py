"""What pictures are drawn from: reports (objects or their JSON), comparisons, sweep folders, sensitivity results and Chrome traces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError
from hwsim.core.param import Param
from hwsim.core.report import SCHEMA, Report

STATUSES = ("ok", "infeasible", "constraint", "error")
NOTES = ("status", "reason", "point", "point_id", "index", "key", "id")
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """One task of a timeline: operator `name` and its `label`, the mechanism, the resource, start and length in seconds."""

    name: str
    label: str
    mechanism: str
    resource: str
    start_s: float
    length_s: float


@dataclass(frozen=True)
class ReportView:
    """A report as pictures need it: its JSON record, the chip's constants as (value, unit), and its timeline where the engine kept one."""

    record: Record
    constants: Mapping[str, tuple[Any, str]]
    spans: tuple[Span, ...] = ()

    @property
    def name(self) -> str:
        """What ran on what."""
        phase = self.record.get("options", {}).get("trace", {}).get("phase", "")
        return f"{self.record['trace']}{' ' + phase if phase else ''} on {self.record['chip']}"


@dataclass(frozen=True)
class Points:
    """A sweep: all columns by name, which of them are parameters and metrics, and each row's status and reason.

    Parameters are the columns before the first metric that hwsim knows; columns that hold neither are left out. `ok` marks the feasible rows.
    """

    columns: Mapping[str, NDArray[Any]]
    parameters: tuple[str, ...]
    metrics: tuple[str, ...]
    status: NDArray[Any]
    reason: NDArray[Any]
    space: str = ""
    sensitivity: Record | None = field(default=None)

    @property
    def ok(self) -> NDArray[np.bool_]:
        """Rows that are feasible and were computed."""
        return np.asarray(self.status == "ok")

    @property
    def varied(self) -> tuple[str, ...]:
        """Parameters with more than one value."""
        return tuple(n for n in self.parameters if several(self.columns[n]))


def several(values: NDArray[Any]) -> bool:
    """Tell whether a column has more than one value. O(n)."""
    return len(set(values.tolist())) > 1


def view(report: Report | ReportView | Record | str | Path) -> ReportView:
    """Return what pictures need of a report: the object itself, its ``hwsim.report/1`` record, or a file that holds that.

    Raises `HwsimError` for anything else.
    """
    if isinstance(report, ReportView):
        return report
    if isinstance(report, Report):
        constants = {name: _constant(param) for name, param in report.cost.program.chip.params.items()}
        return ReportView(report.to_dict(), constants, spans_of(report))
    if isinstance(report, str | Path):
        return view(read_json(report))
    if report.get("schema") != SCHEMA:
        raise HwsimError(f"this is no report: its schema is {report.get('schema')!r}, not {SCHEMA!r}")
    return ReportView(report, constants_of(report))


def constants_of(record: Record) -> dict[str, tuple[Any, str]]:
    """Return the constants behind a record: those that it lists, and the shipped chip's others where the listed ones equal that chip's."""
    from hwsim.readers.chip_file import chip_names, load_chip  # noqa: PLC0415  (heavy: only when a record is read)

    listed: dict[str, tuple[Any, str]] = {s["name"]: (s["value"], s["unit"]) for s in record.get("sources", ())}
    if record["chip"] not in chip_names():
        return listed
    shipped = {name: _constant(param) for name, param in load_chip(record["chip"]).params.items()}
    same = all(name in shipped and np.array_equal(shipped[name][0], value) for name, (value, _) in listed.items())
    return {**shipped, **listed} if same else listed


def _constant(param: Param) -> tuple[Any, str]:
    return param.value, param.unit


def spans_of(report: Report) -> tuple[Span, ...]:
    """Return the tasks of an event-fidelity report in program order; empty for an analytic one."""
    cost, program = report.cost, report.cost.program
    if not cost.schedule.start.size:
        return ()
    second, ops, slots = 1.0 / program.clock_hz, program.graph.ops, program.slots
    timed = zip(program.tasks(cost.values), cost.schedule.start.tolist(), cost.schedule.end.tolist(), strict=True)
    return tuple(
        Span(ops[t.op].name, ops[t.op].label, slots[t.slot].name, t.resource, start * second, (end - start) * second) for t, start, end in timed
    )


def read_json(path: str | Path) -> Any:
    """Read a JSON file. Raises `HwsimError` when there is none or it is damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as bad:
        raise HwsimError(f"{path}: cannot be read: {bad.strerror or bad}") from None
    except ValueError as bad:
        raise HwsimError(f"{path}: is no JSON: {bad}") from None


def read_sweep(folder: str | Path) -> Points:
    """Read a sweep's result folder: ``shards/*.parquet``, and ``sensitivity.json`` where there is one. Raises `HwsimError`."""
    import duckdb  # noqa: PLC0415  (only when a sweep is read)

    shards = sorted(Path(folder).glob("shards/*.parquet"))
    if not shards:
        raise HwsimError(f"{folder}: holds no sweep results (there is no shards/*.parquet)")
    try:
        with duckdb.connect() as connection:
            table = connection.execute("select * from read_parquet(?, union_by_name = true)", [[str(s) for s in shards]])
            types = {d[0]: str(d[1]) for d in table.description or ()}
            columns = {name: _array(found, types[name]) for name, found in table.fetchnumpy().items()}
    except duckdb.Error as bad:
        raise HwsimError(f"{folder}: the shards cannot be read: {str(bad).splitlines()[0]}") from None
    extra = Path(folder) / "sensitivity.json"
    return points_of(columns, str(folder), read_json(extra) if extra.is_file() else None)


def _array(found: Any, kind: str) -> NDArray[Any]:
    """Turn a fetched column, perhaps masked, into floats with NaN or objects with None."""
    if kind == "VARCHAR" or found.dtype == object or found.dtype.kind in "US":
        texts: NDArray[Any] = np.ma.getdata(found).astype(object)
        texts[np.ma.getmaskarray(found)] = None
        return texts
    if found.dtype.kind == "b":
        return np.asarray(np.ma.filled(found, False))
    return np.asarray(np.ma.filled(found.astype(float), np.nan))


def points_of(columns: Mapping[str, Any], space: str = "", sensitivity: Record | None = None) -> Points:
    """Sort the columns of a sweep table into parameters and metrics. Raises `HwsimError` for columns of unequal length or no rows."""
    made = {name: np.asarray(values) for name, values in columns.items()}
    lengths = {len(v) for v in made.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise HwsimError(f"{space or 'sweep'}: a table needs rows, and columns of one length")
    rows = lengths.pop()
    status = made.get("status", np.full(rows, "ok", dtype=object))
    reason = made.get("reason", np.full(rows, "", dtype=object))
    known = [n for n in made if n in metric_names() or n.startswith("metric.")]
    first = list(made).index(known[0]) if known else len(made)
    parameters = [n for i, n in enumerate(made) if n not in NOTES and n not in known and (i < first or "." in n)]
    others = [n for i, n in enumerate(made) if n not in NOTES and n not in parameters and made[n].dtype.kind in "fiu"]
    return Points(made, tuple(parameters), tuple(others), status, reason, space, sensitivity)


def metric_names() -> frozenset[str]:
    """Names of the metrics that every report can have."""
    from hwsim.core.units import METRIC_UNITS  # noqa: PLC0415

    return frozenset(METRIC_UNITS) | {"macs"}


def kind_of(path: str | Path) -> str:
    """Tell what a path holds: sweep, report, comparison, sensitivity or trace (a Chrome trace). Raises `HwsimError`."""
    if Path(path).is_dir():
        if any(Path(path).glob("shards/*.parquet")):
            return "sweep"
        if (Path(path) / "sensitivity.json").is_file():
            return "sensitivity"
        raise HwsimError(f"{path}: holds no sweep results (neither shards/*.parquet nor sensitivity.json)")
    record = read_json(path)
    if isinstance(record, dict):
        if "traceEvents" in record:
            return "trace"
        schema = str(record.get("schema"))
        if schema in ("hwsim.report/1", "hwsim.comparison/1", "hwsim.sensitivity/1"):
            return schema.removeprefix("hwsim.").removesuffix("/1")
    raise HwsimError(f"{path}: is no report, comparison, sensitivity result or timeline of hwsim")


def select(columns: Mapping[str, Any], rows: NDArray[np.bool_] | Sequence[int]) -> dict[str, NDArray[Any]]:
    """Return the given rows of every column."""
    return {name: np.asarray(values)[rows] for name, values in columns.items()}
