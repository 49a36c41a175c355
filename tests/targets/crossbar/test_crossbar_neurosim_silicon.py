"""Mechanisms of NeuroSim's chip against closed formulas: converters, cells, wires, clock, areas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.program import Table
from hwsim.targets.crossbar.adc.sar_neurosim import sar_area_units, sar_conversion_s, sar_static_w
from hwsim.targets.crossbar.adc.sense_amplifiers import LEAST_S, MOST_S, bank_area_units, bank_decision_s, bank_static_w, ratio_delay
from hwsim.targets.crossbar.full_macro import prepared
from hwsim.targets.crossbar.neurosim.sensing import conversion
from hwsim.targets.crossbar.neurosim.spec import ADC_CODES, CODE

MEAN_DENSITY = 0.174
VGG8 = {"arrays_used": 4048.0, "tiles_used": 47.0, "converters_used": 64768.0}


def record(node: int = 22, adc: str = "mlsa", **changed: Any) -> Table:
    chip = hwsim.load_chip(f"neurosim-rram-{node}nm")
    chip = chip.replace(adc=adc, **changed)
    return prepared(chip, CODE, {**VGG8, "ns_adc": ADC_CODES[adc]})


def number(p: Table, name: str) -> float:
    return float(p[name][0])


def test_converter_fits() -> None:
    assert bank_static_w(5.0, 1.7e-6) == pytest.approx(31 * 1.7e-6)
    assert bank_area_units(3.0, 100.0) == 700.0
    assert sar_static_w(5.0, 0.538e-6, 4.3753e-6) == pytest.approx(7.0653e-6)
    assert sar_conversion_s(5.0, 1e-9) == pytest.approx(6e-9)
    assert sar_area_units(5.0, 478.0, 182.0) == 1206.0


@pytest.mark.parametrize(("x", "delay"), [(0.5, 1.3899 / 8 - 2.6913 / 4 + 2.0483 / 2 + 0.3202), (2.0, 0.0576 - 0.2904 + 0.4172 - 0.0692 + 1.0512),
                                          (0.05, 0.0), (20.0, 0.0)])  # fmt: skip
def test_ratio_delay_of_a_sense_amplifier(x: float, delay: float) -> None:
    assert ratio_delay(x) == pytest.approx(delay)


@given(column_ohm=st.floats(50, 1e6), bits=st.integers(2, 8))
def test_decision_time_stays_within_the_fit(column_ohm: float, bits: int) -> None:
    assert LEAST_S <= bank_decision_s(column_ohm, float(bits), 6e3, 9e5, 128.0) <= MOST_S


def test_cells_in_series_with_access_and_wire() -> None:
    p = record()
    wire = 64 * (2.12 + 6.36)
    levels = [1 / 9e5 + (1 / 6e3 - 1 / 9e5) * i / 3 for i in range(4)]
    expected = sum(share / (1 / g + 1500 + wire) for share, g in zip([0.1995, 0.29925, 0.30175, 0.1995], levels, strict=True))
    assert number(p, "ns_cell_s") == pytest.approx(expected, rel=0.002)
    assert number(p, "ns_cell_s") == pytest.approx(67e-6, rel=0.02)


def test_a_word_line_is_wire_and_gates() -> None:
    p = record()
    gates = number(p, "ns_row_f") - 128 * 12 * 40e-9 * 2e-10
    assert gates > 0
    doubled = record(r_on_ohm=12e3)
    assert number(doubled, "ns_row_f") - 128 * 12 * 40e-9 * 2e-10 == pytest.approx(gates / 2)
    narrowest = record(r_on_ohm=1e6, r_off_ohm=1e8)
    assert number(narrowest, "ns_row_f") == pytest.approx(number(record(r_on_ohm=2e6, r_off_ohm=1e8), "ns_row_f"))


def test_energy_of_a_conversion_is_that_of_its_fit() -> None:
    p = record()
    seconds, own, current = conversion(p[0], MEAN_DENSITY)
    column_s = 128 * MEAN_DENSITY * number(p, "ns_cell_s")
    assert seconds == 1e-9
    assert current == pytest.approx(0.0631 * column_s * 1e-9)
    assert own == pytest.approx(52.7e-15 + 2.5e-15, rel=0.01)
    seconds, own, current = conversion(record(adc="sar")[0], MEAN_DENSITY)
    assert seconds == pytest.approx(6e-9) and own == pytest.approx(42.4e-15, rel=0.01)
    assert current == pytest.approx(0.072341 * column_s * 6e-9)


def test_clock_is_sensing_and_the_rest() -> None:
    laid, plain = (1 / number(record(post_layout_factors=f), "clock_hz") for f in (1.0, 0.0))
    assert laid == pytest.approx(1.4 * plain)
    assert plain == pytest.approx(1.456e-9, rel=0.01)
    five, nine = (1 / number(record(adc="sar", adc_bits=float(b)), "clock_hz") for b in (5, 9))
    assert nine - five == pytest.approx(1.4 * 4e-9)


def test_high_resistance_cells_speed_up_old_sense_amplifiers() -> None:
    low, high = (1 / number(p, "clock_hz") for p in (record(65), record(65, r_on_ohm=1e5, r_off_ohm=1.7e6)))
    assert low == pytest.approx(1.68143e-8, rel=0.02)
    assert high < low


def test_areas_of_planar_nodes_scale_with_the_node() -> None:
    small, large = record(), record(65)
    for name in ("ns_cells_mm2", "ns_adc_mm2", "ns_adders_mm2"):
        assert number(large, name) / number(small, name) == pytest.approx((65 / 22) ** 2, rel=1e-3)
    assert number(small, "ns_cells_mm2") == pytest.approx(4048 * 16384 * 48 * 22**2 * 1e-12)
    assert number(small, "ns_adc_mm2") / 64768 == pytest.approx(31 * 12.22e-6, rel=1e-3)


def test_wires_lengthen_the_side_that_they_span() -> None:
    p = record()
    blocks = sum(number(p, f"ns_{name}_mm2") for name in ("cells", "adc", "adders", "periphery"))
    side_mm = number(p, "ns_side_m") * 1e3
    assert side_mm**2 == pytest.approx(blocks + number(p, "ns_wires_mm2"))
    assert number(p, "ns_wires_mm2") == pytest.approx(1536 * 4 * 22e-6 * math.sqrt(47) * side_mm)


def test_clocks_of_the_bus_follow_from_the_sides() -> None:
    hops = [number(p, "ns_chip_hops") for p in (record(), record(post_layout_factors=0.0), record(adc="sar"), record(65))]
    assert hops == [9, 8, 8, 18]
    assert [number(record(n), "ns_tile_hops") for n in (22, 65)] == [1, 2]


def test_leakage_is_supply_times_current_of_the_width() -> None:
    p = record()
    hotter = record(ioff_a_per_m=2e-4)
    assert number(hotter, "ns_leak_w") == pytest.approx(2 * number(p, "ns_leak_w"))
    assert number(record(adc="sar"), "ns_leak_w") == number(p, "ns_leak_w")  # converters leak within their own static power
    shared = {"converter_leak_share": 0.1}
    assert number(p, "ns_leak_w") < number(record(adc="sar", **shared), "ns_leak_w") < number(record(**shared), "ns_leak_w")


def test_prepare_fills_every_number() -> None:
    p = record()
    assert all(np.isfinite(number(p, n)) and number(p, n) > 0 for n in p.dtype.names or () if n.startswith("ns_"))
