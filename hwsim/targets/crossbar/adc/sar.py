"""A successive-approximation converter (SAR), scaled in its bits from one published converter.

Its parts grow in two ways: the capacitive DAC has ``2^b`` unit capacitors (Saberi et al., IEEE TCAS-I 58(8), 2011), while comparator decisions,
latches, reference buffer and control are one per bit. With the published converter (``b0`` bits, energy ``E0``, area ``A0``) and the share ``s`` of
its figure that is the capacitive DAC's, the same converter at ``b`` bits takes

    F(b) = F0 (s 2^(b - b0) + (1 - s) b / b0)

A conversion takes ``b + 1`` steps: one to sample, one per bit. The energy is that of the converter alone: array current is not in it.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part

INCLUDES_ARRAY_CURRENT = False


def bits_scaling(published: Any, dac_share: Any, published_bits: Any, bits: Any) -> Any:
    """A figure (energy, area, power) of a SAR converter at `bits`, from that at `published_bits` and the share of it in the capacitive DAC.

    Numbers, or arrays of one shape. `scaled_with_bits` is the same, compiled into its callers.
    """
    return published * (dac_share * 2.0 ** (bits - published_bits) + (1.0 - dac_share) * bits / published_bits)


scaled_with_bits = part(bits_scaling)


@part
def conversion_steps(bits: float) -> float:
    """Clock steps of one conversion: sampling and one decision per bit."""
    return bits + 1.0


def dac_share(published: float, published_bits: int, scaled: float, bits: int) -> float:
    """The capacitive DAC's share of a figure that is known at two resolutions: `published` at `published_bits` and `scaled` at `bits`.

    Solves ``scaled = F(bits)`` for s.

    >>> round(dac_share(1200.0, 8, 361.04, 4), 3)
    0.455
    """
    linear, exponential = bits / published_bits, 2.0 ** (bits - published_bits)
    return (linear - scaled / published) / (linear - exponential)
