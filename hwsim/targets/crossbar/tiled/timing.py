"""Time of one read of the arrays and its conversions, and of what units beside them do meanwhile.

A read of the array takes `read_s`. The columns that share a converter are converted in turn while the array reads the next slice of the inputs, so a
cycle is the longer of the two: 128 columns at 1.28 GS/s fill a read of 100 ns. An input of b bits takes ``ceil(b / bits_per_read)`` reads.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part


@part
def stated(value: float, otherwise: float) -> float:
    """A constant, or what stands in for one that the chip leaves out (NaN)."""
    return otherwise if math.isnan(value) else value


@part
def reads(input_bits: float, bits_per_read: float) -> float:
    """Reads of the array for one input vector."""
    return float(math.ceil(input_bits / bits_per_read))


@part
def columns_in_turn(used: float, sharing: float, columns: float) -> float:
    """Conversions one after another per read: of the `used` columns of an array, or of as many arrays as share one converter."""
    if sharing > columns:
        return used * sharing / columns
    return min(used, sharing)


@part
def conversion_s(p: Any) -> float:
    """One conversion."""
    return float(p.adc_conversion_s + p.adc_bits * p.adc_s_per_bit)


@part
def cycle_s(used_columns: float, p: Any) -> float:
    """One read with its conversions; never shorter than a clock."""
    turns = columns_in_turn(used_columns, p.columns_per_adc, p.array_columns)
    return float(max(p.read_s, turns * conversion_s(p), 1.0 / p.clock_hz))


@part
def digital_hz(p: Any) -> float:
    """Clock of the digital units."""
    return stated(p.digital_hz, p.clock_hz)


@part
def arrays_per_tile(p: Any) -> float:
    """Arrays of one tile."""
    return float(p.array_count * p.units_per_core * p.cores_per_tile)
