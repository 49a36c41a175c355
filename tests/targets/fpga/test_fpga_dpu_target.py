"""The DPU overlay on its boards: sizes, resources, power, threads, and the published rows."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.validate.cases import published
from hwsim.validate.run import Runner

ARCHES = {"b512": (4, 8, 8), "b800": (4, 10, 10), "b1024": (8, 8, 8), "b1152": (4, 12, 12), "b1600": (8, 10, 10), "b2304": (8, 12, 12),
          "b3136": (8, 14, 14), "b4096": (8, 16, 16)}  # fmt: skip


def primitive(name: str, chip: str = "zcu102", mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    return dict(hwsim.primitive(name, hwsim.load_chip(chip), arguments, {"design": "dpuczdx8g", **(mapping or {})}))


@pytest.mark.parametrize("arch", ARCHES)
def test_a_size_is_its_product_of_parallelisms(arch: str) -> None:
    macs = primitive("peak_macs", mapping={"arch": arch, "cores": 1})["macs_per_cycle"]
    assert macs == math.prod(ARCHES[arch]) == int(arch[1:]) / 2


@pytest.mark.parametrize(("arch", "usage", "dsp"), [("b512", "high", 118), ("b1024", "high", 230), ("b2304", "high", 438), ("b4096", "high", 710),
                                                    ("b4096", "low", 562)])  # fmt: skip
def test_dsp_slices_are_the_published_ones(arch: str, usage: str, dsp: int) -> None:
    assert primitive("design_resources", mapping={"arch": arch, "cores": 1, "dsp_usage": usage})["dsp"] == dsp


def test_cores_and_softmax_cores_add_up() -> None:
    one = primitive("design_resources", mapping={"arch": "b1024", "cores": 1})
    three = primitive("design_resources", mapping={"arch": "b1024", "cores": 3})
    softmax = primitive("design_resources", mapping={"arch": "b1024", "cores": 1, "softmax_cores": 1})
    assert three == {name: 3 * value for name, value in one.items()}
    assert softmax["dsp"] == one["dsp"] + 14


def test_boards_with_uram_keep_weights_there() -> None:
    taken = primitive("design_resources", "kv260", {"arch": "b4096"})
    assert taken["uram"] == 2 * (5 + 17 + 1) and taken["bram"] < 144


def test_what_does_not_fit_is_infeasible() -> None:
    with pytest.raises(Infeasible, match="BRAM36") as found:
        primitive("design_resources", mapping={"arch": "b4096", "cores": 4})
    assert found.value.demand > found.value.bound == 912
    with pytest.raises(Infeasible, match="cores"):
        primitive("design_resources", mapping={"arch": "b512", "cores": 5})


def test_an_arch_picks_a_size_of_the_overlay() -> None:
    graph = hwsim.load_graph("resnet18", dtype="int8")
    by_arch = hwsim.simulate(graph, hwsim.load_chip("zcu102"), {"design": "dpuczdx8g", "arch": "b1024"}, interval=False)
    by_name = hwsim.simulate(graph, hwsim.load_chip("zcu102"), {"design": "dpu_b1024"}, interval=False)
    assert by_arch.latency_s == by_name.latency_s
    with pytest.raises(InvalidMapping, match="size already"):
        hwsim.simulate(graph, hwsim.load_chip("zcu102"), {"design": "dpu_b512", "arch": "b1024"}, interval=False)


def test_smaller_sizes_are_slower() -> None:
    graph = hwsim.load_graph("resnet50", dtype="int8")
    sizes = ("b4096", "b2304", "b1024", "b512")
    times = [hwsim.simulate(graph, hwsim.load_chip("zcu102"), {"arch": arch, "cores": 1}, interval=False).latency_s for arch in sizes]
    assert times == sorted(times) and times[-1] > 2 * times[0]


def test_options_of_other_designs_are_refused() -> None:
    with pytest.raises(InvalidMapping, match="tp"):
        hwsim.simulate(hwsim.load_graph("resnet18"), hwsim.load_chip("zcu102"), {"tp": 2}, interval=False)


@pytest.mark.parametrize("trace", ["resnet50", "vgg19", "mobilenet-v1"])
def test_threads_share_ddr_and_hide_the_processor(trace: str) -> None:
    graph, chip = hwsim.load_graph(trace, dtype="int8"), hwsim.load_chip("zcu102")
    single, multi = (hwsim.simulate(graph, chip, {"threads": threads}, interval=False) for threads in ("single", "multi"))
    assert multi.latency_s > single.latency_s, "other cores draw from DDR"
    gain = multi.metric("inferences_per_s") / single.metric("inferences_per_s")
    assert 1.5 < gain < 3.5
    assert single.metric("inferences_per_s") == pytest.approx(1 / single.latency_s)


def test_several_threads_draw_the_power_of_all_cores() -> None:
    graph, chip = hwsim.load_graph("resnet50", dtype="int8"), hwsim.load_chip("zcu102")
    options = {"clock_hz": 300e6, "softmax_cores": 1, "clock_gating": False}
    single, multi = (hwsim.simulate(graph, chip, {**options, "threads": threads}, interval=False) for threads in ("single", "multi"))
    assert multi.macs == 3 * single.macs and multi.power_w > single.power_w
    watts = primitive("platform_power", mapping={"cores": 3, **options}, state="running")["power_w"]
    assert multi.power_w == pytest.approx(watts, rel=0.05), "the run that the constant of a MAC rests on"
    gone = {slot: value for slot, value in multi.breakdown()["energy_j"].items() if slot == "mac_energy"}
    assert gone["mac_energy"] == pytest.approx(3 * single.breakdown()["energy_j"]["mac_energy"])


def test_one_core_of_several_threads_only_hides_the_processor() -> None:
    graph, chip = hwsim.load_graph("resnet50", dtype="int8"), hwsim.load_chip("kv260")
    single, multi = (hwsim.simulate(graph, chip, {"threads": threads}, interval=False) for threads in ("single", "multi"))
    assert multi.latency_s == pytest.approx(single.latency_s, rel=1e-12)
    host = single.breakdown()["latency_by_mechanism_s"]["sync"]
    assert 1 / multi.metric("inferences_per_s") == pytest.approx(single.latency_s - host)


def test_the_processor_limits_many_cores() -> None:
    graph = hwsim.load_graph("ssd-resnet34", dtype="int8")
    slow = hwsim.load_chip("zcu102+dpuczdx8g", host_score_s=1e-5)
    report = hwsim.simulate(graph, slow, {"threads": "multi"}, interval=False)
    host = report.breakdown()["latency_by_mechanism_s"]["sync"]
    assert report.metric("inferences_per_s") == pytest.approx(4 / host)


def test_boxes_collected_class_by_class_cost_a_miss_each() -> None:
    graph = hwsim.load_graph("ssd-mobilenet-v1", dtype="int8")
    chip = hwsim.load_chip("kv260+dpuczdx8g")
    read = {name for op in graph.ops for name in op.inputs}
    scores = sum(graph.tensors[op.outputs[0]].elements for op in graph.ops if op.outputs[0] not in read)
    assert scores == 1917 * (91 + 4)
    free, own = (hwsim.simulate(graph, c, {}, interval=False).latency_s for c in (chip.replace(host_box_score_s=0.0), chip))
    assert own - free == pytest.approx(scores * chip.number("host_box_score_s"))
    yolo = hwsim.load_graph("yolov3", dtype="int8")
    free, own = (hwsim.simulate(yolo, c, {}, interval=False).latency_s for c in (chip.replace(host_box_score_s=0.0), chip))
    assert own == free, "one that tests the objectness of a box first"


def test_a_batch_is_as_many_frames() -> None:
    chip = hwsim.load_chip("zcu102")
    one, four = (hwsim.simulate(hwsim.load_graph("resnet18", dtype="int8", batch=n), chip, {}, interval=False) for n in (1, 4))
    assert one.latency_s < four.latency_s <= 4 * one.latency_s
    assert four.metric("inferences_per_s") == pytest.approx(4 / four.latency_s)


def test_power_by_state() -> None:
    mapping = {"arch": "b4096", "cores": 3, "softmax_cores": 1, "clock_hz": 300e6}
    watts = {
        (state, gated): primitive("platform_power", mapping={**mapping, "clock_gating": gated}, state=state)["power_w"]
        for state in ("idle", "running", "idle_after_run") for gated in (False, True)
    }  # fmt: skip
    assert watts["idle", False] == pytest.approx(9.621, rel=0.01)
    assert watts["idle", True] == pytest.approx(5.894, rel=0.01)
    assert watts["running", False] == pytest.approx(16.421, rel=0.01)
    assert watts["running", True] - watts["idle", True] == pytest.approx(watts["running", False] - watts["idle", False])
    assert watts["idle_after_run", True] == watts["idle", True]
    fewer = primitive("platform_power", mapping={**mapping, "cores": 1, "clock_gating": True}, state="running")["power_w"]
    assert fewer - watts["idle", True] == pytest.approx((watts["running", True] - watts["idle", True]) / 3)


def test_gating_saves_energy_and_no_time() -> None:
    graph, chip = hwsim.load_graph("resnet18", dtype="int8"), hwsim.load_chip("zcu102")
    plain, gated = (hwsim.simulate(graph, chip, {"clock_gating": g}, interval=False) for g in (False, True))
    assert gated.latency_s == plain.latency_s and gated.energy_j < plain.energy_j


@cache
def errors() -> dict[tuple[str, str], tuple[float, ...]]:
    runner = Runner()
    found: dict[tuple[str, str], list[float]] = {}
    for case in (c for f in published() if f.target == "fpga" for c in f.cases if c.group.startswith("dpu_")):
        found.setdefault((case.group, case.role), []).append(runner.got(case, Path()) / case.value - 1)
    return {key: tuple(values) for key, values in found.items()}


@pytest.mark.parametrize(("group", "role", "mean"), [
    ("dpu_zcu102", "calibrate", 0.07), ("dpu_zcu102", "predict", 0.10), ("dpu_zcu104", "predict", 0.06), ("dpu_kv260", "calibrate", 0.06),
    ("dpu_kv260", "predict", 0.06), ("dpu_power", "calibrate", 0.01), ("dpu_power", "predict", 0.10), ("dpu_resources", "calibrate", 0.02),
    ("dpu_resources", "predict", 0.01),
])  # fmt: skip
def test_published_rows(group: str, role: str, mean: float) -> None:
    assert fmean(abs(e) for e in errors()[group, role]) < mean
