"""Energy modes, operating points, area, and what a mapping may not ask."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.errors import InvalidChip, InvalidMapping, UnsupportedOp
from hwsim.core.graph import Graph, single_op
from hwsim.core.report import Report

CHIPS = ("pulp-open", "gap8", "mr-wolf", "gap9", "cortex-m4", "cortex-m33", "cortex-m7")
DOT = {"elements": 65536, "dtype": "int8"}


def dot() -> Graph:
    return single_op("dot", **DOT)


def run(chip: str, **mapping: object) -> Report:
    return hwsim.simulate(dot(), hwsim.load_chip(chip), mapping, interval=False)


@pytest.mark.parametrize("chip", CHIPS)
def test_every_chip_loads_with_sources(chip: str) -> None:
    found = hwsim.load_chip(chip)
    assert all(p.source for p in found.params.values())


def test_constant_platform_power_is_that_of_the_networks() -> None:
    report = run("gap8")
    assert report.power_w == pytest.approx(0.108, rel=0.01)
    assert run("gap8", cores=1).power_w == pytest.approx(report.power_w)


def test_physical_energy_of_eight_cores_is_half_that_of_one() -> None:
    one, eight = run("gap8", cores=1, energy_mode="physical"), run("gap8", cores=8, energy_mode="physical")
    assert one.energy_j / eight.energy_j == pytest.approx(2.0, rel=0.15)
    assert eight.power_w == pytest.approx(0.108, rel=0.15)
    assert one.power_w < eight.power_w


@pytest.mark.parametrize("mode", ["platform_constant", "physical"])
def test_energy_goes_with_the_square_of_the_voltage(mode: str) -> None:
    low, high = (run("gap8", energy_mode=mode, frequency_hz=90e6, voltage_v=v) for v in (1.0, 1.2))
    assert high.energy_j / low.energy_j == pytest.approx(1.44, rel=0.03)
    assert high.latency_s == low.latency_s


def test_a_clock_needs_its_voltage() -> None:
    with pytest.raises(InvalidMapping, match="90 MHz at 1 V"):
        run("gap8", frequency_hz=175e6, voltage_v=1.0)
    assert run("gap8", frequency_hz=132e6, voltage_v=1.1).latency_s > run("gap8").latency_s


def test_a_part_has_its_own_clock_and_joules() -> None:
    trace = hwsim.load_graph("mlperf-tiny-ad", dtype="int8")
    chip = hwsim.load_chip("cortex-m4")
    here, there = (hwsim.simulate(trace, chip, {"part": part}, interval=False) for part in ("stm32l4r5", "stm32l476"))
    assert there.latency_s / here.latency_s == pytest.approx(120 / 80)
    with pytest.raises(InvalidMapping, match="stm32l4r5, stm32l476"):
        hwsim.simulate(trace, chip, {"part": "stm32u575"})


def test_area_grows_with_cores_and_memory() -> None:
    chip = hwsim.load_chip("pulp-open")
    base = hwsim.simulate(dot(), chip, interval=False).area_mm2
    assert hwsim.simulate(dot(), chip.replace(cores=16.0), {"cores": 8}, interval=False).area_mm2 > base
    assert hwsim.simulate(dot(), chip.replace(tcdm_bytes=131072.0), interval=False).area_mm2 > base
    assert sum(hwsim.simulate(dot(), chip, interval=False).breakdown()["area_mm2"].values()) == pytest.approx(base)


@pytest.mark.parametrize(
    ("chip", "mapping", "problem"),
    [
        ("gap8", {"fp": "native"}, "no floating-point unit"),
        ("gap8", {"cores": 9}, "has 8"),
        ("cortex-m4", {"fp": "libgcc"}, "emulation library"),
        ("cortex-m4", {"isa": "xpulp"}, "RISC-V"),
        ("cortex-m4", {"flow": "dory"}, "PULP"),
        ("gap8", {"flow": "x-cube-ai"}, "Cortex-M"),
        ("gap8", {"part": "stm32l4r5"}, "itself only"),
        ("pulp-open", {"core": 8}, "did you mean cores"),
    ],
)
def test_choices_that_a_chip_cannot_serve_are_refused(chip: str, mapping: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidMapping, match=problem):
        run(chip, **mapping)


def test_an_operator_without_a_kernel_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnsupportedOp, match="no kernel for fp16"):
        hwsim.simulate(single_op("svm", features=8, classes=2, dtype="fp16"), hwsim.load_chip("gap8"))


def test_impossible_chips_are_refused() -> None:
    chip = hwsim.load_chip("pulp-open")
    with pytest.raises(InvalidChip, match="tcdm_quiet_density"):
        hwsim.simulate(dot(), hwsim.load_chip("pulp-open", tcdm_quiet_density=0.9))
    with pytest.raises(InvalidChip, match="cores"):
        hwsim.load_chip("pulp-open", cores=2.5)
    assert chip.number("fpu_units") == 4
