"""Every chip: its peaks, its refusals, its power limit and its primitives."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import single_op
from hwsim.core.param import STATUSES

CHIPS = {  # dense peaks in TFLOP/s: fp32 vector, 16-bit tensor; DRAM TB/s; die mm2
    "p100": (9.5, 18.7, 0.732, 610), "v100-pcie": (14.1, 112, 0.9, 815), "v100-sxm": (15.7, 125, 0.9, 815), "a100-40": (19.5, 312, 1.555, 826),
    "a100": (19.5, 312, 2.04, 826), "a100-80-pcie": (19.5, 312, 1.93, 826), "h100-pcie": (51, 756, 2.0, 814), "h100": (62, 989, 3.35, 814),
    "h200": (62, 989, 4.8, 814), "rtx-3090": (35.6, 71, 0.936, 628), "rtx-4090": (82.6, 165, 1.008, 609),
}  # fmt: skip


@pytest.fixture(scope="module", params=CHIPS)
def chip(request: pytest.FixtureRequest) -> Chip:
    return api.load_chip(request.param)


def test_peaks_and_area_are_the_data_sheets(chip: Chip) -> None:
    fp32, fp16, dram, die = CHIPS[chip.name]
    per_mac = 2 * chip.number("sm_count") * chip.number("clock_hz") / 1e12
    assert per_mac * chip.number("vector_fp32_macs_per_cycle") == pytest.approx(fp32, rel=0.02)
    assert per_mac * chip.number("tensor16_macs_per_cycle") == pytest.approx(fp16, rel=0.02)
    assert chip.number("dram_bytes_per_s") == dram * 1e12
    report = api.simulate(single_op("matmul", m=64, k=64, n=64), chip, interval=False)
    assert report.area_mm2 == pytest.approx(die)


def test_every_constant_has_a_source_and_uncertain_ones_a_range(chip: Chip) -> None:
    for name, param in chip.params.items():
        assert param.status in STATUSES
        assert param.source, name
        if param.status in ("fitted", "assumed") and param.is_number:
            assert param.low is not None and param.high is not None, name


@pytest.mark.parametrize("dtype", ["fp16", "fp32", "fp64"])
def test_no_board_beats_its_peak_or_its_power_limit(chip: Chip, dtype: str) -> None:
    report = api.simulate(
        single_op("matmul", m=4096, k=4096, n=4096, dtype=dtype), chip, {"dispatch": "kernel", "kernels": "framework"}, interval=False
    )
    assert report.cost.utilisation()["arithmetic"] <= 1
    assert report.power_w <= chip.number("tdp_w") * (1 + 1e-6)


def test_intervals_hold_every_figure(chip: Chip) -> None:
    report = api.simulate(api.load_graph("resnet18", batch=4), chip, {"system": "pytorch"})
    for metric in ("latency_s", "energy_j", "power_w", "area_mm2"):
        low, high = report.interval[metric]
        assert low * (1 - 1e-12) <= report.metric(metric) <= high * (1 + 1e-12)


def test_the_power_limit_lowers_the_clock() -> None:
    chip = api.load_chip("a100")
    free = chip.replace(tensor_j_per_flop=0.5e-12)
    hot = chip.replace(tensor_j_per_flop=3e-12)
    graph = single_op("matmul", m=8192, k=8192, n=8192)
    cool, capped = (api.simulate(graph, c, {"kernels": "framework"}, interval=False) for c in (free, hot))
    assert cool.cost.by_component("cycles")["compute"] < capped.cost.by_component("cycles")["compute"]
    assert capped.power_w == pytest.approx(400, rel=1e-3)
    assert capped.latency_s > cool.latency_s
    lower = api.simulate(graph, hot.replace(tdp_w=300.0), {"kernels": "framework"}, interval=False)
    assert lower.latency_s > capped.latency_s
    assert lower.energy_j < capped.energy_j  # fewer joules per operation at the lower voltage
    nameplate = api.simulate(graph, hot, {"kernels": "framework", "energy_mode": "nameplate"}, interval=False)
    assert nameplate.latency_s == capped.latency_s


def test_arithmetic_and_links_that_a_chip_lacks_are_refused() -> None:
    with pytest.raises(UnsupportedOp, match="tensor_fp8_macs_per_cycle"):
        api.simulate(single_op("matmul", m=8, k=8, n=8, dtype="fp8"), api.load_chip("a100"), interval=False)
    with pytest.raises(UnsupportedOp, match="tensor_tf32"):
        api.simulate(single_op("matmul", m=8, k=8, n=8, dtype="fp32"), api.load_chip("v100-pcie"), {"tf32": True}, interval=False)
    with pytest.raises(InvalidMapping, match="link: pcie"):
        api.simulate(single_op("allreduce", elements=1024), api.load_chip("p100"), {"devices": 4}, interval=False)
    assert api.simulate(single_op("allreduce", elements=1024), api.load_chip("p100"), {"devices": 4, "link": "pcie"}, interval=False).latency_s > 0


def test_old_libraries_carry_kernels_of_their_own_chips() -> None:
    graph, p100 = single_op("matmul", m=4096, k=4096, n=4096, dtype="fp32"), api.load_chip("p100")
    new, old = (api.simulate(graph, p100, {"library": lib}, interval=False).latency_s for lib in ("cuda-12", "cuda-8"))
    assert new / old == pytest.approx(p100.number("sgemm_fraction_native") / p100.number("sgemm_fraction"), rel=0.05)


def test_tf32_is_faster_than_fp32(a100: Chip) -> None:
    graph = single_op("matmul", m=4096, k=4096, n=4096, dtype="fp32")
    vector, tensor = (api.simulate(graph, a100, {"tf32": on}, interval=False).latency_s for on in (False, True))
    assert 3 < vector / tensor < 8


def test_fp8_weights_halve_the_traffic() -> None:
    h100 = api.load_chip("h100")
    wide, narrow = (
        api.simulate(single_op("matmul", m=8, k=8192, n=8192, dtype="bf16", weight_dtype=w), h100, interval=False) for w in ("bf16", "fp8")
    )
    assert narrow.latency_s < 0.6 * wide.latency_s
    model = api.load_graph("llama3.1-405b", phase="decode", context=1024, dtype="bf16", weight_dtype="fp8")
    assert api.simulate(model, h100, {"system": "vllm", "devices": 8}, interval=False).latency_s > 0


def test_bus_bandwidth_is_the_moved_bytes_over_the_time(a100: Chip) -> None:
    report = api.simulate(single_op("allreduce", elements=2**28, dtype="fp16"), a100, {"devices": 4}, interval=False)
    assert report.metric("bandwidth_bytes_per_s") == pytest.approx(2 * 3 / 4 * 2**29 / report.latency_s)


def test_every_memory_primitive_runs(chip: Chip) -> None:
    def run(name: str, **arguments: Any) -> dict[str, float]:
        return api.primitive(name, chip, arguments)

    peak = chip.number("dram_bytes_per_s")
    for kernel in ("read", "scale", "triad", "add", "init"):
        assert 0.5 * peak < run("stream", kernel=kernel)["bandwidth_bytes_per_s"] <= peak
    near = run("l2_read", footprint_bytes=1e6)["bandwidth_bytes_per_s"]
    assert near >= run("l2_read", footprint_bytes=2e8)["bandwidth_bytes_per_s"]
    latency = [run("load_latency", level=level)["latency_s"] for level in ("l1", "l2", "l2_far", "dram")]
    assert latency == sorted(latency)
    some = [run("read_at_occupancy", thread_fraction=f)["bandwidth_bytes_per_s"] for f in (0.01, 0.02, 1.0)]
    assert some[1] == pytest.approx(2 * some[0])
    assert some[2] <= peak
    assert run("host_copy", bytes=1e9)["bandwidth_bytes_per_s"] <= chip.number("host_link_bytes_per_s")
    assert run("host_copy", bytes=1)["latency_s"] == pytest.approx(chip.number("host_link_latency_s"), rel=0.01)
    assert run("idle")["power_w"] < run("idle", memory_loaded=True)["power_w"] <= chip.number("tdp_w")
    assert run("power_at_rates", dtype="fp16", dram_bytes_per_s=1e15, flop_per_s=0)["power_w"] == chip.number("tdp_w")
    assert run("kernel_launch")["latency_s"] > 0
    grid = api.primitive("small_kernel", chip, {"bytes": 0}, {"dispatch": "grid_sync"})["latency_s"]
    assert grid < run("small_kernel", bytes=0)["latency_s"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("stream", {"kernel": "triadd"}, "did you mean triad"), ("load_latency", {"level": "l3"}, "level is one of l1, l2, l2_far, dram"),
        ("read_at_occupancy", {"thread_fraction": 1.5}, r"0\.\.1, got 1\.5"), ("idle", {"memory_loaded": 3}, "true or false"),
        ("power_at_rates", {"dtype": "int4", "dram_bytes_per_s": 0, "flop_per_s": 0}, "int4"), ("host_copy", {"bytes": -1}, "at least 0"),
    ],
)  # fmt: skip
def test_bad_arguments_of_primitives_are_refused(a100: Chip, name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidTrace, match=message):
        api.primitive(name, a100, arguments)
