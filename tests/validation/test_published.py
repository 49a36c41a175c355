"""The shipped cases: all are read, none is dropped, and each either has a figure or says why not."""

from __future__ import annotations

import json

import pytest

from hwsim.core.resources import shipped
from hwsim.validate.cases import published
from hwsim.validate.score import validate

CHIPS = sorted(p.parent.name for p in shipped("models").glob("*/published.yaml"))


@pytest.mark.skipif(not CHIPS, reason="no published cases are here")
def test_every_published_case_is_accounted_for() -> None:
    stated = [(file.target, case.id) for file in published() for case in file.cases]
    found = validate()
    assert [(r.target, r.case.id) for r in found.results] == stated
    for result in found.results:
        assert (result.got is None) == bool(result.refused)
    assert sum(s.n + s.refused for s in found.groups.values()) == len(stated)
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("chip", CHIPS)
def test_published_cases_are_of_their_own_chip(chip: str) -> None:
    file = next(f for f in published() if f.path.parent.name == chip)
    assert {case.chip for case in file.cases} == {chip}
