"""The errors that reports show beside their figures are those that validation finds today."""

from __future__ import annotations

import json

import pytest

import hwsim
from hwsim.core.resources import shipped
from hwsim.readers.chip_file import chip_names


@pytest.mark.parametrize("target", ["cluster", "crossbar", "fpga", "gpu", "manycore", "spiking", "wafer_mesh"])
def test_recorded_accuracy_is_current(target: str) -> None:
    found = hwsim.validate(target=target)
    checked = 0
    for name in chip_names():
        path = shipped("models") / name / "accuracy.json"
        if hwsim.load_chip(name).target != target or not path.is_file():
            continue
        recorded = json.loads(path.read_text())["metrics"]
        today = found.accuracy(name)["metrics"]
        assert recorded.keys() == today.keys()
        for metric, figures in today.items():
            assert recorded[metric] == pytest.approx(figures, rel=1e-3, abs=1e-9), f"{name} {metric}: run hwsim validate --record"
            checked += 1
    assert checked
