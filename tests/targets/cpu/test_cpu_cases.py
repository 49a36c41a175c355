"""The published figures: every case runs, groups keep the error that they had, and what FemtoDet's paper leaves open spans its figures."""

from __future__ import annotations

import pytest
from groups import check_all_run, check_mean_error

import hwsim
from hwsim import api
from hwsim.core.chip import Chip
from hwsim.validate.score import Validation, validate

LIMITS = {("peak", "calibrate"): 0.01, ("hpl", "calibrate"): 0.01, ("stream", "calibrate"): 0.001, ("board_power", "calibrate"): 0.01,
          ("board_power", "predict"): 0.07}  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Validation:
    return validate("cpu")


def test_every_case_runs(found: Validation) -> None:
    check_all_run(found, 16)


@pytest.mark.parametrize(("group", "role"), LIMITS)
def test_groups_keep_their_error(found: Validation, group: str, role: str) -> None:
    check_mean_error(found, group, role, LIMITS[group, role])


def test_femtodet_lies_between_the_readings_that_its_paper_leaves_open(phone: Chip) -> None:
    graph = hwsim.load_graph("femtodet")
    fast, slow = (
        api.simulate(graph, phone, mapping, interval=False)
        for mapping in ({}, {"cores": "big", "threads": 1, "runtime": "framework"})
    )
    assert 1 / slow.latency_s < 64.47 < 1 / fast.latency_s
    assert slow.energy_j > 17.2e-3 > fast.energy_j
