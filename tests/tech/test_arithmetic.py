"""Energies of single operations, and L-Mul's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.tech.arithmetic import (
    check_lmul,
    lmul,
    lmul_note,
    lmul_offset_bits,
    multiply_j,
    product_saving,
    saved_numbers,
    sram_access_j,
    transmission_j,
)  # fmt: skip

TABLE = hwsim.load_chip("generic-45nm")


def energy(primitive: str, mapping: dict[str, str] | None = None, **arguments: object) -> float:
    return hwsim.primitive(primitive, TABLE, arguments, mapping)["energy_j"]


@pytest.mark.parametrize(
    ("form", "dtype", "saving"), [("elementwise", "fp16", 0.955), ("elementwise", "fp32", 0.973), ("dot_product", "fp32", 0.783)]
)
def test_savings_of_lmul(form: str, dtype: str, saving: float) -> None:
    asked = {"form": form, "dtype": dtype}
    kept = energy("multiply_energy", {"multiplier": "lmul"}, **asked) / energy("multiply_energy", {"multiplier": "standard"}, **asked)
    assert 1 - kept == pytest.approx(saving, abs=0.001)


SUMS = {"fp16": "fp32", "fp32": "fp32"}


def test_numbers_of_a_machine_by_format() -> None:
    table = technology(ARITHMETIC)
    assert saved_numbers(table, "lmul", SUMS) == pytest.approx({"saved_fp16": 1 - 0.95 / 2.0, "saved_fp32": 1 - 1.0 / 4.6})
    assert saved_numbers(table, "lmul", {"fp16": "fp16"})["saved_fp16"] == pytest.approx(1 - 0.45 / 1.5)
    for standard in ("standard", None):
        assert set(saved_numbers(table, standard, SUMS).values()) == {0.0}
    assert product_saving(table, "elementwise", "fp32", "fp32") == pytest.approx(1 - 0.1 / 3.7)


def test_products_that_lmul_replaces() -> None:
    check_lmul({"fp16", "int8"})
    for formats, problem in (({"int8", "int4"}, "int4, int8"), (set(), "no products"), ({"fp16", "bf16"}, "multiplication in bf16")):
        with pytest.raises(InvalidMapping, match=problem):
            check_lmul(formats)
    note = lmul_note({"fp16", "int8"}, saved_numbers(technology(ARITHMETIC), "lmul", SUMS), SUMS, "an upper bound")
    assert "52.5% of fp16 products with fp32 sums" in note and "fp32 products" not in note and "int8 products stay" in note and "upper bound" in note


def test_technology_files_by_name() -> None:
    with pytest.raises(InvalidChip, match="did you mean arithmetic-45nm"):
        technology("arithmetic-45")


def test_an_int8_product_beats_lmul_with_fp16_sums() -> None:
    assert multiply_j(TABLE, "dot_product", "fp8", "fp16", "lmul") > multiply_j(TABLE, "dot_product", "int8", "int8", "standard")


def test_a_graphs_arithmetic_is_its_macs_times_one() -> None:
    found = hwsim.primitive("arithmetic_energy", TABLE, {"trace": "gpt2-345m", "phase": "decode", "context": 16, "accumulate": "fp32"})
    assert found["energy_j"] == pytest.approx(found["count"] * (1.1e-12 + 0.9e-12)) and found["count"] > 3e8


def test_memory_accesses() -> None:
    assert [sram_access_j(TABLE, size) for size in (8192, 32768, 2**20)] == pytest.approx([10e-12, 20e-12, 100e-12])
    assert sram_access_j(TABLE, 16384) == pytest.approx(10e-12 * 2**0.5)
    assert energy("access_energy", memory="dram", bytes=80) == pytest.approx(19.5e-9)


def test_an_inactive_cell_sends_nothing() -> None:
    assert transmission_j(TABLE, 10, 5, 0.0) == 0
    whole, part = energy("two_point_cells", cells=100, fan_out=50), energy("two_point_cells", cells=100, fan_out=50, active_share=0.38)
    assert whole == pytest.approx(100 * 50 * 80e-12) and part == pytest.approx(0.38 * whole)


def test_what_the_table_has_not_is_refused() -> None:
    with pytest.raises(InvalidTrace, match=r"no energy of mul in bf16.*fp16"):
        energy("multiply_energy", dtype="bf16")
    with pytest.raises(InvalidTrace, match="floating-point"):
        energy("multiply_energy", {"multiplier": "lmul"}, dtype="int8")
    with pytest.raises(UnsupportedOp, match="generic-45nm"):
        hwsim.primitive("multiply_energy", hwsim.load_chip("u280"), {"dtype": "fp16"})
    with pytest.raises(InvalidChip, match="without fabric"):
        hwsim.primitive("design_resources", TABLE, {}, {"design": "systolic_array"})


def test_offsets() -> None:
    assert [lmul_offset_bits(m) for m in (1, 2, 3, 4, 5, 10)] == [1, 2, 3, 3, 4, 4]


NUMBER = st.floats(2**-10, 2**10) | st.floats(-(2**10), -(2**-10))


@given(x=NUMBER, y=NUMBER, bits=st.integers(3, 10))
def test_lmul_lies_near_the_product(x: float, y: float, bits: int) -> None:
    """``(1 + a + b + o)`` stands for ``(1 + a)(1 + b)``: off by ``|o - a b|`` and by the rounding of the mantissas."""
    got = float(lmul(np.array([x]), np.array([y]), bits)[0])
    assert np.sign(got) == np.sign(x * y)
    assert abs(got - x * y) <= abs(x * y) * (0.25 + 2.0 ** (1 - bits) + 2.0**-6)


def test_lmul_of_exact_cases() -> None:
    assert list(lmul(np.array([0.0, 1.0, 1.5]), np.array([3.0, 1.0, 1.5]), 4)) == [0.0, 1.125, 2.125]
