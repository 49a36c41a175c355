"""Voltage by clock, idle power by temperature, card and size, power scopes, supply rails, area."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace
from hwsim.core.program import Table
from hwsim.readers.chip_file import load_chip
from hwsim.targets.manycore import dvfs, rails, spec, spec_energy
from hwsim.targets.manycore.area import area_mm2
from hwsim.targets.manycore.power import power_numbers, power_record, tensor_loop_power
from hwsim.targets.manycore.primitives_energy import PRIMITIVES
from hwsim.targets.manycore.provenance import RAIL_KINDS
from hwsim.targets.manycore.static import idle_law_w, static_power_w, static_w

CHIP = load_chip("et-soc-1")
LOOP = {"m": 16, "n": 16, "k": 16, "dtype": "fp32", "b_source": "l1scp", "a_loaded": False, "tiles": None, "minions": 1024, "data": "random"}
SIZES = {"shires": 8, "minions_per_shire": 16, "dram_channels": 8}


def table(chip: Chip = CHIP, **mapping: Any) -> Table:
    return power_record(chip, mapping)


@pytest.mark.parametrize(("clock", "volts"), [(600e6, 0.517), (700e6, 0.568), (800e6, 0.618), (650e6, 0.5425), (450e6, 0.4885), (300e6, 0.46)])
def test_voltage_is_interpolated_between_operating_points(clock: float, volts: float) -> None:
    assert table(frequency_hz=clock)["minion_voltage_v"][0] == pytest.approx(volts)


@pytest.mark.parametrize("clock", [299e6, 801e6, 1e9])
def test_no_power_outside_the_operating_points(clock: float) -> None:
    with pytest.raises(InvalidMapping, match="300 to 800 MHz"):
        PRIMITIVES["idle"](CHIP, {}, {"frequency_hz": clock})
    assert tensor_loop_power(CHIP, LOOP, {"frequency_hz": clock}, 546.0) == {}


def test_clocks_with_a_voltage_are_known() -> None:
    p = table(frequency_hz=800e6)[0]
    assert dvfs.power_known(p)
    assert dvfs.power_limits(p) == (300e6, 800e6)


def test_switching_power_at_800_mhz_is_twice_that_at_600() -> None:
    """Measured: 2.0 to 2.1 times; V^2 f alone would make 1.91 of what the minion rail draws."""
    slow, fast = (tensor_loop_power(CHIP, LOOP, {"frequency_hz": f, "power_scope": "board_above_idle"}, 546.0) for f in (600e6, 800e6))
    assert 2.0 < fast["power_w"] / slow["power_w"] < 2.1


@given(st.floats(300e6, 790e6), st.floats(1e6, 10e6))
def test_energy_and_leakage_rise_with_the_voltage(clock: float, more: float) -> None:
    low, high = table(frequency_hz=clock)[0], table(frequency_hz=clock + more)[0]
    assert low["minion_voltage_v"] < high["minion_voltage_v"]
    for name in ("mac_fp32_j", "own_load_j", "dram_load_j", "scalar_j"):
        assert low[name] < high[name]
    assert static_w(table(frequency_hz=clock)) < static_w(table(frequency_hz=clock + more))


@given(st.floats(-40, 120), st.floats(0.1, 5), st.sampled_from(sorted(spec_energy.CARD_CODES)))
def test_idle_power_rises_with_temperature(temperature: float, more: float, card: str) -> None:
    cold, hot = (static_w(table(die_temperature_c=t, card=card)) for t in (temperature, temperature + more))
    assert cold < hot


@pytest.mark.parametrize("temperature", [56.0, 73.0, 80.0])
def test_idle_law_in_closed_form(temperature: float) -> None:
    law = 12.6 + 23.3 * math.exp((temperature - 80) / 36)
    assert static_w(table(die_temperature_c=temperature)) == pytest.approx(law)


def test_rails_at_73_degrees_are_those_metered() -> None:
    parts = {name: watts[0] for name, watts in static_power_w(table(die_temperature_c=73)).items()}
    assert parts["minion static"] == pytest.approx(11.05, rel=0.01)
    assert parts["sram static"] == pytest.approx(2.0, rel=0.01)
    assert parts["mesh static"] == pytest.approx(3.64, rel=0.01)
    assert parts["board static"] == pytest.approx(15.1, rel=0.01)


@pytest.mark.parametrize(("temperature", "watts"), [(67, 1.60), (80, 2.48), (82, 2.63)])
def test_sram_rail_by_temperature(temperature: float, watts: float) -> None:
    assert idle_law_w(table(die_temperature_c=temperature))["sram static"][0] == pytest.approx(watts, rel=0.06)


@pytest.mark.parametrize(("card", "temperature", "more"), [("aifoundry3", 54, 0.6), ("aifoundry1-c1", 59, 7.6), ("aifoundry1-c1", 84, 13.4)])
def test_cards_differ_by_their_leakage(card: str, temperature: float, more: float) -> None:
    extra = static_w(table(card=card, die_temperature_c=temperature)) - static_w(table(die_temperature_c=temperature))
    assert extra == pytest.approx(more, rel=0.12)


def test_scopes() -> None:
    board, above, published = (
        tensor_loop_power(CHIP, LOOP, {"power_scope": scope, "die_temperature_c": 80}, 546.0)["power_w"]
        for scope in ("board", "board_above_idle", "as_published")
    )
    assert board - above == pytest.approx(12.6 + 23.3)
    assert published - above == pytest.approx(CHIP.number("published_static_w"))


def test_measured_idle_replaces_the_law_in_the_boards_scope_only() -> None:
    assert static_w(table(idle_power_w=41.8, die_temperature_c=50)) == pytest.approx(41.8)
    assert static_w(table(idle_power_w=41.8, power_scope="board_above_idle")) == 0.0


def test_power_of_a_loop_counts_energy_per_mac_and_rate_alike() -> None:
    found = tensor_loop_power(CHIP, LOOP, {"power_scope": "board_above_idle"}, 546.0)
    assert found["energy_per_mac_j"] == pytest.approx(5.779e-12)
    rate = 1024 * 600e6 / 546 * 4096
    assert found["power_w"] == pytest.approx(5.779e-12 * rate)
    assert found["tops_per_w"] == pytest.approx(2e-12 / 5.779e-12)


def test_fewer_minions_draw_less() -> None:
    few, all_ = (tensor_loop_power(CHIP, {**LOOP, "minions": n}, {"power_scope": "board_above_idle"}, 546.0)["power_w"] for n in (256, 1024))
    assert few == pytest.approx(all_ / 4)


@given(st.sampled_from(sorted(rails.KINDS)))
def test_rails_add_up_to_one(kind: str) -> None:
    shares = rails.shares(kind, table()[0])
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(0 <= share <= 1 for share in shares.values())


def test_slots_and_static_parts_have_rails() -> None:
    found = rails.slot_rails(RAIL_KINDS, table()[0])
    assert set(RAIL_KINDS) | set(static_power_w(table())) == set(found)
    assert all(sum(shares.values()) == pytest.approx(1.0) for shares in found.values())


def test_a_smaller_chip_idles_on_less_and_is_smaller() -> None:
    small = CHIP.replace(**SIZES)
    whole, part = idle_law_w(table()), idle_law_w(table(small))
    assert part["minion static"][0] == pytest.approx(whole["minion static"][0] / 8)
    assert part["sram static"][0] == pytest.approx(whole["sram static"][0] / 4)
    assert part["mesh static"][0] == pytest.approx(whole["mesh static"][0] / 4)
    assert part["board static"][0] == pytest.approx(whole["board static"][0] - 8 * CHIP.number("dram_idle_w_per_channel"))
    assert sum(a[0] for a in area_mm2(table(small)).values()) < 0.5 * sum(a[0] for a in area_mm2(table()).values())


def test_areas() -> None:
    assert PRIMITIVES["block_area"](CHIP, {"block": "die"}, {})["area_mm2"] == pytest.approx(570, rel=1e-3)
    one = PRIMITIVES["block_area"](CHIP, {"block": "minion_shire"}, {})["area_mm2"]
    assert one == pytest.approx(13.9, rel=1e-3)
    assert PRIMITIVES["block_area"](CHIP, {"block": "minion_shires_34"}, {})["area_mm2"] == pytest.approx(34 * one)
    with pytest.raises(InvalidTrace, match="not published"):
        PRIMITIVES["block_area"](CHIP, {"block": "pcie"}, {})


def test_more_scratchpad_or_shires_take_more_area() -> None:
    whole = sum(a[0] for a in area_mm2(table()).values())
    for change in ({"shires": 33}, {"scratchpad_bytes": 3 * 2**20}, {"minions_per_shire": 36}, {"dram_channels": 17}):
        assert sum(a[0] for a in area_mm2(table(CHIP.replace(**change))).values()) > whole


def test_columns_are_priced_record_by_record() -> None:
    both = np.concatenate([table(die_temperature_c=60), table(die_temperature_c=80, card="aifoundry1-c1", power_scope="as_published")])
    found = static_power_w(both)
    for row in range(2):
        alone = static_power_w(both[row : row + 1])
        assert {name: watts[row] for name, watts in found.items()} == {name: watts[0] for name, watts in alone.items()}


def test_defaults_of_the_mapping_numbers() -> None:
    numbers = power_numbers({})
    assert numbers["data"] == spec_energy.UNSPECIFIED
    assert numbers["power_scope"] == spec_energy.BOARD
    assert power_numbers({"data": "zeros"}, "ones")["data"] == spec_energy.CONSTANT
    assert table()["die_temperature_c"][0] == CHIP.number("die_temperature_c")
    assert table(die_temperature_c=0.0)["die_temperature_c"][0] == 0.0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rail_dram_mesh": 0.9}, "more than 1"),
        ({"minion_leak_share": 0.9}, "more than 1"),
        ({"dvfs_clock_hz": (3e8, 7e8, 6e8, 8e8)}, "must rise"),
        ({"dvfs_voltage_v": (0.5, 0.4, 0.5, 0.6)}, "must not fall"),
        ({"own_load_random_j": 1e-12}, "at least own_load_zeros_j"),
        ({"card_leak": (1.0, 1.0)}, "needs 3 figures"),
    ],
)
def test_impossible_energy_constants_are_refused(change: dict[str, Any], why: str) -> None:
    spec.check_chip(CHIP)
    with pytest.raises(InvalidChip, match=why):
        spec.check_chip(CHIP.replace(**change))
