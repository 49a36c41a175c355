"""One workload on many chips: order, refusals with reasons, and the picture."""

from __future__ import annotations

import pytest
from matplotlib.text import Text

from hwsim.core.errors import HwsimError, InvalidTrace
from hwsim.explore.landscape import METRICS, landscape, records, refusals
from hwsim.plot.landscape import landscape_figure

CHIPS = ["zcu102", "a100", "wse2", "snn-45nm", "gap8", "u200"]
NETWORK = {"trace": "mobilenet-v1-0.25-128"}


def test_every_chip_has_a_report_or_a_reason():
    places = landscape(NETWORK, CHIPS)
    assert {p.chip for p in places} == set(CHIPS)
    assert all((p.report is None) == bool(p.reason) for p in places)
    assert {p.chip for p in places if p.report is None} == {"wse2"}


def test_a_bare_device_takes_the_fastest_design_that_runs_it_and_says_which():
    (place,) = landscape(NETWORK, ["u200"])
    assert place.report is not None and place.note == "dpu_b4096; int8"
    (slow,) = landscape(NETWORK, ["u200"], {"u200": {"design": "dpu_b512"}})
    assert slow.report is not None and slow.report.latency_s > place.report.latency_s
    (refused,) = landscape({"op": "kmeans", "samples": 8, "features": 2, "clusters": 2}, ["u200"])
    assert refused.report is None and "none of the" in refused.reason and "kmeans" in refused.reason


def test_designs_keep_to_a_stated_format():
    workload = {"trace": "llama3-8b", "phase": "decode", "context": 64, "layers": 2}
    (free,) = landscape(workload, ["u50"])
    assert free.report is not None and "weights int4" in free.note
    (stated,) = landscape({**workload, "dtype": "fp32"}, ["u50"])
    assert stated.report is None
    (narrow,) = landscape({**workload, "weight_dtype": "int8"}, ["u50"])
    assert narrow.report is None or "int4" not in narrow.note


def test_an_lstm_without_a_kernel_runs_step_by_step():
    own, written = (landscape({"trace": "kws-lstm"}, [chip])[0] for chip in ("et-soc-1", "wse2"))
    assert own.note == "fp16" and written.note.startswith("LSTM step by step")
    assert own.report is not None and written.report is not None and own.report.macs == written.report.macs


def test_the_fastest_stand_first_and_the_refused_last():
    rows = records(landscape(NETWORK, CHIPS))
    timed = [r["latency_s"] for r in rows if r["latency_s"]]
    assert timed == sorted(timed) and len(timed) == 4
    assert [bool(r["refused"]) for r in rows] == [False] * 5 + [True]
    spiking = next(r for r in rows if r["chip"] == "snn-45nm")
    assert spiking["latency_s"] is None and spiking["energy_j"] > 0  # an energy convention has no time
    assert set(rows[0]) == {"chip", "target", "note", "refused", *METRICS}


def test_chips_that_refuse_alike_stand_together():
    rows = records(landscape({"op": "kmeans", "samples": 8, "features": 2, "clusters": 2}, ["wse2", "wse3", "asap7", "sky130hd"]))
    assert sorted(refusals(rows).values()) == [["asap7", "sky130hd"], ["wse2", "wse3"]]


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
    assert title == "MobileNet: 4 chips; 1 refuse; 1 state no latency or energy"
    assert {t.get_text() for t in figure.axes[0].texts} == {"zcu102", "a100", "gap8", "u200"}
    with pytest.raises(HwsimError, match="no chip states"):
        landscape_figure([r for r in rows if r["refused"]])


def test_names_cover_neither_each_other_nor_leave_the_axes():
    alike = {"target": "t", "energy_j": 1.0, "area_mm2": 1.0, "refused": ""}
    rows = [{**alike, "chip": f"chip-{i}", "latency_s": 1e-3 * (1 + 0.01 * i)} for i in range(12)]
    rows.append({**rows[0], "chip": "far", "latency_s": 1.0, "energy_j": 1e-3})
    figure = landscape_figure(rows)
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(t) for t in figure.axes[0].texts]  # without their lines
    assert len(boxes) == 13
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    around = figure.axes[0].get_window_extent()
    assert all(around.x0 <= b.x0 and b.x1 <= around.x1 for b in boxes)
