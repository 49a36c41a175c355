"""Claims whose figure is a validation case already: the case states workload, value, tolerance, role and source."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from hwsim.claims.claim import Claim
from hwsim.core.errors import InvalidCase, nearest
from hwsim.validate.cases import Case, published
from hwsim.validate.run import Runner

_RUNNER = Runner()


@lru_cache(maxsize=1)
def _cases() -> Mapping[str, tuple[Case, Path]]:
    """Every shipped case by its id, with the folder of its file."""
    return {case.id: (case, Path(file.path).parent) for file in published() for case in file.cases}


def of_cases(paper: str, figures: Mapping[str, tuple[str, str, str]]) -> list[Claim]:
    """Run cases as claims of `paper`; `figures` gives by case id what it is, its unit, and which assumption carries it.

    Raises `InvalidCase` for an unknown id, and what running a case raises.
    """
    found = []
    for name, (what, unit, carries) in figures.items():
        if name not in _cases():
            raise InvalidCase(f"no case '{name}'{nearest(name, _cases())}")
        case, folder = _cases()[name]
        role = "fitted" if case.role == "calibrate" else "predicted"
        got = _RUNNER.got(case, folder)
        found.append(Claim(paper, what, case.value, got, unit, carries, case.source, case.tolerance, role=role))  # type: ignore[arg-type]
    return found
