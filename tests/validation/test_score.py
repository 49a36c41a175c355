"""Scores against closed formulas, and what happens to cases that cannot run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import CostError, InvalidCase, InvalidMapping
from hwsim.validate.cases import Case
from hwsim.validate.record import record_accuracy
from hwsim.validate.run import Runner
from hwsim.validate.score import Result, Validation, ranks, score, spearman, validate

BASE: dict[str, Any] = {
    "id": "c", "group": "g", "chip": "toy", "workload": {"op": "matmul", "m": 1, "k": 100, "n": 100, "dtype": "fp16"}, "metric": "cycles",
    "value": 1.0, "kind": "device", "role": "predict", "tolerance": 0.1, "source": "s",
}  # fmt: skip
# the toy: 10,000 MACs at 100 a cycle, then 2 B x (100 + 10,000 + 100) at 64 B a cycle
CYCLES = 100 + 20_400 / 64


def result(expected: float, got: float | None, **other: Any) -> Result:
    return Result(Case(**{**BASE, "value": expected, **other}), "fake", Path("f"), got, None if got is not None else "no")


def run(folder: Path, *cases: dict[str, Any], target: str = "fake") -> Validation:
    rows = [{**BASE, "id": f"c{i}", **case} for i, case in enumerate(cases)]
    path = folder / "cases.yaml"
    path.write_text(json.dumps({"target": target, "cases": rows}))
    return validate(cases=[path])


def test_closed_formulas() -> None:
    found = score([result(100, 110), result(200, 180), result(50, 50), result(10, None)])
    assert (found.n, found.refused) == (3, 1)
    assert found.mape == pytest.approx(0.2 / 3)
    assert found.worst == pytest.approx(0.1)
    assert found.bias == pytest.approx(0.0, abs=1e-12)
    assert found.spearman == pytest.approx(1.0)
    assert found.within_tolerance == 1.0


def test_tolerance_counts_the_share() -> None:
    assert score([result(100, 120), result(100, 105), result(100, 89), result(100, 91)]).within_tolerance == 0.5


def test_nothing_ran() -> None:
    found = score([result(1, None)])
    assert (found.n, found.refused, found.mape, found.spearman) == (0, 1, None, None)


def test_error_is_signed_and_relative() -> None:
    assert result(4, 3).error == -0.25
    assert result(4, None).error is None


def test_ranks_share_ties() -> None:
    assert ranks([10, 30, 30, 20, 30]).tolist() == [1, 4, 4, 2, 4]


def test_spearman_with_ties_is_pearson_of_ranks() -> None:
    x, y = [1.0, 2.0, 2.0, 4.0, 5.0], [3.0, 1.0, 4.0, 4.0, 9.0]
    assert spearman(x, y) == pytest.approx(float(np.corrcoef(ranks(x), ranks(y))[0, 1]))


def test_spearman_without_ties_is_the_textbook_form() -> None:
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0]
    assert spearman(x, y) == pytest.approx(1 - 6 * 4 / (5 * 24))


def test_spearman_needs_three_pairs_and_a_spread() -> None:
    assert spearman([1, 2], [1, 2]) is None
    assert spearman([1, 1, 1], [1, 2, 3]) is None
    assert spearman([1, 2, 3], [3, 2, 1]) == -1


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0.0, 1e6)), min_size=1, max_size=30))
def test_score_laws(pairs: list[tuple[float, float]]) -> None:
    found = score([result(e, g) for e, g in pairs])
    assert found.mape is not None and found.worst is not None and found.bias is not None
    assert abs(found.bias) <= found.mape * (1 + 1e-9) <= found.worst * (1 + 1e-6) + 1e-12
    assert found.spearman is None or -1 - 1e-9 <= found.spearman <= 1 + 1e-9


def test_the_three_forms_and_parts(models: Path, tmp_path: Path) -> None:
    op = BASE["workload"]
    found = run(
        tmp_path,
        {"value": CYCLES},
        {"workload": {"primitive": "hop", "hops": 5}, "value": 10},
        {"workload": {**op, "component": "compute"}, "value": 100},
        {"workload": {**op, "component": "matmul"}, "value": CYCLES},
        {"metric": "gates", "value": 1234},
        {"mapping": {"arrays": 4}, "value": 25 + 20_400 / 64},
        {"metric": "area_mm2", "value": 2},
    )
    assert [r.refused for r in found.results] == [None] * 7
    assert [r.error for r in found.results] == pytest.approx([0.0] * 7, abs=1e-12)


def test_relative_to_replaces_chip_workload_and_mapping(models: Path, tmp_path: Path) -> None:
    op = BASE["workload"]
    found = run(
        tmp_path,
        {"metric": "latency_s", "relative_to": {"chip": "toy2"}, "value": 2},
        {"mapping": {"arrays": 2}, "relative_to": {"mapping": {}}, "value": (50 + 318.75) / CYCLES},
        {"mapping": {"arrays": 2}, "relative_to": {"chip": "toy2"}, "value": 1},
        {"metric": "speedup", "mapping": {"arrays": 2}, "relative_to": {"mapping": {"arrays": 1}}, "value": CYCLES / (50 + 318.75)},
        {"workload": {**op, "component": "compute"}, "relative_to": {"workload": {**op, "m": 2, "component": "compute"}}, "value": 0.5},
        {"workload": {"primitive": "hop", "hops": 2}, "metric": "speedup", "relative_to": {"workload": {"primitive": "hop", "hops": 6}}, "value": 3},
    )
    assert [r.refused for r in found.results] == [None] * 6
    assert [r.error for r in found.results] == pytest.approx([0.0] * 6, abs=1e-12)


class Peers(Runner):
    """Records what is measured. Chips are called TARGET or TARGET-other; the latter refuses the option ``isa``."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def chip(self, name: str) -> Any:
        return SimpleNamespace(target=name.partition("-")[0])

    def measure(self, what: Any, metric: str) -> float:
        self.asked.append((what.chip, dict(what.workload), dict(what.mapping)))
        if what.chip.endswith("-other") and "isa" in what.mapping:
            raise InvalidMapping("this chip has no option 'isa'")
        return 1.0


@pytest.mark.parametrize(
    ("chip", "relative_to", "peer"),
    [
        ("cluster", {"mapping": {"cores": 1}}, ("cluster", {"fp": "native", "isa": "x", "cores": 1})),
        ("cluster", {"mapping": {}}, ("cluster", {})),
        ("cluster", {"chip": "cluster-big"}, ("cluster-big", {"fp": "native", "isa": "x", "cores": 8})),
        ("cluster", {"chip": "cluster-big", "mapping": {"fp": "libgcc"}}, ("cluster-big", {"fp": "libgcc", "isa": "x", "cores": 8})),
        ("cluster", {"chip": "cluster-other", "mapping": {"cores": 2}}, ("cluster-other", {"fp": "native", "cores": 2})),
        ("cluster", {"chip": "gpu", "mapping": {"framework": "vllm"}}, ("gpu", {"framework": "vllm"})),
        ("cluster", {"chip": "gpu"}, ("gpu", {})),
        ("stdcell", {"mapping": {"cores": 1}}, ("stdcell", {"cores": 1})),
        ("wafer_mesh", {"mapping": {"cores": 1}}, ("wafer_mesh", {"cores": 1})),
        ("wafer_mesh", {"chip": "wafer_mesh-big"}, ("wafer_mesh-big", {"fp": "native", "isa": "x", "cores": 8})),
    ],
)
def test_what_a_ratio_is_taken_against(chip: str, relative_to: dict[str, Any], peer: tuple[str, dict[str, Any]]) -> None:
    peers = Peers()
    case = Case(**{**BASE, "chip": chip, "mapping": {"fp": "native", "isa": "x", "cores": 8}, "relative_to": relative_to})
    assert peers.got(case, Path()) == 1
    assert peers.asked[0] == (chip, BASE["workload"], {"fp": "native", "isa": "x", "cores": 8})
    assert peers.asked[-1] == (peer[0], BASE["workload"], peer[1])


def test_a_stated_option_is_not_dropped_and_a_workload_is_replaced_as_a_whole() -> None:
    peers = Peers()
    with pytest.raises(InvalidMapping, match="no option 'isa'"):
        peers.got(Case(**{**BASE, "chip": "cluster", "relative_to": {"chip": "cluster-other", "mapping": {"isa": "y"}}}), Path())
    relay = {"primitive": "relay", "medium": "dram"}
    own = {"primitive": "relay", "medium": "remote", "id_offset": 1}
    assert peers.got(Case(**{**BASE, "chip": "cluster", "workload": own, "relative_to": {"workload": relay}}), Path()) == 1
    assert peers.asked[-1][1] == relay


def test_capacity_needs_no_context() -> None:
    asked: list[Any] = []

    class Recorder(Runner):
        def report(self, what: Any) -> Any:
            asked.append(what.workload)
            return type("R", (), {"metric": lambda self, name: 1.0})()

    decode = {"trace": "llama3-8b", "phase": "decode"}
    Recorder().got(Case(**{**BASE, "workload": decode, "metric": "max_tokens"}), Path())
    Recorder().got(Case(**{**BASE, "workload": {**decode, "context": 9}, "metric": "max_tokens"}), Path())
    assert [w["context"] for w in asked] == [1, 9]


def test_refused_cases_are_listed_and_stop_nothing(models: Path, tmp_path: Path) -> None:
    found = run(
        tmp_path,
        {"chip": "nochip"},
        {"workload": {"op": "softmax", "rows": 2, "cols": 2}},
        {"workload": {"op": "matmul", "m": -1, "k": 1, "n": 1}},
        {"mapping": {"arays": 2}},
        {"mapping": {"arrays": 9}},
        {"metric": "luts"},
        {"workload": {"primitive": "hop", "hops": 1}, "metric": "energy_j"},
        {"workload": {"primitive": "hops"}},
        {"workload": {"primitive": "hop"}},
        {"workload": {**BASE["workload"], "component": "ffn"}},
        {"relative_to": {"chip": "nochip"}},
        {"relative_to": {"workload": {"primitive": "hop", "hops": 0}}},
        {"value": CYCLES},
    )
    reasons = [r.refused or "" for r in found.results]
    for reason, words in zip(
        reasons,
        ("unknown chip", "no model for 1 operator", "must be positive", "did you mean arrays", "needs 9 arrays", "no metric 'luts'",
         "gives no metric 'energy_j'", "did you mean hop", "needs hops", "no part component=ffn", "unknown chip", "no ratio", ""),
        strict=True,
    ):  # fmt: skip
        assert words in reason
    assert found.groups["fake/g"].n == 1 and found.groups["fake/g"].refused == 12
    rows = found.to_dict()["cases"]
    assert len(rows) == 13 and rows[0]["got"] is None and rows[0]["error"] is None and rows[-1]["refused"] is None


def test_a_bug_is_no_refusal(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fake_target.FakeTarget.price", lambda *record: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, {})


def test_a_figure_that_is_not_finite_is_refused() -> None:
    class Broken(Runner):
        def measure(self, what: Any, metric: str) -> float:
            return math.inf

    with pytest.raises(CostError, match="inf"):
        Broken().got(Case(**BASE), Path())


def test_equal_cases_are_simulated_once(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hwsim.api as api

    calls: list[Any] = []
    real = api.simulate
    monkeypatch.setattr(api, "simulate", lambda *a, **k: calls.append(1) or real(*a, **k))
    swapped = dict(reversed(BASE["workload"].items()))
    run(tmp_path, {}, {"metric": "energy_j"}, {"workload": swapped}, {"workload": {**swapped, "component": "compute"}}, {"mapping": {"arrays": 2}})
    assert len(calls) == 2


def test_files_beside_the_case_file_are_found(models: Path, tmp_path: Path) -> None:
    from hwsim.validate.run import located

    (tmp_path / "data").mkdir()
    (tmp_path / "cases").mkdir()
    (tmp_path / "data" / "net.v").write_text("")
    assert located({"netlist": "net.v", "m": 1, "dtype": "fp16"}, tmp_path / "cases")["netlist"] == str(tmp_path / "data" / "net.v")
    assert located({"netlist": "other.v"}, tmp_path / "cases")["netlist"] == "other.v"


def test_json_has_exactly_the_designed_keys(models: Path, tmp_path: Path) -> None:
    data = run(tmp_path, {}, {"metric": "luts"}).to_dict()
    assert list(data) == ["schema", "groups", "cases"] and data["schema"] == "hwsim.validation/1"
    assert set(data["groups"]["fake/g"]) == {"n", "mape", "worst", "bias", "spearman", "within_tolerance"}
    wanted = {"id", "group", "target", "metric", "expected", "got", "error", "tolerance", "role", "kind", "refused"}
    assert all(set(case) == wanted for case in data["cases"])
    json.dumps(data, allow_nan=False)


def test_roles_are_scored_apart() -> None:
    found = Validation((result(100, 102, role="calibrate"), result(100, 106), result(100, 90, group="h")))
    assert found.roles["fake"]["calibrate"].mape == pytest.approx(0.02)
    assert found.roles["fake/g"]["predict"].mape == pytest.approx(0.06)
    assert found.ratio("fake") == pytest.approx(4) and found.ratio("fake/g") == pytest.approx(3) and found.ratio("fake/h") is None
    assert found.targets["fake"].n == 3


def test_accuracy_of_one_chip() -> None:
    found = Validation((result(100, 110), result(100, 80), result(100, 100, chip="toy2"), result(10, 11, metric="energy_j"), result(1, None)))
    assert found.accuracy("toy") == {
        "schema": "hwsim.accuracy/1",
        "metrics": {"cycles": {"n": 2, "mape": 0.15, "worst": 0.2}, "energy_j": {"n": 1, "mape": 0.1, "worst": 0.1}},
    }


def test_published_cases_and_recorded_accuracy(models: Path) -> None:
    from hwsim import api

    rows = [{**BASE, "value": CYCLES / 1.25}]
    (models / "toy" / "published.yaml").write_text(json.dumps({"target": "fake", "cases": rows}))
    seen: list[tuple[int, int]] = []
    found = validate("fake", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]
    assert record_accuracy(found) == [models / "toy" / "accuracy.json"]
    assert api.recorded_accuracy("toy")["cycles"] == {"n": 1, "mape": 0.25, "worst": 0.25}
    report = api.simulate(Runner().graph(BASE["workload"]), api.load_chip("toy"))
    assert report.accuracy["cycles"]["worst"] == 0.25


def test_no_cases_at_all(models: Path) -> None:
    with pytest.raises(InvalidCase, match="there are no cases"):
        validate()


def test_groups_are_chosen_by_pattern():
    one = validate("spiking", groups=["ann_*"])
    others = validate("spiking", groups=["!ann_*"])
    whole = validate("spiking")
    assert set(one.groups) == {"spiking/ann_energy"} and set(others.groups) == set(whole.groups) - set(one.groups)
    assert [*validate("spiking", groups=["ann_*", "!ann_*"]).groups] == [*whole.groups]
    with pytest.raises(InvalidCase, match=r"no group matches ann_energi \(did you mean ann_energy"):
        validate("spiking", groups=["ann_energi"])
