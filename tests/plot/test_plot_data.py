"""What pictures are drawn from: reading reports, sweeps and the rest, and refusing what is none of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plot_helpers import columns

from hwsim.core.errors import HwsimError
from hwsim.plot import data


def test_a_sweep_folder_gives_parameters_metrics_and_status(sweep: Path) -> None:
    points = data.read_sweep(sweep)
    assert points.parameters == ("clock_hz", "mapping.grid", "trace.context", "chip")
    assert points.metrics == ("latency_s", "energy_j", "tokens_per_s")
    assert points.varied == ("clock_hz", "mapping.grid", "trace.context")
    assert points.ok.sum() == 48 and len(points.status) == 64
    assert np.isnan(points.columns["latency_s"][~points.ok]).all()
    assert points.sensitivity is not None and points.sensitivity["metric"] == "latency_s"
    made = columns()
    order = np.lexsort((points.columns["trace.context"], points.columns["mapping.grid"].astype(str), points.columns["clock_hz"]))
    other = np.lexsort((made["trace.context"], made["mapping.grid"].astype(str), made["clock_hz"]))
    np.testing.assert_array_equal(points.columns["latency_s"][order], made["latency_s"][other])


def test_report_record_file_and_object_give_one_view(simulated: Callable[..., Any], tmp_path: Path) -> None:
    report = simulated(interval=False)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(report.to_dict()))
    read, made = data.view(path), data.view(report)
    assert read.record == json.loads(json.dumps(made.record)) and read.name == made.name == "net on toy"
    assert read.constants["macs_per_cycle"] == made.constants["macs_per_cycle"] == (100.0, "MAC/cycle")
    assert data.view(read) is read


def test_operators_state_macs_bytes_and_roofline(simulated: Callable[..., Any]) -> None:
    report = simulated(interval=False)
    rows = report.table()
    assert sum(r["macs"] for r in rows) == report.macs
    assert sum(r["bytes"]["link"] for r in rows) == pytest.approx(report.cost.bytes_by_level()["link"])
    assert all(r["roofline_cycles"] == pytest.approx(r["macs"] / 100) for r in rows)


def test_kinds_are_told_apart(simulated: Callable[..., Any], sweep: Path, tmp_path: Path) -> None:
    found = {"report": simulated(interval=False).to_dict(), "trace": {"traceEvents": []}, "comparison": {"schema": "hwsim.comparison/1"},
             "sensitivity": {"schema": "hwsim.sensitivity/1"}}  # fmt: skip
    for kind, record in found.items():
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(record))
        assert data.kind_of(path) == kind
    assert data.kind_of(sweep) == "sweep"
    for shard in sweep.glob("shards/*"):
        shard.unlink()
    assert data.kind_of(sweep) == "sensitivity"


def test_what_is_nothing_of_hwsims_is_refused(tmp_path: Path) -> None:
    for name, text in (("a.json", "{"), ("b.json", "[1]"), ("c.json", '{"schema": "other"}')):
        (tmp_path / name).write_text(text)
        with pytest.raises(HwsimError, match="is no"):
            data.kind_of(tmp_path / name)
    with pytest.raises(HwsimError, match="cannot be read"):
        data.read_json(tmp_path / "none.json")
    with pytest.raises(HwsimError, match="no sweep results"):
        data.kind_of(tmp_path)
    with pytest.raises(HwsimError, match="no sweep results"):
        data.read_sweep(tmp_path)
    with pytest.raises(HwsimError, match="no report"):
        data.view({"schema": "other"})
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "0.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(HwsimError, match="cannot be read"):
        data.read_sweep(tmp_path)


def test_tables_of_unequal_columns_are_refused() -> None:
    with pytest.raises(HwsimError, match="one length"):
        data.points_of({"a": np.ones(2), "b": np.ones(3)})
    with pytest.raises(HwsimError, match="needs rows"):
        data.points_of({"a": np.ones(0)})
