"""The family of charge-domain macros with C-2C ladders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Table
from hwsim.targets.crossbar.adc.sar import bits_scaling
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.c2c.macro import cell_area
from hwsim.targets.crossbar.c2c.primitives import run_primitives
from hwsim.targets.crossbar.c2c.spec import CODE
from hwsim.targets.crossbar.family import Family, Floats, Plan
from hwsim.targets.crossbar.full_macro import too_fast
from hwsim.targets.crossbar.gates import flip_flop_mm2, gate_mm2
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored

PARTS = {
    "adc": ("adc_energy", "converters"),
    "dac": ("driver_energy", "row_converters"),
    "array": ("array_energy", "cells", "cell_leakage"),
    "other": ("digital_energy", "accumulation_energy", "write_path_and_control", "control_leakage"),
    "leakage": ("cell_leakage", "control_leakage"),
}
PARTS["macro"] = tuple(dict.fromkeys(name for names in PARTS.values() for name in names))


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Area by component, mm2."""
    gate, register = gate_mm2(p), flip_flop_mm2(p)
    held = p["ladder_rows"] * (p["ladder_bits"] + 1.0) + p["ladder_columns"] * p["adc_bits"] + p["control_flip_flops"]
    converter = bits_scaling(p["adc_macro_mm2"], p["adc_macro_dac_share"], p["adc_macro_bits"], p["adc_bits"])
    return {
        "cells": p["arrays"] * p["ladder_rows"] * p["ladder_columns"] * cell_area(p),
        "row_converters": p["arrays"] * p["ladder_rows"] * p["dacs_in_row"] * p["dac_gates"] * gate,
        "converters": p["arrays"] * p["ladder_columns"] * converter,
        "write_path_and_control": p["arrays"] * (held * register + p["write_path_gates"] * gate),
    }


def static_w(p: Table) -> Mapping[str, Floats]:
    """Leakage, watts: a unit gate's current for every gate's worth of digital area; an SRAM bit is as small as it is leaky."""
    areas, per_mm2 = area_mm2(p), p["gate_leakage_a"] * p["voltage_v"] / gate_mm2(p)
    bits = p["arrays"] * p["ladder_rows"] * p["ladder_columns"] * p["ladder_bits"]
    digital = bits * (p["stored_sets"] * (p["cell_sram_mm2"] + p["select_gates_per_bit"] * gate_mm2(p)) + p["switch_gates_per_bit"] * gate_mm2(p))
    return {"cell_leakage": digital * per_mm2, "control_leakage": areas["write_path_and_control"] * per_mm2}


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out: one array is one of the sets of weights of one macro; sets of a macro wait for each other."""
    bits = chip.number("ladder_bits")
    geometry = Geometry(int(chip.number("ladder_rows")), int(chip.number("ladder_columns")), bits,
                        count=int(chip.number("arrays") * chip.number("stored_sets")), packed=False)  # fmt: skip

    def refuses(op: Op, matrix: Stored) -> str:
        if matrix.weight_bits > bits:
            return f"weights of {matrix.weight_bits:g} bits; the ladders of {chip.name} have {bits:g}"
        return f"inputs of {matrix.input_bits:g} bits; the ladders of {chip.name} have {bits:g}" if matrix.input_bits > bits else ""

    notes = ("bits of inputs and weights are independent, their mean that of the data",
             "a column is one conversion, whatever the width of the result",
             "sums of row parts are added in a pipeline behind the next cycle")  # fmt: skip

    def extra(op: Op, matrix: Stored | None) -> Fields:
        return {} if matrix is None else {"pruned": 1.0 - op.weight_density}

    made = stored_plan(graph, options, chip, Rules(geometry, extra=extra, refuses=refuses, assumptions=notes))
    return replace(made, warnings=(*made.warnings, *too_fast(chip, CODE)))


FAMILY = Family(
    name="c2c",
    code=CODE,
    about="charge-domain macros with R-2R converters on the rows and C-2C ladders in the cells",
    plan=plan,
    area_mm2=area_mm2,
    static_w=static_w,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}),
    structural=frozenset({"arrays", "ladder_rows", "ladder_columns", "ladder_bits", "stored_sets"}),
    parts=PARTS,
    primitives=run_primitives(PARTS, area_mm2, static_w),
)
