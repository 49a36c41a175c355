"""The family of bit-serial digital arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Table
from hwsim.targets.crossbar.arrays import Geometry, Placed
from hwsim.targets.crossbar.bitserial.array import cell_gates, columns_of, driver_gates, weights_per_row
from hwsim.targets.crossbar.bitserial.primitives import run_primitives
from hwsim.targets.crossbar.bitserial.spec import CODE
from hwsim.targets.crossbar.family import Family, Floats, Plan
from hwsim.targets.crossbar.full_macro import too_fast
from hwsim.targets.crossbar.gates import adder_mm2, flip_flop_mm2, gate_mm2
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored

LEAKS = ("cell_leakage", "adder_leakage", "register_leakage", "driver_leakage", "control_leakage", "decoder_leakage")
PARTS: dict[str, tuple[str, ...]] = {
    "array": ("array_energy", "accumulation_energy", "digital_energy", "cells", "adders", "registers",
              "cell_leakage", "adder_leakage", "register_leakage"),
    "bit_cells": ("array_energy", "cells", "cell_leakage"),  # without their adders
    "adders": ("accumulation_energy", "adders", "adder_leakage"),
    "accumulation": ("accumulation_energy", "adders", "adder_leakage"),
    "registers": ("digital_energy", "registers", "register_leakage"),
    "drivers": ("driver_energy", "drivers", "driver_leakage"),
    "control_register": ("buffer_energy", "control_register", "control_leakage"),
    "decoder": ("decoder", "decoder_leakage"),
    "leakage": LEAKS,
    "dynamic": ("array_energy", "accumulation_energy", "digital_energy", "driver_energy", "buffer_energy"),
}  # fmt: skip
PARTS["macro"] = tuple(dict.fromkeys(name for names in PARTS.values() for name in names))


@dataclass(frozen=True)
class SerialArrays(Geometry):
    """Arrays whose weights take their bits and the growth of the sum in columns."""

    def place(self, matrix: Stored) -> Placed:
        """Lay a matrix out: as many whole weights on a row as fit."""
        per_row = weights_per_row(matrix.weight_bits, self.rows, self.columns)
        row_parts = matrix.blocks * -(-(matrix.inputs // matrix.blocks) // self.rows)
        column_parts = -(-matrix.outputs // per_row)
        arrays = row_parts * column_parts * matrix.groups
        slices = int(columns_of(matrix.weight_bits, self.rows))
        return Placed(slices, 1, row_parts, column_parts, arrays, matrix.weights * slices, arrays * self.rows * self.columns)


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Area by component, mm2: SRAM bits with their multipliers and multiplexers, adders, registers, row drivers, control register, row decoder."""
    gate, register = gate_mm2(p), flip_flop_mm2(p)
    cells, columns = p["arrays"] * p["cell_rows"] * p["cell_columns"], p["arrays"] * p["cell_columns"]
    return {
        "cells": cells * (p["cell_sram_mm2"] + cell_gates(p) * gate),
        "adders": cells * adder_mm2(p),
        "registers": columns * p["registers_per_column"] * register,
        "drivers": p["arrays"] * p["cell_rows"] * driver_gates(p) * gate,
        "control_register": columns * p["control_bits_per_column"] * register,
        "decoder": p["arrays"] * p["cell_rows"] * p["decoder_gates_per_row"] * gate,
    }


def static_w(p: Table) -> Mapping[str, Floats]:
    """Leakage by component, watts: a unit gate's current for every gate's worth of area."""
    per_mm2 = p["gate_leakage_a"] * p["voltage_v"] / gate_mm2(p)
    return {leak: area * per_mm2 for leak, area in zip(LEAKS, area_mm2(p).values(), strict=True)}


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out; the clock is set for its widest weights."""
    most_weights, most_inputs = chip.number("serial_weight_bits"), chip.number("serial_input_bits")
    geometry = SerialArrays(int(chip.number("cell_rows")), int(chip.number("cell_columns")), 1.0, count=int(chip.number("arrays")), packed=False)

    def refuses(op: Op, matrix: Stored) -> str:
        if matrix.weight_bits > most_weights:
            return f"weights of {matrix.weight_bits:g} bits; {chip.name} takes at most {most_weights:g}"
        return f"inputs of {matrix.input_bits:g} bits; {chip.name} takes at most {most_inputs:g}" if matrix.input_bits > most_inputs else ""

    def extra(op: Op, matrix: Stored | None) -> Fields:
        return {} if matrix is None else {"drained": 1.0}

    notes = ("registers that skew the inputs of a pipeline, and buffers, are outside the macro", "columns without weights are clocked all the same",
             "adders switch as often as their inputs: no glitches")  # fmt: skip
    made = stored_plan(graph, options, chip, Rules(geometry, extra=extra, refuses=refuses, assumptions=notes))
    widest = float(made.table.rows["weight_bits"].max()) if len(made.table.rows) else 0.0
    numbers = {"serial_clock_bits": widest}
    return replace(made, numbers={**made.numbers, **numbers}, warnings=(*made.warnings, *too_fast(chip, CODE, numbers)))


FAMILY = Family(
    name="bitserial",
    code=CODE,
    about="digital arrays of SRAM cells with a full adder each, inputs bit by bit",
    plan=plan,
    area_mm2=area_mm2,
    static_w=static_w,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}),
    structural=frozenset({"arrays", "cell_rows", "cell_columns", "serial_weight_bits", "serial_input_bits"}),
    parts=PARTS,
    primitives=run_primitives(PARTS, area_mm2, static_w),
)
