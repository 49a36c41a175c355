"""Node scaling: measured anchors, monotone delay, refusals, and the mixed-rows trap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.readers.technology import technology
from hwsim.tech.scaling import Node, area, factor, inverter, nominal_v, scale

TABLE = technology("node-scaling")
NODES = (180, 130, 90, 65, 45, 32, 20, 16, 14, 10, 7)


@pytest.mark.parametrize(("node", "delay_ps", "energy_fj", "power_uw"), [(Node(45, 1.1), 10.9, 1.05, 5.19), (Node(7, 0.8), 2.47, 0.111, 0.789)])
def test_anchors_are_met(node: Node, delay_ps: float, energy_fj: float, power_uw: float) -> None:
    assert inverter(TABLE, node, "delay") == pytest.approx(delay_ps * 1e-12)
    assert inverter(TABLE, node, "energy") == pytest.approx(energy_fj * 1e-15)
    assert inverter(TABLE, node, "power") == pytest.approx(power_uw * 1e-6)


def test_measured_ratio_of_45_to_7_nm() -> None:
    assert 1 / factor(TABLE, "energy", Node(45, 1.1), Node(7, 0.8)) == pytest.approx(9.46, rel=0.01)
    assert 1 / factor(TABLE, "delay", Node(45, 1.1), Node(7, 0.8)) == pytest.approx(4.41, rel=0.01)


def test_polynomial_of_32_nm_is_the_one_of_the_erratum() -> None:
    powers = TABLE.vector("n32_hp_energy")
    assert powers[0] * 0.81 + powers[1] * 0.9 + powers[2] == pytest.approx(0.4571, abs=1e-4)


def test_low_power_and_high_performance_rows_are_not_mixed() -> None:
    with pytest.raises(InvalidTrace, match="one class of device"):
        factor(TABLE, "energy", Node(45, 0.8, "lp"), Node(7, 0.8, "hp"))
    def at(name: str) -> float:
        a, b, c = TABLE.vector(name)
        return a * 0.64 + b * 0.8 + c
    assert at("n45_hp_energy") / at("n7_hp_energy") == pytest.approx(8.5, rel=0.01)
    assert at("n45_lp_energy") / at("n7_hp_energy") == pytest.approx(10.6, rel=0.01)


@given(st.sampled_from(NODES), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_higher_supply_is_never_slower(nm: int, a: float, b: float) -> None:
    span = nominal_v(TABLE, nm) - 0.75
    low, high = sorted((0.75 + a * span, 0.75 + b * span))
    assert inverter(TABLE, Node(nm, high), "delay") <= inverter(TABLE, Node(nm, low), "delay") * (1 + 1e-9)


@given(st.sampled_from(NODES[4:]), st.sampled_from(NODES[4:]), st.sampled_from(("delay", "energy", "power", "area")))
def test_there_and_back_is_the_identity(one: int, two: int, kind: str) -> None:
    a, b = Node(one, 0.8), Node(two, 0.8)
    assert scale(TABLE, scale(TABLE, 3.0, kind, a, b), kind, b, a) == pytest.approx(3.0)


def test_between_nodes_lies_between_them() -> None:
    low, mid, high = (inverter(TABLE, Node(nm, 0.9), "energy") for nm in (32, 38, 45))
    share = math.log(38 / 32) / math.log(45 / 32)
    assert mid == pytest.approx(low ** (1 - share) * high**share)
    assert area(TABLE, 28) == pytest.approx(math.exp(math.log(3.6) + math.log(28 / 20) / math.log(32 / 20) * math.log(7.8 / 3.6)))


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (Node(5, 0.7), "from 7 to 180"), (Node(18, 0.8), "planar"), (Node(45, 1.5), "hold from"), (Node(45, 0.3), "hold from"),
        (Node(45, 1.0, "mid"), "device is one of"), (Node(180, 0.6), "no positive value"),
    ],
)  # fmt: skip
def test_outside_the_ranges_is_refused(node: Node, why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        inverter(TABLE, node, "energy")


def test_an_inverter_has_no_area() -> None:
    with pytest.raises(InvalidTrace, match="not area"):
        inverter(TABLE, Node(45, 1.0), "area")
