"""The shipped case files: each holds its own chip's cases."""

from __future__ import annotations

import pytest

from hwsim.core.resources import shipped
from hwsim.validate.cases import published

CHIPS = sorted(p.parent.name for p in shipped("models").glob("*/published.yaml"))


@pytest.mark.parametrize("chip", CHIPS)
def test_published_cases_are_of_their_own_chip(chip: str) -> None:
    file = next(f for f in published() if f.path.parent.name == chip)
    assert {case.chip for case in file.cases} == {chip}
