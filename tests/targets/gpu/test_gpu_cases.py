"""The published figures: every case runs, and the groups keep the error that they had (all its errors are printed when it does not)."""

from __future__ import annotations

import pytest

from hwsim.validate.score import Validation, validate

LIMITS = {  # group, role: mean absolute error
    ("gemm_fp16", "calibrate"): 0.04, ("gemm_best", "calibrate"): 0.07, ("vector_op", "calibrate"): 0.08, ("allreduce", "calibrate"): 0.1,
    ("launch", "calibrate"): 0.01, ("measured_gemm", "calibrate"): 0.06, ("measured_gemm", "predict"): 0.06,
    ("measured_vector_op", "calibrate"): 0.15, ("measured_vector_op", "predict"): 0.16,
}  # fmt: skip
DECODE = ("a100x1-llama3-8b-decode", "a100x8-llama3-8b-decode", "a100x16-llama3-8b-decode", "a100x1-llama3-8b-prefill")


@pytest.fixture(scope="module")
def found() -> Validation:
    return validate("gpu")


def test_every_case_of_the_a100_runs(found: Validation) -> None:
    assert [(r.case.id, r.refused) for r in found.results if r.refused and r.case.chip == "a100"] == []


@pytest.mark.parametrize(("group", "role"), LIMITS)
def test_groups_keep_their_error(found: Validation, group: str, role: str) -> None:
    rows = [r for r in found.results if (r.case.group, r.case.role, r.case.chip) == (group, role, "a100")]
    assert rows
    errors = "\n".join(f"{r.case.id}: published {r.case.value:.6g}, model {r.got:.6g}, error {r.error or 0:+.1%}" for r in rows)
    assert sum(abs(r.error or 0) for r in rows) / len(rows) <= LIMITS[group, role], errors


@pytest.mark.parametrize("name", DECODE)
def test_serving_is_predicted_within_its_tolerance(found: Validation, name: str) -> None:
    row = next(r for r in found.results if r.case.id == name)
    assert row.within, f"published {row.case.value}, model {row.got}"
