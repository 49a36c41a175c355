"""One workload on many chips: order, refusals with reasons, and the picture."""

from __future__ import annotations

import pytest

from hwsim.core.errors import HwsimError, InvalidTrace
from hwsim.explore.landscape import METRICS, landscape, records
from hwsim.plot.landscape import landscape_figure

CHIPS = ["zcu102", "a100", "wse2", "snn-45nm", "gap8", "u200"]
NETWORK = {"trace": "mobilenet-v1-0.25-128"}


def test_every_chip_has_a_report_or_a_reason():
    places = landscape(NETWORK, CHIPS)
    assert {p.chip for p in places} == set(CHIPS)
    assert all((p.report is None) == bool(p.reason) for p in places)
    assert {p.chip for p in places if p.report is None} == {"wse2", "u200"}
    assert "bare device" in next(p.reason for p in places if p.chip == "u200")


def test_the_fastest_stand_first_and_the_refused_last():
    rows = records(landscape(NETWORK, CHIPS))
    timed = [r["latency_s"] for r in rows if r["latency_s"]]
    assert timed == sorted(timed) and len(timed) == 3
    assert [bool(r["refused"]) for r in rows] == [False] * 4 + [True] * 2
    spiking = next(r for r in rows if r["chip"] == "snn-45nm")
    assert spiking["latency_s"] is None and spiking["energy_j"] > 0  # an energy convention has no time
    assert set(rows[0]) == {"chip", "target", "refused", *METRICS}


def test_the_mapping_of_a_chip_reaches_it_alone():
    plain, forced = (records(landscape({"op": "matmul", "m": 64, "k": 64, "n": 64, "dtype": "fp16"}, ["wse2", "a100"], m))
                     for m in ({}, {"wse2": {"grid": (4, 4)}}))  # fmt: skip
    by_chip = [{r["chip"]: r["latency_s"] for r in rows} for rows in (plain, forced)]
    assert by_chip[0]["a100"] == by_chip[1]["a100"] and by_chip[0]["wse2"] != by_chip[1]["wse2"]


def test_a_workload_that_none_can_read_is_refused():
    with pytest.raises(InvalidTrace, match="unknown trace"):
        landscape({"trace": "mobilnet"}, ["a100"])


def test_the_picture_says_who_is_missing():
    rows = records(landscape(NETWORK, CHIPS))
    figure = landscape_figure(rows, title="MobileNet")
    title = figure.axes[0].get_title(loc="left")
    assert title == "MobileNet: 3 chips; 2 refuse; 1 state no latency or energy"
    assert {t.get_text() for t in figure.axes[0].texts} == {"zcu102", "a100", "gap8"}
    with pytest.raises(HwsimError, match="no chip states"):
        landscape_figure([r for r in rows if r["refused"]])
