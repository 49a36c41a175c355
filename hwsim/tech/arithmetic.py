"""Energies of single operations: floating-point products, L-Mul in their place, memory accesses, synaptic transmissions.

The constants are those of ``models/tech/arithmetic-45nm.yaml`` (Horowitz, ISSCC 2014) or of any chip that states the same names: ``add_<dtype>_j``,
``mul_<dtype>_j``, ``sram_access_bytes``, ``sram_access_j``, ``dram_access_j``, ``synapse_j``. No operand movement is included.

L-Mul (arXiv 2410.00907) replaces the product of two mantissas by their sum: ``(1 + x_m + y_m + 2^-l(m)) 2^(x_e + y_e)``, one integer addition of
the bit patterns and an offset.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.errors import InvalidMapping, InvalidTrace, MissingParameter

__all__ = ["lmul", "lmul_offset_bits", "multiply_j", "operation_j", "product_j", "product_saving", "sram_access_j", "transmission_j"]

Multiplier = Literal["standard", "lmul"]
MULTIPLIERS = ("standard", "lmul")
FORMS = ("elementwise", "dot_product")
ACCESS_BYTES = 8  # of one memory access in the table
# numbers of a machine's parameter record: share of the joules of a product and its addition that its multipliers save, by format (0: standard)
SAVED = {"fp16": "saved_fp16", "fp32": "saved_fp32"}
SAVED_NUMBERS = tuple(SAVED.values())


def operation_j(chip: Chip, operation: str, dtype_name: str) -> float:
    """Joules of one ``add`` or ``mul``. Raises `InvalidTrace` for a format that the table has not.

    >>> from hwsim.readers.chip_file import load_chip
    >>> operation_j(load_chip("generic-45nm"), "add", "fp32")
    9e-13
    """
    name = f"{operation}_{dtype(dtype_name).name}_j"
    try:
        return chip.number(name)
    except MissingParameter:
        known = sorted(n.split("_")[1] for n in chip.params if n.startswith(f"{operation}_") and n.endswith("_j"))
        raise InvalidTrace(f"chip '{chip.name}' has no energy of {operation} in {dtype_name}; it has {', '.join(known) or 'none'}") from None


def product_j(chip: Chip, dtype_name: str, multiplier: str) -> float:
    """Joules of one product: a multiplication, or L-Mul's integer addition of the same width. Raises `InvalidTrace`.

    >>> from hwsim.readers.chip_file import load_chip
    >>> [product_j(load_chip("generic-45nm"), "fp32", how) for how in ("standard", "lmul")]
    [3.7e-12, 1e-13]
    """
    if multiplier == "standard":
        return operation_j(chip, "mul", dtype_name)
    kind = dtype(dtype_name)
    if kind.kind != "float":
        raise InvalidTrace(f"L-Mul approximates floating-point products; {dtype_name} is none")
    return operation_j(chip, "add", f"int{int(kind.bits)}")


def multiply_j(chip: Chip, form: str, dtype_name: str, accumulate: str, multiplier: str) -> float:
    """Joules of one element: a product, or (``dot_product``) a product and its addition in the format `accumulate`. Raises `InvalidTrace`.

    >>> from hwsim.readers.chip_file import load_chip
    >>> round(multiply_j(load_chip("generic-45nm"), "dot_product", "fp32", "fp32", "standard") * 1e12, 1)  # pJ
    4.6
    """
    added = operation_j(chip, "add", accumulate) if form == "dot_product" else 0.0
    return product_j(chip, dtype_name, multiplier) + added


def product_saving(table: Chip, form: str, dtype_name: str, accumulate: str) -> float:
    """Share of the joules of one element that L-Mul saves, ``1 - (E_int_add + E_fp_add) / (E_fp_mul + E_fp_add)``; `form` as in `multiply_j`.

    Raises `InvalidTrace`.

    >>> from hwsim.core.param import Param
    >>> pj = {"add_int32_j": 0.1, "add_fp32_j": 0.9, "mul_fp32_j": 3.7}
    >>> table = Chip("t", "tech", {name: Param(value, "pJ", "Horowitz", "published") for name, value in pj.items()})
    >>> round(product_saving(table, "dot_product", "fp32", "fp32"), 3)
    0.783
    """
    return 1.0 - multiply_j(table, form, dtype_name, accumulate, "lmul") / multiply_j(table, form, dtype_name, accumulate, "standard")


def saved_numbers(table: Chip, multiplier: str | None, sums: Mapping[str, str]) -> dict[str, float]:
    """The `SAVED` numbers of a machine that adds products of format f in ``sums[f]``; zeros with standard multipliers."""
    return {SAVED[name]: product_saving(table, "dot_product", name, sums[name]) if multiplier == "lmul" else 0.0 for name in sums}


def check_lmul(formats: Collection[str]) -> None:
    """Refuse L-Mul for a graph with products of these `formats`: it replaces floating-point ones, and integer ones stay as they are.

    Raises `InvalidMapping` when none is of floating point, or one of a float format whose multiplication has no known energy.
    """
    floats = {name for name in formats if dtype(name).kind == "float"}
    if not floats:
        held = f"those here are {', '.join(sorted(formats))}" if formats else "this graph has no products"
        raise InvalidMapping(f"multiplier=lmul approximates floating-point products; {held}")
    if unknown := sorted(floats - SAVED.keys()):
        raise InvalidMapping(f"multiplier=lmul: no energy of a multiplication in {', '.join(unknown)} is known; it is for {', '.join(SAVED)}")


def lmul_note(formats: Collection[str], numbers: Mapping[str, float], sums: Mapping[str, str], share: str) -> str:
    """What a result with L-Mul takes for granted; `share`: which joules of the machine are scaled."""
    saved = " and ".join(f"{numbers[SAVED[name]]:.1%} of {name} products with {sums[name]} sums" for name in sums if name in formats)
    whole = sorted(name for name in formats if dtype(name).kind != "float")
    kept = f"; {', '.join(whole)} products stay as they are" if whole else ""
    return (
        f"multiplier=lmul: a machine that adds exponents and mantissas instead of multiplying (arXiv 2410.00907) saves {saved}, "
        f"by op energies of 45 nm (Horowitz, ISSCC 2014); {share}; "
        f"times and areas are those of standard multipliers (none published), accuracy is not modelled{kept}"
    )


def sram_access_j(chip: Chip, size_bytes: float) -> float:
    """Joules of a 64-bit access to an SRAM of `size_bytes`: a straight line in logarithms between the sizes of the table, and beyond them.

    >>> from hwsim.readers.chip_file import load_chip
    >>> sram_access_j(load_chip("generic-45nm"), 32768)
    2e-11
    """
    sizes, joules = chip.vector("sram_access_bytes"), chip.vector("sram_access_j")
    at = min(max(int(np.searchsorted(sizes, size_bytes)), 1), len(sizes) - 1)
    slope = math.log(joules[at] / joules[at - 1]) / math.log(sizes[at] / sizes[at - 1])
    return float(joules[at] * (size_bytes / sizes[at]) ** slope)


def transmission_j(chip: Chip, cells: float, fan_out: float, active_share: float) -> float:
    """Joules of one step of two-point cells: an active cell sends over each of its `fan_out` synapses, an inactive one sends nothing.

    >>> from hwsim.readers.chip_file import load_chip
    >>> round(transmission_j(load_chip("generic-45nm"), 1e6, 100, 0.38) * 1e3, 2)  # mJ
    3.04
    """
    return cells * active_share * fan_out * chip.number("synapse_j")


def lmul_offset_bits(mantissa_bits: int) -> int:
    """l(m), the exponent of L-Mul's constant: m up to 3, 3 for 4, 4 beyond. Source: arXiv 2410.00907.

    >>> [lmul_offset_bits(bits) for bits in (2, 3, 4, 7)]
    [2, 3, 3, 4]
    """
    return mantissa_bits if mantissa_bits <= 3 else 3 if mantissa_bits == 4 else 4


def lmul(x: NDArray[np.float64], y: NDArray[np.float64], mantissa_bits: int) -> NDArray[np.float64]:
    """L-Mul of two arrays whose mantissas are rounded to `mantissa_bits`; zero where an operand is zero.

    >>> lmul(np.array([1.5]), np.array([2.0]), 3).tolist()  # 3 exactly
    [3.25]
    """
    (x_m, x_e), (y_m, y_e) = _rounded(x, mantissa_bits), _rounded(y, mantissa_bits)
    total = (1 + x_m + y_m + 2.0 ** -lmul_offset_bits(mantissa_bits)) * 2.0 ** (x_e + y_e)
    return np.asarray(np.where((x == 0) | (y == 0), 0.0, np.sign(x) * np.sign(y) * total))


def _rounded(x: NDArray[np.float64], bits: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(mantissa fraction in [0, 1), exponent) of |x| rounded to `bits` of mantissa; (0, 0) for zero."""
    fraction, exponent = np.frexp(np.abs(x))  # fraction in [0.5, 1)
    mantissa = np.round((2 * fraction - 1) * 2.0**bits) / 2.0**bits
    over = mantissa >= 1
    mantissa, exponent = np.where(over, 0.0, mantissa), np.where(over, exponent + 1, exponent) - 1
    return np.where(x == 0, 0.0, mantissa), np.where(x == 0, 0, exponent).astype(np.float64)
