"""Stages and ring oscillators of the Flip FET family: closed forms, limits, what a better part may do, refusals; metals and wires."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidMapping, InvalidTrace, MissingParameter
from hwsim.targets.stdcell.beol import BACK, CASES, FRONT, routing_layer
from hwsim.targets.stdcell.ring import Ring, Wire, supply_for
from hwsim.targets.stdcell.stage import Stage, stage_of
from hwsim.tech.wires import Geometry, Metal, via_ohm, wire_f_per_um, wire_ohm_per_um

COPPER = Metal(32.05, 82.0, 3.75, 1200.0)
FAMILY = ("ffet-3p5t", "ffet-2p5t", "cfet-4t", "cfet-cg", "cfet-sg", "finfet")
STAGE = Stage(2, 200, 1.5e-16, 2600, 0.28, 1.2, 4000, 1, 1e-16, 4e-17, 1.0, 0.8, 1.3)
supplies = st.floats(0.4, 1.0)


def ring(chip: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    return hwsim.primitive("ring_oscillator", hwsim.load_chip(chip), {"vdd_v": 0.7, **arguments}, mapping or {})


def test_a_stage_by_its_closed_form() -> None:
    resistance = 2600 * 0.7 / 0.42**1.2 * (1 + 200 / 4000)
    gates = 2 * (3 * 1e-16 + 4e-17) + 4 * 1.5e-16
    assert STAGE.resistance_ohm(0.7) == pytest.approx(resistance)
    assert STAGE.delay_s(0.7, 3, 5e-16) == pytest.approx(resistance * (0.8 * gates + 5e-16))
    assert STAGE.cycle_j(0.7, 3, 5e-16) == pytest.approx((gates + 5e-16) * 0.49 * (1 + 1.3 * 0.42**2))


def test_half_the_fins_drive_half() -> None:
    bare = replace(STAGE, source_r_ohm=0.0)
    assert replace(bare, fins=1).resistance_ohm(0.7) == pytest.approx(2 * bare.resistance_ohm(0.7))


@given(supplies, st.floats(0, 1e-15), st.integers(1, 8))
def test_more_load_is_slower_and_costs_more(vdd: float, wire: float, fanout: int) -> None:
    assert STAGE.delay_s(vdd, fanout, wire + 1e-17) > STAGE.delay_s(vdd, fanout, wire)
    assert STAGE.delay_s(vdd, fanout + 1, wire) > STAGE.delay_s(vdd, fanout, wire)
    assert STAGE.cycle_j(vdd, fanout, wire + 1e-17) > STAGE.cycle_j(vdd, fanout, wire)


@given(supplies)
def test_a_higher_supply_is_faster_and_takes_more_power(vdd: float) -> None:
    oscillator = Ring(STAGE, 3, 3e-16)
    assert oscillator.delay_s(vdd + 0.02) < oscillator.delay_s(vdd)
    assert oscillator.power_w(vdd + 0.02) > oscillator.power_w(vdd)


@given(st.floats(0, 600), st.floats(5e-17, 4e-16))
def test_a_better_part_never_slows_the_whole(source: float, inputs: float) -> None:
    worse = replace(STAGE, source_r_ohm=source + 10, input_c_mol_f=inputs + 1e-17)
    better = replace(STAGE, source_r_ohm=source, input_c_mol_f=inputs)
    assert better.delay_s(0.7, 3) < worse.delay_s(0.7, 3) and better.cycle_j(0.7, 3) < worse.cycle_j(0.7, 3)


def test_wires_behind_the_driver() -> None:
    tree = Wire(4e-16, 300.0, 100.0)
    assert tree.elmore_s(1e-15) == pytest.approx(math.log(2) * (100 * 1.4e-15 + 300 * 1.2e-15))
    plain, wired = Ring(STAGE, 3, 8e-16), Ring(STAGE, 3, 0.0, (tree, tree))
    assert wired.delay_s(0.7) == pytest.approx(plain.delay_s(0.7) + tree.elmore_s(3 * STAGE.input_f))
    assert wired.load_f == plain.load_f


def test_power_does_not_depend_on_the_number_of_stages() -> None:
    assert ring("ffet-3p5t", stages=15) == ring("ffet-3p5t", stages=101)


@pytest.mark.parametrize("load", ["none", "typical"])
def test_a_peer_at_equal_power_or_frequency(load: str) -> None:
    peer = ring("cfet-4t", beol_load=load)
    power = ring("ffet-3p5t", beol_load=load, iso_power_of="cfet-4t")
    rate = ring("ffet-3p5t", beol_load=load, iso_frequency_of="cfet-4t")
    assert power["power_w"] == pytest.approx(peer["power_w"]) and power["frequency_hz"] > peer["frequency_hz"]
    assert rate["frequency_hz"] == pytest.approx(peer["frequency_hz"]) and rate["power_w"] < peer["power_w"] and rate["vdd_v"] < 0.7
    itself = ring("ffet-3p5t", beol_load=load, iso_power_of="ffet-3p5t")
    assert itself["vdd_v"] == pytest.approx(0.7)


def test_longer_wires_and_worse_metals_are_slower() -> None:
    rates = [ring("ffet-3p5t", beol_load="front_back", load_um_front=x, load_um_back=x)["frequency_hz"] for x in (0.0, 0.5, 1.5, 3.0)]
    assert rates == sorted(rates, reverse=True)
    by_case = [ring("ffet-3p5t", {"beol_case": c}, beol_load="front_back", load_um_front=0.5, load_um_back=0.5)["frequency_hz"] for c in CASES]
    assert by_case == sorted(by_case)


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ({"stages": 14}, "does not oscillate"),
        ({"vdd_v": 0.2}, "at or below the threshold"),
        ({"beol_load": "some"}, "beol_load is one of"),
        ({"load_um_front": 1.0}, "go with beol_load: front_back"),
        ({"iso_power_of": "cfet-4t", "iso_frequency_of": "cfet-4t"}, "not both"),
        ({"fanout": 0}, "fanout must be"),
        ({"vdd_v": 1.45, "iso_frequency_of": "ffet-3p5t", "beol_load": "typical"}, "no supply between"),
    ],
)
def test_impossible_rings_are_refused(arguments: dict[str, Any], problem: str) -> None:
    chip = "cfet-4t" if arguments.get("iso_frequency_of") == "ffet-3p5t" else "ffet-3p5t"
    with pytest.raises(InvalidTrace, match=problem):
        ring(chip, **arguments)


def test_open_libraries_state_no_device() -> None:
    with pytest.raises(MissingParameter, match="source_r_n_ohm"):
        ring("gt2n")


def test_bisection_finds_the_supply() -> None:
    assert supply_for(lambda v: v**3, 0.343, 0.1, "power") == pytest.approx(0.7)


@pytest.mark.parametrize("chip", FAMILY)
def test_one_device_for_all(chip: str) -> None:
    own, reference = stage_of(hwsim.load_chip(chip)), stage_of(hwsim.load_chip("ffet-3p5t"))
    for name in ("k", "alpha", "gate_f_per_fin", "drain_f_per_fin", "miller", "delay_share", "short_circuit_per_v2"):
        assert getattr(own, name) == getattr(reference, name)


@pytest.mark.parametrize("pitch, barrier, ohm", [(64, 3, 31.61), (40, 3, 128.69), (38, 3, 151.61), (26, 2, 392.89), (22, 2, 666.38), (80, 4, 18.67)])
def test_wires_of_the_published_table(pitch: float, barrier: float, ohm: float) -> None:
    assert wire_ohm_per_um(Geometry(pitch, barrier, 2.0, 1.1), COPPER) == pytest.approx(ohm, rel=1e-3)


@pytest.mark.parametrize("pitch, barrier, ohm", [(64, 3, 10.88), (40, 3, 34.75), (26, 2, 58.91), (22, 2, 92.92)])
def test_vias_of_the_published_table(pitch: float, barrier: float, ohm: float) -> None:
    layer = Geometry(pitch, barrier, 1.0, 1.1)
    assert via_ohm(layer, layer, COPPER, 3.0) == pytest.approx(ohm, rel=1e-3)


@given(st.floats(24, 80), st.floats(0, 1))
def test_wires_by_their_limits(pitch: float, neighbours: float) -> None:
    wire = Geometry(pitch, 2.0, 2.0, 1.1)
    bulk = Metal(16.8, 0.0, 3.75, 0.0)
    area = (wire.width_nm - 4) * (wire.height_nm - 2)
    assert wire_ohm_per_um(wire, bulk) == pytest.approx(16.8e3 / area)  # no surfaces: rho / (w h)
    assert wire_ohm_per_um(Geometry(pitch * 1.1, 2.0, 2.0, 1.1), COPPER) < wire_ohm_per_um(wire, COPPER)
    assert wire_f_per_um(wire, 3.0, neighbours) <= wire_f_per_um(wire, 3.0)
    assert wire_f_per_um(wire, 6.0) == pytest.approx(2 * wire_f_per_um(wire, 3.0))


def test_layers_of_a_chip() -> None:
    chip = hwsim.load_chip("ffet-3p5t")
    low, high = (routing_layer(chip, FRONT, index) for index in (2, 6))
    assert low.ohm_per_um > high.ohm_per_um and low.via_ohm > high.via_ohm and low.f_per_um == pytest.approx(high.f_per_um)
    back = routing_layer(chip, BACK, 2)
    assert back.ohm_per_um > low.ohm_per_um and back.f_per_um == pytest.approx(low.f_per_um * 4 / 3)
    assert routing_layer(chip, BACK, 3, "IV", 1.5).pitch_nm == pytest.approx(63)
    assert routing_layer(chip, FRONT, 3, "IV", 1.5).pitch_nm == pytest.approx(42)
    with pytest.raises(InvalidMapping, match="metals 0 to"):
        routing_layer(chip, FRONT, 99)
