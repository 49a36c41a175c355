"""A systolic array on a device: cycles, resources, refusals, sweeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.report import Report
from hwsim.explore.sweep import sweep

DEVICE = hwsim.load_chip("u280")


def run(mapping: dict[str, Any] | None = None, chip: Any = DEVICE, dtype: str = "int8", **bounds: int) -> Report:
    graph = single_op("matmul", dtype=dtype, **{"m": 512, "k": 768, "n": 3072, **bounds})
    return hwsim.simulate(graph, chip, {"design": "systolic_array", **(mapping or {})}, interval=False)


def test_tiles_stream_one_after_another() -> None:
    report = run({"rows": 16, "cols": 16})
    assert report.cycles == 32 * 192 * 768 + 16 + 16 - 2 + 5
    assert report.latency_s == pytest.approx(0.01573, rel=0.001)  # HLS report, arXiv 2312.15159


def test_partial_tiles_cost_whole_ones() -> None:
    assert run(m=1).cycles == run(m=16).cycles < run(m=17).cycles == run(m=32).cycles


@pytest.mark.parametrize(("packing", "dsp"), [(False, 256), (True, 128)])
def test_packing_halves_the_slices_at_equal_time(packing: bool, dsp: int) -> None:
    report = run({"dsp_packing": packing})
    assert report.metric("dsp") == dsp and report.cycles == run().cycles


def test_a_narrow_port_binds() -> None:
    narrow = hwsim.load_chip("u280+systolic_array", array_port_bytes_per_cycle=0.25)
    report = run(chip=narrow)
    assert report.cycles == pytest.approx((512 * 768 + 768 * 3072) / 0.25 + 35)
    small = hwsim.load_chip("u280+systolic_array", array_buffer_bytes=0, array_port_bytes_per_cycle=1)
    assert run(chip=small).metric("bytes") == 192 * 512 * 768 + 768 * 3072 + 512 * 3072  # A again for every tile column


def test_energy_is_idle_clocking_and_work() -> None:
    report = run()
    chip = report.cost.program.chip
    clocked = sum(report.metric(n) * chip.number(f"{n}_j_per_cycle") for n in ("lut", "dsp", "bram", "uram")) * 300e6
    still = chip.number("idle_w") + clocked
    work = 512 * 768 * 3072 * chip.number("mac_j") + report.metric("bytes") * chip.number("hbm_j_per_byte")
    assert report.energy_j == pytest.approx(still * report.latency_s + work)
    assert run(dtype="int16").cost.by_component("joules")["mac_energy"] == pytest.approx(4 * report.cost.by_component("joules")["mac_energy"])


def test_platform_power() -> None:
    chip = hwsim.load_chip("u280+systolic_array")
    idle, running = (hwsim.primitive("platform_power", chip, {"state": s})["power_w"] for s in ("idle", "running"))
    assert idle == pytest.approx(sum(run(chip=chip).cost.program.static_power_w.values()))
    assert running - idle == pytest.approx(256 * 300e6 * chip.number("mac_j"))
    assert hwsim.primitive("peak_tops", chip)["tops"] == pytest.approx(2 * 256 * 300e6 / 1e12)


def test_a_design_that_does_not_fit_names_what_is_short() -> None:
    with pytest.raises(Infeasible) as short:
        run({"rows": 100, "cols": 100})
    assert (short.value.demand, short.value.bound, short.value.unit) == (10_000, 9_020, "DSP slices")
    assert "u280+systolic_array" in str(short.value)
    with pytest.raises(Infeasible, match="BRAM36"):
        hwsim.primitive("design_resources", hwsim.load_chip("kv260+systolic_array", array_buffer_bytes=2_000_000))
    with pytest.raises(Infeasible, match="clock"):
        run({"clock_hz": 800e6})


@pytest.mark.parametrize(
    ("mapping", "dtype", "error", "complaint"),
    [
        ({}, "fp16", UnsupportedOp, "fp16"),
        ({}, "int32", UnsupportedOp, "int32"),
        ({"dsp_packing": True}, "int16", UnsupportedOp, "up to 8 bits"),
        ({"arch": "b4096"}, "int8", InvalidMapping, "no mapping option arch"),
        ({"design": "systolic_aray"}, "int8", InvalidChip, "did you mean systolic_array"),
        ({"rows": 0}, "int8", InvalidMapping, "rows"),
    ],
)
def test_refusals(mapping: dict[str, Any], dtype: str, error: type[Exception], complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        run(mapping, dtype=dtype)


def test_a_bare_device_needs_a_design_and_a_composed_one_keeps_its_own() -> None:
    graph = single_op("matmul", dtype="int8", m=1, k=16, n=16)
    with pytest.raises(InvalidMapping, match=r"bare device.*u50\+DESIGN"):
        hwsim.simulate(graph, hwsim.load_chip("u50"))
    composed = hwsim.load_chip("u280+systolic_array")
    assert hwsim.simulate(graph, composed).cycles == hwsim.simulate(graph, composed, {"design": "systolic_array"}).cycles
    with pytest.raises(InvalidMapping, match="holds design"):
        hwsim.simulate(graph, composed, {"design": "another"})


SIZE = st.integers(1, 300)


@given(m=SIZE, k=SIZE, n=SIZE, rows=st.integers(1, 40), cols=st.integers(1, 40))
def test_more_work_never_takes_less_time_and_cells_are_a_roofline(m: int, k: int, n: int, rows: int, cols: int) -> None:
    mapping = {"rows": rows, "cols": cols}
    now = run(mapping, m=m, k=k, n=n)
    assert now.cycles >= m * k * n / (rows * cols)
    for grown in ({"m": m + 7}, {"k": k + 7}, {"n": n + 7}):
        more = run(mapping, **{"m": m, "k": k, "n": n, **grown})
        assert more.cycles >= now.cycles and more.energy_j >= now.energy_j


@given(clock=st.floats(50e6, 700e6), m=SIZE)
def test_a_faster_clock_never_slows_the_whole(clock: float, m: int) -> None:
    assert run({"clock_hz": clock}, m=m).latency_s >= run({"clock_hz": clock * 1.1}, m=m).latency_s * (1 - 1e-12)


def test_device_and_design_are_swept_alike(tmp_path: Path) -> None:
    rows, totals = (8.0, 32.0, 100.0), ("1 GB/s", "460 GB/s")
    space = {
        "trace": {"op": "matmul", "m": 64, "k": 256, "n": 256, "dtype": "int8"}, "chips": ["u280+systolic_array"],
        "parameters": {"array_rows": {"list": list(rows)}, "array_cols": {"list": [100]}, "hbm_total_bytes_per_s": {"list": list(totals)}},
        "metrics": ["cycles", "energy_j", "dsp"],
    }  # fmt: skip
    made = sweep(space, tmp_path / "out").results.relation.fetchall()
    columns = sweep(space, tmp_path / "out").results.relation.columns
    found = [dict(zip(columns, row, strict=True)) for row in made]
    assert len(found) == 6 and sum(f["status"] == "ok" for f in found) == 4
    for point in found:
        if point["array_rows"] == 100:
            assert "DSP slices" in point["reason"]
            continue
        chip = hwsim.load_chip("u280+systolic_array", **{n: point[n] for n in ("array_rows", "array_cols", "hbm_total_bytes_per_s")})
        alone = run(chip=chip, m=64, k=256, n=256)
        assert (point["cycles"], point["energy_j"], point["dsp"]) == (alone.cycles, alone.energy_j, alone.metric("dsp"))


def test_designs_are_a_choice_of_a_sweep(tmp_path: Path) -> None:
    space = {
        "trace": {"op": "matmul", "m": 64, "k": 256, "n": 256, "dtype": "int8"}, "chips": ["u280", "kv260"],
        "parameters": {"mapping.design": {"choices": ["systolic_array"]}, "mapping.rows": {"list": [8, 16]}}, "metrics": ["latency_s", "dsp"],
    }  # fmt: skip
    results = sweep(space, tmp_path / "out").results.relation
    assert sorted(results.project("dsp").fetchall()) == [(128.0,), (128.0,), (256.0,), (256.0,)]
