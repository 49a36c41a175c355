"""The published figures: every case runs, and the groups keep the error that they had (all its errors are printed when it does not)."""

from __future__ import annotations

import pytest
from groups import check_all_run, check_mean_error

from hwsim.validate.score import Validation, validate

LIMITS = {  # group, role: mean absolute error over all chips
    ("gemm_fp16", "calibrate"): 0.04, ("gemm_best", "calibrate"): 0.04, ("vector_op", "calibrate"): 0.09, ("vector_op", "predict"): 0.09,
    ("allreduce", "calibrate"): 0.08, ("launch", "calibrate"): 0.01, ("measured_gemm", "calibrate"): 0.06, ("measured_gemm", "predict"): 0.06,
    ("measured_vector_op", "calibrate"): 0.08, ("measured_vector_op", "predict"): 0.08, ("gemm_fp32", "calibrate"): 0.09,
    ("bmm_fp32", "predict"): 0.25, ("gemm_deepbench", "predict"): 0.18, ("conv_deepbench", "calibrate"): 0.22, ("conv_deepbench", "predict"): 0.13,
    ("cnn", "predict"): 0.1, ("gpt3_layer", "predict"): 0.1, ("llm_serving", "calibrate"): 0.05, ("llm_serving", "predict"): 0.1,
    ("power", "calibrate"): 0.02, ("llm_serving_power", "calibrate"): 0.03, ("llm_serving_power", "predict"): 0.1,
    ("stream_bandwidth", "calibrate"): 0.01, ("l2_bandwidth", "calibrate"): 0.06, ("load_latency", "calibrate"): 0.01,
    ("occupancy", "calibrate"): 0.02,
}  # fmt: skip
DECODE = ("a100x1-llama3-8b-decode", "a100x8-llama3-8b-decode", "a100x16-llama3-8b-decode", "a100x1-llama3-8b-prefill")


@pytest.fixture(scope="module")
def found() -> Validation:
    return validate("gpu")


def test_every_case_runs(found: Validation) -> None:
    check_all_run(found, 370)


@pytest.mark.parametrize(("group", "role"), LIMITS)
def test_groups_keep_their_error(found: Validation, group: str, role: str) -> None:
    check_mean_error(found, group, role, LIMITS[group, role])


@pytest.mark.parametrize("name", DECODE)
def test_serving_is_predicted_within_its_tolerance(found: Validation, name: str) -> None:
    row = next(r for r in found.results if r.case.id == name)
    assert row.within, f"published {row.case.value}, model {row.got}"
