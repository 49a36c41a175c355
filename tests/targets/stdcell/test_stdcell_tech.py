"""Technology tables as primitives of the chip tech-tables: figures, defaults, refusals."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim.core.errors import InvalidTrace

CHIP = hwsim.load_chip("tech-tables")


def ask(name: str, **arguments: Any) -> dict[str, float]:
    return dict(hwsim.primitive(name, CHIP, arguments))


def test_memory_operations_share_an_array() -> None:
    read, write, idle = (ask("sram_access", bytes=4096, node_nm=22, operation=o) for o in ("read", "write", "idle"))
    assert read["latency_s"] == write["latency_s"] == idle["latency_s"]
    assert read["power_w"] == idle["power_w"] > 0
    assert idle["energy_j"] == 0 < read["energy_j"] < write["energy_j"]
    assert 0.5 < read["utilisation"] < 0.9


@pytest.mark.parametrize(("bits", "why"), [(60, "whole number of bytes"), (4, "port_bits must be"), (64.5, "whole number")])
def test_odd_ports_are_refused(bits: float, why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        ask("sram_access", bytes=4096, node_nm=22, port_bits=bits)


def test_inverter_defaults_to_high_performance() -> None:
    assert ask("inverter_fo4", node_nm=14, vdd_v=0.86) == ask("inverter_fo4", node_nm=14, vdd_v=0.86, device_type="hp")
    assert ask("inverter_fo4", node_nm=14, vdd_v=0.86, device_type="lp")["latency_s"] > ask("inverter_fo4", node_nm=14, vdd_v=0.86)["latency_s"]


def test_operators_without_an_area_state_none() -> None:
    assert "area_mm2" in ask("arithmetic", operation="add", dtype="int8")
    assert "area_mm2" not in ask("arithmetic", operation="multiply", dtype="fp32", node_nm=7, vdd_v=0.7)


def test_dram_boundary_is_the_core_only() -> None:
    with pytest.raises(InvalidTrace, match="boundary is one of core"):
        ask("dram_access", device="hbm2_8gb_x128", operation="read", boundary="system")


def test_wires_and_vias() -> None:
    assert ask("wire_rc", pitch_nm=64)["ohm_per_um"] == pytest.approx(31.61, rel=0.001)
    assert ask("via_resistance", pitch_below_nm=64, pitch_above_nm=64)["ohm_per_via"] == pytest.approx(10.88, rel=0.001)


def test_davis_needs_its_coefficients() -> None:
    assert ask("rent_wirelength", model="davis", gates=10000, rent_p=0.6, rent_k=4, mean_fanout=3)["gate_pitches"] == pytest.approx(5.00656, rel=1e-4)
    with pytest.raises(InvalidTrace, match="needs rent_k"):
        ask("rent_wirelength", model="davis", gates=10000, rent_p=0.6)
