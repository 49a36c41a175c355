"""Digital blocks counted in unit gates (forms of KULeuven-MICAS/zigzag-imc): full adders, adder trees, carry chains, and what the supply does.

A full adder is 3 NAND2 and 2 XOR2: its sum passes two XORs, each carry two NANDs, the first carry one XOR and two NANDs. A tree over `n` inputs of
`b` bits has ``n (b + 1) - (b + log2 n + 1)`` full adders. Area, capacitance and delay of a gate scale linearly with the node.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hwsim.engine.jit import part

ADDER_NANDS, ADDER_XORS = 3.0, 2.0
CARRY_NANDS = 2.0


def tree_adders(inputs: Any, bits: Any) -> Any:
    """Full adders of a tree over `inputs` numbers (at least 2) of `bits` bits."""
    return inputs * (bits + 1.0) - (bits + np.log2(inputs) + 1.0)


tree_full_adders = part(tree_adders)


def gate_mm2(p: Any) -> Any:
    """Area of one unit gate at the chip's node, for each record of a parameter table."""
    return p["gate_area_mm2"] * p["node_nm"] / p["gate_node_nm"]


def adder_mm2(p: Any) -> Any:
    """Area of one full adder."""
    return gate_mm2(p) * (ADDER_NANDS + ADDER_XORS * p["xor_area_gates"])


def flip_flop_mm2(p: Any) -> Any:
    """Area of one flip-flop."""
    return gate_mm2(p) * p["dff_area_gates"]


@part
def slowdown(voltage_v: float, at_v: float, threshold_v: float, exponent: float) -> float:
    """Delay at `voltage_v` over that at `at_v`: ``V / (V - Vth)^a`` (alpha-power law, Sakurai and Newton, JSSC 1990)."""
    return float(voltage_v / (voltage_v - threshold_v) ** exponent / (at_v / (at_v - threshold_v) ** exponent))


@part
def gate_s(p: Any) -> float:
    """Delay of one unit gate at the chip's node and supply."""
    return float(p.gate_delay_s * p.node_nm / p.gate_node_nm * slowdown(p.voltage_v, p.delay_voltage_v, p.threshold_v, p.velocity_exponent))


@part
def gate_f(p: Any) -> float:
    """Capacitance of one unit gate (all inputs) at the chip's node."""
    return float(p.gate_cap_f * p.node_nm / p.gate_node_nm)


@part
def adder_f(p: Any) -> float:
    """Capacitance of one full adder."""
    return float(gate_f(p) * (ADDER_NANDS + ADDER_XORS * p.xor_cap_gates))


@part
def flip_flop_f(p: Any) -> float:
    """Capacitance of one flip-flop."""
    return float(gate_f(p) * p.dff_cap_gates)


@part
def sum_gates(p: Any) -> float:
    """Delay of a full adder's sum, in unit gates: two XORs."""
    return float(2.0 * p.xor_delay_gates)


@part
def carry_gates(p: Any, bits: float) -> float:
    """Delay of a carry chain of `bits` full adders, in unit gates: the first carry passes an XOR and two NANDs, each further one two NANDs."""
    return float(p.xor_delay_gates + CARRY_NANDS + (bits - 1.0) * CARRY_NANDS) if bits > 0.0 else 0.0


@part
def cascade_gates(p: Any, levels: float, bits: float) -> float:
    """Delay of `levels` ripple adders one behind the other, in unit gates: low bits go on while high ones still ripple.

    Every level but the last adds one sum; the last is a carry chain over `bits`, its width.
    """
    return max(0.0, levels - 1.0) * sum_gates(p) + carry_gates(p, bits)


@part
def levels_of(inputs: float) -> float:
    """Levels of a binary adder tree over `inputs` numbers."""
    return math.log2(inputs)
