"""Evaluated points: the numbers of `simulate`, whatever points are beside them; refusals as rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fake_target
import numpy as np
import pytest

import hwsim
from hwsim.core.errors import HwsimError
from hwsim.explore.column import Choice
from hwsim.explore.evaluate import STATUSES, Evaluator, Results, evaluate
from hwsim.explore.price import NO_COST, checked_chips, figures_of
from hwsim.explore.space import Space, load_space
from hwsim.readers.load import graph_of_workload

TRACE = {"name": "llama3-8b", "phase": "decode", "context": 4096}
ALL = ("cycles", "latency_s", "energy_j", "power_w", "area_mm2", "macs", "frequency_hz", "bytes", "inferences_per_s", "macs_per_cycle", "tops",
       "tokens_per_s", "tops_per_mm2", "tops_per_w", "tokens_per_j", "energy_per_mac_j")  # fmt: skip
ROUNDING = 0


def made(parameters: Mapping[str, Any], **more: Any) -> Space:
    return load_space({"trace": TRACE, "chips": ["wse2"], "parameters": parameters, **more})


def point(found: Results, row: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """(chip constants, mapping, trace options) of one row."""
    parts: dict[str, dict[str, Any]] = {"": {}, "mapping": {}, "trace": {}}
    for name, column in found.parameters.items():
        kind, dot, option = name.rpartition(".")
        value = column.values[column.codes[row]] if isinstance(column, Choice) else float(column[row])
        if value is not None:
            parts[kind][option] = int(value) if dot and isinstance(value, float) and value == int(value) else value
    return parts[""], parts["mapping"], parts["trace"]


CLOCK = {"linspace": ["0.7 GHz", "1.4 GHz", 5]}
MODES = {"list": ["nameplate", "activity"]}
SPACES = [
    {"chips": ["wse2"], "parameters": {"clock_hz": CLOCK, "hop_cycles": {"list": [1, 2, 3]},
                                       "mapping.grid": {"choices": [[360, 360], [420, 540]]}, "mapping.energy_mode": MODES}},
    {"chips": ["wse2", "wse3"], "parameters": {"clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 3]}, "trace.batch": {"list": [1]}},
     "derived": {"sram_j_per_byte": "0.4 pJ/B * clock_hz / 1 GHz", "sram_bytes_per_core": "colours * 2 KiB"}},
    {"chips": ["a100"], "parameters": {"dram_bytes_per_s": {"linspace": ["1 TB/s", "3 TB/s", 5]}, "mapping.devices": {"list": [1, 2]},
                                               "mapping.energy_mode": MODES, "trace.context": {"list": [512, 4096]}},
     "trace": {"name": "llama3-8b", "phase": "decode"}},
    {"chips": ["wse2"], "trace": {"name": "llama3-8b", "phase": "generate", "prompt": 512, "generate": 64},
     "parameters": {"clock_hz": CLOCK, "mapping.prefill_grid": {"list": [660]}, "mapping.decode_grid": {"list": [360, 420]}}},
    {"chips": ["a100"], "trace": {"op": "matmul", "m": 512, "n": 512},
     "parameters": {"trace.k": {"integers": [512, 2048, 512]}, "sm_count": {"list": [80, 108]}}},
]  # fmt: skip


@pytest.mark.parametrize("stated", SPACES)
def test_a_sweep_is_a_loop_of_simulate(stated: dict[str, Any]) -> None:
    space = load_space({"trace": TRACE, "metrics": ALL, **stated})
    found = evaluate(space, space.batch(0, len(space)))
    assert found.ok.all(), found.reasons
    for row in range(len(found)):
        constants, mapping, options = point(found, row)
        graph = graph_of_workload({**space.traces[found.batch.trace[row]], **options})
        chip = space.chips[found.batch.chip[row]].replace(**constants)
        metrics = hwsim.simulate(graph, chip, mapping, interval=False).metrics()
        for name, values in found.metrics.items():
            assert values[row] == pytest.approx(metrics.get(name, np.nan), rel=ROUNDING, abs=0, nan_ok=True), (name, row)


def test_event_fidelity_is_simulate() -> None:
    space = made({"clock_hz": {"list": ["0.85 GHz", "1.1 GHz"]}, "mapping.grid": {"list": [420]}}, fidelity="event", metrics=["cycles", "energy_j"])
    found = evaluate(space, space.batch(0, 2))
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    for row, clock in enumerate((0.85e9, 1.1e9)):
        report = hwsim.simulate(graph, hwsim.load_chip("wse2", clock_hz=clock), {"grid": 420}, fidelity="event", interval=False)
        assert (found.metrics["cycles"][row], found.metrics["energy_j"][row]) == (report.cycles, report.energy_j)


def test_neighbours_and_threads_change_nothing() -> None:
    import numba

    clocks = {"linspace": ["0.7 GHz", "1.4 GHz", 1001]}
    space = made({"mapping.grid": {"list": [360, 420, 999]}, "hop_cycles": {"linspace": [-1, 3, 5]}, "clock_hz": clocks},
                 derived={"ramp_cycles": "2 / (hop_cycles - 1)"}, constraints=["latency_s < 0.7 ms", "1 / (hop_cycles - 2) < 100"],
                 metrics=["latency_s", "energy_j"])  # fmt: skip
    whole = evaluate(space, space.batch(0, len(space)))
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        kept = Evaluator(space)
        for start, stop in ((0, 1), (1, 700), (700, 9000), (9000, 9001), (9001, 15015)):
            part = kept.evaluate(space.batch(start, stop))
            for name, values in part.metrics.items():
                assert values.tobytes() == whole.metrics[name][start:stop].tobytes()
            assert (part.status == whole.status[start:stop]).all()
            assert [part.reason_of(i) for i in range(len(part))] == [whole.reason_of(i) for i in range(start, stop)]
    finally:
        numba.set_num_threads(before)
    counts = {STATUSES[s]: int(n) for s, n in zip(*np.unique(whole.status, return_counts=True), strict=True)}
    assert set(counts) == {"ok", "constraint", "infeasible", "error"} and whole.reasons[0] == "" and len(whole.reasons) > 4
    assert any("division by zero" in r for r in whole.reasons) and any("grid 999" in r for r in whole.reasons)


def test_refusals_are_rows() -> None:
    space = made({"mapping.grid": {"list": [420, "wide", 800]}, "clock_hz": {"list": ["1 GHz", "-1 GHz"]}}, metrics=["latency_s", "max_tokens"])
    found = evaluate(space, space.batch(0, 6))
    assert found.status.tolist() == [0, 2, 2, 2, 2, 2] and np.isnan(found.metrics["latency_s"][1:]).all() and found.metrics["max_tokens"][0] > 0
    assert "clock_hz" in found.reason_of(1) and "grid" in found.reason_of(2) and "at most 750" in found.reason_of(4) and found.reason_of(0) == ""


def test_traces_that_cannot_be_made_are_rows() -> None:
    space = load_space({"trace": {"name": "llama3-8b", "phase": "decode"}, "chips": "wse2", "parameters": {"trace.context": {"list": [4096, -1]}}})
    found = evaluate(space, space.batch(0, 2))
    assert found.status.tolist() == [0, 2] and "context" in found.reason_of(1)


def test_metrics_must_exist() -> None:
    space = made({"mapping.grid": {"list": [420]}}, metrics=["latncy_s"])
    with pytest.raises(HwsimError, match=r"metric 'latncy_s'.*latency_s"):
        evaluate(space, space.batch(0, 1))
    space = made({"mapping.grid": {"list": [420]}}, constraints=["enrgy_j < 1"])
    with pytest.raises(HwsimError, match=r"metric 'enrgy_j'.*energy_j"):
        evaluate(space, space.batch(0, 1))
    space = load_space({"trace": TRACE, "chips": ["wse2", "a100"], "metrics": ["max_tokens"]})
    found = evaluate(space, space.batch(0, 2))
    assert found.ok.all() and np.isnan(found.metrics["max_tokens"]).tolist() == [False, True]


def test_constraints_over_constants_and_metrics() -> None:
    space = made({"mapping.grid": {"list": [420, 540]}, "clock_hz": {"list": ["0.9 GHz", "1.1 GHz"]}},
                 constraints=["clock_hz >= 1 GHz", "area_mm2 <= die_area_mm2 and mapping.grid == '420'"])  # fmt: skip
    found = evaluate(space, space.batch(0, 4))
    assert [found.reason_of(i)[:8] for i in range(4)] == ["clock_hz", "", "clock_hz", "area_mm2"] and found.status.tolist() == [1, 0, 1, 1]
    assert np.isnan(found.metrics["latency_s"]).tolist() == [True, False, True, False]


def test_points_by_hand() -> None:
    space = made({"clock_hz": {"list": ["1 GHz"]}, "mapping.grid": {"list": [420]}})
    found = evaluate(space, space.points({"clock_hz": [1e9, 2e9], "mapping.grid": [420, 360]}))
    assert found.ok.all() and found.metrics["latency_s"][1] < found.metrics["latency_s"][0]


def test_a_space_without_parameters() -> None:
    space = made({}, derived={"hop_cycles": "1 + 1"}, metrics=["cycles"])
    assert len(space) == 1 and evaluate(space, space.batch(0, 1)).ok.all()


def test_points_per_mapping() -> None:
    assert Evaluator(made({"clock_hz": {"linspace": ["1 GHz", "2 GHz", 50]}, "mapping.grid": {"list": [420, 540]}})).points_per_group() == 50
    assert Evaluator(made({"clock_hz": {"linspace": ["1 GHz", "2 GHz", 50]}})).points_per_group() == 50  # a clock moves no mapper's choice
    assert Evaluator(made({"hop_cycles": {"linspace": [1, 2, 50]}})).points_per_group() == 1
    sampled = {"sampling": "random", "points": 500}
    assert Evaluator(made({"clock_hz": {"linspace": ["1 GHz", "2 GHz", 2]},
        "mapping.grid": {"list": [420, 540]}}, **sampled)).points_per_group() == 250
    assert Evaluator(made({"sram_bytes_per_core": {"linspace": ["40 KiB", "48 KiB", 2]},
        "mapping.grid": {"list": [9]}}, **sampled)).points_per_group() == 1


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    fake_target.install(monkeypatch, tmp_path / "models")
    return tmp_path / "models"


def test_prices_that_are_no_costs_are_rows(toy: Path) -> None:
    """Of a thousand points three have a negative energy: they are found, the others are priced."""
    from hwsim.core.target import load_target
    from hwsim.readers.chip_file import read_chip

    target, chip = load_target("wafer_mesh"), hwsim.load_chip(str(Path(__file__).parents[2] / "models" / "wse2"))
    program = target.map(hwsim.load_graph("llama3-8b", phase="decode", context=512), chip, target.options({"grid": 420, "energy_mode": "activity"}))
    energies = np.full(1000, 1e-12)
    energies[[5, 6, 999]] = -1.0
    found = figures_of(target, program, {"mac_fp16_j": energies}, 1000, ["energy_j", "cycles"])
    assert [why for why, _ in found.faults] == [NO_COST] and np.flatnonzero(found.faults[0][1]).tolist() == [5, 6, 999]
    assert np.isnan(found.figures["energy_j"][[5, 6, 999]]).all() and len(np.unique(found.figures["energy_j"][7:999])) == 1
    assert read_chip(toy / "toy" / "chip.yaml").name == "toy"


def test_checks_of_chips_are_exact() -> None:
    """Boxes of constants are halved until the target's own check says one thing of each; the product of two is bounded too."""
    from hwsim.core.target import load_target

    target, chip = load_target("wafer_mesh"), hwsim.load_chip("wse2")
    rng = np.random.default_rng(1)
    columns = {"core_area_mm2": rng.uniform(0.02, 0.08, 60), "cores_marketed": rng.uniform(746000, 1.2e6, 60),
        "hop_cycles": rng.choice([-1.0, 0.0, 1.0, 2.0], 60)}
    refused = np.zeros(60, dtype=bool)
    for _, where in checked_chips(target, chip, columns):
        refused |= where
    for row in range(60):
        try:
            target.check(chip.replace(**{n: float(v[row]) for n, v in columns.items()}))
            assert not refused[row]
        except HwsimError:
            assert refused[row]
    assert 5 < refused.sum() < 55


def test_the_logits_of_a_prompt_are_varied() -> None:
    trace = {"name": "tinyllama-1.1b", "phase": "prefill", "prompt": 64, "layers": 1}
    space = made({"trace.logits": {"choices": ["last", "half", "all"]}}, trace=trace, chips=["a100"], metrics=["macs"])
    found = evaluate(space, space.batch(0, 3))
    heads = [32000 * 2048 * count for count in (1, 32, 64)]
    assert found.ok.all() and np.diff(found.metrics["macs"]).tolist() == np.diff(heads).tolist()
