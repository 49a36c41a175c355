"""Price of one operator on a compute-in-memory macro: vectors pass through the banks that hold its matrix, several banks at once."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.gates import adder_f
from hwsim.targets.crossbar.imc.macro import (
    cells_j,
    column_adc_j,
    column_merge_j,
    column_tree_j,
    critical_path_s,
    cycles_per_vector,
    input_j,
    row_accumulator_j,
)
from hwsim.targets.crossbar.layout import MATRIX


@part
def prepare_imc(p: Any) -> None:
    """The clock is the critical path unless one is stated."""
    if p.clock_fixed == 0.0:
        p.clock_hz = 1.0 / critical_path_s(p)


@part
def price_imc(op: Any, p: Any, out: Any) -> None:
    """Cycles and joules of one execution: `rounds` vectors one after another, each through ceil(parts / banks) passes of the macro.

    Rows and columns without weights neither toggle nor convert. Sums of row parts are added in a pipeline that hides behind the next read.
    """
    if op.kind != MATRIX:
        return
    cycles = cycles_per_vector(p, op.input_bits)
    passes = math.ceil(op.row_parts * op.column_parts * op.active * op.duplication / p.macro_banks)
    out.array = op.rounds * passes * cycles
    toggle, sparsity = p.input_toggle_rate, 1.0 - (1.0 - p.weight_sparsity) * (1.0 - op.pruned)
    if op.input_bits == 1.0 and op.input_activity >= 0.0:
        toggle = min(1.0, op.input_activity)
    vectors = op.vectors * op.active
    columns = op.outputs * p.columns_per_weight
    reads = vectors * cycles * op.row_parts * columns
    products = vectors * cycles * op.inputs * columns
    out.array_energy = products * cells_j(p, toggle, sparsity)
    out.driver_energy = vectors * cycles * op.column_parts * op.inputs * input_j(p, toggle)
    out.adc_energy = reads * column_adc_j(p)
    share = op.inputs / (op.row_parts * p.macro_rows)  # of the rows that add up; trees over idle rows do not switch
    trees = vectors * op.row_parts * columns * (1.0 if p.accumulators_per_row > 0.0 else cycles)
    partial = vectors * op.outputs * (op.row_parts - 1.0) * (op.output_bits + math.ceil(math.log2(op.row_parts)))
    out.accumulation_energy = (
        trees * share * column_tree_j(p, toggle, sparsity)
        + reads * column_merge_j(p, toggle, sparsity)
        + products * row_accumulator_j(p)
        + partial * adder_f(p) * p.voltage_v**2
    )
    out.conversions = reads * p.adcs_per_output * p.transfers_per_cycle
    out.roofline = vectors * cycles * op.inputs * columns / (p.macro_rows * p.macro_columns * p.macro_banks)
