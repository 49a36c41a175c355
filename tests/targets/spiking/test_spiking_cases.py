"""The published figures: every case runs, and stays within its tolerance."""

from __future__ import annotations

from hwsim.validate.score import validate


def test_every_case_is_within_its_tolerance() -> None:
    found = validate("spiking")
    assert len(found.results) >= 104
    assert [(r.case.id, r.refused or r.got) for r in found.results if r.refused or not r.within] == []
