"""Stored results (tests/golden/NAME.yaml) that a drift is measured against; `pytest --force-regen` writes them anew."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op

METRICS = ("cycles", "latency_s", "energy_j", "area_mm2")
RTOL = 1e-6


def figures(workload: dict[str, Any], silicon: Chip, mapping: dict[str, Any]) -> dict[str, float]:
    """`METRICS` of an operator (key ``op``) or a trace (key ``trace``) on a chip."""
    rest = {k: v for k, v in workload.items() if k not in ("op", "trace")}
    graph = single_op(workload["op"], **rest) if "op" in workload else hwsim.load_graph(workload["trace"], **rest)
    report = hwsim.simulate(graph, silicon, mapping, interval=False)
    return {metric: float(report.metric(metric)) for metric in METRICS}


def stored(file: str) -> dict[str, dict[str, float]]:
    """All results of one file."""
    path = Path(__file__).parent / "golden" / file
    return YAML(typ="safe").load(path.read_text()) if path.is_file() else {}


def hold(file: str, name: str, found: dict[str, float], names: Collection[str], request: pytest.FixtureRequest) -> None:
    """Hold `found` against the stored result called `name`, or store it; results that are not in `names` are dropped then."""
    if not request.config.getoption("force_regen", default=False):
        assert found == pytest.approx(stored(file)[name], rel=RTOL)
        return
    kept = {**stored(file), name: {metric: float(f"{value:.9g}") for metric, value in found.items()}}
    path = Path(__file__).parent / "golden" / file
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as out:
        YAML().dump({key: kept[key] for key in names if key in kept}, out)
