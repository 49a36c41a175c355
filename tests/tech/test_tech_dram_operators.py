"""DRAM devices by the data-sheet formulas; operators of three families."""

from __future__ import annotations

import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.tech.dram import device, system_j_per_bit
from hwsim.tech.operators import Tables, operator
from hwsim.tech.scaling import Node

CURRENTS = technology("dram-currents")
TABLES = Tables(
    technology(ARITHMETIC), technology("arithmetic-7nm"), technology("arithmetic-40nm-aladdin"), technology("arithmetic-area-45nm"),
    technology("node-scaling"),
)  # fmt: skip


def test_ddr4_by_hand() -> None:
    part = device(CURRENTS, "DDR4_8Gb_x8_2400")
    assert part.energy_j("activate") == pytest.approx(1.2 * (48 * 56 - 43 * 39 - 34 * 17) * 0.83e-12)
    assert part.energy_j("read") == pytest.approx(1.2 * (135 - 43) * 4 * 0.83e-12 / 64)
    assert part.energy_j("write") == pytest.approx(4.98e-12)
    assert part.energy_j("refresh") == pytest.approx(86.592e-9, rel=1e-4)
    assert part.idle_w == pytest.approx(40.8e-3)


def test_hbm_generations_differ_in_their_clock_only() -> None:
    one, two = device(CURRENTS, "hbm1_4gb_x128"), device(CURRENTS, "hbm2_8gb_x128")
    assert one.energy_j("activate") == two.energy_j("activate")
    assert one.energy_j("read") > two.energy_j("read")


@pytest.mark.parametrize("name", ["gddr6_8gb_x16", "ddr9"])
def test_unusable_and_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(InvalidTrace, match="GDDR needs" if name.startswith("g") else "no currents"):
        device(CURRENTS, name)


def test_what_a_device_does_not_state_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="no refresh time"):
        device(CURRENTS, "hbm_4gb_x128").energy_j("refresh")
    with pytest.raises(InvalidTrace, match="operation is one of"):
        device(CURRENTS, "hbm_4gb_x128").energy_j("erase")


def test_a_system_takes_more_than_a_core() -> None:
    assert system_j_per_bit(technology("dram-system"), "HBM2") > device(CURRENTS, "hbm2_8gb_x128").energy_j("read")
    with pytest.raises(InvalidTrace, match="no energy of memory system"):
        system_j_per_bit(technology("dram-system"), "sdram")


def test_families_stay_at_home_and_scale_away_from_it() -> None:
    home = operator(TABLES, "multiply", "fp32", Node(45, 0.9))
    assert (home.energy_j, home.area_mm2, home.family) == (pytest.approx(3.7e-12), pytest.approx(0.0077), "horowitz")
    lower = operator(TABLES, "multiply", "fp32", Node(45, 0.7))
    assert lower.energy_j < home.energy_j and lower.area_mm2 == home.area_mm2
    assert operator(TABLES, "multiply", "fp32", Node(7, 0.7)).energy_j == pytest.approx(1.31e-12)
    scaled = operator(TABLES, "multiply", "fp32", Node(7, 0.7), "horowitz")
    assert scaled.energy_j < 1.31e-12 and scaled.area_mm2 == pytest.approx(0.0077 / 17)


def test_aladdin_leaves_out_the_copied_area() -> None:
    assert operator(TABLES, "multiply", "fp32", Node(40, 0.9), "aladdin").area_mm2 is None
    assert operator(TABLES, "add", "fp32", Node(40, 0.9), "aladdin").area_mm2 == pytest.approx(4360e-6)
    assert operator(TABLES, "add", "int32", Node(40, 0.9), "aladdin", 0.5).energy_j == pytest.approx(0.142e-12)


@pytest.mark.parametrize(
    ("operation", "dtype", "family", "why"),
    [
        ("divide", "fp32", None, "operation is one of"), ("add", "fp32", "guess", "family is one of"),
        ("multiply", "int16", "horowitz", "no energy of mul"),
        ("add", "int8", "aladdin", "Aladdin has no add of int8"),
    ],
)  # fmt: skip
def test_what_no_family_states_is_refused(operation: str, dtype: str, family: str | None, why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        operator(TABLES, operation, dtype, Node(45, 0.9), family)


def test_an_unknown_latency_is_refused() -> None:
    with pytest.raises(InvalidTrace, match="at 7 ns"):
        operator(TABLES, "add", "int32", Node(40, 0.9), "aladdin", 7)
