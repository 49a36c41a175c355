"""LSTM and GRU on GPUs: one product for all inputs, then a product and a pointwise kernel a step."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim import api
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.readers.load import graph_of_workload


def run(kind: str = "lstm", chip: str = "a100", **bounds: int) -> Report:
    graph = graph_of_workload({"op": kind, "input_size": 256, "hidden_size": 256, **bounds})
    return api.simulate(graph, hwsim.load_chip(chip), interval=False)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_every_step_adds_the_same(kind: str) -> None:
    one, two, three = (run(kind, steps=n).latency_s for n in (100, 200, 300))
    assert three - two == pytest.approx(two - one, rel=0.05)  # the inputs' product grows in tiles


def test_a_step_alone_is_its_launches() -> None:
    report = run(steps=1000)
    parts = report.breakdown()["latency_s"]
    queued = hwsim.load_chip("a100").number("queued_launch_s")
    assert parts["cell"] >= 1000 * queued and parts["recurrent"] >= 1000 * queued
    assert parts["input"] < 0.05 * report.latency_s  # one product for all steps


@pytest.mark.parametrize("grown", [{"steps": 80}, {"batch": 64}, {"hidden_size": 1024}, {"projection_size": 128}])
def test_more_work_never_takes_less_time(grown: dict[str, int]) -> None:
    usual: dict[str, Any] = {"steps": 40, "batch": 8}
    assert run(**{**usual, **grown}).latency_s >= run(**usual).latency_s * (1 - 1e-12)


def test_a_projection_costs_a_product_a_step() -> None:
    parts = run(steps=50, projection_size=128).breakdown()["latency_s"]
    assert set(parts) == {"input", "recurrent", "cell", "projection"}


@pytest.mark.parametrize(("chip", "expected"), [("titan-x-pascal", "fp32"), ("p4000", "fp32"), ("k80", "fp32"), ("p100", ""), ("a100", "")])
def test_networks_by_name_run_in_the_faster_format(chip: str, expected: str) -> None:
    assert load_target("gpu").default_dtype(hwsim.load_chip(chip), "") == expected
