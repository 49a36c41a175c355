"""Price of one operator on macros of C-2C ladders."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.c2c.macro import conversion_j, conversion_s, dac_j, digital_j, ladder_j, row_j, select_j, settling_s
from hwsim.targets.crossbar.gates import adder_f
from hwsim.targets.crossbar.layout import MATRIX


@part
def prepare_c2c(p: Any) -> None:
    """The digital clock is the longer of the two phases, unless one is stated."""
    if p.clock_fixed == 0.0:
        p.clock_hz = 1.0 / max(settling_s(p), conversion_s(p))


@part
def price_c2c(op: Any, p: Any, out: Any) -> None:
    """Cycles and joules of one execution: a vector takes one analog cycle per pass; a matrix in parts goes through sets of weights one after another.

    Rows without weights stay at the middle of the supply and columns without weights are not converted.
    """
    if op.kind != MATRIX:
        return
    parts = op.row_parts * op.column_parts * op.active
    passes = math.ceil(parts * op.duplication / p.arrays)
    out.array = op.rounds * passes * p.phases_per_vector
    changes = 1.0 if parts * op.duplication > p.arrays else 0.0
    inputs = op.input_activity if op.input_activity >= 0.0 else p.average_input_value
    weights = p.average_weight_value * (1.0 - op.pruned)
    seconds = p.phases_per_vector / p.clock_hz
    vectors = op.vectors * op.active
    rows = vectors * op.inputs * op.column_parts
    cells = vectors * op.inputs * op.outputs
    conversions = vectors * op.outputs * op.row_parts
    out.driver_energy = rows * dac_j(p, op.input_bits, inputs, seconds)
    ladders = ladder_j(p, op.weight_bits, inputs, weights, changes) + changes * select_j(p, weights)
    out.array_energy = cells * ladders + rows * row_j(p, inputs)
    out.adc_energy = conversions * conversion_j(p)
    out.digital_energy = op.vectors * parts * p.phases_per_vector * digital_j(p)
    partial = vectors * op.outputs * (op.row_parts - 1.0) * (op.output_bits + math.ceil(math.log2(op.row_parts)))
    out.accumulation_energy = partial * adder_f(p) * p.voltage_v**2
    out.conversions = conversions
    out.roofline = cells * p.phases_per_vector / (p.ladder_rows * p.ladder_columns * p.arrays)
