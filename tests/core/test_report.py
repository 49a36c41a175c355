"""Reports: metrics by name, parts, tables, sources, keys and plain data."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from toy_program import graph_of, program_of, values_of

from hwsim.core.chip import Chip
from hwsim.core.cost import Cost
from hwsim.core.errors import HwsimError
from hwsim.core.param import Param
from hwsim.core.report import Report, param_record
from hwsim.engine import analytic

RATE = Param(100.0, "MAC/cycle", "a fit", "fitted", 80.0, 120.0, ("cases",))
CLOCK = Param(1e9, "Hz", "a data sheet", "published")


def report_of(meta=None, fidelity="analytic", sample=None, **rest) -> Report:
    graph = graph_of([[], [0], [1]], (1, 2, 5), **(meta or {}))
    chip = Chip("toy", "fake", {"clock_hz": CLOCK, "rate": RATE})
    fields = {"chip": chip, "figures": {"max_tokens": 42.0}, "used_params": ("clock_hz", "rate", "not_stated"), "assumptions": ("it is a toy",)}
    program = program_of(graph, serial=True, rows=(0, 1, 1), **{**fields, **rest})
    values = values_of([[4, 7, 10, 1], [1, 0, 2, 3]])
    return Report(Cost(program, values, analytic.run(program, values)), fidelity, {"hwsim": "0"}, sample=sample)


CYCLES = 18 + 7 * 6
JOULES = 8 + 2 * CYCLES * 1e-9


def test_totals():
    report = report_of()
    assert (report.cycles, report.latency_s, report.area_mm2) == (CYCLES, pytest.approx(CYCLES * 1e-9), 4.0)
    assert report.energy_j == pytest.approx(JOULES) and report.power_w == pytest.approx(JOULES / (CYCLES * 1e-9))


def test_metrics_by_name():
    report = report_of({"requested_macs": 1200})
    assert report.metric("macs") == 1200 and report.metric("macs_per_cycle") == 20 and report.metric("tops") == pytest.approx(2 * 20e9 / 1e12)
    assert report.metric("tops_per_mm2") == pytest.approx(report.metric("tops") / 4)
    assert report.metric("tops_per_w") == pytest.approx(2400 / JOULES / 1e12)
    assert report.metric("energy_per_mac_j") == pytest.approx(JOULES / 1200)
    assert report.metric("inferences_per_s") == pytest.approx(1e9 / CYCLES)
    assert report.metric("max_tokens") == 42 and report.metric("bytes") == 8000 and report.metric("frequency_hz") == 1e9
    with pytest.raises(HwsimError, match=r"no metric 'latency' \(did you mean latency_s"):
        report.metric("latency")


@pytest.mark.parametrize(
    ("meta", "tokens"),
    [
        ({"phase": "prefill", "prompt": 512, "batch": 2}, 1024), ({"phase": "decode", "context": 99, "batch": 4}, 4),
        ({"phase": "generate", "prompt": 512, "generate": 64}, 64), ({}, 0),
    ],
)  # fmt: skip
def test_tokens_of_each_phase(meta, tokens):
    report = report_of(meta)
    assert report.tokens == tokens
    if tokens:
        assert report.metric("tokens_per_s") == pytest.approx(tokens / report.latency_s)
        assert report.metric("tokens_per_j") == pytest.approx(tokens / report.energy_j)
    else:
        assert "tokens_per_s" not in report.metrics()


def test_parts_by_component_add_up():
    report = report_of()
    assert report.part("cycles", component="compute") == 10 + 7 * 2
    assert report.part("latency_s", component="store") == pytest.approx((1 + 7 * 3) * 1e-9)
    assert report.part("cycles", component="elementwise") == report.cycles
    assert report.part("energy_j", component="elementwise") == pytest.approx(report.energy_j)
    with pytest.raises(HwsimError, match="no part component=softmax layer=any; components: elementwise"):
        report.part("cycles", component="softmax")
    assert report.part("area_mm2", component="array") == 3.0
    with pytest.raises(HwsimError, match="no area of component=compute"):
        report.part("area_mm2", component="compute")
    with pytest.raises(HwsimError, match="metric 'tops' cannot be split"):
        report.part("tops", component="compute")
    with pytest.raises(HwsimError, match="component 'compute' has no energy_j"):
        report.part("energy_j", component="compute")


def test_named_parts_are_sums_over_slots_static_and_area_components():
    report = report_of(parts={"machine": ("compute", "store", "mac", "idle", "array", "rest")}, figures={"spikes": 12.0})
    assert report.part("energy_j", component="machine") == pytest.approx(report.energy_j)
    assert report.part("area_mm2", component="machine") == report.area_mm2
    assert report.part("cycles", component="machine") == sum(report.part("cycles", component=c) for c in ("compute", "store"))
    layers = sum(report.part("cycles", component="machine", layer=f"op{i}") for i in range(3))
    assert layers == report.part("cycles", component="machine")
    assert report.part("count", component="spikes") == 12
    with pytest.raises(HwsimError, match=r"counts no 'spike' \(did you mean spikes"):
        report.part("count", component="spike")


def test_breakdown_and_table_add_up():
    report = report_of()
    parts, rows = report.breakdown(), report.table()
    assert sum(parts["latency_s"].values()) == pytest.approx(report.latency_s)
    assert parts["energy_j"] == {"mac": 8, "idle": pytest.approx(2 * report.latency_s)} and parts["area_mm2"] == {"array": 3.0, "rest": 1.0}
    assert [r["name"] for r in rows] == ["op1", "op0"] and [r["executions"] for r in rows] == [7, 1]
    assert sum(r["share"] for r in rows) == pytest.approx(1) and rows[0]["parts"] == {"load": 7, "compute": 14, "store": 21}


def test_labels_of_a_shared_row_are_told_apart():
    report = report_of()
    graph = report.cost.program.graph
    ops = (*graph.ops[:2], replace(graph.ops[2], label="other"))
    program = replace(report.cost.program, graph=replace(graph, ops=ops))
    found = replace(report, cost=replace(report.cost, program=program)).breakdown()["latency_s"]
    assert found == pytest.approx({"elementwise": (18 + 6 * 2) * 1e-9, "other": 6 * 5e-9})


def test_energy_by_rail_is_there_when_the_program_states_rails():
    assert "energy_by_rail_j" not in report_of().to_dict()["breakdown"]
    report = report_of(rails={"mac": {"core": 1.0}, "idle": {"core": 0.25, "board": 0.75}})
    found = report.to_dict()["breakdown"]["energy_by_rail_j"]
    assert found == pytest.approx({"core": 8 + report.latency_s / 2, "board": 1.5 * report.latency_s})
    assert sum(found.values()) == pytest.approx(report.energy_j)


def test_sources_name_every_constant_that_was_read():
    clock, rate = report_of().sources()
    assert clock == {"name": "clock_hz", "value": 1e9, "unit": "Hz", "status": "published", "source": "a data sheet"}
    assert rate["low"] == 80 and rate["high"] == 120 and rate["fitted_on"] == ["cases"]
    assert param_record(Param((750.0, 994.0), "PE", "x", "published"))["value"] == [750.0, 994.0]


def test_the_key_changes_with_anything_that_changes_the_result():
    same, again = report_of(), report_of()
    others = [report_of(fidelity="event"), report_of({"phase": "decode"}), report_of(mapping={"lanes": 2}), report_of(chip=Chip("toy", "fake", {}))]
    assert same.key == again.key and len({same.key, *(o.key for o in others)}) == 5


def test_intervals_are_sampled_once_and_only_when_asked_for():
    calls = []

    def sample():
        calls.append(1)
        return {"cycles": (1.0, 2.0)}

    report = report_of(sample=sample)
    assert not calls
    assert report.interval == {"cycles": (1.0, 2.0)} == report.interval and len(calls) == 1
    assert report_of().interval == {}


def test_plain_data_is_json_with_every_stated_key():
    data = report_of(
        {"phase": "decode", "context": 9}, mapping={"grid": (4, 4)}, lower_bound=True, warnings=("w",), sample=lambda: {"cycles": (1.0, 2.0)}
    ).to_dict()
    wanted = {
        "schema", "key", "versions", "trace", "chip", "target", "fidelity", "options", "cycles", "latency_s", "energy_j", "power_w", "area_mm2",
        "tokens_per_s", "inferences_per_s", "macs", "bytes", "utilisation", "resources", "interval", "breakdown", "ops", "assumptions", "warnings",
        "sources",
    }  # fmt: skip
    assert wanted <= set(data) and data["schema"] == "hwsim.report/1"
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["options"] == {"mapping": {"grid": [4, 4]}, "trace": {"phase": "decode", "context": 9}}
    assert data["interval"] == {"cycles": [1.0, 2.0]} and data["lower_bound"] is True and data["warnings"] == ["w"]


def test_an_interval_that_ends_at_the_figure_holds_it_to_the_last_bit():
    own = report_of().latency_s
    low, high = report_of(sample=lambda: {"latency_s": (own * (1 + 1e-15), 2 * own)}).interval["latency_s"]
    assert (low, high) == (own, 2 * own)
