"""What the published cases of a target are held to: each runs, and its groups keep the error that they had."""

from __future__ import annotations

from hwsim.validate.score import Validation


def check_all_run(found: Validation, least: int) -> None:
    assert len(found.results) >= least
    assert [(r.case.id, r.refused) for r in found.results if r.refused] == []


def check_mean_error(found: Validation, group: str, role: str, limit: float) -> None:
    """Hold the mean absolute error of one group and role; all its errors are printed when it does not hold."""
    rows = [r for r in found.results if (r.case.group, r.case.role) == (group, role)]
    assert rows
    errors = "\n".join(f"{r.case.id}: published {r.case.value:.6g}, model {r.got:.6g}, error {r.error or 0:+.1%}" for r in rows)
    assert sum(abs(r.error or 0) for r in rows) / len(rows) <= limit, errors
