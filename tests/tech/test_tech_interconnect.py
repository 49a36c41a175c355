"""Wires by node and macros from their bit cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.readers.technology import technology
from hwsim.tech.interconnect import macro_mm2, wire_f_per_mm, wire_j_per_bit_mm
from hwsim.tech.sram import sram
from hwsim.tech.sram_process import process

TABLE, CELLS = technology("interconnect"), technology("bit-cells")


@pytest.mark.parametrize(("node", "pf"), [(180, 0.440), (50, 0.345), (13, 0.247)])
def test_stated_nodes(node: float, pf: float) -> None:
    assert wire_f_per_mm(TABLE, node) == pytest.approx(pf * 1e-12)


@given(st.floats(13, 180), st.floats(13, 180))
def test_finer_wires_hold_less(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert wire_f_per_mm(TABLE, low) <= wire_f_per_mm(TABLE, high) * (1 + 1e-12)


def test_random_data_rise_on_a_quarter_of_the_bits() -> None:
    assert wire_j_per_bit_mm(TABLE, 50, 1.0) == pytest.approx(0.345e-12 / 4)
    assert wire_j_per_bit_mm(TABLE, 50, 1.0, 1.0) == pytest.approx(2.07 * 0.345e-12 / 4)


def test_macro_of_22_nm_agrees_with_the_array_model() -> None:
    bits = 8 * 32768
    array = sram(process(technology("sram-process"), 22, "itrs-lstp", 300), 32768, 64)
    assert macro_mm2(TABLE, CELLS, bits, 22) == pytest.approx(array.area_mm2, rel=0.3)


@pytest.mark.parametrize(("node", "why"), [(7, "13 to 180"), (250, "13 to 180")])
def test_unknown_wires_are_refused(node: float, why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        wire_f_per_mm(TABLE, node)


def test_unknown_cells_and_supplies_are_refused() -> None:
    with pytest.raises(InvalidTrace, match="no bit cell of 6 nm; there are 65"):
        macro_mm2(TABLE, CELLS, 1, 6)
    with pytest.raises(InvalidTrace, match="positive supply"):
        wire_j_per_bit_mm(TABLE, 50, 0.0)
