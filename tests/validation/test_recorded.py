"""Every published case runs or says why not, and the errors that reports show beside their figures are those that validation finds today."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

import hwsim
from hwsim.core.resources import shipped
from hwsim.core.target import target_names
from hwsim.readers.chip_file import chip_names
from hwsim.validate.cases import published
from hwsim.validate.score import Validation

TARGETS = sorted({file.target for file in published()})
SLOW = "block_"  # groups of whole blocks, laid out many times: minutes each, by `hwsim validate --group 'block_*'`
PATTERN = f"!{SLOW}*"
ROOT = Path(__file__).parents[2]
TABLE, README = runpy.run_path(str(ROOT / "scripts" / "accuracy_table.py")), (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_target_has_published_cases() -> None:
    assert set(TARGETS) == set(target_names()) - {"fake"}  # of another test


@pytest.mark.parametrize("target", TARGETS)
def test_cases_are_accounted_for_and_records_are_current(target: str) -> None:
    found = hwsim.validate(target=target, groups=[PATTERN])
    stated = [case.id for file in published() if file.target == target for case in file.cases if not case.group.startswith(SLOW)]
    assert [r.case.id for r in found.results] == stated
    assert all((r.got is None) == bool(r.refused) for r in found.results)
    assert sum(s.n + s.refused for s in found.groups.values()) == len(stated)
    json.dumps(found.to_dict(), allow_nan=False)
    _check_records(target, found)
    if not any(case.group.startswith(SLOW) for file in published() if file.target == target for case in file.cases):
        assert TABLE["row"](target, found) in README, f"README, {target}: run scripts/accuracy_table.py"


def _check_records(target: str, found: Validation) -> None:
    """Hold the recorded accuracy of the target's chips against today's; chips with slow cases are recorded over those as well."""
    slow = {case.chip for file in published() for case in file.cases if case.group.startswith(SLOW)}
    checked = 0
    for name in chip_names():
        path = shipped("models") / name / "accuracy.json"
        if name in slow or hwsim.load_chip(name).target != target or not path.is_file():
            continue
        recorded = json.loads(path.read_text())["metrics"]
        today = found.accuracy(name)["metrics"]
        assert recorded.keys() == today.keys()
        for metric, figures in today.items():
            assert recorded[metric] == pytest.approx(figures, rel=1e-3, abs=1e-9), f"{name} {metric}: run hwsim validate --record"
            checked += 1
    assert checked
