"""How a signed input passes through a NeuRRAM core: magnitude bits, phases, integration cycles, conversion steps.

An input of b bits has n = max(1, b - 1) magnitude bits (the sign chooses the direction of the pulse). Each magnitude bit is one pulse; the neuron
samples and integrates bit k of a phase 2^k times, so a phase of p bits takes 2^p - 1 integration cycles. A long input is split in two phases, the
high bits first, each converted on its own; the second resolves only what the first left open. Source: Wan et al., Nature 2022.
"""

from __future__ import annotations

import math

from hwsim.engine.jit import part

AUTO, ONE, TWO = 0.0, 1.0, 2.0
RULES = {"auto": AUTO, "one": ONE, "two": TWO}


@part
def magnitude_bits(input_bits: float) -> float:
    """Bits of a signed input without its sign, at least one: inputs of one and of two bits take the same pulse."""
    return float(max(1.0, input_bits - 1.0))


@part
def first_phase_bits(bits: float, rule: float, longest: float) -> float:
    """Magnitude bits of the first phase: all of them if one phase is asked for or they are at most `longest`, else the larger half."""
    if rule == ONE or (rule == AUTO and bits <= longest):
        return float(bits)
    return float(math.ceil(bits / 2.0))


@part
def phase_count(bits: float, first: float) -> float:
    """One or two."""
    return 1.0 if first >= bits else 2.0


@part
def integration_cycles(bits: float, first: float) -> float:
    """Sample-and-integrate cycles of all phases: 2^p - 1 each."""
    return float(2.0**first - 1.0 + 2.0 ** (bits - first) - 1.0)


@part
def conversion_steps(bits: float, first: float, output_bits: float) -> float:
    """Successive-approximation steps of all phases: the output's bits, then those that the first phase's weight leaves open."""
    if first >= bits:
        return float(output_bits)
    return float(output_bits + max(0.0, output_bits - first))
