"""R-2R and C-2C ladders: node voltages, static current, charge.

Every node of a ladder hangs on its bit by one unit (2R, or C) and on its neighbours by two units of admittance (R, or 2C); both ends are closed by
one unit. Looking from a node to either side one then sees exactly one unit: the tri-diagonal system of the nodes has the inverse

    H_ij = 2^-|i - j| / 3

so node i is at ``V sum_j H_ij b_j``. A set bit draws ``(V - v_i)`` times its unit; for independent bits of mean p over b of the nodes the expected
draw is

    D(b, p) = b p - p sum_i H_ii - p^2 sum_{i != j} H_ij = 2 b p / 3 - p^2 (2 / 3) (b - 2 + 2^(1 - b))

units times V: 1.67 for 8 bits and p = 1/2.
"""

from __future__ import annotations

from hwsim.engine.jit import part

TRANSFER = 1.0 / 3.0  # own bit to own node, H_ii


@part
def draw(bits: float, mean: float) -> float:
    """Expected current (or charge) of `bits` neighbouring bits of a ladder, over reference times unit admittance: D(b, p)."""
    mutual = 2.0 * TRANSFER * (bits - 2.0 + 2.0 ** (1.0 - bits))
    return float(bits * mean * (1.0 - TRANSFER) - mean**2 * mutual)


@part
def output_resistance_ohm(resistance_ohm: float) -> float:
    """Resistance seen at the end node of an R-2R ladder: 2R to either side and to the bit, 2R / 3."""
    return 2.0 * resistance_ohm * TRANSFER
