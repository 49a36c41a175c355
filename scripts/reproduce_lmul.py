"""L-Mul (arXiv 2410.00907): energy saved by an integer addition in place of a product, and the error that it makes.

    python scripts/reproduce_lmul.py

Energies of Horowitz, ISSCC 2014, 45 nm (chip `generic-45nm`): operations alone, no operand movement. Published: 95 % saved element-wise, 80 % in dot
products.
"""

from __future__ import annotations

import numpy as np

import hwsim
from hwsim.tech.arithmetic import lmul

SAVINGS = (("element-wise fp16", "elementwise", "fp16", "95 %"), ("element-wise fp32", "elementwise", "fp32", ""),
           ("dot product fp32, fp32 sums", "dot_product", "fp32", "80 %"), ("dot product fp16, fp32 sums", "dot_product", "fp16", ""),
           ("dot product fp16, fp16 sums", "dot_product", "fp16", ""))  # fmt: skip


def main() -> None:
    """Print both tables."""
    table = hwsim.load_chip("generic-45nm")
    print(f"{'':30}{'product':>12}{'L-Mul':>12}{'saved':>9}{'published':>11}")
    for name, form, dtype, published in SAVINGS:
        asked = {"form": form, "dtype": dtype, "accumulate": "fp16" if "fp16 sums" in name else "fp32"}
        whole, less = (hwsim.primitive("multiply_energy", table, asked, {"multiplier": m})["energy_j"] for m in ("standard", "lmul"))
        print(f"{name:30}{whole * 1e12:9.2f} pJ{less * 1e12:9.2f} pJ{1 - less / whole:9.1%}{published:>11}")
    eight = hwsim.primitive("multiply_energy", table, {"form": "dot_product", "dtype": "int8"})["energy_j"]
    print(f"an int8 multiply-accumulate takes {eight * 1e12:.2f} pJ: less than L-Mul in 8 bits with fp16 sums (0.43 pJ)\n")
    x, y = np.random.default_rng(1).standard_normal((2, 100_000))
    print("error of a product of two normal numbers, relative")
    for bits in (2, 3, 4, 6, 10):
        error = lmul(x, y, bits) / (x * y) - 1
        print(f"  mantissa of {bits:2} bits: mean {error.mean():+7.2%}, mean absolute {np.abs(error).mean():6.2%}")


if __name__ == "__main__":
    main()
