"""Space files: what is read, what is refused and where, which points there are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.core.errors import HwsimError
from hwsim.explore.column import Choice
from hwsim.explore.space import Space, load_space

TRACE = {"name": "llama3-8b", "phase": "decode", "context": 4096}
YAML = """\
trace: {name: llama3-8b, phase: decode, context: 4096}
chips: [wse2]
parameters:
  clock_hz: {linspace: [0.7 GHz, 1.4 GHz, 8]}
  hop_cycles: {list: [1, 2, 3]}
  mapping.grid: {choices: [[420, 420], [540, 540]]}
derived: {sram_bytes_per_core: "48 KiB * 600 / mapping.grid[0]"}
constraints: ["area_mm2 < 50000", "energy_j < 1000"]
sampling: grid
metrics: [latency_s, energy_j, area_mm2, tokens_per_s]
fidelity: analytic
"""


def made(parameters: dict[str, Any] | None = None, **more: Any) -> Space:
    return load_space({"trace": TRACE, "chips": ["wse2"], "parameters": parameters or {}, **more})


def test_the_file_of_the_design(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(YAML)
    space = load_space(path)
    assert len(space) == 48 and space.parameters == ("clock_hz", "hop_cycles", "mapping.grid", "sram_bytes_per_core") and space.text == YAML
    batch = space.batch(0, 48)
    clock, grid = batch.columns["clock_hz"], batch.columns["mapping.grid"]
    assert isinstance(clock, np.ndarray) and isinstance(grid, Choice)
    assert clock[0] == 0.7e9 and clock[47] == 1.4e9 and grid.codes[:4].tolist() == [0, 1, 0, 1] and grid.values == ((420, 420), (540, 540))
    assert load_space(path).key == space.key == load_space(space).key


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        ({"linspace": ["1 GHz", "2 GHz", 3]}, (1e9, 1.5e9, 2e9)), ({"logspace": ["1 GHz", "100 GHz", 3]}, (1e9, 1e10, 1e11)),
        ({"list": ["850 MHz", "1.1 GHz"]}, (8.5e8, 1.1e9)), ({"linspace": ["2 GHz", "1 GHz", 2]}, (2e9, 1e9)), ({"choices": ["1 GHz"]}, (1e9,)),
        ({"linspace": ["1 GHz", "1 GHz", 1]}, (1e9,)),
    ],
)  # fmt: skip
def test_ranges(stated: dict[str, Any], values: tuple[float, ...]) -> None:
    axis = made({"clock_hz": stated}).axes[0]
    assert axis.values == pytest.approx(values) and (axis.low, axis.high) == pytest.approx((min(values), max(values))) and axis.numeric
    assert (axis.log, axis.unit, axis.option, len(axis)) == ("logspace" in stated, "Hz", "clock_hz", len(values))


def test_other_kinds_of_values() -> None:
    space = made({"trace.batch": {"integers": [1, 9, 4]}, "mapping.clock_hz": {"list": ["0.85 GHz", 1.1e9]}, "hop_cycles": {"integers": [1, 3]},
                  "grid_usable": {"list": [[750, 994], [500, 500]]}, "mapping.algorithm": {"list": [None, "meshgemv"]}})  # fmt: skip
    assert [a.values for a in space.axes] == [(1, 5, 9), (8.5e8, 1.1e9), (1, 2, 3), ((750.0, 994.0), (500.0, 500.0)), (None, "meshgemv")]
    assert [a.kind for a in space.axes] == ["trace", "mapping", "chip", "chip", "mapping"] and not space.axes[3].numeric
    with pytest.raises(HwsimError, match="no numbers"):
        _ = space.axes[3].low


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("clock_hz:", "clok_hz:", r"space.yaml:4: parameters.clok_hz: chip 'wse2' has no parameter 'clok_hz' \(did you mean clock_hz"),
        ("sampling:", "samplng:", r"space.yaml:9: samplng: unknown key \(did you mean sampling"),
        ("0.7 GHz", "0.7", r"space.yaml:4: parameters.clock_hz.linspace: clock_hz needs a unit, such as 0.7 GHz"),
        ("0.7 GHz", "0.7 s", "is in s, but Hz is due"), ("1.4 GHz, 8]", "0.7 GHz, 8]", "the range is empty"), ("1.4 GHz, 8]", "1.4 GHz, 0]", "1 to"),
        ("mapping.grid: {", "mapping.grit: {", r"space.yaml:6: parameters.mapping.grit: .*no mapping option 'grit' \(did you mean grid"),
        ("mapping.grid: {", "map.grid: {", r"did you mean mapping"), ("[1, 2, 3]", "[]", "at least 1 item"), ("[1, 2, 3]", "[1, 1]", "stated twice"),
        ("list: [1, 2, 3]", "integers: [3, 1]", "empty"), ("list: [1, 2, 3]", "integers: [1, 3, 0]", "positive"),
        ("list: [1, 2, 3]", "integers: [1.5, 3]", "whole"), ("list: [1, 2, 3]", "list: [1], choices: [2]", "state one of"),
        ("list: [1, 2, 3]", "logspace: [0, 3, 4]", "positive"), ("list: [1, 2, 3]", "list: [[1]]", "not a list"),
        ("sram_bytes_per_core:", "sram_bytes:", r"space.yaml:7: derived.sram_bytes: chip 'wse2' has no parameter 'sram_bytes' \(did you mean"),
        ("sram_bytes_per_core:", "clock_hz:", "also varied"), ("600 / mapping.grid[0]", "600 / mapping.grit[0]", "unknown name 'mapping.grit'"),
        ("600 / mapping.grid[0]", "open(1)", "functions are"),
        ('"area_mm2 < 50000"', '"area_mm2 <"', r"space.yaml:8: constraints\[0\]: .*no expression"),
        ("name: llama3-8b", "name: lama3-8b", r"space.yaml:1: trace: unknown trace 'lama3-8b'"), ("phase: decode", "phase: decod",
        "space.yaml:1: trace: "),
        ("[wse2]", "[wse-2]", r"space.yaml:2: chips\[0\]: unknown chip"), ("[wse2]", "[wse2, wse2]", "stated twice"), ("[wse2]", "[]", "no chip"),
        ("sampling: grid", "points: 5", "a grid has as many"), ("sampling: grid", "sampling: sobol", "needs points"), ("analytic", "event_",
        "fidelity"),
        ("area_mm2, tokens", "latency_s, tokens", "stated twice"), ("area_mm2, tokens", "clock_hz, tokens", "is a parameter"), ("- ", "- ", ""),
        ("sampling: grid", "sampling: grit", "grid"), ("hop_cycles:", "trace.context:", "the trace states context too"),
        ("hop_cycles:", "mapping.clock_hz:", "they set the same figure"), ("chips: [wse2]", "chips: [a100]", "a100"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    if not problem:
        return
    path = tmp_path / "space.yaml"
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(HwsimError, match=problem):
        load_space(path)


def test_more_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HwsimError, match="derived in a circle"):
        made(derived={"hop_cycles": "ramp_cycles + 1", "ramp_cycles": "hop_cycles + 1"})
    with pytest.raises(HwsimError, match="no trace"):
        load_space({"trace": [], "chips": "wse2"})
    with pytest.raises(HwsimError, match="states its name"):
        load_space({"trace": {"phase": "decode"}, "chips": "wse2"})
    with pytest.raises(HwsimError, match="this trace is stated twice"):
        load_space({"trace": [TRACE, TRACE], "chips": "wse2"})
    with pytest.raises(HwsimError, match="no such file"):
        load_space(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(HwsimError, match="a space is a mapping"):
        load_space(tmp_path / "list.yaml")


def test_derived_in_any_order() -> None:
    space = made(derived={"hop_cycles": "ramp_cycles + 1", "ramp_cycles": "1 + 1"})
    assert list(space.derived) == ["ramp_cycles", "hop_cycles"] and len(space) == 1


def test_the_key_is_of_the_content() -> None:
    base = made({"clock_hz": {"list": ["1 GHz"]}})
    assert base.key == made({"clock_hz": {"list": ["1000 MHz"]}}).key
    others = [
        made({"clock_hz": {"list": ["1.1 GHz"]}}), made({"clock_hz": {"list": ["1 GHz"]}}, metrics=["latency_s"]),
        made({"clock_hz": {"list": ["1 GHz"]}}, constraints=["energy_j < 1"]), made({"clock_hz": {"list": ["1 GHz"]}}, fidelity="event"),
        load_space({"trace": {**TRACE, "context": 4095}, "chips": ["wse2"], "parameters": {"clock_hz": {"list": ["1 GHz"]}}}),
    ]  # fmt: skip
    assert len({base.key, *(o.key for o in others)}) == 6


def test_networks_by_name() -> None:
    spaces = [load_space({"trace": {"name": name, "dtype": "int8"}, "chips": ["zcu102"], "parameters": {}}) for name in ("resnet18", "resnet50")]
    assert [s.trace_names for s in spaces] == [("resnet18",), ("resnet50",)] and spaces[0].key != spaces[1].key


def test_names_of_traces() -> None:
    space = load_space({"trace": [TRACE, {**TRACE, "context": 512}, "llama2-7b", {"op": "matmul", "m": 1, "k": 64, "n": 64}], "chips": "wse2"})
    assert space.trace_names == ("llama3-8b phase=decode context=4096", "llama3-8b phase=decode context=512", "llama2-7b", "matmul")


@pytest.mark.parametrize("sampling", ["random", "latin_hypercube", "sobol"])
def test_samples_do_not_depend_on_the_range_asked_for(sampling: str) -> None:
    if sampling != "random":
        pytest.importorskip("scipy")
    parameters = {"clock_hz": {"linspace": ["0.7 GHz", "1.4 GHz", 3]}, "hop_cycles": {"list": [1, 2, 3]},
        "link_j_per_bit": {"logspace": ["0.01 pJ/bit", "1 pJ/bit", 2]}}
    space = load_space({"trace": [TRACE, "llama2-7b"], "chips": ["wse2", "wse3"], "parameters": parameters, "sampling": sampling, "points": 6000,
        "seed": 3})
    assert len(space) == 24000
    whole = space.batch(0, 24000)
    cuts = [0, 1, 4095, 4097, 6001, 17000, 24000]
    parts = [space.batch(a, b) for a, b in pairwise(cuts)]
    for name, column in whole.columns.items():
        assert np.concatenate([p.columns[name] for p in parts]).tolist() == column.tolist()  # type: ignore[union-attr]
    clock, energy = whole.columns["clock_hz"], whole.columns["link_j_per_bit"]
    assert isinstance(clock, np.ndarray) and isinstance(energy, np.ndarray)
    assert 0.7e9 <= clock.min() < 0.701e9 and 1.399e9 < clock.max() <= 1.4e9 and len(np.unique(clock[:6000])) > 5900
    assert np.median(energy) == pytest.approx(1e-13, rel=0.1)
    assert set(np.unique(whole.columns["hop_cycles"])) == {1.0, 2.0, 3.0}  # type: ignore[arg-type]
    assert (clock[:6000] == clock[6000:12000]).all()


def test_points_by_hand() -> None:
    space = made({"clock_hz": {"list": ["1 GHz", "2 GHz"]}, "mapping.grid": {"list": [[420, 420], [540, 540]]}})
    batch = space.points({"clock_hz": [1.5e9, 1e9], "mapping.grid": [(360, 360), [420, 420]]})
    grid = batch.columns["mapping.grid"]
    assert len(batch) == 2 and isinstance(grid, Choice) and grid.values == ((360, 360), (420, 420))
    for bad, problem in (({"clock_hz": [1e9]}, "state no 'mapping.grid'"), ({"clok": [1]}, "did you mean clock_hz"),
                         ({"clock_hz": [1e9], "mapping.grid": [1, 2]}, "differ in length"), ({"clock_hz": ["x"], "mapping.grid": [1]},
                         "takes numbers")):  # fmt: skip
        with pytest.raises(HwsimError, match=problem):
            space.points(bad)
